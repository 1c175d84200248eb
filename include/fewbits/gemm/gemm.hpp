// Products with quantised weights at the speed of the machine. What is computed, in which order and how exactly:
// docs/gemm/gemm.md. The reference is gemm/reference_gemm.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/options.hpp>
#include <fewbits/gemm/packed_weights.hpp>
#include <fewbits/gemm/prepack.hpp>
#include <fewbits/gemm/product.hpp>
#include <fewbits/gemm/rounded_rows.hpp>
#include <fewbits/gemm/tile_product.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/view.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What activations and outputs are made of.
template <class T>
concept product_number = std::is_same_v<T, float> || std::is_same_v<T, bf16> || std::is_same_v<T, fp16>;

namespace detail {
FEWBITS_BASELINE_BEGIN

template <class Function>
void apply_activation(const void* functor, float* values, std::size_t count) noexcept {
  const Function& function = *static_cast<const Function*>(functor);
  for (std::size_t i = 0; i != count; ++i)
    values[i] = function(values[i]);
}

template <class Format, class Weights, class Out, class Source, class... Options>
result<void> checked_product(const matrix_view<Out>& out, const activation_rows<Source>& activations,
                             const Weights& weights, std::size_t weight_rows, std::size_t weight_columns,
                             const Options&... options) noexcept {
  check_gemm_options<Options...>();
  const auto biases = pick<bias_kind>(bias_t{}, options...);
  const auto addend = pick<addend_kind>(no_addend{}, options...);
  const auto function = pick<activation_kind>(no_activation{}, options...);
  const auto who = pick<executor_kind>(on_t<const serial_t>{&serial}, options...);
  if (activations.matrix.columns() != weight_columns)
    return error{errc::shape_mismatch} << "the activations have depth " << activations.matrix.columns()
                                       << ", and the weights " << weight_columns;
  if (out.rows() != activations.count || out.columns() != weight_rows)
    return error{errc::shape_mismatch} << "the output is " << out.rows() << " x " << out.columns()
                                       << ", and the product is " << activations.count << " x " << weight_rows;
  if (biases.of_columns.data() != nullptr && biases.of_columns.size() != weight_rows)
    return error{errc::shape_mismatch} << "there are " << biases.of_columns.size() << " biases for " << weight_rows
                                       << " output columns";
  const auto run_on = [&]<class Number, class Addend>(const activation_rows<Number>& rows,
                                                      const matrix_view<const Addend>& addend_of_out,
                                                      float factor_of_it) noexcept {
    product_task<Number, Out, Addend> task{.out = out,
                                           .activations = rows,
                                           .bias = biases.of_columns.data(),
                                           .addend = addend_of_out,
                                           .addend_factor = factor_of_it,
                                           .activation = {}};
    using function_type = std::remove_const_t<decltype(function)>;
    if constexpr (!std::is_same_v<function_type, no_activation>)
      task.activation = {apply_activation<decltype(function.function)>, &function.function};
    return run_product_as<is_reproducible<Options...>, Format>(weights, task, *who.executor);
  };
  const auto run = [&]<class Addend>(const matrix_view<const Addend>& addend_of_out,
                                     float factor_of_it) noexcept -> result<void> {
    using number = typename decltype(pick<activation_type_kind>(no_activation_type<Source>{}, options...))::number_type;
    if constexpr (std::is_same_v<number, Source>) {
      return run_on(activations, addend_of_out, factor_of_it);
    } else {
      rounded_rows<number> rounded;
      const auto rows = rounded.make(activations, *who.executor);
      return rows ? run_on(*rows, addend_of_out, factor_of_it) : rows.error();
    }
  };
  if constexpr (std::is_same_v<std::remove_const_t<decltype(addend)>, no_addend>) {
    return run(matrix_view<const float>{}, 0.0f);
  } else {
    if (addend.addend.rows() != out.rows() || addend.addend.columns() != out.columns())
      return error{errc::shape_mismatch} << "the addend is " << addend.addend.rows() << " x " << addend.addend.columns()
                                         << ", and the output " << out.rows() << " x " << out.columns();
    return run(addend.addend, addend.factor);
  }
}

FEWBITS_BASELINE_END
}  // namespace detail

FEWBITS_BASELINE_BEGIN

/// out [M, N] = activation(activations [M, K] x weights [N, K] transposed + bias + factor x addend).
///
/// - Activations and output: float, bf16 or fp16, any strides. Weights: prepacked (fastest), or as a quantiser or a
///   file stores them (packed on the way: for many rows).
/// - Options, any order: faithful (default) or reproducible; bias(span), plus(matrix, factor), activation(function),
///   on(executor); round_activations<bf16> or round_activations<fp16>: the product of activations rounded to that type.
/// - Every sum is float32, decoded weights and products are exact. Bits depend on no executor; with reproducible, and
///   without AMX, on no instruction set and no other rows either. Order, error bound and exceptional values:
///   docs/gemm/gemm.md. Inf and NaN in activations stay in their row, poisoned blocks in their column; a NaN result is
///   7fc00000 before the activation.
/// - The thread's rounding mode and flush-to-zero do not matter and are as before afterwards.
/// - `out` must not alias an input, but `plus` may name the output itself.
/// - Memory for conversions, tiles and weights as stored is allocated once a call, for rounded activations once more;
///   none for up to 4 rows of contiguous float with prepacked weights without minimums.
///
/// Errors: errc::shape_mismatch, out_of_memory; nothing is written.
template <product_number Out, class Source, blocked Format, class... Options>
requires product_number<std::remove_const_t<Source>> result<void> gemm(const matrix_view<Out>& out,
                                                                       const matrix_view<Source>& activations,
                                                                       const packed_weights_view<Format>& weights,
                                                                       const Options&... options)
