// The functions of numbers by qualified name: fewbits::sqrt(x) as well as sqrt(x). The work is done by friends that
// only argument-dependent lookup finds; each is a better match than the template here that calls it. Codebooks have an
// order and no arithmetic.
#pragma once

#include <compare>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/minifloat.hpp>

FEWBITS_NAMESPACE_BEGIN

template <few_bit_number T>
requires(!is_codebook<T>) [[nodiscard]] constexpr T abs(T a) noexcept { return abs(a); }
template <few_bit_number T>
requires(!is_codebook<T>) [[nodiscard]] constexpr T sqrt(T a) noexcept { return sqrt(a); }
template <few_bit_number T>
requires(!is_codebook<T>) [[nodiscard]] constexpr T fma(T a, T b, T c) noexcept { return fma(a, b, c); }
// min and max are written out: with a macro of that name about, as on Windows, the friends cannot be called.
template <few_bit_number T>
[[nodiscard]] constexpr T(min)(T a, T b) noexcept {
  if (unpack(a).kind == number_class::nan || unpack(b).kind == number_class::nan)
    return unpack(a).kind == number_class::nan ? a : b;
  return total_order(b, a) < 0 ? b : a;
}
template <few_bit_number T>
[[nodiscard]] constexpr T(max)(T a, T b) noexcept {
  if (unpack(a).kind == number_class::nan || unpack(b).kind == number_class::nan)
    return unpack(a).kind == number_class::nan ? a : b;
  return total_order(a, b) < 0 ? b : a;
}
template <few_bit_number T>
requires(!is_codebook<T>) [[nodiscard]] constexpr T nextafter(T from, T to) noexcept { return nextafter(from, to); }
template <few_bit_number T>
requires(T::format.is_signed) [[nodiscard]] constexpr T copysign(T a, T b) noexcept { return copysign(a, b); }
template <few_bit_number T>
[[nodiscard]] constexpr std::strong_ordering total_order(T a, T b) noexcept {
  return total_order(a, b);
}
template <few_bit_number T>
[[nodiscard]] constexpr bool signbit(T a) noexcept {
  return signbit(a);
}
template <few_bit_number T>
[[nodiscard]] constexpr bool isfinite(T a) noexcept {
  return isfinite(a);
}
template <few_bit_number T>
requires(is_minifloat<T>) [[nodiscard]] constexpr bool isnormal(T a) noexcept { return isnormal(a); }
template <few_bit_number T>
requires(is_minifloat<T>&& T::format.has_nan()) [[nodiscard]] constexpr bool isnan(T a) noexcept { return isnan(a); }
template <few_bit_number T>
requires(is_minifloat<T>&& T::format.has_inf()) [[nodiscard]] constexpr bool isinf(T a) noexcept { return isinf(a); }

FEWBITS_NAMESPACE_END
