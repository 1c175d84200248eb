// How a block's scale is chosen from its largest magnitude. A rule is an empty struct with one function, or two where
// the format has a tensor scale; a user's own rule enters by the same door. Sources: OCP MX 1.0, section 6.3; NVFP4.
#pragma once

#include <concepts>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/exact_scaling.hpp>

FEWBITS_NAMESPACE_BEGIN

struct scale_kind {};

/// A rule for a format: `block_scale<Format>(amax, tensor_scale)` gives the scale of a block whose largest magnitude is
/// `amax`, finite and above 0; where there is a tensor scale, `tensor_scale<Format>(amax)` gives it for the whole
/// tensor. Blocks of zeros and blocks with Inf or NaN never reach a rule: see encode_block.
template <class R, class Format>
concept scale_rule = std::same_as<typename R::policy_kind, scale_kind> &&
    requires(const R& rule, const unpacked_number& amax, typename Format::tensor_scale_type tensor) {
  { rule.template block_scale<Format>(amax, tensor) } -> std::same_as<typename Format::scale_type>;
} &&(std::same_as<typename Format::tensor_scale_type, no_tensor_scale> ||
     requires(const R& rule, const unpacked_number& amax) {
       { rule.template tensor_scale<Format>(amax) } -> std::same_as<typename Format::tensor_scale_type>;
     });

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

/// NVFP4's static two-level rule, each step one rounding of the exact quotient to nearest even:
/// g = amax_tensor / (largest scale x largest element), for nvfp4 448 x 6; then s = amax_block / (largest element x g).
/// Neither becomes 0 for values that are not 0: the smallest positive float32, 2^-149, and the smallest positive scale
/// stand in. A scale past the largest (only where g is subnormal and its rounding coarse) saturates.
struct static_two_level_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  requires(Format::has_tensor_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    constexpr unpacked_number reach =
        exact::multiply(largest<typename Format::scale_type>, largest<typename Format::element_type>);
    return not_zero<float>(exact_quotient(amax, reach));
  }

  template <blocked Format>
  requires(Format::has_tensor_scale) [[nodiscard]] constexpr typename Format::scale_type
      block_scale(const unpacked_number& amax, float tensor) const noexcept {
    return not_zero<typename Format::scale_type>(
        exact_quotient(amax, exact::multiply(unpack(tensor), largest<typename Format::element_type>)));
  }

 private:
  template <number T>
  [[nodiscard]] static constexpr T not_zero(const unpacked_number& quotient) noexcept {
    const T rounded = make_number<T>(quotient);
    if (source_code(rounded) != 0)
      return rounded;
    return make_number<T>(unpack_code<source_format<T>()>(source_format<T>().min_positive_code()));
  }
};

inline constexpr floor_scale_t floor_scale{};
inline constexpr static_two_level_t static_two_level{};

FEWBITS_NAMESPACE_END
