// Codes side by side: what is written comes back, neighbours stay, and the order in a byte is the one named.
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/packed.hpp>

#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

using fb::bit_order;

template <int Bits, bit_order Order>
std::uint64_t write_and_read(std::size_t size) {
  std::vector<std::byte> bytes(fb::packed_bytes<Bits>(size) + 1, std::byte{0xa5});
  const fb::packed_span<Bits, Order, std::byte> codes(bytes.data(), size);
  std::vector<unsigned> expected(size);
  std::mt19937 random(42);
  for (std::size_t i = 0; i < size; ++i)
    codes.set(i, expected[i] = random() & ((1u << Bits) - 1));
  // Once more in another order, with bits above the code that must not reach a neighbour.
  for (std::size_t i = size; i-- > 0;)
    if (i % 3 == 0) {
      expected[i] ^= 1;
      codes.set(i, expected[i] | (~0u << Bits));
    }
  if (fewbits_test::planted())
    expected[0] ^= 1;
  const fb::packed_span<Bits, Order> reader = codes;
  for (std::size_t i = 0; i < size; ++i)
    EXPECT_EQ(reader[i], expected[i]) << Bits << " bits, order " << static_cast<int>(Order) << ", code " << i;
  EXPECT_EQ(bytes.back(), std::byte{0xa5}) << Bits << " bits: wrote past the end";
  return size;
}

template <int... Bits>
std::uint64_t every_width(std::integer_sequence<int, Bits...>) {
  std::uint64_t visited = 0;
  for (std::size_t size = 1; size < 70; ++size)
    visited += (0 + ... +
                (write_and_read<Bits + 1, bit_order::low_first>(size) +
                 write_and_read<Bits + 1, bit_order::high_first>(size)));
  return visited;
}

TEST(Packed, WhatIsWrittenComesBackAtEveryWidthOrderAndLength) {
  std::printf("%llu codes\n", static_cast<unsigned long long>(every_width(std::make_integer_sequence<int, 8>{})));
}

TEST(Packed, LowFirstPutsCodeZeroInTheLowNibble) {
  fb::packed_array<4, 4> codes;
  for (unsigned i = 0; i < 4; ++i)
    codes.set(i, i + 1);
  EXPECT_EQ(codes.bytes[0], std::byte{0x21});
  EXPECT_EQ(codes.bytes[1], std::byte{0x43});
}

TEST(Packed, HighFirstPutsCodeZeroInTheHighNibble) {
  fb::packed_array<4, 4, bit_order::high_first> codes;
  for (unsigned i = 0; i < 4; ++i)
    codes.set(i, i + 1);
  EXPECT_EQ(codes.bytes[0], std::byte{0x12});
  EXPECT_EQ(codes.bytes[1], std::byte{0x34});
}

TEST(Packed, CodesOfSixBitsCrossByteBordersAsOneStream) {
  fb::packed_array<6, 4> low;
  fb::packed_array<6, 4, bit_order::high_first> high;
  const unsigned values[] = {0b000001, 0b100000, 0b111111, 0b010101};
  for (std::size_t i = 0; i < 4; ++i) {
    low.set(i, values[i]);
    high.set(i, values[i]);
  }
  // Bits 0-5, 6-11, 12-17, 18-23 of the little-endian number of three bytes.
  EXPECT_EQ(low.bytes, (std::array{std::byte{0b00'000001}, std::byte{0b1111'1000}, std::byte{0b010101'11}}));
  // The same from the top of the big-endian number.
  EXPECT_EQ(high.bytes, (std::array{std::byte{0b000001'10}, std::byte{0b0000'1111}, std::byte{0b11'010101}}));
}

TEST(Packed, BytesAreCountedWithoutWrapping) {
  static_assert(fb::packed_bytes<4>(32) == 16 && fb::packed_bytes<4>(33) == 17 && fb::packed_bytes<3>(3) == 2);
  static_assert(fb::packed_bytes<8>(~std::size_t{0}) == ~std::size_t{0});
  static_assert(fb::packed_bytes<4>(~std::size_t{0}) == (~std::size_t{0} >> 1) + 1);
  static_assert(fb::packed_array<4, 32>::size() == 32 && sizeof(fb::packed_array<4, 32>) == 16);
}

constexpr auto constant = [] {
  fb::packed_array<3, 8> codes;
  for (std::size_t i = 0; i < 8; ++i)
    codes.set(i, static_cast<unsigned>(7 - i));
  return codes;
}();
static_assert(constant[0] == 7 && constant[2] == 5 && constant[7] == 0);

}  // namespace
