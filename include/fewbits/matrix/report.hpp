// What quantising cost: bits, error, and how many values met a limit.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/saturation.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/view.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Sums over the elements of a matrix against what stands for them. Sums are doubles, taken in the order of `add`. Each
/// count is its own: an Inf that an element without Inf has clamped is poisoned and saturated.
struct error_statistics {
  std::uint64_t elements = 0;     ///< all of them
  std::uint64_t saturated = 0;    ///< rounding went past the largest element: the value was clamped
  std::uint64_t underflowed = 0;  ///< not 0, and stored as 0
  std::uint64_t poisoned = 0;     ///< restored as NaN or Inf, or not finite to begin with; in no sum below
  double power = 0;               ///< sum of original^2
  double squared_error = 0;       ///< sum of (restored - original)^2
  double largest_error = 0;       ///< largest |restored - original|

  /// One element. Inf and NaN are told by their bits, so -ffast-math changes nothing.
  template <block_source T>
  constexpr void add(const T& original, float restored) noexcept {
    ++elements;
    if (!is_finite(original) || !is_finite(restored)) {
      ++poisoned;
      return;
    }
    const auto was = static_cast<double>(original);
    const double error = restored - was;
    const double magnitude = error < 0 ? -error : error;
    power += was * was;
    squared_error += error * error;
    largest_error = magnitude > largest_error ? magnitude : largest_error;
    underflowed += is_zero(restored) && !is_zero(original) ? 1u : 0u;
  }

  /// The statistics of two sets of elements together.
  constexpr error_statistics& operator+=(const error_statistics& others) noexcept {
    elements += others.elements;
    saturated += others.saturated;
    underflowed += others.underflowed;
    poisoned += others.poisoned;
    power += others.power;
    squared_error += others.squared_error;
    largest_error = others.largest_error > largest_error ? others.largest_error : largest_error;
    return *this;
  }

  /// Squared error over power: 0 for no error, infinite for an error against nothing, NaN where every element is
  /// poisoned.
  [[nodiscard]] double nmse() const noexcept {
    if (poisoned != 0 && poisoned == elements)
      return std::numeric_limits<double>::quiet_NaN();
    if (squared_error == 0)
      return 0;
    return power == 0 ? std::numeric_limits<double>::infinity() : squared_error / power;
  }
  /// Signal to quantisation noise in decibels: -10 log10(nmse). Infinite without error.
  [[nodiscard]] double sqnr_db() const noexcept {
    const double ratio = nmse();
    return ratio == 0 ? std::numeric_limits<double>::infinity() : -10.0 * std::log10(ratio);
  }

 private:
  template <block_source T>
  static constexpr bool is_finite(const T& x) noexcept {
    constexpr float_format format = source_format<T>();
    return (source_code(x) & format.magnitude_mask()) <= format.max_code();
  }
  template <block_source T>
  static constexpr bool is_zero(const T& x) noexcept {
    return (source_code(x) & source_format<T>().magnitude_mask()) == 0;
  }
};

/// Where `compare` also puts the statistics of parts: each span is empty, or has one element a row, and one a block
/// (block (i, j) at i x block columns + j). They are overwritten.
struct error_parts {
  std::span<error_statistics> rows{};
  std::span<error_statistics> blocks{};
};

/// Compares two matrices of one shape. `saturated` stays 0: only the format knows.
/// Errors: errc::shape_mismatch.
[[nodiscard]] constexpr result<error_statistics> compare(const matrix_view<const float>& original,
                                                         const matrix_view<const float>& restored) noexcept {
  if (original.rows() != restored.rows() || original.columns() != restored.columns())
    return error{errc::shape_mismatch} << "a matrix of " << original.rows() << " x " << original.columns()
                                       << " cannot be compared with one of " << restored.rows() << " x "
                                       << restored.columns();
  error_statistics sums;
  for (std::size_t r = 0; r < original.rows() && original.columns() != 0; ++r)
    for (std::size_t c = 0; c < original.columns(); ++c)
      sums.add(original(r, c), restored(r, c));
  return sums;
}

FEWBITS_BASELINE_BEGIN

