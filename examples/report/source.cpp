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

constexpr std::uint64_t seed = 0x66657762697473ull;

/// Weights as training leaves them: Student-t tails, and one column in 256 twenty times as large. Their spread is about
/// 2^-5, and so a unit of 2^-17 becomes one of 2^-22.
template <bool HeavyTails>
void fill_with_weights(matrix& into) {
  random_source random(seed + into.rows * 65537 + into.columns);
  std::vector<int> gain(into.columns, 1);
  if (HeavyTails)
    for (std::size_t i = 0; i < into.columns / 256; ++i)
      gain[random.bits() % into.columns] = 20;
  std::size_t i = 0;
  for (std::size_t r = 0; r < into.rows; ++r)
    for (std::size_t c = 0; c < into.columns; ++c, ++i)
      into.values[i] = 0x1p-22f * static_cast<float>(HeavyTails ? random.student() * static_cast<std::int64_t>(gain[c])
                                                                : random.normal());
}

template <std::int64_t (random_source::*Draw)()>
void fill_by(matrix& into) {
  random_source random(seed);
  for (float& each : into.values)
    each = 0x1p-17f * static_cast<float>((random.*Draw)());
}

}  // namespace

source source::sample() {
  source made;
  made.title_ = "embedded sample: Student-t weights with outlier columns x 20, and a normal control";
  const auto weights = &fill_with_weights<true>;
  made.entries_.push_back({.name = "attention.query", .rows = 512, .columns = 512, .fill = weights});
  made.entries_.push_back({.name = "mlp.up", .rows = 1536, .columns = 512, .fill = weights});
  made.entries_.push_back({.name = "mlp.down", .rows = 512, .columns = 1536, .fill = weights});
  made.entries_.push_back({.name = "control.normal", .rows = 512, .columns = 1024, .fill = &fill_with_weights<false>});
  return made;
}

source source::distributions() {
  source made;
  made.title_ = "four distributions";
  const auto add = [&](const char* name, void (*fill)(matrix&)) {
    made.entries_.push_back({.name = name, .rows = 512, .columns = 1024, .fill = fill});
  };
  add("N(0,1)", &fill_by<&random_source::gaussian>);
  add("Laplace", &fill_by<&random_source::laplace>);
  add("Student t4", &fill_by<&random_source::student4>);
  add("N(0,1), 0.4 % x 20", &fill_by<&random_source::with_outliers>);
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
  if (wanted.fill != nullptr) {
    wanted.fill(into);
    return true;
  }
  const auto read = fewbits::read_floats(wanted.tensor, into.values);
  if (!read)
    problem = sentence(read.error());
  return read.has_value();
}

}  // namespace report
