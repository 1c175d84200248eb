"""Compares files that the library writes with what the reference packages read, and the other way round.

    pip install gguf==0.19.0
    c++ -std=c++20 -O1 -DFEWBITS_NO_SIMD -Iinclude tests/interop/cross_check_gguf.cpp -o cross_check_gguf
    python tests/interop/cross_check_gguf.py ./cross_check_gguf [seeds]

The package writes random tensors of every type; the program takes them through quantised matrices, quantises floats to
every type, and writes values beside all blocks. The package must read the same metadata, the same blocks, and decode
each block to the same bits (zeros of MXFP4 and NVFP4 may differ in sign; TQ1_0 may come back in other bytes). Blocks
that presets make must be the package's own. Where ggml's library is found (LIBGGML, or the package llama_cpp), it must
read the file, too, and decode alike. What is not installed is skipped aloud.
"""
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import gguf
    import numpy as np
except ImportError as missing:
    sys.exit(f"SKIPPED everything: {missing}: pip install gguf==0.19.0")
from gguf import GGMLQuantizationType as T

import write_gguf_fixtures as fixtures

BLOCKS = fixtures.SMALL + fixtures.LARGE
PRESETS = [T.Q4_0, T.Q8_0, T.MXFP4]  # quantised by the package's rules
# Root mean square error over that of the source, about; half as much again passes: no judgement of quality, only that
# blocks mean the source.
LOSSES = {T.Q4_0: .11, T.Q4_1: .09, T.Q5_0: .06, T.Q5_1: .05, T.Q8_0: .01, T.IQ4_NL: .11, T.MXFP4: .16, T.NVFP4: .13,
          T.Q2_K: .4, T.Q3_K: .25, T.Q4_K: .1, T.Q5_K: .06, T.Q6_K: .03, T.IQ4_XS: .13, T.TQ1_0: .7, T.TQ2_0: .7}


def find_ggml():
    path = os.environ.get("LIBGGML")
    if path is None:
        try:
            import llama_cpp
            found = sorted(pathlib.Path(llama_cpp.__file__).parent.glob("**/libggml-base.so*"))
            path = str(found[0]) if found else None
        except ImportError:
            pass
    if path is None:
        print("SKIPPED ggml's own library: neither LIBGGML nor llama_cpp is there")
        return None
    return ctypes.CDLL(path)


class Parameters(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p)]


def check_with_ggml(ggml, path, tensors):
    ggml.gguf_init_from_file.restype = ctypes.c_void_p
    ggml.gguf_init_from_file.argtypes = [ctypes.c_char_p, Parameters]
    ggml.gguf_get_n_tensors.restype = ctypes.c_int64
    ggml.gguf_get_n_tensors.argtypes = [ctypes.c_void_p]
    file = ggml.gguf_init_from_file(str(path).encode(), Parameters(True, None))
    assert file, "ggml refuses the file"
    assert ggml.gguf_get_n_tensors(file) == len(tensors)
    for name, tensor in tensors.items():
        if tensor.tensor_type not in BLOCKS:
            continue
        function = getattr(ggml, "dequantize_row_" + tensor.tensor_type.name.lower().replace("_k", "_K"))
        if name + ".scale" in tensors:
            continue
        data = np.ascontiguousarray(tensor.data)
        out = np.empty(tensors[name + ".values"].data.size, np.float32)
        function(data.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(out.size))
        assert_same(name + " in ggml", tensor.tensor_type, out, tensors[name + ".values"].data)


def assert_same(name, of_type, one, other):
    one, other = np.ravel(one), np.ravel(other)
    same = one.view(np.uint32) == other.view(np.uint32)
    if of_type in (T.MXFP4, T.NVFP4):
        same |= (one == 0) & (other == 0)
    at = np.flatnonzero(~same)
    assert at.size == 0, f"{name}: {at.size} of {one.size} values differ, first {at[0]}: {one[at[0]]} {other[at[0]]}"


def write_input(path, seed):
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "toy")
    writer.add_custom_alignment(int(2 ** rng.integers(3, 9)))
    writer.add_array("texts", ["", "a", "\u00e4"])
    writer.add_uint64("seed", seed)
    for of_type in BLOCKS:
        rows, blocks = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        data = fixtures.random_blocks(rng, of_type, rows * blocks).reshape(rows, -1)
        writer.add_tensor(of_type.name, data, raw_dtype=of_type)
    for columns in (32, 256, 512):
        source = rng.standard_normal((3, columns)).astype(np.float32)
        source *= np.float32(10.0 ** rng.uniform(-3, 3))
        writer.add_tensor(f"source{columns}", source)
    writer.add_tensor("halves", rng.standard_normal((2, 5)).astype(np.float16))
    fixtures.finish(writer)


def check(program, ggml, folder, seed):
    given, made = folder / "given.gguf", folder / "made.gguf"
    write_input(given, seed)
    subprocess.run([program, given, made], check=True)
    before, after = gguf.GGUFReader(given), gguf.GGUFReader(made)
    for key, field in before.fields.items():
        if key not in ("GGUF.tensor_count", "GGUF.version", "GGUF.kv_count"):
            assert after.fields[key].contents() == field.contents(), key
    tensors = {tensor.name: tensor for tensor in after.tensors}
    compared = 0
    for tensor in before.tensors:
        got = tensors[tensor.name]
        assert list(got.shape) == list(tensor.shape) and got.tensor_type == tensor.tensor_type, tensor.name
        assert tensor.tensor_type == T.TQ1_0 or np.array_equal(got.data, tensor.data), tensor.name
    for name, tensor in tensors.items():
        if tensor.tensor_type == T.F32:
            continue
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if name + ".scale" in tensors:
            values = values * tensors[name + ".scale"].data[0]
        assert_same(name, tensor.tensor_type, values, tensors[name + ".values"].data)
        compared += values.size
        source = tensors.get(name.split(".")[0])
        if source is None or not name.startswith("source"):
            continue
        if tensor.tensor_type in PRESETS:
            wanted = gguf.quants.quantize(np.array(source.data), tensor.tensor_type)
            assert np.array_equal(tensor.data, wanted), f"{name} is not what the package makes of it"
        loss = np.linalg.norm(values.ravel() - source.data.ravel()) / np.linalg.norm(source.data)
        assert loss <= 1.5 * LOSSES[tensor.tensor_type], f"{name} loses {loss:.3f}"
    if ggml is not None:
        check_with_ggml(ggml, made, tensors)
    return compared


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = pathlib.Path(sys.argv[1]).resolve()
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    ggml = find_ggml()
    with tempfile.TemporaryDirectory() as folder:
        values = sum(check(program, ggml, pathlib.Path(folder), seed) for seed in range(seeds))
    print(f"{seeds} files, {values} values: read and written alike by gguf"
          + ("" if ggml is None else " and by ggml's library"))


if __name__ == "__main__":
    main()
