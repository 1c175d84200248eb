// Seeded samples for matrices.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace fewbits_test {

/// N(0,1) by Box and Muller: std::normal_distribution gives other values with every library.
inline std::vector<float> normal_samples(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  std::vector<float> made(count);
  for (float& each : made) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    each = static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform()));
  }
  return made;
}

}  // namespace fewbits_test
