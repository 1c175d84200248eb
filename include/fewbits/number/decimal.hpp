// Exact decimal numbers of fixed size: what literals and text are made of. No rounding happens here but the one
// that pack_code does afterwards.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook_format.hpp>
#include <fewbits/number/codec.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/fixed_format.hpp>

FEWBITS_NAMESPACE_BEGIN

/// How many decimal digits before and after the point hold every number of a format, every midpoint between two,
/// and a little more.
struct decimal_range {
  int integer_digits = 0;
  int fraction_digits = 0;

  /// A binary digit before the point needs at most 0.302 decimal ones; behind it, exactly one.
  static constexpr decimal_range of(const float_format& format) noexcept {
    const int top = format.max_exponent() > 0 ? format.max_exponent() : 0;
    const int bottom = format.mantissa_bits - format.min_exponent();
    return {top * 302 / 1000 + 3, (bottom > 0 ? bottom : 0) + 3};
  }
  static constexpr decimal_range of(const fixed_format& format) noexcept {
    return {format.total_bits * 302 / 1000 + 3, format.fraction_bits + 3};
  }
  static constexpr decimal_range of(const codebook_format& format) noexcept {
    return {32 * 302 / 1000 + 3, format.fraction_bits + 3};
  }
};

/// A non-negative decimal fixed-point number, nine digits a limb, least significant first.
template <decimal_range Range>
class decimal {
  static constexpr std::uint32_t base = 1'000'000'000;
  static constexpr int fraction_limbs = (Range.fraction_digits + 8) / 9;
  static constexpr int integer_limbs = (Range.integer_digits > 27 ? Range.integer_digits + 8 : 35) / 9;
  static constexpr int limbs = fraction_limbs + integer_limbs;
  static constexpr int widest_shift = 29;  // a limb times 2^29 and a carry fit 64 bits

 public:
  /// Positions of digits as powers of ten.
  static constexpr int highest = 9 * integer_limbs - 1;
  static constexpr int lowest = -9 * fraction_limbs;

  constexpr decimal() = default;

  /// The value of an unpacked finite number within the range; exact.
  constexpr explicit decimal(const unpacked_number& exact_value) noexcept {
    int exponent = exact_value.exponent - 63;
    std::uint64_t integer = exact_value.significand;
    while ((integer & 1) == 0 && integer != 0) {
      integer >>= 1;
      ++exponent;
    }
    for (int i = fraction_limbs; integer != 0; ++i, integer /= base)
      limb_[i] = static_cast<std::uint32_t>(integer % base);
    scale(exponent);
  }

  /// The digit at 10^position, 0 outside the stored range.
  [[nodiscard]] constexpr unsigned digit(int position) const noexcept {
    if (position > highest || position < lowest)
      return 0;
    return limb_[(position - lowest) / 9] / weight((position - lowest) % 9) % 10;
  }
  /// Adds a digit where there is none. Below the range a nonzero digit leaves its trace in `sticky`.
  constexpr void set_digit(int position, unsigned value) noexcept {
    if (position < lowest)
      sticky_ = sticky_ || value != 0;
    else
      limb_[(position - lowest) / 9] += value * weight((position - lowest) % 9);
  }
  /// Position of the first nonzero digit; below `lowest` if there is none.
  [[nodiscard]] constexpr int leading() const noexcept {
    int position = lowest + 9 * top_limb() + 8;
    while (position >= lowest && digit(position) == 0)
      --position;
    return position;
  }

  /// As a binary number of at least 30 bits and a sticky bit, which decides every rounding to 16 bits and fewer.
  [[nodiscard]] constexpr unpacked_number unpacked(bool negative) const noexcept {
    decimal scaled = *this;
    int exponent = 0;
    if (leading() < lowest)
      return sticky_ ? unpacked_number{1ull << 63, -1'000'000, number_class::finite, negative}
                     : unpacked_number{.kind = number_class::zero, .negative = negative};
    for (int top = scaled.top_limb(); top >= fraction_limbs + 2; top = scaled.top_limb()) {
      const int shift = top > fraction_limbs + 3 ? widest_shift : 1;
      scaled.divide(shift);
      exponent += shift;
    }
    for (; scaled.top_limb() < fraction_limbs + 1; exponent -= widest_shift)
      scaled.multiply(widest_shift);
    bool rest = scaled.sticky_;
    for (int i = 0; i < fraction_limbs; ++i)
      rest = rest || scaled.limb_[i] != 0;
    const std::uint64_t integer = std::uint64_t{scaled.limb_[fraction_limbs + 1]} * base + scaled.limb_[fraction_limbs];
    return make_unpacked(negative, integer << 1 | (rest ? 1 : 0), exponent - 1);
  }

