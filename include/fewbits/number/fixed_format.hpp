// Integers of few bits and binary fractions: two's complement (or unsigned) codes times 2^-fraction_bits.
// Source of the MX int8 element: OCP MX 1.0, section 5.3.4. Native integers are the case of 8 to 64 bits.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A structural type: value = code x 2^-fraction_bits.
struct fixed_format {
  int total_bits = 0;
  int fraction_bits = 0;
  bool is_signed = true;
  bool symmetric = false;  ///< encoding never writes the lowest code, so that the range is the same on both sides

  friend constexpr bool operator==(const fixed_format&, const fixed_format&) = default;

  [[nodiscard]] constexpr int bits() const noexcept { return total_bits; }
  [[nodiscard]] constexpr std::uint64_t code_mask() const noexcept { return ~0ull >> (64 - total_bits); }
  [[nodiscard]] constexpr std::uint64_t sign_mask() const noexcept { return is_signed ? 1ull << (total_bits - 1) : 0; }
  /// The largest code, and the largest magnitude a negative value may have.
  [[nodiscard]] constexpr std::uint64_t max_code() const noexcept { return code_mask() ^ sign_mask(); }
  [[nodiscard]] constexpr std::uint64_t negative_limit() const noexcept {
    return is_signed ? max_code() + (symmetric ? 0 : 1) : 0;
  }
  /// The same format with every code in use.
  [[nodiscard]] constexpr fixed_format all_codes() const noexcept {
    return {total_bits, fraction_bits, is_signed, false};
  }
};

constexpr bool is_consistent(const fixed_format& f) noexcept {
  return f.total_bits >= (f.is_signed ? 2 : 1) && f.total_bits <= 64 && f.fraction_bits >= 0 && f.fraction_bits < 64 &&
         (f.is_signed || !f.symmetric);
}

/// The value of a code. Exact.
template <fixed_format Format>
constexpr unpacked_number unpack_code(std::uint64_t code) noexcept {
  const bool negative = (code & Format.sign_mask()) != 0;
  const std::uint64_t magnitude = negative ? (0 - code) & Format.code_mask() : code & Format.code_mask();
  return make_unpacked(negative, magnitude, -Format.fraction_bits);
}

/// The code for a value, rounded once. Without Inf and NaN there is only one answer to a value out of range,
/// whatever the overflow policy: the nearest code. NaN goes where the NaN policy says.
template <fixed_format Format, class Encoding = encoding<>>
constexpr std::uint64_t pack_code(const unpacked_number& x, const Encoding& how = {}) noexcept {
  const bool negative = x.negative && (Format.is_signed || !decltype(how.sign)::drops_sign);
  const std::uint64_t limit = negative ? Format.negative_limit() : Format.max_code();
  const auto with_sign = [&](std::uint64_t rounded_magnitude) noexcept {
    return (negative ? 0 - rounded_magnitude : rounded_magnitude) & Format.code_mask();
  };
  switch (x.kind) {
    case number_class::nan: return how.nan.code({negative, Format.max_code(), 0});
    case number_class::zero: return 0;
    case number_class::infinite: return with_sign(limit);
    case number_class::finite: break;
  }
  const int point = x.exponent + Format.fraction_bits;  // the position of the leading one, in units of the last place
  if (point > 63)
    return with_sign(limit);
  std::uint64_t magnitude = 0;
  std::uint64_t fraction = 0;
  if (point == 63) {
    magnitude = x.significand;
  } else if (point >= 0) {
    magnitude = x.significand >> (63 - point);
    fraction = x.significand << (point + 1);
  } else {
    fraction = shift_right_sticky(x.significand, -point - 1);
  }
  if (fraction != 0 && how.rounding.away_from_zero({negative, magnitude, fraction}))
    ++magnitude;
  return with_sign(magnitude < limit ? magnitude : limit);
}

FEWBITS_NAMESPACE_END
