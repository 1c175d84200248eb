// What a checkpoint says of its own quantisation: quantization_config in config.json, quantize_config.json of GPTQ,
// quant_config.json of AWQ, hf_quant_config.json of ModelOpt. Sources of the keys: huggingface/transformers,
// utils/quantization_config.py; compressed-tensors 0.20.0, quantization/quant_args.py and config/base.py;
// nvidia-modelopt 0.47.0, torch/export/quant_utils.py and convert_hf_config.py; vLLM, layers/quantization/modelopt.py.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/json_document.hpp>
#include <fewbits/interop/layer_pattern.hpp>
#include <fewbits/interop/scheme.hpp>
#include <fewbits/interop/scheme_methods.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A checkpoint's own words about its quantisation.
class quantization_config {
 public:
  /// Reads config.json, quantize_config.json, quant_config.json or hf_quant_config.json. A text that speaks of no
  /// quantisation gives a configuration without a method. Unknown methods and values are no errors: their schemes are
  /// weight_storage::unknown. Errors: those of json_document; errc::malformed_file: the text is no object.
  static result<quantization_config> parse(std::span<const std::byte> text) noexcept;

  /// "gptq", "compressed-tensors", "modelopt", ...; empty where nothing is quantised.
  [[nodiscard]] std::string_view method() const noexcept { return method_; }
  /// The method's own word for its layout: compressed-tensors' format, ModelOpt's quant_algo, GPTQ's checkpoint_format,
  /// AWQ's version; empty where it says none.
  [[nodiscard]] std::string_view format() const noexcept { return format_; }

  /// What the configuration says of layers it does not single out.
  [[nodiscard]] layer_scheme scheme() const noexcept { return scheme_; }
  /// What it says of one layer: weight_storage::plain where a pattern ignores it or where a list of layers leaves it
  /// out; compressed-tensors' first group whose targets name it counts. Classes of modules ("Linear") name every layer:
  /// which layers are linear only the model knows.
  [[nodiscard]] layer_scheme scheme_of(std::string_view layer) const noexcept;

  /// The patterns of layers that are not quantised.
  [[nodiscard]] std::span<const std::string_view> ignored() const noexcept { return ignored_.view(); }

  /// How an answer of recognise_layer and this configuration go together: the tensors decide what a layer is, and the
  /// configuration what tensors do not show (gptq_v2, Marlin's order, reordering, symmetry, bits). Where the two name
  /// different schemes the tensors win; where the tensors name none (unknown), the configuration does. A plain layer,
  /// and with it a layer_scheme{} that nobody filled in, stays plain: what the configuration says alone is scheme_of.
  [[nodiscard]] layer_scheme refine(std::string_view layer, layer_scheme by_tensors) const noexcept;

 private:
  quantization_config() noexcept = default;

  bool add_ignored(json_value list) noexcept;
  bool read(json_value config) noexcept;
  bool read_modelopt(json_value config) noexcept;

  std::optional<json_document> document_;
  json_value groups_;  // compressed-tensors' config_groups
  json_value layers_;  // ModelOpt's quantized_layers
  std::string_view method_;
  std::string_view format_;
  layer_scheme scheme_;
  nothrow_array<std::string_view> ignored_;
};

inline bool quantization_config::add_ignored(json_value list) noexcept {
  if (list.kind() != json_kind::array)
    return true;
  for (const json_value each : list)
    if (const auto name = each.string(); name && !ignored_.push_back(*name))
      return false;
  return true;
}

inline bool quantization_config::read_modelopt(json_value config) noexcept {
  method_ = "modelopt";
  format_ = config["quant_algo"].string().value_or("");
  if (config["quantized_layers"].kind() == json_kind::object)
    layers_ = config["quantized_layers"];
  if (!format_.empty())
    scheme_ = detail::modelopt_scheme(format_, config["group_size"]);
  return add_ignored(config["exclude_modules"]) && add_ignored(config["ignore"]);
}

inline bool quantization_config::read(json_value config) noexcept {
  method_ = config["quant_method"].string().value_or("");
  scheme_ = {.kind = weight_storage::unknown};
  if (method_ == "modelopt" || method_.starts_with("modelopt_"))
    return read_modelopt(config["quantization"].kind() == json_kind::object ? config["quantization"] : config);
  if (method_ == "compressed-tensors") {
    format_ = config["format"].string().value_or("");
    groups_ = config["config_groups"];
    for (const json_value group : groups_) {
      scheme_ = detail::compressed_group(group["weights"], group["format"].string().value_or(format_));
      break;
    }
  } else {
    scheme_ = detail::scheme_of_method(method_, config, format_);
  }
  return add_ignored(config["ignore"]) && add_ignored(config["modules_to_not_convert"]) &&
         add_ignored(config["llm_int8_skip_modules"]) && add_ignored(config["skip_modules"]);
}

