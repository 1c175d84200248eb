// Codes side by side: what is written comes back, neighbours stay, and the order in a byte is the one named.
#include <cstdint>
#include <cstdio>
#include <random>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/packed.hpp>
#include <fewbits/block/packed_checked.hpp>

#include "block/packed_model.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

using fb::bit_order;
using fewbits_test::every_width_and_order;
using fewbits_test::model_write;

TEST(Packed, EverySliceReadsAndWritesTheBitsOfTheModelAndNoOthers) {
  std::uint64_t visited = 0;
  every_width_and_order([&](auto width, auto order_tag) {
    constexpr int bits = width();
    constexpr bit_order order = order_tag();
    constexpr bool high = order == bit_order::high_first;
    std::mt19937 random(42);
    for (std::size_t offset = 0; offset < 9; ++offset)
      for (std::size_t size = 0; size <= 70; ++size) {
        const std::size_t bytes_in_all = (offset + size + 9) * bits / 8 + 1;
        auto expected = fewbits_test::random_bytes(random, bytes_in_all);
        auto bytes = expected;
        const fb::packed_span<bits, order, std::byte> whole(bytes.data(), bytes_in_all * 8 / bits);
        const auto slice = whole.subspan(offset, size);
        auto codes = fewbits_test::random_codes(random, bits, size);
        model_write(expected, bits, high, offset, codes);
        // Back to front and with bits above the code, which must not reach a neighbour.
        for (std::size_t i = size; i-- > 0;)
          slice.set(i, codes[i] | ~((1u << bits) - 1));
        if (fewbits_test::planted() && size != 0)
          expected[offset * bits / 8] ^= std::byte{1};
        ASSERT_EQ(bytes, expected) << bits << " bits, order " << high << ", offset " << offset << ", size " << size;
        const fb::packed_span<bits, order> reader = slice;
        for (std::size_t i = 0; i < size; ++i, ++visited)
          ASSERT_EQ(reader[i], codes[i]) << bits << " bits, order " << high << ", offset " << offset << ", code " << i;

        // Slices of slices, and the bytes a slice touches.
        const std::size_t from = random() % (size + 1);
        const std::size_t count = random() % (size - from + 1);
        ASSERT_TRUE(reader.subspan(from, count) == reader.first(from + count).last(count));
        ASSERT_TRUE(reader.subspan(from) == reader.last(size - from));
        const auto part = reader.subspan(from, count);
        ASSERT_EQ(part.size(), count);
        ASSERT_EQ(part.empty(), count == 0);
        ASSERT_EQ(part.first_bit(), (offset + from) * bits % 8);
        ASSERT_EQ(part.starts_on_byte(), part.first_bit() == 0);
        if (count != 0) {
          const std::size_t first_byte = (offset + from) * bits / 8;
          const std::size_t last_byte = ((offset + from + count) * bits - 1) / 8;
          ASSERT_EQ(part.bytes().data(), bytes.data() + first_byte);
          ASSERT_EQ(part.bytes().size(), last_byte - first_byte + 1) << bits << " bits, " << count;
        } else {
          ASSERT_TRUE(part.bytes().empty());
        }
        std::size_t border = 0;
        while (border < count && (offset + from + border) * bits % 8 != 0)
          ++border;
        ASSERT_EQ(part.codes_before_border(), border);

        const unsigned fill_code = static_cast<unsigned>(random());
        for (std::size_t i = 0; i < count; ++i)
          codes[from + i] = static_cast<std::uint8_t>(fill_code & ((1u << bits) - 1));
        model_write(expected, bits, high, offset, codes);
        slice.subspan(from, count).fill(fill_code);
        ASSERT_EQ(bytes, expected) << bits << " bits, order " << high << ": fill from " << from << ", " << count;
      }
  });
  std::printf("%llu codes in slices\n", static_cast<unsigned long long>(visited));
}

