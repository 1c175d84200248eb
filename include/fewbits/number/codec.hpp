// Between a code and its exact value. Integer arithmetic only: nothing here depends on the floating-point
// environment, on -ffast-math, or on whether it runs in the compiler or in the program.
#pragma once

#include <bit>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/float_format.hpp>
#include <fewbits/number/policies.hpp>
#include <fewbits/number/rounding.hpp>

FEWBITS_NAMESPACE_BEGIN

enum class number_class : std::uint8_t { zero, finite, infinite, nan };

/// A real number taken apart: (-1)^negative x significand x 2^(exponent - 63).
/// The significand of a finite number has its highest bit set. Its lowest bit may be sticky: set where
/// digits beyond it were not all zero. No format of up to 62 significant bits can tell the difference.
struct unpacked_number {
  std::uint64_t significand = 0;
  int exponent = 0;
  number_class kind = number_class::zero;
  bool negative = false;
};

/// Normalises magnitude x 2^(lowest_exponent).
constexpr unpacked_number make_unpacked(bool negative, std::uint64_t magnitude, int lowest_exponent) noexcept {
  if (magnitude == 0)
    return {.kind = number_class::zero, .negative = negative};
  const int shift = std::countl_zero(magnitude);
  return {magnitude << shift, lowest_exponent + 63 - shift, number_class::finite, negative};
}

/// Shifts right; what falls out leaves its trace in the lowest bit.
constexpr std::uint64_t shift_right_sticky(std::uint64_t value, int count) noexcept {
  if (count <= 0)
    return value;
  if (count >= 64)
    return value != 0 ? 1 : 0;
  return (value >> count) | ((value << (64 - count)) != 0 ? 1 : 0);
}

/// The value of a code. Exact for every format.
template <float_format Format>
constexpr unpacked_number unpack_code(std::uint64_t code) noexcept {
  const bool negative = Format.is_negative(code);
  if (Format.is_nan(code))
    return {.kind = number_class::nan, .negative = negative && Format.nan != nan_codes::negative_zero};
  if (Format.is_inf(code))
    return {.kind = number_class::infinite, .negative = negative};
  const std::uint64_t magnitude = code & Format.magnitude_mask();
  const std::uint64_t mantissa = magnitude & Format.mantissa_mask();
  const int field = static_cast<int>(magnitude >> Format.mantissa_bits);
  if (field < Format.lowest_field())
    return make_unpacked(negative, mantissa, Format.min_exponent() - Format.mantissa_bits);
  const std::uint64_t significand = (mantissa | (1ull << Format.mantissa_bits)) << (63 - Format.mantissa_bits);
  return {significand, field - Format.bias, number_class::finite, negative};
}

/// The four choices of an encoding.
template <rounding_policy Rounding = nearest_even_t, overflow_policy Overflow = saturate_t,
          nan_policy Nan = nan_to_max_t, sign_policy Sign = keep_sign_t>
struct encoding {
  [[no_unique_address]] Rounding rounding{};
  [[no_unique_address]] Overflow overflow{};
  [[no_unique_address]] Nan nan{};
  [[no_unique_address]] Sign sign{};
};

/// What constructors and quantisers do, and what operators do.
inline constexpr encoding<> saturating_encoding{};
inline constexpr encoding<nearest_even_t, no_saturate_t> operator_encoding{};

/// A magnitude rounded to a code of the format continued without end: codes past `max_code` are overflow.
/// This is where "overflow is judged after rounding" happens.
template <float_format Format, rounding_policy Rounding>
constexpr std::uint64_t round_to_unbounded_code(const unpacked_number& x, const Rounding& rounding) noexcept {
  constexpr int mantissa_bits = Format.mantissa_bits;
  constexpr std::uint64_t beyond = Format.magnitude_mask() + 1;
  const int field = x.exponent + Format.bias;
  std::uint64_t code = 0;
  std::uint64_t fraction = 0;
  if (field >= Format.lowest_field()) {
    if (field >> Format.exponent_bits != 0)
      return beyond;  // above every code whatever the rounding
    code = (static_cast<std::uint64_t>(field) << mantissa_bits) + ((x.significand << 1) >> 1 >> (63 - mantissa_bits));
    fraction = x.significand << (mantissa_bits + 1);
  } else if constexpr (!Format.has_zero()) {
    return 0;  // nothing lies below code 0
  } else {
    const int shift = 63 - mantissa_bits + Format.lowest_field() - field;  // at least 64 - mantissa_bits
    code = shift < 64 ? x.significand >> shift : 0;
    fraction = shift < 64 ? x.significand << (64 - shift) : shift_right_sticky(x.significand, shift - 64);
  }
  if (fraction != 0 && rounding.away_from_zero({x.negative, code, fraction}))
    ++code;
  return code;
}

/// The code for a value, rounded once.
template <float_format Format, class Encoding = encoding<>>
constexpr std::uint64_t pack_code(const unpacked_number& value, const Encoding& how = {}) noexcept {
  unpacked_number x = value;
  if constexpr (!Format.is_signed && decltype(how.sign)::drops_sign)
    x.negative = false;

  const std::uint64_t sign = x.negative ? Format.sign_mask() : 0;
  const auto nan = [&]() noexcept -> std::uint64_t {
    if constexpr (!Format.has_nan())
      return how.nan.code({x.negative, Format.max_code(), Format.has_negative_zero() ? Format.sign_mask() : 0});
    else if constexpr (requires { how.nan.quiet(Format, x.negative); })
      return how.nan.quiet(Format, x.negative);
    else
      return Format.nan_code() | (Format.nan == nan_codes::negative_zero ? 0 : sign);
  };
  const auto too_large = [&](out_of_range where_to) noexcept -> std::uint64_t {
    if (where_to == out_of_range::special) {
      if constexpr (Format.has_inf())
        return Format.inf_code() | sign;
      else if constexpr (Format.has_nan())
        return nan();
    }
    return Format.max_code() | sign;
  };
  const auto too_small = [&](out_of_range where_to) noexcept -> std::uint64_t {
    return Format.has_nan() && where_to == out_of_range::special ? nan() : 0;
  };
  const auto zero = [&]() noexcept -> std::uint64_t {
    if constexpr (!Format.has_zero())
      return Format.has_nan() && how.overflow.zero == out_of_range::special ? nan() : sign;
    else
      return Format.has_negative_zero() ? sign : 0;
  };

  switch (x.kind) {
    case number_class::nan: return nan();
    case number_class::zero: return zero();
    case number_class::infinite:
      if (!Format.is_signed && x.negative)
        return too_small(how.overflow.negative);
      return too_large(how.overflow.infinity);
    case number_class::finite: break;
  }

  const std::uint64_t code = round_to_unbounded_code<Format>(x, how.rounding);
  if constexpr (Format.has_zero())
    if (code == 0)
      return zero();
  if (!Format.is_signed && x.negative)
    return overflows_to_finite(how.rounding, true) ? 0 : too_small(how.overflow.negative);
  if (code > Format.max_code()) {
    if (overflows_to_finite(how.rounding, x.negative))
      return Format.max_code() | sign;
    return too_large(how.overflow.overflow);
  }
  return code | sign;
}

FEWBITS_NAMESPACE_END
