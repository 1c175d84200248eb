"""Writes hard blocks and what other systems make of them into blocks/*.txt, in the form BLOCKS.md describes.

Use: python write_block_vectors.py [--transformer-engine folder] [--ggml folder] [--only inputs,torchao,...]
The folders hold an unpacked transformer-engine wheel and an unpacked llama-cpp-python source distribution.
A system that is missing is skipped aloud and its file is left as it is.
"""

import argparse
import importlib.metadata
import pathlib
import sys
import warnings

import numpy as np

import block_inputs
import block_rules
import block_writers

HERE = pathlib.Path(__file__).resolve().parent / "blocks"
DIGITS = {"ggml_q4_0": 4, "ggml_q8_0": 4, "bitsandbytes_nf4": 8, "deepseek_v3": 8, "deep_gemm": 8}
NARROW = ("e2m1", None)


def hexadecimal(numbers, digits):
    return "".join(f"{int(n):0{digits}x}" for n in numbers)


def write_inputs(tensors):
    for name, chosen in {"inputs_32": ["mx", "mx_special"], "inputs_64": ["nf4"], "inputs_128": ["fp8"],
                         "inputs_16": [n for n in tensors if n.startswith("two_level")]}.items():
        lines = ["# float32 bits, a line a block: made by tests/golden/write_block_vectors.py, read as BLOCKS.md says"]
        for tensor in chosen:
            lines.append(f"tensor {tensor} {tensors[tensor].shape[1]}")
            lines += [hexadecimal(block, 8) for block in tensors[tensor]]
        save(name, lines)


def save(name, lines):
    path = HERE / f"{name}.txt"
    path.write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines)} lines, {path.stat().st_size} bytes", flush=True)


def write_cases(title, cases, tensors):
    files = {}
    for case in cases:
        answer, name = case.pop("answer"), case.pop("file", case["system"])
        bits = tensors[case["input"]]
        with np.errstate(all="ignore"):
            scales, codes, tensor_scale, defined = answer(bits)
        element = case.get("element")
        wide = element not in NARROW or case["system"] in ("ggml_q8_0", "deepseek_v3", "deep_gemm")
        header = "case " + " ".join(f"{key}={value}" for key, value in case.items())
        lines = [header + (f" tensor_scale={int(tensor_scale):08x}" if tensor_scale is not None else "")]
        digits = DIGITS.get(case["system"], 2)
        for scale, block, sure in zip(scales, codes, defined):
            lines.append(f"{int(scale):0{digits}x} {hexadecimal(block, 2 if wide else 1)}" if sure else "-")
        files.setdefault(name, []).extend(lines)
    for name, lines in files.items():
        save(name, [f"# {title}: written by tests/golden/write_block_vectors.py, read as BLOCKS.md says", *lines])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transformer-engine")
    parser.add_argument("--ggml")
    names = ["inputs", "torchao", "compressed_tensors", "modelopt", "transformer_engine", "ggml", "bitsandbytes", "published"]
    parser.add_argument("--only", default=",".join(names))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    HERE.mkdir(exist_ok=True)
    tensors = block_inputs.all_tensors()

    def version(package):
        return f"{package} {importlib.metadata.version(package)}"

    for name in options.only.split(","):
        try:
            if name == "inputs":
                write_inputs(tensors)
            elif name == "torchao":
                write_cases(version("torchao"), block_writers.cases_of_torchao(), tensors)
            elif name == "compressed_tensors":
                write_cases(version("compressed-tensors"), block_writers.cases_of_compressed_tensors(), tensors)
            elif name == "modelopt":
                write_cases(version("nvidia-modelopt"), block_writers.cases_of_modelopt(), tensors)
            elif name == "transformer_engine":
                if not options.transformer_engine:
                    raise ImportError("no --transformer-engine folder given")
                title = next(pathlib.Path(options.transformer_engine).glob("transformer_engine-*.dist-info")).stem
                write_cases(title.replace("-", " "),
                            block_writers.cases_of_transformer_engine(options.transformer_engine), tensors)
            elif name == "ggml":
                if not options.ggml:
                    raise ImportError("no --ggml folder given")
                title = next(pathlib.Path(options.ggml).glob("llama_cpp_python-*")).name
                write_cases(f"ggml as in {title.replace('-', ' ')}", block_writers.cases_of_ggml(options.ggml), tensors)
            elif name == "bitsandbytes":
                write_cases(version("bitsandbytes"), block_writers.cases_of_bitsandbytes(), tensors)
            elif name == "published":
                write_cases("published rules, restated", block_rules.cases_of_published_rules(), tensors)
        except ImportError as missing:
            print(f"SKIPPED {name}: {missing}", file=sys.stderr)


if __name__ == "__main__":
    main()
