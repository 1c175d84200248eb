// Conversion is monotone, so a (table, rules) pair over all floats is a short sorted list of runs: from this input on,
// that code. Each boundary is found by bisection over bit patterns with the exact conversion at every step, so a sweep
// over all 2^32 floats needs only comparisons with constants. NaN inputs stand outside the order.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "rounding.hpp"

namespace oracle {

/// Bit patterns of a binary interchange format in value order: -Inf ... -0, +0 ... +Inf have consecutive keys, with -0
/// at -1 and +0 at 0.
template <int ExponentBits, int FractionBits>
struct ordered_bits {
  static constexpr int fraction_bits = FractionBits;
  static constexpr int width = 1 + ExponentBits + FractionBits;
  static constexpr std::uint64_t sign_bit = std::uint64_t{1} << (width - 1);
  static constexpr std::uint64_t infinity = sign_bit - (std::uint64_t{1} << FractionBits);
  static constexpr std::int64_t first_key = -static_cast<std::int64_t>(infinity) - 1;
  static constexpr std::int64_t last_key = static_cast<std::int64_t>(infinity);

  static constexpr std::uint64_t bits_of(std::int64_t key) {
    return key < 0 ? sign_bit | static_cast<std::uint64_t>(-(key + 1)) : static_cast<std::uint64_t>(key);
  }
  static constexpr std::int64_t key_of(std::uint64_t bits) {
    return (bits & sign_bit) != 0 ? -static_cast<std::int64_t>(bits - sign_bit) - 1 : static_cast<std::int64_t>(bits);
  }
  static number value_of(std::int64_t key) { return from_ieee_bits(bits_of(key), ExponentBits, FractionBits); }
};
using float_order = ordered_bits<8, 23>;
using double_order = ordered_bits<11, 52>;
using bf16_order = ordered_bits<8, 7>;
using fp16_order = ordered_bits<5, 10>;

/// All inputs with first <= key <= last convert to `bits`.
struct run {
  std::int64_t first = 0;
  std::int64_t last = 0;
  code bits = 0;
  friend bool operator==(const run&, const run&) = default;
};

/// Sorted, gapless runs from -Inf to +Inf; neighbouring runs differ in code.
/// Order is float_order, double_order, ... Cost: about log2(inputs) exact conversions a code.
template <typename Order>
std::vector<run> runs(const table& to, const rules& by = {}) {
  std::vector<run> found;
  const auto code_at = [&](std::int64_t key) { return convert(to, Order::value_of(key), by); };
  const auto append = [&](std::int64_t first, std::int64_t last, code bits) {
    if (!found.empty() && found.back().bits == bits) {
      found.back().last = last;
    } else {
      found.push_back({first, last, bits});
    }
  };
  // Zeros and infinities may have a code of their own on both ends of a side (NaN in ue8m0), so they stand alone.
  const auto append_side = [&](std::int64_t first, std::int64_t last) {
    while (first <= last) {
      const code bits = code_at(first);
      std::int64_t inside = first;  // gallop to bracket the end of the run, then bisect
      std::int64_t outside = last + 1;
      for (std::int64_t stride = 1; stride <= last - inside; stride *= 2) {
        if (code_at(inside + stride) != bits) {
          outside = inside + stride;
          break;
        }
        inside += stride;
      }
      while (outside - inside > 1) {
        const std::int64_t middle = inside + (outside - inside) / 2;
        (code_at(middle) == bits ? inside : outside) = middle;
      }
      append(first, inside, bits);
      first = inside + 1;
    }
  };
  append(Order::first_key, Order::first_key, code_at(Order::first_key));
  append_side(Order::first_key + 1, -2);
  append(-1, -1, code_at(-1));
  append(0, 0, code_at(0));
  append_side(1, Order::last_key - 1);
  append(Order::last_key, Order::last_key, code_at(Order::last_key));
  return found;
}

inline std::vector<run> float_runs(const table& to, const rules& by = {}) { return runs<float_order>(to, by); }

/// One input and the code it converts to.
struct expectation {
  std::uint64_t input = 0;
  code bits = 0;
};

/// Both sides of every boundary of a run list, each with `neighbours` further inputs.
template <typename Order>
std::vector<expectation> around_thresholds(const std::vector<run>& all, int neighbours = 1) {
  std::vector<expectation> inputs;
  for (const run& one : all) {
    const auto add = [&](std::int64_t from_key, std::int64_t to_key) {
      for (std::int64_t key = from_key; key <= to_key; ++key) {
        inputs.push_back({Order::bits_of(key), one.bits});
      }
    };
    const std::int64_t head = one.last - one.first > neighbours ? one.first + neighbours : one.last;
    const std::int64_t tail = one.last - head > neighbours ? one.last - neighbours : head + 1;
    add(one.first, head);
    add(tail, one.last);
  }
  return inputs;
}

/// Double bit patterns at and beside every decision threshold, with the expected codes. They include doubles that
/// collapse onto a float tie: where float rounding would lose the answer, the threshold's neighbours do.
inline std::vector<expectation> threshold_doubles(const table& to, const rules& by = {}, int neighbours = 1) {
  return around_thresholds<double_order>(runs<double_order>(to, by), neighbours);
}

/// Walks a sorted run list: `at(key)` for rising keys costs one comparison.
class run_cursor {
 public:
  explicit run_cursor(const std::vector<run>& all) : current_(all.data()) {}
  code at(std::int64_t key) {
    while (key > current_->last) {
      ++current_;
    }
    return current_->bits;
  }

 private:
  const run* current_;
};

}  // namespace oracle
