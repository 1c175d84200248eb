// Every scale rule against exact rationals, written from the rules and not from the code: boundary amax and random
// ones.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "block/format_oracle.hpp"
#include "block/scale_oracle.hpp"
#include "number/support.hpp"

namespace {

using namespace fewbits_test;
namespace fb = fewbits;
using oracle::exact;
using quotient = oracle::quotient;

/// Finite float magnitudes above 0: boundaries, powers of two and what lies beside them, random ones.
std::vector<std::uint32_t> amax_bits() {
  std::vector<std::uint32_t> all;
  for (const std::uint32_t bits : boundary_magnitudes())
    if (bits != 0 && bits < 0x7f800000u)
      all.push_back(bits);
  for (std::uint32_t field = 1; field < 255; ++field)
    for (const std::uint32_t mantissa :
         {0u, 1u, 0x1fffffu, 0x200000u, 0x3fffffu, 0x400000u, 0x5fffffu, 0x600000u, 0x6fffffu, 0x700000u, 0x77ffffu,
          0x780000u, 0x7bffffu, 0x7c0000u, 0x7e0000u, 0x7effffu, 0x7f0000u, 0x7fffffu})
      all.push_back(field << 23 | mantissa);
  for (std::uint32_t bits = 1; bits < 0x800000u; bits *= 2)
    for (const std::uint32_t each : {bits, bits + 1, bits * 3 / 2, bits * 2 - 1})
      all.push_back(each);
  std::mt19937 random(21);
  for (int n = 0; n < 4000; ++n)
    if (const auto bits = static_cast<std::uint32_t>(random()) & 0x7fffffffu; bits != 0 && bits < 0x7f800000u)
      all.push_back(bits);
  return all;
}

template <class Visit>
void for_each_mx_format(Visit&& visit) {
  for_each_type(
      type_list<fb::mxfp8_e4m3, fb::mxfp8_e5m2, fb::mxfp6_e3m2, fb::mxfp6_e2m3, fb::mxfp4, fb::mxint8_blocks>{}, visit);
}

template <class Rule, class Expected>
void judge_power_of_two(const char* name, const Rule& rule, const Expected& expected) {
  tally count{std::string("amax by ") + name};
  const auto inputs = amax_bits();
  for_each_mx_format([&]<class Format>() {
    const scaled_element of = element_of<typename Format::element_type>();
    for (const std::uint32_t bits : inputs) {
      const float amax = float_of(bits);
      count.expect(expected(of, oracle::magnitude_of(amax)),
                   rule.template block_scale<Format>(fb::unpack(amax), {}).bits(), [&] {
                     return std::string(name) + ", " + table_of<typename Format::element_type>().name + ", amax " +
                            hex(bits);
                   });
    }
    // Doubles reach both ends of ue8m0.
    for (int exponent = -1074; exponent < 1024; exponent += exponent < -160 || exponent > 160 ? 97 : 1)
      for (const std::uint64_t mantissa : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{7}, std::uint64_t{15},
                                           std::uint64_t{31}, std::uint64_t{255}, std::uint64_t{0x1fffffffffffff}}) {
        const int lowest = exponent - static_cast<int>(std::bit_width(mantissa)) + 1;
        if (lowest < -300 && mantissa != 1)
          continue;
        count.expect(expected(of, exact{false, oracle::natural{mantissa}, lowest}),
                     rule.template block_scale<Format>(fb::make_unpacked(false, mantissa, lowest), {}).bits(), [&] {
                       return std::string(name) + ", " + table_of<typename Format::element_type>().name + ", amax " +
                              hex(mantissa) + " x 2^" + std::to_string(lowest);
                     });
      }
  });
}

TEST(PowerOfTwo, FloorTakesTheExponentOfAmax) { judge_power_of_two("floor", fb::floor_scale, floor_code); }
TEST(PowerOfTwo, CeilTakesTheNextUnlessAmaxIsAPower) { judge_power_of_two("ceil", fb::ceil_scale, ceil_code); }
TEST(PowerOfTwo, RceilIsTheSmallestThatClipsNothing) { judge_power_of_two("rceil", fb::rceil_scale, rceil_code); }
TEST(PowerOfTwo, EvenRoundsAmaxToTheElementsDigitsFirst) { judge_power_of_two("even", fb::even_scale, even_code); }

