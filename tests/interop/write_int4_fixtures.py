"""Writes the fixtures of the int4 layouts with the packages that own them.

    pip install torch==2.15.0 numpy==2.4.6 bitsandbytes==0.50.2 termcolor tqdm
    pip install --no-deps autoawq==0.2.9 auto-gptq==0.7.1 hqq==0.2.8.post1
    python tests/interop/write_int4_fixtures.py

AutoAWQ and AutoGPTQ are imported file by file: their packing needs torch alone, their packages much more. GPTQ version 2
and KIVI are written here in numpy from the sources' description (GPTQModel 5, utils/model.py; KIVI, quant/new_pack.py).
"""
import importlib
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
TYPES = {"float32": "F32", "float16": "F16", "uint8": "U8", "int32": "I32"}


def save(name, tensors, metadata=None):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for key, value in tensors.items():
        array = np.ascontiguousarray(value.numpy() if isinstance(value, torch.Tensor) else value)
        header[key] = {"dtype": TYPES[str(array.dtype)], "shape": list(array.shape),
                       "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(name)
    path = path if path.is_absolute() else HERE / "fixtures" / f"{name}.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    print(f"{path.name}: {path.stat().st_size} bytes")


def stub(name, **attributes):
    """A package whose __init__ is not run, so that one file of it can be imported."""
    if name in sys.modules:
        return sys.modules[name]
    module = types.ModuleType(name)
    parent, _, child = name.rpartition(".")
    if parent:
        module.__path__ = [f"{p}/{child}" for p in sys.modules[parent].__path__]
    elif not attributes:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ImportError(f"no package {name}")
        module.__path__ = list(spec.submodule_search_locations)
    else:
        module.__path__ = []
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def autoawq():
    for name in ("awq", "awq.modules", "awq.modules.linear", "awq.utils"):
        stub(name)
    stub("awq.utils.utils", get_best_device=lambda: "cpu")
    return importlib.import_module("awq.modules.linear.gemm").WQLinear_GEMM


def autogptq(kind):
    transformers = stub("transformers", stubbed=True)
    transformers.pytorch_utils = stub("transformers.pytorch_utils", Conv1D=type("Conv1D", (), {}))
    for name in ("auto_gptq", "auto_gptq.nn_modules", "auto_gptq.nn_modules.qlinear"):
        stub(name)
    torch.cuda.get_device_capability = lambda *_: (8, 0)  # Marlin's packing asks, and needs no device
    return importlib.import_module(f"auto_gptq.nn_modules.qlinear.qlinear_{kind}").QuantLinear


def groups_of(rng, bits, rows, columns, group, lowest_zero=0):
    """Codes [N, K], zero points and scales [N, G]. Scales are powers of two times 1 to 2: w / scale is exact enough."""
    count = -(-columns // group)
    codes = rng.integers(0, 1 << bits, (rows, columns))
    zeros = rng.integers(lowest_zero, 1 << bits, (rows, count))
    scales = (rng.integers(1024, 2048, (rows, count)) / 2.0**16).astype(np.float16)
    return codes, zeros, scales


def linear_of(weights):
    layer = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    layer.weight.data = weights
    return layer


def awq_tensors(codes, zeros, scales, group):
    """The package's own packing of these codes."""
    rows, columns = codes.shape
    s, z = torch.from_numpy(scales.astype(np.float32)), torch.from_numpy(zeros.astype(np.float32))
    weights = (torch.from_numpy(codes).float() - z.repeat_interleave(group, 1)) * s.repeat_interleave(group, 1)
    packed = autoawq().from_linear(linear_of(weights), 4, group, scales=s.t().contiguous(), zeros=z.t().contiguous())
    return {"qweight": packed.qweight, "qzeros": packed.qzeros, "scales": packed.scales}


def gptq_tensors(bits, codes, zeros, scales, group, g_idx=None):
    rows, columns = codes.shape
    s, z = torch.from_numpy(scales.astype(np.float32)), torch.from_numpy(zeros.astype(np.float32))
    index = torch.from_numpy(g_idx) if g_idx is not None else torch.arange(columns) // group
    weights = (torch.from_numpy(codes).float() - z[:, index]) * s[:, index]
    layer = autogptq("cuda")(bits, group, columns, rows, False)
    layer.pack(linear_of(weights.half()), s.half(), z.clone(), index.int() if g_idx is not None else None)
    return {"qweight": layer.qweight, "qzeros": layer.qzeros, "scales": layer.scales, "g_idx": layer.g_idx.int()}


def by_words(bits, codes):
    """Codes [rows, n] as one stream of bits, low first: I32 [rows, n bits / 32]."""
    stream = ((codes[..., None] >> np.arange(bits)) & 1).reshape(codes.shape[0], -1).astype(np.uint8)
    return np.packbits(stream, axis=1, bitorder="little").view(np.int32)


def write_awq():
    rng = np.random.default_rng(1)
    codes, zeros, scales = groups_of(rng, 4, 32, 96, 32)
    save("awq", {**awq_tensors(codes, zeros, scales, 32), "codes": codes.astype(np.uint8),
                 "zeros": zeros.astype(np.uint8)}, {"writer": "autoawq 0.2.9"})


def write_gptq():
    rng = np.random.default_rng(2)
    tensors = {}
    codes = rng.integers(0, 256, (32, 64))
    tensors["codes"] = codes.astype(np.uint8)
    for bits in (2, 3, 4, 8):
        _, zeros, scales = groups_of(rng, bits, 32, 64, 32, lowest_zero=1)
        packed = gptq_tensors(bits, codes % (1 << bits), zeros, scales, 32)
        tensors |= {f"{bits}.{key}": value for key, value in packed.items() if key != "g_idx"}
        tensors[f"{bits}.zeros"] = zeros.astype(np.uint8)
        tensors[f"{bits}.v2.qzeros"] = by_words(bits, zeros.T)  # the description, not the package
    g_idx = rng.permutation(64) // 32
    _, zeros, scales = groups_of(rng, 4, 32, 64, 32, lowest_zero=1)
    packed = gptq_tensors(4, codes % 16, zeros, scales, 32, g_idx)
    tensors |= {f"act.{key}": value for key, value in packed.items()} | {"act.zeros": zeros.astype(np.uint8)}
    # GPTQModel's way from version 2 to 1: one subtraction of a word, with zero points of 0.
    zeros = rng.integers(0, 16, (32, 2))
    zeros[::5] = 0
    borrowed = (by_words(4, zeros.T).view(np.uint32) - np.uint32(0x11111111)).view(np.int32)
    tensors |= {"borrow.qzeros": borrowed, "borrow.zeros": zeros.astype(np.uint8)}
    save("gptq", tensors, {"writer": "auto-gptq 0.7.1"})


def fnv(array):
    value = 0xCBF29CE484222325
    for byte in np.ascontiguousarray(array).tobytes():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def marlin_tensors(codes, scales, group):
    """Marlin's own packing of codes -8 .. 7."""
    rows, columns = codes.shape
    s = torch.from_numpy(scales.astype(np.float32))
    weights = torch.from_numpy(codes).float() * s.repeat_interleave(group, 1)
    layer = autogptq("marlin")(4, group, columns, rows, False)
    layer.pack(linear_of(weights.half()), s.half())
    return {"B": layer.B, "s": layer.s}


def marlin_case(rows, columns, group):
    """Codes and scales by a formula that the test repeats: the packed tensors are too large to store."""
    n, k = np.arange(rows)[:, None], np.arange(columns)[None, :]
    codes = (n * 7 + k * 5 + n * k // 3 + (n >> 4) * 3 + (k >> 4)) % 16 - 8
    g = np.arange(columns // group)[None, :]
    scales = ((1024 + (n * 37 + g * 11) % 1024) / 2.0**16).astype(np.float16)
    return codes, scales


def write_marlin():
    lines = ["# auto-gptq 0.7.1, qlinear_marlin: rows columns group, FNV-1a-64 of B, of s, first four words of B"]
    for rows, columns, group in ((256, 128, 128), (256, 256, 128), (512, 384, 128), (256, 384, 384)):
        packed = marlin_tensors(*marlin_case(rows, columns, group), group)
        first = " ".join(f"{word & 0xFFFFFFFF:08x}" for word in packed["B"].reshape(-1)[:4].tolist())
        lines.append(f"{rows} {columns} {group} {fnv(packed['B'].numpy()):016x} {fnv(packed['s'].numpy()):016x} {first}")
    (HERE / "fixtures" / "marlin.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def write_bitsandbytes():
    from bitsandbytes import functional
    torch.manual_seed(3)
    tensors, states = {}, {}
    for name, shape, blocksize, nested, kind in (
            ("plain", (4, 128), 64, False, "nf4"), ("nested", (129, 128), 64, True, "nf4"),
            ("across", (3, 100), 64, False, "nf4"), ("odd", (3, 21), 64, False, "nf4"),
            ("wide", (2, 256), 128, False, "nf4"), ("fp4", (3, 128), 64, False, "fp4")):
        weights = torch.randn(shape) * 0.02
        packed, state = functional.quantize_4bit(weights, blocksize=blocksize, quant_type=kind,
                                                 compress_statistics=nested)
        values = functional.dequantize_4bit(packed, state)
        parts = state.as_dict(packed=True)
        tensors[f"{name}.weight"] = packed
        for key, value in parts.items():
            if "quant_state" in key:
                states[name] = bytes(value.numpy()).decode()
            else:
                tensors[f"{name}.{key}"] = value
        if nested:
            tensors[f"{name}.scales"] = functional.dequantize_blockwise(state.absmax, state.state2) + state.offset
            tensors[f"{name}.offset"] = state.offset.reshape(1)
            values = values[-2:]
        tensors[f"{name}.values"] = values
    save("bitsandbytes", tensors, {"writer": "bitsandbytes 0.50.2", **states})


def write_hqq():
    from hqq.core.quantize import Quantizer
    torch.manual_seed(4)
    tensors = {}
    for name, rounded in (("rounded", True), ("real", False)):
        weights = torch.randn(12, 128)
        packed, meta = Quantizer.quantize(weights, nbits=4, group_size=64, axis=1, optimize=False, round_zero=rounded,
                                          device="cpu", compute_dtype=torch.float16)
        scale, zero = meta["scale"].half(), meta["zero"].half()
        codes = Quantizer.unpack["4bit_u8"](packed)
        exact = ((codes.double() - zero.double()) * scale.double()).reshape(12, 128).float()
        tensors |= {f"{name}.W_q": packed, f"{name}.scale": scale, f"{name}.zero": zero, f"{name}.values": exact}
    save("hqq", tensors, {"writer": "hqq 0.2.8.post1"})


def write_kivi():
    """KIVI, quant/new_pack.py: keys [D, T] along tokens, values [T, D] along channels; codes low first in words."""
    rng = np.random.default_rng(5)
    tensors = {}
    for bits, group in ((2, 32), (4, 64)):
        codes = rng.integers(0, 1 << bits, (6, 128))
        scales = (rng.integers(1024, 2048, (6, 128 // group)) / 2.0**14).astype(np.float16)
        minimums = (rng.integers(-2048, 2048, (6, 128 // group)) / 2.0**10).astype(np.float16)
        values = codes * np.repeat(scales.astype(np.float64), group, 1) + np.repeat(minimums.astype(np.float64), group, 1)
        tensors |= {f"{bits}.code": by_words(bits, codes), f"{bits}.scale": scales, f"{bits}.mn": minimums,
                    f"{bits}.tokens": np.ascontiguousarray(by_words(bits, codes).T),
                    f"{bits}.values": values.astype(np.float32)}
    save("kivi", tensors, {"writer": "numpy 2.4.6, after KIVI quant/new_pack.py"})


if __name__ == "__main__":
    torch.set_num_threads(1)
    (HERE / "fixtures").mkdir(exist_ok=True)
    for write in (write_awq, write_gptq, write_marlin, write_bitsandbytes, write_hqq, write_kivi):
        write()
