// What calibration is for: rules that take the scale, or the range it is made from, from outside and not from the block
// at hand. Values past a fixed range saturate.
#pragma once

#include <array>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/quantize/calibrate_min_max.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What values are multiplied by on their way to elements, 448 / amax for e4m3: others call it `scale`. A multiplier
/// and a divisor are different types, so that one cannot be taken for the other; nor can those of a file, which count
/// the other way (scale_multiplier, interop/layouts/global_scale.hpp).
struct encode_multiplier {
  float value;
};
/// What values are divided by, and elements multiplied by on their way back: fewbits' scale, others' `scale_inv`.
struct encode_divisor {
  float value;
};

namespace detail {

/// The rule itself, or where it is void the format's own.
template <class Rule, class Format>
struct rule_to_ask {
  using type = Rule;
};
template <class Format>
struct rule_to_ask<void, Format> {
  using type = typename Format::default_rule;
};
template <class Rule, class Format>
using rule_to_ask_t = typename rule_to_ask<Rule, Format>::type;

/// Holds a rule unless that is void.
template <class Rule>
struct rule_holder {
  [[no_unique_address]] Rule rule{};
  template <class Format>
  [[nodiscard]] constexpr const Rule& get() const noexcept {
    return rule;
  }
};
template <>
struct rule_holder<void> {
  template <class Format>
  [[nodiscard]] constexpr typename Format::default_rule get() const noexcept {
    return {};
  }
};

}  // namespace detail

/// A rule that asks another as if every block's largest magnitude, or the tensor's where the format has a tensor scale,
/// were a fixed one. Rule `void` is the format's own.
///
/// - One level: every block gets the scale of the range; elements past it saturate.
/// - Two levels: the tensor scale is that of the range; block scales follow their blocks, and saturate past it.
/// - The other rule is one of amax (amax_rule); its zero_block_scale and element_code, if it has them, are not asked.
/// - A range that is 0, negative, Inf or NaN says nothing: the block's, or the tensor's, own magnitude counts.
/// Precondition: the range has at most 53 significant bits, as every float and double has.
template <class Rule = void>
class fixed_range_t {
 public:
  using policy_kind = scale_kind;

  /// Under a tensor scale, blocks follow this rule: kernels go by it.
  template <blocked Format>
  requires(Format::has_tensor_scale) using block_rule = detail::rule_to_ask_t<Rule, Format>;

  constexpr explicit fixed_range_t(const unpacked_number& amax_of_data,
                                   const detail::rule_holder<Rule>& held_rule = {}) noexcept
      : range_(amax_of_data), rule_(held_rule) {}

  template <blocked Format>
  requires amax_rule<detail::rule_to_ask_t<Rule, Format>, Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(
      const unpacked_number& amax, const typename Format::tensor_scale_type& tensor) const noexcept {
    if constexpr (Format::has_tensor_scale)
      return rule_.template get<Format>().template block_scale<Format>(amax, tensor);
    else
      return rule_.template get<Format>().template block_scale<Format>(chosen(amax), tensor);
  }
  template <blocked Format>
  requires(Format::has_tensor_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    return rule_.template get<Format>().template tensor_scale<Format>(chosen(amax));
  }

 private:
  [[nodiscard]] constexpr unpacked_number chosen(const unpacked_number& own) const noexcept {
    return range_.kind == number_class::finite && !range_.negative ? range_ : own;
  }

  unpacked_number range_;
  [[no_unique_address]] detail::rule_holder<Rule> rule_;
};

