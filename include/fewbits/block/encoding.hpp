// The choices of an encoder beside its scale rule: how elements are rounded, what Inf and NaN do, and -0. Policies
// stand in any order, at most one of a kind.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/number/convert.hpp>

FEWBITS_NAMESPACE_BEGIN

struct nonfinite_kind {};
struct zero_sign_kind {};
struct importance_kind {};

/// A block with Inf or NaN is poisoned: its scale is NaN and it decodes to NaN. The default: elements without Inf and
/// NaN have no other way to say so.
struct poison_blocks_t {
  using policy_kind = nonfinite_kind;
  static constexpr bool poisons = true;
};
/// Inf and NaN have no part in the scale; each becomes the element's own Inf or NaN. Where an element has no Inf, Inf
/// becomes NaN; where it has no NaN either, Inf saturates and NaN becomes the largest element: a loss that the caller
/// has chosen.
struct pass_nonfinite_t {
  using policy_kind = nonfinite_kind;
  static constexpr bool poisons = false;
};
inline constexpr poison_blocks_t poison_blocks{};
inline constexpr pass_nonfinite_t pass_nonfinite{};

/// Zeros keep their sign where the element has -0, those that were rounded to zero too. The default.
struct keep_zero_sign_t {
  using policy_kind = zero_sign_kind;
  static constexpr bool keeps = true;
};
/// Every zero has the code of +0. Under a negative scale that decodes to -0.
struct drop_zero_sign_t {
  using policy_kind = zero_sign_kind;
  static constexpr bool keeps = false;
};
inline constexpr keep_zero_sign_t keep_zero_sign{};
inline constexpr drop_zero_sign_t drop_zero_sign{};

/// Stochastic rounding of elements: `draw(row, column)` gives an integer whose low `count` bits are random, 1 to 32 of
/// them; other counts are clamped. Element and bits belong together by position, so the result depends on no order of
/// visiting.
template <class Draw>
struct stochastic_elements_t {
  using policy_kind = rounding_kind;
  Draw draw;
  int count;

  [[nodiscard]] constexpr stochastic_t at(std::size_t row, std::size_t column) const noexcept {
    return stochastic(draw(row, column), count);
  }
};
template <class Draw>
requires std::integral<decltype(std::declval<const Draw&>()(std::size_t{}, std::size_t{}))>
[[nodiscard]] constexpr stochastic_elements_t<Draw> stochastic_elements(Draw draw, int count = 32) noexcept {
  return {draw, count};
}

/// How much the error of each column weighs: finite numbers >= 0, one a column. Rules that minimise an error heed it.
struct importance_t {
  using policy_kind = importance_kind;
  std::span<const float> of_columns;
};
[[nodiscard]] constexpr importance_t importance(std::span<const float> of_columns) noexcept { return {of_columns}; }

/// A rounding policy, or something that gives one for each position.
template <class P>
concept element_rounding = rounding_policy<P> ||
    (std::same_as<typename P::policy_kind, rounding_kind>&& requires(const P& policy) {
      { policy.at(std::size_t{}, std::size_t{}) } -> rounding_policy;
    });

/// The choices together.
template <class Rule, element_rounding Rounding = nearest_even_t, class Nonfinite = poison_blocks_t,
          class ZeroSign = keep_zero_sign_t>
struct block_encoding {
  [[no_unique_address]] Rule rule{};
  [[no_unique_address]] Rounding rounding{};
  [[no_unique_address]] Nonfinite nonfinite{};
  [[no_unique_address]] ZeroSign zero_sign{};

  [[nodiscard]] constexpr auto rounding_at([[maybe_unused]] std::size_t row,
                                           [[maybe_unused]] std::size_t column) const noexcept {
    if constexpr (requires { rounding.at(row, column); })
      return rounding.at(row, column);
    else
      return rounding;
  }
};

namespace detail {

template <class Policy>
inline constexpr bool is_block_policy =
    count_of_kind<scale_kind, Policy> + count_of_kind<rounding_kind, Policy> + count_of_kind<nonfinite_kind, Policy> +
        count_of_kind<zero_sign_kind, Policy> + count_of_kind<importance_kind, Policy> ==
    1;

template <class Rule, class Rounding, class Nonfinite, class ZeroSign>
constexpr block_encoding<Rule, Rounding, Nonfinite, ZeroSign> bundle_block(Rule rule, Rounding rounding,
                                                                           Nonfinite nonfinite,
                                                                           ZeroSign zero_sign) noexcept {
  return {rule, rounding, nonfinite, zero_sign};
}

/// The encoding that a list of policies asks for; the format's rule where the list has none.
template <blocked Format, class... Policies>
constexpr auto choose_block_encoding(const Policies&... policies) noexcept {
  static_assert((true && ... && is_block_policy<Policies>),
                "quantize takes a scale rule, a rounding, poison_blocks or pass_nonfinite, keep_zero_sign or "
                "drop_zero_sign, and an importance: this policy is of another kind");
  static_assert(count_of_kind<scale_kind, Policies...> <= 1, "two scale rules: give one");
  static_assert(count_of_kind<rounding_kind, Policies...> <= 1, "two rounding policies: give one of them");
  static_assert(count_of_kind<nonfinite_kind, Policies...> <= 1, "give poison_blocks or pass_nonfinite, not both");
  static_assert(count_of_kind<zero_sign_kind, Policies...> <= 1, "give keep_zero_sign or drop_zero_sign, not both");
  static_assert(count_of_kind<importance_kind, Policies...> <= 1, "two importances: give one");
  const auto chosen = bundle_block(
      pick<scale_kind>(typename Format::default_rule{}, policies...), pick<rounding_kind>(nearest_even, policies...),
      pick<nonfinite_kind>(poison_blocks, policies...), pick<zero_sign_kind>(keep_zero_sign, policies...));
  using rule_type = std::remove_cv_t<decltype(chosen.rule)>;
  static_assert(
      requires { requires std::same_as<typename rule_type::policy_kind, scale_kind>; },
      "a format's default rule says `using policy_kind = scale_kind`");
  static_assert(std::same_as<typename Format::tensor_scale_type, no_tensor_scale> || tensor_rule<rule_type, Format>,
                "this format has a tensor scale or offset: the rule needs tensor_scale<Format>(unpacked_number) or "
                "tensor_scale_of<Format>(block_values), which gives Format::tensor_scale_type");
  static_assert(scale_rule<rule_type, Format>,
                "this scale rule does not fit the format: see scale_rule in block/scale.hpp");
  return chosen;
}

}  // namespace detail

FEWBITS_NAMESPACE_END
