"""What real packages make of float32 blocks, on the CPU: scales and codes as bit patterns.

Each function yields cases: a dict with the header's keys, 'input' (a tensor of block_inputs) and 'answer', which takes
bits [blocks, size] and gives (scales, codes, tensor scale or None, defined). Where `defined` is False the package's own
arithmetic is undefined behaviour (a float outside the integer it is cast to), and nothing is recorded.
"""

import ctypes
import importlib
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest.mock

import numpy as np


def floats(bits):
    import torch

    return torch.from_numpy(bits.view(np.float32).copy())


def as_bits(tensor):
    return tensor.contiguous().numpy().view(np.uint32)


def nibbles(packed, size):
    packed = np.asarray(packed, dtype=np.uint8).reshape(-1, size // 2)
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1, size)


def everywhere(bits):
    return np.ones(len(bits), dtype=bool)


def largest(bits):
    return (bits & 0x7FFFFFFF).max(axis=1)


TWO_LEVEL = [f"two_level_{n}" for n in range(8)]


def cases_of_torchao():
    import torch
    from torchao.prototype.mx_formats.config import ScaleCalculationMode
    from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3, DTYPE_FP6_E3M2
    from torchao.prototype.mx_formats.mx_tensor import to_mx
    from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize, per_tensor_amax_to_scale

    elements = {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2, "e3m2": DTYPE_FP6_E3M2,
                "e2m3": DTYPE_FP6_E2M3, "e2m1": torch.float4_e2m1fn_x2}

    def mx(element, mode):
        def answer(bits):
            scales, data = to_mx(floats(bits), elements[element], 32, mode)
            raw = data.view(torch.uint8).numpy()
            codes = nibbles(raw, 32) if element == "e2m1" else raw.reshape(-1, 32)
            defined = everywhere(bits)
            if element not in ("e4m3", "e5m2"):  # NaN into a format without NaN: shifts its bits about
                defined &= largest(bits) <= 0x7F800000
            return scales.view(torch.uint8).numpy().reshape(-1), codes, None, defined

        return answer

    for element in elements:
        for mode in ScaleCalculationMode:
            for source in ("mx", "mx_special"):
                yield {"system": "torchao_mx", "rule": mode.value, "element": element, "input": source,
                       "answer": mx(element, mode), "file": f"torchao_{element}"}

    def one_level(bits):
        scales, data = nvfp4_quantize(floats(bits), 16)
        return scales.view(torch.uint8).numpy().reshape(-1), nibbles(data.numpy(), 16), None, everywhere(bits)

    def two_level(bits):
        values = floats(bits)
        tensor_scale = per_tensor_amax_to_scale(values.abs().max())
        scales, data = nvfp4_quantize(values, 16, tensor_scale)
        # where the reciprocal is Inf, zeros become NaN, whose bits are shifted into a code
        defined = (bits << 1 != 0).all(axis=1) if torch.isinf(1.0 / tensor_scale) else everywhere(bits)
        return (scales.view(torch.uint8).numpy().reshape(-1), nibbles(data.numpy(), 16), as_bits(tensor_scale.reshape(1))[0],
                defined)

    for source in TWO_LEVEL:
        yield {"system": "torchao_nvfp4", "rule": "two_level", "input": source, "answer": two_level}
        yield {"system": "torchao_nvfp4", "rule": "one_level", "input": source, "answer": one_level}


