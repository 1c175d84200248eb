"""Writes the corpora of the readers: small files, each one rule kept (good_*) or broken (bad_*).

    python tests/fuzz/write_corpus.py
"""
import math
import pathlib
import struct


def file(header, data=0, length=None):
    header = header if isinstance(header, bytes) else header.encode()
    length = len(header) if length is None else length
    return length.to_bytes(8, "little") + header + bytes(i % 256 for i in range(data))


def tensor(name="w", dtype="U8", shape="[1]", begin=0, end=1):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'


def one(**fields):
    return "{" + tensor(**fields) + "}"


def many(*tensors):
    return "{" + ",".join(tensors) + "}"


GOOD = {
    "no_tensor": file("{}"),
    "padding": file("{}      "),
    "one": file(one(), 1),
    "scalar": file(one(dtype="F32", shape="[]", end=4), 4),
    "empty_tensor": file(one(dtype="I64", shape="[3,0]", end=0)),
    "narrow": file(many(tensor("a", "F4", "[2,3]", 0, 3), tensor("b", "F6_E2M3", "[4]", 3, 6),
                        tensor("c", "F8_E8M0", "[1,2]", 6, 8), tensor("d", "BF16", "[2]", 8, 12)), 12),
    "out_of_order": file(many(tensor("b", begin=1, end=2), tensor("a")), 2),
    "metadata": file('{"__metadata__":{"format":"pt","k":"v"},' + tensor() + "}", 1),
    "escapes": file('{"__metadata__":{"\\u0041\\n":"\\ud83d\\ude00\\\\"},' + tensor("\\u0077\\u00e9") + "}", 1),
    "utf8": file(one(name="\u00e9\u20ac\U0001f600"), 1),
    "white_space": file('{ "w" :\t{"dtype": "U8",\n"shape": [ 1 ],\r"data_offsets" : [0, 1]} }', 1),
    "rank_64": file(one(shape="[" + ",".join(["1"] * 64) + "]"), 1),
}

BAD = {
    "empty": b"",
    "half_a_length": b"\x02\0\0",
    "header_past_file": file("{}", length=1000),
    "header_past_limit": file("{}", length=2**63),
    "array": file("[]"),
    "open": file('{"w":{"dtype":"U8"'),
    "nesting": file('{"a":' * 300),
    "not_utf8": file(b'{"\xed\xa0\x80":{}}'),
    "half_a_pair": file('{"\\ud83d":{}}'),
    "name_twice": file(many(tensor("w", "U8", "[4]", 0, 4), tensor("w", "F32", "[1]", 0, 4)), 4),
    "key_twice": file('{"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
    "key_missing": file('{"w":{"dtype":"U8","shape":[1]}}', 1),
    "key_unknown": file('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}}', 1),
    "dtype_unknown": file(one(dtype="F7"), 1),
    "negative": file(one(shape="[-1]"), 1),
    "fraction": file(one(shape="[1.0]"), 1),
    "huge": file(one(shape="[99999999999999999999]"), 1),
    "wrap": file(one(shape="[4294967296,4294967296]", end=0)),
    "odd_nibbles": file(one(dtype="F4", shape="[3]", end=2), 2),
    "size": file(one(dtype="F32", shape="[2]", end=7), 7),
    "reversed": file(one(begin=2, end=1), 2),
    "overlap": file(many(tensor("a", shape="[2]", end=2), tensor("b", shape="[2]", begin=1, end=3)), 3),
    "hole": file(many(tensor("a"), tensor("b", begin=2, end=3)), 3),
    "cut_data": file(one(shape="[9]", end=9), 5),
    "trailing_data": file(one(), 2),
    "rank_65": file(one(shape="[" + ",".join(["1"] * 65) + "]"), 1),
    "metadata_number": file('{"__metadata__":{"a":1}}'),
}


def number(value):
    """16 bytes: significand with its highest bit set, exponent + 2^31, 1 unless zero, sign, two zeros."""
    if value == 0:
        return struct.pack("<QIBBH", 0, 2**31, 0, 0, 0)
    mantissa, exponent = math.frexp(abs(value))
    return struct.pack("<QIBBH", int(mantissa * 2**64), exponent - 1 + 2**31, 1, value < 0, 0)


def extremes(low, high, zeros=0, nonzeros=2, magic=b"fewbmmx", version=1):
    return magic + bytes([version]) + struct.pack("<4Q", zeros, nonzeros, 0, 0) + number(low) + number(high)


def spread(low, high, entries, bits=2, apart=1, count=None, version=1, **fields):
    """A histogram of two sets of 255 x 4 + 1 bins; entries are (sign, bin, count)."""
    count = len(entries) if count is None else count
    return (b"fewbhst" + bytes([version, bits, apart, 0, 0]) + struct.pack("<I", count) + extremes(low, high, **fields) +
            b"".join(struct.pack("<IQ", sign * 1021 + place, n) for sign, place, n in entries))


ONE, TWO = (0, 127 * 4, 1), (0, 128 * 4, 1)  # the bins of 1 and 2
GOOD_HISTOGRAMS = {
    "range": extremes(1, 2),
    "empty_range": extremes(0, 0, nonzeros=0),
    "two": spread(1, 2, [ONE, TWO]),
    "both_signs": spread(-1, 2, [TWO, (1, 127 * 4, 1)]),
    "empty": spread(0, 0, [], nonzeros=0),
    "zeros": spread(0, 0, [], zeros=7, nonzeros=0),
}
BAD_HISTOGRAMS = {
    "nothing": b"",
    "magic": spread(1, 2, [ONE, TWO], magic=b"fewbxxx"),
    "version": spread(1, 2, [ONE, TWO], version=2),
    "other_bins": spread(1, 2, [ONE, TWO], bits=3),
    "other_signs": spread(1, 2, [ONE, TWO], apart=0),
    "order": spread(1, 2, [TWO, ONE]),
    "twice": spread(1, 2, [TWO, TWO]),
    "empty_bin": spread(1, 2, [ONE, TWO, (1, 0, 0)]),
    "past_the_bins": spread(1, 2, [ONE, (1, 1021, 1)]),
    "huge_count": spread(1, 2, [ONE, (0, 512, 2**57)]),
    "wrapping_count": spread(1, 2, [ONE, TWO], count=2**32 - 1),
    "cut": spread(1, 2, [ONE, TWO])[:-1],
    "trailing": spread(1, 2, [ONE, TWO]) + b"\0",
    "range_reversed": extremes(2, 1),
    "range_of_nothing": extremes(1, 2, nonzeros=0),
    "sum": spread(1, 2, [ONE, TWO], nonzeros=3),
    "extreme": spread(1, 4, [ONE, TWO]),
}


def write(reader, good, bad):
    folder = pathlib.Path(__file__).parent / "corpus" / reader
    folder.mkdir(parents=True, exist_ok=True)
    for kind, files in (("good", good), ("bad", bad)):
        for name, content in files.items():
            (folder / f"{kind}_{name}").write_bytes(content)
    print(f"{reader}: {len(good)} good and {len(bad)} bad files")


if __name__ == "__main__":
    write("safetensors", GOOD, BAD)
    write("histogram", GOOD_HISTOGRAMS, BAD_HISTOGRAMS)
