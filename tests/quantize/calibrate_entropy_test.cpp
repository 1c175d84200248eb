// The range with the smallest divergence, against a model in doubles that is written from the definition.
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
#include <fewbits/quantize/calibrate_entropy.hpp>

#include "quantize/calibrate_elements.hpp"
#include "quantize/calibrate_samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bell;
using fewbits_test::by_random_pieces;
using fewbits_test::code_of;
using fewbits_test::element_list;
using fewbits_test::float_at;

namespace {

using int_8 = fb::fixed_point<fb::fixed_format{.total_bits = 8}>;
static_assert(fb::entropy_mantissa_bits<int_8>() == 10 && fb::entropy_mantissa_bits<fb::int4>() == 6);
static_assert(fb::entropy_mantissa_bits<fb::e4m3>() == 7 && fb::entropy_mantissa_bits<fb::e2m1>() == 5);

struct candidate {
  std::uint32_t range;
  double divergence;
};

/// KL(P || Q) in bits for every clip, from the largest down.
template <int MantissaBits>
std::vector<candidate> all_divergences(const fb::histogram<MantissaBits>& of, const element_list& list,
                                       int top_exponent, std::uint32_t top_code) {
  using spread = fb::histogram<MantissaBits>;
  constexpr std::size_t per_binade = std::size_t{1} << MantissaBits;
  const auto first = static_cast<std::size_t>(top_exponent - 24 + 127) << MantissaBits;
  struct bin {
    double middle, width, count;
    std::size_t index;
  };
  std::vector<bin> bins;
  double tiny = 0;
  for (std::size_t b = 0; b < first; ++b)
    tiny += static_cast<double>(of.count(b));
  if (tiny != 0)
    bins.push_back({std::ldexp(0.5, top_exponent - 24), std::ldexp(1.0, top_exponent - 24), tiny, 0});
  double total = tiny;
  for (std::size_t b = first; b < spread::finite_bins; ++b)
    if (of.count(b) != 0) {
      const int exponent = static_cast<int>(b / per_binade) - 127;
      bins.push_back({float_at(spread::middle_code(b)), std::ldexp(1.0, exponent - MantissaBits),
                      static_cast<double>(of.count(b)), b});
      total += bins.back().count;
    }
  total += static_cast<double>(of.count(spread::bin_past_float));
  std::vector<double> levels;
  for (const auto& each : list.all)
    if (!each.value.negative() || each.value.is_zero())
      levels.push_back(each.value.to_double());
  const double largest = levels.back();

  const std::size_t top_bin = spread::bin_of_code(top_code);
  const std::size_t stride = MantissaBits > 7 ? per_binade / 128 : 1;
  std::vector<candidate> made;
  for (std::size_t clip = top_bin + 1; clip + 4 * per_binade > top_bin; --clip) {
    if (clip != top_bin + 1 && clip % stride != 0)
      continue;
    const std::uint32_t range_code = std::min(spread::first_code(clip), top_code);
    const double range = float_at(range_code);
    std::vector<bin> inside;
    for (const bin& each : bins)
      if (each.index < clip)
        inside.push_back(each);
    if (inside.empty())
      break;
    std::vector<std::size_t> level(inside.size());
    std::vector<double> mass(levels.size()), width(levels.size());
    double inside_total = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const double wanted = inside[i].middle * largest;  // exact, as the products below
      std::size_t at = 0;
      while (at + 1 < levels.size()) {
        const double midpoint = (levels[at] + levels[at + 1]) * 0.5 * range;
        if (wanted < midpoint || (wanted == midpoint && at % 2 == 0))
          break;
        ++at;
      }
      level[i] = at;
      mass[at] += inside[i].count;
      width[at] += inside[i].width;
      inside_total += inside[i].count;
    }
    double divergence = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const double q = mass[level[i]] * inside[i].width / width[level[i]] / inside_total;
      const double p = (inside[i].count + (i + 1 == inside.size() ? total - inside_total : 0)) / total;
      divergence += p * std::log2(p / q);
    }
    made.push_back({range_code, divergence});
  }
  return made;
}

template <class Element, int MantissaBits>
std::uint64_t compare(const element_list& list, const char* name) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed, ++visited) {
    const auto values = bell(20000, seed, static_cast<int>(seed) * 10 - 30);
    auto counted = std::make_unique<fb::entropy_calibrator<Element, MantissaBits>>();
    counted->add(std::span(values));
    std::uint32_t top = 0;
    for (const float each : values)
      top = std::max(top, code_of(each) & 0x7fffffffu);
    const std::uint32_t got = code_of(counted->amax()) + (fewbits_test::planted() && seed == 3 ? 1 : 0);
    double of_chosen = -1, smallest = 1e9;
    for (const candidate& each :
         all_divergences<MantissaBits>(*counted, list, static_cast<int>(top >> 23) - 127, top)) {
      smallest = std::min(smallest, each.divergence);
      if (each.range == got)
        of_chosen = each.divergence;
    }
    EXPECT_GE(of_chosen, -1e-9) << name << ", seed " << seed << ": no candidate has bits " << std::hex << got;
    EXPECT_NEAR(of_chosen, smallest, 1e-10) << name << ", seed " << seed << ", bits " << std::hex << got;
    const auto pieces =
        by_random_pieces<fb::entropy_calibrator<Element, MantissaBits>>(std::span<const float>(values), seed + 100);
    EXPECT_EQ(code_of(pieces->amax()), code_of(counted->amax())) << name << ", seed " << seed;
  }
  return visited;
}