 private:
  static constexpr std::uint32_t weight(int digits) noexcept {
    std::uint32_t power = 1;
    for (; digits != 0; --digits)
      power *= 10;
    return power;
  }
  [[nodiscard]] constexpr int top_limb() const noexcept {
    int top = limbs - 1;
    while (top > 0 && limb_[top] == 0)
      --top;
    return top;
  }
  constexpr void scale(int exponent) noexcept {
    while (exponent != 0) {
      const int magnitude = exponent < 0 ? -exponent : exponent;
      const int step = magnitude < widest_shift ? magnitude : widest_shift;
      if (exponent > 0)
        multiply(step);
      else
        divide(step);
      exponent += exponent > 0 ? -step : step;
    }
  }
  constexpr void multiply(int shift) noexcept {
    const int top = top_limb();
    std::uint64_t carry = 0;
    for (int i = 0; i <= top; ++i) {
      if (limb_[i] == 0 && carry == 0)
        continue;
      carry += std::uint64_t{limb_[i]} << shift;
      limb_[i] = static_cast<std::uint32_t>(carry % base);
      carry /= base;
    }
    if (carry != 0)
      limb_[top + 1] = static_cast<std::uint32_t>(carry);
  }
  constexpr void divide(int shift) noexcept {
    std::uint64_t rest = 0;
    for (int i = limbs - 1; i >= 0; --i) {
      rest = rest * base + limb_[i];
      limb_[i] = static_cast<std::uint32_t>(rest >> shift);
      rest &= (1ull << shift) - 1;
    }
    sticky_ = sticky_ || rest != 0;
  }

  std::uint32_t limb_[static_cast<unsigned>(limbs)] = {};
  bool sticky_ = false;
};

/// What a piece of text says.
struct parsed_number {
  unpacked_number value{};
  const char* end = nullptr;  ///< behind the last character that belongs to the number; null if there is no number
};

namespace detail {

constexpr int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 99;
}

/// An exponent behind its letter, or nothing (and `at` unmoved). Saturates far outside every format.
constexpr int parse_exponent(const char*& at, const char* last) noexcept {
  const char* p = at;
  const bool negative = p != last && *p == '-';
  if (p != last && (*p == '-' || *p == '+'))
    ++p;
  if (p == last || digit_value(*p) > 9)
    return 0;
  int exponent = 0;
  for (; p != last && digit_value(*p) <= 9; ++p)
    exponent = exponent < 100'000'000 ? exponent * 10 + digit_value(*p) : exponent;
  at = p;
  return negative ? -exponent : exponent;
}

/// The letter and an exponent behind it, if both are there.
constexpr int parse_exponent_part(const char*& at, const char* last, char letter) noexcept {
  if (at == last || (*at | 0x20) != letter)
    return 0;
  const char* p = at + 1;
  const int exponent = parse_exponent(p, last);
  if (p != at + 1)
    at = p;
  return exponent;
}

}  // namespace detail

/// Reads unsigned decimal text: digits, a point, an exponent. `separator`, if not 0, may stand between digits.
template <decimal_range Range>
constexpr parsed_number parse_decimal(const char* first, const char* last, bool negative, char separator = 0) noexcept {
  // Two walks: the place of the point and the exponent give each digit its position.
  const char* p = first;
  bool seen_point = false;
  bool seen_digit = false;
  long long digits_before_point = 0;
  long long leading_zeros = 0;  // digits before the first nonzero one
  bool nonzero = false;
  for (; p != last; ++p) {
    if (*p == '.' && !seen_point) {
      seen_point = true;
    } else if (detail::digit_value(*p) <= 9) {
      seen_digit = true;
      digits_before_point += seen_point ? 0 : 1;
      nonzero = nonzero || *p != '0';
      leading_zeros += nonzero ? 0 : 1;
    } else if (separator == 0 || *p != separator) {
      break;
    }
  }
  if (!seen_digit)
    return {};
  const char* const digits_end = p;
  const long long exponent = detail::parse_exponent_part(p, last, 'e');
  if (!nonzero)
    return {{.kind = number_class::zero, .negative = negative}, p};
  const long long first_position = digits_before_point - 1 + exponent;
  const long long leading = first_position - leading_zeros;
  if (leading > decimal<Range>::highest)
    return {{1ull << 63, 1'000'000, number_class::finite, negative}, p};
  decimal<Range> number;
  long long position = first_position;
  for (const char* q = first; q != digits_end; ++q) {
    const int value = detail::digit_value(*q);
    if (value > 9)
      continue;
    if (value != 0)
      number.set_digit(position < decimal<Range>::lowest ? decimal<Range>::lowest - 1 : static_cast<int>(position),
                       static_cast<unsigned>(value));
    --position;
  }
  return {number.unpacked(negative), p};
}

