// What a block must hold, by exact rational arithmetic written from the documented rules: the code of a value under
// given scales, and the value of a code. Elements and scales meet the library by name (tests/number/all_types.hpp).
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <type_traits>

#include <fewbits/block.hpp>

#include "number/inputs.hpp"

namespace fewbits_test {

/// A codebook as a table of the oracle: ladders of both signs from zero outwards, and nothing past their ends.
template <class T>
oracle::table table_of_codebook() {
  oracle::table made;
  made.name = "codebook of " + std::to_string(T::format.total_bits) + " bits";
  made.bits = T::format.total_bits;
  for (oracle::code c = 0; c < (1u << made.bits); ++c) {
    const auto value = oracle::exact::integer(T::format.entries[c]).scaled(-T::format.fraction_bits);
    made.codes.push_back(oracle::number::finite(value));
    if (value.is_zero())
      made.zero = c;
    for (oracle::ladder* side : {&made.positive, &made.negative}) {
      if (!value.is_zero() && value.negative() != (side == &made.negative))
        continue;
      auto at = side->steps.begin();
      while (at != side->steps.end() && at->magnitude < value.absolute())
        ++at;
      side->steps.insert(at, {value.absolute(), c});
    }
  }
  for (oracle::ladder* side : {&made.positive, &made.negative})
    if (!side->steps.empty())
      side->beyond = side->steps.back().magnitude;
  return made;
}

template <class T>
const oracle::table& any_table_of() {
  if constexpr (fewbits::is_codebook<T>) {
    static const oracle::table made = table_of_codebook<T>();
    return made;
  } else {
    return table_of<T>();
  }
}

/// What a number of any type means.
template <class T>
oracle::number meaning_of(const T& x) {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
    return oracle::from(x);
  else
    return any_table_of<T>().at(x.bits());
}

/// The bits of the float32 nearest to |value|, to even; Inf past the largest.
template <oracle::comparable_value Value>
std::uint32_t nearest_float_magnitude(const Value& value) {
  const auto of = [](std::uint32_t bits) {
    const std::uint32_t field = bits >> 23;
    const std::uint64_t significand = (bits & 0x7fffffu) | (field != 0 ? 0x800000u : 0);
    return oracle::exact{false, oracle::natural{significand}, static_cast<int>(field != 0 ? field : 1) - 150};
  };
  std::uint32_t low = 0;  // of(low) <= |value|; the steps go on past the largest float
  std::uint32_t high = 0x7f800001u;
  if constexpr (std::is_same_v<Value, oracle::exact>) {
    if (value.compare_magnitude(of(0x7f800000u)) >= 0)
      return 0x7f800000u;
    low = static_cast<std::uint32_t>(floor_key<oracle::float_order>(value));
    high = low + 1;
  }
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (value.compare_magnitude(of(middle)) >= 0 ? low : high) = middle;
  }
  if (low == 0x7f800000u)
    return low;
  const auto side = value.compare_magnitude((of(low) + of(low + 1)).scaled(-1));
  return low + (side > 0 || (side == 0 && low % 2 == 1) ? 1 : 0);
}

/// a x b with IEEE 754's special cases.
inline oracle::number product(const oracle::number& a, const oracle::number& b) {
  const bool negative = a.negative != b.negative;
  if (a.is_nan() || b.is_nan())
    return oracle::number::nan();
  if (a.is_infinity() || b.is_infinity()) {
    const bool by_zero = (a.is_finite() && a.value.is_zero()) || (b.is_finite() && b.value.is_zero());
    return by_zero ? oracle::number::nan() : oracle::number::infinity(negative);
  }
  return oracle::number::finite(a.value * b.value);
}
inline oracle::number sum(const oracle::number& a, const oracle::number& b) {
  if (a.is_nan() || b.is_nan() || (a.is_infinity() && b.is_infinity() && a.negative != b.negative))
    return oracle::number::nan();
  if (a.is_infinity() || b.is_infinity())
    return a.is_infinity() ? a : b;
  return oracle::number::finite(a.value + b.value);
}
/// The float32 bits of a number; every NaN is 7fc00000.
inline std::uint32_t float_bits(const oracle::number& x) {
  if (x.is_nan())
    return 0x7fc00000u;
  const std::uint32_t magnitude = x.is_infinity() ? 0x7f800000u : nearest_float_magnitude(x.value);
  return magnitude | (x.negative ? 0x80000000u : 0);
}
inline std::uint32_t one_nan(std::uint32_t bits) { return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc00000u : bits; }

/// What a format says about its elements, without its type.
struct element_facts {
  const oracle::table* table;
  bool has_zero_point;
  bool has_minimum;

