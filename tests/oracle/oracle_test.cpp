// The oracle against facts written down by hand, against itself and against the hardware's own float arithmetic.
// The planted bug is a wrong midpoint (ties away in place of ties to even): the suite must fail.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "sha256.hpp"
#include "support/planted.hpp"
#include "thresholds.hpp"

namespace {

using namespace oracle;

const rounding to_even = fewbits_test::planted() ? rounding::nearest_away : rounding::nearest_even;

const rules saturating{to_even, overflow::saturate};
const rules unsaturating{to_even, overflow::no_saturate};
constexpr overflow both[] = {overflow::saturate, overflow::no_saturate};
constexpr rounding deterministic[] = {rounding::nearest_even, rounding::nearest_away, rounding::toward_zero,
                                      rounding::upward,       rounding::downward,     rounding::to_odd};

void report(const char* what, std::size_t visited) { std::printf("%s: %zu cases visited\n", what, visited); }

double value_of(const table& in, code bits) { return in.at(bits).value.to_double(); }

TEST(Exact, AgreesWithDoubleArithmeticWhereThatIsExact) {
  std::mt19937_64 random(1);
  constexpr std::size_t count = 200000;
  for (std::size_t i = 0; i < count; ++i) {
    const auto draw = [&] {
      const auto integer = static_cast<double>(static_cast<std::int64_t>(random()) >> 40);  // 24 bits
      return std::ldexp(integer, static_cast<int>(random() % 20) - 10);
    };
    const double a = draw();
    const double b = draw();
    const exact x = from(a).value;
    const exact y = from(b).value;
    ASSERT_EQ((x + y).to_double(), a + b);
    ASSERT_EQ((x - y).to_double(), a - b);
    ASSERT_EQ((x * y).to_double(), a * b);
    ASSERT_EQ(x < y, a < b);
    ASSERT_EQ(x == y, a == b);
    ASSERT_EQ(x.compare_magnitude(y) < 0, std::fabs(a) < std::fabs(b));
  }
  report("exact arithmetic", count);
}

TEST(Exact, HoldsTheExtremesOfItsSources) {
  EXPECT_EQ(from(0x1p-1074).value, exact::power_of_two(-1074));
  EXPECT_EQ(from(0x1.fffffffffffffp1023).value, exact::power_of_two(1024) - exact::power_of_two(971));
  EXPECT_EQ(from(std::numeric_limits<std::int64_t>::min()).value, -exact::power_of_two(63));
  EXPECT_EQ(from(std::numeric_limits<std::uint64_t>::max()).value, exact::power_of_two(64) - exact::power_of_two(0));
  const long double wide = std::ldexp(1.0L, 16000) * (1 + std::numeric_limits<long double>::epsilon());
  if (std::numeric_limits<long double>::digits > 53) {
    EXPECT_EQ(from(wide).value,
              exact::power_of_two(16000) + exact::power_of_two(16001 - std::numeric_limits<long double>::digits));
  }
  EXPECT_EQ(from(-0.0L).negative, true);
  // bf16 fma: the largest square plus the smallest subnormal.
  const table format = bf16();
  const exact largest = format.at(format.largest()).value;
  const exact tiny = format.at(1).value;
  EXPECT_EQ((largest * largest + tiny) - largest * largest, tiny);
}

TEST(Exact, QuotientsAndRootsCompareByMultiplyingOut) {
  const exact three = exact::integer(3);
  const quotient third{exact::integer(-1), three};
  EXPECT_TRUE(third.negative());
  EXPECT_TRUE(third.compare_magnitude(from(1.0 / 3).value) != 0);
  EXPECT_TRUE((quotient{exact::integer(6), three}.compare_magnitude(exact::integer(2)) == 0));
  EXPECT_TRUE((square_root{exact::integer(2)}.compare_magnitude(from(1.41).value) > 0));
  EXPECT_TRUE((square_root{exact::integer(2)}.compare_magnitude(from(1.42).value) < 0));
}

TEST(Formats, HaveTheExtremesTheStandardsState) {
  struct fact {
    table format;
    double largest;
    double min_normal;
    double min_subnormal;
    int nans;
  };
  const fact facts[] = {
      {e4m3(), 448, 0x1p-6, 0x1p-9, 2},
      {e4m3_ieee(), 240, 0x1p-6, 0x1p-9, 14},
      {e4m3fnuz(), 240, 0x1p-7, 0x1p-10, 1},
      {e4m3b11fnuz(), 30, 0x1p-10, 0x1p-13, 1},
      {e5m2(), 57344, 0x1p-14, 0x1p-16, 6},
      {e5m2fnuz(), 57344, 0x1p-15, 0x1p-17, 1},
      {e3m4(), 15.5, 0x1p-2, 0x1p-6, 30},
      {e2m1(), 6, 1, 0.5, 0},
      {e2m3(), 7.5, 1, 0.125, 0},
      {e3m2(), 28, 0.25, 0.0625, 0},
      {ue8m0(), 0x1p127, 0x1p-127, 0x1p-127, 1},
      {ue4m3(), 448, 0x1p-6, 0x1p-9, 1},
      {ue5m3(), 114688, 0x1p-14, 0x1p-17, 1},
      {bf16(), 0x1.fep127, 0x1p-126, 0x1p-133, 254},
      {fp16(), 65504, 0x1p-14, 0x1p-24, 2046},
      {int4(), 7, 1, 1, 0},
      {uint4(), 15, 1, 1, 0},
      {int2(), 1, 1, 1, 0},
      {uint2(), 3, 1, 1, 0},
      {mxint8(), 127.0 / 64, 0x1p-6, 0x1p-6, 0},
      {int8(), 127, 1, 1, 0},
      {uint8(), 255, 1, 1, 0},
      {uint6(), 63, 1, 1, 0},
      {ternary(), 1, 1, 1, 0},
  };
  std::size_t visited = 0;
  for (const fact& one : facts) {
    SCOPED_TRACE(one.format.name);
    const table& format = one.format;
    EXPECT_EQ(value_of(format, format.largest()), one.largest);
    const step& smallest = format.positive.steps[format.positive.steps.front().magnitude.is_zero() ? 1 : 0];
    EXPECT_EQ(smallest.magnitude.to_double(), one.min_subnormal);
    bool has_min_normal = false;
    int nans = 0;
    for (const number& meaning : format.codes) {
      nans += meaning.is_nan() ? 1 : 0;
      has_min_normal = has_min_normal || (meaning.is_finite() && meaning.value == from(one.min_normal).value);
      ++visited;
    }
    EXPECT_EQ(nans, one.nans);
    EXPECT_TRUE(has_min_normal);
  }
  EXPECT_EQ(value_of(mxint8(), 0x80), -2);
  EXPECT_EQ(value_of(int4(), 0x8), -8);
  report("format facts", visited);
}

TEST(Formats, P3109ExamplesOfTheDraft) {
  EXPECT_EQ(value_of(p3109(8, 3, true, true), 0x7E), 49152);
  EXPECT_EQ(value_of(p3109(8, 4, true, true), 0x7E), 224);
  EXPECT_EQ(value_of(p3109(8, 1, true, true), 0x7E), 0x1p62);
  EXPECT_EQ(value_of(p3109(8, 4, true, false), 0x7F), 240);
  EXPECT_EQ(value_of(p3109(8, 1, true, true), 1), 0x1p-63);
  std::size_t visited = 0;
  for_each_p3109(3, 15, [&](const table& format) {
    ASSERT_EQ(format.zero, code{0}) << format.name;
    ASSERT_FALSE(format.negative_zero) << format.name;
    const code nan = format.is_signed ? code{1} << (format.bits - 1) : (code{1} << format.bits) - 1;
    ASSERT_EQ(format.nan, nan) << format.name;
    const auto& steps = format.positive.steps;
    for (std::size_t i = 1; i < steps.size(); ++i) {
      ASSERT_LT(steps[i - 1].magnitude, steps[i].magnitude) << format.name;
      ASSERT_EQ(steps[i].bits, steps[i - 1].bits + 1) << format.name;
    }
    ASSERT_LT(steps.back().magnitude, format.positive.beyond) << format.name;
    // One is the first code of the binade in the middle: 2^(K-2) signed, 2^(K-1) unsigned.
    const code one = code{1} << (format.bits - (format.is_signed ? 2 : 1));
    if (format.at(one).is_finite()) {
      ASSERT_EQ(format.at(one).value, exact::power_of_two(0)) << format.name;
    }
    visited += format.codes.size();
  });
  report("P3109 codes", visited);
}

template <typename Visit>
void for_each_small_format(Visit visit) {
  for (const table& format : named_formats()) {
    if (format.bits <= 8) {
      visit(format);
    }
  }
  for_each_p3109(3, 8, visit);
}

TEST(Conversion, OfAValueInTheFormatIsItsOwnCodeInEveryMode) {
  std::size_t visited = 0;
  for_each_small_format([&](const table& format) {
    for (code c = 0; c < format.codes.size(); ++c) {
      const number& meaning = format.at(c);
      if (!meaning.is_finite() || c == format.unwritten) {
        continue;
      }
      for (const rounding mode : deterministic) {
        for (const overflow policy : both) {
          ASSERT_EQ(convert(format, meaning, rules{mode, policy}), c) << describe(format, rules{mode, policy});
          ++visited;
        }
      }
    }
  });
  EXPECT_EQ(convert(mxint8(), mxint8().at(0x80)), 0x81U);
  report("identities", visited);
}

TEST(Conversion, OfEveryMidpointAndItsNeighbours) {
  std::size_t visited = 0;
  for_each_small_format([&](const table& format) {
    for (const bool negative : {false, true}) {
      if (negative && !format.is_signed) {
        continue;
      }
      const auto& steps = (negative ? format.negative : format.positive).steps;
      for (std::size_t i = 1; i < steps.size(); ++i) {
        const exact middle = (steps[i - 1].magnitude + steps[i].magnitude).scaled(-1);
        const exact nudge = middle.scaled(-60);
        const auto signed_of = [&](const exact& magnitude) {
          return number::finite(negative ? -magnitude : magnitude);
        };
        const code even = steps[i].bits % 2 == 0 ? steps[i].bits : steps[i - 1].bits;
        const code odd = steps[i].bits % 2 == 1 ? steps[i].bits : steps[i - 1].bits;
        ASSERT_EQ(convert(format, signed_of(middle), saturating), even) << format.name;
        ASSERT_EQ(convert(format, signed_of(middle - nudge), saturating), steps[i - 1].bits) << format.name;
        ASSERT_EQ(convert(format, signed_of(middle + nudge), saturating), steps[i].bits) << format.name;
        ASSERT_EQ(convert(format, signed_of(middle), rules{rounding::nearest_away}), steps[i].bits) << format.name;
        ASSERT_EQ(convert(format, signed_of(middle), rules{rounding::to_odd}), odd) << format.name;
        ASSERT_EQ(convert(format, signed_of(middle), rules{rounding::toward_zero}), steps[i - 1].bits) << format.name;
        ASSERT_EQ(convert(format, signed_of(middle), rules{rounding::upward}), steps[negative ? i - 1 : i].bits);
        ASSERT_EQ(convert(format, signed_of(middle), rules{rounding::downward}), steps[negative ? i : i - 1].bits);
        visited += 8;
      }
    }
  });
  report("midpoints", visited);
}

TEST(Conversion, JudgesOverflowAfterRounding) {
  EXPECT_EQ(convert(e4m3(), from(464.0), unsaturating), 0x7EU);
  EXPECT_EQ(convert(e4m3(), from(0x1.d000000000001p8), unsaturating), 0x7FU);
  EXPECT_EQ(convert(e4m3(), from(-1e9), unsaturating), 0xFFU);
  EXPECT_EQ(convert(e4m3(), from(-1e9), saturating), 0xFEU);
  EXPECT_EQ(convert(e5m2(), from(61440.0), unsaturating), 0x7CU);
  EXPECT_EQ(convert(e5m2(), from(61439.9), unsaturating), 0x7BU);
  EXPECT_EQ(convert(e5m2(), number::infinity(true), saturating), 0xFBU);
  EXPECT_EQ(convert(e5m2(), number::infinity(true), rules{rounding::toward_zero, overflow::no_saturate}), 0xFCU);
  EXPECT_EQ(convert(e5m2(), from(1e9), rules{rounding::toward_zero, overflow::no_saturate}), 0x7BU);
  EXPECT_EQ(convert(e5m2(), from(-1e9), rules{rounding::upward, overflow::no_saturate}), 0xFBU);
  EXPECT_EQ(convert(e5m2(), from(-1e9), rules{rounding::downward, overflow::no_saturate}), 0xFCU);
  EXPECT_EQ(convert(e2m1(), from(1e9), unsaturating), 0x7U);
  EXPECT_EQ(convert(int4(), from(-1e9), unsaturating), 0x8U);
  EXPECT_EQ(convert(e4m3(), from(0x1.10000004p0), saturating), 0x39U);  // 1 + 2^-4 + 2^-30 rounds once
}

TEST(Conversion, TreatsNanSignAndZeroAsStated) {
  EXPECT_EQ(convert(e4m3(), number::nan(true)), 0xFFU);
  EXPECT_EQ(convert(e5m2(), number::nan(true)), 0xFEU);
  EXPECT_EQ(convert(e4m3fnuz(), number::nan(true)), 0x80U);
  EXPECT_EQ(convert(ue5m3(), number::nan(true)), 0xFFU);
  EXPECT_EQ(convert(e2m1(), number::nan(true)), 0x7U);
  EXPECT_EQ(convert(e2m1(), number::nan(true), rules{.on_nan = nan_into::zero}), 0x0U);
  EXPECT_EQ(convert(e4m3fnuz(), from(-1e-30)), 0x00U);
  EXPECT_EQ(convert(e4m3(), from(-1e-30)), 0x80U);
  EXPECT_EQ(convert(ue4m3(), from(-0.0)), 0x00U);
  EXPECT_EQ(convert(ue4m3(), from(-1e-30), unsaturating), 0x00U);
  EXPECT_EQ(convert(ue4m3(), from(-1.0), unsaturating), 0x7FU);
  EXPECT_EQ(convert(ue4m3(), from(-1.0), saturating), 0x00U);
  EXPECT_EQ(convert(ue4m3(), from(-1.0), rules{.on_sign = sign_into::drop}), 0x38U);
  EXPECT_EQ(convert(ue8m0(), from(0.0), saturating), 0x00U);
  EXPECT_EQ(convert(ue8m0(), from(0.0), unsaturating), 0xFFU);
  EXPECT_EQ(convert(ue8m0(), from(-1.0), saturating), 0x00U);
  EXPECT_EQ(convert(ue8m0(), from(0x1p-149), unsaturating), 0x00U);
  EXPECT_EQ(convert(ue8m0(), from(1.5), saturating), 0x80U);
  EXPECT_EQ(convert(ue8m0(), from(3.0), saturating), 0x80U);
  EXPECT_EQ(convert(ue8m0(), from(1.41421356), rules{rounding::nearest_geometric}), 0x7FU);
  EXPECT_EQ(convert(ue8m0(), from(1.41421357), rules{rounding::nearest_geometric}), 0x80U);
}

TEST(Conversion, StochasticRoundsAwayForAsManyDrawsAsTheFractionSays) {
  std::size_t visited = 0;
  const table format = e4m3();
  for (int eighths = 1; eighths < 8; ++eighths) {
    const number value = from(1 + eighths / 64.0);  // the gap above 1 is 1/8
    for (const int count : {1, 3, 8}) {
      std::uint32_t away = 0;
      for (std::uint32_t draw = 0; draw < (1U << count); ++draw) {
        const rules by{.mode = rounding::stochastic, .random_bits = draw, .random_count = count};
        away += convert(format, value, by) == 0x39U ? 1U : 0U;
        ++visited;
      }
      const double expected = std::nearbyint(std::ldexp(eighths / 8.0, count));  // ties to even
      EXPECT_EQ(away, static_cast<std::uint32_t>(expected)) << eighths << " " << count;
    }
  }
  report("stochastic draws", visited);
}

TEST(Conversion, ToBf16AndFp16AgreesWithThisMachine) {
  std::mt19937 random(3);
  constexpr std::size_t count = 300000;
  const table brain = bf16();
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
      continue;
    }
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;  // the usual trick
    ASSERT_EQ(convert(brain, from(std::bit_cast<float>(bits)), unsaturating), rounded) << bits;
  }
