// The operators as IEEE 754-2019 defines them (sections 5.3.1, 5.4.1, 6.1 to 6.3, 9.6), on codes, with the oracle's
// exact numbers: the exact result is rounded once to nearest even and does not saturate.
#pragma once

#include <compare>
#include <optional>

#include "all_types.hpp"

namespace fewbits_test {

template <oracle::comparable_value Value>
oracle::code rounded(const oracle::table& in, const oracle::basic_number<Value>& x) {
  return oracle::convert(in, x, {.on_overflow = oracle::overflow::no_saturate});
}

inline oracle::number exact_sum(const oracle::number& a, const oracle::number& b) {
  if (a.is_nan() || b.is_nan() || (a.is_infinity() && b.is_infinity() && a.negative != b.negative)) {
    return oracle::number::nan();
  }
  if (a.is_infinity() || b.is_infinity()) {
    return a.is_infinity() ? a : b;
  }
  return oracle::number::finite(a.value + b.value);
}

inline oracle::number exact_negation(const oracle::number& a) {
  if (a.is_finite()) {
    return oracle::number::finite(-a.value);
  }
  return {a.what, !a.negative, {}};
}

inline oracle::number exact_product(const oracle::number& a, const oracle::number& b) {
  const auto is_zero = [](const oracle::number& x) { return x.is_finite() && x.value.is_zero(); };
  if (a.is_nan() || b.is_nan() || (a.is_infinity() && is_zero(b)) || (b.is_infinity() && is_zero(a))) {
    return oracle::number::nan();
  }
  if (a.is_infinity() || b.is_infinity()) {
    return oracle::number::infinity(a.negative != b.negative);
  }
  return oracle::number::finite(a.value * b.value);
}

inline oracle::code sum(const oracle::table& in, oracle::code a, oracle::code b) {
  return rounded(in, exact_sum(in.at(a), in.at(b)));
}
inline oracle::code difference(const oracle::table& in, oracle::code a, oracle::code b) {
  return rounded(in, exact_sum(in.at(a), exact_negation(in.at(b))));
}
inline oracle::code product(const oracle::table& in, oracle::code a, oracle::code b) {
  return rounded(in, exact_product(in.at(a), in.at(b)));
}
inline oracle::code fused(const oracle::table& in, oracle::code a, oracle::code b, oracle::code c) {
  return rounded(in, exact_sum(exact_product(in.at(a), in.at(b)), in.at(c)));
}

inline oracle::code quotient(const oracle::table& in, oracle::code a_code, oracle::code b_code) {
  const oracle::number& a = in.at(a_code);
  const oracle::number& b = in.at(b_code);
  const bool negative = a.negative != b.negative;
  const bool a_zero = a.is_finite() && a.value.is_zero();
  const bool b_zero = b.is_finite() && b.value.is_zero();
  if (a.is_nan() || b.is_nan() || (a_zero && b_zero) || (a.is_infinity() && b.is_infinity())) {
    return rounded(in, oracle::number::nan());
  }
  if (a.is_infinity() || b_zero) {
    return rounded(in, oracle::number::infinity(negative));
  }
  if (b.is_infinity() || a_zero) {
    return rounded(in, oracle::number::finite(oracle::exact{negative, oracle::natural{}, 0}));
  }
  return rounded(in, oracle::basic_number<oracle::quotient>::finite({a.value, b.value}));
}

inline oracle::code root(const oracle::table& in, oracle::code a_code) {
  const oracle::number& a = in.at(a_code);
  if (a.is_nan() || (a.negative && !(a.is_finite() && a.value.is_zero()))) {
    return rounded(in, oracle::number::nan());
  }
  if (a.is_infinity()) {
    return rounded(in, a);
  }
  return rounded(in, oracle::basic_number<oracle::square_root>::finite({a.value}));
}

/// Numbers by value; nothing for NaN. -0 equals +0.
inline std::optional<std::strong_ordering> compared(const oracle::number& a, const oracle::number& b) {
  if (a.is_nan() || b.is_nan()) {
    return std::nullopt;
  }
  const auto side = [](const oracle::number& x) { return x.is_infinity() ? (x.negative ? -1 : 1) : 0; };
  if (side(a) != side(b)) {
    return side(a) <=> side(b);
  }
  return side(a) != 0 ? std::strong_ordering::equal : a.value <=> b.value;
}

/// IEEE totalOrder (5.10) on codes: -NaN first, by falling payload; then by value with -0 < +0; then +NaN by payload.
/// The sign of a NaN is the highest bit of its code in a signed format, a lone NaN in the place of -0 included.
inline std::strong_ordering total_order(const oracle::table& in, oracle::code a, oracle::code b) {
  const oracle::code sign_bit = in.is_signed ? oracle::code{1} << (in.bits - 1) : 0;
  const auto side = [&](oracle::code c) { return !in.at(c).is_nan() ? 0 : (c & sign_bit) != 0 ? -1 : 1; };
  if (side(a) != side(b)) {
    return side(a) <=> side(b);
  }
  if (side(a) != 0) {
    return side(a) > 0 ? a <=> b : b <=> a;
  }
  const std::strong_ordering by_value = *compared(in.at(a), in.at(b));
  return by_value != 0 ? by_value : in.at(b).negative <=> in.at(a).negative;
}

}  // namespace fewbits_test
