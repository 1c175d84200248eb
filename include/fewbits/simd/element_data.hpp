// What kernels must know of an element type, taken from the constexpr reference, never from a second description:
// its values as float32, the codes that Inf, NaN and overflow become, and which arithmetic fits it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/direct.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// How lanes turn a code into a float32.
enum class widening {
  table,      ///< up to 4 bits: one look-up in 16 entries
  table32,    ///< 5 bits: one in 32
  shift,      ///< float32's own exponents, fewer digits: bf16
  fields,     ///< exponent and mantissa moved into place, subnormals by an exact subtraction
  integer,    ///< an integer times a power of two
  one_by_one  ///< none of these: the reference, element by element
};
/// How lanes turn a float32 into a code.
enum class narrowing {
  fields,     ///< integers round the significand
  integer,    ///< the same on a fixed grid
  ladder,     ///< up to 16 values in any spacing: a binary search among boundaries
  one_by_one  ///< none of these
};

/// Float32's bits of a code's value.
template <few_bit_number Element>
constexpr std::uint32_t float_bits_of(std::uint64_t code) noexcept {
  return static_cast<std::uint32_t>(
      pack_code<binary32_format>(unpack_code<Element::format>(code & Element::format.code_mask()), operator_encoding));
}

template <few_bit_number Element>
constexpr widening widening_of() noexcept {
  constexpr auto f = Element::format;
  if constexpr (f.bits() <= 4)
    return widening::table;
  else if constexpr (f.bits() == 5)
    return widening::table32;
  else if constexpr (is_minifloat<Element>) {
    if (f.bits() > 16 || !f.has_zero())
      return widening::one_by_one;
    if (f.exponent_bits == 8 && f.bias == 127 && f.is_signed && f.nan == nan_codes::ieee)
      return widening::shift;
    // Normal numbers must be normal in float32, and subnormals multiples of its smallest normal one.
    const bool fits = f.min_exponent() - f.mantissa_bits >= -126 && f.max_exponent() <= 127;
    return fits ? widening::fields : widening::one_by_one;
  } else if constexpr (is_fixed_point<Element>)
    return f.bits() <= 16 && f.fraction_bits <= 32 ? widening::integer : widening::one_by_one;
  else
    return widening::one_by_one;
}

/// Is a value one of thirty-two magnitudes and a sign?
template <few_bit_number Element>
inline constexpr bool widens_by_magnitudes = [] {
  if constexpr (is_minifloat<Element>)
    if constexpr (Element::format.is_signed && Element::format.bits() == 6 &&
                  widening_of<Element>() == widening::fields) {
      for (std::uint64_t code = 0; code < 32; ++code)
        if (float_bits_of<Element>(code | 32) != (float_bits_of<Element>(code) | 0x80000000u))
          return false;
      return true;
    } else {
      return false;
    }
  else
    return false;
}();
/// Bits of the values of all codes of up to 5 bits, repeated to fill whole tables; of 6 bits, of the positive ones.
template <few_bit_number Element>
inline constexpr std::array<std::uint32_t, 32> value_table = [] {
  std::array<std::uint32_t, 32> bits{};
  for (std::size_t c = 0; c < bits.size(); ++c)
    bits[c] = float_bits_of<Element>(c);
  return bits;
}();

/// The two upper bytes of float32's bits of each 4-bit code, and whether the lower two are zero: are all values bf16?
struct nibble_bytes {
  std::array<std::uint8_t, 16> high{};
  std::array<std::uint8_t, 16> low{};
  bool suffice = true;
};
template <few_bit_number Element>
inline constexpr nibble_bytes nibble_bytes_of = [] {
  nibble_bytes made{};
  made.suffice = Element::format.bits() == 4;
  for (std::size_t c = 0; c < 16; ++c) {
    const std::uint32_t bits = float_bits_of<Element>(c);
    made.high[c] = static_cast<std::uint8_t>(bits >> 24);
    made.low[c] = static_cast<std::uint8_t>(bits >> 16 & 0xff);
    made.suffice = made.suffice && (bits & 0xffff) == 0;
  }
  return made;
}();