// g++ 12 has the type on x86 alone, and its limits everywhere.
#if defined(__FLT16_MANT_DIG__) && (defined(__clang__) || __GNUC__ >= 13 || defined(__x86_64__))
  const table half = fp16();
  for (std::size_t i = 0; i < count; ++i) {
    const float value =
        std::ldexp(static_cast<float>(static_cast<std::int32_t>(random())), -31 + static_cast<int>(i % 44) - 26);
    ASSERT_EQ(convert(half, from(value), unsaturating), std::bit_cast<std::uint16_t>(static_cast<_Float16>(value)));
  }
#endif
  report("16-bit conversions", 2 * count);
}

TEST(Thresholds, CoverEveryFloatOnceAndHoldInside) {
  std::mt19937 random(5);
  std::size_t visited = 0;
  for_each_small_format([&](const table& format) {
    for (const rounding mode : deterministic) {
      const rules by{mode, visited % 2 == 0 ? overflow::saturate : overflow::no_saturate};
      const auto all = float_runs(format, by);
      ASSERT_EQ(all.front().first, float_order::first_key);
      ASSERT_EQ(all.back().last, float_order::last_key);
      for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_TRUE(i == 0 || all[i].first == all[i - 1].last + 1);
        const auto inside =
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(all[i].last - all[i].first + 1));
        for (const std::int64_t key : {all[i].first, all[i].first + inside, all[i].last}) {
          ASSERT_EQ(convert(format, float_order::value_of(key), by), all[i].bits) << describe(format, by);
          ++visited;
        }
      }
    }
  });
  for (std::uint64_t bits = 0; bits < 0x10000; ++bits) {
    if (!from_ieee_bits(bits, 5, 10).is_nan()) {
      ASSERT_EQ(fp16_order::bits_of(fp16_order::key_of(bits)), bits);
    }
  }
  report("threshold runs", visited);
}

TEST(Thresholds, OfDoublesIncludeThoseThatCollapseOntoAFloatTie) {
  const auto inputs = threshold_doubles(e4m3(), saturating);
  std::size_t collapsing = 0;
  for (const expectation& one : inputs) {
    const double value = std::bit_cast<double>(one.input);
    const code twice = convert(e4m3(), from(static_cast<float>(value)), saturating);
    collapsing += twice != one.bits ? 1U : 0U;
  }
  EXPECT_GT(collapsing, 50U);
  report("threshold doubles", inputs.size());
}

TEST(Sha256, GivesTheVectorsOfTheStandard) { EXPECT_TRUE(sha256::self_check()); }

}  // namespace
