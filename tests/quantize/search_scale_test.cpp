// Rules that try a few scales: the one of least error by rational arithmetic, ties as documented, ends clamped.
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/quantize/search_scale.hpp>

#include "matrix/samples.hpp"
#include "quantize/exact_errors.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::exact;
using fewbits_test::float_of;
using fewbits_test::sum_of;

namespace {

constexpr sum_of norm_of(fb::error_norm norm) {
  return norm == fb::error_norm::squared    ? sum_of::squares
         : norm == fb::error_norm::absolute ? sum_of::distances
                                            : sum_of::largest;
}

/// The first of the candidates with the least error, and whether another one ties with it.
struct choice {
  unsigned code;
  bool tie;
};
choice first_of_least(std::span<const float> values, std::span<const float> weights, std::span<const exact> elements,
                      std::span<const unsigned> candidates, std::span<const exact> units, fb::error_norm norm) {
  const auto all = fewbits_test::exact_values(values);
  choice best{candidates[0], false};
  exact least = *fewbits_test::error_on_grid(all, weights, elements, units[0], {}, norm_of(norm));
  for (std::size_t k = 1; k < candidates.size(); ++k) {
    const exact error = *fewbits_test::error_on_grid(all, weights, elements, units[k], {}, norm_of(norm));
    if (error < least) {
      best = {candidates[k], false};
      least = error;
    } else if (error == least && candidates[k] != best.code) {
      best.tie = true;
    }
  }
  return best;
}

// ---- powers of two ----

/// floor's code, the one below and the one above, clamped to 2^-127 .. 2^127.
std::array<unsigned, 3> neighbours(std::span<const float> values, int element_exponent) {
  const exact amax = *oracle::largest_magnitude(values);
  const int floor = amax.magnitude().bit_length() + amax.exponent() - 1 - element_exponent + 127;
  const auto clamped = [](int code) { return static_cast<unsigned>(code < 0 ? 0 : code > 254 ? 254 : code); };
  return {clamped(floor), clamped(floor - 1), clamped(floor + 1)};
}
template <fb::blocked Format, fb::error_norm Norm>
choice expected_search(std::span<const float> values, std::span<const float> weights, int element_exponent) {
  static const auto elements = fewbits_test::element_values<Format>();
  const auto codes = neighbours(values, element_exponent);
  std::array<exact, 3> units;
  for (std::size_t k = 0; k < 3; ++k)
    units[k] = oracle::ue8m0_value(codes[k]);
  return first_of_least(values, weights, elements, codes, units, Norm);
}

struct counts {
  std::uint64_t visited = 0;
  std::uint64_t ties = 0;
};

template <fb::blocked Format, fb::error_norm Norm>
void expect_search(const char* name, std::span<const float> values, int element_exponent, counts& seen) {
  auto expected = expected_search<Format, Norm>(values, {}, element_exponent);
  if (fewbits_test::planted() && seen.visited == 7)
    expected.code ^= 1;
  const auto got = fb::encode_block<Format>(values, {}, fb::search_scale_t<Norm>{});
  ASSERT_EQ(got.scale.bits(), expected.code)
      << name << " norm " << static_cast<int>(Norm) << fewbits_test::show_bits(values);
  seen.ties += expected.tie ? 1 : 0;
  ++seen.visited;
}
template <fb::blocked Format>
void expect_search_of(const char* name, int element_exponent, std::size_t stride) {
  counts seen;
  auto blocks = fewbits_test::finite_hard_blocks(Format::size, stride);
  for (std::uint64_t seed = 0; seed < 100; ++seed)
    blocks.push_back(fewbits_test::normal_samples(Format::size, seed));
  for (const auto& values : blocks) {
    expect_search<Format, fb::error_norm::squared>(name, values, element_exponent, seen);
    expect_search<Format, fb::error_norm::absolute>(name, values, element_exponent, seen);
    expect_search<Format, fb::error_norm::largest>(name, values, element_exponent, seen);
    if (testing::Test::HasFatalFailure())
      return;
  }
  std::printf("%s: %llu blocks, %llu ties\n", name, static_cast<unsigned long long>(seen.visited),
              static_cast<unsigned long long>(seen.ties));
  EXPECT_GT(seen.ties, 0u) << name;
}

TEST(SearchScale, TakesTheBestOfFloorAndItsNeighbours) {
  expect_search_of<fb::mxfp4>("mxfp4", 2, 23);
  expect_search_of<fb::mxfp6_e2m3>("mxfp6 e2m3", 2, 71);
  expect_search_of<fb::mxfp6_e3m2>("mxfp6 e3m2", 4, 71);
  expect_search_of<fb::mxfp8_e4m3>("mxfp8 e4m3", 8, 71);
  expect_search_of<fb::mxfp8_e5m2>("mxfp8 e5m2", 15, 71);
  expect_search_of<fb::mxint8_blocks>("mxint8", 0, 71);
}

TEST(SearchScale, TiesGoToFloorThenToTheOneBelow) {
  // 4 and 0: exact under 1 and under 2; floor is 1.
  std::array<float, 32> block{4.0f};
  EXPECT_EQ(fb::encode_block<fb::mxfp4>(std::span<const float>(block), {}, fb::search_scale).scale.bits(), 127);
  // Blocks of small integers: every order of the three errors is met, and the oracle's tie rule with it.
  std::mt19937 random(5);
  std::uint64_t with_floor = 0;
  const auto elements = fewbits_test::element_values<fb::mxfp4>();
  for (int n = 0; n < 4000; ++n) {
    std::vector<float> values(1 + random() % 3);
    for (float& each : values)
      each = static_cast<float>(1 + random() % 31) * (random() % 2 != 0 ? 1.0f : -1.0f);
    const auto codes = neighbours(values, 2);
    const auto all = fewbits_test::exact_values(std::span<const float>(values));
    std::array<exact, 3> errors;
    for (std::size_t k = 0; k < 3; ++k)
      errors[k] = *fewbits_test::error_on_grid(all, {}, elements, oracle::ue8m0_value(codes[k]), {}, sum_of::largest);
    const unsigned expected = errors[0] <= errors[1] && errors[0] <= errors[2] ? codes[0]
                              : errors[1] <= errors[2]                         ? codes[1]
                                                                               : codes[2];
    with_floor +=
        (errors[0] == errors[1] && errors[1] <= errors[2]) || (errors[0] == errors[2] && errors[2] <= errors[1]);
    const auto got =
        fb::encode_block<fb::mxfp4>(std::span<const float>(values), {}, fb::search_scale_t<fb::error_norm::largest>{});
    ASSERT_EQ(got.scale.bits(), expected) << fewbits_test::show_bits(values);
  }
  std::printf("4000 blocks, %llu ties with floor\n", static_cast<unsigned long long>(with_floor));
  EXPECT_GT(with_floor, 0u);
  // Under 1/2: 7.5 is 4.5 away. Under 2: 7.5 is .5 away and .25 becomes 0, which costs 320 / 16. Under 1 both lose
  // more.
  const std::array<float, 2> values{7.5f, 0.25f};
  const std::array<float, 2> weights{1.0f, 320.0f};
  const auto made = fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(values.data(), 1, 2), fb::search_scale,
                                            fb::importance(weights));
  EXPECT_EQ(made->scales()[0].bits(), 126);
}

