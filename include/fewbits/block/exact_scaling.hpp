// Quotients and products of values and scales, exact until the one rounding at the end. Integers decide, so the codes
// are the same under -ffast-math and flush-to-zero. Source of the products: IEEE 754-2019, section 6.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/number/arithmetic.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/native.hpp>

FEWBITS_NAMESPACE_BEGIN

/// a / b, where the low 32 bits of b's significand are zero: a float32 times a constant, or an ue4m3 times a float32.
/// The result carries at least 32 correct bits and a sticky one: it rounds as the exact quotient does.
constexpr unpacked_number exact_quotient(const unpacked_number& a, const unpacked_number& b) noexcept {
  if (a.kind != number_class::finite || b.kind != number_class::finite)
    return exact::divide(a, b);
  const std::uint64_t divisor = b.significand >> 32;
  const std::uint64_t quotient = a.significand / divisor;
  const std::uint64_t sticky = a.significand % divisor != 0 ? 1 : 0;
  return make_unpacked(a.negative != b.negative, quotient << 1 | sticky, a.exponent - b.exponent - 33);
}

/// The same in 64 bits and a sticky one, for roundings that look at the fraction itself: stochastic ones do.
constexpr unpacked_number fine_quotient(const unpacked_number& a, const unpacked_number& b) noexcept {
  if (a.kind != number_class::finite || b.kind != number_class::finite)
    return exact::divide(a, b);
  const std::uint64_t divisor = b.significand >> 32;
  const std::uint64_t high = a.significand / divisor;  // 32 or 33 bits
  const std::uint64_t rest = (a.significand % divisor) << 31;
  const std::uint64_t sticky = rest % divisor != 0 ? 1 : 0;
  return make_unpacked(a.negative != b.negative, high << 31 | rest / divisor | sticky, a.exponent - b.exponent - 63);
}

/// The number of type T for a value, rounded once to nearest even and clamped to T's finite range.
template <number T>
constexpr T make_number(const unpacked_number& value_in_parts) noexcept {
  if constexpr (few_bit_number<T>) {
    return T::from_bits(static_cast<typename T::bits_type>(pack_code<T::format>(value_in_parts)));
  } else {
    using native = native_float<T>;
    return std::bit_cast<T>(static_cast<typename native::bits_type>(pack_code<native::format>(value_in_parts)));
  }
}

/// The largest finite value of an element or scale type.
template <few_bit_number T>
inline constexpr unpacked_number largest = unpack_code<T::format>(T::format.max_code());

/// Values that blocks are made of: floating-point numbers whose codes are ordered as their magnitudes, with Inf and
/// NaN above all. float, double, bf16, fp16, e4m3, ...
template <class T>
concept block_source = native_floating_point<T> || is_minifloat<std::remove_cv_t<T>>;

/// How a source type is laid out, the integer that holds its codes, and the code of one value (of any number that has
/// one).
template <block_source T>
constexpr float_format source_format() noexcept {
  if constexpr (native_floating_point<T>)
    return native_float<std::remove_cv_t<T>>::format;
  else
    return T::format;
}
template <number T>
requires native_floating_point<T> || few_bit_number<T>
constexpr auto source_code(const T& source) noexcept {
  if constexpr (native_floating_point<T>)
    return std::bit_cast<typename native_float<std::remove_cv_t<T>>::bits_type>(source);
  else
    return source.bits();
}
template <block_source T>
using source_bits = decltype(source_code(std::declval<const T&>()));

/// The scale for a quotient that is not 0: rounded once to nearest even, clamped to the type's finite range, and at
/// least the smallest positive number, with the quotient's sign: a scale of 0 would lose the block.
template <block_source T>
constexpr T nonzero_number(const unpacked_number& quotient) noexcept {
  const T rounded = make_number<T>(quotient);
  if ((source_code(rounded) & source_format<T>().magnitude_mask()) != 0 || !source_format<T>().has_zero())
    return rounded;
  unpacked_number smallest = unpack_code<source_format<T>()>(source_format<T>().min_positive_code());
  smallest.negative = quotient.negative;
  return make_number<T>(smallest);
}

FEWBITS_NAMESPACE_END
