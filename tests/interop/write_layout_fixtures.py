"""Writes the fixtures of the checkpoint layouts with the packages that own them.

    pip install torch==2.15.0 numpy==2.4.6 safetensors==0.8.0
    pip install --no-deps compressed-tensors==0.20.0 torchao==0.18.0 nvidia-modelopt==0.47.0 transformers==5.23.0
    python tests/interop/write_layout_fixtures.py

With compressed-tensors 0.18.0, the last that knows actorder "group", it writes compressed_tensors_g_idx; with 0.17.1,
the last whose codes of 3 bits keep to their word, compressed_tensors_kept_words; and nothing else.

`codes` are a package's own unpacked codes; `values` are float32, computed in float64 from what the package unpacked,
and each is compared with what the package itself decodes, up to the rounding of its type.
"""
import importlib.metadata
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
GENERATOR = torch.Generator().manual_seed(5)
E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6])


def normal(*shape):
    return torch.randn(*shape, generator=GENERATOR)


def save(name, tensors, **metadata):
    path = FIXTURES / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata)
    print(f"{path.name}: {path.stat().st_size} bytes")


def numbers(tensor):
    return tensor.to(torch.float64).numpy()


def spread(scales, shape):
    """Scales [down, along] over a matrix, blocks at the end cut off."""
    block = [-(-extent // count) for extent, count in zip(shape, scales.shape)]
    return np.repeat(np.repeat(scales, block[0], 0), block[1], 1)[:shape[0], :shape[1]]


def nibbles(packed):
    packed = packed.view(torch.uint8).numpy()
    return np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:-1], -1)


def agree(exact, package, relative, what):
    package = numbers(package)
    wrong = np.abs(exact - package) > relative * np.abs(exact)
    assert not wrong.any(), f"{what}: {exact[wrong][0]} against {package[wrong][0]}"
    return torch.from_numpy(exact.astype(np.float32))


# --- compressed-tensors

def scheme(**arguments):
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    return QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**arguments))


