// Exact sums, logarithms and powers in integers; percentiles against sorted data; calibrated ranges as scale rules.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/number.hpp>
#include <fewbits/quantize/calibrate_numbers.hpp>
#include <fewbits/quantize/calibrate_percentile.hpp>
#include <fewbits/quantize/calibrated_scale.hpp>

#include "oracle/exact.hpp"
#include "quantize/calibrate_samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::any_bits;
using fewbits_test::bell;
using fewbits_test::by_random_pieces;
using fewbits_test::code_of;
using fewbits_test::float_at;

namespace {

oracle::natural natural_of(const fb::wide_product& product) {
  return (oracle::natural{product.high} << 64) + oracle::natural{product.low};
}

TEST(CalibrateNumbers, WideProductsAndSumsAreExact) {
  std::mt19937_64 random(1);
  std::uint64_t visited = 0;
  for (int round = 0; round < 300; ++round) {
    fb::wide_sum<6> sum;
    oracle::exact expected;
    for (int i = 0; i < 20; ++i, ++visited) {
      const std::uint64_t a = random() >> (random() % 64);
      const std::uint64_t b = round % 3 == 0 ? ~0ull : random() >> (random() % 64);
      const std::size_t bit = random() % 200;
      const fb::wide_product product = fb::multiply_wide(a, b);
      ASSERT_TRUE(natural_of(product) == oracle::natural{a} * oracle::natural{b}) << a << " x " << b;
      const bool down = random() % 2 == 0;
      const oracle::exact term{down, natural_of(product), static_cast<int>(bit)};
      expected = expected + term;
      down ? sum.subtract(product, bit) : sum.add(product, bit);
    }
    // Two's complement: a negative sum is 2^384 - |sum|.
    oracle::natural got;
    const bool below = sum < fb::wide_sum<6>{};
    for (std::size_t i = 6; i-- != 0;)
      got = (got << 64) + oracle::natural{sum.words()[i]};
    if (below)
      got = (oracle::natural{1} << 384) - got;
    ASSERT_TRUE((oracle::exact{below, got, 0}) == expected) << "round " << round;
    fb::wide_sum<6> nothing = sum;
    nothing.subtract(sum);
    ASSERT_TRUE(nothing == fb::wide_sum<6>{});
  }
  std::printf("%llu terms\n", static_cast<unsigned long long>(visited));
}

TEST(CalibrateNumbers, LogarithmsAreExactForPowersOfTwoMonotoneAndCloseElsewhere) {
  for (int i = 0; i < 64; ++i)
    ASSERT_EQ(fb::log2_fixed(1ull << i), static_cast<std::uint64_t>(i) << 40);
  std::mt19937_64 random(2);
  std::uint64_t visited = 0;
  std::uint64_t before = 0;
  for (std::uint64_t x = 1; x < 50000; ++x, ++visited) {
    const std::uint64_t got = fb::log2_fixed(x);
    ASSERT_GE(got, before) << x;
    before = got;
  }
  for (int i = 0; i < 50000; ++i, ++visited) {
    const std::uint64_t x = (random() >> (random() % 64)) | 1;
    const double difference =
        std::log2(static_cast<double>(x)) - std::ldexp(static_cast<double>(fb::log2_fixed(x)), -40);
    ASSERT_LT(std::fabs(difference), 0x1p-38) << x;  // the model has an error of its own
  }
  EXPECT_EQ(fb::log2_fixed(3), 0x195c01a39fbull);  // floor(1.5849625007211561815 x 2^40)
  std::printf("%llu logarithms\n", static_cast<unsigned long long>(visited));
}

TEST(CalibrateNumbers, PowersAreCloseToThoseOfDoubles) {
  std::mt19937_64 random(3);
  std::uint64_t visited = 0;
  for (int i = 0; i < 20000; ++i, ++visited) {
    const std::uint64_t x = (random() >> (random() % 64)) | 1;
    const int exponent = static_cast<int>(random() % 200) - 130;
    const int tenths = 1 + static_cast<int>(random() % 40);
    const fb::unpacked_number got = fb::power_fixed(x, exponent, tenths);
    const double logarithm = (std::log2(static_cast<double>(x)) + exponent) * tenths / 10;
    const double got_logarithm = std::log2(static_cast<double>(got.significand)) + got.exponent - 63;
    ASSERT_NEAR(got_logarithm, logarithm, 0x1p-36) << x << " x 2^" << exponent << " to the " << tenths << " tenths";
  }
  EXPECT_EQ(fb::power_fixed(8, -1, 20).exponent, 4);
  EXPECT_EQ(fb::power_fixed(8, -1, 20).significand, 1ull << 63);
  std::printf("%llu powers\n", static_cast<unsigned long long>(visited));
}

/// Magnitudes of the finite values, sorted, as codes.
std::vector<std::uint32_t> sorted_magnitudes(std::span<const float> values) {
  std::vector<std::uint32_t> made;
  for (const float each : values)
    if ((code_of(each) & 0x7fffffffu) < 0x7f800000u)
      made.push_back(code_of(each) & 0x7fffffffu);
  std::sort(made.begin(), made.end());
  return made;
}

constexpr std::array<std::uint32_t, 9> shares{0, 1, 100'000, 500'000, 900'000, 990'000, 999'000, 999'900, 1'000'000};

TEST(Percentile, TheAnswerIsTheUpperEdgeOfTheBinOfTheSortedListsPercentile) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    const auto values = seed % 2 == 0 ? any_bits(300 * seed, seed) : bell(300 * seed, seed);
    const std::span<const float> all(values);
    const auto sorted = sorted_magnitudes(all);
    auto counted = std::make_unique<fb::percentile_calibrator<>>();
    counted->add(all);
    using spread = fb::histogram<7>;
    for (const std::uint32_t share : shares) {
      // The smallest rank that is at least the share: counted up, not divided.
      std::size_t rank = 1;
      while (rank * 1'000'000 < sorted.size() * std::uint64_t{share})
        ++rank;
      const std::uint32_t exact = sorted[rank - 1];
      const std::uint32_t edge = std::min(spread::first_code(spread::bin_of_code(exact) + 1), sorted.back());
      const std::uint32_t expected = exact == 0 ? 0 : fewbits_test::planted() && share == 999'000 ? edge + 1 : edge;
      ASSERT_EQ(code_of(counted->amax(share)), expected) << "seed " << seed << ", share " << share;
      ASSERT_EQ(code_of(fb::percentile_amax(all, share)), exact) << "seed " << seed << ", share " << share;
      const auto pieces = by_random_pieces<fb::percentile_calibrator<>>(all, seed + share);
      ASSERT_EQ(code_of(pieces->amax(share)), expected) << "seed " << seed << ", share " << share;
      ++visited;
    }
    ASSERT_EQ(code_of(counted->amax(2'000'000)), sorted.back());
  }
  std::printf("%llu percentiles\n", static_cast<unsigned long long>(visited));
}

