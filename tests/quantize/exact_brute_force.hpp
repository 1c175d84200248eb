// The best scale by trying all of them, in 128-bit integers: values, scales and elements are integers times powers of
// two, so that every squared error is an integer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <fewbits/base/config.hpp>

#if FEWBITS_HAS_INT128

namespace fewbits_test {

using wide = fewbits::int128;

struct brute_choice {
  std::uint64_t number = 0;
  int zero_point = 0;
  bool negative = false;
  bool operator==(const brute_choice&) const = default;
};
struct numbered_scale {
  std::uint64_t number;
  std::int64_t value;
};
struct brute_options {
  int first_zero_point = 0;
  int last_zero_point = 0;
  bool negative_scales = false;
};

/// values x 2^(scale bits + element bits), scales x 2^(scale bits), elements x 2^(element bits). Elements ascend in no
/// particular order; no cleverness but leaving a scale as soon as it has lost.
inline brute_choice brute_force(const std::vector<wide>& values, const std::vector<std::int64_t>& weights,
                                const std::vector<std::int64_t>& elements, std::int64_t one,
                                const std::vector<numbered_scale>& ascending, const brute_options& options = {}) {
  brute_choice best{};
  wide least = -1;
  for (const auto& scale : ascending)
    for (int sign = 1; sign >= (options.negative_scales ? -1 : 1); sign -= 2)
      for (int z = options.first_zero_point; z <= options.last_zero_point; ++z) {
        wide error = 0;
        for (std::size_t i = 0; i < values.size() && (least < 0 || error < least); ++i) {
          wide nearest = -1;
          for (const std::int64_t element : elements) {
            const wide d = values[i] - wide{scale.value} * sign * (element - z * one);
            const wide distance = d < 0 ? -d : d;
            if (nearest < 0 || distance < nearest)
              nearest = distance;
          }
          error += nearest * nearest * (weights.empty() ? 1 : weights[i]);
        }
        if (least < 0 || error < least) {
          least = error;
          best = {scale.number, z, sign < 0};
        }
      }
  return best;
}

/// Integers of one block: random, of few different values, equal, far apart, with zeros. Magnitudes below 2^bits.
inline std::vector<std::int64_t> integer_block(std::mt19937_64& random, std::size_t size, int bits, unsigned kind) {
  std::vector<std::int64_t> block(size);
  const std::int64_t step = std::int64_t{1} << (random() % static_cast<unsigned>(bits - 4));
  for (auto& each : block) {
    const bool negative = random() % 2 != 0;
    switch (kind % 6) {
      case 0: each = static_cast<std::int64_t>(random() >> (64 - bits)); break;
      case 1: each = static_cast<std::int64_t>(random() % 8) * step; break;
      case 2: each = step * 3; break;
      case 3:
        each = static_cast<std::int64_t>((random() >> 1) >>
                                         (63 - bits + static_cast<int>(random() % static_cast<unsigned>(bits))));
        break;
      case 4: each = random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 15) * step / 2; break;
      default: each = step * 4 + static_cast<std::int64_t>(random() % 3) - 1; break;
    }
    // 24 digits, so that a float holds it.
    while (each >> 24 != 0 && (each & 1) != 0)
      each &= each - 1;
    int excess = 0;
    for (std::int64_t rest = each; rest >> 24 != 0; rest >>= 1)
      ++excess;
    each = each >> excess << excess;
    if (negative && kind % 12 != 2)
      each = -each;
  }
  return block;
}

}  // namespace fewbits_test

#endif
