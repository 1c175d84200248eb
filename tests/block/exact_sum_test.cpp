// Exact sums of products against rational arithmetic, and where rounding would answer wrongly.
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstdio>
#include <random>

#include <gtest/gtest.h>

#include <fewbits/block/exact_sum.hpp>
#include <fewbits/number/native.hpp>

#include "oracle/exact.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

fb::unpacked_number power(int exponent, bool negative = false) {
  return {1ull << 63, exponent, fb::number_class::finite, negative};
}

oracle::exact exact_of(const fb::unpacked_number& x) {
  if (x.kind == fb::number_class::zero)
    return {};
  return oracle::exact{x.negative, oracle::natural{x.significand}, x.exponent - 63};
}

TEST(ExactSum, RandomSumsOfProductsHaveTheSignOfExactArithmetic) {
  std::mt19937_64 random(11);
  std::uint64_t visited = 0;
  for (int round = 0; round < 20000; ++round) {
    fb::exact_sum sum;
    oracle::exact expected{};
    const int terms = 1 + static_cast<int>(random() % 6);
    for (int i = 0; i < terms; ++i) {
      std::array<fb::unpacked_number, 4> f{};
      for (auto& each : f)
        each = fb::make_unpacked(random() % 2 != 0, random() >> (random() % 64), static_cast<int>(random() % 60) - 60);
      // Every second round the terms nearly cancel: the same product again, and something small.
      const bool subtract = random() % 2 != 0;
      const oracle::exact two = exact_of(f[0]) * exact_of(f[1]);
      const oracle::exact product = two * exact_of(f[2]);
      if (subtract) {
        sum.subtract(f[0], f[1], f[2]);
        expected = expected - product;
      } else {
        sum.add(f[0], f[1], f[2]);
        expected = expected + product;
      }
      if (round % 2 == 0) {
        sum.add(fb::unpacked_number{f[2].significand, f[2].exponent, f[2].kind, f[2].negative == subtract}, f[1], f[0]);
        expected = subtract ? expected + product : expected - product;
        sum.add(f[3]);
        expected = expected + exact_of(f[3]);
        sum.subtract(f[3], power(-40));
        expected = expected - exact_of(f[3]).scaled(-40);
      }
      if (fewbits_test::planted() && round == 777)
        expected = -expected;
      const auto wanted = expected.is_zero()    ? std::strong_ordering::equal
                          : expected.negative() ? std::strong_ordering::less
                                                : std::strong_ordering::greater;
      ASSERT_TRUE(sum.sign() == wanted) << "round " << round << ", term " << i << ", seed 11";
      ++visited;
    }
  }
  std::printf("%llu sums\n", static_cast<unsigned long long>(visited));
}

TEST(ExactSum, TheSmallestBitDecidesBesideTheLargest) {
  for (const int top : {-2000, 0, 63, 64, 1000, 2500})
    for (const int bottom : {-2560, -2559, -2497, -2496, -2001}) {
      fb::exact_sum sum;
      sum.add(power(top));
      sum.add(power(bottom));
      sum.subtract(power(top));
      EXPECT_TRUE(sum.sign() > 0) << top << " " << bottom;
      sum.subtract(power(bottom));
      EXPECT_TRUE(sum.sign() == 0) << top << " " << bottom;
      sum.subtract(power(bottom));
      EXPECT_TRUE(sum.sign() < 0) << top << " " << bottom;
    }
}

TEST(ExactSum, CarriesRunThroughEveryLimb) {
  // 2^-2560 + 2^-2560 + 2^-2559 + 2^-2558 + ... = 2^2000
  fb::exact_sum sum;
  sum.add(power(-2560));
  for (int e = -2560; e < 2000; ++e)
    sum.add(power(e));
  sum.subtract(power(2000));
  EXPECT_TRUE(sum.sign() == 0);
}

TEST(ExactSum, ProductsOfFiveLongFactorsAreExact) {
  // (2^64 - 1)^5 = 2^320 - 5 x 2^256 + 10 x 2^192 - 10 x 2^128 + 5 x 2^64 - 1
  const fb::unpacked_number all = fb::make_unpacked(false, ~0ull, 0);
  const auto times = [](std::uint64_t factor) { return fb::make_unpacked(false, factor, 0); };
  fb::exact_sum sum;
  sum.add(all, all, all, all, all);
  sum.subtract(power(320));
  sum.add(times(5), power(256));
  sum.subtract(times(10), power(192));
  sum.add(times(10), power(128));
  sum.subtract(times(5), power(64));
  sum.add(power(0));
  EXPECT_TRUE(sum.sign() == 0);
}

TEST(ExactSum, SmallestAndLargestDoublesMultiply) {
  const auto tiny = fb::unpack(std::bit_cast<double>(std::uint64_t{1}));  // 2^-1074
  const auto huge = fb::unpack(std::bit_cast<double>(0x7fefffffffffffffull));
  const auto weight = fb::unpack(std::bit_cast<float>(1u));
  fb::exact_sum sum;
  sum.add(weight, tiny, tiny);
  EXPECT_TRUE(sum.sign() > 0);
  sum.subtract(power(-149 - 2 * 1074));
  EXPECT_TRUE(sum.sign() == 0);
  sum.subtract(huge, huge);
  sum.add(huge, huge);
  EXPECT_TRUE(sum.sign() == 0);
}

TEST(ExactSum, ValuesCompareAsRationals) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    const auto a =
        fb::make_unpacked(random() % 2 != 0, random() >> (random() % 65 % 64), static_cast<int>(random() % 4));
    const auto b =
        i % 3 == 0 ? a
                   : fb::make_unpacked(random() % 2 != 0, random() >> (random() % 64), static_cast<int>(random() % 4));
    ASSERT_TRUE(fb::compare_values(a, b) == (exact_of(a) <=> exact_of(b))) << i;
  }
  EXPECT_TRUE(fb::compare_values({.negative = true}, {}) == 0);
}

TEST(ExactSum, ProductsThatFit64DigitsAreExact) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 20000; ++i) {
    const int digits = 1 + static_cast<int>(random() % 63);
    const auto a = fb::make_unpacked(random() % 2 != 0, random() >> (64 - digits), 3);
    const auto b = fb::make_unpacked(random() % 2 != 0, random() >> digits, -7);
    ASSERT_TRUE(exact_of(fb::exact_product(a, b)) == exact_of(a) * exact_of(b)) << i;
  }
}

constexpr bool third_of_the_way() {
  fb::exact_sum sum;
  sum.add(fb::unpack(1.0f / 3), fb::unpack(3));
  sum.subtract(fb::unpack(1));
  return sum.sign() > 0;  // the float nearest to 1/3 lies above it
}
static_assert(third_of_the_way());

TEST(ExactSum, RunTimeEqualsCompileTime) { EXPECT_TRUE(third_of_the_way()); }

}  // namespace