TEST(Percentile, BothEndsOfARangeAreEdgesOfTheBinsOfTheSortedListsPercentiles) {
  using spread = fb::histogram<7, fb::histogram_signs::apart>;
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    auto values = seed % 2 == 0 ? any_bits(200 * seed, seed) : bell(200 * seed, seed);
    if (seed % 3 == 0)
      for (float& each : values)
        each = float_at(seed % 2 == 0 ? code_of(each) & 0x7fffffffu : code_of(each) | 0x80000000u);
    std::vector<std::int64_t> keys;
    for (const float each : values)
      if ((code_of(each) & 0x7fffffffu) < 0x7f800000u) {
        const std::int64_t magnitude = code_of(each) & 0x7fffffffu;
        keys.push_back((code_of(each) >> 31) != 0 ? -magnitude : magnitude);
      }
    std::sort(keys.begin(), keys.end());
    auto counted = std::make_unique<spread>();
    counted->add(std::span(values));
    const auto key_of = [](float x) {
      const std::int64_t magnitude = code_of(x) & 0x7fffffffu;
      return (code_of(x) >> 31) != 0 ? -magnitude : magnitude;
    };
    // The edge of a key's bin that is farther from the other end.
    const auto above = [](std::int64_t key) -> std::int64_t {
      if (key == 0)
        return 0;
      const std::size_t bin = spread::bin_of_code(static_cast<std::uint32_t>(key < 0 ? -key : key));
      return key < 0 ? -std::int64_t{spread::first_code(bin)} : std::int64_t{spread::first_code(bin + 1)};
    };
    for (const std::uint32_t share : shares) {
      std::size_t rank = 1;
      while (rank * 1'000'000 < keys.size() * std::uint64_t{share})
        ++rank;
      const fb::signed_range got = fb::percentile_range(*counted, share);
      ASSERT_EQ(key_of(got.highest), std::min(above(keys[rank - 1]), keys.back())) << "seed " << seed << ", " << share;
      ASSERT_EQ(key_of(got.lowest), std::max(-above(-keys[keys.size() - rank]), keys.front()))
          << "seed " << seed << ", " << share;
      ++visited;
    }
  }
  std::printf("%llu ranges\n", static_cast<unsigned long long>(visited));
}

