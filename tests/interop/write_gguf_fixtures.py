"""Writes GGUF fixtures with the reference package, its dequantised values beside the blocks.

    pip install gguf==0.19.0
    python tests/interop/write_gguf_fixtures.py

Tensor "T" holds blocks of type T, "T.values" what the package's dequantize makes of them. Tensor "T.of_source" is what
its quantize makes of "source". Blocks are random bits with finite scales: every code, scale and minimum occurs.
"""
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFValueType as V

FOLDER = pathlib.Path(__file__).parent / "fixtures"
SEED = 5

SMALL = [T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.IQ4_NL, T.MXFP4, T.NVFP4]
LARGE = [T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.IQ4_XS, T.TQ1_0, T.TQ2_0]
# Where the fp16 numbers of a block are.
HALVES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.IQ4_NL: [0], T.Q2_K: [80, 82],
          T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_XS: [0], T.TQ1_0: [52], T.TQ2_0: [64]}


def random_blocks(rng, of_type, count):
    elements, size = gguf.GGML_QUANT_SIZES[of_type]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES.get(of_type, []):
        halves = rng.integers(0, 0x7c00, count, dtype=np.uint16)  # finite
        halves |= rng.integers(0, 2, count, dtype=np.uint16) << 15
        blocks[:, at:at + 2] = halves.astype("<u2").view(np.uint8).reshape(count, 2)
    if of_type == T.MXFP4:
        blocks[:, 0] = rng.integers(100, 150, count)  # 255 is NaN: the package reads a number
        blocks[:2, 0] = np.arange(count)[:2]          # its scales below 2^-126
    if of_type == T.NVFP4:
        blocks[:, :4] = rng.integers(0, 0x7f, (count, 4))  # 127 is NaN: the package reads 0
    if of_type == T.TQ2_0:  # bits 3 are no code
        digits = rng.integers(0, 3, (count, 64, 4), dtype=np.uint8)
        blocks[:, :64] = digits[..., 0] | digits[..., 1] << 2 | digits[..., 2] << 4 | digits[..., 3] << 6
    return blocks.reshape(1, -1)


def values_fixture(name, types, count, source=None):
    rng = np.random.default_rng(SEED)
    writer = gguf.GGUFWriter(FOLDER / name, "fixture")
    for of_type in types:
        number = max(1, count // gguf.GGML_QUANT_SIZES[of_type][0])
        blocks = random_blocks(rng, of_type, number)
        values = gguf.quants.dequantize(blocks, of_type)
        assert np.isfinite(values).all(), of_type
        writer.add_tensor(of_type.name, blocks, raw_dtype=of_type)
        writer.add_tensor(of_type.name + ".values", values)
    if source is not None:
        writer.add_tensor("source", source)
        for of_type in (T.Q4_0, T.Q8_0, T.MXFP4):
            writer.add_tensor(of_type.name + ".of_source", gguf.quants.quantize(source, of_type), raw_dtype=of_type)
    finish(writer)


def source_values():
    rng = np.random.default_rng(SEED)
    source = rng.standard_normal((2, 96)).astype(np.float32)
    source[0, 32:64] *= np.float32(1e-6)
    source[1, :32] = np.round(source[1, :32] * 4) / 4  # ties
    source[1, 64:] = 0
    return source


def metadata_fixture():
    writer = gguf.GGUFWriter(FOLDER / "metadata.gguf", "fixture")
    writer.add_custom_alignment(64)
    numbers = {V.UINT8: [0, 255], V.INT8: [-128, 127], V.UINT16: [0, 65535], V.INT16: [-32768, 32767],
               V.UINT32: [0, 2**32 - 1], V.INT32: [-2**31, 2**31 - 1], V.UINT64: [0, 2**64 - 1],
               V.INT64: [-2**63, 2**63 - 1], V.FLOAT32: [-1.5, 2.0**-149], V.FLOAT64: [0.1, 2.0**-1074],
               V.BOOL: [True, False], V.STRING: ["", "\u00e4\u20ac\U0001f600"]}
    for of_type, values in numbers.items():
        for i, value in enumerate(values):
            writer.add_key_value(f"one.{of_type.name.lower()}.{i}", value, of_type)
        writer.add_key_value(f"all.{of_type.name.lower()}", values, V.ARRAY, of_type)
    rng = np.random.default_rng(SEED)
    for kind in (np.float32, np.float16, np.float64):
        writer.add_tensor(np.dtype(kind).name, rng.standard_normal((2, 3)).astype(kind))
    for kind in (np.int8, np.int16, np.int32, np.int64):
        writer.add_tensor(np.dtype(kind).name, np.array([np.iinfo(kind).min, -1, np.iinfo(kind).max], dtype=kind))
    halves = rng.standard_normal((1, 4)).astype(np.float32)
    writer.add_tensor("bfloat16", gguf.quants.quantize(halves, T.BF16), raw_dtype=T.BF16)
    writer.add_tensor("deep", np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4))
    writer.add_tensor("experts", random_blocks(rng, T.Q4_0, 6).reshape(3, 2, 18), raw_dtype=T.Q4_0)
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    FOLDER.mkdir(exist_ok=True)
    values_fixture("blocks_32.gguf", SMALL, 256, source_values())
    values_fixture("blocks_256.gguf", LARGE, 512)
    metadata_fixture()
    for path in sorted(FOLDER.glob("*.gguf")):
        read = gguf.GGUFReader(path)
        print(f"{path.name}: {len(read.tensors)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