TEST(SearchScale, EndsOfTheScaleAreClamped) {
  const auto scale_of = [](float x) {
    const std::array<float, 1> block{x};
    return fb::encode_block<fb::mxfp4>(std::span<const float>(block), {}, fb::search_scale).scale.bits();
  };
  EXPECT_EQ(scale_of(float_of(1)), 0);             // 2^-149: floor is 2^-151
  EXPECT_EQ(scale_of(float_of(0x7f7fffff)), 253);  // 2^128 (1 - 2^-24) is near 4 x 2^126; floor ends at 6 x 2^125
  const std::array<double, 1> huge{0x1p600};
  EXPECT_EQ(fb::encode_block<fb::mxfp4>(std::span<const double>(huge), {}, fb::search_scale).scale.bits(), 254);
  const std::array<double, 1> tiny{0x1p-600};
  EXPECT_EQ(fb::encode_block<fb::mxfp4>(std::span<const double>(tiny), {}, fb::search_scale).scale.bits(), 0);
}

TEST(SearchScale, ImportanceDecides) {
  std::mt19937 random(9);
  std::uint64_t differs = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto values = fewbits_test::normal_samples(2 * 45, seed);  // two blocks a row, the last of 13
    std::vector<float> weights(45);
    for (float& each : weights)
      each = static_cast<float>(random() % 4 == 0 ? random() % 64 : 0);
    const auto made = fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(values.data(), 2, 45), fb::search_scale,
                                              fb::importance(weights));
    ASSERT_TRUE(made);
    for (std::size_t b = 0; b < 4; ++b) {
      const std::size_t column = b % 2 * 32;
      const std::size_t count = b % 2 == 0 ? 32 : 13;
      const auto part = std::span<const float>(values).subspan(b / 2 * 45 + column, count);
      const auto expected = expected_search<fb::mxfp4, fb::error_norm::squared>(
          part, std::span<const float>(weights).subspan(column, count), 2);
      ASSERT_EQ(made->scales()[b].bits(), expected.code) << "seed " << seed << " block " << b;
      differs += expected.code != expected_search<fb::mxfp4, fb::error_norm::squared>(part, {}, 2).code ? 1u : 0u;
    }
  }
  std::printf("1200 blocks, %llu of them decided by importance\n", static_cast<unsigned long long>(differs));
  EXPECT_GT(differs, 0u);
}