def ranges(weight, args):
    """(min, max) of each block of `args`' strategy."""
    rows, columns = weight.shape
    if args.strategy == "tensor":
        return weight.min().reshape(1), weight.max().reshape(1)
    if args.strategy == "channel":
        return weight.amin(1, keepdim=True), weight.amax(1, keepdim=True)
    if args.strategy == "block":
        down, along = args.block_structure
        cells = [[weight[r:r + down, c:c + along] for c in range(0, columns, along)] for r in range(0, rows, down)]
        return tuple(torch.stack([torch.stack([f(cell) for cell in line]) for line in cells])
                     for f in (torch.min, torch.max))
    groups = weight.reshape(rows, columns // args.group_size, args.group_size)
    return groups.amin(2), groups.amax(2)


def compressed(kind, weight, plan, global_scale=None, scale_type=None):
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization.utils.helpers import calculate_qparams
    scale, zero = calculate_qparams(*ranges(weight, plan.weights), plan.weights, global_scale)
    state = {"weight": weight, "weight_scale": scale.to(scale_type) if scale_type else scale,
             "weight_zero_point": zero}
    if global_scale is not None:
        state["weight_global_scale"] = global_scale
    compressor = BaseCompressor.get_value_from_registry(kind)
    stored = compressor.compress(state, plan)
    return stored, compressor.decompress(stored, plan)["weight"]


def packed_integers(name, bits, shape, scale_type, **arguments):
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
    plan = scheme(num_bits=bits, type="int", **arguments)
    stored, decoded = compressed("pack-quantized", normal(*shape) + .25, plan, scale_type=scale_type)
    codes = unpack_from_int32(stored["weight_packed"], bits, shape)
    stored["codes"] = codes
    zeros = stored.get("weight_zero_point")
    if zeros is not None and zeros.dtype == torch.int32:
        stored["zeros"] = zeros = unpack_from_int32(zeros, bits, (shape[0], stored["weight_scale"].shape[-1]), 0)
    scales = numbers(stored["weight_scale"]).reshape(1, -1) if plan.weights.strategy == "tensor" else numbers(
        stored["weight_scale"])
    offsets = 0 if zeros is None else spread(numbers(zeros).reshape(scales.shape), shape)
    agree(spread(scales, shape) * (numbers(codes) - offsets), decoded, 2**-7, name)
    return {f"{name}.{key}": value for key, value in stored.items()}


def compressed_tensors():
    from compressed_tensors.compressors.mxfp6.helpers import unpack_fp6_from_uint8
    from compressed_tensors.quantization.utils.helpers import generate_gparam
    tensors = {}
    group = {"strategy": "group"}
    tensors |= packed_integers("int4", 4, (20, 64), torch.bfloat16, symmetric=True, group_size=32, **group)
    tensors |= packed_integers("uint4", 4, (20, 64), torch.float16, symmetric=False, group_size=32, **group)
    tensors |= packed_integers("int3", 3, (12, 176), torch.bfloat16, symmetric=True, group_size=16, **group)
    tensors |= packed_integers("uint3", 3, (20, 44), torch.float32, symmetric=False, strategy="channel")
    tensors |= packed_integers("int8", 8, (6, 22), torch.bfloat16, symmetric=True, strategy="channel")
    tensors |= packed_integers("uint4_tensor", 4, (6, 22), torch.bfloat16, symmetric=False, strategy="tensor")
    save("compressed_tensors_integers", tensors, compressed_tensors="0.20.0")

    tensors = {}
    weight = normal(8, 64)
    for name, scaled in (("nvfp4", 1.0), ("nvfp4_small", 2.0**-117)):  # its divisor's reciprocal is subnormal
        divisor = generate_gparam((weight * scaled).min(), (weight * scaled).max()).reshape(1)
        stored, decoded = compressed("nvfp4-pack-quantized", weight * scaled,
                                     scheme(num_bits=4, type="float", strategy="tensor_group", group_size=16,
                                            symmetric=True, scale_dtype=torch.float8_e4m3fn), divisor)
        exact = E2M1[nibbles(stored["weight_packed"])] * spread(numbers(stored["weight_scale"]), weight.shape)
        stored["values"] = agree(exact / numbers(divisor), decoded, 2**-7, name)
        tensors |= {f"{name}.{key}": value for key, value in stored.items()}

    for name, bits, kind in (("mxfp4", 4, "mxfp4-pack-quantized"), ("mxfp6", 6, "mxfp6-pack-quantized"),
                             ("mxfp8", 8, "mxfp8-quantized")):
        weight = normal(6, 96)
        weight[:, 40:50] = 0
        stored, decoded = compressed(kind, weight, scheme(num_bits=bits, type="float", strategy="group", group_size=32,
                                                          symmetric=True, scale_dtype=torch.uint8,
                                                          zp_dtype=torch.uint8))
        scales = spread(2.0 ** (numbers(stored["weight_scale"]) - 127), weight.shape)
        if bits == 4:
            elements = E2M1[nibbles(stored["weight_packed"])]
        elif bits == 6:
            elements = numbers(unpack_fp6_from_uint8(stored["weight_packed"], *weight.shape, dtype=torch.float32))
        else:
            elements = numbers(stored["weight"])
        stored["values"] = agree(elements * scales, decoded, 2**-7, name)
        tensors |= {f"{name}.{key}": value for key, value in stored.items()}

    for name, shape, arguments in (("fp8_tensor", (6, 20), {"strategy": "tensor"}),
                                   ("fp8_channel", (6, 20), {"strategy": "channel"}),
                                   ("fp8_group", (4, 64), {"strategy": "group", "group_size": 32}),
                                   ("fp8_block", (12, 24), {"strategy": "block", "block_structure": [8, 16]})):
        stored, decoded = compressed("float-quantized", normal(*shape),
                                     scheme(num_bits=8, type="float", symmetric=True, **arguments),
                                     scale_type=torch.bfloat16)
        scales = numbers(stored["weight_scale"])
        scales = spread(scales.reshape(1, 1) if scales.size == 1 else scales, (16, 32) if "block" in name else shape)
        stored["values"] = agree(numbers(stored["weight"]) * scales[:shape[0], :shape[1]], decoded, 2**-7, name)
        tensors |= {f"{name}.{key}": value for key, value in stored.items()}
    stored, decoded = compressed("int-quantized", normal(6, 20), scheme(num_bits=8, type="int", symmetric=True,
                                                                       strategy="channel"))
    stored["values"] = agree(numbers(stored["weight"]) * numbers(stored["weight_scale"]), decoded, 2**-20, "int8 bytes")
    tensors |= {f"int8_bytes.{key}": value for key, value in stored.items()}
    save("compressed_tensors_floats", tensors, compressed_tensors="0.20.0")


def compressed_tensors_g_idx():
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
    from compressed_tensors.quantization.utils.helpers import calculate_qparams
    plan = scheme(num_bits=4, type="int", symmetric=False, strategy="group", group_size=32, actorder="group")
    weight = normal(8, 96) + .25
    g_idx = (torch.randperm(96, generator=GENERATOR) // 32).to(torch.int32)
    ordered = weight[:, torch.argsort(g_idx, stable=True)]
    scale, zero = calculate_qparams(*ranges(ordered, plan.weights), plan.weights)
    compressor = BaseCompressor.get_value_from_registry("pack-quantized")
    stored = compressor.compress({"weight": weight, "weight_scale": scale, "weight_zero_point": zero,
                                  "weight_g_idx": g_idx}, plan)
    decoded = compressor.decompress(stored, plan)["weight"]
    codes = numbers(unpack_from_int32(stored["weight_packed"], 4, weight.shape))
    stored["values"] = agree(numbers(scale)[:, g_idx] * (codes - numbers(zero)[:, g_idx]), decoded, 2**-20, "g_idx")
    save("compressed_tensors_g_idx", stored, compressed_tensors="0.18.0")


def compressed_tensors_kept_words():
    from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
    codes = torch.randint(-4, 4, (4, 176), generator=GENERATOR, dtype=torch.int8)
    save("compressed_tensors_kept_words", {"weight_packed": pack_to_int32(codes, 3), "codes": codes},
         compressed_tensors="0.17.1")


# --- ModelOpt

def modelopt():
    from modelopt.torch.export.quant_utils import pack_int4_in_uint8
    from modelopt.torch.quantization.qtensor import FP8QTensor, NVFP4QTensor
    tensors = {}
    weight = normal(12, 48)
    weight[0, :16] = 0
    weight[1, 16:32] = 0
    for name, values in (("nvfp4", weight), ("nvfp4_uncalibrated", None)):
        if values is None:  # amax 0: what an expert has that calibration never reached
            values = weight.clone()
            quantized, scale, multiplier = NVFP4QTensor.quantize(values.clone(), 16,
                                                                 weights_scaling_factor_2=torch.tensor(0.0))
        else:
            quantized, scale, multiplier = NVFP4QTensor.quantize(values.clone(), 16)
        exact = E2M1[nibbles(quantized._quantized_data)] * spread(numbers(scale), values.shape) * numbers(multiplier)
        if name == "nvfp4":
            decoded = quantized.dequantize(torch.float32, scale=scale, double_scale=multiplier, block_sizes={-1: 16})
            agree(exact, decoded, 2**-20, name)
        tensors |= {f"{name}.weight": quantized._quantized_data, f"{name}.weight_scale": scale,
                    f"{name}.weight_scale_2": multiplier, f"{name}.values": torch.from_numpy(exact.astype(np.float32))}
    weight = normal(6, 64)
    scale = weight.reshape(6, 2, 32).abs().amax(2) / 7
    packed = pack_int4_in_uint8(weight, scale, 32)
    codes = (weight / scale.repeat_interleave(32, 1)).round().clamp(-8, 7).to(torch.int8)
    codes[0, 0], packed[0, 0] = -8, packed[0, 0] & 0xF0 | 8
    tensors |= {"int4.weight": packed, "int4.weight_scale": scale, "int4.codes": codes}
    for name, shape, how in (("fp8", (6, 20), {}), ("fp8_rows", (6, 20), {"axis": 0})):
        quantized, scale = FP8QTensor.quantize(normal(*shape), **how)
        exact = numbers(quantized._quantized_data) * numbers(scale)
        values = agree(exact, quantized._quantized_data.float() * scale, 2**-20, name)
        tensors |= {f"{name}.weight": quantized._quantized_data, f"{name}.weight_scale": scale,
                    f"{name}.values": values}
    save("modelopt", tensors, modelopt="0.47.0")


# --- torchao; gpt-oss by transformers' reader

def mx_layouts():
    from torchao.prototype.mx_formats.mx_tensor import MXTensor
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors
    tensors = {}
    for name, element, rows in (("mxfp4", torch.float4_e2m1fn_x2, 130), ("mxfp8", torch.float8_e4m3fn, 6),
                                ("nvfp4", None, 130)):  # 130 rows are two tiles; mx has 2 blocks along, half a tile
        weight = normal(rows, 64)
        weight[3, :32] = 0
        for suffix, swizzled in (("", False), ("_swizzled", True)):
            if element is None:
                tensor = NVFP4Tensor.to_nvfp4(weight, per_tensor_scale=per_tensor_amax_to_scale(weight.abs().max()),
                                              is_swizzled_scales=swizzled)
                tensors[name + ".per_tensor_scale"] = tensor.per_tensor_scale
            else:
                tensor = MXTensor.to_mx(weight, element, is_swizzled_scales=swizzled)
            decoded = tensor.dequantize(torch.float32)
            tensors[f"{name}{suffix}.scale"] = tensor.scale
            codes = tensor.qdata
        elements = numbers(codes) if name == "mxfp8" else E2M1[nibbles(codes)]
        scales = tensors[name + ".scale"]
        scales = numbers(scales) if name == "nvfp4" else 2.0 ** (numbers(scales.view(torch.uint8)) - 127)
        factor = numbers(tensors[name + ".per_tensor_scale"]) if name == "nvfp4" else 1.0
        agree(elements * spread(scales, weight.shape) * factor, decoded, 2**-20, name)
        tensors[name + ".qdata"] = codes

    experts, rows, groups = 2, 5, 2
    blocks = torch.randint(0, 256, (experts, rows, groups, 16), generator=GENERATOR, dtype=torch.uint8)
    scales = torch.randint(115, 130, (experts, rows, groups), generator=GENERATOR, dtype=torch.uint8)
    exact = E2M1[nibbles(blocks)] * 2.0 ** (numbers(scales)[..., None] - 127)
    exact = exact.reshape(experts, rows, groups * 32)
    decoded = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32)  # [E, K, N]
    values = agree(exact, decoded.transpose(1, 2), 0, "gpt-oss")
    tensors |= {"gpt_oss.blocks": blocks, "gpt_oss.scales": scales, "gpt_oss.values": values}
    save("mx_layouts", tensors, torchao="0.18.0", transformers="5.23.0")


if __name__ == "__main__":
    version = importlib.metadata.version("compressed-tensors")
    if version == "0.18.0":
        compressed_tensors_g_idx()
    elif version == "0.17.1":
        compressed_tensors_kept_words()
    else:
        compressed_tensors()
        modelopt()
        mx_layouts()
