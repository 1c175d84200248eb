// The range with the smallest error, against sums in exact rational arithmetic over every candidate.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/number.hpp>
#include <fewbits/quantize/calibrate_mse.hpp>

#include "quantize/calibrate_elements.hpp"
#include "quantize/calibrate_samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bell;
using fewbits_test::by_random_pieces;
using fewbits_test::code_of;
using fewbits_test::element_list;
using fewbits_test::float_at;
using oracle::exact;

namespace {

using int_8 = fb::fixed_point<fb::fixed_format{.total_bits = 8}>;
constexpr auto apart = fb::histogram_signs::apart;

struct sample {
  exact value;
  std::uint64_t count;
};

/// The float32 nearest to top x k / steps, for normal results.
std::uint32_t part_of(std::uint32_t top, int k, int steps) {
  const std::uint64_t product = std::uint64_t{(top & 0x7fffffu) | 0x800000u} * static_cast<std::uint64_t>(k);
  const std::uint64_t scaled = (product << 24) / static_cast<std::uint64_t>(steps);
  const bool rest = (product << 24) % static_cast<std::uint64_t>(steps) != 0;
  const int length = 64 - std::countl_zero(scaled);
  const int drop = length - 24;
  const std::uint64_t kept = scaled >> drop;
  const std::uint64_t lost = scaled & ((1ull << drop) - 1);
  const std::uint64_t half = 1ull << (drop - 1);
  const bool up = lost > half || (lost == half && (rest || (kept & 1) != 0));
  const auto field = static_cast<std::uint32_t>(static_cast<int>(top >> 23) + drop - 24);
  return (field << 23) + static_cast<std::uint32_t>(kept - 0x800000u) + (up ? 1u : 0u);
}

exact power_sum(const element_list& list, const std::vector<sample>& samples, std::uint32_t code, int norm) {
  const exact range = oracle::from(float_at(code)).value;
  exact sum;
  for (const sample& each : samples) {
    const std::size_t chosen = fewbits_test::nearest_element(list, each.value, range);
    const exact error = (each.value * list.largest - list.all[chosen].value * range).absolute();
    sum = sum + (norm == 1 ? error : error * error) * exact{false, oracle::natural{each.count}, 0};
  }
  return sum;
}

std::uint32_t best_by_trying(const element_list& list, const std::vector<sample>& samples, std::uint32_t top,
                             const fb::mse_grid& grid) {
  std::uint32_t best = 0;
  exact smallest;
  for (int k = grid.steps; k >= grid.lowest; --k) {
    const std::uint32_t code = part_of(top, k, grid.steps);
    const exact sum = power_sum(list, samples, code, grid.norm_tenths / 10);
    if (best == 0 || (sum <=> smallest) < 0) {
      best = code;
      smallest = sum;
    }
  }
  return best;
}

template <class Element, fb::histogram_signs Signs>
std::uint64_t compare(const element_list& list, const char* name) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto values = bell(60 + 20 * seed, seed, static_cast<int>(seed % 3) * 20 - 20);
    auto counted = std::make_unique<fb::mse_calibrator<Element, 4, Signs>>();
    counted->add(std::span(values));
    std::vector<sample> bins;
    using spread = fb::histogram<4, Signs>;
    for (std::size_t b = 0; b < spread::bins; ++b)
      for (const bool negative : {false, true})
        if (negative <= (Signs == apart))
          if (const std::uint64_t count = counted->count(b, negative); count != 0) {
            const exact value = oracle::from(float_at(spread::middle_code(b))).value;
            bins.push_back({negative ? -value : value, count});
          }
    std::vector<sample> themselves;
    std::uint32_t top = 0;
    for (const float each : values) {
      themselves.push_back({oracle::from(each).value, 1});
      top = std::max(top, code_of(each) & 0x7fffffffu);
    }
    for (const fb::mse_grid grid : {fb::mse_grid{}, fb::mse_grid{37, 5, 10}}) {
      const std::uint32_t expected =
          best_by_trying(list, bins, top, grid) + (fewbits_test::planted() && seed == 4 ? 1 : 0);
      EXPECT_EQ(code_of(counted->amax(grid)), expected) << name << ", seed " << seed << ", norm " << grid.norm_tenths;
      EXPECT_EQ(code_of(fb::mse_amax<Element>(std::span(values), grid)), best_by_trying(list, themselves, top, grid))
          << name << ", values themselves, seed " << seed << ", norm " << grid.norm_tenths;
      const auto pieces =
          by_random_pieces<fb::mse_calibrator<Element, 4, Signs>>(std::span<const float>(values), seed + 100);
      EXPECT_EQ(code_of(pieces->amax(grid)), code_of(counted->amax(grid))) << name << ", seed " << seed;
      ++visited;
    }
  }
  return visited;
}

