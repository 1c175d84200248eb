// Bugs that other libraries shipped, each under its name. The list is formats.md's "Mistakes others shipped"; those
// about scales and nibble order are block/'s to test.
#include <bit>
#include <cstdint>
#include <limits>

#include "exact_arithmetic.hpp"
#include "support.hpp"

namespace {

using namespace fewbits_test;
using namespace fewbits;
using oracle::code;

float as_float(std::uint32_t bits) { return std::bit_cast<float>(bits); }

TEST(Regressions, E4m3SaturatesFrom448AndNotFrom256) {
  tally count{"floats from 240 to 480 into e4m3, by each way in"};
  for (std::uint32_t bits = std::bit_cast<std::uint32_t>(240.0f); bits <= std::bit_cast<std::uint32_t>(480.0f);
       bits += 61) {
    const float x = as_float(bits);
    const code expected = oracle::convert(table_of<e4m3>(), oracle::from(x));
    const auto input = [&] { return "e4m3 float " + hex(bits); };
    count.expect(expected, e4m3{x}.bits(), input);
    count.expect(expected, e4m3{static_cast<double>(x)}.bits(), input);
    count.expect(expected, convert<e4m3>(x, saturate).bits(), input);
    count.expect(expected, e4m3{static_cast<long double>(x)}.bits(), input);
  }
  for (const int x : {255, 256, 257, 300, 447, 448, 449, 463, 464, 465, 1000}) {
    count.expect(oracle::convert(table_of<e4m3>(), oracle::from(x)), e4m3{x}.bits(),
                 [&] { return "e4m3 int " + std::to_string(x); });
  }
  static_assert(static_cast<float>(e4m3{257.0f}) == 256.0f);
  static_assert(static_cast<float>(e4m3{464.0f}) == 448.0f);
  static_assert(isnan(convert<e4m3>(465.0f, no_saturate)));
  static_assert(!isnan(convert<e4m3>(464.0f, no_saturate)));   // the tie goes to 448, which is even
  static_assert(isinf(convert<e5m2>(61440.0f, no_saturate)));  // here the tie is overflow already
}

TEST(Regressions, E2m1TiesGoToTheEvenCode) {
  tally count{"ties of e2m1"};
  // Code pairs (0,1), (1,2), ...: the midpoint goes to the even one of the two.
  for (std::uint8_t c = 0; c < 7; ++c) {
    const float low = static_cast<float>(e2m1::from_bits(c));
    const float high = static_cast<float>(e2m1::from_bits(static_cast<std::uint8_t>(c + 1)));
    const code even = c % 2 == 0 ? c : c + 1u;
    count.expect(even, e2m1{(low + high) / 2}.bits(), [&] { return "e2m1 tie above code " + std::to_string(c); });
    count.expect(even | 8, e2m1{-(low + high) / 2}.bits(), [&] { return "e2m1 tie below -code " + std::to_string(c); });
  }
  static_assert(e2m1{0.25f}.bits() == 0 && e2m1{0.75f}.bits() == 2 && e2m1{1.25f}.bits() == 2);
  static_assert(e2m1{1.75f}.bits() == 4 && e2m1{2.5f}.bits() == 4 && e2m1{3.5f}.bits() == 6 && e2m1{5.0f}.bits() == 6);
}

TEST(Regressions, TruncationIsNotRounding) {
  tally count{"values just below a code"};
  for_each_type(all_floats{}, [&]<class T>() {
    const oracle::table& in = table_of<T>();
    for (std::size_t i = 1; i<in.positive.steps.size(); i += in.bits> 8 ? 127 : 1) {
      const double at = in.positive.steps[i].magnitude.to_double();
      const double below = std::bit_cast<double>(std::bit_cast<std::uint64_t>(at) - 1);
      const auto input = [&] { return in.name + " just below code " + hex(in.positive.steps[i].bits); };
      count.expect(in.positive.steps[i].bits, T{below}.bits(), input);
      count.expect(in.positive.steps[i - 1].bits, convert<T>(below, toward_zero).bits(), input);
    }
  });
}

TEST(Regressions, LowestKeepsItsSign) {
  tally count{"lowest() of every type"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const code lowest = std::numeric_limits<T>::lowest().bits();
    const auto input = [] { return table_of<T>().name + " lowest()"; };
    count.expect(table_of<T>().lowest(), lowest, input);
    count.expect(table_of<T>().is_signed, table_of<T>().at(lowest).negative, input);
  });
}

TEST(Regressions, NumericLimitsMinIsTheSmallestNormal) {
  static_assert(static_cast<float>(std::numeric_limits<e4m3>::min()) == 0.015625f);            // 2^-6
  static_assert(static_cast<float>(std::numeric_limits<e4m3>::denorm_min()) == 0.001953125f);  // 2^-9
  tally count{"min() and denorm_min() of every float"};
  for_each_type(all_floats{}, [&]<class T>() {
    using limits = std::numeric_limits<T>;
    count.expect(limits::has_denorm == std::denorm_present, limits::min() != limits::denorm_min(),
                 [] { return table_of<T>().name + " min() against denorm_min()"; });
    count.expect(true, isnormal(limits::min()), [] { return table_of<T>().name + " min() is normal"; });
  });
}

