// The best scale against trying every scale, every zero point, every assignment of elements.
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

#include <fewbits/number/types.hpp>
#include <fewbits/quantize/exact_scale.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "quantize/exact_brute_force.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

using int8 = fb::fixed_point<fb::fixed_format{.total_bits = 8}>;

std::vector<fb::unpacked_number> unpack_all(const std::vector<float>& ascending) {
  std::vector<fb::unpacked_number> all;
  for (const float each : ascending)
    all.push_back(fb::unpack(each));
  return all;
}
const std::vector<fb::unpacked_number> ternary = unpack_all({-1, 0, 1});
const std::vector<fb::unpacked_number> binary = unpack_all({-1, 1});
const std::vector<fb::unpacked_number> lopsided = unpack_all({-1, 5});
const std::vector<fb::unpacked_number> one_sided = unpack_all({1, 2, 8});
const std::vector<fb::unpacked_number> nf4 = unpack_all(
    {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
     -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
     0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f});

struct named_alphabet {
  const char* name;
  fb::alphabet elements;
  int fraction_bits;
};
std::vector<named_alphabet> few_elements() {
  return {{"e2m1", fb::alphabet_of<fb::e2m1>(), 1},   {"int4", fb::alphabet_of<fb::int4>(), 0},
          {"uint4", fb::alphabet_of<fb::uint4>(), 0}, {"int2", fb::alphabet_of<fb::int2>(), 0},
          {"ternary", fb::alphabet(ternary), 0},      {"binary", fb::alphabet(binary), 0},
          {"-1 and 5", fb::alphabet(lopsided), 0},    {"1, 2, 8", fb::alphabet(one_sided), 0}};
}

#if FEWBITS_HAS_INT128

using fewbits_test::brute_choice;
using fewbits_test::wide;

/// x x 2^bits, an integer by choice of bits.
std::int64_t integer_of(const fb::unpacked_number& x, int bits) {
  if (x.kind == fb::number_class::zero)
    return 0;
  const int shift = 63 - x.exponent - bits;
  EXPECT_TRUE(shift > 0 && (shift >= 64 || (x.significand << (64 - shift)) == 0)) << "not an integer";
  const auto magnitude = static_cast<std::int64_t>(shift >= 64 ? 0 : x.significand >> shift);
  return x.negative ? -magnitude : magnitude;
}

template <fb::float_format Format>
std::vector<fewbits_test::numbered_scale> all_scales(int bits, std::uint64_t first = Format.min_positive_code(),
                                                     std::uint64_t last = Format.max_code()) {
  std::vector<fewbits_test::numbered_scale> scales;
  for (std::uint64_t code = first; code <= last; ++code)
    scales.push_back({code, integer_of(fb::unpack_code<Format>(code), bits)});
  return scales;
}

struct block_case {
  std::vector<float> values;
  std::vector<float> weights;
  std::vector<wide> integers;
  std::vector<std::int64_t> integer_weights;
};
/// Values are integers of value_bits bits, times 2^-scale_bits.
block_case make_case(std::mt19937_64& random, unsigned kind, int value_bits, int scale_bits, int element_bits,
                     std::size_t size) {
  block_case made;
  const bool weighted = kind % 4 == 3;
  for (const std::int64_t each : fewbits_test::integer_block(random, size, value_bits, kind)) {
    made.values.push_back(std::ldexp(static_cast<float>(each), -scale_bits));
    made.integers.push_back(static_cast<wide>(each) * (std::int64_t{1} << element_bits));
    if (weighted) {
      made.integer_weights.push_back(static_cast<std::int64_t>(random() % 16));
      made.weights.push_back(static_cast<float>(made.integer_weights.back()));
    }
  }
  return made;
}
std::vector<std::int64_t> integers_of(const named_alphabet& alphabet) {
  std::vector<std::int64_t> elements;
  for (std::size_t k = 0; k < alphabet.elements.size(); ++k)
    elements.push_back(integer_of(alphabet.elements[k], alphabet.fraction_bits));
  return elements;
}
brute_choice choice_of(const fb::exact_choice& got) { return {got.number, got.zero_point, got.negative}; }