TEST(MseCalibrator, TheRangeIsThatOfExactSumsOverEveryCandidate) {
  std::uint64_t visited = 0;
  visited += compare<fb::e2m1, fb::histogram_signs::folded>(fewbits_test::floats(1, 1, 7), "e2m1");
  visited += compare<fb::e4m3, fb::histogram_signs::folded>(fewbits_test::floats(3, 7, 126), "e4m3");
  visited += compare<fb::e5m2, apart>(fewbits_test::floats(2, 15, 123), "e5m2");
  visited += compare<fb::int4, fb::histogram_signs::folded>(fewbits_test::integers(-8, 7), "int4");
  visited += compare<fb::int4, apart>(fewbits_test::integers(-8, 7), "int4, signs apart");
  visited += compare<fb::uint4, apart>(fewbits_test::integers(0, 15), "uint4");
  visited += compare<int_8, apart>(fewbits_test::integers(-128, 127), "int8");
  visited += compare<fb::mxint8, apart>(fewbits_test::integers(-127, 127, 6), "mxint8");
  std::printf("%llu searches\n", static_cast<unsigned long long>(visited));
}

TEST(MseCalibrator, Norm24ChoosesARangeWhoseSumIsTheSmallestByDoubles) {
  const element_list list = fewbits_test::integers(-8, 7);
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed, ++visited) {
    const auto values = bell(400, seed);
    std::uint32_t top = 0;
    for (const float each : values)
      top = std::max(top, code_of(each) & 0x7fffffffu);
    const std::uint32_t chosen = code_of(fb::mse_amax<fb::int4>(std::span(values), {.norm_tenths = 24}));
    double smallest = 0;
    double of_chosen = -1;
    for (int k = 100; k >= 20; --k) {
      const std::uint32_t code = part_of(top, k, 100);
      const exact range = oracle::from(float_at(code)).value;
      double sum = 0;
      for (const float each : values) {
        const exact value = oracle::from(each).value;
        const std::size_t element = fewbits_test::nearest_element(list, value, range);
        const exact error = value * list.largest - list.all[element].value * range;
        sum += std::pow(std::fabs(error.to_double()), 2.4);
      }
      smallest = k == 100 ? sum : std::min(smallest, sum);
      if (code == chosen)
        of_chosen = sum;
    }
    EXPECT_GE(of_chosen, 0) << "no candidate has bits " << std::hex << chosen << ", seed " << std::dec << seed;
    EXPECT_LE(of_chosen, smallest * (1 + 1e-9)) << "seed " << seed;
  }
  std::printf("%llu searches\n", static_cast<unsigned long long>(visited));
}

TEST(MseCalibrator, TheBitsAreTheSameOnEveryMachineAndUnderEveryFlag) {
  const auto values = bell(20000, 77);
  auto counted = std::make_unique<fb::histogram<>>();
  counted->add(std::span(values));
  const std::array<std::uint32_t, 6> got{
      code_of(fb::mse_amax<fb::e2m1>(*counted)),
      code_of(fb::mse_amax<fb::int4>(*counted)),
      code_of(fb::mse_amax<int_8>(*counted)),
      code_of(fb::mse_amax<fb::e4m3>(*counted, {.norm_tenths = 24})),
      code_of(fb::mse_amax<fb::int4>(*counted, {.norm_tenths = 24})),
      code_of(fb::mse_amax<fb::int4>(*counted, {.steps = 1000, .lowest = 10, .norm_tenths = 13}))};
  const std::array<std::uint32_t, 6> expected{0x40923288u, 0x4049a6cdu, 0x416cf0cau,
                                              0x417705eeu, 0x40923288u, 0x3ffc1080u};
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i], expected[i]) << "case " << i << " is " << std::hex << got[i];
}