  /// The integer of a code.
  std::int64_t integer(oracle::code c) const {
    const oracle::exact& value = table->at(c).value;
    const auto magnitude = static_cast<std::int64_t>((value.magnitude() << value.exponent()).to_uint64());
    return value.negative() ? -magnitude : magnitude;
  }
};
template <class Format>
element_facts facts_of() {
  return {&any_table_of<typename Format::element_type>(), Format::has_zero_point, Format::has_minimum};
}

/// value = unit x (element - zero) + offset.
struct block_parts {
  oracle::number unit;
  oracle::number offset = oracle::number::finite({});
  std::int64_t zero = 0;
};
template <class Format>
block_parts parts_of(const fewbits::block_parameters<Format>& parameters,
                     const typename Format::tensor_scale_type& tensor_scale) {
  block_parts made{.unit = meaning_of(parameters.scale)};
  if constexpr (Format::has_tensor_scale)
    made.unit = product(made.unit, meaning_of(tensor_scale));
  if constexpr (Format::has_zero_point)
    made.zero = element_facts{&any_table_of<typename Format::zero_type>(), true, false}.integer(parameters.zero.bits());
  if constexpr (Format::has_minimum)
    made.offset = meaning_of(parameters.zero);
  return made;
}

inline oracle::number decoded(const element_facts& element, oracle::code c, const block_parts& parts) {
  if (element.has_zero_point)
    return product(oracle::number::finite(oracle::exact::integer(element.integer(c) - parts.zero)), parts.unit);
  const oracle::number scaled = product(element.table->at(c), parts.unit);
  return element.has_minimum ? sum(scaled, parts.offset) : scaled;
}

/// A quotient rounded to an integer, clamped at +-100000.
template <oracle::comparable_value Value>
std::int64_t rounded_to_integer(const Value& value, const oracle::rules& by) {
  constexpr std::int64_t limit = 100000;
  std::int64_t low = 0;
  std::int64_t high = limit;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (value.compare_magnitude(oracle::exact::integer(middle)) >= 0 ? low : high) = middle;
  }
  const oracle::exact below = oracle::exact::integer(low);
  if (value.compare_magnitude(below) != 0 && value.compare_magnitude(oracle::exact::integer(limit)) < 0 &&
      oracle::goes_away(value, value.negative(), below, low % 2 == 1, oracle::exact::integer(low + 1), by))
    ++low;
  return value.negative() ? -low : low;
}

/// The code that a value must get under finite parts, of which the unit is not 0. Inf and NaN pass.
template <oracle::comparable_value Value>
oracle::code encoded_quotient(const element_facts& element, const oracle::basic_number<Value>& quotient,
                              std::int64_t zero, const oracle::rules& by) {
  const oracle::table& to = *element.table;
  if (element.has_zero_point) {
    const std::int64_t highest = element.integer(to.largest());
    const std::int64_t lowest = to.is_signed ? element.integer(to.lowest()) : 0;
    if (quotient.is_nan())
      return to.largest();
    const std::int64_t steps =
        quotient.is_infinity() ? (quotient.negative ? -100000 : 100000) : rounded_to_integer(quotient.value, by);
    const std::int64_t moved = std::min(highest, std::max(lowest, steps + zero));
    return static_cast<oracle::code>(moved) & static_cast<oracle::code>((1u << to.bits) - 1);
  }
  if (to.bits == 1)  // code 0 is +1, code 1 is -1
    return !quotient.is_nan() && quotient.negative && (quotient.is_infinity() || !quotient.value.is_zero()) ? 1 : 0;
  return expected_code(to, quotient, by, overflow_rule::saturate_finite);
}
inline oracle::code encoded(const element_facts& element, const oracle::number& x, const block_parts& parts,
                            const oracle::rules& by = {}) {
  using quotient = oracle::basic_number<oracle::quotient>;
  if (x.is_nan())
    return encoded_quotient(element, quotient::nan(), parts.zero, by);  // a quotient's NaN has no sign
  if (x.is_infinity())
    return encoded_quotient(element, quotient::infinity(x.negative != parts.unit.negative), parts.zero, by);
  const oracle::exact numerator = element.has_minimum ? x.value - parts.offset.value : x.value;
  if (by.mode == oracle::rounding::stochastic) {  // by units that are powers of two
    const oracle::exact scaled = numerator.scaled(-parts.unit.value.exponent());
    return encoded_quotient(element, oracle::number::finite(parts.unit.negative ? -scaled : scaled), parts.zero, by);
  }
  return encoded_quotient(element, quotient::finite({numerator, parts.unit.value}), parts.zero, by);
}

}  // namespace fewbits_test
