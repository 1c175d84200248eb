#include "source.hpp"

#include <string_view>
#include <utility>

#include <fewbits/interop/tensor_matrix.hpp>

#include "random.hpp"

namespace report {
namespace {

std::string sentence(const fewbits::error& why) { return std::string(why.message()); }

bool holds_weights(const fewbits::tensor_view& tensor) {
  using fewbits::dtype;
  return tensor.shape.size() >= 2 && (tensor.type == dtype::f32 || tensor.type == dtype::f16 ||
                                      tensor.type == dtype::bfloat16 || tensor.type == dtype::f64);
}

/// Weights as training leaves them: Student-t tails, and one column in 256 twenty times as large.
void fill_with_sample(matrix& into, bool heavy_tails) {
  random_source random(0x66657762697473ull + into.rows * 65537 + into.columns);
  std::vector<int> gain(into.columns, 1);
  if (heavy_tails)
    for (std::size_t i = 0; i < into.columns / 256; ++i)
      gain[random.bits() % into.columns] = 20;
  constexpr float unit = 0x1p-22f;  // of 2^-17: weights have a spread of about 2^-5
  std::size_t i = 0;
  for (std::size_t r = 0; r < into.rows; ++r)
    for (std::size_t c = 0; c < into.columns; ++c, ++i)
      into.values[i] = unit * static_cast<float>(heavy_tails ? random.student() * static_cast<std::int64_t>(gain[c])
                                                             : random.normal());
}

}  // namespace

source source::sample() {
  source made;
  made.title_ = "embedded sample: Student-t weights with outlier columns x 20, and a normal control";
  made.entries_.push_back({.name = "attention.query", .rows = 512, .columns = 512});
  made.entries_.push_back({.name = "mlp.up", .rows = 1536, .columns = 512});
  made.entries_.push_back({.name = "mlp.down", .rows = 512, .columns = 1536});
  made.entries_.push_back({.name = "control.normal", .rows = 512, .columns = 1024, .heavy_tails = false});
  return made;
}

std::optional<source> source::open(const std::string& path, const std::string& tensor, std::string& problem) {
  source made;
  auto file = fewbits::mapped_file::open(path.c_str());
  if (!file) {
    problem = sentence(file.error());
    return std::nullopt;
  }
  made.file_.emplace(std::move(*file));
  auto tensors = fewbits::safetensors::parse(made.file_->bytes());
  if (!tensors) {
    problem = path + " is no usable .safetensors file: " + sentence(tensors.error());
    return std::nullopt;
  }
  made.tensors_.emplace(std::move(*tensors));
  made.title_ = path;

  const auto add = [&](const fewbits::tensor_view& each) {
    const auto extents = fewbits::extents_of(each);
    if (!extents) {
      problem = sentence(extents.error());
      return false;
    }
    made.entries_.push_back(
        {.name = std::string(each.name), .rows = extents->rows, .columns = extents->columns, .tensor = each});
    return true;
  };
  if (!tensor.empty()) {
    const auto found = made.tensors_->find(tensor);
    if (!found) {
      problem = path + ": " + sentence(found.error());
      return std::nullopt;
    }
    if (!add(*found))
      return std::nullopt;
    return made;
  }
  for (const fewbits::tensor_view& each : made.tensors_->tensors())
    if (!holds_weights(each) || !add(each))
      ++made.left_out_;
  if (made.entries_.empty()) {
    problem = path + " holds no matrix of F16, BF16, F32 or F64: name a tensor to look at another type";
    return std::nullopt;
  }
  problem.clear();
  return made;
}

std::uint64_t source::weights() const {
  std::uint64_t sum = 0;
  for (const entry& each : entries_)
    sum += static_cast<std::uint64_t>(each.rows) * each.columns;
  return sum;
}

bool source::load(std::size_t i, matrix& into, std::string& problem) const {
  const entry& wanted = entries_[i];
  into.name = wanted.name;
  into.rows = wanted.rows;
  into.columns = wanted.columns;
  into.values.resize(wanted.rows * wanted.columns);
  if (is_sample()) {
    fill_with_sample(into, wanted.heavy_tails);
    return true;
  }
  const auto read = fewbits::read_floats(wanted.tensor, into.values);
  if (!read)
    problem = sentence(read.error());
  return read.has_value();
}

}  // namespace report
