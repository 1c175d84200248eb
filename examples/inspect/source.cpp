#include "source.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include <fewbits/interop/checkpoint.hpp>
#include <fewbits/interop/layer_pattern.hpp>
#include <fewbits/interop/scheme_config.hpp>
#include <fewbits/interop/scheme_tensors.hpp>

#include "codes.hpp"

namespace inspect {
namespace {

constexpr std::uint64_t largest_configuration = 64 << 20;

// The file's own word for what it is; a name may say another thing.
bool begins_as_gguf(const std::string& path) {
  const auto file = fewbits::input_file::open(path.c_str());  // which does not wait for a pipe
  std::byte magic[4] = {};
  return file && file->read_at(0, magic) && std::memcmp(magic, "GGUF", sizeof magic) == 0;
}

// Schemes whose tensors look alike.
fewbits::weight_storage family_of(fewbits::weight_storage kind) {
  using enum fewbits::weight_storage;
  if (kind == gptq_v2 || kind == gptq_marlin)
    return gptq;
  if (kind == fp8_inverse || kind == mxfp8)
    return fp8;
  return kind;
}

// Layers that are not quantised never disagree: a configuration that speaks of classes of modules names them all.
std::string disagreement_of(const fewbits::quantization_config& config, std::string_view name,
                            fewbits::weight_storage stored) {
  using fewbits::weight_storage;
  const weight_storage said = config.scheme_of(name).kind;
  if (stored == weight_storage::plain || stored == weight_storage::unknown || said == weight_storage::unknown ||
      family_of(said) == family_of(stored))
    return {};
  return "the configuration says " + std::string(to_string(said)) + ", the tensors are " +
         std::string(to_string(stored));
}

// Numbers that nothing scales: no tensor is called weights, and each says what it is.
bool has_floats_alone(const layer& what) {
  return std::ranges::all_of(what.tensors, [](const tensor& each) {
    using enum fewbits::dtype;
    return (each.dtype == f16 || each.dtype == bfloat16 || each.dtype == f32 || each.dtype == f64) &&
           !each.part.starts_with("weight");
  });
}

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

  // The configuration that lies beside the files: the first that speaks of quantisation. One that cannot be read is a
  // note: the tensors say most of what there is to say.
  void read_configuration() {
    for (const char* const name : {"config.json", "hf_quant_config.json", "quantize_config.json"}) {
      const std::string path = checkpoint_.folder().empty() ? name : checkpoint_.folder() + "/" + name;
      auto text = fewbits::read_small_file(path.c_str(), largest_configuration);
      if (!text && text.error().code() == fewbits::errc::not_found)
        continue;
      auto parsed = text ? fewbits::quantization_config::parse(text->view())
                         : fewbits::result<fewbits::quantization_config>{text.error()};
      if (!parsed) {
        constexpr std::string_view prefix = "configuration: ";
        std::string why = sentence(parsed);
        if (text)  // whose errors do not know the file
          why = "'" + path + "': " + why.substr(why.starts_with(prefix) ? prefix.size() : 0);
        notes.push_back("a configuration is left out: " + why);
        continue;
      }
      if (parsed->method().empty() && parsed->scheme().kind == fewbits::weight_storage::plain)
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
      if (config_) {
        each.disagreement = disagreement_of(*config_, name, each.details.kind);
        each.details = config_->refine(name, each.details);
      }
      // A configuration speaks of classes of modules: scales alone (k_scale and v_scale of a cache) are none of them.
      if (codes_of(each) == nullptr && fewbits::recognise_layer(parts).kind == fewbits::weight_storage::unknown)
        each.details = {.kind =
                            has_floats_alone(each) ? fewbits::weight_storage::plain : fewbits::weight_storage::unknown};
      each.scheme = to_string(each.details.kind);
      each.weights = each.details.weights;
      if (each.details.kind == fewbits::weight_storage::plain) {  // biases are weights, too
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
  // Up to two integers of a small tensor; fewer where the tensor is another.
  bool read_integers(const tensor* from, std::vector<std::uint64_t>& into, std::string& problem) const {
    into.clear();
    if (from == nullptr)
      return true;
    const std::size_t width = *from->dtype == fewbits::dtype::i64 ? 8 : *from->dtype == fewbits::dtype::i32 ? 4 : 0;
    std::byte stored[16] = {};
    if (width == 0 || from->size == 0 || from->size > 2 * width)
      return true;
    const auto size = static_cast<std::size_t>(from->size);
    if (!read(*from, 0, {stored, size}, problem))
      return false;
    for (std::size_t end = width; end <= size; end += width) {
      std::uint64_t number = 0;
      for (std::size_t i = end; i-- > end - width;)
        number = number << 8 | std::to_integer<std::uint64_t>(stored[i]);
      into.push_back(number);
    }
    return true;
  }

  // Where padding hides the number of weights, its writers keep the shape in a tensor.
  bool count_packed_weights(layer& each, std::string& problem) const {
    const bool hqq = each.details.kind == fewbits::weight_storage::hqq;
    if (each.weights != 0 || (!hqq && each.details.kind != fewbits::weight_storage::ct_pack))
      return true;
    std::vector<std::uint64_t> numbers;
    if (!read_integers(each.find(hqq ? "shape" : "weight_shape"), numbers, problem))
      return false;
    if (numbers.size() == 2)
      each.weights = fewbits::checked_multiply(numbers[0], numbers[1]).value_or(0);
    if (!hqq) {
      const std::uint64_t columns = numbers.size() == 2 ? numbers[1] : 0;
      const tensor* const packed = codes_of(each);
      const std::uint64_t words = packed == nullptr || packed->shape.empty() ? 0 : packed->shape.back();
      // Rows of 32 weights and more tell their bits.
      if (each.details.bits == 0 && columns >= 32 && columns < std::uint64_t{1} << 60)
        for (std::uint32_t bits = 1; bits <= 8; ++bits)
          if ((columns * bits + 31) / 32 == words)
            each.details.bits = bits;
      return true;
    }
    if (!read_integers(each.find("nbits"), numbers, problem))
      return false;
    if (numbers.size() == 1 && numbers[0] <= 8)
      each.details.bits = static_cast<std::uint32_t>(numbers[0]);
    if (!read_integers(each.find("group_size"), numbers, problem))
      return false;
    if (numbers.size() == 1 && numbers[0] != 0)
      each.details.group_size = numbers[0];
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
  if (path.ends_with(".gguf") || begins_as_gguf(path))
    return open_gguf(path, only, problem);
  auto opened = fewbits::checkpoint::open(path);
  if (!opened) {
    problem = sentence(opened);
    return nullptr;
  }
  auto made = std::make_unique<safetensors_source>(std::move(opened).value());
  made->read_configuration();
  if (!made->find_layers(only, problem))
    return nullptr;
  return made;
}

}  // namespace inspect