inline result<quantization_config> quantization_config::parse(std::span<const std::byte> text) noexcept {
  auto parsed = json_document::parse(text);
  if (!parsed)
    return error{parsed.error().code()} << "configuration: " << parsed.error().message();
  quantization_config made;
  made.document_.emplace(std::move(parsed).value());
  const json_value root = made.document_->root();
  if (root.kind() != json_kind::object)
    return error{errc::malformed_file, "configuration: it is no object"};
  // Models with parts for pictures keep the configuration of their text part inside it.
  json_value config = root["quantization_config"];
  if (config.kind() != json_kind::object)
    config = root["text_config"]["quantization_config"];
  if (config.kind() != json_kind::object)
    config = root["compression_config"];
  const json_value modelopt = root["quantization"];
  bool read = true;
  if (config.kind() == json_kind::object)
    read = made.read(config);
  else if (modelopt.kind() == json_kind::object && modelopt["quant_algo"].kind() != json_kind::absent)
    read = made.read_modelopt(modelopt);
  else if (root["quant_method"].kind() == json_kind::string)
    read = made.read(root);
  else if (root["bits"].kind() == json_kind::number && root["desc_act"].kind() == json_kind::boolean) {
    read = made.read(root);  // quantize_config.json of GPTQ names no method
    made.method_ = "gptq";
    made.scheme_ = detail::scheme_of_method(made.method_, root, made.format_);
  } else if (root["w_bit"].kind() == json_kind::number && root["q_group_size"].kind() == json_kind::number) {
    read = made.read(root);  // nor does quant_config.json, as AutoAWQ and llm-awq wrote it
    made.method_ = "awq";
    made.scheme_ = detail::scheme_of_method(made.method_, root, made.format_);
  }
  if (!read)
    return error{errc::out_of_memory, "memory is exhausted while reading a configuration"};
  return made;
}

inline layer_scheme quantization_config::scheme_of(std::string_view layer) const noexcept {
  if (method_.empty())
    return {};
  for (const std::string_view pattern : ignored())
    if (pattern_names(pattern, layer))
      return {};
  if (layers_.kind() == json_kind::object) {
    const json_value own = layers_[layer];
    if (own.kind() != json_kind::object)
      return {};
    return detail::modelopt_scheme(own["quant_algo"].string().value_or(""), own["group_size"]);
  }
  for (const json_value group : groups_)
    for (const json_value target : group["targets"]) {
      const std::string_view name = target.string().value_or("");
      // A class has neither a dot nor a prefix: "Linear".
      const bool is_class = !name.empty() && name.front() >= 'A' && name.front() <= 'Z' && name.find('.') == name.npos;
      if (is_class || pattern_names(name, layer))
        return detail::compressed_group(group["weights"], group["format"].string().value_or(format_));
    }
  return groups_.kind() == json_kind::object ? layer_scheme{} : scheme_;
}

inline layer_scheme quantization_config::refine(std::string_view layer, layer_scheme by_tensors) const noexcept {
  layer_scheme made = by_tensors;
  if (made.kind == weight_storage::plain || method_.empty())
    return made;
  const layer_scheme said = scheme_of(layer);
  if (made.kind == weight_storage::unknown)
    return said.kind == weight_storage::plain ? made : said;
  const bool same = said.kind == made.kind ||
                    (made.kind == weight_storage::gptq &&
                     (said.kind == weight_storage::gptq_v2 || said.kind == weight_storage::gptq_marlin)) ||
                    (made.kind == weight_storage::fp8_inverse && said.kind == weight_storage::fp8);
  if (!same)
    return made;
  if (made.kind == weight_storage::gptq)
    made.kind = said.kind;
  if (made.bits == 0)
    made.bits = said.bits;
  if (made.group_size == 0)
    made.group_size = said.group_size;
  if (made.scales == granularity::unknown)
    made.scales = said.scales;
  if (made.scales == granularity::block && said.scales == granularity::block && said.block_rows != 0) {
    made.block_rows = said.block_rows;
    made.block_columns = said.block_columns;
  }
  if (!made.symmetric)
    made.symmetric = said.symmetric;
  if (!made.reordered)
    made.reordered = said.reordered;
  return made;
}

FEWBITS_NAMESPACE_END
