// Float into every format, by every policy, at every threshold and beside it: the run-time ways, the constexpr
// reference and the oracle give one code. Sources: testing.md 2 and 6, IEEE 754-2019 4.3 and 7.4.
#include <array>
#include <bit>

#include "conversion_batch.hpp"

namespace {

using namespace fewbits_test;

TEST(Conversion, FloatsRoundOnceByEveryPolicyAtEveryThreshold) { judge_all<float, oracle::float_order>("float"); }

TEST(Conversion, AConstructorRoundsToNearestEvenAndSaturates) {
  tally count{"constructors"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const oracle::table& to = table_of<T>();
    for (const std::uint64_t bits : inputs_for<oracle::float_order>(to, {}, 100, to.bits > 8 ? 101 : 1)) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      const oracle::code expected = oracle::convert(to, oracle::from(x));
      count.expect(expected, T{x}.bits(), [&] { return to.name + "{float " + hex(bits) + "}"; });
      count.expect(expected, fewbits::convert<T>(x).bits(), [&] { return to.name + " convert, float " + hex(bits); });
    }
  });
}

/// Where a format has no NaN: the codes for a positive and a negative one.
struct without_nan {
  oracle::code positive;
  oracle::code negative;
};

template <class T, class Policy>
void judge_nan(tally& count, const Policy& policy, without_nan otherwise) {
  const oracle::table& to = table_of<T>();
  for (const std::uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffc00000u, 0xffffffffu}) {
    const bool negative = bits >> 31 != 0;
    const oracle::code instead = negative ? otherwise.negative : otherwise.positive;
    const oracle::code expected = to.nan ? oracle::convert(to, oracle::number::nan(negative)) : instead;
    const auto input = [&] { return to.name + " NaN " + hex(bits); };
    const float x = std::bit_cast<float>(bits);
    count.expect(expected, fewbits::convert<T>(x, policy).bits(), input);
    count.expect(expected, fewbits::convert<T>(x, fewbits::no_saturate, policy, fewbits::upward).bits(), input);
    const double wide = std::bit_cast<double>(static_cast<std::uint64_t>(negative) << 63 | 0x7ff8000000000001u);
    count.expect(expected, fewbits::convert<T>(wide, policy).bits(), input);
  }
}

TEST(Conversion, ANanWithoutAPlaceGoesWhereItsPolicySays) {
  tally count{"NaN policies"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const oracle::table& to = table_of<T>();
    const oracle::code zero = to.zero.value_or(0);
    judge_nan<T>(count, fewbits::nan_to_max, {to.largest(), to.largest()});
    judge_nan<T>(count, fewbits::nan_to_zero, {zero, zero});
    judge_nan<T>(count, fewbits::nan_to_negated_zero, {to.negative_zero.value_or(zero), zero});
  });
}

TEST(Conversion, ADroppedSignLeavesTheMagnitude) {
  tally count{"drop_sign and keep_sign into every format"};
  for_each_type(all_floats{}, [&]<class T>() {
    const oracle::table& to = table_of<T>();
    if (to.bits > 8) {
      return;
    }
    for_each_overflow([&](const auto& overflow) {
      const rounding_case<fewbits::upward_t> mode{fewbits::upward, oracle::rounding::upward};
      oracle::rules by = rules_for(mode, overflow.rule);
      const auto inputs = inputs_for<oracle::float_order>(to, by, 200);
      for (const bool drops : {true, false}) {
        // Into a signed format there is nothing to drop.
        by.on_sign = drops && !to.is_signed ? oracle::sign_into::drop : oracle::sign_into::keep;
        for (const std::uint64_t bits : inputs) {
          const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
          oracle::number given = oracle::from(x);
          if (by.on_sign == oracle::sign_into::drop && given.negative) {
            given.negative = false;
            given.value = given.value.absolute();
          }
          const oracle::code expected = expected_code(to, given, by, overflow.rule);
          const auto got = drops ? fewbits::convert<T>(x, fewbits::drop_sign, fewbits::upward, overflow.policy)
                                 : fewbits::convert<T>(x, overflow.policy, fewbits::keep_sign, fewbits::upward);
          count.expect(expected, got.bits(), [&] {
            return to.name + " upward " + name_of(overflow.rule) + (drops ? " drop_sign " : " keep_sign ") + hex(bits);
          });
        }
      }
    });
  });
}

