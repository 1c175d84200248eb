// An array whose growth can fail: contents, addresses and sizes, and what it refuses.
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <fewbits/base/nothrow_array.hpp>

#include "../support/planted.hpp"

namespace {

using fewbits::nothrow_array;

TEST(NothrowArray, KeepsValuesAsItGrows) {
  nothrow_array<std::uint64_t> array;
  EXPECT_TRUE(array.view().empty());
  constexpr std::uint64_t count = 1000;
  for (std::uint64_t i = 0; i < count; ++i)
    ASSERT_TRUE(array.push_back(i * i));
  ASSERT_EQ(array.size(), count);
  std::uint64_t visited = 0;
  for (std::uint64_t i = 0; i < count; ++i, ++visited)
    EXPECT_EQ(array.view()[i], i * i + (fewbits_test::planted() ? 1u : 0u));
  std::printf("nothrow_array: visited %llu values\n", static_cast<unsigned long long>(visited));
}

TEST(NothrowArray, NeverMovesValuesThatItHasRoomFor) {
  nothrow_array<char> array;
  ASSERT_TRUE(array.reserve(100));
  const char* const address = array.data();
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(array.append({"ab", 2}));
  EXPECT_EQ(array.data(), address);
  EXPECT_EQ(array.size(), 100u);
  ASSERT_TRUE(array.reserve(10));
  EXPECT_EQ(array.capacity(), 100u);
}

TEST(NothrowArray, AppendsRunsOfAnyLength) {
  nothrow_array<char> array;
  std::string all;
  for (std::size_t length = 0; length < 80; ++length) {
    const std::string run(length, static_cast<char>('a' + length % 26));
    ASSERT_TRUE(array.append(run));
    all += run;
  }
  EXPECT_EQ((std::string{array.begin(), array.end()}), all);
}

TEST(NothrowArray, ShrinksInPlaceAndGrowsAgain) {
  nothrow_array<char> array;
  ASSERT_TRUE(array.append({"abcdef", 6}));
  const char* const address = array.data();
  array.shrink(2);
  ASSERT_TRUE(array.push_back('x'));
  EXPECT_EQ((std::string{array.begin(), array.end()}), "abx");
  EXPECT_EQ(array.data(), address);
}

TEST(NothrowArray, RefusesASizeThatDoesNotFitWithoutAChange) {
  nothrow_array<std::uint64_t> array;
  ASSERT_TRUE(array.push_back(7));
  EXPECT_FALSE(array.reserve(std::numeric_limits<std::size_t>::max()));
  EXPECT_FALSE(array.reserve(std::numeric_limits<std::size_t>::max() / 8 + 1));
  EXPECT_EQ(array.size(), 1u);
  EXPECT_EQ(array.view()[0], 7u);
}

TEST(NothrowArray, MovesItsBlockAndLeavesNothingBehind) {
  nothrow_array<int> first;
  ASSERT_TRUE(first.push_back(1));
  const int* const address = first.data();
  nothrow_array<int> second(std::move(first));
  EXPECT_EQ(second.data(), address);
  nothrow_array<int> third;
  ASSERT_TRUE(third.push_back(2));
  third = std::move(second);
  EXPECT_EQ(third.data(), address);
  EXPECT_EQ(third.view()[0], 1);
}

}  // namespace