TEST(EntropyCalibrator, TheRangeHasTheSmallestDivergenceByAModelInDoubles) {
  std::uint64_t visited = 0;
  visited += compare<fb::e2m1, 5>(fewbits_test::floats(1, 1, 7), "e2m1");
  visited += compare<fb::e4m3, 5>(fewbits_test::floats(3, 7, 126), "e4m3");
  visited += compare<fb::int4, 6>(fewbits_test::integers(-8, 7), "int4");
  visited += compare<int_8, 8>(fewbits_test::integers(-128, 127), "int8");
  std::printf("%llu searches\n", static_cast<unsigned long long>(visited));
}

TEST(EntropyCalibrator, ValuesPastFloatArePartOfTheTail) {
  std::vector<double> values;
  for (const float each : bell(20000, 9)) {
    fb::unpacked_number number = fb::unpack(each);
    number.exponent += 127;
    values.push_back(fb::pack_native<double>(number));
  }
  auto counted = std::make_unique<fb::entropy_calibrator<fb::int4>>();
  counted->add(std::span(values));
  ASSERT_GT(counted->count(fb::histogram<6>::bin_past_float), 100u);
  const std::uint32_t got = code_of(counted->amax());
  double of_chosen = -1, smallest = 1e9;
  for (const candidate& each : all_divergences<6>(*counted, fewbits_test::integers(-8, 7), 127, 0x7f7fffffu)) {
    smallest = std::min(smallest, each.divergence);
    if (each.range == got)
      of_chosen = each.divergence;
  }
  EXPECT_NEAR(of_chosen, smallest, 1e-10) << std::hex << got;
}

TEST(EntropyCalibrator, TheBitsAreTheSameOnEveryMachineAndUnderEveryFlag) {
  const auto values = bell(50000, 78);
  auto fine = std::make_unique<fb::entropy_calibrator<int_8>>();
  fine->add(std::span(values));
  auto coarse = std::make_unique<fb::histogram<>>();
  coarse->add(std::span(values));
  const std::array<std::uint32_t, 4> got{code_of(fine->amax()), code_of(fb::entropy_amax<fb::int4>(*coarse)),
                                         code_of(fb::entropy_amax<fb::e4m3>(*coarse)),
                                         code_of(fb::entropy_amax<fb::e2m1>(*coarse))};
  const std::array<std::uint32_t, 4> expected{0x40730000u, 0x40290000u, 0x41700000u, 0x402e0000u};
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i], expected[i]) << "case " << i << " is " << std::hex << got[i];
}

TEST(EntropyCalibrator, AFarOutlierIsClippedAndAUniformSpreadIsNot) {
  auto values = bell(20000, 5);
  values.push_back(60.0f);
  auto counted = std::make_unique<fb::entropy_calibrator<int_8>>();
  counted->add(std::span(values));
  EXPECT_LT(code_of(counted->amax()), code_of(30.0f));
  auto even = std::make_unique<fb::entropy_calibrator<fb::int4>>();
  std::vector<float> steps(40000);
  for (std::size_t i = 0; i < steps.size(); ++i)
    steps[i] = static_cast<float>(i);
  even->add(std::span(steps));
  EXPECT_GT(code_of(even->amax()), code_of(39000.0f));
}

TEST(EntropyCalibrator, EdgesOfTheRangeOfFloat) {
  using calibrator = fb::entropy_calibrator<fb::int4>;
  const auto amax_of = [](auto... values) {
    auto counted = std::make_unique<calibrator>();
    (counted->add(std::span(values)), ...);
    return code_of(counted->amax());
  };
  EXPECT_EQ(amax_of(), 0u);
  EXPECT_EQ(amax_of(std::array<float, 2>{0.0f, float_at(0x7fc00000u)}), 0u);
  EXPECT_EQ(amax_of(std::array<float, 1>{float_at(1)}), 1u);
  EXPECT_EQ(amax_of(std::array<float, 2>{float_at(0x00000400u), float_at(0x007fffffu)}), 0x007fffffu);  // subnormals
  EXPECT_EQ(amax_of(std::array<float, 1>{float_at(0x00800001u)}), 0x00800001u);
  EXPECT_EQ(amax_of(std::array<float, 1>{float_at(0x7f7fffffu)}), 0x7f7fffffu);
  const double past = fb::pack_native<double>(fb::make_unpacked(false, 1, 1000));
  EXPECT_EQ(amax_of(std::array<double, 1>{past}), 0x7f7fffffu);
  EXPECT_EQ(amax_of(std::array<double, 2>{past, 1.0}), 0x7f7fffffu);
  auto full = std::make_unique<calibrator>();
  const auto values = bell(50, 3);
  full->add(std::span(values));
  for (int i = 0; i < 70; ++i) {
    const auto copy = std::make_unique<calibrator>(*full);
    full->merge(*copy);
  }
  EXPECT_NE(code_of(full->amax()), 0u) << "counts that stopped at 2^64 - 1 still have an answer";
}

}  // namespace
