// Errors of two encodings of a block, compared: against rational arithmetic, on hard blocks and on ties.
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/block_error.hpp>
#include <fewbits/number/types.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;
using order = std::strong_ordering;

namespace {

constexpr auto find_elements() {
  std::array<fb::unpacked_number, 16> all{};
  for (std::uint64_t code = 0; code < 16; ++code)
    all[code] = fb::unpack_code<fb::e2m1::format>(code);
  return all;
}
constexpr std::array<fb::unpacked_number, 16> elements = find_elements();

oracle::exact exact_of(const fb::unpacked_number& x) {
  if (x.kind == fb::number_class::zero)
    return {};
  return oracle::exact{x.negative, oracle::natural{x.significand}, x.exponent - 63};
}

/// The error by rational arithmetic. Weights are small integers, so that it stays within the oracle's digits.
oracle::exact error_of(fb::error_norm norm, const std::vector<float>& values, const std::vector<unsigned>& codes,
                       const oracle::exact& unit, const std::vector<float>& weights) {
  oracle::exact sum{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const oracle::exact decoded = exact_of(elements[codes[i]]) * unit;
    const oracle::exact distance = (oracle::from(values[i]).value - decoded).absolute();
    const oracle::exact weight = weights.empty() ? oracle::exact::integer(1) : oracle::from(weights[i]).value;
    if (norm == fb::error_norm::squared)
      sum = sum + weight * distance * distance;
    else if (norm == fb::error_norm::absolute)
      sum = sum + weight * distance;
    else if ((weight * distance) > sum)
      sum = weight * distance;
  }
  return sum;
}

template <fb::error_norm Norm>
void expect_exact(const std::vector<float>& values, const std::array<std::vector<unsigned>, 2>& codes,
                  const std::array<unsigned, 2>& scales, const std::vector<float>& weights, bool spoil) {
  std::array<std::vector<std::uint8_t>, 2> bytes;
  std::array<fb::decoded_codes, 2> decoded{};
  for (std::size_t side = 0; side < 2; ++side) {
    bytes[side].assign(codes[side].begin(), codes[side].end());
    decoded[side] = {bytes[side], elements, unpack(fb::ue8m0::from_bits(static_cast<std::uint8_t>(scales[side])))};
  }
  const auto got = fb::compare_block_errors<Norm>(std::span<const float>(values), decoded[0], decoded[1], weights);
  auto expected = error_of(Norm, values, codes[0], oracle::ue8m0_value(scales[0]), weights) <=>
                  error_of(Norm, values, codes[1], oracle::ue8m0_value(scales[1]), weights);
  if (spoil)
    expected = 0 <=> expected;
  ASSERT_TRUE(got == expected) << "norm " << static_cast<int>(Norm) << ", scales " << scales[0] << " " << scales[1]
                               << ", first bits " << std::hex << bits_of(values[0]) << " " << bits_of(values[1]);
}

TEST(BlockError, HardBlocksCompareAsInExactArithmetic) {
  std::mt19937 random(3);
  std::uint64_t visited = 0;
  std::size_t number = 0;
  for (auto values : fewbits_test::hard_blocks(16)) {
    if (++number % 8 != 0)
      continue;
    for (float& each : values)
      if (!oracle::is_finite_float(each))
        each = float_of(0x7f7fffff);
    const unsigned base = oracle::mxfp4_block(values).scale;
    const std::array<unsigned, 2> scales{base < 253 ? base + static_cast<unsigned>(random()) % 2 : 253,
                                         base < 252 ? base + 1 : 252};
    std::array<std::vector<unsigned>, 2> codes;
    for (std::size_t side = 0; side < 2; ++side)
      for (const float x : values)
        codes[side].push_back(oracle::e2m1_code(x, oracle::ue8m0_value(scales[side])) ^ (random() % 32 == 0 ? 1u : 0u));
    std::vector<float> weights;
    if (number % 3 == 0)
      for (std::size_t i = 0; i < values.size(); ++i)
        weights.push_back(static_cast<float>(random() % 4));
    expect_exact<fb::error_norm::squared>(values, codes, scales, weights, fewbits_test::planted());
    expect_exact<fb::error_norm::absolute>(values, codes, scales, weights, false);
    expect_exact<fb::error_norm::largest>(values, codes, scales, weights, false);
    visited += 3;
    if (HasFatalFailure())
      return;
  }
  std::printf("%llu comparisons\n", static_cast<unsigned long long>(visited));
}

/// Both encodings miss every value by the same distance, to different sides.
TEST(BlockError, MirroredErrorsAreEqualInEveryNorm) {
  const std::array<float, 4> values{1.25f, -2.5f, 5.0f, 0.25f};
  const auto one = [](std::size_t i) { return fb::unpack(std::array{1.0f, -2.0f, 4.0f, 0.5f}[i]); };
  const auto two = [](std::size_t i) { return fb::unpack(std::array{1.5f, -3.0f, 6.0f, 0.0f}[i]); };
  for (const auto& weights : {std::vector<float>{}, std::vector<float>{1, 0.3f, 1e30f, 0}}) {
    const std::span<const float> of(values);
    EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::squared>(of, one, two, weights) == 0);
    EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::absolute>(of, one, two, weights) == 0);
    EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::largest>(of, one, two, weights) == 0);
  }
}

