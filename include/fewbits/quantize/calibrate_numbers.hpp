// Integers for calibrators: exact sums of any width, and logarithms and powers that are the same on every machine.
// Method of the logarithm: one bit per squaring; of the power: one factor 2^(2^-k) per set bit.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

/// high x 2^64 + low.
struct wide_product {
  std::uint64_t high;
  std::uint64_t low;
};

/// a x b, exact.
constexpr wide_product multiply_wide(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t a_low = a & 0xffffffffu;
  const std::uint64_t a_high = a >> 32;
  const std::uint64_t b_low = b & 0xffffffffu;
  const std::uint64_t b_high = b >> 32;
  const std::uint64_t low = a_low * b_low;
  const std::uint64_t cross = a_high * b_low + (low >> 32);
  const std::uint64_t middle = a_low * b_high + (cross & 0xffffffffu);
  return {a_high * b_high + (cross >> 32) + (middle >> 32), middle << 32 | (low & 0xffffffffu)};
}

/// a + b, and 2^64 - 1 where that does not fit. Counts added so are the same in any order.
constexpr std::uint64_t add_saturating(std::uint64_t a, std::uint64_t b) noexcept {
  return b > (std::numeric_limits<std::uint64_t>::max)() - a ? (std::numeric_limits<std::uint64_t>::max)() : a + b;
}

/// An integer of 64 x Words bits in two's complement: terms go in at any bit position, and the sum is exact.
/// It wraps past its width; whoever chooses Words shows that it does not come to that.
template <std::size_t Words>
class wide_sum {
  static_assert(Words >= 2, "one word is a native integer: a wide_sum has 2 words and more");

 public:
  /// Adds or subtracts term x 2^bit. Precondition: bit < 64 x Words.
  constexpr void add(const wide_product& term, std::size_t bit = 0) noexcept { accumulate<false>(term, bit); }
  constexpr void subtract(const wide_product& term, std::size_t bit = 0) noexcept { accumulate<true>(term, bit); }

  constexpr void subtract(const wide_sum& other) noexcept {
    for (std::size_t i = 0; i < Words; ++i)
      subtract({0, other.words_[i]}, 64 * i);
  }

  /// The words, lowest first.
  [[nodiscard]] constexpr const std::array<std::uint64_t, Words>& words() const noexcept { return words_; }

  friend constexpr bool operator==(const wide_sum&, const wide_sum&) noexcept = default;
  friend constexpr std::strong_ordering operator<=>(const wide_sum& a, const wide_sum& b) noexcept {
    constexpr std::uint64_t flip = 1ull << 63;  // orders two's complement as unsigned
    for (std::size_t i = Words; i-- != 0;) {
      const std::uint64_t mask = i == Words - 1 ? flip : 0;
      if (a.words_[i] != b.words_[i])
        return (a.words_[i] ^ mask) <=> (b.words_[i] ^ mask);
    }
    return std::strong_ordering::equal;
  }

 private:
  template <bool Subtracts>
  constexpr void accumulate(const wide_product& term, std::size_t bit) noexcept {
    const int shift = static_cast<int>(bit % 64);
    const std::array<std::uint64_t, 3> pieces{term.low << shift,
                                              shift == 0 ? term.high : term.high << shift | term.low >> (64 - shift),
                                              shift == 0 ? 0 : term.high >> (64 - shift)};
    std::uint64_t carry = 0;
    for (std::size_t i = bit / 64, piece = 0; i < Words && (piece < 3 || carry != 0); ++i, ++piece) {
      const std::uint64_t p = piece < 3 ? pieces[piece] : 0;
      const std::uint64_t before = words_[i];
      if constexpr (Subtracts) {
        words_[i] = before - p - carry;
        carry = before < p || (before == p && carry != 0) ? 1 : 0;
      } else {
        words_[i] = before + p + carry;
        carry = words_[i] < before || (words_[i] == before && carry != 0) ? 1 : 0;
      }
    }
  }

  std::array<std::uint64_t, Words> words_{};
};

/// Fractional bits of the logarithms below.
inline constexpr int log2_fraction_bits = 40;

/// log2(x) x 2^40, at most 2^-39 below the exact logarithm and never above it. Precondition: x != 0.
constexpr std::uint64_t log2_fixed(std::uint64_t x) noexcept {
  const int zeros = std::countl_zero(x);
  std::uint64_t result = static_cast<std::uint64_t>(63 - zeros);
  std::uint64_t mantissa = x << zeros;  // in units of 2^-63: from 1 to below 2
  for (int bit = 0; bit < log2_fraction_bits; ++bit) {
    const wide_product square = multiply_wide(mantissa, mantissa);
    const bool two_or_more = square.high >> 63 != 0;
    result = result << 1 | (two_or_more ? 1 : 0);
    mantissa = two_or_more ? square.high : square.high << 1 | square.low >> 63;
  }
  return result;
}

namespace detail {

// floor(sqrt(square))
constexpr std::uint64_t wide_root(const wide_product& square) noexcept {
  std::uint64_t root = 0;
  for (std::uint64_t bit = 1ull << 63; bit != 0; bit >>= 1) {
    const wide_product trial = multiply_wide(root | bit, root | bit);
    if (trial.high < square.high || (trial.high == square.high && trial.low <= square.low))
      root |= bit;
  }
  return root;
}

// Entry k is 2^(2^-(k + 1)) x 2^63.
constexpr std::array<std::uint64_t, log2_fraction_bits> find_roots_of_two() noexcept {
  std::array<std::uint64_t, log2_fraction_bits> roots{};
  wide_product square{1ull << 63, 0};  // 2 x 2^126
  for (std::uint64_t& each : roots) {
    each = wide_root(square);
    square = {each >> 1, each << 63};
  }
  return roots;
}
inline constexpr std::array<std::uint64_t, log2_fraction_bits> roots_of_two = find_roots_of_two();

}  // namespace detail

/// (magnitude x 2^exponent)^(tenths / 10), its relative error below 2^-36. Not correctly rounded, but integer
/// arithmetic alone: the same bits everywhere. Precondition: magnitude != 0, 1 <= tenths <= 40, |exponent| <= 4096.
constexpr unpacked_number power_fixed(std::uint64_t magnitude, int exponent, int tenths) noexcept {
  const std::int64_t logarithm = static_cast<std::int64_t>(log2_fixed(magnitude)) +
                                 static_cast<std::int64_t>(exponent) * (std::int64_t{1} << log2_fraction_bits);
  const std::int64_t scaled = logarithm * tenths / 10;
  const std::int64_t integer_part = scaled >> log2_fraction_bits;
  std::uint64_t significand = 1ull << 63;
  for (int k = 0; k < log2_fraction_bits; ++k)
    if ((scaled >> (log2_fraction_bits - 1 - k) & 1) != 0) {
      const wide_product step = multiply_wide(significand, detail::roots_of_two[static_cast<std::size_t>(k)]);
      significand = step.high << 1 | step.low >> 63;
    }
  return {significand, static_cast<int>(integer_part), number_class::finite, false};
}

FEWBITS_NAMESPACE_END