std::string show(const block_case& at) {
  std::string text;
  for (std::size_t i = 0; i < at.values.size(); ++i) {
    text.append(i == 0 ? "" : ", ").append(std::to_string(at.values[i]));
    if (!at.weights.empty())
      text.append(" weight ").append(std::to_string(at.weights[i]));
  }
  return text;
}

void expect_same(const brute_choice& got, const brute_choice& expected, const char* name, const block_case& at) {
  ASSERT_TRUE(got == expected) << name << ", got scale " << got.number << " zero point " << got.zero_point
                               << (got.negative ? " negative" : "") << ", expected " << expected.number << " "
                               << expected.zero_point << (expected.negative ? " negative" : "") << ", block "
                               << show(at);
}

TEST(ExactScale, EveryHalfPrecisionScaleIsTried) {
  const auto scales = all_scales<fb::fp16::format>(24);
  std::mt19937_64 random(1);
  fb::exact_scale_buffer<8> buffer;
  std::uint64_t visited = 0;
  for (const auto& alphabet : few_elements()) {
    const auto elements = integers_of(alphabet);
    for (unsigned kind = 0; kind < 24; ++kind) {
      const auto at =
          make_case(random, kind, 10 + static_cast<int>(random() % 26), 24, alphabet.fraction_bits, 1 + kind % 6);
      const bool both = kind % 3 == 0;
      auto expected =
          fewbits_test::brute_force(at.integers, at.integer_weights, elements, 1, scales, {.negative_scales = both});
      if (fewbits_test::planted() && kind == 5)
        expected.number ^= 1;
      const auto got =
          fb::find_exact_choice(std::span<const float>(at.values), alphabet.elements, fb::number_grid<fb::fp16>(),
                                buffer, {.weights = at.weights, .negative_scales = both});
      expect_same(choice_of(got), expected, alphabet.name, at);
      visited += scales.size();
    }
  }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

TEST(ExactScale, EveryScaleOfWideAlphabetsIsTried) {
  const auto scales = all_scales<fb::fp16::format>(24, 0x1000, 0x3fff);  // 2^-11 to 2
  std::vector<fb::unpacked_number> units;
  for (const auto& each : scales)
    units.push_back(fb::unpack_code<fb::fp16::format>(each.number));
  std::mt19937_64 random(2);
  fb::exact_scale_buffer<8> buffer;
  std::uint64_t visited = 0;
  for (const auto& alphabet :
       {named_alphabet{"e4m3", fb::alphabet_of<fb::e4m3>(), 9}, named_alphabet{"int8", fb::alphabet_of<int8>(), 0},
        named_alphabet{"mxint8", fb::alphabet_of<fb::mxint8>(), 6}}) {
    const auto elements = integers_of(alphabet);
    for (unsigned kind = 0; kind < 8; ++kind) {
      const auto at = make_case(random, kind, 26 + static_cast<int>(random() % 6), 24, alphabet.fraction_bits, 4);
      auto expected = fewbits_test::brute_force(at.integers, at.integer_weights, elements, 1, scales);
      expected.number -= scales[0].number;
      const auto got = fb::find_exact_unit(std::span<const float>(at.values), alphabet.elements, units, buffer,
                                           {.weights = at.weights});
      expect_same(choice_of(got), expected, alphabet.name, at);
      visited += scales.size();
    }
  }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

TEST(ExactScale, EveryBfloatScaleOfNf4IsTried) {
  constexpr auto format = fb::bf16::format;
  const auto scales = all_scales<format>(15, (127 - 8) << 7, (127 + 8) << 7);  // 2^-8 to 2^8
  std::vector<fb::unpacked_number> units;
  for (const auto& each : scales)
    units.push_back(fb::unpack_code<format>(each.number));
  const named_alphabet alphabet{"nf4", fb::alphabet(nf4), 28};
  const auto elements = integers_of(alphabet);
  std::mt19937_64 random(3);
  fb::exact_scale_buffer<16> buffer;
  std::uint64_t visited = 0;
  for (unsigned kind = 0; kind < 120; ++kind) {
    const auto at = make_case(random, kind, 10 + static_cast<int>(random() % 12), 15, 28, 1 + kind % 16);
    auto expected = fewbits_test::brute_force(at.integers, at.integer_weights, elements, 1, scales);
    expected.number -= scales[0].number;
    const auto got = fb::find_exact_unit(std::span<const float>(at.values), alphabet.elements, units, buffer,
                                         {.weights = at.weights});
    expect_same(choice_of(got), expected, alphabet.name, at);
    visited += scales.size();
  }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

TEST(ExactScale, EveryZeroPointWithEveryScaleIsTried) {
  std::mt19937_64 random(4);
  fb::exact_scale_buffer<16> buffer;
  std::uint64_t visited = 0;
  const auto few = all_scales<fb::ue4m3::format>(24);
  const auto many = all_scales<fb::fp16::format>(24, 0x2000, 0x4bff);  // 2^-7 to 16
  std::vector<fb::unpacked_number> units;
  for (const auto& each : many)
    units.push_back(fb::unpack_code<fb::fp16::format>(each.number));
  const named_alphabet four{"uint4", fb::alphabet_of<fb::uint4>(), 0};
  const named_alphabet two{"uint2", fb::alphabet_of<fb::uint2>(), 0};
  for (unsigned kind = 0; kind < 120; ++kind) {
    const auto at = make_case(random, kind, 16 + static_cast<int>(random() % 14), 24, 0, 1 + kind % 16);
    const auto expected = fewbits_test::brute_force(at.integers, at.integer_weights, integers_of(four), 1, few,
                                                    {.first_zero_point = 0, .last_zero_point = 15});
    const auto got =
        fb::find_exact_choice(std::span<const float>(at.values), four.elements, fb::number_grid<fb::ue4m3>(), buffer,
                              {.weights = at.weights, .last_zero_point = 15});
    expect_same(choice_of(got), expected, four.name, at);
    visited += few.size() * 16;
    if (kind >= 24)
      continue;
    auto expected_of_two = fewbits_test::brute_force(at.integers, at.integer_weights, integers_of(two), 1, many,
                                                     {.first_zero_point = 0, .last_zero_point = 3});
    expected_of_two.number -= many[0].number;
    const auto got_of_two = fb::find_exact_unit(std::span<const float>(at.values), two.elements, units, buffer,
                                                {.weights = at.weights, .last_zero_point = 3});
    expect_same(choice_of(got_of_two), expected_of_two, two.name, at);
    visited += many.size() * 4;
  }
  std::printf("%llu pairs of scale and zero point of blocks\n", static_cast<unsigned long long>(visited));
}

/// float32 scales are too many to try. But the best one is best for some assignment of elements to values, and of
/// these there are few enough in a tiny block: for each, the two floats around the scale where its error is least.
TEST(ExactScale, EveryAssignmentWithFloatScalesIsTried) {
  std::mt19937_64 random(5);
  fb::exact_scale_buffer<4> buffer;
  std::uint64_t visited = 0;
  constexpr int bits = 40;
  for (const auto& alphabet : few_elements()) {
    const auto elements = integers_of(alphabet);
    const std::size_t size = elements.size() > 8 ? 3 : 4;
    for (unsigned kind = 0; kind < 16; ++kind) {
      const auto at = make_case(random, kind, 14, 6, alphabet.fraction_bits, size);  // 14 bits, times 2^-6
      std::vector<wide> integers;
      for (const wide each : at.integers)
        integers.push_back(each * (wide{1} << (bits - 6)));
      std::vector<fewbits_test::numbered_scale> scales;
      std::size_t assignments = 1;
      for (std::size_t i = 0; i < size; ++i)
        assignments *= elements.size();
      std::vector<std::uint32_t> codes;
      for (std::size_t a = 0; a < assignments; ++a) {
        double product = 0;
        double square = 0;
        std::size_t rest = a;
        for (std::size_t i = 0; i < size; ++i, rest /= elements.size()) {
          const double element =
              std::ldexp(static_cast<double>(elements[rest % elements.size()]), -alphabet.fraction_bits);
          const double w = at.weights.empty() ? 1 : at.weights[i];
          product += w * at.values[i] * element;
          square += w * element * element;
        }
        // Scales of 40 fraction bits: from 2^-16 on, floats are that coarse. Smaller ones lose anyway, the values being
        // multiples of 2^-6, or it is a block of zeros.
        if (square == 0 || product / square < 0x1p-12)
          continue;
        const std::uint32_t code = bits_of(static_cast<float>(product / square));
        codes.insert(codes.end(), {code - 1, code, code + 1});
      }
      std::sort(codes.begin(), codes.end());
      codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
      for (const std::uint32_t code : codes)
        scales.push_back({code, integer_of(fb::unpack(float_of(code)), bits)});
      if (scales.empty())
        continue;
      const auto expected = fewbits_test::brute_force(integers, at.integer_weights, elements, 1, scales);
      const auto got = fb::find_exact_choice(std::span<const float>(at.values), alphabet.elements,
                                             fb::number_grid<float>(), buffer, {.weights = at.weights});
      if (got.number == 1)
        continue;  // no scale of the assignments beats 2^-149
      expect_same(choice_of(got), expected, alphabet.name, at);
      visited += scales.size();
    }
  }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

#endif

/// The error of the nearest elements, by rational arithmetic.
template <class Values>
oracle::exact error_of(const Values& values, const std::vector<oracle::exact>& elements, const oracle::exact& unit,
                       const oracle::exact& enough) {
  oracle::exact sum{};
  for (const float x : values) {
    const oracle::exact magnitude = oracle::magnitude_of(x);
    oracle::exact nearest{};
    for (std::size_t k = 0; k < elements.size(); ++k) {
      const oracle::exact distance = (magnitude - elements[k] * unit).absolute();
      if (k == 0 || distance < nearest)
        nearest = distance;
    }
    sum = sum + nearest * nearest;
    if (!enough.is_zero() && sum > enough)
      break;
  }
  return sum;
}

TEST(ExactScale, HardBlocksGetTheBestOfAllFewBitScales) {
  std::vector<oracle::exact> elements;
  for (unsigned code = 0; code < 8; ++code)
    elements.push_back(oracle::e2m1_magnitude(code));
  fb::exact_scale_buffer<16> buffer;
  std::uint64_t visited = 0;
  std::size_t number = 0;
  for (auto values : fewbits_test::hard_blocks(16)) {
    if (++number % 41 != 0)
      continue;
    for (float& each : values)
      if (!oracle::is_finite_float(each))
        each = float_of(0x7f7fffff);
    const auto best_of = [&](unsigned first, unsigned last, auto value_of) {
      unsigned best = first;
      oracle::exact least = error_of(values, elements, value_of(first), {});
      for (unsigned code = first + 1; code <= last; ++code, ++visited) {
        if (least.is_zero())
          break;
        const oracle::exact error = error_of(values, elements, value_of(code), least);
        if (error < least) {
          least = error;
          best = code;
        }
      }
      return best;
    };
    const std::span<const float> of(values);
    const auto e8 = fb::find_exact_scale<fb::ue8m0>(of, fb::alphabet_of<fb::e2m1>(), buffer);
    EXPECT_EQ(e8.scale.bits(), best_of(0, 254, oracle::ue8m0_value))
        << "block " << number << ", first bits " << std::hex << bits_of(values[0]) << " " << bits_of(values[1]);
    const auto e4 = fb::find_exact_scale<fb::ue4m3>(of, fb::alphabet_of<fb::e2m1>(), buffer);
    EXPECT_EQ(e4.scale.bits(), best_of(1, 126, oracle::ue4m3_value))
        << "block " << number << ", first bits " << std::hex << bits_of(values[0]) << " " << bits_of(values[1]);
  }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

/// Is `got` at least as good as a scale? By the exact comparison, which has its own test.
template <class T>
bool not_worse(std::span<const T> values, const fb::alphabet& elements, const fb::unpacked_number& got,
               const fb::unpacked_number& other, std::span<const float> weights = {}) {
  const auto decoded = [&](const fb::unpacked_number& unit) {
    return [&, unit](std::size_t i) {
      return fb::exact_product(elements[elements.nearest(fb::unpack(values[i]), unit)], unit);
    };
  };
  return fb::compare_block_errors(values, decoded(got), decoded(other), weights) <= 0;
}

TEST(ExactScale, NoOtherFloatIsBetterForLongBlocks) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  fb::exact_scale_heap_buffer buffer;
  ASSERT_TRUE(buffer.reserve(5000));
  std::uint64_t visited = 0;
  for (const std::size_t size : {16u, 128u, 1000u, 5000u})
    for (const auto& alphabet : {fb::alphabet_of<fb::int4>(), fb::alphabet_of<fb::e2m1>(), fb::alphabet(nf4),
                                 fb::alphabet(binary), fb::alphabet_of<int8>(), fb::alphabet(one_sided)}) {
      std::vector<float> values(size);
      std::vector<float> weights;
      for (float& each : values)
        each = static_cast<float>(normal(random));
      if (size == 1000)
        for (std::size_t i = 0; i < size; ++i)
          weights.push_back(static_cast<float>(random() % 1000) / 7);
      const std::span<const float> of(values);
      const auto got = fb::find_exact_scale<float>(of, alphabet, buffer, {.weights = weights});
      const std::uint32_t code = bits_of(got.scale);
      for (int i = 0; i < 40; ++i, ++visited) {
        std::uint32_t other = code + static_cast<std::uint32_t>(i - 4);
        if (i >= 8)
          other = i < 24 ? code - (1u << 21) + static_cast<std::uint32_t>(random() % (1u << 22))
                         : code - (1u << (i - 8)) + static_cast<std::uint32_t>(random() % (2ull << (i - 8)));
        if (other == 0 || other >= 0x7f800000u)
          continue;
        ASSERT_TRUE(not_worse(of, alphabet, fb::unpack(got.scale), fb::unpack(float_of(other)), weights))
            << "size " << size << ", elements " << alphabet.size() << std::hex << ", got " << code << ", better "
            << other;
      }
    }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

/// The same set of scales as a type, swept, and as a list, tried one by one.
TEST(ExactScale, TheSweepFindsWhatAListOfAllScalesFinds) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  fb::exact_scale_heap_buffer buffer;
  ASSERT_TRUE(buffer.reserve(3000));
  std::vector<fb::unpacked_number> units;
  for (std::uint64_t code = 1; code <= fb::fp16::format.max_code(); ++code)
    units.push_back(fb::unpack_code<fb::fp16::format>(code));
  std::uint64_t visited = 0;
  for (int round = 0; round < 60; ++round) {
    const bool wide_elements = round % 3 == 0;
    const auto elements = wide_elements ? fb::alphabet_of<fb::e4m3>() : fb::alphabet_of<fb::int4>();
    std::vector<float> values(wide_elements ? 300 : 3000);
    for (float& each : values) {
      each = static_cast<float>(normal(random));
      if (round % 2 == 0)  // few different values: many breakpoints at one scale
        each = std::ldexp(static_cast<float>(static_cast<int>(std::ldexp(each, 3))), -3);
    }
    // Part of the list at a time, so that the search tries one by one.
    const std::span<const float> of(values);
    const auto swept = fb::find_exact_scale<fb::fp16>(of, elements, buffer);
    const std::size_t place = swept.scale.bits() - 1u;
    const std::size_t first = place > 500 ? place - 500 : 0;
    const auto listed =
        fb::find_exact_unit(of, elements, std::span<const fb::unpacked_number>(units).subspan(first, 1000), buffer);
    EXPECT_EQ(first + listed.number, place) << "round " << round;
    visited += 1000;
  }
  std::printf("%llu scales of blocks\n", static_cast<unsigned long long>(visited));
}

TEST(ExactScale, PerfectScalesAreFoundAndTheSmallestOfThemIsTaken) {
  fb::exact_scale_buffer<16> buffer;
  // 1 is an element times 1, 1/2 or 1/4, and no other float divides it by an integer up to 7.
  const std::array<float, 3> ones{1, -1, 1};
  EXPECT_EQ(fb::find_exact_scale<float>(std::span<const float>(ones), fb::alphabet_of<fb::int4>(), buffer).scale,
            0.25f);
  // 8 exists below zero alone.
  const std::array<float, 2> eights{8, -7};
  const auto turned = fb::find_exact_scale<float>(std::span<const float>(eights), fb::alphabet_of<fb::int4>(), buffer,
                                                  {.negative_scales = true});
  EXPECT_EQ(turned.scale, -1.0f);
  const std::array<float, 4> shifted{-3, 12, 0, 5};
  const auto with_zero_point = fb::find_exact_scale<float>(
      std::span<const float>(shifted), fb::alphabet_of<fb::uint4>(), buffer, {.last_zero_point = 15});
  EXPECT_EQ(with_zero_point.scale, 1.0f);
  EXPECT_EQ(with_zero_point.zero_point, 3);
}

TEST(ExactScale, HundredsOfPerfectChoicesAreToldApart) {
  using uint8 = fb::fixed_point<fb::fixed_format{.total_bits = 8, .is_signed = false}>;
  fb::exact_scale_buffer<2> buffer;
  const std::array<float, 2> signs{1, -1};
  const auto got = fb::find_exact_scale<float>(std::span<const float>(signs), fb::alphabet_of<uint8>(), buffer,
                                               {.last_zero_point = 255, .negative_scales = true});
  // 1 / 128 would need both 128 and -128.
  EXPECT_EQ(got.scale, 0x1p-6f);
  EXPECT_EQ(got.zero_point, 64);
}

TEST(ExactScale, ZerosAndMissingWeightsGetTheSmallestScale) {
  fb::exact_scale_buffer<16> buffer;
  const auto zeros = fewbits_test::floats_of({0, 0x80000000u, 0});
  const std::array<float, 3> values{1, 2, 3};
  const std::array<float, 3> no_weight{0, 0, 0};
  const std::array<float, 3> weight_on_zero{0, 1, 0};
  const std::array<float, 3> middle_zero{1, 0, 3};
  for (const auto& elements : {fb::alphabet_of<fb::int4>(), fb::alphabet(binary), fb::alphabet(one_sided)}) {
    EXPECT_EQ(bits_of(fb::find_exact_scale<float>(std::span<const float>(zeros), elements, buffer).scale), 1u);
    EXPECT_EQ(
        bits_of(fb::find_exact_scale<float>(std::span<const float>(values), elements, buffer, {.weights = no_weight})
                    .scale),
        1u);
    EXPECT_EQ(bits_of(fb::find_exact_scale<float>(std::span<const float>(middle_zero), elements, buffer,
                                                  {.weights = weight_on_zero})
                          .scale),
              1u);
    EXPECT_EQ(bits_of(fb::find_exact_scale<float>(std::span<const float>(), elements, buffer).scale), 1u);
  }
  const auto with_zero_point = fb::find_exact_scale<float>(std::span<const float>(zeros), fb::alphabet_of<fb::uint4>(),
                                                           buffer, {.first_zero_point = 2, .last_zero_point = 9});
  EXPECT_EQ(with_zero_point.zero_point, 2);
}

TEST(ExactScale, ScalesStayInTheirRange) {
  fb::exact_scale_buffer<16> buffer;
  const std::array<float, 2> huge{0x1p100f, -0x1p99f};
  EXPECT_EQ(
      fb::find_exact_scale<fb::fp16>(std::span<const float>(huge), fb::alphabet_of<fb::int4>(), buffer).scale.bits(),
      fb::fp16::format.max_code());
  const std::array<float, 2> tiny{0x1p-100f, -0x1p-99f};
  EXPECT_EQ(
      fb::find_exact_scale<fb::fp16>(std::span<const float>(tiny), fb::alphabet_of<fb::int4>(), buffer).scale.bits(),
      1);
  EXPECT_EQ(fb::find_exact_scale<fb::fp16>(std::span<const float>(tiny), fb::alphabet(binary), buffer).scale.bits(), 1);
  // Every value below zero, no element there: nothing gains, and the smallest scale is as good as any.
  const std::array<float, 2> below{-1, -2};
  EXPECT_EQ(
      fb::find_exact_scale<fb::fp16>(std::span<const float>(below), fb::alphabet_of<fb::uint4>(), buffer).scale.bits(),
      1);
  const std::array<float, 1> largest{float_of(0x7f7fffff)};
  const auto found = fb::find_exact_scale<float>(std::span<const float>(largest), fb::alphabet_of<fb::e2m1>(), buffer);
  EXPECT_EQ(bits_of(found.scale), 0x7e2aaaaau);  // FLT_MAX / 6: its significand, 2^24 - 1, is divisible by 3
  const std::array<float, 1> smallest{float_of(1)};
  EXPECT_EQ(
      bits_of(fb::find_exact_scale<float>(std::span<const float>(smallest), fb::alphabet_of<fb::e2m1>(), buffer).scale),
      1u);
}

TEST(ExactScale, DoublesFarApartAreNotLost) {
  fb::exact_scale_buffer<16> buffer;
  // 1 decides between the scales 1, 1/2 and 1/4; what lies 2^1000 below decides nothing.
  for (const int far : {-100, -500, -700, -1000, -1070}) {
    const std::array<double, 3> values{1.0, std::ldexp(1.0, far), -1.0};
    const auto got = fb::find_exact_scale<float>(std::span<const double>(values), fb::alphabet_of<fb::int4>(), buffer);
    EXPECT_EQ(got.scale, 0.25f) << far;
    // With all weight on the small value it is the block.
    if (far >= -140 + 0) {
      const std::array<float, 3> weights{0, 1, 0};
      const auto small = fb::find_exact_scale<float>(std::span<const double>(values), fb::alphabet_of<fb::int4>(),
                                                     buffer, {.weights = weights});
      EXPECT_EQ(small.scale, std::ldexp(0.25f, far)) << far;
    }
  }
  std::mt19937_64 random(8);
  for (int round = 0; round < 200; ++round) {
    std::array<double, 6> values{};
    for (double& each : values)
      each = std::ldexp(static_cast<double>(random() >> 11) * (random() % 2 != 0 ? -1 : 1),
                        -static_cast<int>(random() % 90) - 53);
    const std::span<const double> of(values);
    for (const auto& elements : {fb::alphabet_of<fb::int4>(), fb::alphabet(lopsided), fb::alphabet(one_sided)}) {
      const auto got = fb::find_exact_scale<float>(of, elements, buffer);
      for (int i = -30; i <= 30; ++i) {
        const auto code =
            static_cast<std::int64_t>(bits_of(got.scale)) +
            (i < -6 || i > 6 ? (i < 0 ? -1 : 1) * static_cast<std::int64_t>(random() % (1u << ((i < 0 ? -i : i) - 5)))
                             : i);
        if (code <= 0 || code >= 0x7f800000)
          continue;
        ASSERT_TRUE(
            not_worse(of, elements, fb::unpack(got.scale), fb::unpack(float_of(static_cast<std::uint32_t>(code)))))
            << "round " << round << ", elements " << elements.size() << ", scale bits " << code;
      }
    }
  }
}

TEST(ExactScale, TheNearestElementIsExact) {
  std::uint64_t visited = 0;
  for (unsigned code = 1; code < 127; ++code) {
    const auto unit = unpack(fb::ue4m3::from_bits(static_cast<std::uint8_t>(code)));
    const auto elements = fb::alphabet_of<fb::e2m1>();
    for (std::size_t k = 0; k + 1 < elements.size(); ++k) {
      const auto twice_middle = fb::exact_product(fb::exact::add(elements[k], elements[k + 1]), unit);
      if (twice_middle.kind == fb::number_class::zero)
        continue;
      auto middle = twice_middle;
      middle.exponent -= 1;
      EXPECT_EQ(elements.nearest(middle, unit), k) << "a tie goes to the lower element";
      auto outwards = middle;
      outwards.significand += 1ull << 11;  // a last place of a double
      auto inwards = middle;
      inwards.significand = (middle.significand << 1) - (1ull << 11);
      inwards.exponent -= 1;
      if (middle.significand != 1ull << 63)
        inwards = {middle.significand - (1ull << 11), middle.exponent, middle.kind, middle.negative};
      EXPECT_EQ(elements.nearest(outwards, unit), middle.negative ? k : k + 1);
      EXPECT_EQ(elements.nearest(inwards, unit), middle.negative ? k + 1 : k);
      visited += 3;
    }
  }
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

constexpr std::array<float, 8> constants{0.3f, -1.7f, 0.9f, 2.2f, -0.1f, 1.4f, -2.9f, 0.0f};
constexpr std::array<float, 8> importance{1, 2, 1, 1, 4, 1, 0.5f, 1};
template <class Scale>
constexpr fb::exact_scale<Scale> search_constants(const std::array<float, 8>& values, fb::scale_choices options,
                                                  const fb::alphabet& elements) {
  fb::exact_scale_buffer<8> buffer;
  return fb::find_exact_scale<Scale>(std::span<const float>(values), elements, buffer, options);
}
constexpr auto symmetric = search_constants<float>(constants, {.weights = importance}, fb::alphabet_of<fb::int4>());
constexpr auto asymmetric = search_constants<float>(constants, {.last_zero_point = 15}, fb::alphabet_of<fb::uint4>());
constexpr auto nvfp4 =
    search_constants<fb::ue4m3>(constants, {.tensor_scale = fb::unpack(0.01f)}, fb::alphabet_of<fb::e2m1>());

TEST(ExactScale, RunTimeEqualsCompileTime) {
  const std::array<float, 8> values = constants;
  EXPECT_EQ(bits_of(search_constants<float>(values, {.weights = importance}, fb::alphabet_of<fb::int4>()).scale),
            bits_of(symmetric.scale));
  const auto got = search_constants<float>(values, {.last_zero_point = 15}, fb::alphabet_of<fb::uint4>());
  EXPECT_EQ(bits_of(got.scale), bits_of(asymmetric.scale));
  EXPECT_EQ(got.zero_point, asymmetric.zero_point);
  EXPECT_EQ(search_constants<fb::ue4m3>(values, {.tensor_scale = fb::unpack(0.01f)}, fb::alphabet_of<fb::e2m1>())
                .scale.bits(),
            nvfp4.scale.bits());
}

}  // namespace