/// A calibrator's answer as a rule: `quantize<format>(weights, fixed_range(calibrator.amax()))`.
[[nodiscard]] constexpr fixed_range_t<> fixed_range(const unpacked_number& amax_of_data) noexcept {
  return fixed_range_t<>(amax_of_data);
}
[[nodiscard]] constexpr fixed_range_t<> fixed_range(float amax_of_data) noexcept {
  return fixed_range_t<>(unpack(amax_of_data));
}
template <class Rule>
[[nodiscard]] constexpr fixed_range_t<Rule> fixed_range(const unpacked_number& amax_of_data,
                                                        const Rule& wrapped_rule) noexcept {
  return fixed_range_t<Rule>(amax_of_data, {wrapped_rule});
}
template <class Rule>
[[nodiscard]] constexpr fixed_range_t<Rule> fixed_range(float amax_of_data, const Rule& wrapped_rule) noexcept {
  return fixed_range_t<Rule>(unpack(amax_of_data), {wrapped_rule});
}

/// The same for rules that look at values, as those of formats with a zero point or a minimum do: every block gets what
/// the rule answers for a block of two values, the ends of the range. For formats of one level. Ends that are both 0,
/// or Inf or NaN, say nothing: the rule is asked about the block itself.
template <class Rule = void>
class fixed_ends_t {
 public:
  using policy_kind = scale_kind;

  constexpr explicit fixed_ends_t(const signed_range& range_of_data,
                                  const detail::rule_holder<Rule>& held_rule = {}) noexcept
      : ends_{range_of_data.lowest, range_of_data.highest}, rule_(held_rule) {
    const unpacked_number low = unpack(ends_[0]);
    const unpacked_number high = unpack(ends_[1]);
    const auto is_number = [](const unpacked_number& end) noexcept {
      return end.kind == number_class::finite || end.kind == number_class::zero;
    };
    says_something_ =
        is_number(low) && is_number(high) && (low.kind == number_class::finite || high.kind == number_class::finite);
  }

  template <blocked Format, block_source T>
  requires(!Format::has_tensor_scale && !Format::has_super_scale &&
           values_rule<detail::rule_to_ask_t<Rule, Format>, Format>)
      [[nodiscard]] constexpr auto parameters(const block_values<T>& values,
                                              const typename Format::tensor_scale_type& tensor) const noexcept {
    if (says_something_)
      return rule_.template get<Format>().template parameters<Format>(block_values<float>(ends_.data(), 2), tensor);
    return rule_.template get<Format>().template parameters<Format>(values, tensor);
  }

 private:
  std::array<float, 2> ends_;
  bool says_something_ = false;
  [[no_unique_address]] detail::rule_holder<Rule> rule_;
};

/// `quantize<uint4_groups<128>>(weights, fixed_range(percentile_range(spread)))`.
[[nodiscard]] constexpr fixed_ends_t<> fixed_range(const signed_range& range_of_data) noexcept {
  return fixed_ends_t<>(range_of_data);
}
template <class Rule>
[[nodiscard]] constexpr fixed_ends_t<Rule> fixed_range(const signed_range& range_of_data,
                                                       const Rule& wrapped_rule) noexcept {
  return fixed_ends_t<Rule>(range_of_data, {wrapped_rule});
}

/// A rule that gives every block one scale, rounded once to the format's scale type; for formats of one level. A scale
/// is given as it is: 0 zeroes blocks, Inf and NaN poison them, a negative one turns the signs.
struct fixed_scale_t {
  using policy_kind = scale_kind;
  encode_divisor divisor;

  template <blocked Format>
  requires(!Format::has_tensor_scale) [[nodiscard]] constexpr typename Format::scale_type
      block_scale(const unpacked_number&, const typename Format::tensor_scale_type&) const noexcept {
    if constexpr (std::is_same_v<typename Format::scale_type, float>)
      return divisor.value;
    else
      return make_number<typename Format::scale_type>(unpack(divisor.value));
  }
};

/// `quantize<format>(weights, fixed_scale(history.divisor()))`.
[[nodiscard]] constexpr fixed_scale_t fixed_scale(encode_divisor divisor_of_values) noexcept {
  return {.divisor = divisor_of_values};
}

FEWBITS_NAMESPACE_END
