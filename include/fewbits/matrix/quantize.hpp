// A matrix of floats to blocks and back, by the constexpr reference.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/view.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The largest finite magnitude of a matrix, 0 if there is none. Inf and NaN are passed over.
template <class T>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] constexpr unpacked_number finite_amax(const matrix_view<T>& from) noexcept {
  constexpr float_format source = source_format<std::remove_cv_t<T>>();
  static_assert(source.has_zero(), "0 stands for a matrix of no finite values: convert formats without zero to float");
  std::uint64_t amax = 0;
  for (std::size_t r = 0; r < from.rows() && from.columns() != 0; ++r)
    for (std::size_t c = 0; c < from.columns(); ++c) {
      const std::uint64_t magnitude = source_code(from(r, c)) & source.magnitude_mask();
      if (magnitude <= source.max_code())
        amax = (std::max)(amax, magnitude);
    }
  return unpack_code<source>(amax);
}

namespace detail {

// Shapes agree: to.layout is that of `from`.
template <blocked Format, class T, class Rule>
constexpr void quantize_into(const matrix_view<T>& from, const quantized_streams<Format>& to,
                             const Rule& rule) noexcept {
  using value = std::remove_cv_t<T>;
  static_assert(scale_rule<Rule, Format>, "this scale rule does not fit the format: see scale_rule in block/scale.hpp");
  to.tensor_scale = Format::unit_tensor_scale();
  if constexpr (Format::has_tensor_scale) {
    const unpacked_number amax = finite_amax(from);
    if (amax.kind != number_class::zero)
      to.tensor_scale = rule.template tensor_scale<Format>(amax);
  }
  const std::size_t blocks = to.layout.blocks_per_row();
  for (std::size_t r = 0; r < from.rows() && blocks != 0; ++r)  // rows without columns may be 2^64
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::size_t count = to.layout.elements_in_block(b);
      const T* const first = &from(r, b * Format::size);
      typename Format::scale_type& scale = to.scales[r * blocks + b];
      if (from.has_contiguous_rows()) {
        scale = encode_block_into<Format>(std::span<const value>(first, count), to.block_codes(r, b), to.tensor_scale,
                                          rule);
      } else {
        std::array<value, Format::size> gathered{};
        for (std::size_t i = 0; i < count; ++i)
          gathered[i] = from(r, b * Format::size + i);
        scale = encode_block_into<Format>(std::span<const value>(gathered.data(), count), to.block_codes(r, b),
                                          to.tensor_scale, rule);
      }
    }
}

}  // namespace detail

/// Quantises weights [rows, columns] in blocks along the columns. Rows may be strided, transposed, and of any length:
/// the last block of a row is shorter where it must be (matrix/layout.hpp).
///
/// `rule` chooses the scales; each element is then the correctly rounded exact quotient, saturating. A block with Inf
/// or NaN is poisoned: its scale is NaN, and all of it decodes to NaN. The tensor scale, where there is one, looks at
/// finite values only; without any value but 0 it is 1.
/// Errors: errc::size_overflow, out_of_memory.
template <blocked Format, class T, class Rule = typename Format::default_rule>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] result<quantized_matrix<Format>> quantize(const matrix_view<T>& weights, const Rule& rule = {}) noexcept {
  auto made = quantized_matrix<Format>::create(weights.rows(), weights.columns());
  if (made)
    detail::quantize_into<Format>(weights, made->streams(), rule);
  return made;
}

/// Row-major weights whose shape is known at compile time: nothing can go wrong, so the result is the matrix itself,
/// and may be a constant. `constexpr auto w = fb::quantize<fb::mxfp4, 4, 64>(weights);`
template <blocked Format, std::size_t Rows, std::size_t Columns, block_source T,
          class Rule = typename Format::default_rule>
[[nodiscard]] constexpr fixed_quantized_matrix<Format, Rows, Columns> quantize(
    const std::array<T, Rows * Columns>& weights, const Rule& rule = {}) noexcept {
  fixed_quantized_matrix<Format, Rows, Columns> made{};
  detail::quantize_into<Format>(matrix_view<const T>{weights.data(), Rows, Columns}, made.streams(), rule);
  return made;
}

/// Values of the blocks, each rounded once to float32: element x scale x tensor scale. out [rows, columns] is
/// overwritten; it may be strided or transposed, and must not alias the streams. A poisoned block gives NaN.
/// Errors: errc::shape_mismatch; nothing is written.
template <blocked Format>
constexpr result<void> dequantize(const quantized_view<Format>& from, const matrix_view<float>& out) noexcept {
  if (out.rows() != from.rows() || out.columns() != from.columns())
    return error{errc::shape_mismatch} << "the output is " << out.rows() << " x " << out.columns()
                                       << ", and the quantised matrix is " << from.rows() << " x " << from.columns();
  for (std::size_t r = 0; r < from.rows() && from.columns() != 0; ++r)
    for (std::size_t b = 0; b < from.layout().blocks_per_row(); ++b) {
      const std::size_t count = from.layout().elements_in_block(b);
      std::array<float, Format::size> values{};
      decode_block_into<Format>(from.block_codes(r, b), from.block_scale(r, b), from.tensor_scale(),
                                std::span(values.data(), count));
      for (std::size_t i = 0; i < count; ++i)
        out(r, b * Format::size + i) = values[i];
    }
  return {};
}
template <blocked Format>
result<void> dequantize(const quantized_matrix<Format>& from, const matrix_view<float>& out) noexcept {
  return dequantize(from.view(), out);
}
template <blocked Format, std::size_t Rows, std::size_t Columns>
constexpr result<void> dequantize(const fixed_quantized_matrix<Format, Rows, Columns>& from,
                                  const matrix_view<float>& out) noexcept {
  return dequantize(from.view(), out);
}

FEWBITS_NAMESPACE_END
