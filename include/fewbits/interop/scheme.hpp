// The schemes by which checkpoints store quantised layers, and the names of the tensors a layer consists of.
// Sources of the names: compressed-tensors 0.20.0 (compressors/), nvidia-modelopt 0.47.0 (torch/export), AutoGPTQ and
// GPTQModel (qweight, qzeros, scales, g_idx), AutoAWQ, bitsandbytes (QuantState.as_dict), hqq 0.2.8, torchao 0.18.0
// (prototype/safetensors), openai/gpt-oss (_blocks, _scales), DeepSeek-V3 (weight_scale_inv).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/interop/dtype.hpp>

FEWBITS_NAMESPACE_BEGIN

/// How a layer's weights are stored.
enum class weight_storage : std::uint8_t {
  plain,           ///< one tensor of numbers, no scales
  unknown,         ///< quantised, but by no rule known here
  ct_pack,         ///< compressed-tensors pack-quantized: integers in int32 words
  ct_int,          ///< compressed-tensors int-quantized: one int8 a weight
  ct_nvfp4,        ///< compressed-tensors nvfp4-pack-quantized: its global scale is a divisor
  ct_mxfp4,        ///< compressed-tensors mxfp4-pack-quantized
  ct_mxfp6,        ///< compressed-tensors mxfp6-pack-quantized: four codes in three bytes
  modelopt_nvfp4,  ///< ModelOpt NVFP4: weight_scale_2 is a multiplier
  modelopt_int4,   ///< ModelOpt int4 AWQ: two rows a byte
  fp8,             ///< 8-bit floats and weight_scale, a multiplier: of a tensor, a row or a block
  fp8_inverse,     ///< 8-bit floats and weight_scale_inv, a multiplier despite its name (DeepSeek)
  mxfp8,           ///< 8-bit floats and one power of two for 32
  gpt_oss_mxfp4,   ///< _blocks and _scales
  gptq,            ///< qweight packed along the inputs; zero points stored minus 1 unless gptq_v2
  gptq_v2,         ///< the same with zero points as they are; only a configuration tells
  gptq_marlin,     ///< GPTQ in Marlin's order; only a configuration tells
  awq,             ///< qweight packed along the outputs
  bnb_nf4,         ///< bitsandbytes, 16 values of a normal distribution
  bnb_fp4,         ///< bitsandbytes, 4-bit floats
  bnb_int8,        ///< bitsandbytes LLM.int8
  hqq,             ///< W_q, scale, zero
  torchao,         ///< _weight_qdata, _weight_scale
};

/// The names of weight_storage, in the enumeration's order.
inline constexpr std::array<std::string_view, 22> storage_names{
    "plain",         "unknown", "ct_pack",     "ct_int",   "ct_nvfp4",      "ct_mxfp4", "ct_mxfp6", "modelopt_nvfp4",
    "modelopt_int4", "fp8",     "fp8_inverse", "mxfp8",    "gpt_oss_mxfp4", "gptq",     "gptq_v2",  "gptq_marlin",
    "awq",           "bnb_nf4", "bnb_fp4",     "bnb_int8", "hqq",           "torchao"};
static_assert(storage_names[static_cast<std::size_t>(weight_storage::modelopt_nvfp4)] == "modelopt_nvfp4" &&
              storage_names[static_cast<std::size_t>(weight_storage::gptq)] == "gptq" &&
              storage_names[static_cast<std::size_t>(weight_storage::torchao)] == "torchao");

constexpr std::string_view to_string(weight_storage kind) noexcept {
  const auto row = static_cast<std::size_t>(kind);
  return row < storage_names.size() ? storage_names[row] : std::string_view{"unknown"};
}

/// What one scale is for.
enum class granularity : std::uint8_t {
  unknown,  ///<
  tensor,   ///< the whole tensor
  row,      ///< an output channel
  group,    ///< group_size weights of a row
  block,    ///< block_rows x block_columns weights
};

constexpr std::string_view to_string(granularity kind) noexcept {
  constexpr std::array<std::string_view, 5> names{"unknown", "tensor", "row", "group", "block"};
  const auto row = static_cast<std::size_t>(kind);
  return row < names.size() ? names[row] : names[0];
}

