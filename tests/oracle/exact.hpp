// Exact dyadic rationals: sign * magnitude * 2^exponent. Every finite float, double, long double, integer and
// few-bit number is one, and so are their sums and products. Quotients and square roots are not: they are kept as
// what they are, and compared with a dyadic rational by multiplying out.
#pragma once

#include <bit>
#include <cmath>
#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "natural.hpp"

namespace oracle {

/// A dyadic rational. The magnitude is odd, or zero with exponent 0, so equal values have equal members.
/// Zero keeps a sign, which comparisons ignore.
class exact {
 public:
  exact() = default;
  exact(bool negative, natural magnitude, int exponent)
      : magnitude_(magnitude), exponent_(exponent), negative_(negative) {
    const int zeros = magnitude_.trailing_zeros();
    magnitude_ = magnitude_ >> zeros;
    exponent_ = magnitude_.is_zero() ? 0 : exponent_ + zeros;
  }
  static exact power_of_two(int exponent) { return exact{false, natural{1}, exponent}; }
  static exact integer(std::int64_t value) {
    const std::uint64_t bits = static_cast<std::uint64_t>(value);
    return exact{value < 0, natural{value < 0 ? 0 - bits : bits}, 0};
  }

  bool negative() const { return negative_; }
  bool is_zero() const { return magnitude_.is_zero(); }
  const natural& magnitude() const { return magnitude_; }
  int exponent() const { return exponent_; }
  exact absolute() const { return exact{false, magnitude_, exponent_}; }
  exact operator-() const { return exact{!negative_, magnitude_, exponent_}; }
  exact scaled(int power) const { return exact{negative_, magnitude_, exponent_ + power}; }

  /// |*this| <=> |other|.
  std::strong_ordering compare_magnitude(const exact& other) const {
    if (is_zero() || other.is_zero()) {
      return !is_zero() <=> !other.is_zero();
    }
    const int top = magnitude_.bit_length() + exponent_;
    const int other_top = other.magnitude_.bit_length() + other.exponent_;
    if (top != other_top) {
      return top <=> other_top;
    }
    const int low = std::min(exponent_, other.exponent_);
    return (magnitude_ << (exponent_ - low)) <=> (other.magnitude_ << (other.exponent_ - low));
  }

  friend std::strong_ordering operator<=>(const exact& a, const exact& b) {
    const bool a_below = a.negative_ && !a.is_zero();
    const bool b_below = b.negative_ && !b.is_zero();
    if (a_below != b_below) {
      return b_below <=> a_below;
    }
    return a_below ? b.compare_magnitude(a) : a.compare_magnitude(b);
  }
  friend bool operator==(const exact& a, const exact& b) { return (a <=> b) == 0; }

  /// The exact sum. A zero sum of opposite signs is +0; of equal signs, that sign (IEEE 754, 6.3, to nearest).
  friend exact operator+(const exact& a, const exact& b) {
    if (a.is_zero() && b.is_zero()) {
      return exact{a.negative_ && b.negative_, natural{}, 0};
    }
    if (a.is_zero() || b.is_zero()) {
      return a.is_zero() ? b : a;
    }
    const int low = std::min(a.exponent_, b.exponent_);
    const natural left = a.magnitude_ << (a.exponent_ - low);
    const natural right = b.magnitude_ << (b.exponent_ - low);
    if (a.negative_ == b.negative_) {
      return exact{a.negative_, left + right, low};
    }
    if (left == right) {
      return exact{};
    }
    return left > right ? exact{a.negative_, left - right, low} : exact{b.negative_, right - left, low};
  }
  friend exact operator-(const exact& a, const exact& b) { return a + (-b); }
  friend exact operator*(const exact& a, const exact& b) {
    return exact{a.negative_ != b.negative_, a.magnitude_ * b.magnitude_, a.exponent_ + b.exponent_};
  }

  /// The value as a double, for messages and for formats a double holds exactly.
  double to_double() const {
    const int length = magnitude_.bit_length();
    const int excess = length > 64 ? length - 64 : 0;
    const double value = std::ldexp(static_cast<double>((magnitude_ >> excess).to_uint64()), exponent_ + excess);
    return negative_ ? -value : value;
  }

