// Scales that are powers of two, from the bits of amax: no logarithm is taken, so none can be wrong.
// Sources: OCP MX 1.0, section 6.3 (floor, in block/scale.hpp); torchao's ScaleCalculationMode (ceil, even);
// cuBLAS and Transformer Engine (rceil).
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

template <blocked Format>
constexpr void check_power_of_two_scale() noexcept {
  using scale = typename Format::scale_type;
  static_assert(is_minifloat<scale>, "this rule gives a power of two: use it with a scale type such as ue8m0");
  static_assert(scale::format.mantissa_bits == 0,
                "this rule gives a power of two: use it with a scale type without mantissa, such as ue8m0");
}

/// 2^exponent, clamped to the scale's range.
template <blocked Format>
constexpr typename Format::scale_type power_scale(int exponent) noexcept {
  check_power_of_two_scale<Format>();
  return make_number<typename Format::scale_type>(make_unpacked(false, 1, exponent));
}

template <class Element>
inline constexpr int digits_after_leading_one = 0;
template <float_format F>
inline constexpr int digits_after_leading_one<minifloat<F>> = F.mantissa_bits;
template <fixed_format F>
inline constexpr int digits_after_leading_one<fixed_point<F>> = F.total_bits - (F.is_signed ? 2 : 1);

}  // namespace detail

/// floor, and one more where amax is no power of two. Nothing saturates, and up to a binade of the elements is unused.
struct ceil_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    const int above = amax.significand << 1 != 0 ? 1 : 0;
    return detail::power_scale<Format>(amax.exponent + above - largest<typename Format::element_type>.exponent);
  }
};

/// The smallest power of two not below amax / largest element: the tightest scale under which nothing saturates.
struct rceil_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    const unpacked_number quotient = exact_quotient(amax, largest<typename Format::element_type>);
    return detail::power_scale<Format>(quotient.exponent + (quotient.significand << 1 != 0 ? 1 : 0));
  }
};

/// floor of amax after adding half a unit of the element's last digit: amax is taken for what it would round to, ties
/// away from zero. An element saturates by less than half a unit.
struct even_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    using element = typename Format::element_type;
    constexpr std::uint64_t half = 1ull << (62 - detail::digits_after_leading_one<element>);
    const int carry = amax.significand + half < amax.significand ? 1 : 0;
    return detail::power_scale<Format>(amax.exponent + carry - largest<element>.exponent);
  }
};

inline constexpr ceil_scale_t ceil_scale{};
inline constexpr rceil_scale_t rceil_scale{};
inline constexpr even_scale_t even_scale{};

FEWBITS_NAMESPACE_END