/// The same for 8-bit floats of either sign: bytes of the finite magnitudes, which all are bf16.
struct magnitude_bytes {
  std::array<std::uint8_t, 128> high{};
  std::array<std::uint8_t, 128> low{};
  bool suffice = false;
};
template <few_bit_number Element>
inline constexpr magnitude_bytes magnitude_bytes_of = [] {
  magnitude_bytes made{};
  if constexpr (is_minifloat<Element>)
    if (Element::format.bits() == 8 && Element::format.is_signed) {
      made.suffice = true;
      for (std::size_t c = 0; c < 128; ++c) {
        const std::uint32_t bits = float_bits_of<Element>(c);
        made.high[c] = static_cast<std::uint8_t>(bits >> 24);
        made.low[c] = static_cast<std::uint8_t>(bits >> 16 & 0xff);
        made.suffice = made.suffice && (bits & 0xffff) == 0;
      }
    }
  return made;
}();

/// Are those bytes, and the sign, all of a value's bits, Inf and NaN included?
template <few_bit_number Element>
inline constexpr bool widens_by_bytes = [] {
  if (!magnitude_bytes_of<Element>.suffice)
    return false;
  for (std::uint64_t c = 0; c < 128; ++c)
    if (float_bits_of<Element>(c | 128) != (float_bits_of<Element>(c) | 0x80000000u))
      return false;
  return true;
}();

/// Bits of the values of all codes of up to 8 bits, for elements that no arithmetic fits.
template <few_bit_number Element>
inline constexpr std::array<std::uint32_t, 256> every_value = [] {
  std::array<std::uint32_t, 256> bits{};
  for (std::size_t c = 0; c < bits.size(); ++c)
    bits[c] = float_bits_of<Element>(c);
  return bits;
}();

/// The codes of what is not rounded, positive and negative.
struct special_codes {
  std::uint32_t nan[2]{}, infinite[2]{}, overflow[2]{}, zero[2]{}, tiny[2]{};
};
template <few_bit_number Element, class Encoding>
inline constexpr special_codes special_codes_of = [] {
  special_codes codes{};
  for (const bool negative : {false, true}) {
    const auto code = [negative](unpacked_number number_in_parts) noexcept {
      number_in_parts.negative = negative;
      return static_cast<std::uint32_t>(pack_code<Element::format>(number_in_parts, Encoding{}));
    };
    codes.nan[negative] = code({.kind = number_class::nan});
    codes.infinite[negative] = code({.kind = number_class::infinite});
    codes.overflow[negative] = code(make_unpacked(false, 1, 16000));
    codes.zero[negative] = code({.kind = number_class::zero});
    codes.tiny[negative] = code(make_unpacked(false, 1, -16000));
  }
  return codes;
}();

/// A float32's bits as an integer that is ordered as the numbers are, -0 below +0.
constexpr std::int32_t ordered_key(std::uint32_t float_bits) noexcept {
  return static_cast<std::int32_t>((float_bits >> 31) != 0 ? float_bits ^ 0x7fffffffu : float_bits);
}
constexpr std::uint32_t bits_of_key(std::int32_t key) noexcept {
  const auto bits = static_cast<std::uint32_t>(key);
  return (bits >> 31) != 0 ? bits ^ 0x7fffffffu : bits;
}

/// The value of a code, exact; no subnormal float32 is ever read as one.
template <float_format Source>
constexpr double double_of_code(std::uint64_t code) noexcept {
  return std::bit_cast<double>(direct::widen<Source, binary64_format>(code, operator_encoding));
}
constexpr int exponent_of(double number) noexcept {
  return static_cast<int>(std::bit_cast<std::uint64_t>(number) >> 52 & 0x7ff) - 1023;
}

