// Quantises a matrix on all threads and measures what it cost. Included by schemes_*.cpp alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include <fewbits/gemm/thread_pool.hpp>
#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/matrix/report.hpp>

#include "scheme.hpp"

namespace convert {

namespace fb = fewbits;

/// Rows of a slice: a multiple of every block's rows, and of the blocks whose small parameters share a byte.
inline constexpr std::size_t slice_rows = 128;

/// What restored slices lost, added up in the order of the rows whoever computes them.
class cost_sum {
 public:
  explicit cost_sum(std::size_t rows) : parts_((rows + slice_rows - 1) / slice_rows) {}
  std::size_t slices() const { return parts_.size(); }
  /// False where memory is exhausted.
  template <fb::blocked Format>
  bool add(std::size_t slice, const fb::matrix_view<const float>& was, const fb::quantized_view<Format>& is) {
    const std::unique_ptr<float[]> values(new (std::nothrow) float[was.rows() * was.columns()]);
    if (values == nullptr)
      return false;
    const fb::matrix_view<float> restored(values.get(), was.rows(), was.columns());
    fb::dequantize(is, restored).value();
    parts_[slice] = fb::compare(was, fb::matrix_view<const float>(restored)).value();
    return true;
  }
  loss sum() const {
    fb::error_statistics all;
    for (const auto& each : parts_)
      all += each;
    return {all.elements, all.underflowed, all.poisoned, all.power, all.squared_error, all.largest_error};
  }

 private:
  std::vector<fb::error_statistics> parts_;
};

inline fb::matrix_view<const float> slice_of(const fb::matrix_view<const float>& from, std::size_t slice) {
  const std::size_t first = slice * slice_rows;
  return {from.data() + first * from.columns(), (std::min)(slice_rows, from.rows() - first), from.columns()};
}

/// A converted layer that owns a quantised matrix, and bytes made from it.
template <fb::blocked Format>
struct quantised_layer : converted_layer {
  explicit quantised_layer(fb::quantized_matrix<Format> quantised) : matrix(std::move(quantised)) {}
  fb::quantized_matrix<Format> matrix;
  std::vector<std::vector<std::byte>> bytes;  // inner vectors do not move

  void add_codes() { pieces.push_back(matrix.codes()); }
  /// Scales of one byte as they are, wider ones little-endian.
  void add_scales() { add_numbers(matrix.scales()); }
  template <class T>
  void add_numbers(std::span<const T> numbers) {
    if constexpr (sizeof(T) == 1) {
      pieces.push_back(std::as_bytes(numbers));
    } else {
      std::vector<std::byte>& made = add_room(numbers.size_bytes());
      std::size_t at = 0;
      struct sink_t {
        std::vector<std::byte>& into;
        std::size_t& at;
        fb::result<void> write(std::span<const std::byte> part) {
          std::copy(part.begin(), part.end(), into.begin() + static_cast<std::ptrdiff_t>(at));
          at += part.size();
          return {};
        }
      } sink{made, at};
      fb::write_little_endian(sink, numbers).value();
    }
  }
  /// A piece of so many bytes, zero at first.
  std::vector<std::byte>& add_room(std::size_t size) {
    if (bytes.capacity() == 0)
      bytes.reserve(8);
    bytes.emplace_back(size);
    pieces.push_back(bytes.back());
    return bytes.back();
  }
};
template <fb::blocked Format>
using made_layer = std::unique_ptr<quantised_layer<Format>>;

inline void say(std::string& problem, const fb::error& why) { problem = std::string(why.message()); }

/// For formats without a tensor scale: slices of rows are quantised apart, which gives the matrix's own bits.
template <fb::blocked Format, class... Policies>
made_layer<Format> quantise_slices(const job& what, std::string& problem, const Policies&... policies) {
  static_assert(!Format::has_tensor_scale, "slices must not have tensor scales of their own");
  auto whole = fb::quantized_matrix<Format>::create(what.weights.rows(), what.weights.columns());
  if (!whole) {
    say(problem, whole.error());
    return nullptr;
  }
  auto made = std::make_unique<quantised_layer<Format>>(std::move(*whole));
  const auto& layout = made->matrix.layout();
  const auto to = made->matrix.streams();
  cost_sum cost(what.weights.rows());
  std::mutex one_at_a_time;
  std::atomic<bool> failed{false};
  what.pool.parallel_for(cost.slices(), [&](std::size_t slice) noexcept {
    const auto weights = slice_of(what.weights, slice);
    const auto part = fb::quantize<Format>(weights, policies...);
    if (!part || !cost.add(slice, weights, part->view())) {
      failed = true;
      return;
    }
    const std::size_t row = slice * slice_rows;
    std::copy(part->codes().begin(), part->codes().end(),
              to.codes.begin() + static_cast<std::ptrdiff_t>(row * layout.row_code_bytes()));
    const std::size_t first = layout.block_of_row(row) * layout.block_columns();
    const std::lock_guard lock(one_at_a_time);  // parameters of neighbouring slices may share a byte
    for (std::size_t i = 0; i < part->layout().blocks(); ++i) {
      fb::store_parameter(to.scales, first + i, part->scales()[i]);
      if constexpr (Format::has_zero_point)
        fb::store_parameter(to.zeros, first + i, part->zeros()[i]);
    }
  });
  if (failed) {
    problem = "memory is exhausted";
    return nullptr;
  }
  made->cost = cost.sum();
  what.release();
  return made;
}

/// For formats with a tensor scale and blocks along rows: quantised whole, measured in slices.
template <fb::blocked Format, class... Policies>
made_layer<Format> quantise_whole(const job& what, std::string& problem, const Policies&... policies) {
  auto whole = fb::quantize<Format>(what.weights, policies...);
  if (!whole) {
    say(problem, whole.error());
    return nullptr;
  }
  auto made = std::make_unique<quantised_layer<Format>>(std::move(*whole));
  const auto view = made->matrix.view();
  const auto& layout = view.layout();
  cost_sum cost(what.weights.rows());
  std::atomic<bool> failed{false};
  what.pool.parallel_for(cost.slices(), [&](std::size_t slice) noexcept {
    const auto weights = slice_of(what.weights, slice);
    const std::size_t row = slice * slice_rows;
    const auto part = fb::quantized_view<Format>::over(
        weights.rows(), weights.columns(),
        view.codes().subspan(row * layout.row_code_bytes(), weights.rows() * layout.row_code_bytes()),
        view.scales().subspan(row * layout.block_columns(), weights.rows() * layout.block_columns()),
        view.tensor_scale());
    if (!part || !cost.add(slice, weights, *part))
      failed = true;
  });
  if (failed) {
    problem = "memory is exhausted";
    return nullptr;
  }
  made->cost = cost.sum();
  what.release();
  return made;
}

/// "its K columns are no multiple of 16", or nothing.
inline std::string whole_groups(const layer& of, std::size_t group) {
  if (of.columns % group == 0)
    return {};
  return "its " + std::to_string(of.columns) + " columns are no multiple of " + std::to_string(group);
}

}  // namespace convert
