// Every integer of 8 to 128 bits and long double into every format. One rounding from the exact value, whatever the
// source. Source: testing.md 2.
#include <bit>
#include <cfloat>
#include <cstdint>
#include <limits>
#include <set>

#include "source_batch.hpp"

namespace {

using namespace fewbits_test;

/// Integers at the thresholds of a format, at powers of two, and at the ends of the type.
template <class Integer>
std::vector<Integer> telling_integers(const table& to) {
  using limits = std::numeric_limits<Integer>;
  std::set<Integer> found{limits::min(), limits::max(), 0, 1};
  const auto add = [&](std::uint64_t magnitude) {
    for (int near = -1; near <= 1; ++near) {
      const std::uint64_t x = magnitude + static_cast<std::uint64_t>(near);
      if (x <= static_cast<std::uint64_t>(limits::max())) {
        found.insert(static_cast<Integer>(x));
        if (std::is_signed_v<Integer>) {
          found.insert(static_cast<Integer>(0 - x));
        }
      }
    }
  };
  for (int bit = 0; bit < 64; ++bit) {
    add(std::uint64_t{1} << bit);
  }
  const std::size_t stride = to.bits > 8 ? 97 : 1;
  for (std::size_t i = 0; i + 1 < to.positive.steps.size(); i += stride) {
    const oracle::exact& low = to.positive.steps[i].magnitude;
    const oracle::exact middle = (low + to.positive.steps[i + 1].magnitude).scaled(-1);
    for (const oracle::exact& x : {low, middle}) {
      const int exponent = x.exponent();
      if (x.magnitude().bit_length() + exponent <= 64) {
        add((exponent >= 0 ? x.magnitude() << exponent : x.magnitude() >> -exponent).to_uint64());
      }
    }
  }
  return {found.begin(), found.end()};
}

template <class Source>
std::vector<oracle::number> meanings_of(const std::vector<Source>& inputs) {
  std::vector<oracle::number> meanings;
  for (const Source x : inputs) {
    meanings.push_back(oracle::from(x));
  }
  return meanings;
}

template <class Integer>
void judge_integers(tally& count, const char* source) {
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& to = table_of<T>();
    const std::vector<Integer> inputs = telling_integers<Integer>(to);
    const std::vector<oracle::number> meanings = meanings_of(inputs);
    judge_by_policies<T>(count, inputs, meanings, source);
    judge(count, to, meanings, {}, overflow_rule::saturate, constructed<T>(inputs), to.name + " constructed from ");
  });
}

TEST(SourceConversion, IntegersAtThresholdsAndExtremesRoundOnce) {
  tally count{"integers into every format"};
  judge_integers<std::int8_t>(count, "int8");
  judge_integers<std::uint8_t>(count, "uint8");
  judge_integers<std::int32_t>(count, "int32");
  judge_integers<std::uint32_t>(count, "uint32");
  judge_integers<std::int64_t>(count, "int64");
  judge_integers<std::uint64_t>(count, "uint64");
}

template <class Integer>
void judge_every_integer(tally& count) {
  std::vector<Integer> inputs;
  for (int x = std::numeric_limits<Integer>::min(); x <= std::numeric_limits<Integer>::max();
       x += static_cast<int>(thinning)) {
    inputs.push_back(static_cast<Integer>(x));
  }
  const std::vector<oracle::number> meanings = meanings_of(inputs);
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& to = table_of<T>();
    judge(count, to, meanings, {}, overflow_rule::saturate, constructed<T>(inputs), to.name + " constructed from ");
  });
}

TEST(SourceConversion, EverySixteenBitIntegerRoundsOnce) {
  tally count{"every int16 and uint16 into every format"};
  judge_every_integer<std::int16_t>(count);
  judge_every_integer<std::uint16_t>(count);
}

TEST(SourceConversion, BoolAndCharactersAreIntegers) {
  tally count{"bool, char, wchar_t, char32_t into every format"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& to = table_of<T>();
    for (const int x : {0, 1}) {
      const auto input = [&] { return to.name + " " + std::to_string(x); };
      count.expect(oracle::convert(to, oracle::from(x)), T{x != 0}.bits(), input);
      count.expect(oracle::convert(to, oracle::from(x + 40)), T{static_cast<char>(x + 40)}.bits(), input);
      count.expect(oracle::convert(to, oracle::from(x + 40)), T{static_cast<wchar_t>(x + 40)}.bits(), input);
      count.expect(oracle::convert(to, oracle::from(x + 40)), T{static_cast<char32_t>(x + 40)}.bits(), input);
    }
  });
}

