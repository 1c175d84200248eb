// How a block's scale is chosen: from its largest magnitude, or from all its values. A rule is a struct with one
// function, or two where the format has a tensor scale; a user's own rule enters by the same door. Sources: OCP MX 1.0,
// section 6.3; NVFP4.
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>

FEWBITS_NAMESPACE_BEGIN

struct scale_kind {};

/// From the largest magnitude: `block_scale<Format>(amax, tensor_scale)` gives the scale of a block whose largest
/// magnitude is `amax`, finite and above 0.
template <class R, class Format>
concept amax_rule = requires(const R& rule, const unpacked_number& amax, typename Format::tensor_scale_type tensor) {
  { rule.template block_scale<Format>(amax, tensor) } -> std::same_as<typename Format::scale_type>;
};
/// From all values: `parameters<Format>(values, tensor_scale)` gives a block_parameters<Format>, the scale and, where
/// the format has one, the zero point or minimum; or an optional of it, empty where memory is exhausted. `values` is a
/// block_values; they are finite and one of them is not 0.
template <class R, class Format>
concept values_rule = requires(const R& rule, const block_values<float>& values,
                               typename Format::tensor_scale_type tensor) {
  requires std::same_as<decltype(rule.template parameters<Format>(values, tensor)), block_parameters<Format>> ||
      std::same_as<decltype(rule.template parameters<Format>(values, tensor)), std::optional<block_parameters<Format>>>;
};
/// Can the rule run out of memory? It then gives nothing, and quantize an error.
template <class R, class Format>
inline constexpr bool rule_can_fail = requires(const R& rule, const block_values<float>& values,
                                               typename Format::tensor_scale_type tensor) {
  { rule.template parameters<Format>(values, tensor) } -> std::same_as<std::optional<block_parameters<Format>>>;
};
/// The same for the blocks of a super-block at once: `super_parameters<Format>(values, tensor_scale)` gives a
/// super_block_parameters<Format>.
template <class R, class Format>
concept super_rule = requires(const R& rule, const block_values<float>& values,
                              typename Format::tensor_scale_type tensor) {
  { rule.template super_parameters<Format>(values, tensor) } -> std::same_as<super_block_parameters<Format>>;
};
/// The tensor scale: `tensor_scale<Format>(amax)` from the largest finite magnitude of all, above 0; or
/// `tensor_scale_of<Format>(values)` from all values, Inf and NaN among them.
template <class R, class Format>
concept tensor_rule = requires(const R& rule, const unpacked_number& amax) {
  { rule.template tensor_scale<Format>(amax) } -> std::same_as<typename Format::tensor_scale_type>;
}
|| requires(const R& rule, const block_values<float>& values) {
  { rule.template tensor_scale_of<Format>(values) } -> std::same_as<typename Format::tensor_scale_type>;
};

/// A rule for a format: an object with one of the three functions, and with one for the tensor scale where the format
/// has one. Blocks of zeros and blocks with Inf or NaN do not reach it (see encode_block) unless it says
/// `static constexpr bool takes_every_block = true`. Two more functions are optional:
/// `zero_block_scale<Format>(tensor_scale)` gives the scale of a block of zeros, and
/// `element_code<Format>(value, parameters, tensor_scale)` an element's code, by another writer's arithmetic. In its
/// place `element_coder<Format>(values, parameters, tensor_scale)` gives a function from a value to its code, for a
/// writer that codes with more than it stores.
template <class R, class Format>
concept scale_rule = std::same_as<typename R::policy_kind, scale_kind> &&
                     (Format::has_super_scale
                          ? super_rule<R, Format>
                          : (values_rule<R, Format> ||
                             (amax_rule<R, Format> && !Format::has_zero_point && !Format::has_minimum))) &&
                     (std::same_as<typename Format::tensor_scale_type, no_tensor_scale> || tensor_rule<R, Format>);

/// OCP MX: 2^(floor(log2 amax) - emax), emax being the exponent of the largest element. amax may exceed the largest
/// element times the scale by a third: such elements saturate. Exponents outside the scale's range are clamped to it,
/// so a block of float32 subnormals has 2^-127.
struct floor_scale_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    static_assert(is_minifloat<typename Format::scale_type>,
                  "floor_scale gives a power of two: use it with a scale type such as ue8m0");
    static_assert(Format::scale_type::format.mantissa_bits == 0,
                  "floor_scale gives a power of two: use it with a scale type without mantissa, such as ue8m0");
    return make_number<typename Format::scale_type>(
        make_unpacked(false, 1, amax.exponent - largest<typename Format::element_type>.exponent));
  }
};

inline constexpr floor_scale_t floor_scale{};

FEWBITS_NAMESPACE_END