/// Reads unsigned hexadecimal text without a prefix: digits, a point, a binary exponent after `p`. With
/// `bits_per_digit` 1 it reads binary text.
constexpr parsed_number parse_binary(const char* first, const char* last, bool negative, char separator = 0,
                                     int bits_per_digit = 4) noexcept {
  const char* p = first;
  bool seen_point = false;
  bool seen_digit = false;
  std::uint64_t significand = 0;
  long long exponent = 0;
  for (; p != last; ++p) {
    if (*p == '.' && !seen_point) {
      seen_point = true;
    } else if (detail::digit_value(*p) < 1 << bits_per_digit) {
      seen_digit = true;
      const auto value = static_cast<std::uint64_t>(detail::digit_value(*p));
      const bool fits = significand >> (64 - bits_per_digit) == 0;
      significand = fits ? significand << bits_per_digit | value : significand | (value != 0 ? 1 : 0);
      exponent += (fits ? 0 : bits_per_digit) - (seen_point ? bits_per_digit : 0);
    } else if (separator == 0 || *p != separator) {
      break;
    }
  }
  if (!seen_digit)
    return {};
  exponent += detail::parse_exponent_part(p, last, 'p');
  const int bounded = static_cast<int>(exponent > 1'000'000    ? 1'000'000
                                       : exponent < -1'000'000 ? -1'000'000
                                                               : exponent);
  return {make_unpacked(negative, significand, bounded), p};
}

namespace detail {

/// A value's magnitude rounded to nearest even without an upper limit, so that a decimal beyond the largest number is
/// not taken for it. A codebook's code depends on the sign; past its ends stands a code that it does not have.
template <few_bit_number T>
constexpr std::uint64_t unbounded_code(unpacked_number x) noexcept {
  if constexpr (is_codebook<T>) {
    const bool outside = x.kind == number_class::infinite || lies_past_ends<T::format>(x);
    return outside ? T::format.size() : pack_code<T::format>(x);
  }
  x.negative = false;
  if constexpr (is_minifloat<T>)
    return x.kind == number_class::zero ? 0 : round_to_unbounded_code<T::format>(x, nearest_even);
  else
    return pack_code<fixed_format{.total_bits = 62, .fraction_bits = T::format.fraction_bits, .is_signed = false}>(x);
}

}  // namespace detail

/// Does a value round to a number of T, -0 and what rounds to it counting as 0 where there is none? Inf and NaN are in
/// range where T has them.
template <few_bit_number T>
constexpr bool is_in_range(const unpacked_number& x) noexcept {
  constexpr auto f = T::format;
  if constexpr (is_minifloat<T>) {
    switch (x.kind) {
      case number_class::nan: return f.has_nan();
      case number_class::infinite: return f.has_inf() && (f.is_signed || !x.negative);
      case number_class::zero: return f.has_zero();
      case number_class::finite: break;
    }
    const std::uint64_t code = detail::unbounded_code<T>(x);
    return code <= f.max_code() && (f.is_signed || !x.negative || (f.has_zero() && code == 0));
  } else if constexpr (is_codebook<T>) {
    return x.kind != number_class::nan && x.kind != number_class::infinite && detail::unbounded_code<T>(x) < f.size();
  } else {
    // A code that is read but never written, as mxint8's 80, is a number all the same.
    return x.kind != number_class::nan && x.kind != number_class::infinite &&
           detail::unbounded_code<T>(x) <= (x.negative ? f.all_codes().negative_limit() : f.max_code());
  }
}

FEWBITS_NAMESPACE_END