TEST(SearchScale, InfAndNanThatPassHaveNoPart) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    auto values = fewbits_test::normal_samples(32, seed);
    auto without = values;
    for (const std::size_t i : {seed % 32, (seed + 5) % 32}) {
      values[i] = float_of(i % 2 == 0 ? 0x7fc00000u : 0xff800000u);
      without[i] = 0;
    }
    EXPECT_EQ(fb::encode_block<fb::mxfp8_e4m3>(std::span<const float>(values), {}, fb::search_scale, fb::pass_nonfinite)
                  .scale.bits(),
              fb::encode_block<fb::mxfp8_e4m3>(std::span<const float>(without), {}, fb::search_scale).scale.bits())
        << "seed " << seed;
    EXPECT_EQ(fb::encode_block<fb::mxfp4>(std::span<const float>(values), {}, fb::search_scale).scale.bits(), 255);
  }
}

// ---- four over six ----

/// The ue4m3 nearest to amax / (target g), ties to even, from 2^-9 to 448.
unsigned scale_to(const exact& amax, int target, float g) {
  const exact divisor = exact::integer(target) * oracle::from(g).value;
  unsigned code = 0;
  while (code < 126) {
    const exact twice_midpoint = (oracle::ue4m3_value(code) + oracle::ue4m3_value(code + 1)) * divisor;
    const auto order = amax.scaled(1).compare_magnitude(twice_midpoint);
    if (order < 0 || (order == 0 && code % 2 == 0))
      break;
    ++code;
  }
  return code == 0 ? 1 : code;
}

template <fb::error_norm Norm>
void expect_four_over_six(std::span<const float> values, float g, counts& seen) {
  static const auto elements = fewbits_test::element_values<fb::nvfp4>();
  const exact amax = *oracle::largest_magnitude(values);
  const std::array<unsigned, 2> codes{scale_to(amax, 6, g), scale_to(amax, 4, g)};
  const std::array<exact, 2> units{oracle::ue4m3_value(codes[0]) * oracle::from(g).value,
                                   oracle::ue4m3_value(codes[1]) * oracle::from(g).value};
  const auto expected = first_of_least(values, {}, elements, codes, units, Norm);
  const auto got = fb::encode_block<fb::nvfp4>(values, g, fb::four_over_six_t<Norm>{});
  ASSERT_EQ(got.scale.bits(), expected.code) << "norm " << static_cast<int>(Norm) << " tensor scale " << std::hex
                                             << bits_of(g) << fewbits_test::show_bits(values);
  seen.ties += expected.tie ? 1 : 0;
  ++seen.visited;
}

TEST(FourOverSix, TakesTheBetterOfTheTwo) {
  counts seen;
  auto blocks = fewbits_test::finite_hard_blocks(16, 11);
  for (std::uint64_t seed = 0; seed < 300; ++seed)
    blocks.push_back(fewbits_test::normal_samples(16, seed));
  std::mt19937 random(2);
  for (const auto& values : blocks) {
    float amax = 0;
    for (const float each : values)
      amax = bits_of(amax) < (bits_of(each) & 0x7fffffffu) ? float_of(bits_of(each) & 0x7fffffffu) : amax;
    // As the rule would have it, larger, smaller: both scales at the ends too.
    const unsigned field = bits_of(amax) >> 23;
    const unsigned shifted = field + static_cast<unsigned>(random()) % 24;
    for (const float g : {fb::four_over_six.tensor_scale<fb::nvfp4>(fb::unpack(amax)),
                          float_of(shifted > 20 ? (shifted - 20 < 250 ? shifted - 20 : 250) << 23 | 0x200001 : 3)}) {
      expect_four_over_six<fb::error_norm::squared>(values, g, seen);
      expect_four_over_six<fb::error_norm::absolute>(values, g, seen);
      expect_four_over_six<fb::error_norm::largest>(values, g, seen);
    }
    if (HasFatalFailure())
      return;
  }
  std::printf("%llu blocks, %llu ties\n", static_cast<unsigned long long>(seen.visited),
              static_cast<unsigned long long>(seen.ties));
  EXPECT_GT(seen.ties, 0u);
}

