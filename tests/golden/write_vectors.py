"""Writes other libraries' answers into vectors/*.txt, in the form README.md describes.

Use: python write_vectors.py [--cuda path-to-cuda_vectors] [--only ml_dtypes,torch,cuda,gfloat]
A system that is missing is skipped aloud and its file is left as it is.
"""

import argparse
import hashlib
import pathlib
import subprocess
import sys
import warnings

import numpy as np

import runs
from systems import cases_of_gfloat, cases_of_ml_dtypes, cases_of_torch, quirks_of_cuda

HERE = pathlib.Path(__file__).resolve().parent
LONGEST_LIST = 600  # longer run lists are stored as a digest


def case_lines(case):
    """A case is a dict: the header's keys, plus 'convert' (bits -> codes) and optionally first, last, nans."""
    convert = case.pop("convert")
    first, last, nans = case.pop("first", None), case.pop("last", None), case.pop("nans", True)
    sample, longest = case.pop("sample", 1_000_000), case.pop("longest", LONGEST_LIST)
    order = runs.Order(case["from"])
    found = runs.find_runs(order, convert, first, last, sample)
    if last is not None:
        found.append((last + 1, 0xFFFF))  # the end of what is recorded
    lines = runs.run_lines(order, found)
    header = "case " + " ".join(f"{key}={value}" for key, value in case.items())
    body = lines if len(lines) <= longest else [runs.digest_line(lines)]
    if nans:
        inputs = order.nans()
        body += [f"at {b:x} {c:x}" for b, c in zip(inputs.tolist(), convert(inputs).tolist())]
    return [header, *body]


def table_lines(case):
    """A case whose input is every code: 'codes' holds the answers in order, 'digits' their width."""
    codes, digits, digested = case.pop("codes"), case.pop("digits"), case.pop("digested", False)
    header = "case " + " ".join(f"{key}={value}" for key, value in case.items())
    text = "".join(f"{c:0{digits}x}" for c in codes)
    return [header, f"digest {len(codes)} {hashlib.sha256(text.encode()).hexdigest()}" if digested else f"all {text}"]


def write(name, version, cases):
    lines = [f"# {name} {version}: written by tests/golden/write_vectors.py, read as tests/golden/README.md says"]
    count = 0
    for case in cases:
        lines += table_lines(case) if "codes" in case else case_lines(case)
        count += 1
    path = HERE / "vectors" / f"{name}.txt"
    path.write_text("\n".join(lines) + "\n")
    print(f"{name} {version}: {count} cases, {path.stat().st_size} bytes", flush=True)


def cases_of_cuda(program):
    sources = {"float32": "float", "float64": "double", "fp16": "half", "bf16": "bf16"}
    rounding = {"nearest": "nearest_even", "zero": "toward_zero", "posinf": "upward"}
    targets = [(t, s, "nearest") for t in ("e4m3", "e5m2") for s in ("satfinite", "nosat")]
    targets += [(t, "satfinite", r) for t in ("e2m3", "e3m2", "e2m1") for r in ("nearest", "zero")]
    targets += [("e8m0", s, r) for s in ("satfinite", "nosat") for r in ("zero", "posinf")]
    for source, word in sources.items():
        for target, saturation, mode in targets:

            def convert(bits, command=(program, word, target, saturation, mode)):
                answer = subprocess.run(command, input=bits.tobytes(), capture_output=True, check=True)
                return np.frombuffer(answer.stdout, dtype=np.uint8).astype(np.int64)

            yield {
                "system": "cuda",
                "from": source,
                "to": "ue8m0" if target == "e8m0" else target,
                "rounding": rounding[mode],
                "overflow": "saturate" if saturation == "satfinite" else "no_saturate",
                "sign": "drop" if target == "e8m0" else "keep",
                **quirks_of_cuda(source, target),
                "convert": convert,
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuda", help="the program built from cuda_vectors.cu")
    parser.add_argument("--only", default="ml_dtypes,torch,cuda,gfloat")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    (HERE / "vectors").mkdir(exist_ok=True)
    for name in options.only.split(","):
        try:
            if name == "cuda":
                if not options.cuda:
                    raise ImportError("no --cuda program given")
                write("cuda", "13.0", cases_of_cuda(options.cuda))
                continue
            module = __import__(name)
        except ImportError as missing:
            print(f"SKIPPED {name}: {missing}", file=sys.stderr)
            continue
        cases = {"ml_dtypes": cases_of_ml_dtypes, "torch": cases_of_torch, "gfloat": cases_of_gfloat}[name]
        write(name, module.__version__ if hasattr(module, "__version__") else "0.5.2", cases())


if __name__ == "__main__":
    main()
