"""Compares the int4 layouts with the packages that own them, on random layers.

    pip install: see write_int4_fixtures.py; what is missing is skipped, aloud
    c++ -std=c++20 -O2 -Iinclude tests/interop/cross_check_int4.cpp -o cross_check_int4
    python tests/interop/cross_check_int4.py ./cross_check_int4 [layers of each kind, 40]

A package packs a layer; the program reads it, prints its values and writes it back to the same bytes. The values must be
those of the package's own decoding, rounded as it rounds.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np

    import write_int4_fixtures as packages
except ImportError as missing:
    sys.exit(print(f"SKIPPED: all: {missing}"))

SEED = 12


def run(program, folder, layout, tensors, rows, columns, group, **more):
    path = pathlib.Path(folder) / "layer.safetensors"
    packages.save(str(path), tensors, {"layout": layout, "rows": str(rows), "columns": str(columns),
                                       "group": str(group), **{k: str(v) for k, v in more.items()}})
    done = subprocess.run([program, str(path), f"{folder}/values"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{layout} [{rows}, {columns}], group {group}: {done.stderr}")
    return np.fromfile(f"{folder}/values", np.float32).reshape(rows, columns)


def expect(same, *what):
    if not same:
        sys.exit(f"values differ: {what}")


def group_of(rng, columns):
    group = int(rng.choice([g for g in (0, 32, 64, 128) if g == 0 or columns % g == 0]))
    return group, group or columns


def awq(rng, check):
    rows, columns = 32 * int(rng.integers(1, 5)), 32 * int(rng.integers(1, 9))
    group, size = group_of(rng, columns)
    tensors = packages.awq_tensors(*packages.groups_of(rng, 4, rows, columns, size), size)
    decode = sys.modules["awq.utils.packing_utils"].dequantize_gemm
    theirs = decode(tensors["qweight"], tensors["qzeros"], tensors["scales"], 4, size).t().numpy()
    ours = check("awq", tensors, rows, columns, group)
    expect(np.array_equal(ours.astype(np.float16), theirs), "awq", rows, columns, group)


def gptq(rng, check):
    import torch
    bits = int(rng.choice([2, 3, 4, 8]))
    rows, columns = 32 * int(rng.integers(1, 5)), 32 * int(rng.integers(1, 9))
    group, size = group_of(rng, columns)
    g_idx = rng.permutation(columns) // size if rng.integers(2) else np.arange(columns) // size
    codes, zeros, scales = packages.groups_of(rng, bits, rows, columns, size, lowest_zero=1)
    tensors = packages.gptq_tensors(bits, codes, zeros, scales, size, g_idx)
    layer = packages.autogptq("cuda")(bits, size, columns, rows, False)
    for key, value in tensors.items():
        setattr(layer, key, value)
    layer.autogptq_cuda_available = False
    # Its zero points of 8 bits overflow an int16 no more than these codes do.
    theirs = layer(torch.eye(columns, dtype=torch.float16)).t().numpy()
    ours = check(f"gptq{bits}", tensors, rows, columns, group)
    expect(np.array_equal(ours.astype(np.float16), theirs), "gptq", bits, rows, columns, group)


def marlin(rng, check):
    rows, columns = 256 * int(rng.integers(1, 3)), 128 * int(rng.integers(1, 4))
    size = int(rng.choice([128, columns]))
    codes, _, scales = packages.groups_of(rng, 4, rows, columns, size)
    tensors = packages.marlin_tensors(codes - 8, scales, size)
    theirs = (codes - 8) * np.repeat(scales.astype(np.float64), size, 1)
    ours = check("marlin", tensors, rows, columns, 128 if size == 128 else 0)
    expect(np.array_equal(ours, theirs.astype(np.float32)), "marlin", rows, columns, size)


def hqq(rng, check):
    import torch
    from hqq.core.quantize import Quantizer
    rows, columns = 2 * int(rng.integers(1, 40)), 64 * int(rng.integers(1, 5))
    weights = torch.from_numpy(rng.standard_normal((rows, columns)).astype(np.float32))
    packed, meta = Quantizer.quantize(weights, nbits=4, group_size=64, axis=1, optimize=False,
                                      round_zero=bool(rng.integers(2)), device="cpu", compute_dtype=torch.float16)
    scale, zero = meta["scale"].half(), meta["zero"].half()
    theirs = (Quantizer.unpack["4bit_u8"](packed).double() - zero.double()) * scale.double()
    ours = check("hqq", {"W_q": packed, "scale": scale, "zero": zero}, rows, columns, 64)
    expect(np.array_equal(ours, theirs.reshape(rows, columns).float().numpy()), "hqq", rows, columns)


def bitsandbytes(rng, check):
    import torch
    from bitsandbytes import functional
    rows, columns, nested = int(rng.integers(1, 300)), int(rng.integers(1, 300)), int(rng.integers(2))
    blocksize = int(rng.choice([64, 128, 256]))
    weights = torch.from_numpy(rng.standard_normal((1, rows * columns)).astype(np.float32))
    packed, state = functional.quantize_4bit(weights, blocksize=blocksize, quant_type="nf4",
                                             compress_statistics=bool(nested))
    tensors = {"weight": packed, **{k: v for k, v in state.as_dict(packed=True).items() if "quant_state" not in k}}
    if nested:
        tensors["offset"] = state.offset.reshape(1)
    # One row: the package's CPU kernel reads some matrices wrongly whose rows are no multiple of the block.
    theirs = functional.dequantize_4bit(packed, state).reshape(rows, columns).numpy()
    ours = check("bitsandbytes", tensors, rows, columns, 0, nested=nested, blocksize=blocksize)
    expect(np.array_equal(ours.view(np.uint32), theirs.view(np.uint32)), "bitsandbytes", rows, columns, nested)


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    packages.print = lambda *_: None
    for kind in (awq, gptq, marlin, hqq, bitsandbytes):
        rng = np.random.default_rng(SEED)
        with tempfile.TemporaryDirectory() as folder:
            try:
                for _ in range(count):
                    kind(rng, lambda *a, **k: run(sys.argv[1], folder, *a, **k))
            except ImportError as missing:
                print(f"SKIPPED: {kind.__name__}: {missing}")
                continue
        print(f"{kind.__name__}: {count} layers equal")