/// Differences that doubles cannot hold: a value off the middle by 2^-52 of itself, beside one that costs 2^60 more.
TEST(BlockError, DigitsBeyondDoubleDecide) {
  std::uint64_t visited = 0;
  for (std::size_t place = 0; place < 8; ++place)
    for (const int side : {-1, 1}) {
      std::array<double, 8> values{};
      values.fill(0x1p30);
      values[place] = side < 0 ? 1.5 - 0x1p-52 : 1.5 + 0x1p-52;
      const auto lower = [&](std::size_t i) { return fb::unpack(i == place ? 1.0f : 0.0f); };
      const auto upper = [&](std::size_t i) { return fb::unpack(i == place ? 2.0f : 0.0f); };
      const auto wanted = side < 0 ? order::less : order::greater;
      const std::span<const double> of(values);
      EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::squared>(of, lower, upper) == wanted);
      EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::absolute>(of, lower, upper) == wanted);
      EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::largest>(of, lower, upper) == 0);
      std::array<float, 8> weights{};
      weights[place] = 0x1p-100f;
      EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::largest>(of, lower, upper, weights) == wanted);
      visited += 4;
    }
  std::printf("%llu comparisons\n", static_cast<unsigned long long>(visited));
}

TEST(BlockError, TheSmallestDoublesCountBesideTheLargest) {
  const std::array<double, 2> values{std::bit_cast<double>(0x7fefffffffffffffull), std::bit_cast<double>(3ull)};
  const auto lower = [&](std::size_t i) { return i == 0 ? fb::unpack(values[0]) : fb::make_unpacked(false, 1, -1073); };
  const auto upper = [&](std::size_t i) { return i == 0 ? fb::unpack(values[0]) : fb::make_unpacked(false, 3, -1073); };
  const std::span<const double> of(values);
  EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::squared>(of, lower, upper) < 0);
  EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::absolute>(of, upper, lower) > 0);
  EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::largest>(of, lower, upper) < 0);
}

TEST(BlockError, NothingIsEqualToNothing) {
  const auto any = [](std::size_t) { return fb::unpacked_number{}; };
  EXPECT_TRUE(fb::compare_block_errors(std::span<const float>(), any, any) == 0);
  EXPECT_TRUE(fb::compare_block_errors<fb::error_norm::largest>(std::span<const float>(), any, any) == 0);
}

constexpr std::array<float, 3> constants{0.1f, -0.7f, 5.0f};
constexpr std::array<std::uint8_t, 3> low_codes{0b0'00'0, 0b1'00'1, 0b0'11'0};
constexpr std::array<std::uint8_t, 3> high_codes{0b0'00'0, 0b1'01'0, 0b0'11'1};
constexpr fb::unpacked_number unit = fb::unpack(1);
constexpr order at_compile_time =
    fb::compare_block_errors(std::span<const float>(constants), fb::decoded_codes{low_codes, elements, unit},
                             fb::decoded_codes{high_codes, elements, unit});
static_assert(at_compile_time < 0);  // -0.7 is nearer to -0.5; 5 is a tie

TEST(BlockError, RunTimeEqualsCompileTime) {
  const std::array<float, 3> values = constants;
  EXPECT_TRUE(fb::compare_block_errors(std::span<const float>(values), fb::decoded_codes{low_codes, elements, unit},
                                       fb::decoded_codes{high_codes, elements, unit}) == at_compile_time);
}

}  // namespace
