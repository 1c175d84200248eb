// Delayed scaling against a plain model written from Transformer Engine's update, and sequences worked by hand.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/number.hpp>
#include <fewbits/quantize/delayed_scaling.hpp>

#include "oracle/exact.hpp"
#include "quantize/calibrate_samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::code_of;
using fewbits_test::float_at;

namespace {

static_assert(!std::is_convertible_v<fb::encode_multiplier, fb::encode_divisor>);
static_assert(std::is_trivially_copyable_v<fb::delayed_scaling<fb::e4m3>>);
static_assert(fb::delayed_scaling<fb::e4m3>::length() == 1024);

/// The float32 nearest to a / b, both above 0, by exact comparison; the largest or the smallest float32 outside.
std::uint32_t nearest(const oracle::exact& a, const oracle::exact& b) {
  const auto value = [](std::uint32_t code) {
    return code >= 0x7f800000u ? oracle::exact::power_of_two(128) : oracle::from(float_at(code)).value;
  };
  std::uint32_t low = 0, high = 0x7f800000u;
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (value(middle) * b <=> a) <= 0 ? low = middle : high = middle;
  }
  const auto to_midpoint = (a + a) <=> (value(low) + value(high)) * b;
  const std::uint32_t code = to_midpoint > 0 || (to_midpoint == 0 && (low & 1) != 0) ? high : low;
  return code == 0 ? 1 : std::min(code, 0x7f7fffffu);
}

/// Slot 0 stands for the current step; a step rolls the list, and slot 0 becomes 0. Oldest first from slot 1.
struct model {
  std::vector<std::uint32_t> history;
  fb::amax_choice choice;
  std::int64_t largest;
  int margin;
  std::uint32_t multiplier = 0x3f800000u;
  std::uint32_t divisor = 0x3f800000u;

  void record(std::uint32_t code) {
    if ((code & 0x7fffffffu) == 0)
      return;
    history[0] = code;
    std::uint32_t amax = code;
    if (choice == fb::amax_choice::largest) {
      amax = 0;
      for (const std::uint32_t each : history)  // fmax: NaN loses, and so does what is below 0
        if (each <= 0x7f800000u)
          amax = std::max(amax, each);
    }
    std::vector<std::uint32_t> rolled(history.size());
    for (std::size_t i = 0; i < history.size(); ++i)
      rolled[i] = i == 0 ? 0 : i + 1 < history.size() ? history[i + 1] : code;
    history = rolled;
    if (amax == 0 || amax >= 0x7f800000u)
      return;
    const oracle::exact one = oracle::exact::integer(1);
    multiplier = nearest(oracle::exact::integer(largest).scaled(-margin), oracle::from(float_at(amax)).value);
    divisor = nearest(one, oracle::from(float_at(multiplier)).value);
  }
};

template <class Element, std::size_t Length>
std::uint64_t follow(std::int64_t largest, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto choice = seed % 2 == 0 ? fb::amax_choice::largest : fb::amax_choice::most_recent;
  const int margin = static_cast<int>(random() % 12) - 3;
  fb::delayed_scaling<Element, Length> got(choice, margin);
  model expected{std::vector<std::uint32_t>(Length), choice, largest, margin};
  std::uint64_t steps = 0;
  for (; steps < 4 * Length + 20; ++steps) {
    std::uint32_t code = static_cast<std::uint32_t>(random()) & 0x7fffffffu;
    switch (random() % 12) {
      case 0: code = 0; break;
      case 1: code = random() % 2 == 0 ? 0x7f800000u : 0x7fc00000u; break;
      case 2: code = 1 + static_cast<std::uint32_t>(random() % 100); break;
      case 3: code = 0x7f7fffffu; break;
      case 4: code |= 0x80000000u; break;
      default: code = 0x3f000000u + (code & 0xffffffu);
    }
    got.record(float_at(code));
    expected.record(code);
    const std::uint32_t spoilt = fewbits_test::planted() && steps == 9 ? 1 : 0;
    EXPECT_EQ(code_of(got.multiplier().value), expected.multiplier + spoilt)
        << "length " << Length << ", seed " << seed << ", step " << steps << ", amax bits " << std::hex << code;
    EXPECT_EQ(code_of(got.divisor().value), expected.divisor) << "seed " << seed << ", step " << steps;
    if (testing::Test::HasFailure())
      break;
  }
  return steps;
}