TEST(FourOverSix, TiesGoToSix) {
  // 12 alone is exact as 6 x 2 and as 4 x 3.
  const std::array<float, 2> block{12.0f, -12.0f};
  EXPECT_EQ(
      static_cast<float>(fb::encode_block<fb::nvfp4>(std::span<const float>(block), 1.0f, fb::four_over_six).scale),
      2.0f);
  // 12, 9: 9 is 3 x 3, and 4.5 x 2 is no element.
  const std::array<float, 2> other{12.0f, 9.0f};
  EXPECT_EQ(
      static_cast<float>(fb::encode_block<fb::nvfp4>(std::span<const float>(other), 1.0f, fb::four_over_six).scale),
      3.0f);
}

TEST(FourOverSix, TheTensorScaleIsAmaxOver1536RoundedOnce) {
  std::uint64_t visited = 0;
  std::mt19937 random(4);
  std::vector<std::uint32_t> magnitudes;
  for (const std::uint32_t each : fewbits_test::boundary_magnitudes())
    if (each != 0 && each < 0x7f800000u)
      magnitudes.push_back(each);
  for (int n = 0; n < 2000; ++n)
    magnitudes.push_back(1 + static_cast<std::uint32_t>(random()) % 0x7f7fffffu);
  for (const std::uint32_t each : magnitudes) {
    const std::uint32_t got = bits_of(fb::four_over_six.tensor_scale<fb::nvfp4>(fb::unpack(float_of(each))));
    const auto twice_midpoint = [](std::uint32_t low) {
      return (oracle::magnitude_of(float_of(low)) + oracle::magnitude_of(float_of(low + 1))) * exact::integer(1536);
    };
    const exact doubled = oracle::magnitude_of(float_of(each)).scaled(1);
    ASSERT_GE(got, 1u);
    const auto above = doubled.compare_magnitude(twice_midpoint(got));
    EXPECT_TRUE(above < 0 || (above == 0 && got % 2 == 0)) << std::hex << each;
    if (got > 1) {
      const auto below = doubled.compare_magnitude(twice_midpoint(got - 1));
      EXPECT_TRUE(below > 0 || (below == 0 && got % 2 == 0)) << std::hex << each;
    }
    ++visited;
  }
  std::printf("%llu tensor scales\n", static_cast<unsigned long long>(visited));
}

TEST(FourOverSix, ATensorScaleThatIsNoPositiveNumberPoisonsOrGivesZeros) {
  const auto values = fewbits_test::normal_samples(16, 1);
  for (const std::uint32_t bits : {0x7fc00000u, 0x7f800000u, 0xff800000u, 0xbf800000u}) {
    const auto made = fb::encode_block<fb::nvfp4>(std::span<const float>(values), float_of(bits), fb::four_over_six);
    EXPECT_EQ(made.scale.bits(), 0x7f) << std::hex << bits;
    for (std::size_t i = 0; i < 16; ++i)
      EXPECT_EQ(made.codes[i], 0);
  }
  std::vector<float> decoded(16, 1.0f);
  fb::decode_block(fb::encode_block<fb::nvfp4>(std::span<const float>(values), 0.0f, fb::four_over_six), decoded, 0.0f);
  for (const float each : decoded)
    EXPECT_EQ(each, 0.0f);
}

constexpr std::array<float, 64> constants = [] {
  std::array<float, 64> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16.0f;
  return made;
}();
constexpr auto searched = fb::quantize<fb::mxfp4, 1, 64>(constants, fb::search_scale);
constexpr auto four = fb::quantize<fb::nvfp4, 1, 64>(constants, fb::four_over_six);

TEST(SearchScale, RunTimeEqualsCompileTime) {
  const std::vector<float> values(constants.begin(), constants.end());
  const fb::matrix_view<const float> view(values.data(), 1, 64);
  const auto mx = fb::quantize<fb::mxfp4>(view, fb::search_scale);
  const auto nv = fb::quantize<fb::nvfp4>(view, fb::four_over_six);
  EXPECT_TRUE(std::ranges::equal(mx->codes(), searched.view().codes()));
  EXPECT_TRUE(std::ranges::equal(mx->scales(), searched.view().scales()));
  EXPECT_TRUE(std::ranges::equal(nv->codes(), four.view().codes()));
  EXPECT_TRUE(std::ranges::equal(nv->scales(), four.view().scales()));
  EXPECT_EQ(bits_of(nv->tensor_scale()), bits_of(four.view().tensor_scale()));
}

}  // namespace
