"""Writers that no registry offers to a CPU, from their published source, restated in float32 step by step.

microxcaling: microsoft/microxcaling, mx/mx_ops.py and mx/elemwise_ops.py, CPU path, round "nearest" (its default).
Transformer Engine's mxfp8: transformer-engine-torch 2.20.2, common_headers/common: cast/mxfp8/quantize_mxfp8.cuh,
util/ptx.cuh, util/ptx_arch_spec.cuh. DeepSeek: deepseek-ai/DeepSeek-V3, inference/kernel.py, with IEEE division.
DeepGEMM: deepseek-ai/DeepGEMM, deep_gemm/utils/math.py.
The float32 steps run on PyTorch, whose log2, division and casts the published Python sources use.
"""

import numpy as np

from block_inputs import GRIDS, grid
from block_writers import as_bits, everywhere, floats


def codes_of(values, element):
    """Values that lie on the element's grid, as codes."""
    values = np.asarray(values, dtype=np.float64)
    exponent, mantissa, _ = GRIDS[element]
    magnitudes = grid(element)
    place = np.searchsorted(magnitudes, np.abs(values))
    place = np.minimum(place, len(magnitudes) - 1)
    assert (magnitudes[place] == np.abs(values)).all(), "a value off the grid"
    return place | (np.signbit(values).astype(np.int64) << (exponent + mantissa))


def microxcaling(element, bits):
    import torch

    ebits, mbits, top = GRIDS[element] if element != "mxint8" else (0, 6, 127 / 64)
    emax = {"e4m3": 8, "e5m2": 15, "e3m2": 4, "e2m3": 2, "e2m1": 2, "mxint8": 0}[element]
    values = floats(bits)
    amax = values.abs().max(dim=1, keepdim=True).values
    exponent = torch.floor(torch.log2(amax + 2.0**-126 * (amax == 0).float())) - emax
    exponent = torch.where(exponent < -127, torch.tensor(-127.0), exponent)  # past 127: NaN, which is code 255 here
    scaled = values / 2**exponent
    if ebits:
        private = torch.floor(torch.log2(scaled.abs() + (scaled == 0).float())).clip(min=2 - 2 ** (ebits - 1))
        steps = scaled / 2**private * 2**mbits
        steps = torch.sign(steps) * torch.floor(steps.abs() + 0.5)
        rounded = torch.clamp(steps / 2**mbits * 2**private, -top, top)
    else:
        steps = torch.sign(scaled * 2**mbits) * torch.floor((scaled * 2**mbits).abs() + 0.5)
        rounded = torch.clamp(steps / 2**mbits, -top, top)
    scales = (exponent.numpy().reshape(-1) + 127).astype(np.int64)
    if not ebits:
        return scales, (rounded.numpy() * 64).astype(np.int8).view(np.uint8), None, everywhere(bits)
    return scales, codes_of(rounded.numpy(), element), None, everywhere(bits)


def saturated_e4m3(values):
    import torch

    clipped = torch.where(values.isnan(), values, values.clamp(-448, 448))  # Inf too, as satfinite does; NaN is 7F
    return np.where(values.isnan().numpy(), 0x7F, clipped.to(torch.float8_e4m3fn).view(torch.uint8).numpy())


def saturated_e5m2(values):
    import torch

    codes = values.clamp(-57344, 57344).to(torch.float8_e5m2).view(torch.uint8).numpy()
    return np.where(values.isnan().numpy(), 0x7F, codes)


def transformer_engine_mxfp8(element, bits):
    import torch

    largest_element, cast = {"e4m3": (448.0, saturated_e4m3), "e5m2": (57344.0, saturated_e5m2)}[element]
    values = floats(bits)
    amax = torch.nan_to_num(values, nan=0.0, posinf=torch.inf, neginf=-torch.inf).abs().amax(dim=1)  # fmaxf skips NaN
    product = as_bits(amax * torch.tensor(1.0 / largest_element, dtype=torch.float32))
    field, fraction = (product >> 23).astype(np.int64), product & 0x7FFFFF
    up = (fraction > 0) & (field != 0xFE) & ~((field == 0) & (fraction <= 0x400000))
    scales = np.where(field == 0xFF, 0xFE, field + up)
    reciprocal = np.where(scales == 0xFE, 0x00400000, (254 - scales) << 23).astype(np.uint32)
    with np.errstate(all="ignore"):
        return scales, cast(values * floats(reciprocal).reshape(-1, 1)), None, everywhere(bits)


def deepseek_v3(bits):
    values = floats(bits)
    scale = values.abs().amax(dim=1, keepdim=True) / 448.0
    return as_bits(scale).reshape(-1), saturated_e4m3(values / scale), None, everywhere(bits)


def deep_gemm(power_of_two, bits):
    values = floats(bits)
    scale = values.abs().amax(dim=1, keepdim=True).clamp(1e-4) / 448.0
    if power_of_two:
        raw = as_bits(scale).astype(np.int64)
        field = np.clip((raw >> 23) + ((raw & 0x7FFFFF) != 0), 1, 254)
        scale = floats((field << 23).astype(np.uint32))
    return as_bits(scale).reshape(-1), saturated_e4m3(values * (1.0 / scale)), None, everywhere(bits)


def cases_of_published_rules():
    for element in (*GRIDS, "mxint8"):
        yield {"system": "microxcaling", "element": element, "input": "mx", "file": "published_mx",
               "answer": lambda bits, element=element: microxcaling(element, bits)}
    for element in ("e4m3", "e5m2"):
        for source in ("mx", "mx_special"):
            yield {"system": "transformer_engine_mxfp8", "element": element, "input": source, "file": "published_mx",
                   "answer": lambda bits, element=element: transformer_engine_mxfp8(element, bits)}
    yield {"system": "deepseek_v3", "input": "fp8", "answer": deepseek_v3, "file": "published_fp8"}
    for power in (False, True):
        yield {"system": "deep_gemm", "rule": "power_of_two" if power else "float", "input": "fp8", "file": "published_fp8",
               "answer": lambda bits, power=power: deep_gemm(power, bits)}