TEST(Percentile, RanksAreExactWhereProductsWouldWrap) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(fb::percentile_rank(most, 1'000'000), most);
  EXPECT_EQ(fb::percentile_rank(most, 999'999), most - 18446744073709);  // floor(2^64 / 10^6)
  EXPECT_EQ(fb::percentile_rank(10'000, 999'900), 9999u);
  EXPECT_EQ(fb::percentile_rank(10'001, 999'900), 10'000u);
  EXPECT_EQ(fb::percentile_rank(5, 0), 1u);
}

TEST(Percentile, ZerosCountUpToTheRankAndNotPastIt) {
  auto counted = std::make_unique<fb::percentile_calibrator<>>();
  const std::array<float, 4> values{0.0f, 0.0f, -0.0f, 8.0f};
  counted->add(std::span(values));
  EXPECT_EQ(code_of(counted->amax(750'000)), 0u);
  EXPECT_EQ(code_of(counted->amax(750'001)), code_of(8.0f));
}

TEST(Percentile, WithoutValuesOrWithZerosAloneItIsZero) {
  auto counted = std::make_unique<fb::percentile_calibrator<>>();
  EXPECT_EQ(code_of(counted->amax()), 0u);
  const std::array<float, 4> values{0.0f, -0.0f, float_at(0x7f800000u), float_at(0x7fc00000u)};
  counted->add(std::span(values));
  EXPECT_EQ(code_of(counted->amax()), 0u);
  EXPECT_EQ(code_of(fb::percentile_amax(std::span(values))), 0u);
  EXPECT_EQ(code_of(fb::percentile_amax(std::span<const float>{})), 0u);
  const std::array<double, 1> huge{fb::pack_native<double>(fb::make_unpacked(false, 1, 900))};
  counted->add(std::span(huge));
  EXPECT_EQ(code_of(counted->amax()), 0x7f7fffffu);
}

/// A user's rule: amax / largest element, in a float32 scale.
struct to_largest {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format>
  constexpr typename Format::scale_type block_scale(const fb::unpacked_number& amax,
                                                    fb::no_tensor_scale) const noexcept {
    return fb::make_number<typename Format::scale_type>(
        fb::exact_quotient(amax, fb::largest<typename Format::element_type>));
  }
};
struct fp8_groups : fb::block_format<fb::e4m3, float, 16, to_largest> {};

TEST(CalibratedScale, AFixedRangeReplacesTheBlocksOwnAndValuesPastItSaturate) {
  static_assert(fb::scale_rule<fb::fixed_range_t<>, fp8_groups> && fb::scale_rule<fb::fixed_scale_t, fp8_groups>);
  static_assert(fb::scale_rule<fb::fixed_range_t<>, fb::nvfp4> && !fb::scale_rule<fb::fixed_scale_t, fb::nvfp4>);
  const std::array<float, 4> values{1.0f, -100.0f, 7.0f, 0.25f};
  const auto coded = fb::encode_block<fp8_groups>(std::span<const float>(values), {}, fb::fixed_range(14.0f));
  EXPECT_EQ(code_of(coded.scale), code_of(0.03125f));  // 14 / 448
  EXPECT_EQ(coded.codes[0], fb::e4m3{32.0f}.bits());
  EXPECT_EQ(coded.codes[1], fb::e4m3{-448.0f}.bits());
  EXPECT_EQ(coded.codes[2], fb::e4m3{224.0f}.bits());
  const auto by_scale =
      fb::encode_block<fp8_groups>(std::span<const float>(values), {}, fb::fixed_scale(fb::encode_divisor{0.03125f}));
  EXPECT_TRUE(same_bits(coded, by_scale));
  const auto other_rule =
      fb::encode_block<fb::mxfp4>(std::span<const float>(values), {}, fb::fixed_range(6.0f, fb::floor_scale));
  EXPECT_EQ(other_rule.scale.bits(), 127);
  EXPECT_EQ(other_rule.codes[1], 0xf);
}

TEST(CalibratedScale, ARangeThatSaysNothingLeavesTheBlockItsOwn) {
  const std::array<float, 2> values{28.0f, -1.0f};
  const auto own = fb::encode_block<fp8_groups>(std::span<const float>(values));
  for (const std::uint32_t bits : {0u, 0x80000000u, 0x7f800000u, 0x7fc00000u, 0xbf800000u})
    EXPECT_TRUE(same_bits(
        own, fb::encode_block<fp8_groups>(std::span<const float>(values), {}, fb::fixed_range(float_at(bits)))))
        << std::hex << bits;
}

TEST(CalibratedScale, WithATensorScaleTheRangeFixesThatAndBlocksFollowTheirOwn) {
  const fb::unpacked_number own = fb::unpack(3.0f);
  const auto rule = fb::fixed_range(2688.0f);
  EXPECT_EQ(code_of(rule.tensor_scale<fb::nvfp4>(own)), code_of(1.0f));
  EXPECT_EQ(rule.block_scale<fb::nvfp4>(own, 1.0f).bits(),
            fb::static_two_level.block_scale<fb::nvfp4>(own, 1.0f).bits());
  EXPECT_EQ(rule.block_scale<fb::nvfp4>(fb::unpack(1e6f), 1.0f).bits(), fb::ue4m3{448.0f}.bits());
}

TEST(CalibratedScale, TwoEndsFixTheScaleAndTheZeroPoint) {
  using format = fb::uint4_groups<32, float>;
  static_assert(fb::scale_rule<fb::fixed_ends_t<>, format> && !fb::scale_rule<fb::fixed_range_t<>, format>);
  std::vector<float> values(32, 0.0f);
  values[0] = 1.0f;
  values[1] = -9.0f;
  const std::span<const float> all(values);
  const auto coded = fb::encode_block<format>(all, {}, fb::fixed_range(fb::signed_range{-2.5f, 5.0f}));
  EXPECT_EQ(code_of(coded.scale), code_of(0.5f));  // 7.5 / 15
  EXPECT_EQ(coded.zero.bits(), 5);
  EXPECT_EQ(coded.codes[0], 7);
  EXPECT_EQ(coded.codes[1], 0) << "past the range";
  EXPECT_EQ(coded.codes[2], 5);
  const auto own = fb::encode_block<format>(all);
  for (const std::uint32_t bits : {0u, 0x80000000u, 0x7f800000u, 0x7fc00000u}) {
    const fb::signed_range nothing{float_at(bits), float_at(bits)};
    EXPECT_TRUE(same_bits(own, fb::encode_block<format>(all, {}, fb::fixed_range(nothing)))) << std::hex << bits;
  }
  const auto named =
      fb::encode_block<format>(all, {}, fb::fixed_range(fb::signed_range{-2.5f, 5.0f}, fb::min_max_scale));
  EXPECT_TRUE(same_bits(coded, named));
}

TEST(CalibratedScale, EndsOfAMinMaxCalibratorAreRoundedOutwards) {
  fb::min_max_calibrator range;
  EXPECT_EQ(code_of(range.ends().lowest), 0u);
  const auto power = [](int exponent, bool is_negative) {
    return fb::pack_native<double>(fb::make_unpacked(is_negative, (1ull << 40) + 1, exponent - 40));
  };
  const std::array<double, 2> near{power(0, false), power(1, true)};  // 1 + 2^-40, -2 - 2^-39
  range.add(std::span(near));
  EXPECT_EQ(code_of(range.ends().highest), 0x3f800001u);
  EXPECT_EQ(code_of(range.ends().lowest), 0xc0000001u);
  const std::array<double, 2> far{power(900, false), power(900, true)};
  range.add(std::span(far));
  EXPECT_EQ(code_of(range.ends().highest), 0x7f7fffffu);
  EXPECT_EQ(code_of(range.ends().lowest), 0xff7fffffu);
}

}  // namespace
