"""Writes the fixtures with the reference package and reads them back with it.

    pip install safetensors==0.8.0
    python tests/interop/write_fixtures.py

Each tensor holds the bytes h, h + 1, h + 2, ... modulo 256, where h is the sum of its name's UTF-8 bytes.
"""
import ctypes
import json
import math
import pathlib

import safetensors

# The name in the file: the writer's name (none: it reads the dtype but writes no such tensor), bits.
DTYPES = {
    "BOOL": ("bool", 8), "F4": ("float4_e2m1fn_x2", 4), "F6_E2M3": (None, 6), "F6_E3M2": (None, 6),
    "U8": ("uint8", 8), "I8": ("int8", 8), "F8_E5M2": ("float8_e5m2", 8), "F8_E4M3": ("float8_e4m3fn", 8),
    "F8_E8M0": ("float8_e8m0fnu", 8), "F8_E4M3FNUZ": ("float8_e4m3fnuz", 8), "F8_E5M2FNUZ": ("float8_e5m2fnuz", 8),
    "I16": ("int16", 16), "U16": ("uint16", 16), "F16": ("float16", 16), "BF16": ("bfloat16", 16),
    "I32": ("int32", 32), "U32": ("uint32", 32), "F32": ("float32", 32), "C64": ("complex64", 64),
    "F64": ("float64", 64), "I64": ("int64", 64), "U64": ("uint64", 64),
}

FIXTURES = {
    "floats": ({"f32": ("F32", [2, 3]), "f16": ("F16", [5]), "bf16": ("BF16", [3]), "f64": ("F64", [1, 2]),
                "c64": ("C64", [2])}, {"format": "np"}),
    "integers": ({"bool": ("BOOL", [3]), "u8": ("U8", [5]), "i8": ("I8", [2]), "i16": ("I16", [3]),
                  "u16": ("U16", [1]), "i32": ("I32", [2]), "u32": ("U32", [1]), "i64": ("I64", [1]),
                  "u64": ("U64", [2])}, None),
    "narrow": ({"f4": ("F4", [2, 16]), "e4m3": ("F8_E4M3", [7]), "e5m2": ("F8_E5M2", [3]), "e8m0": ("F8_E8M0", [2, 1]),
                "e4m3fnuz": ("F8_E4M3FNUZ", [2]), "e5m2fnuz": ("F8_E5M2FNUZ", [1])}, {"format": "pt"}),
    "sixes": ({"f6_e2m3": ("F6_E2M3", [4, 3]), "f6_e3m2": ("F6_E3M2", [8])}, None),
    "shapes": ({"scalar": ("F32", []), "empty": ("F32", [0]), "empty_inside": ("I64", [3, 0, 2]),
                "deep": ("U8", [1] * 12 + [2]), "row": ("U8", [1, 9])}, None),
    "metadata": ({"gewicht \u00e4 \"\\ \U0001f600": ("U8", [4])},
                 {"format": "pt", "newline\n": "tab\t\u0001", "\u00fc": "\U0001f600", "empty": ""}),
}


def content(name, dtype, shape):
    size = math.prod(shape) * DTYPES[dtype][1] // 8
    first = sum(name.encode())
    return bytes((first + i) % 256 for i in range(size))


def serialize(tensors, metadata):
    """By the package where it writes all dtypes in `tensors`, else by hand in the same form."""
    if any(DTYPES[dtype][0] is None for dtype, _ in tensors.values()):
        header, data = {}, b""
        for name, (dtype, shape) in tensors.items():
            begin = len(data)
            data += content(name, dtype, shape)
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + data
    specs, alive = {}, []
    for name, (dtype, shape) in tensors.items():
        data = content(name, dtype, shape)
        alive.append(ctypes.create_string_buffer(data, max(len(data), 1)))
        stored = shape[:-1] + [shape[-1] // 2] if dtype == "F4" else shape  # the writer takes bytes there
        specs[name] = safetensors.TensorSpec(dtype=DTYPES[dtype][0], shape=stored,
                                             data_ptr=ctypes.addressof(alive[-1]), data_len=len(data))
    return bytes(safetensors.serialize(specs, metadata=metadata))


def main():
    folder = pathlib.Path(__file__).parent / "fixtures"
    folder.mkdir(exist_ok=True)
    for fixture, (tensors, metadata) in FIXTURES.items():
        file = serialize(tensors, metadata)
        read = {n: (t["dtype"], t["shape"], bytes(t["data"])) for n, t in safetensors.deserialize(file)}
        wanted = {n: (dtype, shape, content(n, dtype, shape)) for n, (dtype, shape) in tensors.items()}
        assert read == wanted, fixture
        (folder / f"{fixture}.safetensors").write_bytes(file)
        print(f"{fixture}: {len(read)} tensors, {len(file)} bytes")


if __name__ == "__main__":
    main()
