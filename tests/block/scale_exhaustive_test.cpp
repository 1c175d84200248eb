// Every float32 magnitude through the scale rules and through the element codes, against thresholds found by exact
// arithmetic: a result is monotone in its input, so between two thresholds it is one constant.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/codec.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "block/threshold_sweep.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::float_of;
using fewbits_test::past_finite;
using fewbits_test::sweep;
using fewbits_test::thresholds;

namespace {

TEST(ScaleRules, EveryAmaxHasTheFloorScaleOfMxfp4) {
  sweep(
      thresholds([](std::uint32_t bits) { return oracle::mxfp4_floor_scale(oracle::magnitude_of(float_of(bits))); }),
      [](std::uint32_t bits) -> unsigned {
        return fb::floor_scale.block_scale<fb::mxfp4>(fb::unpack(float_of(bits)), {}).bits();
      },
      "mxfp4 floor");
}

void sweep_nvfp4_scales(std::uint32_t tensor_bits) {
  const float g = float_of(tensor_bits);
  char what[64];
  std::snprintf(what, sizeof what, "nvfp4 static, tensor scale %08x", static_cast<unsigned>(tensor_bits));
  sweep(
      thresholds(
          [&](std::uint32_t bits) { return oracle::nvfp4_static_scale(oracle::magnitude_of(float_of(bits)), g); }),
      [&](std::uint32_t bits) -> unsigned {
        return fb::static_two_level.block_scale<fb::nvfp4>(fb::unpack(float_of(bits)), g).bits();
      },
      what);
}

TEST(ScaleRules, EveryAmaxHasTheStaticScaleOfNvfp4) {
  for (const std::uint32_t bits : {0x3f800000u, 0x39c30c31u, 0x3fffffffu, 0x00000001u, 0x79c30c30u})
    sweep_nvfp4_scales(bits);
}

TEST(ScaleRules, EveryAmaxHasTheTensorScaleOfNvfp4) {
  // g is monotone too, but has 2^31 steps: each neighbour pair is decided by one product of 24 by 12 bits, as is
  // whether g is the nearest. 2 amax lies between 2688 (g- + g) and 2688 (g + g+); exponents differ by at most 13.
  std::uint64_t mismatches = 0;
  for (std::uint32_t bits = 1; bits < past_finite; ++bits) {
    const std::uint32_t g = fb::source_code(fb::static_two_level.tensor_scale<fb::nvfp4>(fb::unpack(float_of(bits))));
    const auto in_units = [](std::uint32_t of) {
      const std::uint32_t field = of >> 23;
      const std::uint64_t significand = (of & 0x7fffffu) | (field != 0 ? 0x800000u : 0);
      return std::pair{significand, static_cast<int>(field != 0 ? field : 1)};
    };
    const auto [amax, amax_field] = in_units(bits);
    const auto [quotient, g_field] = in_units(g);
    const int up = amax_field - g_field;  // 2688 = 2^11 x 1.3125: the quotient lies 11 or 12 binades lower
    bool right = up >= 0 && up <= 13 && quotient != 0;
    if (right) {
      // In units of half the last place of g: 2 amax x 2^up against 2688 x (2 quotient -+ 1), halved below a power of
      // two, where the lower neighbour is nearer.
      const std::uint64_t doubled = amax << (up + 2);
      const bool power = quotient == 0x800000u && g_field > 1;
      const std::uint64_t below = 2688ull * (4 * quotient - (power ? 1 : 2));
      const std::uint64_t above = 2688ull * (4 * quotient + 2);
      const bool even = quotient % 2 == 0;
      const bool smallest = quotient == 1 && g_field == 1;
      right = (smallest || doubled > below || (doubled == below && even)) &&
              (doubled < above || (doubled == above && even));
    }
    if (fewbits_test::planted() && bits == 0x3f800000u)
      right = !right;
    if (!right && ++mismatches < 5)
      ADD_FAILURE() << "amax bits " << std::hex << bits << ", got " << g;
  }
  EXPECT_EQ(mismatches, 0u);
  std::printf("nvfp4 tensor scale: %u magnitudes, %llu mismatches\n", past_finite - 1,
              static_cast<unsigned long long>(mismatches));
}

enum class by { boundary, boundary_and_division };

void sweep_elements(const oracle::exact& unit, const fb::unpacked_number& library_unit, const char* what, by ways) {
  const fb::element_boundaries<fb::e2m1, float> boundaries(library_unit);
  const auto steps = thresholds([&](std::uint32_t bits) { return oracle::e2m1_code(float_of(bits), unit); });
  sweep(
      steps, [&](std::uint32_t bits) -> unsigned { return boundaries.encode(bits); }, what);
  sweep(
      steps, [&](std::uint32_t bits) -> unsigned { return boundaries.encode(bits | 0x80000000u) - 8u; }, what);
  if (ways == by::boundary_and_division)
    sweep(
        steps,
        [&](std::uint32_t bits) -> unsigned {
          return fb::encode_element<fb::e2m1>(fb::unpack(float_of(bits)), library_unit);
        },
        what);
}

TEST(Elements, EveryFloatHasTheNearestCodeInUnitsOfAPowerOfTwo) {
  for (const unsigned code : {0u, 127u, 254u})
    sweep_elements(oracle::ue8m0_value(code), unpack(fb::ue8m0::from_bits(static_cast<std::uint8_t>(code))),
                   "e2m1 x ue8m0", code == 127 ? by::boundary_and_division : by::boundary);
}

TEST(Elements, EveryFloatHasTheNearestCodeInUnitsOfTwoScales) {
  for (const auto& [tensor_bits, code] :
       {std::pair{0x39c30c31u, 0x3bu}, std::pair{0x00000003u, 0x7eu}, std::pair{0x7f7fffffu, 0x01u}}) {
    const float g = float_of(tensor_bits);
    sweep_elements(oracle::ue4m3_value(code) * oracle::from(g).value,
                   fb::block_unit<fb::nvfp4>(fb::ue4m3::from_bits(static_cast<std::uint8_t>(code)), g),
                   "e2m1 x ue4m3 x float32", code == 0x3b ? by::boundary_and_division : by::boundary);
  }
}

}  // namespace