noexcept {
  using source = std::remove_const_t<Source>;
  const detail::activation_rows<source> rows{activations, nullptr, activations.rows()};
  return detail::checked_product<Format>(out, rows, detail::packed_source<Format>{weights}, weights.rows(),
                                         weights.columns(), options...);
}
template <product_number Out, class Source, blocked Format, class... Options>
requires product_number<std::remove_const_t<Source>> result<void> gemm(const matrix_view<Out>& out,
                                                                       const matrix_view<Source>& activations,
                                                                       const packed_weights<Format>& weights,
                                                                       const Options&... options)
noexcept { return gemm(out, activations, weights.view(), options...); }
template <product_number Out, class Source, blocked Format, class... Options>
requires product_number<std::remove_const_t<Source>> result<void> gemm(const matrix_view<Out>& out,
                                                                       const matrix_view<Source>& activations,
                                                                       const quantized_view<Format>& weights,
                                                                       const Options&... options)
noexcept {
  using source = std::remove_const_t<Source>;
  const detail::activation_rows<source> rows{activations, nullptr, activations.rows()};
  return detail::checked_product<Format>(out, rows, detail::stored_source<Format>{weights}, weights.rows(),
                                         weights.columns(), options...);
}
template <product_number Out, class Source, blocked Format, class... Options>
requires product_number<std::remove_const_t<Source>> result<void> gemm(const matrix_view<Out>& out,
                                                                       const matrix_view<Source>& activations,
                                                                       const quantized_matrix<Format>& weights,
                                                                       const Options&... options)
noexcept { return gemm(out, activations, weights.view(), options...); }
template <product_number Out, class Source, blocked Format, std::size_t Rows, std::size_t Columns, class... Options>
requires product_number<std::remove_const_t<Source>> result<void> gemm(
    const matrix_view<Out>& out, const matrix_view<Source>& activations,
    const fixed_quantized_matrix<Format, Rows, Columns>& weights, const Options&... options)
noexcept { return gemm(out, activations, weights.view(), options...); }

/// One of a list of products: out [list, N] = activations [those rows, K] x weights [N, K] transposed.
template <product_number Out, product_number Source, blocked Format>
struct grouped_product {
  matrix_view<Out> out;
  matrix_view<const Source> activations;
  packed_weights_view<Format> weights;
  /// Which rows of the activations, in the order of the output's rows, repeated ones included.
  std::span<const std::uint32_t> rows;
};

/// A list of products, as a mixture of experts has them: every expert with the tokens that chose it. Outputs are apart
/// from each other. Options as for gemm, but for biases and addends, which belong to one matrix: activation(function),
/// on(executor), a contract, round_activations, by which each product rounds the rows that it takes. Each product has
/// the bits that gemm gives. Errors: errc::shape_mismatch (a row past the activations is one), before anything is
/// written; out_of_memory, after which some outputs may be written.
template <product_number Out, product_number Source, blocked Format, class... Options>
result<void> gemm_grouped(std::span<const grouped_product<Out, Source, Format>> products,
                          const Options&... options) noexcept {
  static_assert(detail::count_of_kind<bias_kind, Options...> + detail::count_of_kind<addend_kind, Options...> == 0,
                "a bias or an addend belongs to one product of the list: call gemm for it");
  for (const auto& each : products) {
    if (each.activations.columns() != each.weights.columns() || each.out.rows() != each.rows.size() ||
        each.out.columns() != each.weights.rows())
      return error{errc::shape_mismatch} << "product " << static_cast<std::size_t>(&each - products.data())
                                         << " of the list: the output is " << each.out.rows() << " x "
                                         << each.out.columns() << ", and the product " << each.rows.size() << " x "
                                         << each.weights.rows() << "; depths are " << each.activations.columns()
                                         << " and " << each.weights.columns();
    for (const std::uint32_t row : each.rows)
      if (row >= each.activations.rows())
        return error{errc::shape_mismatch} << "product " << static_cast<std::size_t>(&each - products.data())
                                           << " of the list: there is no row " << row << " of activations";
  }
  for (const auto& each : products) {
    const detail::activation_rows<Source> rows{each.activations, each.rows.data(), each.rows.size()};
    if (auto done = detail::checked_product<Format>(each.out, rows, detail::packed_source<Format>{each.weights},
                                                    each.weights.rows(), each.weights.columns(), options...);
        !done)
      return done;
  }
  return {};
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