/// Compares a matrix with what was quantised from it, in all and on request by parts.
/// Errors: errc::shape_mismatch, also of the parts; nothing is written.
template <blocked Format, class T>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] constexpr result<error_statistics> compare(const matrix_view<T>& original,
                                                         const quantized_view<Format>& quantized,
                                                         const error_parts& parts = {}) noexcept {
  const auto& layout = quantized.layout();
  if (original.rows() != quantized.rows() || original.columns() != quantized.columns())
    return error{errc::shape_mismatch} << "a matrix of " << original.rows() << " x " << original.columns()
                                       << " cannot be compared with a quantised one of " << quantized.rows() << " x "
                                       << quantized.columns();
  if (!parts.rows.empty() && parts.rows.size() != quantized.rows())
    return error{errc::shape_mismatch} << "statistics of " << quantized.rows() << " rows are asked into "
                                       << parts.rows.size();
  if (!parts.blocks.empty() && parts.blocks.size() != layout.blocks())
    return error{errc::shape_mismatch} << "statistics of " << layout.blocks() << " blocks are asked into "
                                       << parts.blocks.size();
  for (auto& each : parts.rows)
    each = {};
  for (auto& each : parts.blocks)
    each = {};
  error_statistics all;
  constexpr std::size_t piece = 256;
  for (std::size_t r = 0; r < original.rows() && original.columns() != 0; ++r) {
    const std::size_t i = layout.block_of_row(r);
    const auto codes = quantized.row_codes(r);
    error_statistics row;
    for (std::size_t j = 0; j < layout.block_columns(); ++j) {
      const std::size_t first = layout.first_column(j);
      const std::size_t end = first + layout.columns_in_block(j);
      const block_map map = quantized.map_of_block(i, j);
      const bool scaled = map.unit.kind == number_class::finite && map.offset.kind != number_class::nan &&
                          map.offset.kind != number_class::infinite;
      error_statistics block;
      std::array<float, piece> values{};
      for (std::size_t c = first; c < end; c += piece) {
        const std::size_t count = end - c < piece ? end - c : piece;
        decode_elements<Format>(codes, c, map, std::span(values.data(), count));
        for (std::size_t k = 0; k < count; ++k) {
          const auto& was = original(r, c + k);
          block.add(was, values[k]);
          if (scaled && is_extreme<Format>(codes[c + k], map) && saturates<Format>(was, map))
            ++block.saturated;
        }
      }
      row += block;
      if (!parts.blocks.empty())
        parts.blocks[i * layout.block_columns() + j] += block;
    }
    if (!parts.rows.empty())
      parts.rows[r] = row;
    all += row;
  }
  return all;
}
template <blocked Format, class T>
[[nodiscard]] result<error_statistics> compare(const matrix_view<T>& original,
                                               const quantized_matrix<Format>& quantized,
                                               const error_parts& parts = {}) noexcept {
  return compare(original, quantized.view(), parts);
}
template <blocked Format, std::size_t Rows, std::size_t Columns, class T>
[[nodiscard]] constexpr result<error_statistics> compare(const matrix_view<T>& original,
                                                         const fixed_quantized_matrix<Format, Rows, Columns>& quantized,
                                                         const error_parts& parts = {}) noexcept {
  return compare(original, quantized.view(), parts);
}

FEWBITS_BASELINE_END

/// A quantised matrix and what it lost.
template <blocked Format>
struct quantized_with_report {
  quantized_matrix<Format> matrix;
  error_statistics cost;
};

FEWBITS_BASELINE_BEGIN

/// quantize and compare in one call. Errors: those of both; nothing is written into the parts unless both succeed.
template <blocked Format, class T, policy... Policies>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] result<quantized_with_report<Format>> quantize_with_report(const matrix_view<T>& weights,
                                                                         const error_parts& parts = {},
                                                                         const Policies&... policies) noexcept {
  auto made = quantize<Format>(weights, policies...);
  if (!made)
    return made.error();
  const auto cost = compare(weights, *made, parts);
  if (!cost)
    return cost.error();
  return quantized_with_report<Format>{std::move(*made), *cost};
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
