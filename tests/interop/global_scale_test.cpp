// Multipliers and divisors: every kind of stored number has its result, and reciprocals are rounded once.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
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

// References are integers: under -ffast-math and on a machine that flushes subnormals they stay what they are.
constexpr std::uint32_t code_of_power(int exponent) {
  return exponent >= -126 ? static_cast<std::uint32_t>(exponent + 127) << 23 : 1u << (exponent + 149);
}
static_assert(code_of_power(0) == code_of(1.0f) && code_of_power(-149) == 1 && code_of_power(-126) == 0x00800000);

/// Of a positive finite float: digits x 2^exponent.
struct number {
  std::uint64_t digits;
  int exponent;
};
constexpr number number_of(std::uint32_t code) {
  if (code >> 23 == 0)
    return {code, -149};
  return {(code & 0x7fffff) | 0x800000, static_cast<int>(code >> 23) - 150};
}
/// 1 / x rounded once to float32, ties to even; 7f800000 and above where it is too large.
constexpr std::uint32_t code_of_reciprocal(std::uint32_t code) {
  number x = number_of(code);
  const int short_of = std::countl_zero(x.digits) - 40;
  x = {x.digits << short_of, x.exponent - short_of};  // 24 digits
  const int exponent = (std::max)(-x.exponent - 47, -149);
  const std::uint64_t one = std::uint64_t{1} << (-x.exponent - exponent);  // of the quotient's last place, times x
  std::uint64_t digits = one / x.digits;
  const std::uint64_t twice_left = 2 * (one % x.digits);
  digits += twice_left > x.digits || (twice_left == x.digits && (digits & 1) != 0) ? 1u : 0u;
  return (static_cast<std::uint32_t>(exponent + 149) << 23) + static_cast<std::uint32_t>(digits);
}
static_assert(code_of_reciprocal(code_of(3.0f)) == code_of(1.0f / 3.0f));
static_assert(code_of_reciprocal(code_of(0x1p127f)) == code_of(0x1p-127f));
static_assert(code_of_reciprocal(code_of(0x1p-128f)) == 0x7f800000);
/// Whether |a x b - 1| <= 2^-places.
constexpr bool product_is_near_1(std::uint32_t a, std::uint32_t b, int places) {
  const number x = number_of(a), y = number_of(b);
  const std::uint64_t one = std::uint64_t{1} << -(x.exponent + y.exponent);
  const std::uint64_t product = x.digits * y.digits;
  return (product > one ? product - one : one - product) <= one >> places;
}
static_assert(product_is_near_1(code_of(0x1.8p0f), code_of(0.75f), 3));
static_assert(!product_is_near_1(code_of(0x1.8p0f), code_of(0.75f), 4));

TEST(GlobalScale, EveryKindOfStoredNumberHasItsResult) {
  struct row {
    float stored;
    const char* multiplier;  // nullptr: usable
    const char* divisor;
  };
  const float infinity = from_code(0x7f800000), minus_infinity = from_code(0xff800000);
  const row rows[] = {
      {1.0f, nullptr, nullptr},
      {0x1p-149f, nullptr, nullptr},
      {0x1.8p-127f, nullptr, nullptr},
      {0x1.fffffep127f, nullptr, nullptr},
      {0.0f, nullptr, "the tensor's divisor is 0"},
      {from_code(0x80000000), nullptr, "the tensor's divisor is 0"},
      {-1.0f, "the tensor's multiplier is negative", "the tensor's divisor is negative"},
      {-0x1p-149f, "the tensor's multiplier is negative", "the tensor's divisor is negative"},
      {infinity, "the tensor's multiplier is infinite", "the tensor's divisor is infinite"},
      {minus_infinity, "the tensor's multiplier is infinite", "the tensor's divisor is infinite"},
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
  for (const float zero : {0.0f, from_code(0x80000000)})
    EXPECT_EQ(fb::rounded_divisor(fb::scale_multiplier{zero}).error().code(), errc::unsupported);
}

TEST(GlobalScale, PowersOfTwoHaveExactReciprocalsAndNothingElseHas) {
  for (int exponent = -149; exponent <= 127; ++exponent) {
    const float x = from_code(code_of_power(exponent));
    const auto multiplier = fb::exact_multiplier(fb::scale_divisor{x});
    const auto divisor = fb::exact_divisor(fb::scale_multiplier{x});
    ASSERT_EQ(fb::has_exact_reciprocal(x), exponent >= -127) << exponent;
    ASSERT_EQ(fb::has_exact_reciprocal(-x), exponent >= -127) << exponent;
    ASSERT_EQ(multiplier.has_value(), exponent >= -127) << exponent;
    ASSERT_EQ(divisor.has_value(), exponent >= -127) << exponent;
    if (multiplier) {
      EXPECT_EQ(code_of(multiplier->value), code_of_power(-exponent));
      EXPECT_EQ(code_of(divisor->value), code_of_power(-exponent));
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
  // Every third mantissa of one binade, then codes everywhere.
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
    std::uint32_t expected = code_of_reciprocal(code);
    ASSERT_EQ(got.has_value(), expected < 0x7f800000) << std::hex << code;
    if (!got)
      continue;
    if (planted() && visited == 5000)
      ++expected;
    ASSERT_EQ(code_of(got->value), expected) << "divisor " << std::hex << code << ", seed 11";
    ASSERT_TRUE(product_is_near_1(code_of(got->value), code, code > 0x7e800000 ? 22 : 24)) << std::hex << code;
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
