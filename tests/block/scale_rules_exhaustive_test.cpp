// Every float32 amax through every rule that looks at amax alone; every float32, as a block of one value, through the
// rules that look at all values.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "block/format_oracle.hpp"
#include "block/scale_oracle.hpp"
#include "block/threshold_sweep.hpp"

namespace {

using namespace fewbits_test;
namespace fb = fewbits;
using oracle::exact;

template <class Format, class Rule, class Expected>
void sweep_power_of_two(const char* name, const Rule& rule, const Expected& expected) {
  const scaled_element of = element_of<typename Format::element_type>();
  const std::string what = table_of<typename Format::element_type>().name + " " + name;
  sweep(
      thresholds([&](std::uint32_t bits) { return expected(of, oracle::magnitude_of(float_of(bits))); }),
      [&](std::uint32_t bits) -> unsigned {
        return rule.template block_scale<Format>(fb::unpack(float_of(bits)), {}).bits();
      },
      what.c_str());
}
template <class Format>
void sweep_all_powers_of_two() {
  sweep_power_of_two<Format>("floor", fb::floor_scale, floor_code);
  sweep_power_of_two<Format>("ceil", fb::ceil_scale, ceil_code);
  sweep_power_of_two<Format>("rceil", fb::rceil_scale, rceil_code);
  sweep_power_of_two<Format>("even", fb::even_scale, even_code);
}

TEST(PowerOfTwo, EveryAmaxForE4m3) { sweep_all_powers_of_two<fb::mxfp8_e4m3>(); }
TEST(PowerOfTwo, EveryAmaxForE5m2) { sweep_all_powers_of_two<fb::mxfp8_e5m2>(); }
TEST(PowerOfTwo, EveryAmaxForE3m2) { sweep_all_powers_of_two<fb::mxfp6_e3m2>(); }
TEST(PowerOfTwo, EveryAmaxForE2m3) { sweep_all_powers_of_two<fb::mxfp6_e2m3>(); }
TEST(PowerOfTwo, EveryAmaxForE2m1) { sweep_all_powers_of_two<fb::mxfp4>(); }
TEST(PowerOfTwo, EveryAmaxForMxint8) { sweep_all_powers_of_two<fb::mxint8_blocks>(); }

/// Scales of 16 bits: where each begins is found by bisection.
template <class Format, class Rule>
void sweep_small_scale(const char* what, const Rule& rule, const exact& divisor) {
  using scale = typename Format::scale_type;
  sweep(
      thresholds([&](std::uint32_t bits) -> unsigned {
        return nearest_scale<scale>({oracle::magnitude_of(float_of(bits)), divisor});
      }),
      [&](std::uint32_t bits) -> unsigned {
        return rule.template block_scale<Format>(fb::unpack(float_of(bits)), {}).bits();
      },
      what);
}

TEST(Amax, EveryAmaxUnderScalesOf16Bits) {
  sweep_small_scale<fb::fp8_groups<fb::e4m3, fb::bf16>>("amax / 448 in bf16", fb::amax_scale, exact::integer(448));
  sweep_small_scale<fb::int8_groups<32, fb::fp16>>("amax / 127 in fp16", fb::amax_scale, exact::integer(127));
  sweep_small_scale<fb::int4_groups<32, fb::bf16>>("amax / 7 in bf16", fb::amax_scale, exact::integer(7));
  sweep_small_scale<fb::int4_groups<32, fb::fp16>>("amax / 7.5 in fp16", fb::amax_half_scale,
                                                   exact::integer(15).scaled(-1));
  sweep_small_scale<fb::nf4_groups<64, fb::fp16>>("amax in fp16", fb::amax_scale, exact::integer(1));
}

/// float32 scales have as many steps as inputs: each is judged by itself. The scale is the nearest of
/// amax / (divisor x 2^power) if the doubled amax lies between the products with its neighbours' midpoints: integers of
/// 26 and 9 bits, shifted by what their exponents differ.
template <class ScaleOf>
void sweep_float_scales(const char* what, const ScaleOf& scale_of, std::uint64_t divisor, int power) {
  std::uint64_t mismatches = 0;
  for (std::uint32_t bits = 1; bits < past_finite; ++bits) {
    const std::uint32_t got = scale_of(bits);
    const int amax_field = bits >> 23 != 0 ? static_cast<int>(bits >> 23) : 1;
    const int got_field = got >> 23 != 0 ? static_cast<int>(got >> 23) : 1;
    const std::uint64_t amax = (bits & 0x7fffffu) | (bits >> 23 != 0 ? 0x800000u : 0);
    const std::uint64_t quotient = (got & 0x7fffffu) | (got >> 23 != 0 ? 0x800000u : 0);
    const int up = 16 + amax_field - got_field - power;
    bool right = up >= 0 && up <= 28 && quotient != 0 && got < past_finite;
    if (right) {
      const std::uint64_t doubled = amax << (up + 2);
      const bool power_of_two = quotient == 0x800000u && got_field > 1;  // its lower neighbour is nearer
      const std::uint64_t below = (divisor * (4 * quotient - (power_of_two ? 1 : 2))) << 16;
      const std::uint64_t above = (divisor * (4 * quotient + 2)) << 16;
      const bool even = quotient % 2 == 0;
      const bool smallest = got == 1;
      right = (smallest || doubled > below || (doubled == below && even)) &&
              (doubled < above || (doubled == above && even));
    }
    if (planted() && bits == 0x3f800000u)
      right = !right;
    if (!right && ++mismatches < 5)
      ADD_FAILURE() << what << ": amax bits " << std::hex << bits << ", got " << got;
  }
  EXPECT_EQ(mismatches, 0u) << what;
  std::printf("%s: %u magnitudes, %llu mismatches\n", what, past_finite - 1,
              static_cast<unsigned long long>(mismatches));
}

template <class Format, class Rule>
void sweep_float_scale(const char* what, const Rule& rule, std::uint64_t divisor, int power) {
  sweep_float_scales(
      what,
      [&](std::uint32_t bits) {
        return fb::source_code(rule.template block_scale<Format>(fb::unpack(float_of(bits)), {}));
      },
      divisor, power);
}

TEST(Amax, EveryAmaxUnderFloatScales) {
  sweep_float_scale<fb::fp8_groups<>>("amax / 448", fb::amax_scale, 7, 6);
  sweep_float_scale<fb::fp8_groups<fb::e5m2>>("amax / 57344", fb::amax_scale, 7, 13);
  sweep_float_scale<fb::int8_groups<32>>("amax / 127", fb::amax_scale, 127, 0);
  sweep_float_scale<fb::int4_groups<32>>("amax / 7", fb::amax_scale, 7, 0);
  sweep_float_scale<fb::int4_groups<32>>("amax / 7.5", fb::amax_half_scale, 15, -1);
  sweep_float_scale<fb::nf4_groups<>>("amax", fb::amax_scale, 1, 0);
}

// ---- rules that look at all values, for blocks of one

constexpr std::uint32_t sign = 0x80000000u;

template <class Format, class Rule>
auto parameters_of_one(const Rule& rule, std::uint32_t bits) {
  const float value = float_of(bits);
  return rule.template parameters<Format>(fb::block_values<float>(&value, 1), {});
}
/// What no value may give stands for a wrong zero point or sign.
constexpr unsigned wrong = 0x10000u;

template <class Format>
void sweep_signed_max(const char* what, const exact& divisor) {
  const auto steps = thresholds([&](std::uint32_t bits) -> unsigned {
    return nearest_scale<typename Format::scale_type>({oracle::magnitude_of(float_of(bits)), divisor});
  });
  for (const std::uint32_t of : {0u, sign})  // a positive value has a negative scale
    sweep(
        steps,
        [of](std::uint32_t bits) -> unsigned {
          const unsigned code = parameters_of_one<Format>(fb::signed_max_scale, bits | of).scale.bits();
          return (code & 0x8000u) == (of == 0 ? 0x8000u : 0u) ? code & 0x7fffu : wrong;
        },
        what);
}
TEST(SignedMax, EveryValueUnderScalesOf16Bits) {
  sweep_signed_max<fb::int4_groups<32, fb::fp16>>("max / -8 in fp16", exact::integer(8));
  sweep_signed_max<fb::int4_groups<32, fb::bf16>>("max / -8 in bf16", exact::integer(8));
}
TEST(SignedMax, EveryValueUnderFloatScales) {
  for (const std::uint32_t of : {0u, sign})
    sweep_float_scales(
        "max / -8",
        [of](std::uint32_t bits) {
          return fb::source_code(parameters_of_one<fb::int4_groups<32>>(fb::signed_max_scale, bits | of).scale) ^ of ^
                 sign;
        },
        1, 3);
}

template <class Format>
void sweep_min_max(const char* what, const exact& divisor) {
  const auto steps = thresholds([&](std::uint32_t bits) -> unsigned {
    return nearest_scale<typename Format::scale_type>({oracle::magnitude_of(float_of(bits)), divisor});
  });
  // The zero point of a positive value is 0; that of a negative one is |x| / scale, rounded and clamped, and |x| is
  // within half a step of 15 scales where the scale is not rounded coarsely.
  for (const std::uint32_t of : {0u, sign})
    sweep(
        steps,
        [of](std::uint32_t bits) -> unsigned {
          const auto found = parameters_of_one<Format>(fb::min_max_scale, bits | of);
          return of == 0 && found.zero.bits() != 0 ? wrong : found.scale.bits();
        },
        what);
}
TEST(MinMax, EveryValueUnderScalesOf16Bits) {
  sweep_min_max<fb::uint4_groups<32, fb::fp16>>("range / 15 in fp16", exact::integer(15));
  sweep_min_max<fb::uint4_groups<32, fb::bf16>>("range / 15 in bf16", exact::integer(15));
}
TEST(MinMax, EveryValueUnderFloatScalesAndMinimums) {
  for (const std::uint32_t of : {0u, sign})
    sweep_float_scales(
        "range / 15, minimum",
        [of](std::uint32_t bits) {
          const auto found = parameters_of_one<fb::uint4_minimum_groups<32>>(fb::min_max_scale, bits | of);
          const std::uint32_t minimum = of == 0 ? 0 : bits | sign;
          return fb::source_code(found.zero) == minimum ? fb::source_code(found.scale) : past_finite;
        },
        15, 0);
}

/// The sum of one value is that value.
TEST(Mean, EveryValueUnderScalesOf16Bits) {
  sweep(
      thresholds([&](std::uint32_t bits) -> unsigned {
        return nearest_scale<fb::bf16>({oracle::magnitude_of(float_of(bits)), exact::integer(1)});
      }),
      [](std::uint32_t bits) -> unsigned {
        return parameters_of_one<fb::ternary_groups<32, fb::bf16>>(fb::mean_scale, bits).scale.bits();
      },
      "mean |x| in bf16");
}

}  // namespace
