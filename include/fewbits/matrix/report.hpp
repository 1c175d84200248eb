// What quantising cost: bits, error, and how many values met a limit.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/view.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Sums over the elements of a matrix against what stands for them. Sums are doubles, taken in the order of `add`.
struct error_statistics {
  std::uint64_t elements = 0;     ///< all of them
  std::uint64_t saturated = 0;    ///< rounding went past the largest element: the value was clamped
  std::uint64_t underflowed = 0;  ///< not 0, and stored as 0
  std::uint64_t poisoned = 0;     ///< stored as NaN, or not finite to begin with; in no sum below
  double power = 0;               ///< sum of original^2
  double squared_error = 0;       ///< sum of (restored - original)^2
  double largest_error = 0;       ///< largest |restored - original|

  /// One element. Inf and NaN are told by their bits, so -ffast-math changes nothing.
  constexpr void add(float original, float restored) noexcept {
    ++elements;
    if (!is_finite(original) || !is_finite(restored)) {
      ++poisoned;
      return;
    }
    const double was = original;
    const double error = restored - was;
    const double magnitude = error < 0 ? -error : error;
    power += was * was;
    squared_error += error * error;
    largest_error = magnitude > largest_error ? magnitude : largest_error;
    underflowed += is_zero(restored) && !is_zero(original) ? 1u : 0u;
  }

  /// Squared error over power: 0 for no error, infinite for an error against nothing.
  [[nodiscard]] double nmse() const noexcept {
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
  static constexpr bool is_finite(float x) noexcept {
    return (source_code(x) & binary32_format.magnitude_mask()) <= binary32_format.max_code();
  }
  static constexpr bool is_zero(float x) noexcept { return (source_code(x) & binary32_format.magnitude_mask()) == 0; }
};

/// Does rounding take `value / unit` past the largest element? Overflow is judged after rounding, as in conversions:
/// half a step beyond the largest is still its own. Precondition: `unit` is finite and above 0.
template <few_bit_number Element>
[[nodiscard]] constexpr bool saturates(float value, const unpacked_number& unit) noexcept {
  const unpacked_number quotient = exact_quotient(unpack(value), unit);
  if constexpr (is_minifloat<Element>) {
    if (quotient.kind == number_class::infinite)
      return true;
    return quotient.kind == number_class::finite &&
           round_to_unbounded_code<Element::format>(quotient, nearest_even) > Element::format.max_code();
  } else {
    // Without the clamp, a format of one more bit would hold what rounding gives.
    constexpr fixed_format wide{.total_bits = 63, .fraction_bits = Element::format.fraction_bits};
    const std::uint64_t code = pack_code<wide>(quotient);
    const bool negative = (code & wide.sign_mask()) != 0;
    const std::uint64_t magnitude = negative ? (0 - code) & wide.code_mask() : code;
    return magnitude > (negative ? Element::format.negative_limit() : Element::format.max_code());
  }
}

/// Is the code the largest or the lowest finite one? Only those can stand for a clamped value.
template <few_bit_number Element>
[[nodiscard]] constexpr bool is_extreme(std::uint64_t code) noexcept {
  if constexpr (is_minifloat<Element>)
    return (code & Element::format.magnitude_mask()) == Element::format.max_code();
  else
    return code == Element::format.max_code() ||
           code == ((0 - Element::format.negative_limit()) & Element::format.code_mask());
}

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

/// Compares a matrix with what was quantised from it.
/// Errors: errc::shape_mismatch.
template <blocked Format>
[[nodiscard]] constexpr result<error_statistics> compare(const matrix_view<const float>& original,
                                                         const quantized_view<Format>& quantized) noexcept {
  using element = typename Format::element_type;
  if (original.rows() != quantized.rows() || original.columns() != quantized.columns())
    return error{errc::shape_mismatch} << "a matrix of " << original.rows() << " x " << original.columns()
                                       << " cannot be compared with a quantised one of " << quantized.rows() << " x "
                                       << quantized.columns();
  error_statistics sums;
  for (std::size_t r = 0; r < original.rows() && original.columns() != 0; ++r)
    for (std::size_t b = 0; b < quantized.layout().blocks_per_row(); ++b) {
      const std::size_t count = quantized.layout().elements_in_block(b);
      std::array<float, Format::size> values{};
      decode_block_into<Format>(quantized.block_codes(r, b), quantized.block_scale(r, b), quantized.tensor_scale(),
                                std::span(values.data(), count));
      const unpacked_number unit = block_unit<Format>(quantized.block_scale(r, b), quantized.tensor_scale());
      const bool scaled = unit.kind == number_class::finite;
      for (std::size_t i = 0; i < count; ++i) {
        const float was = original(r, b * Format::size + i);
        sums.add(was, values[i]);
        if (scaled && is_extreme<element>(quantized.block_codes(r, b)[i]) && saturates<element>(was, unit))
          ++sums.saturated;
      }
    }
  return sums;
}
template <blocked Format>
[[nodiscard]] result<error_statistics> compare(const matrix_view<const float>& original,
                                               const quantized_matrix<Format>& quantized) noexcept {
  return compare(original, quantized.view());
}
template <blocked Format, std::size_t Rows, std::size_t Columns>
[[nodiscard]] constexpr result<error_statistics> compare(
    const matrix_view<const float>& original, const fixed_quantized_matrix<Format, Rows, Columns>& quantized) noexcept {
  return compare(original, quantized.view());
}

FEWBITS_NAMESPACE_END