TEST(Conversion, PoliciesMayStandInAnyOrder) {
  tally count{"orders of three policies"};
  using fewbits::convert;
  using fewbits::e2m1;
  using fewbits::e5m2;
  for (int i = 0; i < 65536; i += 7) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(i) << 16);
    const auto a = convert<e5m2>(x, fewbits::upward, fewbits::no_saturate, fewbits::nan_to_zero);
    const auto b = convert<e5m2>(x, fewbits::nan_to_zero, fewbits::upward, fewbits::no_saturate);
    const auto c = convert<e5m2>(x, fewbits::no_saturate, fewbits::nan_to_zero, fewbits::upward);
    count.expect(a.bits(), b.bits(), [&] { return "e5m2, float " + hex(std::bit_cast<std::uint32_t>(x)); });
    count.expect(a.bits(), c.bits(), [&] { return "e5m2, float " + hex(std::bit_cast<std::uint32_t>(x)); });
    const auto d = convert<e2m1>(x, fewbits::nan_to_zero, fewbits::toward_zero);
    const auto e = convert<e2m1>(x, fewbits::toward_zero, fewbits::nan_to_zero);
    count.expect(d.bits(), e.bits(), [&] { return "e2m1, float " + hex(std::bit_cast<std::uint32_t>(x)); });
  }
}

// Every positive value of the format, its midpoint with the next, and the doubles beside both, folded into one number.
template <class T>
constexpr std::uint64_t threshold_digest(std::uint64_t seed) {
  std::uint64_t digest = seed;
  const int last = static_cast<int>(T::format.max_code());
  const int step = last > 255 ? 331 : 1;
  for (int magnitude = 0; magnitude <= last; magnitude += step) {
    const auto value = [](int code) {
      return std::bit_cast<std::uint64_t>(static_cast<double>(T::from_bits(static_cast<typename T::bits_type>(code))));
    };
    const std::uint64_t low = value(magnitude);
    const std::uint64_t high = magnitude < last ? value(magnitude + 1) : low + (std::uint64_t{1} << 51);
    for (const std::uint64_t at : {low, low + (high - low) / 2, low + (high - low) / 2 + 1, high - 1}) {
      const double x = std::bit_cast<double>(at);
      const float y = std::bit_cast<float>(static_cast<std::uint32_t>((at >> 29) ^ (at << 3)));
      for (const std::uint64_t code : {std::uint64_t{fewbits::convert<T>(x).bits()},
                                       std::uint64_t{fewbits::convert<T>(-x, fewbits::upward).bits()},
                                       std::uint64_t{fewbits::convert<T>(y, fewbits::no_saturate).bits()}}) {
        digest = (digest ^ code) * 0x100000001b3u;
      }
    }
  }
  return digest;
}

TEST(Conversion, CompileTimeGivesTheBitsOfRunTime) {
  tally count{"formats whose threshold digests agree between compile time and run time"};
  volatile std::uint64_t seed = 0xcbf29ce484222325u;
  for_each_type(all_floats{}, [&]<class T>() {
    constexpr std::uint64_t at_compile_time = threshold_digest<T>(0xcbf29ce484222325u);
    count.expect(at_compile_time, threshold_digest<T>(seed), [&] { return table_of<T>().name + " threshold digest"; });
  });
}

TEST(Conversion, TheFastRunListsAreTheOraclesRunLists) {
  tally count{"runs compared"};
  for_each_type(byte_floats{}, [&]<class T>() {
    if (thinning != 1 && table_of<T>().bits > 4) {
      return;
    }
    for_each_plain_rounding<T>([&](const auto& mode) {
      const oracle::rules by = rules_for(mode, overflow_rule::no_saturate);
      const auto ours = runs_by_decision<oracle::float_order>(table_of<T>(), by, overflow_rule::no_saturate);
      const auto theirs = oracle::float_runs(table_of<T>(), by);
      count.expect_true(ours == theirs, [&] { return describe(table_of<T>(), mode, overflow_rule::no_saturate); });
    });
  });
}

}  // namespace