/// The scheme of one layer. What is not known is 0 or empty; layer_scheme{} is a plain layer, not an unknown one.
struct layer_scheme {
  weight_storage kind = weight_storage::plain;
  granularity scales = granularity::unknown;
  std::uint32_t bits = 0;           ///< of a weight's code
  std::uint64_t group_size = 0;     ///< weights of a row that share a scale
  std::uint64_t block_rows = 0;     ///< for granularity::block
  std::uint64_t block_columns = 0;  ///<
  std::optional<bool> symmetric{};  ///< without zero points
  std::optional<bool> reordered{};  ///< GPTQ's desc_act, compressed-tensors' actorder: groups by g_idx
  bool nested = false;              ///< bitsandbytes: absmax is quantised too
  std::uint64_t weights = 0;        ///< how many numbers the layer stands for
};

/// One tensor of a layer, borrowed: what is left of its name, and its type and shape.
struct layer_part {
  std::string_view part;
  dtype type;
  std::span<const std::uint64_t> shape;
};

/// A tensor's name, split before the part that names its role.
struct layer_name {
  std::string_view layer;
  std::string_view part;  ///< empty where the name has no known role: the tensor is a layer of its own
};

/// "a.q_proj.weight_scale" is the part "weight_scale" of the layer "a.q_proj"; "a.up_proj_blocks" is "blocks" of
/// "a.up_proj". The longest known part counts.
[[nodiscard]] constexpr layer_name split_layer(std::string_view name) noexcept {
  constexpr std::string_view parts[] = {"weight",
                                        "bias",
                                        "weight_packed",
                                        "weight_scale",
                                        "weight_scale_2",
                                        "weight_scale_inv",
                                        "weight_global_scale",
                                        "weight_zero_point",
                                        "weight_shape",
                                        "weight_g_idx",
                                        "input_scale",
                                        "input_global_scale",
                                        "input_zero_point",
                                        "output_scale",
                                        "k_scale",
                                        "v_scale",
                                        "q_scale",
                                        "pre_quant_scale",
                                        "qweight",
                                        "qzeros",
                                        "scales",
                                        "g_idx",
                                        "weight.absmax",
                                        "weight.quant_map",
                                        "weight.nested_absmax",
                                        "weight.nested_quant_map",
                                        "weight.quant_state.bitsandbytes__nf4",
                                        "weight.quant_state.bitsandbytes__fp4",
                                        "SCB",
                                        "weight_format",
                                        "W_q",
                                        "scale",
                                        "zero",
                                        "_weight_qdata",
                                        "_weight_scale",
                                        "_weight_zero_point",
                                        "_weight_per_tensor_scale",
                                        "_weight_act_per_tensor_scale",
                                        "_weight_act_pre_scale",
                                        "svdquant_lora_a",
                                        "svdquant_lora_b",
                                        "activation_scale",
                                        "input_scale_ub",
                                        "weight_scale_inverse",
                                        "nbits",
                                        "group_size",
                                        "shape",
                                        "axis",
                                        "packing",
                                        "unpack_view_dtype",
                                        "view_as_float",
                                        "quant_scale",
                                        "quant_zero",
                                        "compute_dtype",
                                        "offload_meta",
                                        "encoded_state_dict",
                                        "stores_quant_config",
                                        "channel_wise",
                                        "optimize",
                                        "round_zero"};
  layer_name best{name, {}};
  for (const std::string_view part : parts)
    if (name.size() > part.size() + 1 && name.ends_with(part) && name[name.size() - part.size() - 1] == '.' &&
        part.size() > best.part.size())
      best = {name.substr(0, name.size() - part.size() - 1), name.substr(name.size() - part.size())};
  for (const std::string_view part : {std::string_view{"blocks"}, std::string_view{"scales"}})
    if (best.part.empty() && name.size() > part.size() + 1 && name.ends_with(part) &&
        name[name.size() - part.size() - 1] == '_')
      best = {name.substr(0, name.size() - part.size() - 1), name.substr(name.size() - part.size())};
  return best;
}

FEWBITS_NAMESPACE_END
