// The best scale and minimum against all pairs there are, in 128-bit integers: 8-bit scales and minimums by trying each
// pair; 16-bit ones by the best minimum of every assignment that some minimum makes nearest, under every scale.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/number.hpp>
#include <fewbits/quantize/exact_minimum.hpp>

#include "support/planted.hpp"

#if FEWBITS_HAS_INT128

namespace fb = fewbits;
using fewbits_test::planted;
using wide = fb::int128;

namespace {

/// Numbers as integers x 2^-bits.
std::int64_t scaled(const fb::unpacked_number& x, int bits) {
  if (x.kind != fb::number_class::finite)
    return 0;
  const int shift = 63 - x.exponent - bits;
  EXPECT_TRUE(shift >= 0 && shift < 64 && x.significand << (64 - shift) << 0 == 0)
      << "the test's own units are too large";
  const auto v = static_cast<std::int64_t>(x.significand >> shift);
  return x.negative ? -v : v;
}

struct found_pair {
  std::uint64_t scale;
  std::uint64_t minimum;
  bool negative;
  bool operator==(const found_pair&) const = default;
};

template <fb::block_source S, fb::block_source M, fb::few_bit_number E>
struct all_pairs {
  static constexpr int element_bits = std::is_same_v<E, fb::e2m1> ? 1 : 0;
  int bits;  // of scales; values and minimums have bits + element_bits
  fb::number_grid<S> scales{};
  fb::number_minimums<M> minimums{};
  std::vector<std::int64_t> units, offsets, elements;

  explicit all_pairs(int fraction_bits) : bits(fraction_bits) {
    for (std::uint64_t n = scales.first(); n <= scales.last(); ++n)
      units.push_back(scaled(scales.unit(n), bits));
    for (std::uint64_t n = minimums.first(); n <= minimums.last(); ++n)
      offsets.push_back(scaled(minimums.value(n), bits + element_bits));
    const auto all = fb::alphabet_of<E>();
    for (std::size_t k = 0; k < all.size(); ++k)
      elements.push_back(scaled(all[k], element_bits));
  }

  [[nodiscard]] bool minimum_precedes(std::size_t a, std::size_t b) const {
    const auto first = offsets[a] < 0 ? -offsets[a] : offsets[a];
    const auto second = offsets[b] < 0 ? -offsets[b] : offsets[b];
    return first != second ? first < second : offsets[a] > offsets[b];
  }