// Facts that decide between the rules. 6 and 7 in mxfp4: rceil keeps 1 up to 6; even goes on at 7, floor at 8.
static_assert(fb::floor_scale.block_scale<fb::mxfp4>(fb::unpack(7), {}).bits() == 127);
static_assert(fb::even_scale.block_scale<fb::mxfp4>(fb::unpack(6.999), {}).bits() == 127);
static_assert(fb::even_scale.block_scale<fb::mxfp4>(fb::unpack(7), {}).bits() == 128);
static_assert(fb::rceil_scale.block_scale<fb::mxfp4>(fb::unpack(6), {}).bits() == 127);
static_assert(fb::rceil_scale.block_scale<fb::mxfp4>(fb::unpack(6.0001), {}).bits() == 128);
static_assert(fb::ceil_scale.block_scale<fb::mxfp4>(fb::unpack(4), {}).bits() == 127);
static_assert(fb::ceil_scale.block_scale<fb::mxfp4>(fb::unpack(4.0001), {}).bits() == 128);

struct wide_e4m3 : fb::block_format<fb::e4m3, fb::bf16, 16, fb::amax_scale_t> {};
struct int8_of_ue5m3 : fb::block_format<fb::int8, fb::ue5m3, 16, fb::amax_scale_t> {};
struct int4_of_ue8m0 : fb::block_format<fb::int4, fb::ue8m0, 32, fb::amax_scale_t> {};
struct e2m1_of_e4m3 : fb::block_format<fb::e2m1, fb::e4m3, 16, fb::amax_scale_t> {};

using amax_formats =
    type_list<fb::fp8_groups<>, fb::fp8_groups<fb::e5m2, fb::fp16>, wide_e4m3, fb::int8_groups<32>,
              fb::int8_groups<32, fb::fp16>, fb::int4_groups<32>, fb::int4_groups<32, fb::bf16>, fb::int2_groups<32>,
              fb::nf4_groups<>, fb::nf4_groups<64, fb::fp16>, int8_of_ue5m3, int4_of_ue8m0, e2m1_of_e4m3>;

/// The largest and the lowest value of an element, by the oracle's tables.
template <class Format>
exact largest_element() {
  return any_table_of<typename Format::element_type>().positive.steps.back().magnitude;
}
template <class Format>
exact lowest_element() {
  const oracle::table& of = any_table_of<typename Format::element_type>();
  return of.bits <= 4 && of.name.starts_with("codebook") ? -of.negative.steps.back().magnitude
         : of.is_signed                                  ? -of.negative.steps.back().magnitude
                                                         : exact{};
}
template <class Format>
std::string name_of_format() {
  return any_table_of<typename Format::element_type>().name + ", scale of " +
         std::to_string(sizeof(typename Format::scale_type)) + " bytes";
}

TEST(RealScales, AmaxOverTheLargestElement) {
  tally count{"amax over the largest element, and over half the range"};
  const auto inputs = amax_bits();
  for_each_type(amax_formats{}, [&]<class Format>() {
    using scale = typename Format::scale_type;
    const exact largest = largest_element<Format>();
    const exact half_range = (largest - lowest_element<Format>()).scaled(-1);
    for (std::size_t i = 0; i < inputs.size(); i += sizeof(scale) == 4 ? 3 : 1) {
      const float amax = float_of(inputs[i]);
      const exact value = oracle::magnitude_of(amax);
      const auto text = [&] { return name_of_format<Format>() + ", amax " + hex(inputs[i]); };
      count.expect(nearest_scale<scale>({value, largest}),
                   fb::source_code(fb::amax_scale.block_scale<Format>(fb::unpack(amax), {})), text);
      count.expect(nearest_scale<scale>({value, half_range}),
                   fb::source_code(fb::amax_half_scale.block_scale<Format>(fb::unpack(amax), {})), text);
    }
  });
}