def cases_of_compressed_tensors():
    import torch
    from compressed_tensors.compressors.nvfp4.helpers import pack_fp4_to_uint8
    from compressed_tensors.quantization import QuantizationArgs, QuantizationStrategy, QuantizationType
    from compressed_tensors.quantization.lifecycle.forward import quantize
    from compressed_tensors.quantization.utils.helpers import calculate_qparams, generate_gparam

    def run(bits, size, strategy, scale_type, tensor_scale):
        args = QuantizationArgs(num_bits=4, type=QuantizationType.FLOAT, strategy=strategy, group_size=size, symmetric=True,
                                dynamic=False, scale_dtype=scale_type, zp_dtype=scale_type)
        values = floats(bits)
        scales, _ = calculate_qparams(values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True), args, tensor_scale)
        quantized = quantize(values, scales, None, args, global_scale=tensor_scale)
        return scales, nibbles(pack_fp4_to_uint8(quantized).numpy(), size)

    def nvfp4(bits):
        values = floats(bits)
        tensor_scale = generate_gparam(values.amin(), values.amax())
        scales, codes = run(bits, 16, QuantizationStrategy.TENSOR_GROUP, torch.float8_e4m3fn, tensor_scale)
        stored = scales.to(torch.float8_e4m3fn).view(torch.uint8).numpy().reshape(-1)
        return stored, codes, as_bits(tensor_scale)[0], everywhere(bits)

    def mxfp4(bits):
        scales, codes = run(bits, 32, QuantizationStrategy.GROUP, torch.uint8, None)
        from compressed_tensors.compressors.mx_utils import compress_mx_scale

        # from 1.75 x 2^127 on the scale is Inf, which is cast to uint8
        defined = largest(bits) < 0x7F600000
        return compress_mx_scale(scales, torch.uint8).numpy().reshape(-1), codes, None, defined

    for source in TWO_LEVEL:
        yield {"system": "compressed_tensors_nvfp4", "input": source, "answer": nvfp4}
    yield {"system": "compressed_tensors_mxfp4", "input": "mx", "answer": mxfp4}


def cases_of_modelopt():
    import torch
    from modelopt.torch.quantization.qtensor.nvfp4_tensor import NVFP4QTensor

    def nvfp4(bits):
        data, scales, tensor_scale = NVFP4QTensor.quantize(floats(bits), 16)
        return (scales.view(torch.uint8).numpy().reshape(-1), nibbles(data._quantized_data.numpy(), 16),
                as_bits(tensor_scale.reshape(1))[0], everywhere(bits))

    for source in TWO_LEVEL:
        yield {"system": "modelopt_nvfp4", "input": source, "answer": nvfp4}


def cases_of_transformer_engine(root):
    """The reference quantiser that the transformer-engine wheel carries, without the library around it.

    `root` holds the unpacked wheel. The reference quantiser itself is run; its base classes and the products of
    matrices, which need the compiled library, are stood in for by empty ones.
    """
    import torch

    stubs = {}
    for name in ("transformer_engine", "transformer_engine.pytorch", "transformer_engine.pytorch.custom_recipes"):
        stubs[name] = types.ModuleType(name)
        stubs[name].__path__ = [str(pathlib.Path(root) / name.replace(".", "/"))]
    base = types.ModuleType("transformer_engine.pytorch.quantized_tensor")
    base.__getattr__ = lambda wanted: type(wanted, (), {})
    stubs[base.__name__] = base
    stubs["transformer_engine.pytorch.custom_recipes.gemm"] = unittest.mock.MagicMock()
    with unittest.mock.patch.dict(sys.modules, stubs):
        module = importlib.import_module("transformer_engine.pytorch.custom_recipes.reference_nvfp4")
    reference = module.NVFP4QuantizerRef

    def nvfp4(**options):
        def answer(bits):
            values = floats(bits)
            amax = values.abs().max().view(1)
            data, scales = reference._quantize_blockwise_reference(values, amax, 16, 1, pow_2_scales=False, eps=0.0, **options)
            return scales.view(torch.uint8).numpy().reshape(-1), nibbles(data.numpy(), 16), as_bits(amax)[0], everywhere(bits)

        return answer

    for source in TWO_LEVEL:
        yield {"system": "transformer_engine_nvfp4", "rule": "static", "input": source, "answer": nvfp4()}
    for source in TWO_LEVEL:
        for largest_scale in (256, 448):
            for mode in ("MAE", "MSE"):
                answer = nvfp4(nvfp4_use_4over6=True, nvfp4_e4m3_max=largest_scale, nvfp4_4over6_err_mode=mode)
                yield {"system": "transformer_engine_nvfp4", "rule": f"four_over_six_{mode.lower()}_{largest_scale}",
                       "input": source, "answer": answer}


def ggml_library(root):
    """ggml's own C code, from llama-cpp-python's source distribution: quantize_row_*_ref, compiled as strict C."""
    source = next(pathlib.Path(root).glob("**/ggml/src/ggml-quants.c")).parent
    folder = pathlib.Path(tempfile.mkdtemp())
    made = folder / "libggml_quants.so"
    (folder / "ggml-version.h").write_text('#define GGML_VERSION "0"\n#define GGML_COMMIT "0"\n')  # CMake makes it there
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-D_GNU_SOURCE", f"-I{folder}",
                    f"-I{source.parent}/include", f"-I{source}", str(source / "ggml-quants.c"), str(source / "ggml.c"),
                    "-Wl,--unresolved-symbols=ignore-all", "-lm", "-o", str(made)], check=True)
    return ctypes.CDLL(str(made), mode=1)


