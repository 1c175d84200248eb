// Where conversions are decided: bit patterns at and beside every value and every threshold of a format, in any binary
// interchange format, computed in integers, so that no flag about floating point can spoil them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "all_types.hpp"

namespace fewbits_test {

/// The largest key of a non-negative finite number of the order that is at most |value|.
template <class Order>
std::int64_t floor_key(const oracle::exact& value) {
  constexpr int exponent_bits = Order::width - 1 - std::countr_zero(Order::sign_bit - Order::infinity);
  constexpr int fraction_bits = Order::width - 1 - exponent_bits;
  constexpr int bias = (1 << (exponent_bits - 1)) - 1;
  if (value.is_zero()) {
    return 0;
  }
  const oracle::natural& magnitude = value.magnitude();
  const int top = magnitude.bit_length() - 1 + value.exponent();
  if (top > bias) {
    return Order::last_key - 1;
  }
  const int last_place = std::max(top, 1 - bias) - fraction_bits;
  const int shift = value.exponent() - last_place;
  const oracle::natural significand = shift >= 0 ? magnitude << shift : magnitude >> -shift;
  const std::int64_t field = std::max(top + bias, 1) - 1;
  return (field << fraction_bits) + static_cast<std::int64_t>(significand.to_uint64());
}

/// The key of the bits of a value that the order holds exactly.
template <class Order>
std::uint64_t exact_bits(const oracle::number& value) {
  if (value.is_nan()) {
    return Order::infinity | (Order::sign_bit - Order::infinity) >> 1 | (value.negative ? Order::sign_bit : 0);
  }
  const std::int64_t key = value.is_infinity() ? Order::last_key : floor_key<Order>(value.value);
  return static_cast<std::uint64_t>(key) | (value.negative ? Order::sign_bit : 0);
}

/// Non-negative keys just below or at which a conversion may change its answer: every value, every midpoint, the
/// geometric mean of powers of two, and what a stochastic draw makes of a gap. `stride` thins a long ladder.
template <class Order>
std::vector<std::int64_t> decision_keys(const oracle::table& to, const oracle::rules& by, std::size_t stride = 1) {
  constexpr int fraction_bits = std::countr_zero(Order::sign_bit - Order::infinity);
  std::vector<std::int64_t> keys{0, Order::last_key};
  const auto add = [&](const oracle::exact& value) { keys.push_back(floor_key<Order>(value)); };
  for (const oracle::ladder* side : {&to.positive, &to.negative}) {
    const std::size_t count = side->steps.size();
    for (std::size_t i = 0; i < count; i += (i < 4 || i + 4 + stride >= count) ? 1 : stride) {
      const oracle::exact& low = side->steps[i].magnitude;
      const oracle::exact& high = i + 1 < count ? side->steps[i + 1].magnitude : side->beyond;
      add(low);
      add(high);
      add((low + high).scaled(-1));
      if (by.mode == oracle::rounding::nearest_geometric) {
        keys.push_back(keys[keys.size() - 3] + static_cast<std::int64_t>(0x6a09e667f3bcc908u >> (64 - fraction_bits)));
      }
      if (by.mode == oracle::rounding::stochastic) {
        const oracle::exact unit = (high - low).scaled(-by.random_count - 1);
        const std::int64_t draws = (std::int64_t{1} << by.random_count) - by.random_bits;
        add(low + unit * oracle::exact::integer(2 * draws - 1));
        add(low + unit * oracle::exact::integer(2 * draws + 1));
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

/// splitmix64: the same numbers on every machine.
class random_bits {
 public:
  explicit random_bits(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

/// Bit patterns of both signs: decision keys with their neighbours (1 and 2 apart, and 2^-40 relative where the order
/// has the digits), the ends of the order, NaNs, and a seeded sample: half of it uniform, half near the format's range.
template <class Order>
std::vector<std::uint64_t> inputs_for(const oracle::table& to, const oracle::rules& by, std::size_t samples,
                                      std::size_t stride = 1) {
  constexpr int fraction_bits = std::countr_zero(Order::sign_bit - Order::infinity);
  std::vector<std::int64_t> keys;
  const auto add = [&](std::int64_t key) {
    if (key >= 0 && key <= Order::last_key) {
      keys.push_back(key);
    }
  };
  for (const std::int64_t key : decision_keys<Order>(to, by, stride)) {
    for (std::int64_t near = -2; near <= 3; ++near) {
      add(key + near);
    }
    if constexpr (fraction_bits > 40) {
      add(key - (std::int64_t{1} << (fraction_bits - 40)));
      add(key + (std::int64_t{1} << (fraction_bits - 40)));
    }
  }
  const std::int64_t smallest_normal = std::int64_t{1} << fraction_bits;
  for (const std::int64_t key : {smallest_normal - 1, smallest_normal, smallest_normal + 1, Order::last_key - 1}) {
    add(key);
  }
  random_bits random{static_cast<std::uint64_t>(to.bits) * 977 + static_cast<std::uint64_t>(by.mode)};
  const std::int64_t low = floor_key<Order>(to.positive.steps[to.zero ? 1 : 0].magnitude.scaled(-3));
  const std::int64_t high = floor_key<Order>(to.positive.beyond.scaled(2));
  for (std::size_t i = 0; i < samples; ++i) {
    const std::uint64_t draw = random();
    const std::uint64_t span = static_cast<std::uint64_t>(i % 2 == 0 ? Order::last_key : high - low) + 1;
    add((i % 2 == 0 ? 0 : low) + static_cast<std::int64_t>(draw % span));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<std::uint64_t> bits;
  bits.reserve(2 * keys.size() + 8);
  for (const std::uint64_t sign : {std::uint64_t{0}, Order::sign_bit}) {
    for (const std::int64_t key : keys) {
      bits.push_back(static_cast<std::uint64_t>(key) | sign);
    }
    const std::uint64_t payload_end = Order::sign_bit - 1;  // NaNs: quiet and signalling, small and full payloads
    for (const std::uint64_t nan : {Order::infinity + 1, Order::infinity | (payload_end - Order::infinity) >> 1,
                                    (Order::infinity | ((payload_end - Order::infinity) >> 1)) + 1, payload_end}) {
      bits.push_back(nan | sign);
    }
  }
  return bits;
}

/// A sorted run list like oracle::runs, found from the decision keys instead of by galloping: a tenth of the time.
template <class Order>
std::vector<oracle::run> runs_by_decision(const oracle::table& to, const oracle::rules& by, overflow_rule overflow) {
  std::vector<oracle::run> found;
  const auto code_at = [&](std::int64_t key) { return expected_code(to, Order::value_of(key), by, overflow); };
  const auto append = [&](std::int64_t first, std::int64_t last, oracle::code bits) {
    if (!found.empty() && found.back().bits == bits) {
      found.back().last = last;
    } else {
      found.push_back({first, last, bits});
    }
  };
  const std::vector<std::int64_t> decisions = decision_keys<Order>(to, by);
  for (const bool negative : {true, false}) {
    // Keys at which the oracle is asked. Between two of them with one answer there is no other: conversion is monotone.
    std::vector<std::int64_t> asked{1, Order::last_key - 1};
    for (const std::int64_t key : decisions) {
      for (std::int64_t near = -1; near <= 1; ++near) {
        asked.push_back(std::clamp<std::int64_t>(key + near, 1, Order::last_key - 1));
      }
    }
    for (std::int64_t& key : asked) {
      key = negative ? -1 - key : key;
    }
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    if (negative) {
      append(Order::first_key, Order::first_key, code_at(Order::first_key));
    } else {
      append(-1, -1, code_at(-1));
      append(0, 0, code_at(0));
    }
    std::int64_t previous = asked.front();
    oracle::code previous_code = code_at(previous);
    append(previous, previous, previous_code);
    for (std::size_t i = 1; i < asked.size(); ++i) {
      const oracle::code next_code = code_at(asked[i]);
      while (previous_code != next_code) {
        std::int64_t inside = previous;
        std::int64_t outside = asked[i];
        while (outside - inside > 1) {
          const std::int64_t middle = inside + (outside - inside) / 2;
          (code_at(middle) == previous_code ? inside : outside) = middle;
        }
        append(previous, inside, previous_code);
        previous = outside;
        previous_code = code_at(outside);
      }
      append(previous, asked[i], previous_code);
      previous = asked[i];
    }
  }
  append(Order::last_key, Order::last_key, code_at(Order::last_key));
  return found;
}

}  // namespace fewbits_test