TEST(TwoLevels, TensorAndBlockScaleAreTheNearestOfExactQuotients) {
  tally count{"amax of a tensor and of a block"};
  const auto inputs = amax_bits();
  const auto judge = [&]<class Format>() {
    const exact largest = largest_element<Format>();
    const exact reach = largest * table_of<fb::ue4m3>().positive.steps.back().magnitude;
    for (std::size_t i = 0; i < inputs.size(); i += 5) {
      const float of_tensor = float_of(inputs[i]);
      const float g = fb::static_two_level.tensor_scale<Format>(fb::unpack(of_tensor));
      count.expect(nearest_scale<float>({oracle::magnitude_of(of_tensor), reach}), bits_of(g),
                   [&] { return "tensor amax " + hex(inputs[i]); });
      for (std::size_t k = i; k < inputs.size(); k += 997) {
        const float amax = float_of(inputs[k]);
        count.expect(nearest_scale<fb::ue4m3>({oracle::magnitude_of(amax), largest * meaning_of(g).value}),
                     fb::static_two_level.block_scale<Format>(fb::unpack(amax), g).bits(),
                     [&] { return "amax " + hex(inputs[k]) + " under " + hex(bits_of(g)); });
      }
    }
  };
  struct wider : fb::block_format<fb::e4m3, fb::ue4m3, 16, fb::static_two_level_t, fb::with_tensor_scale<float>> {};
  judge.operator()<fb::nvfp4>();
  judge.operator()<wider>();
}

/// Blocks of finite values, one of them not 0.
std::vector<std::vector<float>> finite_blocks(std::size_t size) {
  std::vector<std::vector<float>> made;
  const auto all = hard_blocks(size);
  for (std::size_t n = 0; n < all.size(); n += thinning == 1 ? 37 : 370)
    if (std::all_of(all[n].begin(), all[n].end(), oracle::is_finite_float) &&
        !std::all_of(all[n].begin(), all[n].end(), [](float x) { return bits_of(x) << 1 == 0; }))
      made.push_back(all[n]);
  return made;
}
template <class Format, class Rule, class T = float>
auto parameters_of(const Rule& rule, const std::vector<T>& values) {
  return rule.template parameters<Format>(fb::block_values<T>(values.data(), values.size()), {});
}

TEST(RealScales, SignedMaximumOverTheLowestElement) {
  tally count{"blocks by signed maximum"};
  for_each_type(type_list<fb::int4_groups<32>, fb::int4_groups<32, fb::fp16>, fb::int4_groups<32, fb::bf16>,
                          fb::int2_groups<32>, fb::int8_groups<32>, fb::nf4_groups<32>, e2m1_of_e4m3>{},
                [&]<class Format>() {
                  for (const auto& values : finite_blocks(32)) {
                    exact found{};
                    for (const float x : values)  // the first of the largest
                      found = oracle::from(x).value.compare_magnitude(found) > 0 ? oracle::from(x).value : found;
                    const auto got = parameters_of<Format>(fb::signed_max_scale, values);
                    count.expect(nearest_scale<typename Format::scale_type>({found, lowest_element<Format>()}),
                                 fb::source_code(got.scale),
                                 [&] { return name_of_format<Format>() + ", " + hex(bits_of(values[0])); });
                  }
                });
  const std::vector<float> both = floats_of({0x40000000u, 0xc1000000u, 0x41000000u, 0});  // 2, -8, 8, 0
  EXPECT_EQ(bits_of(parameters_of<fb::int4_groups<32>>(fb::signed_max_scale, both).scale), 0x3f800000u);
}

struct signed_zero : fb::block_format<fb::int8, float, 16, fb::min_max_scale_t, fb::with_zero_point<fb::int8>> {};
struct e2m1_minimum : fb::block_format<fb::e2m1, fb::fp16, 32, fb::min_max_scale_t, fb::with_minimum<fb::bf16>> {};

/// The nearest number of type T to a value of either sign, clamped to the finite ones; zero is +0.
template <class T>
std::uint32_t nearest_number(const exact& value) {
  if (value.is_zero())
    return 0;
  if constexpr (std::is_same_v<T, float>)
    return std::min(nearest_float_magnitude(value), 0x7f7fffffu) | (value.negative() ? 0x80000000u : 0);
  else
    return oracle::convert(table_of<T>(), oracle::number::finite(value));
}

