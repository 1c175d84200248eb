// A matrix of floats to blocks and back: at run time by the kernels of simd/ as far as they go, otherwise by the
// constexpr reference, with the same bits.
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
#include <fewbits/simd/block_jobs.hpp>

FEWBITS_NAMESPACE_BEGIN
// What may run kernels carries the unit's flags in its name (simd/target.hpp).
FEWBITS_BASELINE_BEGIN

/// The largest finite magnitude of a matrix, 0 if there is none. Inf and NaN are passed over.
template <class T>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] constexpr unpacked_number finite_amax(const matrix_view<T>& from) noexcept {
  constexpr float_format source = source_format<std::remove_cv_t<T>>();
  static_assert(source.has_zero(), "0 stands for a matrix of no finite values: convert formats without zero to float");
  std::uint64_t amax = 0;
  if (!std::is_constant_evaluated())
    if (simd::find_amax_by_lanes(from, amax))
      return unpack_code<source>(amax);
  for (std::size_t r = 0; r < from.rows() && from.columns() != 0; ++r)
    for (std::size_t c = 0; c < from.columns(); ++c) {
      const std::uint64_t magnitude = source_code(from(r, c)) & source.magnitude_mask();
      if (magnitude <= source.max_code())
        amax = (std::max)(amax, magnitude);
    }
  return unpack_code<source>(amax);
}

FEWBITS_BASELINE_END

namespace detail {
FEWBITS_BASELINE_BEGIN

template <class T>
constexpr block_values<std::remove_cv_t<T>> values_of(const matrix_view<T>& from, std::size_t row, std::size_t column,
                                                      std::size_t rows, std::size_t columns,
                                                      const float* weights_of_errors = nullptr) noexcept {
  return {rows != 0 && columns != 0 ? &from(row, column) : nullptr,
          rows,
          columns,
          from.row_stride_elements(),
          from.column_stride_elements(),
          row,
          column,
          weights_of_errors};
}

/// Rows of codes of a matrix, from the block's first row on.
template <blocked Format>
struct rows_of_matrix {
  std::byte* first_row;
  std::size_t row_bytes;
  std::size_t padded_columns;

  constexpr packed_codes_out<Format> operator()(std::size_t r) const noexcept {
    return {first_row + r * row_bytes, padded_columns};
  }
};

template <blocked Format, class T, class Rule>
constexpr typename Format::tensor_scale_type find_tensor_scale(const matrix_view<T>& from, const Rule& rule) noexcept {
  if constexpr (std::is_same_v<typename Format::tensor_scale_type, no_tensor_scale>) {
    return {};
  } else if constexpr (requires(const block_values<std::remove_cv_t<T>>& all) {
                         rule.template tensor_scale_of<Format>(all);
                       }) {
    return rule.template tensor_scale_of<Format>(values_of(from, 0, 0, from.rows(), from.columns()));
  } else {
    const unpacked_number amax = finite_amax(from);
    return amax.kind != number_class::zero ? rule.template tensor_scale<Format>(amax) : Format::unit_tensor_scale();
  }
}

/// The block (i, j), or the super-block that begins with it, by the constexpr functions.
template <blocked Format, class T, class Encoding>
struct block_reference {
  const matrix_view<T>& from;
  const quantized_layout<Format>& layout;
  const quantized_streams_out<Format>& to;
  const Encoding& how;
  const float* weights_of_errors;

  /// Where the blocks of a super-block begin, and end.
  struct extent {
    std::size_t blocks, first, last;
  };
  [[nodiscard]] constexpr extent extent_of(std::size_t j) const noexcept {
    const std::size_t blocks = (std::min)(Format::super_count, layout.block_columns() - j);
    const std::size_t end = j + blocks - 1;
    return {blocks, layout.first_column(j), layout.first_column(end) + layout.columns_in_block(end)};
  }
  [[nodiscard]] constexpr auto values_of_blocks(std::size_t i, const extent& part) const noexcept {
    return values_of(from, layout.first_row(i), part.first, layout.rows_in_block(i), part.last - part.first,
                     weights_of_errors);
  }

