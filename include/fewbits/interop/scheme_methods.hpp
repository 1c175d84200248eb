// What each method's part of a configuration says of a layer. Sources of the keys: those of scheme_config.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/interop/json_document.hpp>
#include <fewbits/interop/scheme.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

inline void set_group(layer_scheme& made, json_value group_size) noexcept {
  const auto size = group_size.integer();
  if (size && *size > 0) {
    made.scales = granularity::group;
    made.group_size = static_cast<std::uint64_t>(*size);
  } else if (size && *size == -1) {
    made.scales = granularity::row;
  }
}

inline layer_scheme compressed_group(json_value weights, std::string_view format) noexcept {
  layer_scheme made{.kind = weight_storage::unknown};
  if (weights.kind() != json_kind::object)
    return {};  // activations alone
  const auto bits = weights["num_bits"].integer();
  made.bits = bits && *bits > 0 && *bits <= 32 ? static_cast<std::uint32_t>(*bits) : 0;
  made.symmetric = weights["symmetric"].boolean();
  set_group(made, weights["group_size"]);
  const std::string_view strategy = weights["strategy"].string().value_or("");
  if (strategy == "tensor")
    made.scales = granularity::tensor;
  if (strategy == "channel")
    made.scales = granularity::row;
  const json_value block = weights["block_structure"];
  if (strategy == "block" && block.kind() == json_kind::array) {
    std::uint64_t extents[2] = {};
    std::size_t count = 0;
    for (const json_value extent : block)
      if (const auto size = extent.integer(); count < 2 && size && *size > 0)
        extents[count++] = static_cast<std::uint64_t>(*size);
    made.scales = granularity::block;
    made.block_rows = extents[0];
    made.block_columns = extents[1];
  }
  const json_value order = weights["actorder"];
  made.reordered = order.string() == "group" || order.string() == "dynamic" || order.boolean() == true;
  const bool is_float = weights["type"].string() == "float";
  if (format == "nvfp4-pack-quantized")
    made.kind = weight_storage::ct_nvfp4;
  else if (format == "mxfp4-pack-quantized")
    made.kind = weight_storage::ct_mxfp4;
  else if (format == "mxfp6-pack-quantized")
    made.kind = weight_storage::ct_mxfp6;
  else if (format == "mxfp8-quantized")
    made.kind = weight_storage::mxfp8;
  else if (format == "pack-quantized")
    made.kind = weight_storage::ct_pack;
  else if (format == "int-quantized" || (format == "naive-quantized" && !is_float))
    made.kind = weight_storage::ct_int;
  else if (format == "float-quantized" || (format == "naive-quantized" && is_float && made.bits == 8))
    made.kind = weight_storage::fp8;
  return made;
}

inline layer_scheme modelopt_scheme(std::string_view algorithm, json_value group_size) noexcept {
  const auto is = [&](std::string_view wanted) {  // writers use both cases
    if (algorithm.size() != wanted.size())
      return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const char c = algorithm[i];
      if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != wanted[i])
        return false;
    }
    return true;
  };
  layer_scheme made{.kind = weight_storage::unknown};
  made.symmetric = true;
  if (is("FP8") || is("FP8_PER_CHANNEL_PER_TOKEN") || is("FP8_PB_WO")) {
    made.kind = weight_storage::fp8;
    made.bits = 8;
    made.scales = is("FP8") ? granularity::tensor : is("FP8_PB_WO") ? granularity::block : granularity::row;
    if (is("FP8_PB_WO"))
      made.block_rows = made.block_columns = 128;
    return made;
  }
  if (is("NVFP4") || is("W4A16_NVFP4") || is("NVFP4_AWQ") || is("W4A8_NVFP4_FP8") || is("NVFP4_SVD")) {
    made.kind = weight_storage::modelopt_nvfp4;
    made.bits = 4;
    made.scales = granularity::group;
    made.group_size = 16;
  } else if (is("W4A16_AWQ") || is("W4A8_AWQ") || is("INT4_AWQ")) {
    made.kind = weight_storage::modelopt_int4;
    made.bits = 4;
  } else if (is("MXFP8")) {
    made.kind = weight_storage::mxfp8;
    made.bits = 8;
    made.scales = granularity::group;
    made.group_size = 32;
  }
  set_group(made, group_size);
  return made;
}

inline layer_scheme by_bits(weight_storage kind, json_value config) noexcept {
  layer_scheme made{.kind = kind};
  const json_value bits = config["bits"].kind() != json_kind::absent ? config["bits"] : config["w_bit"];
  const json_value group = config["group_size"].kind() != json_kind::absent ? config["group_size"]  //
                                                                            : config["q_group_size"];
  if (const auto count = bits.integer(); count && *count > 0 && *count <= 32)
    made.bits = static_cast<std::uint32_t>(*count);
  set_group(made, group);
  return made;
}

