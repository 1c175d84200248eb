// The conversions of other systems, bit for bit, from float, fp16 and bf16 (some of them round doubles twice, through
// float; these do not). What each system does was observed: see tests/golden/README.md, whose vectors test this file.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>
#include <fewbits/number/convert.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

template <class Target>
inline constexpr bool is_power_of_two_scale = false;
template <float_format Format>
inline constexpr bool is_power_of_two_scale<minifloat<Format>> = !Format.has_zero() && Format.mantissa_bits == 0;

/// Nearest with ties up, but always up from the lowest code: ml_dtypes and PyTorch into ue8m0, whose code 00 is a float
/// subnormal and misses their rounding.
struct nearest_away_up_from_lowest_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept {
    return at.code == 0 || at.fraction >= half_gap;
  }
};

/// NaN with every bit below the sign set, positive; the largest value where there is none.
struct positive_ones_nan_t : nan_to_max_t {
  [[nodiscard]] static constexpr std::uint64_t quiet(const float_format& format, bool) noexcept {
    return format.nan == nan_codes::negative_zero ? format.nan_code() : format.magnitude_mask();
  }
};
/// The same with the sign of the source.
struct signed_ones_nan_t : nan_to_max_t {
  [[nodiscard]] static constexpr std::uint64_t quiet(const float_format& format, bool negative) noexcept {
    return positive_ones_nan_t::quiet(format, negative) | (negative ? format.sign_mask() : 0);
  }
};

/// Overflow is NaN, but a missing zero is the smallest value.
struct overflow_to_nan_t {
  using policy_kind = overflow_kind;
  out_of_range overflow = out_of_range::special;
  out_of_range infinity = out_of_range::special;
  out_of_range negative = out_of_range::special;
  out_of_range zero = out_of_range::finite;
};

}  // namespace detail

/// OCP OFP8 and MX: nearest even, saturating; a power-of-two scale rounds down.
struct ocp_t {
  using policy_kind = preset_kind;
  template <class Target>
  static constexpr auto encoding_for() noexcept {
    if constexpr (detail::is_power_of_two_scale<Target>)
      return encoding<toward_zero_t, saturate_t>{};
    else
      return encoding<>{};
  }
};

/// CUDA 13's types: nearest even, saturating, one positive NaN; ue8m0 rounds up and ignores signs.
struct cuda_t {
  using policy_kind = preset_kind;
  template <class Target>
  static constexpr auto encoding_for() noexcept {
    if constexpr (detail::is_power_of_two_scale<Target>)
      return encoding<upward_t, saturate_t, detail::positive_ones_nan_t, drop_sign_t>{};
    else
      return encoding<nearest_even_t, saturate_t, detail::positive_ones_nan_t>{};
  }
};

/// PyTorch 2.15: nearest even; e4m3 saturates, the others do not; NaN keeps its sign and is all ones.
struct torch_t {
  using policy_kind = preset_kind;
  template <class Target>
  static constexpr auto encoding_for() noexcept {
    if constexpr (detail::is_power_of_two_scale<Target>)
      return encoding<detail::nearest_away_up_from_lowest_t, detail::overflow_to_nan_t, nan_to_max_t, drop_sign_t>{};
    else if constexpr (saturates<Target>())
      return encoding<nearest_even_t, saturate_t, detail::signed_ones_nan_t>{};
    else
      return encoding<nearest_even_t, no_saturate_t, detail::signed_ones_nan_t>{};
  }

 private:
  template <class Target>
  static constexpr bool saturates() noexcept {
    if constexpr (is_minifloat<Target>)
      return Target::format.nan == nan_codes::top;
    else
      return true;
  }
};

/// ml_dtypes 0.6: nearest even without saturation; NaN becomes a zero where there is no NaN; ue8m0 ties up, and zero
/// and negative numbers are NaN there; integers truncate.
struct ml_dtypes_t {
  using policy_kind = preset_kind;
  template <class Target>
  static constexpr auto encoding_for() noexcept {
    if constexpr (detail::is_power_of_two_scale<Target>)
      return encoding<detail::nearest_away_up_from_lowest_t, no_saturate_t>{};
    else if constexpr (is_fixed_point<Target>)
      return encoding<toward_zero_t, saturate_t, nan_to_zero_t>{};
    else
      return encoding<nearest_even_t, no_saturate_t, nan_to_negated_zero_t>{};
  }
};

inline constexpr ocp_t ocp{};
inline constexpr cuda_t cuda{};
inline constexpr torch_t torch{};
inline constexpr ml_dtypes_t ml_dtypes{};

FEWBITS_NAMESPACE_END
