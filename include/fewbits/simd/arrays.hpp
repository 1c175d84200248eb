// Where numbers lie in memory, as kernels see them, and which conversions lanes can do.
#pragma once

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
};
/// Codes without gaps, the first at the border of a byte. Byte may be const.
template <few_bit_number T, bit_order Order, class Byte>
struct code_array {
  using number_type = T;
  static constexpr bool is_packed = true;
  Byte* data;
  [[nodiscard]] static constexpr std::size_t bytes(std::size_t count) noexcept {
    return count / 16 * (2 * static_cast<std::size_t>(T::format.bits()));
  }
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

}  // namespace simd
FEWBITS_NAMESPACE_END