  /// Every pair.
  [[nodiscard]] found_pair try_all(const std::vector<std::int64_t>& values, const std::vector<std::int64_t>& weights,
                                   bool both_signs) const {
    found_pair best{};
    wide least = -1;
    std::size_t best_offset = 0;
    std::vector<std::int64_t> levels(elements.size());
    for (std::size_t s = 0; s < units.size(); ++s)
      for (int sign = 1; sign >= (both_signs ? -1 : 1); sign -= 2) {
        bool first_of_scale = true;
        for (std::size_t m = 0; m < offsets.size(); ++m) {
          for (std::size_t k = 0; k < elements.size(); ++k)
            levels[k] = offsets[m] + sign * units[s] * elements[k];
          wide error = 0;
          for (std::size_t i = 0; i < values.size() && (least < 0 || error <= least); ++i) {
            std::int64_t nearest = -1;
            for (const std::int64_t level : levels) {
              const std::int64_t d = values[i] < level ? level - values[i] : values[i] - level;
              nearest = nearest < 0 || d < nearest ? d : nearest;
            }
            error += wide{nearest} * nearest * (weights.empty() ? 1 : weights[i]);
          }
          if (least < 0 || error < least || (error == least && !first_of_scale && minimum_precedes(m, best_offset))) {
            least = error;
            best = {scales.first() + s, m, sign < 0};
            best_offset = m;
            first_of_scale = false;
          }
        }
      }
    return best;
  }
};

template <fb::block_source S, fb::block_source M, fb::few_bit_number E>
void try_blocks(const char* name, int fraction_bits, int value_bits, std::size_t most, unsigned blocks,
                bool both_signs) {
  const all_pairs<S, M, E> all(fraction_bits);
  std::mt19937_64 random(7);
  unsigned weighed = 0, failures = 0;
  for (unsigned b = 0; b < blocks; ++b) {
    const std::size_t size = 1 + random() % most;
    const int few = static_cast<int>(random() % 4);
    const int own_bits = 2 + static_cast<int>(random() % static_cast<unsigned>(value_bits - 1));
    const auto centre = static_cast<std::int64_t>(random() >> (64 - value_bits)) * (random() % 2 != 0 ? 1 : -1);
    std::vector<std::int64_t> values(size);
    for (auto& each : values) {
      each = static_cast<std::int64_t>(random() >> (64 - own_bits));
      if (few == 0)
        each = each % 3 * 8;
      if (few == 1)
        each = centre + each % 16;
      if (few == 2 && random() % 2 != 0)
        each = -each;
      if (few == 3 && b % 8 == 3)
        each = centre;
      if (random() % 11 == 0)
        each = 0;
    }
    std::vector<std::int64_t> weights;
    std::vector<float> float_weights;
    if (b % 3 == 0) {
      ++weighed;
      for (std::size_t i = 0; i < size; ++i) {
        weights.push_back(static_cast<std::int64_t>(random() % 5 == 0 ? 0 : random() % 1000));
        float_weights.push_back(static_cast<float>(weights.back()));
      }
    }
    std::vector<double> block;
    for (const std::int64_t each : values)
      block.push_back(std::ldexp(static_cast<double>(each), -(fraction_bits + all.element_bits)));

    fb::exact_scale_buffer<16> buffer;
    const auto got = fb::find_exact_pair_choice(
        std::span<const double>(block), fb::alphabet_of<E>(), all.scales, all.minimums, buffer,
        {.weights = float_weights, .negative_scales = both_signs, .most_tried_by_pair = b % 5 == 0 ? 8192u : 0u});
    const found_pair as_pair{got.scale + (planted() ? 1u : 0u), got.minimum, got.negative};
    const found_pair expected = all.try_all(values, weights, both_signs);
    if (as_pair == expected && got.is_proven)
      continue;
    if (++failures > 3)
      continue;
    std::string shown;
    for (std::size_t i = 0; i < size; ++i)
      shown += ' ' + std::to_string(values[i]) + (weights.empty() ? "" : " x " + std::to_string(weights[i]));
    ADD_FAILURE() << name << ", block " << b << " of seed 7, in units of 2^-" << fraction_bits + all.element_bits << ':'
                  << shown << "\nexpected scale " << expected.scale << ", minimum " << expected.minimum << ", negative "
                  << expected.negative << "; got " << got.scale << ", " << got.minimum << ", " << got.negative
                  << (got.is_proven ? "" : ", not proven");
  }
  EXPECT_EQ(failures, 0u) << name;
  std::printf("%s: %u blocks (%u weighed) of up to %zu values, %zu pairs each\n", name, blocks, weighed, most,
              all.units.size() * all.offsets.size() * (both_signs ? 2 : 1));
}

TEST(ExactMinimum, EveryPairOfSmallFloats) {
  try_blocks<fb::e3m2, fb::e3m2, fb::uint4>("uint4 under e3m2 and e3m2", 4, 9, 12, 400, false);
  try_blocks<fb::e3m2, fb::e3m2, fb::uint4>("uint4 under both signs of e3m2", 4, 9, 12, 300, true);
  try_blocks<fb::e2m3, fb::e3m2, fb::e2m1>("e2m1 under e2m3 and e3m2", 4, 9, 10, 200, true);
  try_blocks<fb::e3m2, fb::e2m3, fb::int4>("int4 under e3m2 and e2m3", 4, 9, 10, 200, true);
}
TEST(ExactMinimum, EveryPairOfEightBits) {
  try_blocks<fb::e4m3, fb::e4m3, fb::uint2>("uint2 under e4m3 and e4m3", 9, 19, 8, 60, false);
  try_blocks<fb::ue4m3, fb::e4m3, fb::uint4>("uint4 under ue4m3 and e4m3", 9, 19, 8, 40, false);
}
TEST(ExactMinimum, EveryPairOfHalfPrecision) {
  try_blocks<fb::fp16, fb::e3m2, fb::uint2>("uint2 under fp16 and e3m2", 24, 30, 5, 12, false);
  try_blocks<fb::e3m2, fb::fp16, fb::uint2>("uint2 under e3m2 and fp16", 24, 36, 5, 12, true);
}

/// Values far below the lowest minimum: small scales fit them alike wherever no minimum reaches, so that boxes there
/// must be left out.
TEST(ExactMinimum, ValuesBeyondTheMinimums) {
  const all_pairs<fb::fp16, fb::e3m2, fb::uint2> all(24);
  const std::vector<std::int64_t> values{-1053201688, -1053201686, 0, -1053201692};
  std::vector<double> block;
  for (const std::int64_t each : values)
    block.push_back(std::ldexp(static_cast<double>(each), -24));
  fb::exact_scale_buffer<4> buffer;
  const auto got = fb::find_exact_pair_choice(std::span<const double>(block), fb::alphabet_of<fb::uint2>(), all.scales,
                                              all.minimums, buffer, {.most_visits = 1 << 20, .most_tried_by_pair = 0});
  const found_pair as_pair{got.scale + (planted() ? 1u : 0u), got.minimum, got.negative};
  EXPECT_EQ(as_pair, all.try_all(values, {}, false)) << "got " << got.scale << ", " << got.minimum;
  EXPECT_TRUE(got.is_proven);
  std::printf("visited 1 block\n");
}

}  // namespace

#else
TEST(ExactMinimum, NeedsIntegersOf128Bits) { GTEST_SKIP() << "this compiler has none"; }
#endif
