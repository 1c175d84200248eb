// mxfp4 against exact arithmetic: scales, codes, decoded values.
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/codec.hpp>
#include <fewbits/block/mx.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

/// A user's rule that always answers the same scale: it reaches every scale code with every element.
struct constant_scale {
  using policy_kind = fb::scale_kind;
  fb::ue8m0 scale;
  template <fb::blocked Format>
  constexpr fb::ue8m0 block_scale(const fb::unpacked_number&, fb::no_tensor_scale) const noexcept {
    return scale;
  }
};

TEST(Mxfp4, HardBlocksGetTheScaleAndCodesOfExactArithmetic) {
  std::uint64_t visited = 0;
  for (const auto& values : fewbits_test::hard_blocks(32)) {
    oracle::expected_block expected = oracle::mxfp4_block(values);
    if (fewbits_test::planted())
      expected.codes[0] ^= 1;
    const auto got = fb::encode_block<fb::mxfp4>(std::span<const float>(values));
    ASSERT_EQ(got.scale.bits(), expected.scale)
        << "first bits " << std::hex << bits_of(values[0]) << " " << bits_of(values[1]);
    for (std::size_t i = 0; i < values.size(); ++i, ++visited)
      ASSERT_EQ(got.codes[i], expected.codes[i])
          << "element " << i << ", bits " << std::hex << bits_of(values[i]) << ", scale " << expected.scale;
  }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TEST(Mxfp4, EveryBoundaryOfEveryScaleAndItsNeighboursGoToTheNearestElement) {
  std::uint64_t visited = 0;
  for (unsigned scale = 0; scale < 255; ++scale) {
    const oracle::exact unit = oracle::ue8m0_value(scale);
    std::vector<float> values;
    for (const std::int64_t quarters : {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28}) {
      const std::uint32_t at = oracle::float_bits_at_or_below((unit * oracle::exact::integer(quarters)).scaled(-2));
      for (const std::uint32_t bits : {at - 1, at, at + 1})
        if (bits < 0x7f800000u) {
          values.push_back(float_of(bits));
          values.push_back(float_of(bits | 0x80000000u));
        }
    }
    for (std::size_t first = 0; first < values.size(); first += 32) {
      const auto some = std::span<const float>(values).subspan(first, std::min<std::size_t>(32, values.size() - first));
      const auto got =
          fb::encode_block<fb::mxfp4>(some, {}, constant_scale{fb::ue8m0::from_bits(static_cast<std::uint8_t>(scale))});
      for (std::size_t i = 0; i < some.size(); ++i, ++visited) {
        ASSERT_EQ(got.codes[i], oracle::e2m1_code(some[i], unit))
            << "bits " << std::hex << bits_of(some[i]) << ", scale " << scale;
        ASSERT_EQ(fb::encode_element<fb::e2m1>(fb::unpack(some[i]), unpack(got.scale)), got.codes[i])
            << "by division: bits " << std::hex << bits_of(some[i]) << ", scale " << scale;
      }
    }
  }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TEST(Mxfp4, EveryScaleTimesEveryElementDecodesToTheExactProduct) {
  std::uint64_t visited = 0;
  for (unsigned scale = 0; scale < 256; ++scale) {
    fb::block<fb::mxfp4> coded{};
    coded.scale = fb::ue8m0::from_bits(static_cast<std::uint8_t>(scale));
    for (unsigned i = 0; i < 32; ++i)
      coded.codes.set(i, i);
    std::array<float, 32> values{};
    fb::decode_block(coded, values);
    for (unsigned i = 0; i < 32; ++i, ++visited) {
      if (scale == 255) {
        EXPECT_GT(bits_of(values[i]) & 0x7fffffffu, 0x7f800000u) << "a NaN scale, code " << i % 16;
        continue;
      }
      const oracle::exact product = oracle::e2m1_magnitude(i) * oracle::ue8m0_value(scale);
      const bool past_float = product.compare_magnitude(oracle::exact::power_of_two(128)) >= 0;
      const std::uint32_t magnitude = bits_of(values[i]) & 0x7fffffffu;
      if (past_float) {
        EXPECT_EQ(magnitude, 0x7f800000u) << "scale " << scale << ", code " << i % 16;
      } else {
        EXPECT_TRUE(oracle::magnitude_of(values[i]).compare_magnitude(product) == 0)
            << "scale " << scale << ", code " << i;
      }
      EXPECT_EQ(bits_of(values[i]) >> 31, i >> 3 & 1) << "sign of code " << i % 16;
    }
  }
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(Mxfp4, AZeroBlockHasTheSmallestScaleAndKeepsItsSigns) {
  const auto zeros = fewbits_test::floats_of({0, 0x80000000u, 0});
  const auto got = fb::encode_block<fb::mxfp4>(std::span<const float>(zeros));
  EXPECT_EQ(got.scale.bits(), 0);
  EXPECT_EQ(got.codes[0], 0);
  EXPECT_EQ(got.codes[1], 8);
  EXPECT_EQ(got.codes[2], 0);
}

TEST(Mxfp4, OneNanOrInfPoisonsItsBlockAndAllCodesAreZero) {
  for (const std::uint32_t bad : {0x7f800000u, 0xff800000u, 0x7f800001u, 0xffffffffu}) {
    std::array<float, 32> values{};
    values.fill(-3.0f);
    values[17] = float_of(bad);
    const auto got = fb::encode_block<fb::mxfp4>(std::span<const float>(values));
    EXPECT_EQ(got.scale.bits(), 0xff);
    for (std::size_t i = 0; i < 32; ++i)
      EXPECT_EQ(got.codes[i], 0);
  }
}

TEST(Mxfp4, AShortBlockIsFilledWithCodeZero) {
  std::vector<float> values(32, -6.0f);
  for (std::size_t size = 1; size < 32; ++size) {
    const auto got = fb::encode_block<fb::mxfp4>(std::span<const float>(values).first(size));
    for (std::size_t i = 0; i < 32; ++i)
      EXPECT_EQ(got.codes[i], i < size ? 0xf : 0) << "size " << size << ", code " << i;
  }
}

TEST(Mxfp4, SubnormalBlocksKeepWhatTheSmallestScaleCanHold) {
  // Scale 2^-127: the element 0.5 is 2^-128, and its half, 2^-129, is a tie that goes to 0.
  const std::array<float, 4> values{float_of(0x00400000), float_of(0x00200000), float_of(0x00100000),
                                    float_of(0x00100001)};
  const auto got = fb::encode_block<fb::mxfp4>(std::span<const float>(values));
  EXPECT_EQ(got.scale.bits(), 0);
  EXPECT_EQ(got.codes[0], 2);
  EXPECT_EQ(got.codes[1], 1);
  EXPECT_EQ(got.codes[2], 0);
  EXPECT_EQ(got.codes[3], 1);
}

TEST(Mxfp4, DoubleAndHalfSourcesGiveTheCodesOfTheirFloats) {
  std::uint64_t visited = 0;
  for (const auto& values : fewbits_test::hard_blocks(32)) {
    std::array<double, 32> doubles{};
    std::array<fb::bf16, 32> halves{};
    std::array<float, 32> of_halves{};
    for (std::size_t i = 0; i < 32; ++i) {
      doubles[i] =
          std::bit_cast<double>(fb::pack_code<fb::binary64_format>(fb::unpack(values[i]), fb::operator_encoding));
      halves[i] = fb::bf16::from_bits(static_cast<std::uint16_t>(bits_of(values[i]) >> 16));
      of_halves[i] = float_of(static_cast<std::uint32_t>(halves[i].bits()) << 16);
    }
    EXPECT_TRUE(same_bits(fb::encode_block<fb::mxfp4>(std::span<const double>(doubles)),
                          fb::encode_block<fb::mxfp4>(std::span<const float>(values))));
    EXPECT_TRUE(same_bits(fb::encode_block<fb::mxfp4>(std::span<const fb::bf16>(halves)),
                          fb::encode_block<fb::mxfp4>(std::span<const float>(of_halves))));
    visited += 64;
  }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

// A double just off a boundary must not be rounded to float first.
constexpr std::array<double, 2> off_the_tie{4.0, 0.25 + 0x1p-50};
static_assert(fb::encode_block<fb::mxfp4>(std::span<const double>(off_the_tie)).codes[1] == 1);

constexpr std::array<float, 4> constants{1.0f, -2.0f, 3.0f, -0.0f};
constexpr auto at_compile_time = fb::encode_block<fb::mxfp4>(std::span<const float>(constants));
static_assert(at_compile_time.scale.bits() == 126);  // 2^(1 - 2): amax 3 lies in [2, 4)
static_assert(at_compile_time.codes[0] == 0b0'10'0 && at_compile_time.codes[1] == 0b1'11'0);
static_assert(at_compile_time.codes[2] == 0b0'11'1 && at_compile_time.codes[3] == 0b1'00'0);

TEST(Mxfp4, RunTimeEqualsCompileTime) {
  std::array<float, 4> values = constants;
  EXPECT_TRUE(same_bits(fb::encode_block<fb::mxfp4>(std::span<const float>(values)), at_compile_time));
}

}  // namespace
