#include "source.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include <fewbits/interop/checkpoint.hpp>
#include <fewbits/interop/layer_pattern.hpp>
#include <fewbits/interop/scheme_config.hpp>
#include <fewbits/interop/scheme_tensors.hpp>

namespace inspect {
namespace {

constexpr std::uint64_t largest_configuration = 64 << 20;

class safetensors_source final : public source {
 public:
  explicit safetensors_source(fewbits::checkpoint&& opened) : checkpoint_(std::move(opened)) {
    container = "safetensors";
    files = checkpoint_.shards();
  }

  bool read(const tensor& from, std::uint64_t first, std::span<std::byte> out, std::string& problem) const override {
    const auto done = checkpoint_.read(checkpoint_.tensors()[from.index], out, first);
    if (!done)
      problem = sentence(done);
    return done.has_value();
  }

  // The configuration that lies beside the files: the first that speaks of quantisation.
  bool read_configuration(std::string& problem) {
    for (const char* const name : {"config.json", "hf_quant_config.json", "quantize_config.json"}) {
      const std::string path = checkpoint_.folder().empty() ? name : checkpoint_.folder() + "/" + name;
      auto text = fewbits::read_small_file(path.c_str(), largest_configuration);
      if (!text && text.error().code() == fewbits::errc::not_found)
        continue;
      auto parsed = text ? fewbits::quantization_config::parse(text->view())
                         : fewbits::result<fewbits::quantization_config>{text.error()};
      if (!parsed) {
        problem = std::string(name) + ": " + sentence(parsed);
        return false;
      }
      if (parsed->method().empty() && parsed->scheme().kind == fewbits::storage::plain)
        continue;
      texts_.push_back(std::move(text).value());
      config_.emplace(std::move(parsed).value());
      method = config_->method();
      format = config_->format();
      for (const std::string_view pattern : config_->ignored()) {
        ignored.emplace_back(pattern);
        if (!fewbits::pattern_is_understood(pattern))
          notes.push_back("a pattern of ignored layers is not understood: " + ignored.back());
      }
      break;
    }
    return true;
  }

  bool find_layers(const std::string& only, std::string& problem) {
    std::map<std::string, layer> found;
    const auto all = checkpoint_.tensors();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const fewbits::tensor_entry& entry = all[i].entry;
      const auto [name, part] = fewbits::split_layer(entry.name);
      ++tensors;
      bytes += entry.size;
      if (!is_wanted(only, name))
        continue;
      layer& into = found[std::string(name)];
      into.tensors.push_back({std::string(entry.name),
                              std::string(part),
                              std::string(to_string(entry.type)),
                              entry.type,
                              {},
                              {entry.shape.begin(), entry.shape.end()},
                              entry.size,
                              i});
      into.bytes += entry.size;
    }
    for (auto& [name, each] : found) {
      each.name = name;
      std::vector<fewbits::layer_part> parts;
      for (const tensor& t : each.tensors)
        parts.push_back({t.part, *t.dtype, t.shape});
      each.details = fewbits::recognise_layer(parts);
      if (config_)
        each.details = config_->refine(name, each.details);
      each.scheme = to_string(each.details.kind);
      each.weights = each.details.weights;
      if (each.details.kind == fewbits::storage::plain) {  // biases are weights, too
        each.weights = 0;
        for (const tensor& t : each.tensors)
          each.weights += t.size * 8 / fewbits::bits_per_element(*t.dtype);
      }
      if (!count_packed_weights(each, problem))
        return false;
      layers.push_back(std::move(each));
    }
    if (checkpoint_.unlisted() != 0)
      notes.push_back("tensors that the index does not name: " + std::to_string(checkpoint_.unlisted()));
    return true;
  }

 private:
  // compressed-tensors pads rows to whole words and keeps the shape in a tensor.
  bool count_packed_weights(layer& each, std::string& problem) const {
    const tensor* const shape = each.find("weight_shape");
    if (each.weights != 0 || shape == nullptr || each.details.kind != fewbits::storage::ct_pack)
      return true;
    const std::size_t width = *shape->dtype == fewbits::dtype::i64 ? 8 : *shape->dtype == fewbits::dtype::i32 ? 4 : 0;
    std::byte stored[16] = {};
    if (width == 0 || shape->size != 2 * width)
      return true;
    if (!read(*shape, 0, {stored, 2 * width}, problem))
      return false;
    std::uint64_t extents[2] = {};
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t i = width; i-- > 0;)
        extents[k] = extents[k] << 8 | std::to_integer<std::uint64_t>(stored[k * width + i]);
    each.weights = fewbits::checked_multiply(extents[0], extents[1]).value_or(0);
    return true;
  }

  fewbits::checkpoint checkpoint_;
  std::vector<fewbits::nothrow_array<std::byte>> texts_;  // the configuration borrows from it
  std::optional<fewbits::quantization_config> config_;
};

}  // namespace

bool is_wanted(const std::string& only, std::string_view layer) {
  return only.empty() || fewbits::pattern_names(only, layer);
}

std::unique_ptr<source> open(const std::string& path, const std::string& only, std::string& problem) {
  if (path.ends_with(".gguf"))
    return open_gguf(path, only, problem);
  auto opened = fewbits::checkpoint::open(path);
  if (!opened) {
    problem = sentence(opened);
    return nullptr;
  }
  auto made = std::make_unique<safetensors_source>(std::move(opened).value());
  if (!made->read_configuration(problem) || !made->find_layers(only, problem))
    return nullptr;
  return made;
}

}  // namespace inspect