TEST(RealScales, TheRangeOverTheStepsAndWhereZeroFalls) {
  tally count{"blocks by minimum and maximum"};
  for_each_type(
      type_list<fb::uint4_groups<32>, fb::uint4_groups<32, fb::fp16>, fb::uint2_groups<32, fb::bf16>,
                fb::uint4_minimum_groups<32>, fb::uint4_minimum_groups<32, fb::bf16>, signed_zero, e2m1_minimum>{},
      [&]<class Format>() {
        const exact lowest_code = lowest_element<Format>();
        const exact steps = largest_element<Format>() - lowest_code;
        auto blocks = finite_blocks(32);
        for (std::size_t n = blocks.size(); n-- != 0;) {  // of one sign, too
          auto positive = blocks[n];
          for (float& x : positive)
            x = float_of(bits_of(x) & 0x7fffffffu);
          auto negative = positive;
          for (float& x : negative)
            x = float_of(bits_of(x) | 0x80000000u);
          blocks.push_back(n % 2 == 0 ? positive : negative);
        }
        for (const auto& values : blocks) {
          exact low{};  // the range contains 0
          exact high{};
          for (const float x : values) {
            const exact& value = oracle::from(x).value;
            low = value < low ? value : low;
            high = value > high ? value : high;
          }
          const auto got = parameters_of<Format>(fb::min_max_scale, values);
          const auto text = [&] {
            return name_of_format<Format>() + ", " + hex(bits_of(values[0])) + " " + hex(bits_of(values[1]));
          };
          count.expect(nearest_scale<typename Format::scale_type>({high - low, steps}), fb::source_code(got.scale),
                       text);
          if constexpr (Format::has_minimum) {
            count.expect(nearest_number<typename Format::zero_type>(low - lowest_code * meaning_of(got.scale).value),
                         fb::source_code(got.zero), text);
          } else {
            const exact unit = meaning_of(got.scale).value;
            const std::int64_t down = low.is_zero() ? 0 : rounded_to_integer(quotient{-low, unit}, {});
            const element_facts facts = facts_of<Format>();
            const std::int64_t bottom = facts.table->is_signed ? facts.integer(facts.table->lowest()) : 0;
            const std::int64_t top = facts.integer(facts.table->largest());
            count.expect(static_cast<std::uint64_t>(std::clamp(down + bottom, bottom, top)),
                         static_cast<std::uint64_t>(facts.integer(got.zero.bits())), text);
          }
        }
      });
}

TEST(RealScales, TheMeanMagnitude) {
  tally count{"blocks by mean magnitude"};
  for_each_type(type_list<fb::ternary_groups<32>, fb::ternary_groups<32, fb::fp16>, fb::binary_groups<32, fb::bf16>>{},
                [&]<class Format>() {
                  for (const std::size_t size : {1u, 3u, 7u, 32u})
                    for (const auto& values : finite_blocks(size)) {
                      exact total{};
                      for (const float x : values)
                        total = total + oracle::magnitude_of(x);
                      const auto got = parameters_of<Format>(fb::mean_scale, values);
                      const auto of = exact::integer(static_cast<std::int64_t>(size));
                      count.expect(nearest_scale<typename Format::scale_type>({total, of}), fb::source_code(got.scale),
                                   [&] { return name_of_format<Format>() + ", " + hex(bits_of(values[0])); });
                    }
                });
}

// Inf and NaN that may pass have no part in a scale.
TEST(RealScales, InfAndNanAreLeftOut) {
  tally count{"blocks with Inf and NaN"};
  const std::vector<float> clean = floats_of({0x40a00000u, 0xc0400000u, 0x3f800000u});
  const std::vector<float> with_all =
      floats_of({0x7f800000u, 0x40a00000u, 0xff800000u, 0xc0400000u, 0x7fc00000u, 0x3f800000u, 0xffc00000u});
  const auto judge = [&]<class Format>(const auto& rule) {
    const auto expected = parameters_of<Format>(rule, clean);
    const auto got = parameters_of<Format>(rule, with_all);
    count.expect(fb::source_code(expected.scale), fb::source_code(got.scale), [] { return name_of_format<Format>(); });
    if constexpr (!std::is_same_v<typename Format::zero_type, fb::no_zero_point>)
      count.expect(fb::source_code(expected.zero), fb::source_code(got.zero), [] { return name_of_format<Format>(); });
  };
  judge.operator()<fb::int4_groups<32>>(fb::signed_max_scale);
  judge.operator()<fb::uint4_groups<32>>(fb::min_max_scale);
  judge.operator()<fb::uint4_minimum_groups<32>>(fb::min_max_scale);
  judge.operator()<fb::ternary_groups<32>>(fb::mean_scale);
  count.expect(0x40400000u, bits_of(parameters_of<fb::ternary_groups<32>>(fb::mean_scale, with_all).scale),
               [] { return std::string("(5 + 3 + 1) / 3"); });
}

}  // namespace
