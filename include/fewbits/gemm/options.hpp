// What a product takes beside its matrices. Options stand in any order, at most one of a kind.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

struct contract_kind {};
struct bias_kind {};
struct addend_kind {};
struct activation_kind {};
struct executor_kind {};
struct activation_type_kind {};

/// Decoded weights and their products with activations are exact, sums are float32; within the bound of
/// docs/gemm/gemm.md. The order of a sum may differ between instruction sets. The default.
struct faithful_t {
  using policy_kind = contract_kind;
};
/// The same bits on every instruction set, for every executor and whatever rows are multiplied together.
struct reproducible_t {
  using policy_kind = contract_kind;
};
inline constexpr faithful_t faithful{};
inline constexpr reproducible_t reproducible{};

/// A float32 for every output column, added to its sums.
struct bias_t {
  using policy_kind = bias_kind;
  std::span<const float> of_columns;
};
[[nodiscard]] constexpr bias_t bias(std::span<const float> of_columns) noexcept { return {of_columns}; }

/// Adds factor x a matrix of the output's shape. It may be the output itself, element for element.
template <class T>
struct plus_t {
  using policy_kind = addend_kind;
  matrix_view<const T> addend;
  float factor;
};
template <class T>
[[nodiscard]] constexpr plus_t<std::remove_const_t<T>> plus(const matrix_view<T>& addend,
                                                            float factor = 1.0f) noexcept {
  return {matrix_view<const std::remove_const_t<T>>(addend), factor};
}

/// Applies a function float -> float to every output before it is rounded to the output's type.
template <class Function>
struct activation_t {
  using policy_kind = activation_kind;
  Function function;
};
template <class Function>
[[nodiscard]] constexpr activation_t<Function> activation(Function function_of_a_float) noexcept {
  return {function_of_a_float};
}

/// Rounds activations once to T before they are multiplied, to nearest even; past T's largest number they become Inf.
template <class T>
struct round_activations_t {
  static_assert(std::is_same_v<T, bf16> || std::is_same_v<T, fp16>, "activations are rounded to bf16 or to fp16");
  using policy_kind = activation_type_kind;
  using number_type = T;
};
template <class T>
inline constexpr round_activations_t<T> round_activations{};

/// Runs the product on an executor, which must outlive the call.
template <class Executor>
struct on_t {
  using policy_kind = executor_kind;
  Executor* executor;
};
template <executor Executor>
[[nodiscard]] constexpr on_t<Executor> on(Executor& who) noexcept {
  return {&who};
}

namespace detail {

struct no_addend {
  using policy_kind = addend_kind;
};
struct no_activation {
  using policy_kind = activation_kind;
};
template <class T>
struct no_activation_type {
  using policy_kind = activation_type_kind;
  using number_type = T;
};

template <class Policy>
inline constexpr bool is_gemm_option =
    count_of_kind<contract_kind, Policy> + count_of_kind<bias_kind, Policy> + count_of_kind<addend_kind, Policy> +
        count_of_kind<activation_kind, Policy> + count_of_kind<executor_kind, Policy> +
        count_of_kind<activation_type_kind, Policy> ==
    1;

template <class... Options>
inline constexpr bool is_reproducible = (false || ... || std::is_same_v<Options, reproducible_t>);

template <class... Options>
constexpr void check_gemm_options() noexcept {
  static_assert((true && ... && is_gemm_option<Options>),
                "gemm takes faithful or reproducible, bias(...), plus(...), activation(...), round_activations<T> and "
                "on(executor): this option is of another kind");
  static_assert(count_of_kind<contract_kind, Options...> <= 1, "give faithful or reproducible, not both");
  static_assert(count_of_kind<bias_kind, Options...> <= 1, "two biases: add them up");
  static_assert(count_of_kind<addend_kind, Options...> <= 1, "two addends: give one");
  static_assert(count_of_kind<activation_kind, Options...> <= 1, "two activations: compose them");
  static_assert(count_of_kind<executor_kind, Options...> <= 1, "two executors: give one");
  static_assert(count_of_kind<activation_type_kind, Options...> <= 1, "activations are rounded once: give one type");
}

}  // namespace detail

FEWBITS_NAMESPACE_END
