// Exact sums, products, quotients and roots of unpacked numbers, to be rounded once by pack_code. Operands come from
// formats of at most 16 significant bits; results carry at least 30 correct bits and a sticky bit, so that every
// rounding to such a format is the rounding of the exact result. Source of the special cases: IEEE 754-2019, 6 and 7.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace exact {

/// The operands' limit. A product has twice as many bits and still fits one word.
inline constexpr int significant_bits = 16;

constexpr unpacked_number nan() noexcept { return {.kind = number_class::nan}; }

constexpr unpacked_number negate(unpacked_number x) noexcept {
  x.negative = !x.negative;
  return x;
}

/// a + b; also for operands of up to 32 significant bits, as products are. The sum of a number and its
/// opposite is +0, as in every rounding but downward.
constexpr unpacked_number add(unpacked_number a, unpacked_number b) noexcept {
  if (a.kind == number_class::nan || b.kind == number_class::nan)
    return nan();
  if (a.kind == number_class::infinite)
    return b.kind == number_class::infinite && a.negative != b.negative ? nan() : a;
  if (b.kind == number_class::infinite)
    return b;
  if (a.kind == number_class::zero && b.kind == number_class::zero)
    return {.kind = number_class::zero, .negative = a.negative && b.negative};
  if (a.kind == number_class::zero)
    return b;
  if (b.kind == number_class::zero)
    return a;
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
    const unpacked_number larger = b;
    b = a;
    a = larger;
  }
  // One bit of headroom for the carry leaves 31 zeros below: a shift of up to 31 loses nothing, and after a longer one
  // the leading bits cannot cancel far enough to bring the sticky bit near the rounding position.
  const std::uint64_t large = a.significand >> 1;
  const std::uint64_t aligned = shift_right_sticky(b.significand >> 1, a.exponent - b.exponent);
  if (a.negative != b.negative && large == aligned)
    return {.kind = number_class::zero, .negative = false};
  return make_unpacked(a.negative, a.negative == b.negative ? large + aligned : large - aligned, a.exponent - 62);
}

constexpr unpacked_number subtract(const unpacked_number& a, const unpacked_number& b) noexcept {
  return add(a, negate(b));
}

constexpr unpacked_number multiply(const unpacked_number& a, const unpacked_number& b) noexcept {
  const bool negative = a.negative != b.negative;
  if (a.kind == number_class::nan || b.kind == number_class::nan)
    return nan();
  if (a.kind == number_class::infinite || b.kind == number_class::infinite) {
    if (a.kind == number_class::zero || b.kind == number_class::zero)
      return nan();
    return {.kind = number_class::infinite, .negative = negative};
  }
  if (a.kind == number_class::zero || b.kind == number_class::zero)
    return {.kind = number_class::zero, .negative = negative};
  // The low 32 bits of both significands are zero.
  return make_unpacked(negative, (a.significand >> 32) * (b.significand >> 32), a.exponent + b.exponent - 62);
}

constexpr unpacked_number divide(const unpacked_number& a, const unpacked_number& b) noexcept {
  const bool negative = a.negative != b.negative;
  if (a.kind == number_class::nan || b.kind == number_class::nan)
    return nan();
  if (a.kind == number_class::infinite)
    return b.kind == number_class::infinite ? nan() : unpacked_number{.kind = a.kind, .negative = negative};
  if (b.kind == number_class::infinite)
    return {.kind = number_class::zero, .negative = negative};
  if (b.kind == number_class::zero)
    return a.kind == number_class::zero ? nan() : unpacked_number{.kind = number_class::infinite, .negative = negative};
  if (a.kind == number_class::zero)
    return {.kind = number_class::zero, .negative = negative};
  // 64 bits over 16: a quotient of at least 48 bits, exact but for the remainder, which becomes the sticky bit.
  const std::uint64_t divisor = b.significand >> (64 - significant_bits);
  const std::uint64_t quotient = a.significand / divisor;
  const std::uint64_t sticky = a.significand % divisor != 0 ? 1 : 0;
  return make_unpacked(negative, quotient << 1 | sticky, a.exponent - b.exponent - 49);
}

/// a x b + c with one rounding.
constexpr unpacked_number fma(const unpacked_number& a, const unpacked_number& b, const unpacked_number& c) noexcept {
  return add(multiply(a, b), c);
}

/// The root of -0 is -0; of any other negative number NaN.
constexpr unpacked_number sqrt(const unpacked_number& x) noexcept {
  if (x.kind == number_class::nan || x.kind == number_class::zero)
    return x;
  if (x.negative)
    return nan();
  if (x.kind == number_class::infinite)
    return x;
  // x = n x 2^(2 k) with n of 63 or 64 bits: the root of n has 32 bits, and what is left over is sticky.
  const bool odd = (x.exponent & 1) != 0;
  std::uint64_t rest = odd ? x.significand : x.significand >> 1;
  const int k = (odd ? x.exponent - 63 : x.exponent - 62) / 2;
  std::uint64_t root = 0;
  for (std::uint64_t bit = 1ull << 62; bit != 0; bit >>= 2) {
    if (rest >= root + bit) {
      rest -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return make_unpacked(false, root << 1 | (rest != 0 ? 1 : 0), k - 1);
}

}  // namespace exact

FEWBITS_NAMESPACE_END