#if FEWBITS_HAS_INT128
TEST(SourceConversion, Int128RoundsOnce) {
  tally count{"128-bit integers into every format"};
  using wide = fewbits::uint128;
  std::vector<wide> inputs;
  std::vector<oracle::number> meanings;
  std::vector<fewbits::int128> opposites;
  std::vector<oracle::number> opposite_meanings;
  for (int bit = 0; bit < 128; ++bit) {
    // 1.1000...1 and its like: a tie in the leading bits that the lowest bit breaks.
    for (const unsigned pattern : {1u, 3u, 0x11u, 0x19u, 0x17u, 0x1001u}) {
      for (const unsigned lowest : {0u, 1u}) {
        const wide shifted = wide{pattern} << bit;
        const wide x = (shifted >> bit == pattern ? shifted : wide{pattern}) | lowest;
        const auto high = static_cast<std::uint64_t>(x >> 64);
        const oracle::natural magnitude =
            (oracle::natural{high} << 64) + oracle::natural{static_cast<std::uint64_t>(x)};
        inputs.push_back(x);
        meanings.push_back(oracle::number::finite(oracle::exact{false, magnitude, 0}));
        if (high >> 63 == 0) {
          opposites.push_back(-static_cast<fewbits::int128>(x));
          opposite_meanings.push_back(oracle::number::finite(oracle::exact{true, magnitude, 0}));
        }
      }
    }
  }
  for_each_type(all_numbers{}, [&]<class T>() {
    judge_by_policies<T>(count, inputs, meanings, "uint128");
    judge_by_policies<T>(count, opposites, opposite_meanings, "int128");
  });
}
#endif

#if FEWBITS_LONG_DOUBLE_DIGITS != 0
/// Exact in long double: thresholds have at most 12 significant bits, and the nudge lies within the digits.
TEST(SourceConversion, LongDoublesBeyondDoubleRoundOnce) {
  tally count{"long doubles a hair beside every threshold"};
  constexpr int nudge = LDBL_MANT_DIG - 13;
  const long double hair = 1.0L / static_cast<long double>(std::uint64_t{1} << (nudge / 2)) /
                           static_cast<long double>(std::uint64_t{1} << (nudge - nudge / 2));
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& to = table_of<T>();
    std::vector<long double> inputs;
    std::vector<oracle::number> meanings;
    const auto& steps = to.positive.steps;
    for (std::size_t i = 0; i<steps.size(); i += to.bits> 8 ? 211 : 1) {
      const oracle::exact& low = steps[i].magnitude;
      const oracle::exact& high = i + 1 < steps.size() ? steps[i + 1].magnitude : to.positive.beyond;
      for (const oracle::exact& at : {low, (low + high).scaled(-1)}) {
        if (at.is_zero()) {
          continue;
        }
        for (const int side : {-1, 0, 1}) {
          const oracle::exact exactly = at + at.scaled(-nudge) * oracle::exact::integer(side);
          const long double threshold = static_cast<long double>(at.to_double());
          const long double x = threshold + threshold * static_cast<long double>(side) * hair;
          inputs.push_back(x);
          meanings.push_back(oracle::number::finite(exactly));
          inputs.push_back(-x);
          meanings.push_back(oracle::number::finite(-exactly));
        }
      }
    }
    judge_by_policies<T>(count, inputs, meanings, "long double");
  });
}

TEST(SourceConversion, LongDoubleSpecialsAreThoseOfDouble) {
  tally count{"long double NaN, Inf, zeros"};
  std::vector<long double> inputs;
  std::vector<oracle::number> meanings;
  for (const std::uint64_t top : {0x0000u, 0x8000u, 0x7ff0u, 0xfff0u, 0x7ff8u, 0xfff8u}) {
    volatile double narrow = std::bit_cast<double>(top << 48);
    inputs.push_back(static_cast<long double>(narrow));
    meanings.push_back(oracle::double_order::value_of(oracle::double_order::key_of(top << 48)));
  }
  for_each_type(all_numbers{}, [&]<class T>() { judge_by_policies<T>(count, inputs, meanings, "long double"); });
}
#endif

}  // namespace
