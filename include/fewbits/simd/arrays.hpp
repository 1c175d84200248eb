// Where numbers lie in memory, as kernels see them, and which conversions lanes can do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed_bits.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/minifloat.hpp>
#include <fewbits/simd/element_data.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// An object for each number. T may be const.
template <class T>
struct object_array {
  using number_type = std::remove_const_t<T>;
  static constexpr bool is_packed = false;
  T* data;
  [[nodiscard]] static constexpr std::size_t bytes(std::size_t count) noexcept { return count * sizeof(T); }
  [[nodiscard]] constexpr object_array from(std::size_t first) const noexcept { return {data + first}; }
};
/// Codes without gaps, the first at the border of a byte. Byte may be const.
template <few_bit_number T, bit_order Order, class Byte>
struct code_array {
  using number_type = T;
  static constexpr bool is_packed = true;
  static constexpr bit_order order = Order;
  Byte* data;
  [[nodiscard]] static constexpr std::size_t bytes(std::size_t count) noexcept {
    return count / 16 * (2 * static_cast<std::size_t>(T::format.bits()));
  }
  /// Precondition: a multiple of 16.
  [[nodiscard]] constexpr code_array from(std::size_t first) const noexcept { return {data + bytes(first)}; }
};

/// The few-bit number with a native number's format: _Float16 is an fp16 to lanes.
template <class T>
struct find_lane_element {
  using type = T;
};
template <native_floating_point T>
requires(!std::is_same_v<T, float> && !std::is_same_v<T, double>) struct find_lane_element<T> {
  using type = minifloat<native_float<T>::format>;
};
template <class T>
using lane_element = typename find_lane_element<T>::type;

/// Is every value a float32?
template <few_bit_number T>
inline constexpr bool widens_exactly = [] {
  if constexpr (widening_of<T>() == widening::one_by_one)
    return false;
  else if constexpr (T::format.bits() <= 5) {
    for (std::uint64_t code = 0; code <= T::format.code_mask(); ++code) {
      const unpacked_number value = unpack_code<T::format>(code);
      const unpacked_number seen = unpack_code<binary32_format>(float_bits_of<T>(code));
      if (seen.kind != value.kind || seen.exponent != value.exponent || seen.significand != value.significand)
        return false;
    }
    return true;
  } else {
    return true;
  }
}();

/// Can lanes read this type?
template <class T>
inline constexpr bool lanes_read = [] {
  if constexpr (std::is_same_v<T, float>)
    return true;
  else if constexpr (few_bit_number<lane_element<T>>)
    return widens_exactly<lane_element<T>>;
  else
    return false;
}();
/// Can they write it with this encoding? They still ask is_default of the encoding's value.
template <class T, class Encoding>
inline constexpr bool lanes_write = [] {
  if constexpr (std::is_same_v<T, float>)
    return std::is_same_v<Encoding, std::remove_const_t<decltype(operator_encoding)>>;
  else if constexpr (few_bit_number<lane_element<T>>)
    return narrowing_of<lane_element<T>, Encoding>() != narrowing::one_by_one;
  else
    return false;
}();

/// Code by code, what a conversion makes of the codes of one type in another.
template <few_bit_number From, few_bit_number To, class Encoding>
constexpr std::uint32_t converted_code(std::uint64_t code) noexcept {
  return static_cast<std::uint32_t>(
      pack_code<To::format>(unpack_code<From::format>(code & From::format.code_mask()), Encoding{}));
}
/// Of types of up to 4 bits: all of them.
template <few_bit_number From, few_bit_number To, class Encoding>
inline constexpr std::array<std::uint32_t, 16> converted_codes = [] {
  std::array<std::uint32_t, 16> codes{};
  for (std::size_t c = 0; c < codes.size(); ++c)
    codes[c] = converted_code<From, To, Encoding>(c);
  return codes;
}();
/// Of types of 8 bits to 16 bits: the bytes for all magnitudes, where the sign is the highest bit of both.
struct converted_magnitudes {
  bool suffice = true;
  std::array<std::uint8_t, 128> low{}, high{};
};
template <few_bit_number From, few_bit_number To, class Encoding>
inline constexpr converted_magnitudes converted_magnitudes_of = [] {
  converted_magnitudes made{};
  for (std::size_t c = 0; c < 128; ++c) {
    const std::uint32_t code = converted_code<From, To, Encoding>(c);
    made.low[c] = static_cast<std::uint8_t>(code & 0xff);
    made.high[c] = static_cast<std::uint8_t>(code >> 8 & 0xff);
    made.suffice = made.suffice && converted_code<From, To, Encoding>(c | 128) == (code | 0x8000);
  }
  return made;
}();

}  // namespace simd
FEWBITS_NAMESPACE_END
