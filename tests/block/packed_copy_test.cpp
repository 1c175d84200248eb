// Codes from one order to another and from any place to any place, against a model that moves one bit at a time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/packed_copy.hpp>

#include "block/packed_model.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

using fb::bit_order;
using fewbits_test::every_width_and_order;
using fewbits_test::model_write;

template <bit_order Order>
inline constexpr bit_order other_order = Order == bit_order::low_first ? bit_order::high_first : bit_order::low_first;

template <int Bits, bit_order From, bit_order To>
std::uint64_t copies_to_every_place(std::mt19937& random) {
  std::uint64_t visited = 0;
  for (std::size_t offset_from = 0; offset_from < 8; ++offset_from)
    for (std::size_t offset_to = 0; offset_to < 8; ++offset_to)
      for (std::size_t size = 0; size <= 70; ++size) {
        auto source = fewbits_test::random_bytes(random, 80);
        auto target = fewbits_test::random_bytes(random, 80);
        auto codes = fewbits_test::random_codes(random, Bits, size);
        model_write(source, Bits, From == bit_order::high_first, offset_from, codes);
        auto expected = target;
        model_write(expected, Bits, To == bit_order::high_first, offset_to, codes);
        if (fewbits_test::planted() && size != 0)
          expected[offset_to * Bits / 8] ^= std::byte{1};
        const auto kept = source;
        const fb::packed_span<Bits, To, std::byte> to(target.data(), 80);
        fb::copy_codes(fb::packed_span<Bits, From>(source.data(), 80).subspan(offset_from, size),
                       to.subspan(offset_to, size));
        EXPECT_EQ(target, expected) << Bits << " bits, order " << static_cast<int>(From) << " from " << offset_from
                                    << ", order " << static_cast<int>(To) << " to " << offset_to << ", size " << size;
        EXPECT_EQ(source, kept);
        if (target != expected)
          return visited;
        visited += size;
      }
  return visited;
}

TEST(PackedCopy, CodesArriveAtEveryPlaceInEitherOrderAndTheirNeighboursStay) {
  std::uint64_t visited = 0;
  every_width_and_order([&](auto width, auto order_tag) {
    std::mt19937 random(42);
    visited += copies_to_every_place<width(), order_tag(), order_tag()>(random);
    visited += copies_to_every_place<width(), order_tag(), other_order<order_tag()>>(random);
  });
  std::printf("%llu codes copied\n", static_cast<unsigned long long>(visited));
}

TEST(PackedCopy, ReorderRewritesInPlaceAndClearsWhatIsPastTheLastCode) {
  std::uint64_t visited = 0;
  every_width_and_order([&](auto width, auto order_tag) {
    constexpr int bits = width();
    constexpr bit_order from = order_tag();
    constexpr bit_order to = other_order<from>;
    std::mt19937 random(42);
    for (std::size_t size = 0; size <= 100; ++size) {
      const std::size_t bytes_in_all = (size * bits + 7) / 8;
      auto bytes = fewbits_test::random_bytes(random, bytes_in_all + 1);
      const auto behind = bytes.back();
      const auto codes = fewbits_test::random_codes(random, bits, size);
      model_write(bytes, bits, from == bit_order::high_first, 0, codes);
      std::vector<std::byte> expected(bytes_in_all + 1, std::byte{0});
      model_write(expected, bits, to == bit_order::high_first, 0, codes);
      expected.back() = behind;
      const auto there = fb::reorder<to>(fb::packed_span<bits, from, std::byte>(bytes.data(), size));
      ASSERT_EQ(bytes, expected) << bits << " bits, order " << static_cast<int>(from) << ", size " << size;
      ASSERT_TRUE(std::ranges::equal(there, codes));
      const auto again = fb::reorder<to>(there);
      ASSERT_EQ(bytes, expected) << bits << " bits: in that order already";
      const auto back = fb::reorder<from>(again);
      ASSERT_TRUE(std::ranges::equal(back, codes)) << bits << " bits: and back, size " << size;
      visited += 3 * size;
    }
  });
  std::printf("%llu codes reordered\n", static_cast<unsigned long long>(visited));
}

// layouts.md: gpt-oss and torchao put the first of two nibbles low, bitsandbytes puts it high.
TEST(PackedCopy, BitsandbytesNibblesBecomeThoseOfGptOss) {
  const std::array high{std::byte{0x12}, std::byte{0x34}, std::byte{0x50}};
  fb::packed_array<4, 5> low;
  fb::copy_codes(fb::packed_span<4, bit_order::high_first>(high.data(), 5), low.view());
  EXPECT_EQ(low.bytes, (std::array{std::byte{0x21}, std::byte{0x43}, std::byte{0x05}}));
}

template <int Bits>
constexpr bool copies_in_a_constant_expression() {
  fb::packed_array<Bits, 37> low;
  unsigned next = 1;
  for (auto code : low)
    code = next = next * 5 + 3;
  fb::packed_array<Bits, 37> same;
  fb::packed_array<Bits, 37, bit_order::high_first> high;
  fb::copy_codes(low.view(), same.view());
  fb::copy_codes(low.view(), high.view());
  fb::packed_array<Bits, 37> shifted;
  fb::copy_codes(high.subspan(1, 36), shifted.subspan(0, 36));
  fb::copy_codes(high.subspan(0, 1), shifted.subspan(36, 1));
  const bool rotated = shifted.view().first(36) == low.view().last(36) && shifted[36] == low[0];
  const bool moved = same == low && high.view() == low.view();
  return moved && rotated && fb::reorder<bit_order::low_first>(high.view()) == low.view() && high.bytes == low.bytes;
}
static_assert(copies_in_a_constant_expression<1>() && copies_in_a_constant_expression<2>() &&
              copies_in_a_constant_expression<3>() && copies_in_a_constant_expression<4>() &&
              copies_in_a_constant_expression<5>() && copies_in_a_constant_expression<6>() &&
              copies_in_a_constant_expression<7>() && copies_in_a_constant_expression<8>());

}  // namespace
