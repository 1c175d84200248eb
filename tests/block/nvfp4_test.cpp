// nvfp4 and its static two-level rule against exact arithmetic: tensor scale, block scales, codes, decoded values.
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/codec.hpp>
#include <fewbits/block/nvfp4.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

struct constant_scale {
  using policy_kind = fb::scale_kind;
  fb::ue4m3 scale;
  template <fb::blocked Format>
  constexpr float tensor_scale(const fb::unpacked_number&) const noexcept {
    return 1.0f;
  }
  template <fb::blocked Format>
  constexpr fb::ue4m3 block_scale(const fb::unpacked_number&, float) const noexcept {
    return scale;
  }
};

/// Tensor scales with short and long mantissas, subnormal, tiny and huge.
std::vector<float> tensor_scales() {
  std::vector<float> all;
  for (const std::uint32_t bits : {0x3f800000u, 0x3f800001u, 0x3fffffffu, 0x39c30c31u, 0x00000001u, 0x00000003u,
                                   0x007fffffu, 0x00800000u, 0x1a2b3c4du, 0x66666666u, 0x79c30c30u, 0x7f7fffffu})
    all.push_back(float_of(bits));
  return all;
}

TEST(Nvfp4, HardBlocksGetTheScaleAndCodesOfExactArithmetic) {
  std::uint64_t visited = 0;
  const auto scales = tensor_scales();
  std::size_t turn = 0;
  for (const auto& values : fewbits_test::hard_blocks(16)) {
    const float g = scales[turn++ % scales.size()];
    oracle::expected_block expected = oracle::nvfp4_block(values, g);
    if (fewbits_test::planted())
      expected.codes[0] ^= 1;
    const auto got = fb::encode_block<fb::nvfp4>(std::span<const float>(values), g);
    ASSERT_EQ(got.scale.bits(), expected.scale) << "tensor scale bits " << std::hex << bits_of(g) << ", first bits "
                                                << bits_of(values[0]) << " " << bits_of(values[1]);
    for (std::size_t i = 0; i < values.size(); ++i, ++visited)
      ASSERT_EQ(got.codes[i], expected.codes[i]) << "element " << i << ", bits " << std::hex << bits_of(values[i])
                                                 << ", scale " << expected.scale << ", tensor scale " << bits_of(g);
  }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TEST(Nvfp4, TheTensorScaleIsTheNearestFloatToAmaxOver2688AndNeverZero) {
  std::uint64_t visited = 0;
  const auto check = [&](std::uint32_t bits) {
    const float amax = float_of(bits);
    const float g = fb::static_two_level.tensor_scale<fb::nvfp4>(fb::unpack(amax));
    ASSERT_TRUE(oracle::is_static_tensor_scale(g, amax)) << std::hex << "amax bits " << bits << ", got " << bits_of(g);
    ++visited;
  };
  for (const std::uint32_t bits : fewbits_test::boundary_magnitudes())
    if (bits != 0 && bits < 0x7f800000u)
      check(bits);
  for (std::uint32_t bits = 1; bits < 0x7f800000u; bits += 104729)  // a prime: every exponent, all kinds of mantissas
    check(bits);
  for (std::uint32_t bits = 1; bits < 20000; ++bits)  // where g is subnormal and most of amax is lost
    check(bits);
  std::printf("%llu tensor scales\n", static_cast<unsigned long long>(visited));
}

TEST(Nvfp4, EveryBoundaryOfEveryScaleAndItsNeighboursGoToTheNearestElement) {
  std::uint64_t visited = 0;
  for (const float g : tensor_scales())
    for (unsigned scale = 1; scale < 127; ++scale) {
      const oracle::exact unit = oracle::ue4m3_value(scale) * oracle::from(g).value;
      const auto rule = constant_scale{fb::ue4m3::from_bits(static_cast<std::uint8_t>(scale))};
      std::vector<float> values;
      for (const std::int64_t quarters : {1, 3, 5, 7, 10, 14, 20, 28}) {
        const std::uint32_t low = oracle::float_bits_at_or_below((unit * oracle::exact::integer(quarters)).scaled(-2));
        for (const std::uint32_t bits : {low, low + 1})
          if (bits < 0x7f800000u)
            values.push_back(float_of(bits | (quarters % 4 == 1 ? 0x80000000u : 0)));
      }
      const auto got = fb::encode_block<fb::nvfp4>(std::span<const float>(values), g, rule);
      if (oracle::largest_magnitude(values)->is_zero())
        continue;
      for (std::size_t i = 0; i < values.size(); ++i, ++visited) {
        ASSERT_EQ(got.codes[i], oracle::e2m1_code(values[i], unit))
            << std::hex << "bits " << bits_of(values[i]) << ", scale " << scale << ", tensor scale " << bits_of(g);
        ASSERT_EQ(fb::encode_element<fb::e2m1>(fb::unpack(values[i]), fb::block_unit<fb::nvfp4>(got.scale, g)),
                  got.codes[i])
            << std::hex << "by division: bits " << bits_of(values[i]) << ", scale " << scale;
      }
    }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TEST(Nvfp4, EveryScaleTimesEveryElementDecodesToTheNearestFloat) {
  std::uint64_t visited = 0;
  for (const float g : tensor_scales())
    for (unsigned scale = 0; scale < 128; ++scale) {
      fb::block<fb::nvfp4> coded{};
      coded.scale = fb::ue4m3::from_bits(static_cast<std::uint8_t>(scale));
      for (unsigned i = 0; i < 16; ++i)
        coded.codes.set(i, i);
      std::array<float, 16> values{};
      fb::decode_block(coded, values, g);
      for (unsigned i = 0; i < 16; ++i, ++visited) {
        const std::uint32_t magnitude = bits_of(values[i]) & 0x7fffffffu;
        if (scale == 127) {
          EXPECT_GT(magnitude, 0x7f800000u);
          continue;
        }
        EXPECT_EQ(bits_of(values[i]) >> 31, i >> 3);
        const oracle::exact product = oracle::e2m1_magnitude(i) * oracle::ue4m3_value(scale) * oracle::from(g).value;
        // Nearest: the product lies between the midpoints with the two neighbours. Inf stands for 2^128 here.
        const auto value = [](std::uint32_t bits) {
          return bits == 0x7f800000u ? oracle::exact::power_of_two(128) : oracle::from(float_of(bits)).value;
        };
        const auto doubled = product.scaled(1);
        if (magnitude != 0) {
          const auto below = doubled.compare_magnitude(value(magnitude - 1) + value(magnitude));
          EXPECT_TRUE(below > 0 || (below == 0 && magnitude % 2 == 0)) << std::hex << scale << " " << i;
        }
        if (magnitude != 0x7f800000u) {
          const auto above = doubled.compare_magnitude(value(magnitude) + value(magnitude + 1));
          EXPECT_TRUE(above < 0 || (above == 0 && magnitude % 2 == 0)) << std::hex << scale << " " << i;
        }
      }
    }
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(Nvfp4, AZeroBlockHasScaleZeroAndATinyOneHasTheSmallest) {
  const auto zeros = fewbits_test::floats_of({0x80000000u, 0});
  const auto zero = fb::encode_block<fb::nvfp4>(std::span<const float>(zeros), 1.0f);
  EXPECT_EQ(zero.scale.bits(), 0);
  EXPECT_EQ(zero.codes[0], 8);
  EXPECT_EQ(zero.codes[1], 0);
  // 6 x 2^-11 over 6 is 2^-11: nearest is 0, but 2^-9 keeps the value as 1.5 x 2^-9.
  const std::array<float, 2> tiny{0x1.8p-9f, 0x1.8p-15f};
  const auto small = fb::encode_block<fb::nvfp4>(std::span<const float>(tiny), 1.0f);
  EXPECT_EQ(small.scale.bits(), 1);
  EXPECT_EQ(small.codes[0], 3);
  EXPECT_EQ(small.codes[1], 0);
}

TEST(Nvfp4, NanInfAndAnUnusableTensorScalePoisonTheBlock) {
  std::array<float, 16> values{};
  values.fill(2.5f);
  for (const std::uint32_t bad : {0x7f800000u, 0xff800000u, 0x7fc00000u}) {
    EXPECT_EQ(fb::encode_block<fb::nvfp4>(std::span<const float>(values), float_of(bad)).scale.bits(), 0x7f);
    auto with_one = values;
    with_one[3] = float_of(bad);
    const auto got = fb::encode_block<fb::nvfp4>(std::span<const float>(with_one), 1.0f);
    EXPECT_EQ(got.scale.bits(), 0x7f);
    EXPECT_EQ(got.codes[0], 0);
  }
}

TEST(Nvfp4, AForeignZeroBlockDecodesToZeroWhateverItsScale) {
  for (const unsigned scale : {0u, 1u, 0x08u, 0x20u}) {  // 0, 2^-9, 2^-6, .125: all in use
    fb::block<fb::nvfp4> coded{};
    coded.scale = fb::ue4m3::from_bits(static_cast<std::uint8_t>(scale));
    std::array<float, 16> values{};
    values.fill(1.0f);
    fb::decode_block(coded, values, 0.01f);
    for (const float each : values)
      EXPECT_EQ(bits_of(each), 0u);
  }
}

constexpr std::array<float, 3> constants{6.0f, -3.0f, 0.4f};
constexpr auto at_compile_time = fb::encode_block<fb::nvfp4>(std::span<const float>(constants), 1.0f / 448);
static_assert(at_compile_time.scale.bits() == 0x7e);  // 448: the block holds the tensor's largest magnitude
static_assert(at_compile_time.codes[0] == 7 && at_compile_time.codes[1] == 13 && at_compile_time.codes[2] == 1);

TEST(Nvfp4, RunTimeEqualsCompileTime) {
  std::array<float, 3> values = constants;
  EXPECT_TRUE(same_bits(fb::encode_block<fb::nvfp4>(std::span<const float>(values), 1.0f / 448), at_compile_time));
}

}  // namespace
