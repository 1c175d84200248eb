// Orders of codes against layouts.md: the bytes below were worked out by hand from its words.
#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/code_order.hpp>

#include "block/packed_model.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

using fb::bit_order;

static_assert(fb::is_consistent(fb::awq_order) && fb::is_consistent(fb::split_order<32>()));
static_assert(!fb::is_consistent(fb::code_order<4>{{0, 1, 1, 3}}) &&
              !fb::is_consistent(fb::code_order<4>{{0, 1, 4, 3}}));
// layouts.md gives AWQ's inverse, too. It is the split of eight.
static_assert(fb::inverse(fb::awq_order) == fb::code_order<8>{{0, 4, 1, 5, 2, 6, 3, 7}});
static_assert(fb::inverse(fb::awq_order) == fb::split_order<8>());

template <std::size_t Size>
std::array<std::byte, Size> bytes_of(const unsigned (&values)[Size]) {
  std::array<std::byte, Size> bytes{};
  for (std::size_t i = 0; i < Size; ++i)
    bytes[i] = static_cast<std::byte>(values[i]);
  return bytes;
}

// "byte j holds element j in its low nibble and element j + n/2 in its high one"
TEST(CodeOrder, GgufSplitsABlockOfThirtyTwo) {
  fb::packed_array<4, 32> codes;
  for (std::size_t i = 0; i < 32; ++i)
    codes.set(i, static_cast<unsigned>(i < 16 ? i : (i * 3) % 16));
  auto expected = bytes_of({0x00, 0x31, 0x62, 0x93, 0xc4, 0xf5, 0x26, 0x57,  //
                            0x88, 0xb9, 0xea, 0x1b, 0x4c, 0x7d, 0xae, 0xdf});
  if (fewbits_test::planted())
    expected[3] = std::byte{0x39};
  fb::packed_array<4, 32> stored;
  fb::store_in_order<fb::split_order<32>()>(codes.view(), stored.view());
  EXPECT_EQ(stored.bytes, expected);
  fb::packed_array<4, 32, bit_order::high_first> back;  // a sequence of any order
  fb::load_from_order<fb::split_order<32>()>(stored.view(), back.view());
  EXPECT_TRUE(back.view() == codes.view());
}

// "split within each 16"
TEST(CodeOrder, GgufNvfp4SplitsEachSixteen) {
  fb::packed_array<4, 64> codes;
  for (std::size_t i = 0; i < 64; ++i)
    codes.set(i, static_cast<unsigned>(i % 16));
  fb::packed_array<4, 64> stored;
  fb::store_in_order<fb::split_order<16>()>(codes.view(), stored.view());
  for (std::size_t block = 0; block < 4; ++block)
    for (std::size_t j = 0; j < 8; ++j)
      EXPECT_EQ(stored.bytes[8 * block + j], static_cast<std::byte>(j | (j + 8) << 4)) << block << " " << j;
}

// "per 64: low nibbles first 32, high the next"
TEST(CodeOrder, GgufQ4KSplitsEachSixtyFour) {
  fb::packed_array<4, 256> codes;
  for (std::size_t i = 0; i < 256; ++i)
    codes.set(i, static_cast<unsigned>(i / 32));
  fb::packed_array<4, 256> stored;
  fb::store_in_order<fb::split_order<64>()>(codes.view(), stored.view());
  for (std::size_t j = 0; j < 128; ++j)
    EXPECT_EQ(stored.bytes[j], static_cast<std::byte>(std::array{0x10, 0x32, 0x54, 0x76}[j / 32])) << j;
}

// "nibble i holds column 8c + [0,2,4,6,1,3,5,7][i]": columns 0 to 7 are the word 0x75316420, little-endian.
TEST(CodeOrder, AwqWordsInterleaveEvenAndOddColumns) {
  fb::packed_array<4, 16> columns;
  for (std::size_t i = 0; i < 16; ++i)
    columns.set(i, static_cast<unsigned>(i));
  fb::packed_array<4, 16> stored;
  fb::store_in_order<fb::awq_order>(columns.view(), stored.view());
  EXPECT_EQ(stored.bytes, bytes_of({0x20, 0x64, 0x31, 0x75, 0xa8, 0xec, 0xb9, 0xfd}));
  fb::packed_array<4, 16> back;
  fb::load_from_order<fb::awq_order>(stored.view(), back.view());
  EXPECT_EQ(back.bytes, columns.bytes);
}

// A user's order, other widths, slices that begin inside a byte.
template <int Bits, bit_order Order>
std::uint64_t comes_back_from_every_place(std::mt19937& random) {
  constexpr fb::code_order<6> order{{5, 3, 0, 1, 4, 2}};
  std::uint64_t visited = 0;
  for (std::size_t offset = 0; offset < 8; ++offset)
    for (std::size_t groups = 0; groups < 9; ++groups) {
      const auto codes = fewbits_test::random_codes(random, Bits, groups * 6);
      auto source = fewbits_test::random_bytes(random, 70);
      auto expected = fewbits_test::random_bytes(random, 70);
      auto target = expected;
      fewbits_test::model_write(source, Bits, Order == bit_order::high_first, 7 - offset, codes);
      std::vector<std::uint8_t> permuted(codes.size());
      for (std::size_t i = 0; i < codes.size(); ++i)
        permuted[i] = codes[i / 6 * 6 + order.source[i % 6]];
      fewbits_test::model_write(expected, Bits, Order == bit_order::high_first, offset, permuted);
      const auto from = fb::packed_span<Bits, Order, std::byte>(source.data(), 64).subspan(7 - offset, codes.size());
      const auto to = fb::packed_span<Bits, Order, std::byte>(target.data(), 64).subspan(offset, codes.size());
      fb::store_in_order<order>(from, to);
      EXPECT_EQ(target, expected) << Bits << " bits, order " << static_cast<int>(Order) << ", offset " << offset;
      const auto kept = source;
      from.fill(0);
      fb::load_from_order<order>(to, from);
      EXPECT_EQ(source, kept) << Bits << " bits, order " << static_cast<int>(Order) << ", offset " << offset;
      visited += codes.size();
    }
  return visited;
}

TEST(CodeOrder, AnyOrderOfAnyWidthComesBackFromAnyPlace) {
  std::uint64_t visited = 0;
  std::mt19937 random(42);
  fewbits_test::every_width_and_order(
      [&](auto width, auto order_tag) { visited += comes_back_from_every_place<width(), order_tag()>(random); });
  std::printf("%llu codes\n", static_cast<unsigned long long>(visited));
}

constexpr auto split_at_compile_time = [] {
  fb::packed_array<4, 8> codes;
  for (std::size_t i = 0; i < 8; ++i)
    codes.set(i, static_cast<unsigned>(i));
  fb::packed_array<4, 8> stored;
  fb::store_in_order<fb::split_order<8>()>(codes.view(), stored.view());
  return stored;
}();
static_assert(split_at_compile_time.bytes[0] == std::byte{0x40} && split_at_compile_time.bytes[3] == std::byte{0x73});

}  // namespace
