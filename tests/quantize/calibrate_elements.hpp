// Elements as sorted lists of values, written from their definitions: what calibrators are compared with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "oracle/exact.hpp"

namespace fewbits_test {

struct element_value {
  oracle::exact value;
  bool even;  // a tie goes here
};

/// Sorted by value; one zero.
struct element_list {
  std::vector<element_value> all;
  oracle::exact largest;
};

inline element_list integers(int lowest, int highest, int fraction_bits = 0) {
  element_list made;
  for (int i = lowest; i <= highest; ++i)
    made.all.push_back({oracle::exact::integer(i).scaled(-fraction_bits), i % 2 == 0});
  made.largest = made.all.back().value;
  return made;
}

/// Magnitude codes 0 to max_code of a sign, exponent and mantissa format with subnormals.
inline element_list floats(int mantissa_bits, int bias, int max_code) {
  element_list made;
  for (int code = -max_code; code <= max_code; ++code) {
    const int magnitude = code < 0 ? -code : code;
    const int field = magnitude >> mantissa_bits;
    const int mantissa = magnitude & ((1 << mantissa_bits) - 1);
    const int digits = field == 0 ? mantissa : mantissa + (1 << mantissa_bits);
    const oracle::exact value = oracle::exact::integer(digits).scaled((field == 0 ? 1 : field) - bias - mantissa_bits);
    made.all.push_back({code < 0 ? -value : value, magnitude % 2 == 0});
  }
  made.largest = made.all.back().value;
  return made;
}

/// The index of the element nearest to value x largest / range.
inline std::size_t nearest_element(const element_list& list, const oracle::exact& value, const oracle::exact& range) {
  const oracle::exact wanted = value * list.largest;
  std::size_t low = 0, high = list.all.size() - 1;  // the last element that is not above, if there is one
  if ((list.all[0].value * range <=> wanted) > 0)
    return 0;
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    if ((list.all[middle].value * range <=> wanted) > 0)
      high = middle - 1;
    else
      low = middle;
  }
  if (low + 1 == list.all.size())
    return low;
  const auto to_midpoint = (wanted + wanted) <=> (list.all[low].value + list.all[low + 1].value) * range;
  return to_midpoint < 0 || (to_midpoint == 0 && list.all[low].even) ? low : low + 1;
}

}  // namespace fewbits_test
