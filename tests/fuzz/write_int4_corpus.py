"""Writes the corpus of int4_layouts_fuzz: python tests/fuzz/write_int4_corpus.py"""
import pathlib
import random
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus" / "int4_layouts"
random.seed(1)


def layer(letter, rows, columns, *sizes, tail=b""):
    return letter.encode() + bytes([rows, columns]) + random.randbytes(sum(sizes)) + tail


def g_idx(groups):
    return struct.pack(f"<{len(groups)}i", *groups)


STATE = '{"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [4, 128], "nested_blocksize": 256, ' \
        '"nested_dtype": "float32", "nested_offset": 2.7712290287017822}'
gptq_sizes = (32 * 4 * 8 // 8, 8 * 4 * 2 // 8, 2 * 8 * 2)  # [8, 32] in two groups
FILES = {
    "good_awq": layer("a", 8, 16, 16 * 4, 4, 16),
    "good_gptq": layer("1", 8, 32, *gptq_sizes, tail=g_idx([k // 16 for k in range(32)])),
    "good_gptq_act_order": layer("1", 8, 32, *gptq_sizes, tail=g_idx([k % 2 for k in range(32)])),
    "bad_gptq_unbalanced": layer("1", 8, 32, *gptq_sizes, tail=g_idx([0] * 17 + [1] * 15)),
    "bad_gptq_negative": layer("1", 8, 32, *gptq_sizes, tail=g_idx([-1] + [0] * 31)),
    "bad_gptq_past": layer("1", 8, 32, *gptq_sizes, tail=g_idx([2] + [0] * 31)),
    "good_gptq_three_bits": layer("3", 32, 32, 32 * 12, 2 * 12, 2 * 32 * 2),
    "good_marlin": layer("m", 64, 16, 512, 128),
    "good_hqq": layer("h", 3, 32, 48, 12, 12),
    "bad_hqq_odd": layer("h", 3, 16, 24, 6, 6),
    "good_bitsandbytes": layer("b", 3, 28, 42, 8),
    "good_bitsandbytes_odd": layer("b", 1, 63, 32, 4),
    "bad_bitsandbytes_rows": layer("b", 3, 21, 32, 4),
    "good_state": STATE.encode(),
    "good_state_fp4": b'{"quant_type":"fp4","blocksize":64,"shape":[7]}',
    "bad_state_shape": b'{"quant_type":"nf4","blocksize":64,"shape":[4294967296,4294967296]}',
    "bad_state_half_nested": b'{"quant_type":"nf4","blocksize":64,"shape":[7],"nested_offset":1}',
}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, data in FILES.items():
    (FOLDER / name).write_bytes(data)