TEST(DelayedScaling, RandomSequencesFollowThePlainModel) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed)
    visited += follow<fb::e4m3, 1>(448, seed) + follow<fb::e4m3, 2>(448, seed) + follow<fb::e4m3, 16>(448, seed) +
               follow<fb::e5m2, 7>(57344, seed) + follow<fb::e5m2, 64>(57344, seed);
  std::printf("%llu steps\n", static_cast<unsigned long long>(visited));
}

TEST(DelayedScaling, ASequenceWorkedByHand) {
  fb::delayed_scaling<fb::e4m3, 3> state;
  EXPECT_EQ(code_of(state.multiplier().value), code_of(1.0f));
  EXPECT_EQ(code_of(state.divisor().value), code_of(1.0f));
  const auto expect = [&](float multiplier, float divisor) {
    EXPECT_EQ(code_of(state.multiplier().value), code_of(multiplier));
    EXPECT_EQ(code_of(state.divisor().value), code_of(divisor));
  };
  state.record(0.0f);  // nothing flowed
  expect(1.0f, 1.0f);
  state.record(7.0f);  // 448 / 7
  expect(64.0f, 0.015625f);
  state.record(3.5f);  // the window still holds 7
  expect(64.0f, 0.015625f);
  state.record(0.0f);  // takes no place
  state.record(1.75f);
  expect(64.0f, 0.015625f);
  state.record(1.75f);  // 7 has left: 3.5 is the largest
  expect(128.0f, 0.0078125f);
  state.record(float_at(0x7fc00000u));  // NaN takes a place; 1.75, 1.75, NaN
  expect(256.0f, 0.00390625f);
  state.record(float_at(0x7f800000u));  // Inf freezes the scale while it is in the window
  expect(256.0f, 0.00390625f);
  state.record(14.0f);
  expect(256.0f, 0.00390625f);
  state.record(14.0f);
  expect(256.0f, 0.00390625f);
  state.record(14.0f);  // Inf has left
  expect(32.0f, 0.03125f);
  EXPECT_EQ(code_of(state.recorded(0)), code_of(14.0f));
  EXPECT_EQ(code_of(state.recorded(2)), code_of(14.0f));
}

TEST(DelayedScaling, TheMostRecentAmaxDecidesAloneAndTheMarginLeavesHeadroom) {
  fb::delayed_scaling<fb::e5m2> state(fb::amax_choice::most_recent, 1);
  state.record(57344.0f);
  EXPECT_EQ(code_of(state.multiplier().value), code_of(0.5f));
  state.record(float_at(0x7f800000u));
  EXPECT_EQ(code_of(state.multiplier().value), code_of(0.5f));
  state.record(3.5f);
  EXPECT_EQ(code_of(state.multiplier().value), code_of(8192.0f));
}

TEST(DelayedScaling, ScalesOutsideFloatAreItsEnds) {
  fb::delayed_scaling<fb::e4m3, 1> state;
  state.record(float_at(1));  // 448 / 2^-149
  EXPECT_EQ(code_of(state.multiplier().value), 0x7f7fffffu);
  EXPECT_EQ(code_of(state.divisor().value), 0x00200000u);  // 1 / FLT_MAX = 2^-128 (1 + 2^-24 + ...)
  fb::delayed_scaling<fb::e4m3, 1> wide(fb::amax_choice::largest, 1000);
  wide.record(float_at(0x7f7fffffu));
  EXPECT_EQ(code_of(wide.multiplier().value), 1u);
  EXPECT_EQ(code_of(wide.divisor().value), 0x7f7fffffu);
  state.record(fb::make_unpacked(false, 1, -300));  // rounds to 2^-149, not to 0
  EXPECT_EQ(code_of(state.recorded(0)), 1u);
  state.record(fb::make_unpacked(false, 7, 0));
  EXPECT_EQ(code_of(state.multiplier().value), code_of(64.0f));
  state.record(fb::make_unpacked(false, 1, 300));  // Inf: the scale stays
  EXPECT_EQ(code_of(state.multiplier().value), code_of(64.0f));
}

constexpr auto at_compile_time = [] {
  fb::delayed_scaling<fb::e4m3, 4> state;
  state.record(3.0f);
  return state;
}();
static_assert(at_compile_time.multiplier().value == 149.333328f);  // 448 / 3, rounded to float32

}  // namespace
