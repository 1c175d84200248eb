// Errors and results: sentences that fill, overflow and stream; values that move once and die once.
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include <fewbits/base/error.hpp>

#include "../support/planted.hpp"

namespace {

using fewbits::errc;
using fewbits::error;
using fewbits::result;

constexpr bool test_error() {
  const error plain{errc::shape_mismatch};
  const error built = error{errc::size_overflow, "rows: "} << std::uint64_t{3} << " against " << std::uint64_t{40};
  return plain.message().empty() && plain.code() == errc::shape_mismatch && built.code() == errc::size_overflow &&
         built.message() == "rows: 3 against 40";
}
static_assert(test_error());

constexpr bool test_result() {
  result<int> seven(7);
  const result<int> moved(std::move(seven));
  const result<int> none(error{errc::not_found, "none"});
  const result<void> done;
  const result<void> failed(error{errc::io_failure});
  return moved && *moved == 7 && !none && none.error().message() == "none" && done && !failed &&
         failed.error().code() == errc::io_failure;
}
static_assert(test_result());

static_assert(!std::is_copy_constructible_v<result<int>> && !std::is_copy_assignable_v<result<int>>);
static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);

TEST(Error, NamesEachCodeAsItIsSpelt) {
  std::set<std::string_view> names;
  int code = 0;
  for (; code < 256; ++code) {
    const std::string_view name = fewbits::to_string(static_cast<errc>(code));
    if (name == "unknown")
      break;
    names.insert(name);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(code));
  EXPECT_EQ(code, static_cast<int>(errc::out_of_memory) + 1);
  EXPECT_EQ(fewbits::to_string(errc::malformed_file), "malformed_file");
}

TEST(Error, CutsASentenceThatDoesNotFitHoweverItIsStreamed) {
  int visited = 0;
  for (std::size_t length = 0; length < 2 * error::capacity; ++length)
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{100}, std::size_t{1000}}) {
      std::string whole(length, 'x');
      for (std::size_t i = 0; i < length; ++i)
        whole[i] = static_cast<char>('a' + i % 26);
      error why{errc::invalid_argument};
      for (std::size_t at = 0; at < length; at += piece)
        why << std::string_view(whole).substr(at, piece);
      const std::string wanted =
          length <= error::capacity - (fewbits_test::planted() ? 1u : 0u) ? whole : whole.substr(0, error::capacity - 3) + "...";
      ASSERT_EQ(why.message(), wanted) << length << " in pieces of " << piece;
      ++visited;
    }
  std::printf("error: visited %d sentences\n", visited);
}

TEST(Error, StreamsEveryLengthOfNumber) {
  for (std::uint64_t number = 1; number != 0;
       number = number <= std::numeric_limits<std::uint64_t>::max() / 10 ? number * 10 : 0)
    for (const std::uint64_t n : {number - 1, number, number + 1})
      EXPECT_EQ((error{errc::invalid_argument} << n).message(), std::to_string(n));
  EXPECT_EQ((error{errc::invalid_argument} << std::numeric_limits<std::uint64_t>::max()).message(),
            "18446744073709551615");
}

// Counts the objects alive.
struct counted {
  static inline int alive = 0;
  counted() noexcept { ++alive; }
  counted(counted&&) noexcept { ++alive; }
  ~counted() { --alive; }
};

TEST(Result, EndsItsValueOnceAndOnlyIfThereIsOne) {
  {
    result<counted> first{counted{}};
    EXPECT_EQ(counted::alive, 1);
    result<counted> second(std::move(first));
    EXPECT_EQ(counted::alive, 2);
    const counted third = std::move(second).value();
    EXPECT_EQ(counted::alive, 3);
    result<counted> none(error{errc::not_found});
    result<counted> still_none(std::move(none));
    EXPECT_EQ(counted::alive, 3);
    EXPECT_EQ(still_none.error().code(), errc::not_found);
  }
  EXPECT_EQ(counted::alive, 0);
}

TEST(Result, HandsOutAValueThatOnlyMoves) {
  result<std::unique_ptr<int>> owner(std::make_unique<int>(5));
  EXPECT_EQ(**owner, 5);
  EXPECT_EQ(*owner->get(), 5);
  const std::unique_ptr<int> taken = *std::move(owner);
  EXPECT_EQ(*taken, 5);
  EXPECT_EQ(*owner, nullptr);
}

TEST(ResultDeathTest, EndsTheProgramWhereTheWrongHalfIsRead) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  result<int> value(1);
  result<int> none(error{errc::not_found});
  const result<void> done;
  const result<void> failed(error{errc::not_found});
  EXPECT_DEATH((void)*none, "");
  EXPECT_DEATH((void)value.error(), "");
  EXPECT_DEATH((void)done.error(), "");
  EXPECT_DEATH(failed.value(), "");
}

}  // namespace
