// The scalar product that defines right: slow, plain, and the oracle of every kernel.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/view.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {
FEWBITS_BASELINE_BEGIN

constexpr result<void> shapes_agree(const matrix_view<float>& out, const matrix_view<const float>& activations,
                                    std::size_t weight_rows, std::size_t weight_columns) noexcept {
  if (activations.columns() != weight_columns)
    return error{errc::shape_mismatch} << "the activations have depth " << activations.columns() << ", and the weights "
                                       << weight_columns;
  if (out.rows() != activations.rows() || out.columns() != weight_rows)
    return error{errc::shape_mismatch} << "the output is " << out.rows() << " x " << out.columns()
                                       << ", and the product is " << activations.rows() << " x " << weight_rows;
  return {};
}

/// Rows of activations that share one decoded piece of weights.
inline constexpr std::size_t reference_tile_rows = 16;

// `weights(n, k, count)` gives `count` values of row n from column k on.
template <class Weights>
constexpr void reference_product(const matrix_view<float>& out, const matrix_view<const float>& activations,
                                 std::size_t depth, const Weights& weights) noexcept {
  for (std::size_t n = 0; n < out.columns() && out.rows() != 0; ++n)
    for (std::size_t first = 0; first < out.rows(); first += reference_tile_rows) {
      const std::size_t rows = (std::min)(reference_tile_rows, out.rows() - first);
      std::array<double, reference_tile_rows> sums{};
      for (std::size_t k = 0; k < depth; k += Weights::piece) {
        const std::size_t count = (std::min)(Weights::piece, depth - k);
        const std::array<float, Weights::piece> piece = weights(n, k, count);
        for (std::size_t i = 0; i < count; ++i)
          for (std::size_t r = 0; r < rows; ++r)
            sums[r] += static_cast<double>(activations(first + r, k + i)) * static_cast<double>(piece[i]);
      }
      for (std::size_t r = 0; r < rows; ++r)
        out(first + r, n) = static_cast<float>(sums[r]);
    }
}

// Objects, not lambdas: g++ -Wshadow holds a lambda's names against a user's globals.
struct plain_weights {
  static constexpr std::size_t piece = 32;
  const matrix_view<const float>& rows;

  constexpr std::array<float, piece> operator()(std::size_t n, std::size_t k, std::size_t count) const noexcept {
    std::array<float, piece> values{};
    for (std::size_t i = 0; i < count; ++i)
      values[i] = rows(n, k + i);
    return values;
  }
};
template <blocked Format>
struct decoded_weights {
  static constexpr std::size_t piece = 64;
  const quantized_view<Format>& rows;

  constexpr std::array<float, piece> operator()(std::size_t n, std::size_t k, std::size_t count) const noexcept {
    std::array<float, piece> values{};
    rows.decode(n, k, std::span(values.data(), count));
    return values;
  }
};

FEWBITS_BASELINE_END
}  // namespace detail

FEWBITS_BASELINE_BEGIN

/// out [rows, columns] = activations [rows, depth] x weights [columns, depth], transposed.
///
/// Each output is one sum of double-precision products (exact, of two floats), added in order of depth from +0, and
/// rounded once to float32: its error is at most depth x 2^-53 of the sum of magnitudes, plus that last rounding.
/// The bits hold for builds without -ffast-math. Inf and NaN spread as in IEEE arithmetic; a poisoned block makes every
/// output of its column NaN. `out` is overwritten and must not alias an input; every operand may be strided.
/// Errors: errc::shape_mismatch; nothing is written.
constexpr result<void> reference_gemm(const matrix_view<float>& out, const matrix_view<const float>& activations,
                                      const matrix_view<const float>& weights) noexcept {
  if (auto agree = detail::shapes_agree(out, activations, weights.rows(), weights.columns()); !agree)
    return agree;
  detail::reference_product(out, activations, weights.columns(), detail::plain_weights{weights});
  return {};
}

/// The same with quantised weights: bit for bit the product with the dequantised matrix.
template <blocked Format>
constexpr result<void> reference_gemm(const matrix_view<float>& out, const matrix_view<const float>& activations,
                                      const quantized_view<Format>& weights) noexcept {
  if (auto agree = detail::shapes_agree(out, activations, weights.rows(), weights.columns()); !agree)
    return agree;
  detail::reference_product(out, activations, weights.columns(), detail::decoded_weights<Format>{weights});
  return {};
}
template <blocked Format>
result<void> reference_gemm(const matrix_view<float>& out, const matrix_view<const float>& activations,
                            const quantized_matrix<Format>& weights) noexcept {
  return reference_gemm(out, activations, weights.view());
}
template <blocked Format, std::size_t Rows, std::size_t Columns>
constexpr result<void> reference_gemm(const matrix_view<float>& out, const matrix_view<const float>& activations,
                                      const fixed_quantized_matrix<Format, Rows, Columns>& weights) noexcept {
  return reference_gemm(out, activations, weights.view());
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
