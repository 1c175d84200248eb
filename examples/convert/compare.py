#!/usr/bin/env python3
"""Has other packages read what fewbits_convert writes.

    pip install numpy torch safetensors gguf compressed-tensors bitsandbytes
    python3 examples/convert/compare.py build/demo/examples/fewbits_convert model.safetensors

Converts a float32 or half precision checkpoint into every scheme that an installed package reads, lets the package
dequantise each converted matrix, and prints the least SQNR. What is not installed is skipped aloud. Status 1 where a
package refuses a file or the SQNR is below what the scheme gives.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

LEAST = {"gguf_q4_0": 17, "gguf_q8_0": 38, "gguf_mxfp4": 16, "nvfp4_compressed_tensors": 18, "mxfp4": 16,
         "fp8_rows": 28, "nf4": 18}


def sqnr(torch, was, restored):
    was, restored = was.double(), torch.as_tensor(restored).double()
    return float(10 * torch.log10((was ** 2).sum() / ((was - restored) ** 2).sum()))


def convert(program, source, scheme, folder):
    target = folder / (scheme + (".gguf" if scheme.startswith("gguf") else ""))
    subprocess.run([program, source, str(target), "--scheme", scheme, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return target


def by_gguf(torch, original, target):
    import gguf
    for tensor in gguf.GGUFReader(str(target)).tensors:
        if tensor.name in original and tensor.tensor_type.name not in ("F32", "F16", "BF16", "I64"):
            yield sqnr(torch, original[tensor.name], gguf.quants.dequantize(tensor.data, tensor.tensor_type))


def by_compressed_tensors(torch, original, target):
    from compressed_tensors.compressors.base import BaseCompressor
    from compressed_tensors.quantization import QuantizationConfig
    from safetensors.torch import load_file
    config = json.loads((target / "config.json").read_text())["quantization_config"]
    scheme = QuantizationConfig.model_validate(
        {key: value for key, value in config.items() if key != "quant_method"}).config_groups["group_0"]
    compressor = BaseCompressor.get_value_from_registry(config["format"])
    tensors = load_file(target / "model.safetensors")
    for name in original:
        module = name.removesuffix(".weight")
        if module + ".weight_scale" in tensors:
            parts = {key[len(module) + 1:]: value for key, value in tensors.items() if key.startswith(module + ".weight")}
            yield sqnr(torch, original[name], compressor.decompress(parts, scheme)["weight"])


def by_bitsandbytes(torch, original, target):
    from bitsandbytes.functional import QuantState, dequantize_4bit
    from safetensors.torch import load_file
    tensors = load_file(target / "model.safetensors")
    for name in original:
        state = {key[len(name) + 1:]: value for key, value in tensors.items() if key.startswith(name + ".")}
        if state:
            known = QuantState.from_dict(state, device=torch.device("cpu"))
            yield sqnr(torch, original[name], dequantize_4bit(tensors[name], known))


def main():
    program, source = sys.argv[1], sys.argv[2]
    try:
        import torch
        from safetensors.torch import load_file
    except ImportError as missing:
        print(f"skipped: {missing}")
        return 0
    original = load_file(source)
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        for scheme, least in LEAST.items():
            read = (by_gguf if scheme.startswith("gguf") else
                    by_bitsandbytes if scheme == "nf4" else by_compressed_tensors)
            target = convert(program, source, scheme, pathlib.Path(temporary))
            try:
                found = list(read(torch, original, target))
            except ImportError as missing:
                print(f"{scheme}: skipped: {missing}")
                continue
            good = bool(found) and min(found) >= least
            failures += not good
            print(f"{scheme}: {len(found)} matrices read by {read.__name__[3:]}, SQNR from {min(found, default=0):.2f} dB"
                  + ("" if good else f", at least {least} wanted"))
    return 1 if failures else 0


sys.exit(main())
