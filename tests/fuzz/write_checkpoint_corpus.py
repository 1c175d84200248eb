"""Writes tests/fuzz/corpus/checkpoint: indices and configurations, good_* accepted, the others refused.

    python tests/fuzz/write_checkpoint_corpus.py
"""
import json
import pathlib


def quantised(**values):
    return json.dumps({"quantization_config": values})


INDEX = {"metadata": {"total_size": 1.5e9}, "weight_map": {"a": "m-1.safetensors", "b\n": "m-2.safetensors"}}
GROUP = {"targets": ["Linear", "re:.*up_proj$"], "format": None,
         "weights": {"num_bits": 8, "type": "float", "symmetric": True, "strategy": "block",
                     "block_structure": [128, 128], "actorder": "group", "group_size": -1}}
CORPUS = {
    "good_index": json.dumps(INDEX),
    "good_index_of_nothing": '{"weight_map":{}}',
    "good_gptq": quantised(quant_method="gptq", bits=4, group_size=128, desc_act=True, sym=True,
                           checkpoint_format="gptq_v2"),
    "good_quantize_config": json.dumps({"bits": 4, "group_size": -1, "desc_act": False, "sym": False}),
    "good_awq": quantised(quant_method="awq", bits=4, group_size=128, version="gemm", zero_point=True,
                          modules_to_not_convert=["lm_head", "*gate"]),
    "good_fp8": quantised(quant_method="fp8", fmt="e4m3", weight_block_size=[128, 128]),
    "good_mxfp4": quantised(quant_method="mxfp4", modules_to_not_convert=["model.layers.*.self_attn"]),
    "good_bitsandbytes": quantised(quant_method="bitsandbytes", load_in_4bit=True, bnb_4bit_quant_type="nf4",
                                   bnb_4bit_use_double_quant=True, llm_int8_skip_modules=["lm_head"]),
    "good_hqq": quantised(quant_method="hqq", quant_config={"weight_quant_params": {"nbits": 4, "group_size": 64}},
                          skip_modules=["lm_head"]),
    "good_torchao": quantised(quant_method="torchao",
                              quant_type={"default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 32}}}),
    "good_compressed_tensors": quantised(quant_method="compressed-tensors", format="float-quantized",
                                         ignore=["re:.*mlp\\.gate$"], config_groups={"group_0": GROUP}),
    "good_modelopt": json.dumps({"quantization": {"quant_algo": "MIXED_PRECISION", "exclude_modules": ["lm_head*"],
                                                  "quantized_layers": {"a": {"quant_algo": "NVFP4", "group_size": 16}}}}),
    "bad_nothing": "",
    "bad_plain": '{"model_type":"llama","rope":[NaN,Infinity,-Infinity,1e-5,null,true]}',
    "bad_traversal": '{"weight_map":{"a":"../m.safetensors"}}',
    "bad_absolute": '{"weight_map":{"a":"/m.safetensors"}}',
    "bad_escaped_traversal": '{"weight_map":{"a":"..\\u002fm"}}',
    "bad_file": '{"weight_map":{"a":{"file":"m"}}}',
    "bad_twice": '{"weight_map":{"a":"m","b":"n","\\u0061":"n"}}',
    "bad_two_maps": '{"weight_map":{},"weight_map":{}}',
    "bad_depth": "[" * 100,
    "bad_number": '{"weight_map":{},"x":01}',
}


def main():
    folder = pathlib.Path(__file__).parent / "corpus/checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in CORPUS.items():
        (folder / name).write_text(text)
    print(f"{len(CORPUS)} files")


if __name__ == "__main__":
    main()
