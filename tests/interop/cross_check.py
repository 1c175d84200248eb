"""Compares the reader with the reference package over mutated files.

    pip install safetensors==0.8.0
    c++ -std=c++20 -O2 -Iinclude tests/interop/cross_check.cpp -o cross_check
    python tests/interop/cross_check.py ./cross_check 200000

What the reader accepts, the package must accept and see alike. What the package accepts and the reader refuses must be
one of the differences that docs/interop/safetensors.md lists; each is counted.
"""
import collections
import json
import pathlib
import random
import subprocess
import sys

import safetensors

SEED = 7
BATCH = 20000
HERE = pathlib.Path(__file__).parent

# The reader's sentence, for each documented difference.
STRICTER = {
    "the header does not begin with '{'": "white space before the header",
    "' occurs twice": "a metadata key twice",
    "unknown key": "an unknown key in a tensor",
    "expected an object at": "a tensor as an array, or __metadata__ as null",
    "shape has more than 64 dimensions": "more than 64 dimensions",
    "shape does not fit 64 bits": "a product that overflows beside a zero extent",
}

WORDS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"0", b"1", b"-1", b"1e9", b"1.5",
         b"4294967296", b"18446744073709551615", b"18446744073709551616", b"null", b"true", b'"dtype":', b'"shape":',
         b'"data_offsets":', b'"__metadata__":', b'"__metadata__":null,', b'"F4"', b'"U8"', b" ", b"\n", b"\xff", b"[0,0]",
         b"{}", b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},', b'"x":1,', b'"x":"y",', b"[0,4294967296,4294967296]",
         b'["U8",[1],[0,1]]', b"[" + b"1," * 65 + b"1]"]


def mutate(rng, seeds):
    file = rng.choice(seeds)
    length = int.from_bytes(file[:8], "little")
    if length > len(file) - 8:
        return file
    header, data = bytearray(file[8:8 + length]), file[8 + length:]
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        at = rng.randrange(len(header) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(header):
            header[at] = rng.randrange(256)
        elif kind == 1:
            del header[at:at + rng.randrange(1, 8)]
        elif kind == 2:
            header[at:at] = rng.choice(WORDS)
        elif kind == 3:
            first = rng.randrange(len(header) + 1)
            header[at:at] = header[first:first + rng.randrange(1, 70)]
        elif kind == 4 and at < len(header) and chr(header[at]).isdigit():
            header[at:at + 1] = str(rng.randrange(20)).encode()
        else:
            numbers = [i for i, c in enumerate(header) if chr(c).isdigit()]
            if numbers:
                header[rng.choice(numbers)] = rng.choice(b"0123456789")
    if rng.randrange(20) == 0:
        data = data[:rng.randrange(len(data) + 1)]
    return len(header).to_bytes(8, "little") + bytes(header) + data


def reference(file):
    try:
        tensors = safetensors.deserialize(file)
    except Exception:
        return None
    return collections.Counter((n.encode().hex(), t["dtype"], tuple(t["shape"]), len(t["data"])) for n, t in tensors)


def repeats_a_name(file):
    """The package reads the last of two entries of one name; the reader may refuse the first for any reason."""
    header = file[8:8 + int.from_bytes(file[:8], "little")]
    names = []
    json.loads(header, object_pairs_hook=lambda pairs: names.append([name for name, _ in pairs]))
    return len(set(names[-1])) < len(names[-1])  # the hook sees the outermost object last


def answers(program, files):
    framed = b"".join(len(f).to_bytes(4, "little") + f for f in files)
    lines = subprocess.run([program], input=framed, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    assert len(lines) == len(files)
    return lines


def tensors_of(line):
    seen = collections.Counter()
    for field in line.split(" ")[1:]:
        name, dtype, shape, size = field.split(":")
        seen[(name, dtype, tuple(int(e) for e in shape.split(",")[:-1]), int(size))] += 1
    return seen


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    rng = random.Random(SEED)
    seeds = [p.read_bytes() for p in sorted((HERE / "fixtures").glob("*.safetensors"))]
    seeds += [p.read_bytes() for p in sorted((HERE.parent / "fuzz/corpus/safetensors").iterdir())]
    seeds += 4 * [file for file in seeds if reference(file) is not None]
    counts = collections.Counter()
    wrong = 0
    for done in range(0, rounds, BATCH):
        files = [mutate(rng, seeds) for _ in range(min(BATCH, rounds - done))] + (seeds if done == 0 else [])
        for file, line in zip(files, answers(program, files)):
            theirs = reference(file)
            if line.startswith("ok"):
                verdict = "both accept, alike" if theirs == tensors_of(line) else "WRONG: accepted alone or read otherwise"
            elif theirs is None:
                verdict = "both refuse"
            else:
                known = [why for sentence, why in STRICTER.items() if sentence in line]
                known += ["a tensor's name twice"] if repeats_a_name(file) else []
                verdict = "stricter: " + known[0] if known else "WRONG: refused alone: " + line
            counts[verdict] += 1
            if verdict.startswith("WRONG"):
                wrong += 1
                if wrong <= 5:
                    print(file, "->", line)
    for verdict, count in counts.most_common(30):
        print(f"{count:8} {verdict}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
