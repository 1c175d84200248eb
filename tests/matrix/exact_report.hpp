// Exact rational arithmetic about one element of a quantised matrix: its value, and whether another value would
// saturate there. Nothing is divided: multiples of the unit are compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fewbits/matrix.hpp>

#include "block/blocks.hpp"
#include "matrix/block_model.hpp"
#include "oracle/exact.hpp"

namespace fewbits_test {

using oracle::exact;

template <class T>
exact exact_of(const T& x) {
  return oracle::from(static_cast<double>(x)).value;  // every source and every scale fits a double
}

template <class T>
bool is_finite_number(const T& x) {
  if constexpr (fewbits::block_source<T>)
    return is_finite_value(x);
  else
    return true;
}

/// value = unit x (element - zero) + minimum; or nothing is known because a scale is not finite.
struct exact_map {
  bool is_finite = false;
  exact unit;
  exact minimum;
  int zero = 0;
};

/// Of a block, from what the view stores. No tensor offset: its sum is rounded.
template <class Format>
exact_map exact_map_of(const fewbits::quantized_view<Format>& quantized, std::size_t i, std::size_t j) {
  static_assert(!Format::has_tensor_offset);
  exact_map made;
  const auto parameters = quantized.parameters_of(i, j);
  if (!is_finite_number(parameters.scale))
    return made;
  made.unit = exact_of(parameters.scale);
  if constexpr (Format::has_super_scale) {
    const auto& super = quantized.supers()[i * quantized.layout().super_columns() + j / Format::super_count];
    if (!is_finite_number(super.scale))
      return made;
    made.unit = made.unit * exact_of(super.scale);
    if constexpr (Format::has_minimum)
      made.minimum = -(exact_of(parameters.zero) * exact_of(super.minimum));
  } else if constexpr (Format::has_minimum) {
    made.minimum = exact_of(parameters.zero);
  }
  if constexpr (Format::has_tensor_scale)
    made.unit = made.unit * exact_of(quantized.tensor_scale());
  if constexpr (Format::has_zero_point)
    made.zero = static_cast<int>(parameters.zero);
  made.is_finite = true;
  return made;
}

/// The value of a finite element.
template <class Format>
exact exact_value(std::uint8_t code, const exact_map& map) {
  using element = typename Format::element_type;
  exact of_code;
  if constexpr (fewbits::is_codebook<element>)
    of_code = exact::integer(element::format.entries[code]).scaled(-element::format.fraction_bits);
  else
    of_code = exact_of(element::from_bits(code));
  return map.unit * (of_code - exact::integer(map.zero)) + map.minimum;
}

/// Is y the float32 nearest to a value, ties to even? Inf stands one step past the largest.
inline bool is_nearest_float(float y, const exact& value) {
  const std::uint32_t bits = bits_of(y) & 0x7fffffffu;
  if (bits > 0x7f800000u || (!value.is_zero() && bits != 0 && value.negative() != (bits_of(y) >> 31 != 0)))
    return false;
  const auto magnitude = [](std::uint32_t b) {
    const auto fraction = static_cast<std::int64_t>(b & 0x7fffffu);
    const int field = static_cast<int>(b >> 23);
    return field == 0 ? exact::integer(fraction).scaled(-149) : exact::integer(fraction + 0x800000).scaled(field - 150);
  };
  const exact twice = value.absolute().scaled(1);
  if (bits != 0) {
    const auto below = twice <=> magnitude(bits - 1) + magnitude(bits);
    if (below < 0 || (below == 0 && bits % 2 != 0))
      return false;
  }
  if (bits < 0x7f800000u) {
    const auto above = twice <=> magnitude(bits) + magnitude(bits + 1);
    if (above > 0 || (above == 0 && bits % 2 != 0))
      return false;
  }
  return true;
}

/// Does (x - minimum) / unit + zero round past the elements? By comparing multiples of the unit, so nothing is divided.
template <class Element>
bool model_saturates(exact numerator, exact unit, int zero) {
  if (unit.negative()) {
    numerator = -numerator;
    unit = -unit;
  }
  const exact twice = numerator.scaled(1);
  if constexpr (fewbits::is_codebook<Element>) {
    std::int64_t high = Element::format.entries[0];
    std::int64_t low = high;
    for (std::size_t c = 0; c < Element::format.size(); ++c) {
      high = std::max<std::int64_t>(high, Element::format.entries[c]);
      low = std::min<std::int64_t>(low, Element::format.entries[c]);
    }
    const exact step = unit.scaled(-Element::format.fraction_bits);
    return numerator > exact::integer(high) * step || numerator < exact::integer(low) * step;
  } else if constexpr (fewbits::is_fixed_point<Element>) {
    const exact step = unit.scaled(-Element::format.fraction_bits);
    const int bits = Element::format.total_bits;
    const std::int64_t most = (std::int64_t{1} << (Element::format.is_signed ? bits - 1 : bits)) - 1;
    const std::int64_t high = most - zero;
    const std::int64_t low = (Element::format.is_signed ? -most - (Element::format.symmetric ? 0 : 1) : 0) - zero;
    const auto above = twice <=> exact::integer(2 * high + 1) * step;
    const auto below = twice <=> exact::integer(2 * low - 1) * step;
    // A tie goes to the even integer: outside if the last one inside is odd.
    return above > 0 || (above == 0 && high % 2 != 0) || below < 0 || (below == 0 && low % 2 != 0);
  } else {
    const auto codes = static_cast<std::uint64_t>(Element::format.max_code());
    const exact largest = exact_of(Element::from_bits(static_cast<typename Element::bits_type>(codes)));
    const exact before = exact_of(Element::from_bits(static_cast<typename Element::bits_type>(codes - 1)));
    // The step above it is as wide as the one below: no largest element begins a binade.
    const exact gap = largest - before;
    const auto above = twice.absolute() <=> (largest.scaled(1) + gap) * unit;
    return above > 0 || (above == 0 && codes % 2 != 0);
  }
}

}  // namespace fewbits_test
