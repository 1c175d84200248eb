// Which of two encodings of a block is nearer to its values? Decided exactly: in floating point where the errors differ
// by more than its rounding can have done, in exact sums otherwise, so every machine and compiler flag agrees.
#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/number/native.hpp>

FEWBITS_NAMESPACE_BEGIN

/// sum of w (x - v)^2, sum of w |x - v|, or the largest w |x - v|.
enum class error_norm : std::uint8_t { squared, absolute, largest };

/// What a block decodes to: element i is elements[codes[i]] x unit.
struct decoded_codes {
  std::span<const std::uint8_t> codes;
  std::span<const unpacked_number> elements;  ///< indexed by code
  unpacked_number unit;

  [[nodiscard]] constexpr unpacked_number operator()(std::size_t i) const noexcept {
    return exact_product(elements[codes[i]], unit);
  }
};

namespace detail {

/// x x 2^shift cut to 53 digits. Below 2^-1000 it is 0, from 2^400 on it is 2^400: nothing here meets a subnormal or
/// Inf.
constexpr double scaled_double(const unpacked_number& x, int shift) noexcept {
  const int exponent = x.exponent + shift;
  if (x.kind != number_class::finite || exponent < -1000)
    return 0.0;
  const std::uint64_t sign = static_cast<std::uint64_t>(x.negative ? 1 : 0) << 63;
  if (exponent >= 400)
    return std::bit_cast<double>(sign | std::uint64_t{1423} << 52);
  return std::bit_cast<double>(sign | static_cast<std::uint64_t>(exponent + 1023) << 52 | x.significand << 1 >> 12);
}

/// Does scaled_double keep every digit?
constexpr bool fits_double(const unpacked_number& x) noexcept { return (x.significand & 0x7ff) == 0; }

constexpr double magnitude(double number) noexcept { return number < 0 ? -number : number; }

inline constexpr unpacked_number unpacked_one{1ull << 63, 0, number_class::finite, false};

/// The exponent of the largest of a few numbers, 0 if all are 0.
struct largest_exponent {
  int value = 0;
  bool any = false;
  constexpr void meet(const unpacked_number& x) noexcept {
    if (x.kind == number_class::finite && (!any || x.exponent > value)) {
      value = x.exponent;
      any = true;
    }
  }
};

/// Adds sign x w x |x - v|, exactly.
constexpr void add_distance(exact_sum& sum, bool negated, const unpacked_number& x, const unpacked_number& v,
                            const unpacked_number& w) noexcept {
  if ((compare_values(x, v) < 0) != negated) {
    sum.add(w, v);
    sum.subtract(w, x);
  } else {
    sum.add(w, x);
    sum.subtract(w, v);
  }
}

}  // namespace detail

/// The error of the first encoding compared with that of the second: `less` where the first is nearer to the values.
/// `first(i)` and `second(i)` give the decoded value of element i as an exact unpacked_number of any 64 digits: a
/// decoded_codes, or a lambda. `weights` is empty (all are 1) or has one finite float, 0 or above, for each value.
/// Equal means equal to the last digit; what a tie means is the caller's to say.
///
/// Preconditions: values, weights and decoded values are finite, and decoded values are below 2^1024 and multiples
/// of 2^-1100. +0 and -0 are the same.
template <error_norm Norm = error_norm::squared, block_source T, class First, class Second>
constexpr std::strong_ordering compare_block_errors(std::span<const T> values, const First& first, const Second& second,
                                                    std::span<const float> weights = {}) noexcept {
  const auto value_at = [&](std::size_t i) noexcept { return unpack_code<source_format<T>()>(source_code(values[i])); };
  const auto weight_at = [&](std::size_t i) noexcept {
    return weights.empty() ? detail::unpacked_one : unpack(weights[i]);
  };

  // Floating point first. All numbers are divided by powers of two that bring the largest into [1, 2). Decoded values
  // that fit 53 digits are exact, so each difference is rounded once, and the rest is products and sums of numbers that
  // are not negative: whatever the order, and contracted or not, the relative error is at most (n + 3) units of 2^-53,
  // doubled for machines that round twice. What falls below 2^-1000, or is flushed to 0, is at most n x 2^-990.
  detail::largest_exponent top;
  detail::largest_exponent top_weight;
  bool exact_doubles = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const unpacked_number v1 = first(i);
    const unpacked_number v2 = second(i);
    top.meet(value_at(i));
    top.meet(v1);
    top.meet(v2);
    top_weight.meet(weight_at(i));
    exact_doubles = exact_doubles && detail::fits_double(v1) && detail::fits_double(v2);
  }
  if (exact_doubles) {
    double error1 = 0;
    double error2 = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double x = detail::scaled_double(value_at(i), -top.value);
      const double w = detail::scaled_double(weight_at(i), -top_weight.value);
      const double distance1 = detail::magnitude(x - detail::scaled_double(first(i), -top.value));
      const double distance2 = detail::magnitude(x - detail::scaled_double(second(i), -top.value));
      if constexpr (Norm == error_norm::squared) {
        error1 += w * (distance1 * distance1);
        error2 += w * (distance2 * distance2);
      } else if constexpr (Norm == error_norm::absolute) {
        error1 += w * distance1;
        error2 += w * distance2;
      } else {
        error1 = (std::max)(error1, w * distance1);
        error2 = (std::max)(error2, w * distance2);
      }
    }
    const double n = static_cast<double>(values.size());
    const double tolerance = (error1 + error2) * (n + 8) * 0x1p-51 + (n + 8) * 0x1p-980;
    if (error1 - error2 > tolerance)
      return std::strong_ordering::greater;
    if (error2 - error1 > tolerance)
      return std::strong_ordering::less;
  }

  if constexpr (Norm == error_norm::largest) {
    // The element where each encoding is worst, then the worst against the worst.
    const auto worst = [&](const auto& decoded_value) noexcept {
      std::size_t found = 0;
      for (std::size_t i = 1; i < values.size(); ++i) {
        exact_sum difference;
        detail::add_distance(difference, false, value_at(i), decoded_value(i), weight_at(i));
        detail::add_distance(difference, true, value_at(found), decoded_value(found), weight_at(found));
        if (difference.sign() > 0)
          found = i;
      }
      return found;
    };
    exact_sum difference;
    if (!values.empty()) {
      const std::size_t i = worst(first);
      const std::size_t j = worst(second);
      detail::add_distance(difference, false, value_at(i), first(i), weight_at(i));
      detail::add_distance(difference, true, value_at(j), second(j), weight_at(j));
    }
    return difference.sign();
  } else {
    exact_sum difference;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const unpacked_number v1 = first(i);
      const unpacked_number v2 = second(i);
      if (compare_values(v1, v2) == 0)
        continue;
      const unpacked_number w = weight_at(i);
      if constexpr (Norm == error_norm::squared) {
        // (x - v1)^2 - (x - v2)^2 = v1^2 - v2^2 - 2 x v1 + 2 x v2
        unpacked_number twice_x = value_at(i);
        twice_x.exponent += 1;
        difference.add(w, v1, v1);
        difference.subtract(w, v2, v2);
        difference.subtract(w, twice_x, v1);
        difference.add(w, twice_x, v2);
      } else {
        detail::add_distance(difference, false, value_at(i), v1, w);
        detail::add_distance(difference, true, value_at(i), v2, w);
      }
    }
    return difference.sign();
  }
}

FEWBITS_NAMESPACE_END