 private:
  natural magnitude_;
  int exponent_ = 0;
  bool negative_ = false;
};

/// numerator / denominator, both nonzero: compared with a dyadic rational m as numerator with m * denominator.
struct quotient {
  exact numerator;
  exact denominator;
  bool negative() const { return numerator.negative() != denominator.negative(); }
  bool is_zero() const { return numerator.is_zero(); }
  std::strong_ordering compare_magnitude(const exact& m) const { return numerator.compare_magnitude(m * denominator); }
};

/// The square root of a non-negative radicand: compared with m as the radicand with m^2.
struct square_root {
  exact radicand;
  bool negative() const { return radicand.negative(); }  // sqrt(-0) is -0
  bool is_zero() const { return radicand.is_zero(); }
  std::strong_ordering compare_magnitude(const exact& m) const { return radicand.compare_magnitude(m * m); }
};

/// What an oracle can round: a real number with a sign that can be compared with any dyadic rational.
template <typename T>
concept comparable_value = requires(const T& value, const exact& m) {
  { value.negative() } -> std::same_as<bool>;
  { value.is_zero() } -> std::same_as<bool>;
  { value.compare_magnitude(m) } -> std::same_as<std::strong_ordering>;
};

/// A number as a conversion meets it: NaN or infinity with a sign, or a finite value.
template <comparable_value Value = exact>
struct basic_number {
  enum class kind : std::uint8_t { finite, infinity, nan };
  kind what = kind::finite;
  bool negative = false;
  Value value{};

  bool is_nan() const { return what == kind::nan; }
  bool is_infinity() const { return what == kind::infinity; }
  bool is_finite() const { return what == kind::finite; }

  static basic_number finite(const Value& value) { return {kind::finite, value.negative(), value}; }
  static basic_number infinity(bool negative) { return {kind::infinity, negative, {}}; }
  static basic_number nan(bool negative = false) { return {kind::nan, negative, {}}; }
};
using number = basic_number<exact>;

/// The number held in the IEEE fields of a binary interchange format with `exponent_bits` and `fraction_bits`.
inline number from_ieee_bits(std::uint64_t bits, int exponent_bits, int fraction_bits) {
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << fraction_bits) - 1);
  const int field = static_cast<int>((bits >> fraction_bits) & ((std::uint64_t{1} << exponent_bits) - 1));
  const bool negative = ((bits >> (exponent_bits + fraction_bits)) & 1U) != 0;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  if (field == (1 << exponent_bits) - 1) {
    return fraction == 0 ? number::infinity(negative) : number::nan(negative);
  }
  const std::uint64_t hidden = field == 0 ? 0 : std::uint64_t{1} << fraction_bits;
  return number::finite(exact{negative, natural{fraction | hidden}, std::max(field, 1) - bias - fraction_bits});
}

/// float and double by their bits, so that compiler flags about NaN, infinity and subnormals don't matter.
inline number from(float value) { return from_ieee_bits(std::bit_cast<std::uint32_t>(value), 8, 23); }
inline number from(double value) { return from_ieee_bits(std::bit_cast<std::uint64_t>(value), 11, 52); }

/// long double, whatever it is on this machine, in 32-bit digits. Needs a build without -ffast-math.
inline number from(long double value) {
  const bool negative = std::signbit(value);
  if (std::isnan(value)) {
    return number::nan(negative);
  }
  if (std::isinf(value)) {
    return number::infinity(negative);
  }
  int exponent = 0;
  long double rest = std::frexp(std::fabs(value), &exponent);
  natural magnitude;
  while (rest != 0) {
    rest = std::ldexp(rest, 32);
    const auto digit = static_cast<std::uint32_t>(rest);
    magnitude = (magnitude << 32) + natural{digit};
    rest -= static_cast<long double>(digit);
    exponent -= 32;
  }
  return number::finite(exact{negative, magnitude, exponent});
}

template <std::integral Integer>
number from(Integer value) {
  if constexpr (std::is_signed_v<Integer>) {
    return number::finite(exact::integer(value));
  } else {
    return number::finite(exact{false, natural{value}, 0});
  }
}

}  // namespace oracle