  /// False where the rule has run out of memory.
  [[nodiscard]] constexpr bool choose(std::size_t i, std::size_t j, block_parameters<Format>& chosen) const noexcept {
    bool failed = false;
    chosen = choose_parameters<Format>(values_of_blocks(i, extent_of(j)), to.tensor_scale, how, failed).blocks[0];
    return !failed;
  }
  [[nodiscard]] constexpr bool quantize(std::size_t i, std::size_t j) const noexcept {
    const std::size_t across = layout.block_columns();
    const extent part = extent_of(j);
    const auto values = values_of_blocks(i, part);
    bool failed = false;
    auto chosen = choose_parameters<Format>(values, to.tensor_scale, how, failed);
    if (failed)
      return false;
    const rows_of_matrix<Format> codes{to.codes.data() + layout.first_row(i) * layout.row_code_bytes(),
                                       layout.row_code_bytes(), layout.padded_columns()};
    bool usable = true;
    for (std::size_t b = 0; b < part.blocks; ++b) {
      const std::size_t begin = layout.first_column(j + b) - part.first;
      usable = encode_elements<Format>(values.columns_from(begin, layout.columns_in_block(j + b)), chosen.blocks[b],
                                       chosen.super, to.tensor_scale, how, codes, part.first + begin) &&
               usable;
    }
    if (!usable) {
      // One block's scale can hold nothing, and NaN has room in the super-block alone: it takes all blocks along.
      chosen = poison<Format>();
      if constexpr (Format::has_super_scale)
        for (std::size_t c = part.first; c < part.last; ++c)
          codes(0).set(c, 0);
    }
    for (std::size_t b = 0; b < part.blocks; ++b) {
      store_parameter(to.scales, i * across + j + b, chosen.blocks[b].scale);
      if constexpr (is_stored<typename Format::zero_type>)
        store_parameter(to.zeros, i * across + j + b, chosen.blocks[b].zero);
    }
    if constexpr (Format::has_super_scale)
      to.supers[i * layout.super_columns() + j / Format::super_count] = chosen.super;
    return true;
  }
};

// Shapes agree: to.codes and the other streams are as long as the layout says. `codes_are_zero`: what is not written is
// to be zero. False where the rule has run out of memory.
template <blocked Format, class T, class Encoding>
constexpr bool quantize_into(const matrix_view<T>& from, const quantized_layout<Format>& layout,
                             const quantized_streams_out<Format>& to, const Encoding& how,
                             const float* weights_of_errors, bool codes_are_zero = true) noexcept {
  to.tensor_scale = find_tensor_scale<Format>(from, how.rule);
  const block_reference<Format, T, Encoding> reference{from, layout, to, how, weights_of_errors};
  if constexpr (simd::lanes_quantize<Format, std::remove_cv_t<T>, Encoding>)
    if (!std::is_constant_evaluated()) {
      bool failed = false;
      if (simd::quantize_by_lanes(from, layout, to, how, reference, codes_are_zero, failed))
        return !failed;
    }
  if (!codes_are_zero)
    std::fill_n(to.codes.data(), layout.code_bytes(), std::byte{});
  for (std::size_t i = 0; i < layout.block_rows(); ++i)
    for (std::size_t j = 0; j < layout.block_columns(); j += Format::super_count)
      if (!reference.quantize(i, j))
        return false;
  return true;
}

/// The importance among the policies, checked against the matrix.
constexpr result<const float*> find_importance(std::size_t) noexcept { return nullptr; }
template <class First, class... Rest>
constexpr result<const float*> find_importance(std::size_t columns, const First& first, const Rest&... rest) noexcept {
  if constexpr (std::is_same_v<First, importance_t>) {
    if (first.of_columns.size() != columns)
      return error{errc::shape_mismatch} << "the importance is for " << first.of_columns.size()
                                         << " columns, and the matrix has " << columns;
    for (std::size_t c = 0; c < columns; ++c) {
      const auto code = source_code(first.of_columns[c]);
      if (code > binary32_format.max_code() && code != binary32_format.sign_mask())
        return error{errc::invalid_argument} << "the importance of column " << c << " is negative, Inf or NaN";
    }
    return first.of_columns.data();
  } else {
    return find_importance(columns, rest...);
  }
}

FEWBITS_BASELINE_END
}  // namespace detail

