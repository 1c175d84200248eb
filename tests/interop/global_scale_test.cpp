// Multipliers and divisors: every kind of stored number has its result, and reciprocals are rounded once.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "support/planted.hpp"

#include <fewbits/interop/layouts/global_scale.hpp>

namespace fb = fewbits;
using fb::errc;
using fewbits_test::planted;

namespace {

// No number becomes a scale by accident, and no scale the other kind.
static_assert(!std::is_convertible_v<float, fb::scale_multiplier>);
static_assert(!std::is_convertible_v<float, fb::scale_divisor>);
static_assert(!std::is_convertible_v<fb::scale_multiplier, float>);
static_assert(!std::is_constructible_v<fb::scale_multiplier, fb::scale_divisor>);
static_assert(!std::is_constructible_v<fb::scale_divisor, fb::scale_multiplier>);
static_assert(fb::exact_multiplier(fb::scale_divisor{0x1p-127f}).value().value == 0x1p127f);
static_assert(fb::rounded_divisor(fb::scale_multiplier{3.0f}).value().value == 1.0f / 3.0f);

constexpr float from_code(std::uint32_t code) { return std::bit_cast<float>(code); }
constexpr std::uint32_t code_of(float x) { return std::bit_cast<std::uint32_t>(x); }

TEST(GlobalScale, EveryKindOfStoredNumberHasItsResult) {
  struct row {
    float stored;
    const char* multiplier;  // nullptr: usable
    const char* divisor;
  };
  const float infinity = std::numeric_limits<float>::infinity();
  const row rows[] = {
      {1.0f, nullptr, nullptr},
      {0x1p-149f, nullptr, nullptr},
      {0x1.8p-127f, nullptr, nullptr},
      {0x1.fffffep127f, nullptr, nullptr},
      {0.0f, nullptr, "the tensor's divisor is 0"},
      {-0.0f, nullptr, "the tensor's divisor is 0"},
      {-1.0f, "the tensor's multiplier is negative", "the tensor's divisor is negative"},
      {-0x1p-149f, "the tensor's multiplier is negative", "the tensor's divisor is negative"},
      {infinity, "the tensor's multiplier is infinite", "the tensor's divisor is infinite"},
      {-infinity, "the tensor's multiplier is infinite", "the tensor's divisor is infinite"},
      {from_code(0x7fc00000), "the tensor's multiplier is NaN", "the tensor's divisor is NaN"},
      {from_code(0xff800001), "the tensor's multiplier is NaN", "the tensor's divisor is NaN"},
  };
  for (const row& each : rows) {
    const auto multiplier = check_global_scale(fb::scale_multiplier{each.stored});
    const auto divisor = check_global_scale(fb::scale_divisor{each.stored});
    ASSERT_EQ(multiplier.has_value(), each.multiplier == nullptr) << std::hex << code_of(each.stored);
    ASSERT_EQ(divisor.has_value(), each.divisor == nullptr) << std::hex << code_of(each.stored);
    if (each.multiplier != nullptr) {
      EXPECT_EQ(multiplier.error().message(), std::string_view{each.multiplier});
      EXPECT_EQ(multiplier.error().code(), errc::malformed_file);
      EXPECT_EQ(fb::rounded_divisor(fb::scale_multiplier{each.stored}).error().code(), errc::malformed_file);
    }
    if (each.divisor != nullptr) {
      EXPECT_EQ(divisor.error().message(), std::string_view{each.divisor});
      EXPECT_EQ(divisor.error().code(), errc::malformed_file);
      EXPECT_EQ(fb::rounded_multiplier(fb::scale_divisor{each.stored}).error().code(), errc::malformed_file);
      EXPECT_EQ(fb::exact_multiplier(fb::scale_divisor{each.stored}).error().code(), errc::malformed_file);
    }
  }
  for (const float zero : {0.0f, -0.0f})
    EXPECT_EQ(fb::rounded_divisor(fb::scale_multiplier{zero}).error().code(), errc::unsupported);
}

TEST(GlobalScale, PowersOfTwoHaveExactReciprocalsAndNothingElseHas) {
  for (int exponent = -149; exponent <= 127; ++exponent) {
    const float x = std::ldexp(1.0f, exponent);
    const auto multiplier = fb::exact_multiplier(fb::scale_divisor{x});
    const auto divisor = fb::exact_divisor(fb::scale_multiplier{x});
    ASSERT_EQ(fb::has_exact_reciprocal(x), exponent >= -127) << exponent;
    ASSERT_EQ(fb::has_exact_reciprocal(-x), exponent >= -127) << exponent;
    ASSERT_EQ(multiplier.has_value(), exponent >= -127) << exponent;
    ASSERT_EQ(divisor.has_value(), exponent >= -127) << exponent;
    if (multiplier) {
      EXPECT_EQ(code_of(multiplier->value), code_of(std::ldexp(1.0f, -exponent)));
      EXPECT_EQ(code_of(divisor->value), code_of(std::ldexp(1.0f, -exponent)));
    } else {
      EXPECT_EQ(multiplier.error().code(), errc::unsupported);
      EXPECT_EQ(fb::rounded_multiplier(fb::scale_divisor{x}).error().code(), errc::unsupported);
    }
  }
  EXPECT_FALSE(fb::has_exact_reciprocal(0.0f));
  EXPECT_FALSE(fb::has_exact_reciprocal(from_code(0x7f800000)));
  EXPECT_FALSE(fb::exact_multiplier(fb::scale_divisor{3.0f}));
  EXPECT_FALSE(fb::exact_divisor(fb::scale_multiplier{0x1.000002p0f}));
}

TEST(GlobalScale, ReciprocalsAreRoundedOnceFromTheExactQuotient) {
  // A float32 quotient through double is rounded correctly: 53 digits are more than 2 x 24 + 1. Every third mantissa of
  // one binade, then codes everywhere.
  std::vector<std::uint32_t> codes;
  for (std::uint32_t mantissa = 0; mantissa < 1u << 23; mantissa += 3)
    codes.push_back(0x3f800000u | mantissa);
  std::mt19937_64 random(11);
  for (int i = 0; i < 300000; ++i)
    codes.push_back(1 + static_cast<std::uint32_t>(random() % 0x7f7fffff));
  codes.insert(codes.end(), {0x7f7fffff, 0x7e800001, 0x7e800000, 0x00200001, 0x00400000, 0x00200002});
  std::uint64_t visited = 0;
  std::uint64_t in_binade = 0;
  std::uint64_t came_back = 0;
  for (const std::uint32_t code : codes) {
    const float x = from_code(code);
    const auto got = fb::rounded_multiplier(fb::scale_divisor{x});
    const double exact = 1.0 / static_cast<double>(x);
    ASSERT_EQ(got.has_value(), exact < 0x1p128) << std::hex << code;
    if (!got)
      continue;
    std::uint32_t expected = code_of(static_cast<float>(exact));
    if (planted() && visited == 5000)
      ++expected;
    ASSERT_EQ(code_of(got->value), expected) << "divisor " << std::hex << code << ", seed 11";
    const double off = std::fabs(static_cast<double>(got->value) * static_cast<double>(x) - 1);
    ASSERT_LE(off, x > 0x1p126f ? 0x1p-22 : 0x1p-24) << std::hex << code;
    if (code >> 23 == 127) {
      ++in_binade;
      if (same_bits(fb::rounded_divisor(*got).value(), fb::scale_divisor{x}))
        ++came_back;
    }
    ++visited;
  }
  // Which is why a divisor is kept and not inverted twice.
  const double share = static_cast<double>(came_back) / static_cast<double>(in_binade);
  EXPECT_GT(share, .825);
  EXPECT_LT(share, .832);
  std::printf("%llu reciprocals; %.1f %% of divisors come back\n", static_cast<unsigned long long>(visited),
              100 * share);
}

TEST(GlobalScale, OneFloatOfFourBytes) {
  const std::byte stored[] = {std::byte{0x00}, std::byte{0x00}, std::byte{0x80}, std::byte{0x3e}, std::byte{0xff}};
  const std::span<const std::byte> bytes(stored);
  EXPECT_EQ(fb::load_scale<fb::scale_multiplier>(bytes.first(4)).value().value, .25f);
  EXPECT_EQ(fb::load_scale<fb::scale_divisor>(bytes.first(4)).value().value, .25f);
  for (const std::size_t length : {0u, 3u, 5u})
    EXPECT_EQ(fb::load_scale<fb::scale_divisor>(bytes.first(length)).error().code(), errc::shape_mismatch);
  std::byte out[5] = {};
  ASSERT_TRUE(fb::store_scale(fb::scale_divisor{from_code(0x7fc12345)}, std::span(out).first(4)));
  EXPECT_TRUE(same_bits(fb::load_scale<fb::scale_divisor>(std::span(out).first(4)).value(),
                        fb::scale_divisor{from_code(0x7fc12345)}));
  EXPECT_FALSE(fb::store_scale(fb::scale_divisor{1.0f}, std::span(out)));
  EXPECT_EQ(out[0], std::byte{0x45});
}

}  // namespace
