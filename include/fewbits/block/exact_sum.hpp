// Sums of exact products, without any rounding: what decides between two encodings of a block when their errors are too
// close for floating-point arithmetic. Source of the idea: U. Kulisch's long accumulator.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

/// a <=> b by value. Both are zero or finite; the two zeros are equal.
constexpr std::strong_ordering compare_values(const unpacked_number& a, const unpacked_number& b) noexcept {
  const int a_sign = a.kind == number_class::zero ? 0 : a.negative ? -1 : 1;
  const int b_sign = b.kind == number_class::zero ? 0 : b.negative ? -1 : 1;
  if (a_sign != b_sign || a_sign == 0)
    return a_sign <=> b_sign;
  const auto order = a.exponent != b.exponent ? a.exponent <=> b.exponent : a.significand <=> b.significand;
  return a_sign > 0 ? order : 0 <=> order;
}

/// a x b. Exact where the digits of both, without trailing zeros, fit 64 bits together; else the low digits are lost
/// to a sticky bit. Both are zero or finite.
constexpr unpacked_number exact_product(const unpacked_number& a, const unpacked_number& b) noexcept;

/// A sum of products, exact: 5120 bits of fixed point, positive and negative terms apart.
/// Wide enough for weight x value x value, where the weight is a float and the values are doubles.
/// Precondition of every term: a multiple of 2^-2560, and the sum of magnitudes stays below 2^2560.
class exact_sum {
 public:
  static constexpr int lowest_exponent = -2560;
  static constexpr std::size_t limbs = 80;

  /// Adds the product of one to five numbers, each zero or finite.
  template <class... Factors>
  constexpr void add(const Factors&... all_factors) noexcept {
    add_signed(false, all_factors...);
  }
  template <class... Factors>
  constexpr void subtract(const Factors&... all_factors) noexcept {
    add_signed(true, all_factors...);
  }

  /// The sum compared with 0.
  [[nodiscard]] constexpr std::strong_ordering sign() const noexcept {
    for (std::size_t i = limbs; i-- > 0;)
      if (positive_[i] != negative_[i])
        return positive_[i] <=> negative_[i];
    return std::strong_ordering::equal;
  }

  /// The sum, cut to 63 bits or so and a sticky one: it rounds as the exact sum does.
  [[nodiscard]] constexpr unpacked_number value() const noexcept {
    const auto order = sign();
    if (order == std::strong_ordering::equal)
      return {};
    const bool negative = order == std::strong_ordering::less;
    const limb_array& large = negative ? negative_ : positive_;
    const limb_array& lesser = negative ? positive_ : negative_;
    limb_array difference{};
    std::uint64_t borrow = 0;
    std::size_t top = 0;
    for (std::size_t i = 0; i < limbs; ++i) {
      difference[i] = large[i] - lesser[i] - borrow;
      borrow = large[i] < lesser[i] || (large[i] == lesser[i] && borrow != 0) ? 1 : 0;
      top = difference[i] != 0 ? i : top;
    }
    const int zeros = std::countl_zero(difference[top]);
    const std::uint64_t next = top != 0 ? difference[top - 1] : 0;
    std::uint64_t significand = zeros == 0 ? difference[top] : difference[top] << zeros | next >> (64 - zeros);
    bool rest = (next << zeros) != 0;
    for (std::size_t i = 0; i + 1 < top; ++i)
      rest = rest || difference[i] != 0;
    significand |= rest ? 1 : 0;
    return {significand, lowest_exponent + static_cast<int>(top) * 64 + 63 - zeros, number_class::finite, negative};
  }

  struct word_pair {
    std::uint64_t low;
    std::uint64_t high;
  };
  /// a x b in 128 bits.
  static constexpr word_pair multiply_words(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t a0 = a & 0xffffffffu;
    const std::uint64_t a1 = a >> 32;
    const std::uint64_t b0 = b & 0xffffffffu;
    const std::uint64_t b1 = b >> 32;
    const std::uint64_t low = a0 * b0;
    const std::uint64_t middle = a1 * b0 + (low >> 32);
    const std::uint64_t other = a0 * b1 + (middle & 0xffffffffu);
    return {other << 32 | (low & 0xffffffffu), a1 * b1 + (middle >> 32) + (other >> 32)};
  }

 private:
  using limb_array = std::array<std::uint64_t, limbs>;

  template <class... Factors>
  constexpr void add_signed(bool sign_of_term, const Factors&... all_factors) noexcept {
    constexpr std::size_t count = sizeof...(Factors);
    static_assert(count >= 1 && count <= 5, "a term is a product of one to five numbers");
    const std::array<const unpacked_number*, count> factors{&all_factors...};
    std::array<std::uint64_t, count + 1> words{1};
    bool negative = sign_of_term;
    int exponent = 0;  // of the lowest bit of the product
    for (std::size_t f = 0; f < count; ++f) {
      const unpacked_number& each = *factors[f];
      if (each.kind != number_class::finite)
        return;
      const int zeros = std::countr_zero(each.significand);
      exponent += each.exponent - 63 + zeros;
      negative = negative != each.negative;
      std::uint64_t carry = 0;
      for (std::size_t i = 0; i <= f; ++i) {
        const word_pair product = multiply_words(words[i], each.significand >> zeros);
        words[i] = product.low + carry;
        carry = product.high + (words[i] < carry ? 1 : 0);
      }
      words[f + 1] = carry;
    }
    add_words(negative ? negative_ : positive_, words.data(), words.size(), exponent - lowest_exponent);
  }

  static constexpr void add_words(limb_array& to, const std::uint64_t* words, std::size_t count,
                                  int lowest_bit) noexcept {
    if (lowest_bit < 0)
      return;  // the precondition does not hold
    std::size_t at = static_cast<std::size_t>(lowest_bit) / 64;
    const int shift = lowest_bit % 64;
    std::uint64_t carry = 0;
    std::uint64_t spilled = 0;  // the bits that the shift moves into the next limb
    for (std::size_t i = 0; i < count || carry != 0 || spilled != 0; ++i, ++at) {
      if (at >= limbs)
        return;
      const std::uint64_t word = i < count ? words[i] : 0;
      const std::uint64_t shifted = word << shift | spilled;
      spilled = shift == 0 ? 0 : word >> (64 - shift);
      const std::uint64_t sum = to[at] + shifted;
      const std::uint64_t with_carry = sum + carry;
      carry = (sum < shifted ? 1u : 0u) | (with_carry < sum ? 1u : 0u);
      to[at] = with_carry;
    }
  }

  limb_array positive_{};
  limb_array negative_{};
};

constexpr unpacked_number exact_product(const unpacked_number& a, const unpacked_number& b) noexcept {
  const bool negative = a.negative != b.negative;
  if (a.kind != number_class::finite || b.kind != number_class::finite)
    return {.kind = number_class::zero, .negative = negative};
  // Both significands have their highest bit set, so the product has 127 or 128 bits.
  const auto product = exact_sum::multiply_words(a.significand, b.significand);
  const bool full = product.high >> 63 != 0;
  const std::uint64_t high = full ? product.high : product.high << 1 | product.low >> 63;
  const std::uint64_t low = full ? product.low : product.low << 1;
  return {high | (low != 0 ? 1 : 0), a.exponent + b.exponent + (full ? 1 : 0), number_class::finite, negative};
}

FEWBITS_NAMESPACE_END