FEWBITS_BASELINE_BEGIN

/// Quantises weights [rows, columns] in blocks of the format's shape. Rows may be strided, transposed, and of any
/// length: blocks at the end of a row or column are smaller where they must be (matrix/layout.hpp).
///
/// Policies, in any order, at most one of a kind:
/// - a scale rule: the format's own by default;
/// - a rounding of elements: nearest_even (default), any other of convert's, stochastic_elements(draw);
/// - poison_blocks (default) or pass_nonfinite: what Inf and NaN do;
/// - keep_zero_sign (default) or drop_zero_sign;
/// - importance(weights): what errors weigh in each column, for rules that minimise an error.
/// Each element is the correctly rounded exact quotient, saturating. The tensor scale, where there is one, looks at
/// finite values only; without any value but 0 it is 1.
/// Errors: errc::size_overflow, out_of_memory; shape_mismatch, invalid_argument: the importance does not fit.
template <blocked Format, class T, policy... Policies>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] result<quantized_matrix<Format>> quantize(const matrix_view<T>& weights,
                                                        const Policies&... policies) noexcept {
  const auto weights_of_errors = detail::find_importance(weights.columns(), policies...);
  if (!weights_of_errors)
    return weights_of_errors.error();
  auto made = quantized_matrix<Format>::create_for_overwrite(weights.rows(), weights.columns());
  if (made &&
      !detail::quantize_into<Format>(weights, made->layout(), made->streams(),
                                     detail::choose_block_encoding<Format>(policies...), *weights_of_errors, false))
    return error{errc::out_of_memory} << "no memory to search the scale of a block in a matrix of " << weights.rows()
                                      << " x " << weights.columns();
  return made;
}

/// Row-major weights whose shape is known at compile time: nothing can go wrong, so the result is the matrix itself,
/// and may be a constant. `constexpr auto w = fb::quantize<fb::mxfp4, 4, 64>(weights);` Policies as above, but
/// for importance.
template <blocked Format, std::size_t Rows, std::size_t Columns, block_source T, policy... Policies>
[[nodiscard]] constexpr fixed_quantized_matrix<Format, Rows, Columns> quantize(
    const std::array<T, Rows * Columns>& weights, const Policies&... policies) noexcept {
  static_assert(detail::count_of_kind<importance_kind, Policies...> == 0,
                "an importance can be wrong at run time: quantise a matrix_view to hear of it");
  const auto how = detail::choose_block_encoding<Format>(policies...);
  static_assert(!rule_can_fail<std::remove_cvref_t<decltype(how.rule)>, Format>,
                "this rule may run out of memory for blocks of this size: quantise a matrix_view to hear of it");
  fixed_quantized_matrix<Format, Rows, Columns> made{};
  detail::quantize_into<Format>(matrix_view<const T>{weights.data(), Rows, Columns}, made.layout(), made.streams(), how,
                                nullptr);
  return made;
}

/// Values of the blocks, each rounded once to float32. out [rows, columns] is overwritten; it may be strided or
/// transposed, and must not alias the streams. A poisoned block gives NaN.
/// Errors: errc::shape_mismatch; nothing is written.
template <blocked Format>
constexpr result<void> dequantize(const quantized_view<Format>& from, const matrix_view<float>& out) noexcept {
  if (out.rows() != from.rows() || out.columns() != from.columns())
    return error{errc::shape_mismatch} << "the output is " << out.rows() << " x " << out.columns()
                                       << ", and the quantised matrix is " << from.rows() << " x " << from.columns();
  if constexpr (simd::lanes_dequantize<Format>)
    if (!std::is_constant_evaluated() && simd::dequantize_by_lanes(from, out))
      return {};
  constexpr std::size_t piece = 256;
  for (std::size_t r = 0; r < from.rows() && from.columns() != 0; ++r)
    for (std::size_t c = 0; c < from.columns(); c += piece) {
      const std::size_t count = (std::min)(piece, from.columns() - c);
      std::array<float, piece> values{};
      from.decode(r, c, std::span(values.data(), count));
      for (std::size_t i = 0; i < count; ++i)
        out(r, c + i) = values[i];
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

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
