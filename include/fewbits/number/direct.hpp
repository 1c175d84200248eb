// Short ways between IEEE-like sources and small formats, without taking the number apart: the same bits as
// unpack_code and pack_code, in a third of the time and with one rare branch. Still integers only.
#pragma once

#include <bit>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>
#include <fewbits/number/float_format.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace direct {

/// Narrowing applies where the source's subnormals need no normalising, since they lie in the target's subnormal range,
/// and where its Inf and NaN come out beyond the target's largest value.
template <float_format Source, float_format Target>
inline constexpr bool narrows =
    (Source.nan == nan_codes::ieee) && Source.is_signed&& Source.has_zero() && Target.has_zero() &&
    (Target.min_exponent() >= Source.min_exponent()) && (Target.max_exponent() <= Source.max_exponent()) &&
    (Target.mantissa_bits < Source.mantissa_bits);

/// pack_code<Target>(unpack_code<Source>(code), how).
template <float_format Source, float_format Target, class Encoding>
constexpr std::uint64_t narrow(std::uint64_t code, const Encoding& how) noexcept {
  const std::uint64_t magnitude = code & Source.magnitude_mask();
  bool negative = Source.is_negative(code);
  const int source_field = static_cast<int>(magnitude >> Source.mantissa_bits);
  const std::uint64_t normal = source_field != 0 ? 1 : 0;
  const std::uint64_t significand = (magnitude & Source.mantissa_mask()) | normal << Source.mantissa_bits;
  // The target's field, at least 1; what is missing below it shifts the significand into the subnormals.
  const int field = source_field + static_cast<int>(1 - normal) - Source.bias + Target.bias;
  const int below = field < 1 ? 1 - field : 0;
  const int shift = Source.mantissa_bits - Target.mantissa_bits + below;
  const std::uint64_t kept = shift < 64 ? significand >> shift : 0;
  const std::uint64_t fraction = shift < 64 ? significand << (64 - shift) : shift_right_sticky(significand, shift - 64);
  std::uint64_t rounded = (static_cast<std::uint64_t>(field + below - 1) << Target.mantissa_bits) + kept;
  if constexpr (!Target.is_signed && decltype(how.sign)::drops_sign)
    negative = false;
  // The library's own policies can be asked about an exact value, which saves a branch; a user's is asked as promised.
  if constexpr (requires { how.rounding.accepts_exact; })
    rounded += static_cast<std::uint64_t>(fraction != 0) &
               static_cast<std::uint64_t>(how.rounding.away_from_zero({negative, rounded, fraction}));
  else if (fraction != 0 && how.rounding.away_from_zero({negative, rounded, fraction}))
    ++rounded;
  const bool out_of_range = rounded > Target.max_code() || (!Target.is_signed && negative);
  if (out_of_range) [[unlikely]]
    return pack_code<Target>(unpack_code<Source>(code), how);
  if constexpr (!Target.is_signed)
    return rounded;
  const std::uint64_t sign = code >> Source.magnitude_bits();  // shifted, not chosen: signs are random to a branch
  const std::uint64_t has_sign = Target.has_negative_zero() ? 1 : rounded != 0 ? 1 : 0;
  return rounded | (sign & has_sign) << Target.magnitude_bits();
}

/// The source is the target with a shorter mantissa: widening is a shift.
template <float_format Source, float_format Target>
inline constexpr bool truncates = (Target.nan == nan_codes::ieee) &&
                                  (Source.nan == nan_codes::ieee) && Source.has_zero() && Target.has_zero() &&
                                  (Target.is_signed || !Source.is_signed) &&
                                  (Source.exponent_bits == Target.exponent_bits) && (Source.bias == Target.bias) &&
                                  (Source.mantissa_bits < Target.mantissa_bits);

/// Widening applies there, and where every number of the source is a normal number of the target.
template <float_format Source, float_format Target>
inline constexpr bool widens = truncates<Source, Target> ||
                               ((Target.nan == nan_codes::ieee) && Source.has_zero() && Target.has_zero() &&
                                (Target.is_signed || !Source.is_signed) &&
                                (Source.min_exponent() - Source.mantissa_bits >= Target.min_exponent()) &&
                                (Source.max_exponent() <= Target.max_exponent()) &&
                                (Source.mantissa_bits < Target.mantissa_bits));

/// pack_code<Target>(unpack_code<Source>(code), how). Numbers are exact; the policies matter for Inf and NaN.
template <float_format Source, float_format Target, class Encoding>
constexpr std::uint64_t widen(std::uint64_t code, const Encoding& how) noexcept {
  constexpr int gap = Target.mantissa_bits - Source.mantissa_bits;
  constexpr std::uint64_t rebias = static_cast<std::uint64_t>(Target.bias - Source.bias) << Target.mantissa_bits;
  const std::uint64_t magnitude = code & Source.magnitude_mask();
  const std::uint64_t sign = Source.is_negative(code) ? Target.sign_mask() : 0;
  if (Source.is_nan(code) || Source.is_inf(code)) [[unlikely]]
    return pack_code<Target>(unpack_code<Source>(code), how);
  if constexpr (truncates<Source, Target>) {
    return magnitude << gap | sign;
  } else {
    // A subnormal's leading one moves to the implicit place, and the exponent follows. Both results are worked out:
    // a branch on whether a number is subnormal would often be mispredicted.
    const int up = std::countl_zero((magnitude & Source.mantissa_mask()) | 1) - (63 - Source.mantissa_bits);
    const std::uint64_t subnormal = ((magnitude << (up + gap)) & Target.mantissa_mask()) |
                                    static_cast<std::uint64_t>(1 - up + Target.bias - Source.bias)
                                        << Target.mantissa_bits;
    const std::uint64_t normal = (magnitude << gap) + rebias;
    const std::uint64_t chosen = magnitude > Source.mantissa_mask() ? ~0ull : 0;
    return (((normal & chosen) | (subnormal & ~chosen)) & (magnitude != 0 ? ~0ull : 0)) | sign;
  }
}

}  // namespace direct
FEWBITS_NAMESPACE_END