def cases_of_ggml(root):
    library = ggml_library(root)
    import gguf
    from gguf.quants import quantize as python_quantize

    def rows(name, bits, bytes_per_block):
        values = np.ascontiguousarray(bits.view(np.float32)).reshape(-1)
        out = np.zeros(len(bits) * bytes_per_block, dtype=np.uint8)
        call = getattr(library, f"quantize_row_{name}_ref")
        call.restype = None
        call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        call(values.ctypes.data, out.ctypes.data, values.size)
        return out.reshape(len(bits), bytes_per_block)

    def split(packed, size):
        return np.concatenate([packed & 15, packed >> 4], axis=-1).reshape(-1, size)

    def agree(name, bits, out, defined):
        if name in ("Q4_0", "Q8_0", "MXFP4"):
            with np.errstate(all="ignore"):
                python = python_quantize(bits.view(np.float32), getattr(gguf.GGMLQuantizationType, name))
            same = (python.reshape(out.shape) == out).all(axis=1)[defined]
            print(f"  gguf's Python and ggml's C agree on {int(same.sum())} of {len(same)} {name} blocks", flush=True)

    def finite_reciprocal(bits, divisor):
        # 1 / (amax / divisor) must not overflow: infinity times a value is cast to an integer in C
        scale = largest(bits).view(np.float32) / np.float32(divisor)
        with np.errstate(all="ignore"):
            return (scale == 0) | np.isfinite(np.float32(1) / scale)

    def q4_0(bits):
        out = rows("q4_0", bits, 18)
        defined = finite_reciprocal(bits, 8)
        agree("Q4_0", bits, out, defined)
        return out[:, :2].copy().view(np.uint16).reshape(-1), split(out[:, 2:], 32), None, defined

    def q8_0(bits):
        out = rows("q8_0", bits, 34)
        defined = finite_reciprocal(bits, 127)
        agree("Q8_0", bits, out, defined)
        return out[:, :2].copy().view(np.uint16).reshape(-1), out[:, 2:], None, defined

    def mxfp4(bits):
        out = rows("mxfp4", bits, 17)
        top = largest(bits)
        defined = (top == 0) | (top >= (2 << 23) - 44)  # a smaller exponent is negative and cast to uint8_t
        agree("MXFP4", bits, out, defined)
        return out[:, 0], split(out[:, 1:], 32), None, defined

    def nvfp4(bits):
        out = rows("nvfp4", bits.reshape(-1, 64), 36)
        return out[:, :4].reshape(-1), split(out[:, 4:].reshape(-1, 8), 16), None, everywhere(bits)

    yield {"system": "ggml_q4_0", "input": "mx", "answer": q4_0, "file": "ggml"}
    yield {"system": "ggml_q8_0", "input": "mx", "answer": q8_0, "file": "ggml"}
    yield {"system": "ggml_mxfp4", "input": "mx", "answer": mxfp4, "file": "ggml"}

    def whole(bits):
        scales, codes, _, defined = nvfp4(np.concatenate([bits, bits[: -len(bits) % 4]]))
        return scales[: len(bits)], codes[: len(bits)], None, defined[: len(bits)]

    for source in TWO_LEVEL:
        yield {"system": "ggml_nvfp4", "input": source, "answer": whole, "file": "ggml"}


def cases_of_bitsandbytes():
    import bitsandbytes.functional as functional

    def unpacked(packed, size):
        packed = packed.numpy().reshape(-1, size // 2)
        return np.stack([packed >> 4, packed & 15], axis=-1).reshape(-1, size)

    def nf4(bits):
        packed, state = functional.quantize_4bit(floats(bits).reshape(-1), blocksize=64, quant_type="nf4")
        return as_bits(state.absmax), unpacked(packed, 64), None, everywhere(bits)

    yield {"system": "bitsandbytes_nf4", "input": "nf4", "answer": nf4}