TEST(Regressions, DigitsCountTheHiddenBit) {
  static_assert(std::numeric_limits<e4m3>::digits == 4 && std::numeric_limits<e5m2>::digits == 3);
  static_assert(std::numeric_limits<e2m1>::digits == 2 && std::numeric_limits<ue8m0>::digits == 1);
  static_assert(std::numeric_limits<bf16>::digits == 8 && std::numeric_limits<fp16>::digits == 11);
  tally count{"1 + epsilon against 1"};
  for_each_type(all_floats{}, [&]<class T>() {
    const T next = nextafter(T{1}, std::numeric_limits<T>::max());
    const double gap = static_cast<double>(next) - 1.0;
    count.expect_true(gap == static_cast<double>(std::numeric_limits<T>::epsilon()),
                      [] { return table_of<T>().name + " epsilon is the gap above 1"; });
  });
}

TEST(Regressions, InfinityOfAFormatWithoutInfIsNotPromised) {
  static_assert(!std::numeric_limits<e4m3>::has_infinity && !std::numeric_limits<e2m1>::has_infinity);
  static_assert(!std::numeric_limits<e4m3fnuz>::has_infinity && !std::numeric_limits<ue8m0>::has_infinity);
  static_assert(std::numeric_limits<e5m2>::has_infinity && isinf(std::numeric_limits<e5m2>::infinity()));
  static_assert(std::numeric_limits<e4m3>::infinity().bits() == 0);  // as for int: nothing, and not the NaN or the max
  static_assert(!std::numeric_limits<e2m1>::has_quiet_NaN);
}

TEST(Regressions, Ue8m0Code00IsTwoToTheMinus127AndNotZero) {
  tally count{"ways out of ue8m0 code 00"};
  const ue8m0 smallest = ue8m0::from_bits(0);
  const auto input = [] { return std::string{"ue8m0 code 00"}; };
  count.expect(0x00400000u, std::bit_cast<std::uint32_t>(static_cast<float>(smallest)), input);  // a float subnormal
  count.expect(0x3800000000000000u, std::bit_cast<std::uint64_t>(static_cast<double>(smallest)), input);
  count.expect(0x0040u, bf16{smallest}.bits(), input);
  count.expect(1, static_cast<bool>(smallest), input);
  count.expect(0, ue8m0{as_float(0x00400000u)}.bits(), input);
}

TEST(Regressions, Ue8m0CodeFfIsNanAndNotInf) {
  tally count{"ways out of ue8m0 code FF"};
  const ue8m0 top = ue8m0::from_bits(0xFF);
  const auto input = [] { return std::string{"ue8m0 code FF"}; };
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(top));
  count.expect(1, (bits & 0x7fffffffu) > 0x7f800000u, input);
  count.expect(1, isnan(top), input);
  count.expect(1, isnan(e5m2{top}), input);
  count.expect(0xFE, convert<ue8m0>(as_float(0x7f800000u), saturate).bits(), input);
  count.expect(0xFF, convert<ue8m0>(as_float(0x7f800000u), no_saturate).bits(), input);
}

TEST(Regressions, TheLargestFloatBelowAPowerOfTwoIsNotRoundedUpByFloor) {
  tally count{"neighbours of every power of two into ue8m0"};
  // log2f of the largest float below 2^k is k: a floor by way of it is one step high.
  for (std::uint32_t field = 1; field < 255; ++field) {
    const std::uint32_t power = field << 23;
    const auto input = [&] { return "ue8m0 around float " + hex(power); };
    if (field > 1) {
      count.expect(field - 1, convert<ue8m0>(as_float(power - 1), toward_zero).bits(), input);
    }
    count.expect(field, convert<ue8m0>(as_float(power), toward_zero).bits(), input);
    count.expect(field, convert<ue8m0>(as_float(power + 1), toward_zero).bits(), input);
  }
}

TEST(Regressions, ExactPowersOfTwoStayPutUnderEveryRule) {
  tally count{"powers of two into ue8m0 by every rule"};
  // frexp gives 0.5 for them: a rule built on it doubles exact powers.
  for (std::uint32_t field = 0; field < 255; ++field) {
    const float power = field == 0 ? as_float(0x00400000u) : as_float(field << 23);
    for_each_rounding<ue8m0>([&](const auto& mode) {
      for_each_overflow([&](const auto& overflow) {
        count.expect(field, convert<ue8m0>(power, mode.policy, overflow.policy).bits(), [&] {
          return describe(table_of<ue8m0>(), mode, overflow.rule) + " 2^(" + hex(field) + " - 127)";
        });
      });
    });
  }
}

