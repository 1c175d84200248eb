// The compiler's own numbers taken apart and put together bit by bit: float, double, long double, _Float16,
// __bf16 and the integers.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The format of a native floating-point type and an unsigned integer of its size.
template <class T>
struct native_float;

template <>
struct native_float<float> {
  static constexpr float_format format = binary32_format;
  using bits_type = std::uint32_t;
};
template <>
struct native_float<double> {
  static constexpr float_format format = binary64_format;
  using bits_type = std::uint64_t;
};
#if FEWBITS_HAS_FLOAT16
template <>
struct native_float<_Float16> {
  static constexpr float_format format = ieee_format(5, 10);
  using bits_type = std::uint16_t;
};
#endif
#if FEWBITS_HAS_BFLOAT16
template <>
struct native_float<__bf16> {
  static constexpr float_format format = ieee_format(8, 7);
  using bits_type = std::uint16_t;
};
#endif

template <class T>
concept native_floating_point = requires {
  native_float<std::remove_cv_t<T>>::format;
};

/// Integers, 128-bit ones included where the compiler has them (std::integral leaves them out in strict modes).
template <class T>
concept native_integer = std::integral<T>
#if FEWBITS_HAS_INT128
    || std::same_as<std::remove_cv_t<T>, int128> || std::same_as<std::remove_cv_t<T>, uint128>
#endif
    ;

#if FEWBITS_LONG_DOUBLE_DIGITS != 0
template <class T>
concept native_number = native_floating_point<T> || native_integer<T> || std::same_as < std::remove_cv_t<T>,
long double > ;
#else
template <class T>
concept native_number = native_floating_point<T> || native_integer<T>;
#endif

/// The exact value of a native number. 128-bit integers and binary128 keep their top 64 bits and a sticky bit,
/// which rounds to every format of up to 62 significant bits as the exact value would.
template <native_floating_point T>
constexpr unpacked_number unpack(T x) noexcept {
  return unpack_code<native_float<T>::format>(std::bit_cast<typename native_float<T>::bits_type>(x));
}

template <native_integer T>
constexpr unpacked_number unpack(T x) noexcept {
  if constexpr (sizeof(T) <= 8) {
    const bool negative = x < T{0};
    const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
    return make_unpacked(negative, magnitude, 0);
  } else {
#if FEWBITS_HAS_INT128
    using wide = uint128;
    const bool negative = x < T{0};
    const wide magnitude = negative ? 0 - static_cast<wide>(x) : static_cast<wide>(x);
    const auto high = static_cast<std::uint64_t>(magnitude >> 64);
    const auto low = static_cast<std::uint64_t>(magnitude);
    if (high == 0)
      return make_unpacked(negative, low, 0);
    const int shift = std::countl_zero(high);
    const wide normal = magnitude << shift;
    const std::uint64_t sticky = static_cast<std::uint64_t>(normal) != 0 ? 1 : 0;
    return {static_cast<std::uint64_t>(normal >> 64) | sticky, 127 - shift, number_class::finite, negative};
#endif
  }
}

#if FEWBITS_LONG_DOUBLE_DIGITS == 53
constexpr unpacked_number unpack(long double x) noexcept { return unpack(static_cast<double>(x)); }
#elif FEWBITS_LONG_DOUBLE_DIGITS == 64
constexpr unpacked_number unpack(long double x) noexcept {
  // x87: 64 bits of significand with an explicit leading one, then 15 bits of exponent and the sign.
  struct storage {
    unsigned char bytes[sizeof(long double)];
  };
  const auto raw = std::bit_cast<storage>(x);
  std::uint64_t significand = 0;
  for (int i = 7; i >= 0; --i)
    significand = significand << 8 | raw.bytes[i];
  const bool negative = (raw.bytes[9] & 0x80) != 0;
  const int field = (raw.bytes[9] & 0x7f) << 8 | raw.bytes[8];
  if (field == 0x7fff)
    return {.kind = significand << 1 == 0 ? number_class::infinite : number_class::nan, .negative = negative};
  return make_unpacked(negative, significand, (field == 0 ? 1 : field) - 16383 - 63);
}
#elif FEWBITS_LONG_DOUBLE_DIGITS == 113
constexpr unpacked_number unpack(long double x) noexcept {
  using wide = uint128;
  const auto raw = std::bit_cast<wide>(x);
  const bool negative = (raw >> 127) != 0;
  const int field = static_cast<int>(raw >> 112) & 0x7fff;
  wide mantissa = raw & ((wide{1} << 112) - 1);
  if (field == 0x7fff)
    return {.kind = mantissa == 0 ? number_class::infinite : number_class::nan, .negative = negative};
  if (field != 0)
    mantissa |= wide{1} << 112;
  unpacked_number result = unpack(mantissa);
  result.negative = negative;
  result.exponent += (field == 0 ? 1 : field) - 16383 - 112;
  return result;
}
#endif

/// The native number nearest to a value. A number of one of this library's formats is exact in every type that has
/// its range and digits; what is left out of range becomes Inf or is rounded, once.
template <native_floating_point T>
constexpr T pack_native(const unpacked_number& x) noexcept {
  using native = native_float<T>;
  return std::bit_cast<T>(static_cast<typename native::bits_type>(pack_code<native::format>(x, operator_encoding)));
}

FEWBITS_NAMESPACE_END