/// Where the codes of a monotone conversion change: code codes[i] begins at key boundaries[i]. boundaries[0] is the
/// lowest key, and entries past the last code are never reached.
struct code_ladder {
  std::array<std::int32_t, 16> boundaries{};
  std::array<std::uint32_t, 16> codes{};
};
template <few_bit_number Element, class Encoding>
inline constexpr code_ladder ladder_of = [] {
  constexpr std::int32_t lowest = ordered_key(0xff7fffffu), highest = ordered_key(0x7f7fffffu);
  const auto code_at = [](std::int32_t key) noexcept {
    return static_cast<std::uint32_t>(
        pack_code<Element::format>(unpack_code<binary32_format>(bits_of_key(key)), Encoding{}));
  };
  code_ladder ladder{};
  ladder.boundaries.fill(0x7fffffff);
  std::size_t rung = 0;
  ladder.boundaries[0] = -0x7fffffff - 1;
  ladder.codes[0] = code_at(lowest);
  std::int32_t from = lowest;
  while (rung < 15 && code_at(highest) != ladder.codes[rung]) {
    // The first key of another code. It lies where the code stops being this one, which happens once.
    std::int64_t same = from, other = highest;
    while (other - same > 1) {
      const std::int64_t middle = same + (other - same) / 2;
      (code_at(static_cast<std::int32_t>(middle)) == ladder.codes[rung] ? same : other) = middle;
    }
    from = static_cast<std::int32_t>(other);
    ++rung;
    ladder.boundaries[rung] = from;
    ladder.codes[rung] = code_at(from);
  }
  return ladder;
}();

/// Is the encoding all in its type? The overflow policies are small structs, so this is asked of the value, too.
template <class Encoding>
inline constexpr bool is_constant_encoding = std::is_empty_v<decltype(Encoding::rounding)>&&
    std::is_empty_v<decltype(Encoding::nan)>&& std::is_empty_v<decltype(Encoding::sign)>;
template <class Encoding>
constexpr bool is_default(const Encoding& how) noexcept {
  constexpr Encoding plain{};
  return how.overflow.overflow == plain.overflow.overflow && how.overflow.infinity == plain.overflow.infinity &&
         how.overflow.negative == plain.overflow.negative && how.overflow.zero == plain.overflow.zero;
}

/// Does a negative number count by its magnitude?
template <few_bit_number Element, class Encoding>
inline constexpr bool drops_signs = [] {
  if constexpr (is_minifloat<Element>)
    return !Element::format.is_signed && decltype(Encoding::sign)::drops_sign;
  else
    return false;
}();

template <few_bit_number Element, class Encoding>
constexpr narrowing narrowing_of() noexcept {
  if constexpr (!std::is_same_v<decltype(Encoding::rounding), nearest_even_t> || !is_constant_encoding<Encoding>) {
    return narrowing::one_by_one;
  } else if constexpr (is_minifloat<Element>) {
    constexpr float_format f = Element::format;
    constexpr special_codes codes = special_codes_of<Element, Encoding>;
    // Lanes round by an addition, whose even number has an even mantissa: without one the even code is another.
    const bool fits = f.bits() <= 16 && f.has_zero() && f.mantissa_bits >= 1 && f.mantissa_bits <= 12 &&
                      f.min_exponent() >= -200 && codes.zero[0] == 0 && codes.zero[1] == codes.tiny[1] &&
                      codes.tiny[0] == 0;
    return fits ? narrowing::fields : narrowing::one_by_one;
  } else if constexpr (is_fixed_point<Element>) {
    const bool fits = Element::format.bits() <= 16 && !decltype(Encoding::sign)::drops_sign;
    return fits ? narrowing::integer : narrowing::one_by_one;
  } else {
    return Element::format.bits() <= 4 ? narrowing::ladder : narrowing::one_by_one;
  }
}

/// Formats whose numbers lanes read as float32 without rounding: 16-bit floats, and float32 itself.
template <class Source>
inline constexpr bool is_lane_source = [] {
  if constexpr (native_floating_point<Source>)
    return native_float<Source>::format.bits() <= 32;
  else if constexpr (is_minifloat<Source>)
    return widening_of<Source>() != widening::one_by_one;
  else
    return false;
}();

}  // namespace simd
FEWBITS_NAMESPACE_END
