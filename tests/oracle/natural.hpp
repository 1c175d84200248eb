// Non-negative integers of up to 640 bits: wide enough for the exact fma of three bfloat16 values
// (exponents -266 to 256), plain enough to be checked by reading. Overflow of the width ends the program.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace oracle {

class natural {
 public:
  static constexpr int word_bits = 32;
  static constexpr int capacity = 20;

  natural() = default;
  natural(std::uint64_t value) {  // NOLINT(google-explicit-constructor): a number is a number
    words_[0] = static_cast<std::uint32_t>(value);
    words_[1] = static_cast<std::uint32_t>(value >> 32);
    used_ = 2;
    trim();
  }

  bool is_zero() const { return used_ == 0; }
  bool is_odd() const { return used_ != 0 && (words_[0] & 1U) != 0; }

  int bit_length() const {
    return used_ == 0 ? 0 : (used_ - 1) * word_bits + static_cast<int>(std::bit_width(words_[index(used_ - 1)]));
  }

  int trailing_zeros() const {
    for (int i = 0; i < used_; ++i) {
      if (words_[index(i)] != 0) {
        return i * word_bits + std::countr_zero(words_[index(i)]);
      }
    }
    return 0;
  }

  bool bit(int position) const {
    return position < used_ * word_bits && ((words_[index(position / word_bits)] >> (position % word_bits)) & 1U) != 0;
  }

  std::uint64_t to_uint64() const {
    require(bit_length() <= 64, "a natural does not fit 64 bits");
    return words_[0] | (std::uint64_t{words_[1]} << 32);
  }

  friend std::strong_ordering operator<=>(const natural& a, const natural& b) {
    if (a.used_ != b.used_) {
      return a.used_ <=> b.used_;
    }
    for (int i = a.used_ - 1; i >= 0; --i) {
      if (a.words_[index(i)] != b.words_[index(i)]) {
        return a.words_[index(i)] <=> b.words_[index(i)];
      }
    }
    return std::strong_ordering::equal;
  }
  friend bool operator==(const natural& a, const natural& b) { return (a <=> b) == 0; }

  friend natural operator+(const natural& a, const natural& b) {
    natural sum;
    const int length = std::max(a.used_, b.used_);
    std::uint64_t carry = 0;
    for (int i = 0; i < length; ++i) {
      carry += std::uint64_t{a.words_[index(i)]} + b.words_[index(i)];
      sum.words_[index(i)] = static_cast<std::uint32_t>(carry);
      carry >>= word_bits;
    }
    sum.used_ = length;
    if (carry != 0) {
      require(length < capacity, "a sum is wider than 640 bits");
      sum.words_[index(sum.used_++)] = static_cast<std::uint32_t>(carry);
    }
    return sum;
  }

  /// a - b, for a >= b.
  friend natural operator-(const natural& a, const natural& b) {
    require(a >= b, "a difference is negative");
    natural difference;
    std::int64_t borrow = 0;
    for (int i = 0; i < a.used_; ++i) {
      const std::int64_t digit = std::int64_t{a.words_[index(i)]} - std::int64_t{b.words_[index(i)]} + borrow;
      difference.words_[index(i)] = static_cast<std::uint32_t>(digit);
      borrow = digit < 0 ? -1 : 0;
    }
    difference.used_ = a.used_;
    difference.trim();
    return difference;
  }

  friend natural operator*(const natural& a, const natural& b) {
    natural product;
    if (a.is_zero() || b.is_zero()) {
      return product;
    }
    require(a.bit_length() + b.bit_length() <= capacity * word_bits, "a product is wider than 640 bits");
    for (int i = 0; i < a.used_; ++i) {
      std::uint64_t carry = 0;
      for (int j = 0; j < b.used_ || carry != 0; ++j) {
        const std::uint64_t digit = j < b.used_ ? b.words_[index(j)] : 0;
        carry += a.words_[index(i)] * digit + product.words_[index(i + j)];
        product.words_[index(i + j)] = static_cast<std::uint32_t>(carry);
        carry >>= word_bits;
      }
    }
    product.used_ = std::min(capacity, a.used_ + b.used_);
    product.trim();
    return product;
  }

  friend natural operator<<(const natural& a, int count) {
    if (a.is_zero() || count == 0) {
      return a;
    }
    require(a.bit_length() + count <= capacity * word_bits, "a shifted natural is wider than 640 bits");
    natural shifted;
    const int words = count / word_bits;
    const int bits = count % word_bits;
    for (int i = 0; i < a.used_; ++i) {
      const std::uint64_t wide = std::uint64_t{a.words_[index(i)]} << bits;
      shifted.words_[index(i + words)] |= static_cast<std::uint32_t>(wide);
      if ((wide >> word_bits) != 0) {
        shifted.words_[index(i + words + 1)] |= static_cast<std::uint32_t>(wide >> word_bits);
      }
    }
    shifted.used_ = std::min(capacity, a.used_ + words + 1);
    shifted.trim();
    return shifted;
  }

  /// Drops the low bits: floor(a / 2^count).
  friend natural operator>>(const natural& a, int count) {
    natural shifted;
    const int words = count / word_bits;
    const int bits = count % word_bits;
    for (int i = words; i < a.used_; ++i) {
      const std::uint64_t above = i + 1 < a.used_ ? a.words_[index(i + 1)] : 0;
      const std::uint64_t wide = (above << word_bits) | a.words_[index(i)];
      shifted.words_[index(i - words)] = static_cast<std::uint32_t>(wide >> bits);
    }
    shifted.used_ = std::max(0, a.used_ - words);
    shifted.trim();
    return shifted;
  }

  static void require(bool holds, const char* sentence) {
    if (!holds) {
      std::fprintf(stderr, "oracle: %s\n", sentence);
      std::abort();
    }
  }

 private:
  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }

  void trim() {
    while (used_ > 0 && words_[index(used_ - 1)] == 0) {
      --used_;
    }
  }

  std::array<std::uint32_t, capacity> words_{};  // little-endian; words from used_ on are zero
  int used_ = 0;
};

}  // namespace oracle
