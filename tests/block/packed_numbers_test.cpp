// Numbers in as many bits as their format has: every code of every format survives, in every place.
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <ranges>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/packed_checked.hpp>
#include <fewbits/block/packed_numbers.hpp>
#include <fewbits/number/types.hpp>

#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

using fb::bit_order;
using uint6 = fb::fixed_point<fb::fixed_format{.total_bits = 6, .is_signed = false}>;

template <class T, bit_order Order>
std::uint64_t every_code_survives() {
  using numbers = fb::packed_numbers_span<T, Order, std::byte>;
  static_assert(std::random_access_iterator<typename numbers::iterator> && std::ranges::view<numbers>);
  static_assert(std::same_as<std::iter_reference_t<typename numbers::iterator>, T>);
  static_assert(std::convertible_to<numbers, fb::packed_numbers_span<T, Order>>);
  constexpr unsigned codes = 1u << T::format.bits();
  std::uint64_t visited = 0;
  std::vector<std::byte> bytes(fb::packed_bytes<T::format.bits()>(codes + 8), std::byte{0x5a});
  for (std::size_t offset = 0; offset < 8; ++offset) {
    const numbers all = numbers(bytes.data(), codes + 8).subspan(offset, codes);
    for (unsigned i = 0; i < codes; ++i)
      all.set(i, T::from_bits(static_cast<std::uint8_t>(codes - 1 - i)));
    const fb::packed_numbers_span<T, Order> reader = all;
    unsigned next = codes;
    for (const T value : reader)
      EXPECT_EQ(value.bits(), --next) << T::format.bits() << " bits, offset " << offset;
    for (unsigned i = 0; i < codes; ++i, ++visited) {
      const unsigned expected = (codes - 1 - i) ^ (fewbits_test::planted() ? 1u : 0u);
      EXPECT_EQ(reader[i].bits(), expected) << T::format.bits() << " bits, offset " << offset << ", number " << i;
      EXPECT_EQ(all.codes()[i], reader.begin()[static_cast<std::ptrdiff_t>(i)].bits());
    }
    EXPECT_EQ(reader.size(), codes);
    EXPECT_TRUE(reader.first(0).empty() && !reader.last(1).empty());
    EXPECT_EQ(reader.last(1)[0].bits(), 0);
    EXPECT_EQ(reader.subspan(1)[0].bits(), codes - 2);
    EXPECT_EQ(reader.bytes().data(), bytes.data() + offset * static_cast<std::size_t>(T::format.bits()) / 8);
  }
  return visited;
}

template <class... T>
std::uint64_t in_both_orders() {
  return (0 + ... + (every_code_survives<T, bit_order::low_first>() + every_code_survives<T, bit_order::high_first>()));
}

TEST(PackedNumbers, EveryCodeOfEveryFormatSurvives) {
  const auto visited = in_both_orders<fb::e2m1, fb::e2m3, fb::e3m2, fb::e4m3, fb::e5m2, fb::ue8m0, fb::ue4m3, fb::ue5m3,
                                      fb::mxint8, fb::int4, fb::uint4, fb::int2, fb::uint2, uint6>();
  std::printf("%llu numbers\n", static_cast<unsigned long long>(visited));
}

TEST(PackedNumbers, SixBitSubScalesTakeTwelveBytesForSixteen) {
  fb::packed_array<6, 16> stored;
  fb::packed_numbers_span<uint6, bit_order::low_first, std::byte> scales{stored.view()};
  scales.fill(uint6{63});
  scales.set(3, uint6{100});  // saturates where the number is made
  scales.set(4, uint6{5});
  EXPECT_EQ(static_cast<int>(scales[3]), 63);
  EXPECT_EQ(static_cast<int>(scales[4]), 5);
  EXPECT_EQ(std::ranges::count(scales, uint6{63}), 15);
  EXPECT_EQ(scales.bytes().size(), 12u);
}

TEST(PackedNumbers, ForeignBytesComeThroughTheCodes) {
  const std::array bytes{std::byte{0x21}, std::byte{0xf3}};
  using zero_points = fb::packed_numbers_span<fb::uint4>;
  EXPECT_FALSE(zero_points::codes_type::over(bytes, 5));
  const auto codes = zero_points::codes_type::over(bytes, 4);
  ASSERT_TRUE(codes);
  const zero_points zeros{*codes};
  EXPECT_EQ(static_cast<int>(zeros[0]), 1);
  EXPECT_EQ(static_cast<int>(zeros[3]), 15);
}

constexpr bool works_in_a_constant_expression() {
  fb::packed_array<4, 7, bit_order::high_first> stored;
  const fb::packed_numbers_span<fb::e2m1, bit_order::high_first, std::byte> numbers{stored.view()};
  numbers.fill(fb::e2m1{1.5});
  numbers.set(2, fb::e2m1{-6});
  numbers.subspan(4, 2).fill(fb::e2m1{0.5});
  float sum = 0;
  for (const fb::e2m1 x : numbers)
    sum += static_cast<float>(x);
  return sum == 1.0f && numbers.end() - numbers.begin() == 7 && stored.bytes[1] == std::byte{0xf3};
}
static_assert(works_in_a_constant_expression());

}  // namespace
