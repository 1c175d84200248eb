"""Writes a small checkpoint with the reference package: two files, an index, a configuration as ModelOpt writes it, and
numbers that somebody should look at (NaN, zero scales, -0).

    pip install safetensors==0.8.0
    python tests/interop/write_checkpoint_fixture.py
"""
import ctypes
import json
import pathlib
import struct

import safetensors

BYTES = {"uint8": 1, "float8_e4m3fn": 1, "float32": 4, "bfloat16": 2}
CODES = bytes((i * 37 + 11) % 256 for i in range(64))


def nvfp4(name, codes, scales, tensor_scale):
    return {f"{name}.weight": ("uint8", [4, 16], codes), f"{name}.weight_scale": ("float8_e4m3fn", [4, 2], scales),
            f"{name}.weight_scale_2": ("float32", [], struct.pack("<f", tensor_scale))}


# Of the 8 scales of k_proj one is zero and one NaN; v_proj was never calibrated: its tensor scale is 0.
# down_proj's codes hold one NaN, two of the largest magnitude and one -0.
SHARDS = {
    "model-00001-of-00002.safetensors": {
        **nvfp4("model.layers.0.q_proj", CODES, bytes([0x38, 0x40, 0x48, 0x39, 0x38, 0x77, 0x7e, 0x01]), 0.5),
        **nvfp4("model.layers.0.k_proj", b"\x80" + CODES[1:], bytes([0x38, 0, 0x7f] + [0x40] * 5), 0.25),
        **nvfp4("model.layers.0.v_proj", bytes(64), bytes(8), 0.0),
    },
    "model-00002-of-00002.safetensors": {
        "model.layers.0.down_proj.weight": ("float8_e4m3fn", [2, 8], bytes([0x7f, 0x7e, 0xfe, 0x80] + [0x38] * 12)),
        "model.layers.0.down_proj.weight_scale": ("float32", [], struct.pack("<f", 2.0)),
        "lm_head.weight": ("bfloat16", [2, 4], struct.pack("<8H", 0x3f80, 0x7fc0, 0xbf80, 0, 0x8000, 0x4000, 1, 0x7f80)),
        "left.over": ("float32", [1], struct.pack("<f", 1.0)),
    },
}
CONFIG = {"model_type": "fixture", "rope_scaling": {"limit": [0.0, float("inf")]},
          "quantization_config": {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
                                  "ignore": ["lm_head", "re:.*(a|b)$"],
                                  "quantized_layers": {
                                      **{f"model.layers.0.{p}_proj": {"quant_algo": "NVFP4", "group_size": 16}
                                         for p in "qkv"},
                                      "model.layers.0.down_proj": {"quant_algo": "FP8"}}}}


def main():
    folder = pathlib.Path(__file__).parent / "fixtures/checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    places = {}
    for file, tensors in SHARDS.items():
        specs, alive = {}, []
        for name, (dtype, shape, data) in tensors.items():
            alive.append(ctypes.create_string_buffer(data, len(data)))
            specs[name] = safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(alive[-1]),
                                                 data_len=len(data))
            if name != "left.over":
                places[name] = file
        (folder / file).write_bytes(safetensors.serialize(specs, metadata={"format": "pt"}))
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    for path in sorted(folder.iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