TEST(Regressions, DivisionIsNotMultiplicationByAReciprocal) {
  tally count{"pairs of e4m3 and e5m2 divided"};
  std::uint64_t moved = 0;
  const auto judge = [&]<class T>() {
    const oracle::table& in = table_of<T>();
    for (code a = 1; a < 128; ++a) {
      for (code b = 1; b < 128; ++b) {
        const T x = T::from_bits(static_cast<std::uint8_t>(a));
        const T y = T::from_bits(static_cast<std::uint8_t>(b));
        const code expected = quotient(in, a, b);
        const code got = both_nan(in, expected, (x / y).bits()) ? expected : (x / y).bits();
        count.expect(expected, got, [&] { return in.name + " " + hex(a) + " / " + hex(b); });
        moved += (x * (T{1} / y)).bits() != (x / y).bits() ? 1u : 0u;
      }
    }
  };
  judge.template operator()<e4m3>();
  judge.template operator()<e5m2>();
  EXPECT_GT(moved, 1000u) << "a reciprocal would have gone unnoticed";
}

TEST(Regressions, StochasticRoundingCarriesIntoTheExponent) {
  tally count{"values below every power of two, all draws of 4 bits"};
  const oracle::table& in = table_of<e4m3>();
  for (code c = 0x0F; c < 0x7E; c += 8) {  // mantissa all ones: the next code has another exponent
    const double low = in.at(c).value.to_double();
    const double high = in.at(c + 1).value.to_double();
    for (std::uint32_t sixteenths = 1; sixteenths < 16; ++sixteenths) {
      const double x = low + (high - low) * sixteenths / 16;
      std::uint32_t carried = 0;
      for (std::uint32_t draw = 0; draw < 16; ++draw) {
        const code got = convert<e4m3>(x, stochastic(draw, 4)).bits();
        count.expect_true(got == c || got == c + 1, [&] { return "e4m3 " + hex(got) + " between code " + hex(c); });
        carried += got == c + 1 ? 1 : 0;
      }
      count.expect(sixteenths, carried, [&] { return "e4m3 draws that carry above code " + hex(c); });
    }
  }
}

TEST(Regressions, StochasticRoundingWithFewBitsIsNotBiased) {
  tally count{"distances in a gap, all draws of 1 to 8 bits"};
  // Distances a symmetric set apart: over all draws the mean of the roundings is the mean of the values.
  for (int bits = 1; bits <= 8; ++bits) {
    const std::uint32_t draws = 1u << bits;
    std::uint64_t up = 0;
    std::uint64_t inputs = 0;
    for (std::uint32_t distance = 1; distance < 1024; ++distance) {
      const double x = 1.0 + distance / 8192.0;  // e4m3's gap above 1 is 1/8
      for (std::uint32_t draw = 0; draw < draws; ++draw) {
        const code got = convert<e4m3>(x, stochastic(draw, bits)).bits();
        count.expect_true(got == 0x38 || got == 0x39,
                          [&] { return "e4m3 of 1 + " + std::to_string(distance) + "/8192"; });
        up += got == 0x39 ? 1 : 0;
      }
      ++inputs;
    }
    // Half of all outcomes exactly: the set is its own mirror image.
    count.expect(inputs * draws, 2 * up, [&] { return "twice the roundings up of " + std::to_string(bits) + " bits"; });
  }
}

TEST(Regressions, FnuzHasOneNanAndNoNegativeZero) {
  static_assert(e4m3fnuz{-0.0f}.bits() == 0 && e4m3fnuz{-1e-30f}.bits() == 0);
  static_assert(isnan(e4m3fnuz::from_bits(0x80)) && isnan(abs(e4m3fnuz::from_bits(0x80))));
  static_assert((-e4m3fnuz{}).bits() == 0 && isnan(-e4m3fnuz::from_bits(0x80)));
  static_assert((e4m3fnuz{1.0f} * e4m3fnuz{-0.0f}).bits() == 0);
  static_assert((e4m3fnuz{-1.0f} + e4m3fnuz{1.0f}).bits() == 0);
  static_assert(sqrt(e4m3fnuz{-0.0f}).bits() == 0 && isnan(sqrt(e4m3fnuz{-1.0f})));
}

TEST(Regressions, ADoubleIsNotRoundedThroughFloat) {
  static_assert(static_cast<double>(e4m3{1.0625 + 9.313225746154785e-10}) == 1.125);  // 1 + 2^-4 + 2^-30
  static_assert(e4m3{1.0625}.bits() == 0x38);                                         // the tie itself
  static_assert(e4m3{1.0625L + 1e-18L}.bits() == (std::numeric_limits<long double>::digits > 53 ? 0x39 : 0x38));
  static_assert(e5m2{(std::int64_t{1} << 40) + (std::int64_t{1} << 37) + 1}.bits() == e5m2{1e9}.bits());
  static_assert(bf16{(std::int64_t{1} << 40) + (std::int64_t{1} << 32) + 1}.bits() == 0x5381);  // above a tie at 2^40
}

}  // namespace