TEST(MseCalibrator, SumsOfErrorsAreExactAtEverySize) {
  using fb::detail::error_sum;
  using fb::detail::plain_integer;
  const auto sum_of = [](plain_integer error, std::uint64_t count, int norm) {
    error_sum sum;
    sum.add(error, count, norm);
    return sum;
  };
  std::uint64_t visited = 0;
  for (int exponent = -200; exponent <= 60; exponent += 13)
    for (int bits = 0; bits < 62; ++bits, ++visited) {
      const plain_integer large{1ull << bits, exponent};
      const plain_integer small{1, exponent};
      ASSERT_TRUE(sum_of(large, 3, 10) == sum_of(small, 3ull << bits, 10)) << bits << " bits, 2^" << exponent;
      ASSERT_TRUE(sum_of(large, 3, 20) == sum_of({1, exponent + bits}, 3, 20)) << bits << " bits, 2^" << exponent;
      ASSERT_TRUE(sum_of({(1ull << bits) + 1, exponent}, 1, 20) > sum_of(large, 1, 20)) << bits << " bits";
      ASSERT_TRUE(sum_of({3ull << bits, exponent}, 1, 20) == sum_of(large, 9, 20)) << bits << " bits";
    }
  std::printf("%llu sums\n", static_cast<unsigned long long>(visited));
}

TEST(MseCalibrator, EqualSumsGoToTheLargerRange) {
  const std::array<float, 3> below_zero{-1.0f, -5.0f, -3.0f};  // an unsigned element has nothing but 0 for them
  EXPECT_EQ(code_of(fb::mse_amax<fb::uint4>(std::span(below_zero))), code_of(5.0f));
}

TEST(MseCalibrator, EdgesOfTheRangeOfFloat) {
  const std::array<float, 3> tiny{float_at(1), float_at(2), float_at(5)};
  EXPECT_EQ(code_of(fb::mse_amax<fb::int4>(std::span(tiny))), 5u);  // 1, 2 and 5 are whole sevenths of no smaller range
  const std::array<float, 2> huge{float_at(0x7f7fffffu), float_at(0xff7fffffu)};
  EXPECT_EQ(code_of(fb::mse_amax<fb::e4m3>(std::span(huge))), 0x7f7fffffu);
  const std::array<double, 1> past{fb::pack_native<double>(fb::make_unpacked(false, 1, 1000))};
  EXPECT_EQ(code_of(fb::mse_amax<fb::e4m3>(std::span(past))), 0x7f7fffffu);
  const std::array<float, 3> nothing{0.0f, float_at(0x7fc00000u), float_at(0xff800000u)};
  EXPECT_EQ(code_of(fb::mse_amax<fb::e4m3>(std::span(nothing))), 0u);
  auto counted = std::make_unique<fb::mse_calibrator<fb::e2m1>>();
  EXPECT_EQ(code_of(counted->amax()), 0u);
  const std::array<float, 1> alone{3.0f};
  counted->add(std::span(alone));
  counted->add(std::span(past));
  EXPECT_NE(code_of(counted->amax()), 0u);
  EXPECT_EQ((fb::mse_grid{5000, -1, 1}.clamped()), (fb::mse_grid{1024, 128, 10}));
  EXPECT_EQ((fb::mse_grid{0, 9, 99}.clamped()), (fb::mse_grid{1, 1, 40}));
}

constexpr std::array<float, 5> constants{0.1f, -0.5f, 0.25f, 0.75f, 1.0f};
static_assert(fb::mse_amax<fb::e2m1>(std::span(constants), {.steps = 10, .lowest = 5}) > 0);

}  // namespace
