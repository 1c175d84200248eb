// Checked sums and products against wider arithmetic written for the test: schoolbook halves of 32 bits.
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/base/checked.hpp>

#include "../support/planted.hpp"

namespace {

using fewbits::checked_add;
using fewbits::checked_multiply;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t two_32 = std::uint64_t{1} << 32;

static_assert(checked_multiply(two_32, two_32 - 1) == most - two_32 + 1);
static_assert(!checked_multiply(two_32, two_32));
static_assert(checked_multiply(0, most) == 0 && checked_multiply(most, 0) == 0);
static_assert(checked_add(most, 0) == most && !checked_add(most, 1));

// The upper 64 bits of the 128-bit product.
std::uint64_t upper_product(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a1 = a >> 32, a0 = a & (two_32 - 1), b1 = b >> 32, b0 = b & (two_32 - 1);
  const std::uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & (two_32 - 1))) >> 32);
}

std::uint64_t visited = 0;

void check(std::uint64_t a, std::uint64_t b) {
  ++visited;
  const auto product = checked_multiply(a, b);
  ASSERT_EQ(product.has_value(), upper_product(a, b) <= (fewbits_test::planted() ? 1u : 0u)) << a << " * " << b;
  ASSERT_EQ(product.value_or(a * b), a * b) << a << " * " << b;
  const auto sum = checked_add(a, b);
  const bool carries = ((a >> 1) + (b >> 1) + (a & b & 1)) >> 63 != 0;
  ASSERT_EQ(sum.has_value(), !carries) << a << " + " << b;
  ASSERT_EQ(sum.value_or(a + b), a + b) << a << " + " << b;
}

TEST(Checked, SumsAndProductsFitOrAreRefusedAtEveryEdge) {
  std::vector<std::uint64_t> edges;
  for (unsigned shift = 0; shift < 64; ++shift)
    for (std::uint64_t nudge = 0; nudge < 5; ++nudge)
      edges.push_back((std::uint64_t{1} << shift) + nudge - 2);
  for (std::uint64_t divisor = 1; divisor < 20; ++divisor)
    for (std::uint64_t nudge = 0; nudge < 3; ++nudge)
      edges.push_back(most / divisor + nudge - 1);
  for (const std::uint64_t a : edges)
    for (const std::uint64_t b : edges)
      ASSERT_NO_FATAL_FAILURE(check(a, b));
}

TEST(Checked, SumsAndProductsFitOrAreRefusedInASeededSample) {
  constexpr std::uint64_t seed = 1;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t a = random() >> (random() % 64);
    const std::uint64_t b = random() >> (random() % 64);
    ASSERT_NO_FATAL_FAILURE(check(a, b)) << "seed " << seed << ", pair " << i;
    if (a != 0) {  // the largest factor that fits, and the next
      ASSERT_NO_FATAL_FAILURE(check(a, most / a)) << "seed " << seed << ", pair " << i;
      if (a == 1)
        continue;
      ASSERT_NO_FATAL_FAILURE(check(a, most / a + 1)) << "seed " << seed << ", pair " << i;
    }
  }
  std::printf("checked: visited %llu pairs\n", static_cast<unsigned long long>(visited));
}

}  // namespace