TEST(Packed, EqualityIsOfCodesWhateverTheBytes) {
  std::uint64_t visited = 0;
  every_width_and_order([&](auto width, auto order_tag) {
    constexpr int bits = width();
    constexpr bit_order order = order_tag();
    std::mt19937 random(7);
    for (std::size_t offset_a = 0; offset_a < 8; ++offset_a)
      for (std::size_t offset_b = 0; offset_b < 8; ++offset_b)
        for (std::size_t size = 0; size <= 20; ++size, ++visited) {
          auto a = fewbits_test::random_bytes(random, 40);
          auto b = fewbits_test::random_bytes(random, 40);
          auto c = fewbits_test::random_bytes(random, 40);
          const auto codes = fewbits_test::random_codes(random, bits, size);
          model_write(a, bits, order == bit_order::high_first, offset_a, codes);
          model_write(b, bits, order == bit_order::high_first, offset_b, codes);
          model_write(c, bits, order != bit_order::high_first, offset_b, codes);
          constexpr bit_order other = order == bit_order::low_first ? bit_order::high_first : bit_order::low_first;
          const auto in_a = fb::packed_span<bits, order>(a.data(), 40).subspan(offset_a, size);
          const auto in_b = fb::packed_span<bits, order, std::byte>(b.data(), 40).subspan(offset_b, size);
          const auto in_c = fb::packed_span<bits, other>(c.data(), 40).subspan(offset_b, size);
          ASSERT_TRUE(in_a == in_b) << bits << " bits, offsets " << offset_a << " " << offset_b << ", size " << size;
          ASSERT_TRUE(in_c == in_a) << bits << " bits, offsets " << offset_a << " " << offset_b << ", size " << size;
          if (size == 0)
            continue;
          ASSERT_FALSE(in_a == in_b.first(size - 1));
          const std::size_t at = random() % size;
          in_b.set(at, in_b[at] ^ 1u << random() % bits);
          ASSERT_TRUE(in_a != in_b) << bits << " bits, offsets " << offset_a << " " << offset_b << ", code " << at;
        }
  });
  std::printf("%llu pairs\n", static_cast<unsigned long long>(visited));

  // Bits past an array's last code are nobody's.
  fb::packed_array<3, 3> x;
  fb::packed_array<3, 3> y;
  x.bytes[1] = std::byte{0x80};
  EXPECT_TRUE(x == y);
  x.set(2, 1);
  EXPECT_FALSE(x == y);
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

// layouts.md, compressed-tensors pack-quantized: element i at bit i * b of little-endian 32-bit words, straddling them.
TEST(Packed, LowFirstIsTheStreamOfCompressedTensors) {
  const unsigned values[] = {1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4};  // 12 x 3 bits: code 10 straddles two words
  std::uint64_t stream = 0;
  fb::packed_array<3, 12> codes;
  for (std::size_t i = 0; i < 12; ++i) {
    stream |= std::uint64_t{values[i]} << 3 * i;
    codes.set(i, values[i]);
  }
  for (std::size_t j = 0; j < codes.bytes.size(); ++j)
    EXPECT_EQ(codes.bytes[j], static_cast<std::byte>(stream >> 8 * j & 0xff)) << "byte " << j;
}

TEST(Packed, BytesAreCountedWithoutWrapping) {
  static_assert(fb::packed_bytes<4>(32) == 16 && fb::packed_bytes<4>(33) == 17 && fb::packed_bytes<3>(3) == 2);
  static_assert(fb::packed_bytes<8>(~std::size_t{0}) == ~std::size_t{0});
  static_assert(fb::packed_bytes<4>(~std::size_t{0}) == (~std::size_t{0} >> 1) + 1);
  static_assert(fb::packed_array<4, 32>::size() == 32 && sizeof(fb::packed_array<4, 32>) == 16);
  static_assert(sizeof(fb::packed_array<2, 256>) == 64 && sizeof(fb::packed_array<6, 16>) == 12);
}

TEST(Packed, ForeignBytesAreCountedBeforeTheyAreRead) {
  std::array<std::byte, 9> bytes{};
  for (std::size_t held = 0; held <= bytes.size(); ++held)
    for (std::size_t count = 0; count <= 30; ++count) {
      const auto codes = fb::packed_span<3>::over(std::span<const std::byte>(bytes.data(), held), count);
      ASSERT_EQ(codes.has_value(), count * 3 <= held * 8) << held << " bytes, " << count << " codes";
      if (codes) {
        ASSERT_EQ(codes->size(), count);
        ASSERT_EQ(codes->bytes().data(), bytes.data());
      } else {
        ASSERT_EQ(codes.error().code(), fb::errc::buffer_too_small);
      }
    }
  using eight = fb::packed_span<8, bit_order::low_first, std::byte>;
  const auto all = eight::over(bytes, ~std::size_t{0});
  ASSERT_FALSE(all);
  const auto sevens = fb::packed_span<7, bit_order::high_first, std::byte>::over(bytes, 11);
  ASSERT_FALSE(sevens);
  EXPECT_EQ(sevens.error().message(), "11 codes of 7 bits need 10 bytes, and the buffer has 9");
}

constexpr auto constant = [] {
  fb::packed_array<3, 8> codes;
  for (std::size_t i = 0; i < 8; ++i)
    codes.set(i, static_cast<unsigned>(7 - i));
  return codes;
}();
static_assert(constant[0] == 7 && constant[2] == 5 && constant[7] == 0);
static_assert(constant.subspan(2, 3)[1] == 4 && constant.subspan(2, 3).first_bit() == 6);
static_assert(constant.view().last(1)[0] == 0 && constant.view().subspan(8).empty());

template <int Bits, bit_order Order>
constexpr bool fills_in_a_constant_expression() {
  fb::packed_array<Bits, 37, Order> codes;
  codes.fill(1);
  codes.subspan(5, 27).fill(0);
  unsigned sum = 0;
  for (const auto code : codes.view())
    sum += code;
  auto same = codes;
  return sum == 10 && codes == same && codes.view() == same.subspan(0, 37);
}
static_assert(fills_in_a_constant_expression<1, bit_order::low_first>());
static_assert(fills_in_a_constant_expression<3, bit_order::high_first>());
static_assert(fills_in_a_constant_expression<6, bit_order::low_first>());
static_assert(fills_in_a_constant_expression<8, bit_order::high_first>());

static_assert(std::is_trivially_copyable_v<fb::packed_span<4>>);
static_assert(std::is_convertible_v<fb::packed_span<4, bit_order::low_first, std::byte>, fb::packed_span<4>>);
static_assert(!std::is_convertible_v<fb::packed_span<4>, fb::packed_span<4, bit_order::high_first>>);
static_assert(!std::is_constructible_v<fb::packed_span<4, bit_order::low_first, std::byte>, fb::packed_span<4>>);

}  // namespace
