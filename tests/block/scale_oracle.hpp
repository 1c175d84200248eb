// What each scale rule must answer, by exact rationals written from the rules. Sources: OCP MX 1.0, section 6.3
// (floor); docs/block/scale.md for the others.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <fewbits/block.hpp>

#include "block/format_oracle.hpp"

namespace fewbits_test {

inline int floor_log2(const oracle::exact& x) { return x.magnitude().bit_length() + x.exponent() - 1; }

/// The ue8m0 code of 2^exponent, clamped.
inline unsigned ue8m0_code(int exponent) { return static_cast<unsigned>(std::clamp(exponent + 127, 0, 254)); }

/// What the power-of-two rules need to know of an element, from the standards.
struct scaled_element {
  int emax;               // of the largest value: e4m3 8, e5m2 15, e3m2 4, e2m3 2, e2m1 2, mxint8 0
  oracle::exact largest;  // 448, 57344, 28, 7.5, 6, 127/64
  int mantissa;           // digits after the leading one of the largest
};
template <class T>
scaled_element element_of();
template <>
inline scaled_element element_of<fewbits::e4m3>() {
  return {8, oracle::exact::integer(448), 3};
}
template <>
inline scaled_element element_of<fewbits::e5m2>() {
  return {15, oracle::exact::integer(57344), 2};
}
template <>
inline scaled_element element_of<fewbits::e3m2>() {
  return {4, oracle::exact::integer(28), 2};
}
template <>
inline scaled_element element_of<fewbits::e2m3>() {
  return {2, oracle::exact::integer(15).scaled(-1), 3};
}
template <>
inline scaled_element element_of<fewbits::e2m1>() {
  return {2, oracle::exact::integer(6), 1};
}
template <>
inline scaled_element element_of<fewbits::mxint8>() {
  return {0, oracle::exact::integer(127).scaled(-6), 6};
}

inline unsigned floor_code(const scaled_element& of, const oracle::exact& amax) {
  return ue8m0_code(floor_log2(amax) - of.emax);
}
inline unsigned ceil_code(const scaled_element& of, const oracle::exact& amax) {
  const int above = amax.magnitude() == oracle::natural{1} ? 0 : 1;  // magnitudes are odd
  return ue8m0_code(floor_log2(amax) + above - of.emax);
}
inline unsigned rceil_code(const scaled_element& of, const oracle::exact& amax) {
  int exponent = -400;  // the smallest with 2^exponent x largest >= amax
  for (int step = 512; step != 0; step /= 2)
    if (of.largest.scaled(exponent + step - 1) < amax)
      exponent += step;
  return ue8m0_code(exponent);
}
inline unsigned even_code(const scaled_element& of, const oracle::exact& amax) {
  const oracle::exact half_a_digit = oracle::exact::power_of_two(floor_log2(amax) - of.mantissa - 1);
  return ue8m0_code(floor_log2(amax + half_a_digit) - of.emax);
}

/// The code of the scale nearest to a quotient above 0 in size, clamped to the finite ones, not 0 where there is
/// another.
template <class Scale>
std::uint32_t nearest_scale(const oracle::quotient& of) {
  const std::uint32_t sign = of.negative() ? 1 : 0;
  if constexpr (std::is_same_v<Scale, float>) {
    const std::uint32_t magnitude = nearest_float_magnitude(of);
    return std::clamp(magnitude, 1u, 0x7f7fffffu) | sign << 31;
  } else {
    const oracle::table& to = table_of<Scale>();
    const oracle::code found = oracle::convert(to, oracle::basic_number<oracle::quotient>::finite(of));
    if (!to.at(found).value.is_zero())
      return found;
    return (of.negative() ? to.negative : to.positive).steps[1].bits;
  }
}

}  // namespace fewbits_test
