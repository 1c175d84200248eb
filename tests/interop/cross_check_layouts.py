"""Has the packages decode what fewbits writes in their layouts.

    pip install torch==2.15.0 numpy==2.4.6 safetensors==0.8.0
    pip install --no-deps compressed-tensors==0.20.0 torchao==0.18.0 nvidia-modelopt==0.47.0 transformers==5.23.0
    c++ -std=c++20 -O1 -DFEWBITS_NO_SIMD -Iinclude tests/interop/cross_check_layouts.cpp -o cross_check_layouts
    python tests/interop/cross_check_layouts.py ./cross_check_layouts

A package that cannot be imported is skipped aloud. The program's values are exact products rounded once to float32; a
package's may be off by the rounding of its own type, which stands beside each check.
"""
import importlib
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file

BFLOAT16, FLOAT32 = 2.0**-7, 2.0**-22
checks = []


def agree(name, got, values, relative):
    got, values = got.to(torch.float64), values.to(torch.float64)
    assert got.shape == values.shape, f"{name}: {list(got.shape)} against {list(values.shape)}"
    wrong = (got - values).abs() > relative * values.abs()
    assert not wrong.any(), f"{name}: {got[wrong][0]} against {values[wrong][0]}, {int(wrong.sum())} in all"
    checks.append(f"{name}: {values.numel()} values, within {relative:.2g} of themselves")


def parts_of(tensors, layer):
    return {name[len(layer) + 1:]: value for name, value in tensors.items() if name.startswith(layer + ".")}


def compressed_tensors(tensors):
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    group, channel = {"strategy": "group", "group_size": 32}, {"strategy": "channel"}
    mx = {"type": "float", "symmetric": True, "scale_dtype": torch.uint8, **group}
    for layer, kind, relative, arguments in (
            ("ct_int4", "pack-quantized", BFLOAT16, {"num_bits": 4, "type": "int", "symmetric": True, **group}),
            ("ct_uint4", "pack-quantized", BFLOAT16, {"num_bits": 4, "type": "int", "symmetric": False, **group}),
            ("ct_uint3", "pack-quantized", FLOAT32, {"num_bits": 3, "type": "int", "symmetric": False, **channel}),
            ("ct_int8", "pack-quantized", BFLOAT16, {"num_bits": 8, "type": "int", "symmetric": True, **channel}),
            ("ct_mxfp4", "mxfp4-pack-quantized", BFLOAT16, {"num_bits": 4, **mx}),
            ("ct_mxfp6", "mxfp6-pack-quantized", BFLOAT16, {"num_bits": 6, **mx}),
            ("ct_mxfp8", "mxfp8-quantized", BFLOAT16, {"num_bits": 8, **mx}),
            ("ct_channel", "float-quantized", BFLOAT16, {"num_bits": 8, "type": "float", "symmetric": True, **channel}),
            ("ct_block", "float-quantized", FLOAT32, {"num_bits": 8, "type": "float", "symmetric": True,
                                                      "strategy": "block", "block_structure": [128, 128]}),
            ("ct_nvfp4", "nvfp4-pack-quantized", BFLOAT16, {"num_bits": 4, "type": "float", "symmetric": True,
                                                            "strategy": "tensor_group", "group_size": 16})):
        stored = parts_of(tensors, layer)
        values = stored.pop("values")
        plan = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**arguments))
        decoded = BaseCompressor.get_value_from_registry(kind).decompress(stored, plan)["weight"]
        agree(layer, decoded, values, relative)


def modelopt(tensors):
    from modelopt.torch.export.quant_utils import pack_int4_in_uint8
    from modelopt.torch.quantization.qtensor import NVFP4QTensor
    layer = parts_of(tensors, "mo_nvfp4")
    decoded = NVFP4QTensor(layer["values"].shape, torch.float32, layer["weight"]).dequantize(
        torch.float32, scale=layer["weight_scale"], double_scale=layer["weight_scale_2"], block_sizes={-1: 16})
    agree("mo_nvfp4", decoded, layer["values"], FLOAT32)
    layer = parts_of(tensors, "mo_int4")  # the package packs these but has no reader for them
    assert torch.equal(pack_int4_in_uint8(layer["values"], layer["weight_scale"], 32), layer["weight"])
    checks.append(f"mo_int4: {layer['weight'].numel()} bytes, the package's own")


def torchao(tensors):
    from torchao.prototype.mx_formats.mx_tensor import MXTensor
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor
    from torchao.quantization.quantize_.common import KernelPreference
    for name, element in (("ao_mxfp4", torch.float4_e2m1fn_x2), ("ao_mxfp8", torch.float8_e4m3fn), ("ao_nvfp4", None)):
        for swizzled in (False, True):
            layer = parts_of(tensors, name + ("_swizzled" if swizzled else ""))
            if element is None:
                tensor = NVFP4Tensor(layer["qdata"], layer["scale"], 16, torch.float32, layer["per_tensor_scale"],
                                     is_swizzled_scales=swizzled)
            else:
                tensor = MXTensor(layer["qdata"], layer["scale"], element, 32, torch.float32, KernelPreference.EMULATED,
                                  None, swizzled)
            agree(f"{name}, swizzled: {swizzled}", tensor.dequantize(torch.float32), layer["values"], FLOAT32)


def transformers(tensors):
    from transformers.integrations.finegrained_fp8 import _dequantize_fp8_weight
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors
    layer = parts_of(tensors, "gpt_oss")
    decoded = convert_moe_packed_tensors(layer["blocks"], layer["scales"], dtype=torch.float32).transpose(1, 2)
    for expert in range(3):
        agree(f"gpt_oss, expert {expert}", decoded[expert], layer[f"{expert}.values"], 0)
    layer = parts_of(tensors, "deepseek")
    decoded = _dequantize_fp8_weight(layer["weight"], layer["weight_scale_inv"], [128, 128], torch.float32)
    agree("deepseek", decoded, layer["values"], 0)


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "layouts.safetensors"
        subprocess.run([program, str(path)], check=True)
        tensors = load_file(path)
    for name, check in (("compressed_tensors", compressed_tensors), ("modelopt.torch", modelopt), ("torchao", torchao),
                        ("transformers", transformers)):
        try:
            importlib.import_module(name)
        except ImportError as reason:
            print(f"SKIPPED {name}: {reason}")
            continue
        check(tensors)
    print("\n".join(checks))


if __name__ == "__main__":
    main(sys.argv[1])
