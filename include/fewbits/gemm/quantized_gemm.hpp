// Products whose activations are quantised too: W4A8, W8A8, W4A4 and their kin.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/integer_product.hpp>
#include <fewbits/matrix/quantize.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {
template <class T>
inline constexpr bool is_quantized_owner = false;
template <blocked Format>
inline constexpr bool is_quantized_owner<quantized_matrix<Format>> = true;
template <blocked Format, std::size_t Rows, std::size_t Columns>
inline constexpr bool is_quantized_owner<fixed_quantized_matrix<Format, Rows, Columns>> = true;

template <class T>
inline constexpr bool is_packed_weights = false;
template <blocked Format>
inline constexpr bool is_packed_weights<packed_weights<Format>> = true;
template <blocked Format>
inline constexpr bool is_packed_weights<packed_weights_view<Format>> = true;
}  // namespace detail

/// Activations that a product quantises on the fly: `gemm(out, quantized_as<int8_rows<>>(x), weights)`.
template <blocked Format, class Source, class... Policies>
struct activations_to_quantize {
  matrix_view<Source> values;
  std::tuple<Policies...> policies;
};
template <blocked Format, class Source, policy... Policies>
[[nodiscard]] constexpr activations_to_quantize<Format, Source, Policies...> quantized_as(
    const matrix_view<Source>& activations, const Policies&... policies) noexcept {
  return {activations, {policies...}};
}

/// Owners of a quantised matrix, whose view is multiplied.
template <class T>
concept quantized_owner = detail::is_quantized_owner<T>;
/// Prepacked weights, owned or borrowed.
template <class T>
concept packed_product_weights = detail::is_packed_weights<T>;

/// Does the product of these formats add up integers? Else activations are dequantised first.
template <blocked Activations, blocked Weights>
inline constexpr bool multiplies_integers = simd::integer_meeting<Weights, Activations>::is_possible;

FEWBITS_BASELINE_BEGIN

/// out [M, N] = activation(activations [M, K] x weights [N, K] transposed + bias + factor x addend), both quantised.
///
/// - Where both elements are small integers (int4, int8, mxint8, e2m1 doubled, e2m3 times 8, ternary;
///   `multiplies_integers`), the sum of a run of columns that share their scales is an exact integer, and
///   result = fma(sum, weight scale x activation scale, result), run after run; a scale for a whole row of activations
///   multiplies the result once, the tensor scales do at the end. Runs: docs/gemm/quantized_gemm.md.
/// - Otherwise activations are dequantised to float32, and the product is that of gemm with float32 activations.
///
/// Bits of sums of integers depend on no instruction set, executor or other rows; those of other pairs as gemm says.
/// Every option of gemm holds but round_activations. A poisoned block of activations makes its row NaN. Errors: as
/// gemm.
template <product_number Out, blocked Activations, blocked Weights, class... Options>
result<void> gemm(const matrix_view<Out>& out, const quantized_view<Activations>& activations,
                  const packed_weights_view<Weights>& weights, const Options&... options) noexcept {
  static_assert(detail::count_of_kind<activation_type_kind, Options...> == 0,
                "these activations are quantised: round_activations is for floats");
  const std::size_t rows = activations.rows(), columns = activations.columns();
  if constexpr (multiplies_integers<Activations, Weights>) {
    const matrix_view<const float> shape_of_activations{nullptr, rows, columns};
    return detail::checked_product<Weights>(out, detail::activation_rows<float>{shape_of_activations, nullptr, rows},
                                            detail::integer_source<Weights, Activations>{weights, activations},
                                            weights.rows(), weights.columns(), options...);
  } else {
    const auto bytes = checked_multiply(rows * columns, sizeof(float));
    detail::product_room values;
    if (!bytes || !values.allocate(*bytes))
      return error{errc::out_of_memory} << "no memory for " << rows << " x " << columns << " activations as float32";
    const matrix_view<float> dequantized{reinterpret_cast<float*>(values.data()), rows, columns};
    if (auto done = dequantize(activations, dequantized); !done)
      return done;
    return gemm(out, matrix_view<const float>(dequantized), weights, options...);
  }
}
template <product_number Out, blocked Activations, blocked Weights, class... Options>
result<void> gemm(const matrix_view<Out>& out, const quantized_view<Activations>& activations,
                  const packed_weights<Weights>& weights, const Options&... options) noexcept {
  return gemm(out, activations, weights.view(), options...);
}
template <product_number Out, quantized_owner Activations, packed_product_weights Weights, class... Options>
result<void> gemm(const matrix_view<Out>& out, const Activations& activations, const Weights& weights,
                  const Options&... options) noexcept {
  return gemm(out, activations.view(), weights, options...);
}
/// The same with activations quantised on the fly, by the policies given with them.
template <product_number Out, blocked Activations, class Source, class... Policies, blocked Weights, class... Options>
result<void> gemm(const matrix_view<Out>& out,
                  const activations_to_quantize<Activations, Source, Policies...>& activations,
                  const packed_weights_view<Weights>& weights, const Options&... options) noexcept {
  auto quantized = std::apply(
      [&](const Policies&... each_policy) noexcept {
        return quantize<Activations>(activations.values, each_policy...);
      },
      activations.policies);
  if (!quantized)
    return quantized.error();
  return gemm(out, quantized->view(), weights, options...);
}
template <product_number Out, blocked Activations, class Source, class... Policies, blocked Weights, class... Options>
result<void> gemm(const matrix_view<Out>& out,
                  const activations_to_quantize<Activations, Source, Policies...>& activations,
                  const packed_weights<Weights>& weights, const Options&... options) noexcept {
  return gemm(out, activations, weights.view(), options...);
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