// One number of a kind that counts bits.
inline std::uint32_t bits_in(json_value count) noexcept {
  const auto bits = count.integer();
  return bits && *bits > 0 && *bits <= 32 ? static_cast<std::uint32_t>(*bits) : 0;
}

inline layer_scheme gptq_scheme(json_value config, std::string_view& format) noexcept {
  format = config["checkpoint_format"].string().value_or("gptq");
  const bool marlin = format == "marlin" || config["is_marlin_format"].boolean() == true;
  layer_scheme made = by_bits(format == "gptq_v2" ? weight_storage::gptq_v2  //
                              : marlin            ? weight_storage::gptq_marlin
                                                  : weight_storage::gptq,
                              config);
  made.symmetric = config["sym"].boolean();
  made.reordered = config["desc_act"].boolean();
  return made;
}

inline layer_scheme awq_scheme(json_value config, std::string_view& format) noexcept {
  format = config["version"].string().value_or("gemm");
  layer_scheme made =
      by_bits(format == "gemm" || format == "GEMM" ? weight_storage::awq : weight_storage::unknown, config);
  if (const auto zero_point = config["zero_point"].boolean())
    made.symmetric = !*zero_point;
  return made;
}

inline layer_scheme fp8_scheme(json_value config, std::string_view& format) noexcept {
  format = config["fmt"].string().value_or("");
  layer_scheme made{.kind = weight_storage::fp8, .scales = granularity::tensor, .bits = 8};
  made.symmetric = true;
  if (const json_value block = config["weight_block_size"]; block.kind() == json_kind::array) {
    made.kind = weight_storage::fp8_inverse;
    made.scales = granularity::block;
    std::uint64_t* into = &made.block_rows;
    for (const json_value extent : block) {
      if (const auto size = extent.integer(); into != nullptr && size && *size > 0)
        *into = static_cast<std::uint64_t>(*size);
      into = into == &made.block_rows ? &made.block_columns : nullptr;
    }
  }
  return made;
}

inline layer_scheme bitsandbytes_scheme(json_value config, std::string_view& format) noexcept {
  format = config["bnb_4bit_quant_type"].string().value_or("");
  if (config["load_in_8bit"].boolean() == true)
    return {.kind = weight_storage::bnb_int8, .scales = granularity::row, .bits = 8};
  if (config["load_in_4bit"].boolean() != true)
    return {.kind = weight_storage::unknown};
  layer_scheme made{.kind = weight_storage::bnb_fp4, .scales = granularity::group, .bits = 4};
  if (format == "nf4")
    made.kind = weight_storage::bnb_nf4;
  made.nested = config["bnb_4bit_use_double_quant"].boolean() == true;
  return made;
}

inline layer_scheme hqq_scheme(json_value config) noexcept {
  const json_value quant = config["quant_config"];
  const json_value weights = quant["weight_quant_params"].kind() == json_kind::object ? quant["weight_quant_params"]  //
                                                                                      : quant;
  layer_scheme made{.kind = weight_storage::hqq, .bits = bits_in(weights["nbits"])};
  set_group(made, weights["group_size"]);
  return made;
}

inline layer_scheme torchao_scheme(json_value config, std::string_view& format) noexcept {
  const json_value type = config["quant_type"];
  const json_value chosen = type["default"].kind() == json_kind::object ? type["default"] : type;
  format = chosen["_type"].string().value_or(type.string().value_or(""));
  layer_scheme made{.kind = weight_storage::torchao};
  set_group(made, chosen["_data"]["group_size"]);
  return made;
}

// All methods but compressed-tensors and ModelOpt, which have lists of their own. `format` receives the method's word
// for its layout.
inline layer_scheme scheme_of_method(std::string_view method, json_value config, std::string_view& format) noexcept {
  if (method == "gptq")
    return gptq_scheme(config, format);
  if (method == "awq")
    return awq_scheme(config, format);
  if (method == "fp8")
    return fp8_scheme(config, format);
  if (method == "fbgemm_fp8")
    return {.kind = weight_storage::fp8, .scales = granularity::row, .bits = 8};
  if (method == "mxfp4")
    return {.kind = weight_storage::gpt_oss_mxfp4, .scales = granularity::group, .bits = 4, .group_size = 32};
  if (method == "bitsandbytes")
    return bitsandbytes_scheme(config, format);
  if (method == "hqq")
    return hqq_scheme(config);
  if (method == "torchao")
    return torchao_scheme(config, format);
  return {.kind = weight_storage::unknown};
}

}  // namespace detail

FEWBITS_NAMESPACE_END
