#include <algorithm>
#include <cstring>
#include <utility>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/gguf.hpp>

#include "source.hpp"

namespace inspect {
namespace {

class gguf_source final : public source {
 public:
  gguf_source(fewbits::mapped_file&& mapped, fewbits::gguf&& parsed, const std::string& only)
      : file_(std::move(mapped)), model_(std::move(parsed)) {
    container = "GGUF";
    if (const auto name = model_.metadata("general.architecture"))
      method = name->as_string().value_or("");
    const auto all = model_.tensors();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const fewbits::gguf_tensor& each = all[i];
      ++tensors;
      bytes += each.bytes.size();
      if (!is_wanted(only, each.name))
        continue;
      layer made;
      made.name = std::string(each.name);
      made.scheme = std::string(to_string(each.type));
      made.bytes = each.bytes.size();
      const auto row = fewbits::gguf_row_of(each.type);
      made.weights = row ? made.bytes / row->bytes * row->elements : 0;
      made.tensors.push_back(
          {made.name, "", made.scheme, {}, each.type, {each.shape.begin(), each.shape.end()}, made.bytes, i});
      layers.push_back(std::move(made));
    }
    std::ranges::sort(layers, {}, &layer::name);
  }

  bool read(const tensor& from, std::uint64_t first, std::span<std::byte> out, std::string&) const override {
    if (!out.empty())
      std::memcpy(out.data(), model_.tensors()[from.index].bytes.data() + first, out.size());
    return true;
  }

 private:
  fewbits::mapped_file file_;
  fewbits::gguf model_;
};

}  // namespace

std::unique_ptr<source> open_gguf(const std::string& path, const std::string& only, std::string& problem) {
  auto file = fewbits::mapped_file::open(path.c_str());
  if (!file) {
    problem = sentence(file);
    return nullptr;
  }
  auto model = fewbits::gguf::parse(file->bytes());
  if (!model) {
    problem = "'" + path + "': " + sentence(model);
    return nullptr;
  }
  return std::make_unique<gguf_source>(std::move(file).value(), std::move(model).value(), only);
}

}  // namespace inspect
