// The oracle conversion: a number goes to the code the standards give it, found by comparing with the neighbouring
// values and their exact midpoint. Sources: IEEE 754-2019 4.3 and 7.4, OCP MX v1.0 section 5.3, IEEE P3109 draft
// (to_odd; stochastic is its StochasticC). Rules the standards leave open are parameters or are stated below.
#pragma once

#include <cstdint>
#include <string>

#include "formats.hpp"

namespace oracle {

enum class rounding : std::uint8_t {
  nearest_even,  // ties to the even code
  nearest_away,
  toward_zero,
  upward,
  downward,
  to_odd,             // an inexact value goes to the neighbour whose code is odd
  nearest_geometric,  // the boundary is sqrt(low * high); between powers of two it is sqrt(2) in the binade
  stochastic,
};
enum class overflow : std::uint8_t { saturate, no_saturate };
enum class nan_into : std::uint8_t { largest, zero };  // NaN into a format without NaN; the sign is dropped
enum class sign_into : std::uint8_t { keep, drop };    // drop: the conversion takes |x|

struct rules {
  rounding mode = rounding::nearest_even;
  overflow on_overflow = overflow::saturate;
  nan_into on_nan = nan_into::largest;
  sign_into on_sign = sign_into::keep;
  std::uint32_t random_bits = 0;  // below 2^random_count
  int random_count = 0;           // 1 to 32
};

/// Where a magnitude lies among a ladder's steps: at `low`, or strictly between `low` and `high`.
/// `low` is null below the first step of a format without zero, `high` is null past the last step.
struct place {
  const step* low = nullptr;
  const step* high = nullptr;
  bool is_exact = false;
};

template <comparable_value Value>
place locate(const ladder& on, const Value& value) {
  std::size_t below = 0;  // steps[0, below) are at most |value|
  for (std::size_t above = on.steps.size(); below < above;) {
    const std::size_t middle = below + (above - below) / 2;
    if (value.compare_magnitude(on.steps[middle].magnitude) < 0) {
      above = middle;
    } else {
      below = middle + 1;
    }
  }
  place found;
  found.low = below == 0 ? nullptr : &on.steps[below - 1];
  found.high = below == on.steps.size() ? nullptr : &on.steps[below];
  found.is_exact = found.low != nullptr && value.compare_magnitude(found.low->magnitude) == 0;
  return found;
}

/// round-half-even(fraction * 2^count), where fraction = (value - low) / gap. The gap is a power of two times an
/// integer only for steps of unequal formats, so the division is by repeated comparison: the result has at most 33
/// bits.
inline std::uint64_t rounded_fraction(const exact& value, const exact& low, const exact& high, int count) {
  const exact gap = high - low;
  exact rest = (value - low).scaled(count);
  std::uint64_t whole = 0;
  for (int bit = count; bit >= 0; --bit) {
    const exact part = gap.scaled(bit);
    if (rest >= part) {
      rest = rest - part;
      whole += std::uint64_t{1} << bit;
    }
  }
  const auto half = rest.scaled(1) <=> gap;
  return whole + ((half > 0 || (half == 0 && whole % 2 == 1)) ? 1 : 0);
}

/// Does |value|, strictly between two neighbours, go to the one farther from zero?
template <comparable_value Value>
bool goes_away(const Value& value, bool negative, const exact& low, bool low_is_odd, const exact& high,
               const rules& by) {
  switch (by.mode) {
    case rounding::toward_zero: return false;
    case rounding::upward: return !negative;
    case rounding::downward: return negative;
    case rounding::to_odd: return !low_is_odd;
    case rounding::nearest_even:
    case rounding::nearest_away: {
      const auto side = value.compare_magnitude((low + high).scaled(-1));
      return side > 0 || (side == 0 && (by.mode == rounding::nearest_away || low_is_odd));
    }
    case rounding::nearest_geometric:
      if constexpr (std::is_same_v<Value, exact>) {
        return (value * value).compare_magnitude(low * high) >= 0;
      }
      break;
    case rounding::stochastic:
      if constexpr (std::is_same_v<Value, exact>) {
        const std::uint64_t all = std::uint64_t{1} << by.random_count;
        return by.random_bits + rounded_fraction(value.absolute(), low, high, by.random_count) >= all;
      }
      break;
  }
  natural::require(false, "this rounding mode needs a dyadic rational");
  return false;
}

/// IEEE 754, 7.4: a mode that points back toward zero overflows to the largest finite value.
inline bool overflows_to_largest(rounding mode, bool negative) {
  return mode == rounding::toward_zero || (mode == rounding::downward && !negative) ||
         (mode == rounding::upward && negative);
}

inline code largest_of_sign(const table& to, bool negative) {
  return negative ? to.negative.steps.back().bits : to.positive.steps.back().bits;
}

/// Infinity where the format has one, else NaN with that sign, else the largest finite value.
inline code unsaturated(const table& to, bool negative) {
  if (const auto& infinity = negative ? to.negative_infinity : to.infinity) {
    return *infinity;
  }
  if (to.nan) {
    return negative && to.negative_nan ? *to.negative_nan : *to.nan;
  }
  return negative ? to.lowest() : to.largest();
}

/// The code `from` converts to.
/// NaN: the canonical quiet NaN, with the sign where NaN has one; by.on_nan in a format without NaN.
/// A format without negative values: -0 is zero; a negative value that rounds to zero is zero; any other, -Inf
/// included, is the smallest value when saturating, else NaN (the smallest value where there is no NaN); but a finite
/// one is the smallest value in the modes that point toward zero, as overflow at the other end would be.
/// A format without zero: a nonzero magnitude below the smallest value is the smallest value, in every mode; zero is
/// the smallest value when saturating, else NaN.
template <comparable_value Value>
code convert(const table& to, const basic_number<Value>& from, const rules& by = {}) {
  const bool negative = from.negative && by.on_sign == sign_into::keep;
  const bool saturating = by.on_overflow == overflow::saturate;
  if (from.is_nan()) {
    if (to.nan) {
      return negative && to.negative_nan ? *to.negative_nan : *to.nan;
    }
    return by.on_nan == nan_into::zero ? *to.zero : to.largest();
  }
  const code below_all = saturating || !to.nan ? to.lowest() : *to.nan;  // a negative value, into an unsigned format
  if (from.is_infinity()) {
    if (negative && !to.is_signed) {
      return below_all;
    }
    return saturating ? largest_of_sign(to, negative) : unsaturated(to, negative);
  }
  if (from.value.is_zero()) {
    if (!to.zero) {
      return saturating ? to.lowest() : *to.nan;
    }
    return negative && to.negative_zero ? *to.negative_zero : *to.zero;
  }
  const code below = overflows_to_largest(by.mode, true) ? to.lowest() : below_all;
  if (negative && !to.is_signed && !to.zero) {
    return below;
  }
  const ladder& on = negative ? to.negative : to.positive;
  const place at = locate(on, from.value);
  if (at.low == nullptr) {
    return on.steps.front().bits;
  }
  bool away = false;
  if (at.high != nullptr || from.value.compare_magnitude(on.beyond) < 0) {
    const exact& high = at.high != nullptr ? at.high->magnitude : on.beyond;
    away = !at.is_exact && goes_away(from.value, negative, at.low->magnitude, (at.low->bits & 1U) != 0, high, by);
  } else {
    away = true;
  }
  const step* rounded = away ? at.high : at.low;
  if (negative && !to.is_signed) {
    return rounded != nullptr && rounded->magnitude.is_zero() ? *to.zero : below;
  }
  if (rounded != nullptr) {
    return rounded->bits;
  }
  return saturating || overflows_to_largest(by.mode, negative) ? largest_of_sign(to, negative)
                                                               : unsaturated(to, negative);
}

inline const char* name_of(rounding mode) {
  constexpr const char* names[] = {"nearest_even", "nearest_away", "toward_zero",       "upward",
                                   "downward",     "to_odd",       "nearest_geometric", "stochastic"};
  return names[static_cast<std::size_t>(mode)];
}
inline const char* name_of(overflow policy) { return policy == overflow::saturate ? "saturate" : "no_saturate"; }

/// "e4m3 nearest_even saturate", for failure messages and certificates.
inline std::string describe(const table& to, const rules& by) {
  return to.name + " " + name_of(by.mode) + " " + name_of(by.on_overflow);
}

}  // namespace oracle
