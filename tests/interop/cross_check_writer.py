"""Compares the writer with the reference package over random tensors.

    pip install safetensors==0.8.0
    c++ -std=c++20 -O2 -Iinclude tests/interop/cross_check_writer.cpp -o cross_check_writer
    python tests/interop/cross_check_writer.py ./cross_check_writer 20000

The package writes a file, our writer writes its tensors again, in pieces: the package must read ours alike, and with at
most one pair of metadata (the package's order of several changes from run to run) the bytes must be the same.
"""
import collections
import ctypes
import random
import subprocess
import sys

import safetensors

from write_fixtures import DTYPES

SEED = 3
WORDS = ["w", "weight", "layer.0", "\u00e4", "\U0001f600", '"', "\\", "\n", "\t", "\x01", "\x7f", "/", " ", "\u2028", ".", ""]


def text(rng):
    return "".join(rng.choice(WORDS) for _ in range(rng.randrange(4)))


def file(rng):
    specs, alive = {}, []
    for _ in range(rng.randrange(8)):
        name = text(rng)
        if name == "__metadata__":
            continue
        dtype, bits = rng.choice([d for d in DTYPES.values() if d[0] is not None])
        shape = [rng.randrange(4) for _ in range(rng.randrange(4))]
        size = bits if bits >= 8 else 8
        for extent in shape:
            size *= extent
        data = rng.randbytes(size // 8)
        if bits == 4 and not shape:
            continue  # the package takes the bytes' shape there, and a scalar has no last extent to double
        alive.append(ctypes.create_string_buffer(data, max(len(data), 1)))
        specs[name] = safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(alive[-1]),
                                             data_len=len(data))
    metadata = {text(rng): text(rng) for _ in range(rng.choice((0, 1, 1, 3)))}
    return bytes(safetensors.serialize(specs, metadata=metadata or None)), len(metadata)


def seen(content):
    return {n: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for n, t in safetensors.deserialize(content)}


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    rng = random.Random(SEED)
    files = [file(rng) for _ in range(rounds)]
    framed = b"".join(len(f).to_bytes(4, "little") + f for f, _ in files)
    answer = subprocess.run([program], input=framed, stdout=subprocess.PIPE, check=True).stdout
    counts, at = collections.Counter(), 0
    for theirs, pairs in files:
        size = int.from_bytes(answer[at:at + 4], "little")
        ours = answer[at + 4:at + 4 + size]
        at += 4 + size
        if not ours or seen(ours) != seen(theirs):
            verdict = "WRONG: refused or read otherwise"
        elif ours == theirs:
            verdict = "the same bytes"
        else:
            verdict = "read alike, metadata in another order" if pairs > 1 else "WRONG: other bytes"
        counts[verdict] += 1
        if verdict.startswith("WRONG") and counts[verdict] <= 3:
            print(theirs, "->", ours)
    for verdict, count in counts.most_common():
        print(f"{count:8} {verdict}")
    sys.exit(1 if any(v.startswith("WRONG") for v in counts) or at != len(answer) else 0)


if __name__ == "__main__":
    main()
