"""Writes the corpus of the GGUF reader: small files, each one rule kept (good_*) or broken (bad_*).

    python tests/fuzz/write_gguf_corpus.py
"""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus" / "gguf"
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
# Number in the file, elements and bytes of a block.
TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18), "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22),
         "Q5_1": (7, 32, 24), "Q8_0": (8, 32, 34), "Q2_K": (10, 256, 84), "Q3_K": (11, 256, 110),
         "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176), "Q6_K": (14, 256, 210), "IQ4_NL": (20, 32, 18),
         "IQ4_XS": (23, 256, 136), "I64": (27, 1, 8), "F64": (28, 1, 8), "BF16": (30, 1, 2), "TQ1_0": (34, 256, 54),
         "TQ2_0": (35, 256, 66), "MXFP4": (39, 32, 17), "NVFP4": (40, 64, 36), "IQ1_S": (19, 256, 50)}


def text(characters):
    return struct.pack("<Q", len(characters)) + characters


def pair(key, of_type, value):
    return text(key) + struct.pack("<I", of_type) + value


def array(key, of_type, count, values):
    return pair(key, ARRAY, struct.pack("<IQ", of_type, count) + values)


def row(name, extents, of_type, offset):
    return text(name) + struct.pack(f"<I{len(extents)}QIQ", len(extents), *extents, of_type, offset)


def file(pairs=(), rows=(), data=0, alignment=32, version=3, counts=None):
    tensors, keys = counts or (len(rows), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + b"".join(pairs) + b"".join(rows)
    head += b"\0" * (-len(head) % alignment if rows else 0)
    return head + bytes(i * 37 % 251 for i in range(data))


def one(name):
    number, elements, size = TYPES[name]
    return file(rows=[row(b"w", [elements, 2], number, 0)], data=2 * size)


ONE = struct.pack("<I", 1)
GOOD = {
    "nothing": file(),
    "version_2": file(version=2),
    "trailing": file(data=9),
    "numbers": file([pair(b"k%d" % t, t, b"\1" * n) for t, n in
                     ((U8, 1), (I8, 1), (U16, 2), (I16, 2), (U32, 4), (I32, 4), (F32, 4), (BOOL, 1), (U64, 8),
                      (I64, 8), (F64, 8))]),
    "texts": file([pair(b"s", STRING, text(b"a")), array(b"t", STRING, 2, text(b"") + text(b"bc"))]),
    "arrays": file([array(b"a", U16, 2, b"abcd"), array(b"b", BOOL, 3, b"\0\1\0"), array(b"e", F64, 0, b"")]),
    "alignment": file([pair(b"general.alignment", U32, struct.pack("<I", 8))], [row(b"w", [1], 0, 8)], 12, 8),
    "out_of_order": file(rows=[row(b"b", [8], 0, 64), row(b"a", [1], 0, 0)], data=96),
    "empty_tensor": file(rows=[row(b"b", [0, 3], 8, 0), row(b"a", [], 0, 0)], data=4),
    "tensor_scale": file(rows=[row(b"w.weight", [64], 40, 0), row(b"w.scale", [1], 0, 64)], data=68),
    "four_extents": file(rows=[row(b"a", [32, 1, 2, 1], 2, 0)], data=36),
} | {f"type_{name.lower()}": one(name) for name in TYPES}

BAD = {
    "empty": b"",
    "magic": b"GGML" + bytes(20),
    "version_1": file(version=1),
    "big_endian": file(version=0x03000000),
    "tensors": file(counts=(2**62, 0), data=100),
    "keys": file(counts=(0, 2**63), data=100),
    "key_empty": file([pair(b"", U32, ONE)]),
    "key_long": file([struct.pack("<Q", 2**40)], data=100),
    "key_twice": file([pair(b"k", U32, ONE)] * 2),
    "value_type": file([pair(b"k", 13, ONE)]),
    "value_cut": file([pair(b"k", U64, ONE)]),
    "bool": file([pair(b"k", BOOL, b"\2")]),
    "array_of_arrays": file([array(b"k", ARRAY, 1, struct.pack("<IQ", U8, 1) + b"a")]),
    "array_huge": file([array(b"k", U64, 2**61, bytes(8))]),
    "texts_huge": file([array(b"k", STRING, 2**29, bytes(8))]),
    "text_huge": file([pair(b"k", STRING, struct.pack("<Q", 2**64 - 1))]),
    "alignment": file([pair(b"general.alignment", U32, struct.pack("<I", 24))]),
    "alignment_type": file([pair(b"general.alignment", U64, bytes(8))]),
    "rank": file(rows=[row(b"w", [1] * 5, 0, 0)], data=4),
    "rank_huge": file(rows=[text(b"w") + struct.pack("<I", 2**32 - 1)], data=100),
    "removed_type": file(rows=[row(b"w", [32], 4, 0)], data=32),
    "rows": file(rows=[row(b"w", [31], 2, 0)], data=18),
    "wrap": file(rows=[row(b"w", [2**32, 2**32], 0, 0)]),
    "wrap_beside_0": file(rows=[row(b"w", [0, 2**32, 2**32], 0, 0)]),
    "cut": file(rows=[row(b"w", [4], 0, 0)], data=15),
    "offset": file(rows=[row(b"w", [1], 0, 4)], data=40),
    "offset_wraps": file(rows=[row(b"w", [4], 0, 2**64 - 32)], data=64),
    "overlap": file(rows=[row(b"w", [9], 0, 0), row(b"v", [1], 0, 32)], data=64),
    "name_twice": file(rows=[row(b"w", [1], 0, 0), row(b"w", [1], 0, 32)], data=64),
}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for prefix, files in (("good", GOOD), ("bad", BAD)):
        for name, content in files.items():
            (FOLDER / f"{prefix}_{name}").write_bytes(content)
    print(f"{len(GOOD) + len(BAD)} files, {sum(map(len, (GOOD | BAD).values()))} bytes")


if __name__ == "__main__":
    main()
