// Samples whose bits depend on no floating-point arithmetic, and random ways to cut and merge them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace fewbits_test {

inline float float_at(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t code_of(float x) { return std::bit_cast<std::uint32_t>(x); }

/// Bell-shaped: the sum of eight 16-bit numbers about its mean, cubed now and then for a heavy tail; about 1 in size.
inline std::vector<float> bell(std::size_t count, std::uint64_t seed, int exponent = 0) {
  std::mt19937_64 random(seed);
  const auto digit = [&] { return static_cast<std::int32_t>(random() >> 48); };
  std::vector<float> made(count);
  for (float& each : made) {
    std::int32_t sum = 0;
    for (int i = 0; i < 8; ++i)
      sum += digit() - 32768;
    if ((random() & 1023) == 0)
      sum *= 8;
    // sum x 2^-16, put together bit by bit.
    const std::uint32_t magnitude = static_cast<std::uint32_t>(sum < 0 ? -sum : sum);
    const int top = 31 - std::countl_zero(magnitude);
    if (magnitude == 0) {
      each = 0;
    } else {
      const std::uint32_t fraction = top <= 23 ? magnitude << (23 - top) : magnitude >> (top - 23);
      const auto field = static_cast<std::uint32_t>(top - 16 + exponent + 127);
      each = float_at((sum < 0 ? 0x80000000u : 0u) | field << 23 | (fraction & 0x7fffffu));
    }
  }
  return made;
}

/// Any bits at all: subnormals, Inf and NaN among them.
inline std::vector<float> any_bits(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> made(count);
  for (float& each : made) {
    auto bits = static_cast<std::uint32_t>(random());
    if ((random() & 15) == 0)
      bits &= 0x807fffffu;  // subnormal
    if ((random() & 31) == 0)
      bits &= 0x80000000u;  // zero
    if ((random() & 31) == 0)
      bits = (bits & 0x80000000u) | 0x7f800000u | (random() & 1 ? 1u : 0u);  // Inf and NaN
    each = float_at(bits);
  }
  return made;
}

/// The calibrator of `values` cut into random pieces, shuffled, dealt to several calibrators and merged as a random
/// tree.
template <class Calibrator, class T>
std::unique_ptr<Calibrator> by_random_pieces(std::span<const T> values, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> shuffled(values.begin(), values.end());
  for (std::size_t i = shuffled.size(); i > 1; --i)
    std::swap(shuffled[i - 1], shuffled[random() % i]);
  std::vector<std::unique_ptr<Calibrator>> parts;
  for (std::size_t i = 0; i < 1 + random() % 6; ++i)
    parts.push_back(std::make_unique<Calibrator>());
  std::span<const T> rest(shuffled);
  while (!rest.empty()) {
    const std::size_t count = std::min<std::size_t>(rest.size(), random() % (values.size() / 3 + 2));
    parts[random() % parts.size()]->add(rest.first(count));
    rest = rest.subspan(count);
  }
  while (parts.size() > 1) {
    const std::size_t into = random() % parts.size();
    const std::size_t from = (into + 1 + random() % (parts.size() - 1)) % parts.size();
    parts[into]->merge(*parts[from]);
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(from));
  }
  return std::move(parts[0]);
}

}  // namespace fewbits_test
