// What a checkpoint says of its own quantisation: quantization_config in config.json, quantize_config.json of GPTQ,
// quant_config.json of AWQ, hf_quant_config.json of ModelOpt. Sources of the keys: huggingface/transformers,
// utils/quantization_config.py; compressed-tensors 0.20.0, quantization/quant_args.py and config/base.py;
// nvidia-modelopt 0.47.0, torch/export/quant_utils.py and convert_hf_config.py; vLLM, layers/quantization/modelopt.py.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/json_document.hpp>
#include <fewbits/interop/pattern_index.hpp>
#include <fewbits/interop/scheme.hpp>
#include <fewbits/interop/scheme_methods.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A checkpoint's own words about its quantisation.
class quantization_config {
 public:
  /// Reads config.json, quantize_config.json, quant_config.json or hf_quant_config.json. A text that speaks of no
  /// quantisation gives a configuration without a method. Unknown methods and values are no errors: their schemes are
  /// weight_storage::unknown. Borrows from the text, which must stay. Errors: those of json_document;
  /// errc::malformed_file: the text is no object.
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
  /// which layers are linear only the model knows. Time grows with the logarithm of the number of names, and with the
  /// number of patterns that are no names, of which the first 4096 of each list count.
  [[nodiscard]] layer_scheme scheme_of(std::string_view layer) const noexcept;

  /// The patterns of layers that are not quantised.
  [[nodiscard]] std::span<const std::string_view> ignored() const noexcept { return ignored_.view(); }

  /// How an answer of recognise_layer and this configuration go together: the tensors decide what a layer is, and the
  /// configuration what tensors do not show (gptq_v2, Marlin's order, reordering, symmetry, bits). Where the two name
  /// different schemes the tensors win; where the tensors name none (unknown), the configuration does, if they
  /// are weights: a layer of scales alone (weights == 0; a cache's k_scale and v_scale) stays unknown. A plain layer,
  /// and with it a layer_scheme{} that nobody filled in, stays plain: what the configuration says alone is scheme_of.
  [[nodiscard]] layer_scheme refine(std::string_view layer, layer_scheme by_tensors) const noexcept;

 private:
  quantization_config() noexcept = default;

  bool add_ignored(json_value list) noexcept;
  bool read(json_value config) noexcept;
  bool read_modelopt(json_value config) noexcept;
  bool read_groups(json_value config) noexcept;

  struct named_layer {
    std::string_view name;
    json_value own;
    std::uint32_t place;  // of two with one name the last counts
    bool operator<(const named_layer& other) const noexcept {
      const int order = name.compare(other.name);
      return order != 0 ? order < 0 : place < other.place;
    }
  };

  std::optional<json_document> document_;
  bool has_groups_ = false;             // compressed-tensors' config_groups
  bool has_layers_ = false;             // ModelOpt's quantized_layers
  nothrow_array<json_value> groups_;    //
  nothrow_array<named_layer> layers_;   // sorted
  detail::pattern_index targets_;       // numbers of groups
  std::optional<std::uint32_t> class_;  // the first group that names a class
  detail::pattern_index ignore_index_;
  std::string_view method_;
  std::string_view format_;
  layer_scheme scheme_;
  nothrow_array<std::string_view> ignored_;
};

inline bool quantization_config::add_ignored(json_value list) noexcept {
  if (list.kind() != json_kind::array)
    return true;
  for (const json_value each : list)
    if (const auto name = each.string(); name && (!ignored_.push_back(*name) || !ignore_index_.add(*name, 0)))
      return false;
  return true;
}

inline bool quantization_config::read_groups(json_value config) noexcept {
  const json_value groups = config["config_groups"];
  has_groups_ = groups.kind() == json_kind::object;
  for (const json_value group : groups) {
    const auto number = static_cast<std::uint32_t>(groups_.size());
    if (!groups_.push_back(group))
      return false;
    for (const json_value target : group["targets"]) {
      const std::string_view name = target.string().value_or("");
      // A class has neither a dot nor a prefix: "Linear".
      const bool is_class = !name.empty() && name.front() >= 'A' && name.front() <= 'Z' && name.find('.') == name.npos;
      if (is_class && !class_)
        class_ = number;
      if (!is_class && !targets_.add(name, number))
        return false;
    }
  }
  targets_.sort();
  return true;
}

inline bool quantization_config::read_modelopt(json_value config) noexcept {
  method_ = "modelopt";
  format_ = config["quant_algo"].string().value_or("");
  const json_value layers = config["quantized_layers"];
  has_layers_ = layers.kind() == json_kind::object;
  if (has_layers_)
    for (const json_value layer : layers)
      if (!layers_.push_back({layer.key(), layer, static_cast<std::uint32_t>(layers_.size())}))
        return false;
  std::sort(layers_.data(), layers_.data() + layers_.size());
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
    if (!read_groups(config))
      return false;
    if (groups_.size() != 0) {
      const json_value group = groups_.view()[0];
      scheme_ = detail::compressed_group(group["weights"], group["format"].string().value_or(format_));
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
  made.ignore_index_.sort();
  return made;
}

inline layer_scheme quantization_config::scheme_of(std::string_view layer) const noexcept {
  if (method_.empty())
    return {};
  if (ignore_index_.first_of(layer))
    return {};
  if (has_layers_) {
    const auto* const begin = layers_.data();
    const auto* const after =
        std::upper_bound(begin, begin + layers_.size(), layer,
                         [](std::string_view name, const named_layer& each) noexcept { return name < each.name; });
    if (after == begin || after[-1].name != layer || after[-1].own.kind() != json_kind::object)
      return {};
    const json_value own = after[-1].own;
    return detail::modelopt_scheme(own["quant_algo"].string().value_or(""), own["group_size"]);
  }
  const auto by_name = targets_.first_of(layer);
  const auto number = !by_name || (class_ && *class_ < *by_name) ? class_ : by_name;
  if (!number)
    return has_groups_ ? layer_scheme{} : scheme_;
  const json_value group = groups_.view()[*number];
  return detail::compressed_group(group["weights"], group["format"].string().value_or(format_));
}

inline layer_scheme quantization_config::refine(std::string_view layer, layer_scheme by_tensors) const noexcept {
  layer_scheme made = by_tensors;
  if (made.kind == weight_storage::plain || method_.empty())
    return made;
  const layer_scheme said = scheme_of(layer);
  if (made.kind == weight_storage::unknown)
    return said.kind == weight_storage::plain || made.weights == 0 ? made : said;
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
