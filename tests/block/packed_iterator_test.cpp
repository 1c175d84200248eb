// Iterators over packed codes: what C++20 asks of random access, against indices into a plain vector.
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <random>
#include <ranges>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/packed.hpp>

#include "block/packed_model.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

using fb::bit_order;
using fewbits_test::every_width_and_order;

template <int Bits, bit_order Order>
constexpr bool has_the_concepts() {
  using reader = typename fb::packed_span<Bits, Order>::iterator;
  using writer = typename fb::packed_span<Bits, Order, std::byte>::iterator;
  static_assert(std::random_access_iterator<reader> && std::random_access_iterator<writer>);
  static_assert(std::sized_sentinel_for<reader, reader> && std::sized_sentinel_for<reader, writer>);
  static_assert(std::indirectly_writable<writer, std::uint8_t> && !std::indirectly_writable<reader, std::uint8_t>);
  static_assert(std::permutable<writer> && std::sortable<writer> && std::indirectly_swappable<writer>);
  static_assert(std::same_as<std::iter_value_t<writer>, std::uint8_t>);
  static_assert(std::same_as<std::iter_reference_t<reader>, std::uint8_t>);
  static_assert(std::convertible_to<writer, reader> && !std::convertible_to<reader, writer>);
  static_assert(
      std::same_as<typename std::iterator_traits<writer>::iterator_category, std::random_access_iterator_tag>);
  static_assert(std::ranges::random_access_range<fb::packed_span<Bits, Order, std::byte>>);
  static_assert(std::ranges::random_access_range<const fb::packed_array<Bits, 5, Order>>);
  static_assert(std::ranges::sized_range<fb::packed_array<Bits, 5, Order>>);
  static_assert(std::ranges::borrowed_range<fb::packed_span<Bits, Order>>);
  static_assert(std::ranges::view<fb::packed_span<Bits, Order>>);
  static_assert(std::is_trivially_copyable_v<writer> && sizeof(writer) <= 2 * sizeof(void*));
  return true;
}

TEST(PackedIterator, AlgebraIsThatOfIndices) {
  std::uint64_t visited = 0;
  every_width_and_order([&](auto width, auto order_tag) {
    constexpr int bits = width();
    constexpr bit_order order = order_tag();
    static_assert(has_the_concepts<bits, order>());
    std::mt19937 random(3);
    for (std::size_t offset = 0; offset < 8; ++offset) {
      constexpr std::ptrdiff_t size = 19;
      auto bytes = fewbits_test::random_bytes(random, 40);
      auto codes = fewbits_test::random_codes(random, bits, size);
      fewbits_test::model_write(bytes, bits, order == bit_order::high_first, offset, codes);
      if (fewbits_test::planted())
        codes[7] ^= 1;
      const auto span = fb::packed_span<bits, order, std::byte>(bytes.data(), 40).subspan(offset, size);
      const fb::packed_span<bits, order> reader = span;
      ASSERT_EQ(span.end() - span.begin(), size);
      ASSERT_EQ(span.cend() - span.begin(), size);
      for (std::ptrdiff_t i = 0; i <= size; ++i)
        for (std::ptrdiff_t j = 0; j <= size; ++j, ++visited) {
          const auto a = reader.begin() + i;
          const auto b = span.begin() + j;
          ASSERT_EQ(a - b, i - j) << bits << " bits, order " << static_cast<int>(order) << ", offset " << offset;
          ASSERT_EQ(b - a, j - i);
          ASSERT_EQ(a == b, i == j);
          ASSERT_TRUE((a <=> b) == (i <=> j)) << i << " " << j;
          ASSERT_EQ(a < b, i < j);
          ASSERT_EQ(a >= b, i >= j);
          ASSERT_TRUE(a + (j - i) == b);
          ASSERT_TRUE((j - i) + a == b);
          ASSERT_TRUE(b - (j - i) == a);
          auto moved = a;
          ASSERT_TRUE((moved += j - i) == b && (moved -= j - i) == a);
          if (j < size) {
            const auto code = codes[static_cast<std::size_t>(j)];
            ASSERT_EQ(*b, code) << bits << " bits, order " << static_cast<int>(order) << ", code " << j;
            ASSERT_EQ(a[j - i], code);
            // The same place, reached through another slice.
            ASSERT_TRUE(reader.subspan(static_cast<std::size_t>(j)).begin() == b);
            auto next = b;
            ASSERT_TRUE(next++ == b && next == b + 1);
            ASSERT_TRUE(--next == b && ++next == b + 1 && next-- == b + 1 && next == b);
          }
        }
    }
  });
  std::printf("%llu pairs of places\n", static_cast<unsigned long long>(visited));
}

TEST(PackedIterator, AlgorithmsDoWhatTheyDoToAVector) {
  std::uint64_t visited = 0;
  every_width_and_order([&](auto width, auto order_tag) {
    constexpr int bits = width();
    constexpr bit_order order = order_tag();
    std::mt19937 random(5);
    for (std::size_t offset = 0; offset < 8; ++offset)
      for (const std::size_t size : {0u, 1u, 2u, 3u, 8u, 17u, 64u}) {
        auto bytes = fewbits_test::random_bytes(random, 90);
        auto around = bytes;
        auto codes = fewbits_test::random_codes(random, bits, size);
        const auto span = fb::packed_span<bits, order, std::byte>(bytes.data(), 90).subspan(offset, size);
        const auto agree = [&] {
          ++visited;
          fewbits_test::model_write(around, bits, order == bit_order::high_first, offset, codes);
          return bytes == around && std::ranges::equal(span, codes) &&
                 std::equal(codes.begin(), codes.end(), span.begin());
        };
        std::ranges::copy(codes, span.begin());
        ASSERT_TRUE(agree()) << bits << " bits: copy";
        std::ranges::reverse(span);
        std::ranges::reverse(codes);
        ASSERT_TRUE(agree()) << bits << " bits: reverse";
        std::rotate(span.begin(), span.begin() + static_cast<std::ptrdiff_t>(size / 3), span.end());
        std::rotate(codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(size / 3), codes.end());
        ASSERT_TRUE(agree()) << bits << " bits: rotate";
        std::sort(span.begin(), span.end());
        std::sort(codes.begin(), codes.end());
        ASSERT_TRUE(agree()) << bits << " bits: sort";
        for (unsigned code = 0; code < 1u << bits; ++code) {
          const auto value = static_cast<std::uint8_t>(code);
          ASSERT_EQ(std::ranges::lower_bound(span, value) - span.begin(),
                    std::ranges::lower_bound(codes, value) - codes.begin());
          ASSERT_EQ(std::upper_bound(span.cbegin(), span.cend(), value) - span.cbegin(),
                    std::ranges::upper_bound(codes, value) - codes.begin());
        }
        std::reverse(span.begin(), span.end());
        std::reverse(codes.begin(), codes.end());
        ASSERT_TRUE(agree()) << bits << " bits: std::reverse";
        std::ranges::sort(span);
        std::ranges::sort(codes);
        ASSERT_TRUE(agree()) << bits << " bits: std::ranges::sort";
        ASSERT_TRUE(std::equal(std::make_reverse_iterator(span.end()), std::make_reverse_iterator(span.begin()),
                               codes.rbegin()));
        for (auto code : span)  // a reference, as in std::vector<bool>
          code = code ^ 1u;
        for (auto& code : codes)
          code ^= 1;
        ASSERT_TRUE(agree()) << bits << " bits: range-for";
        ASSERT_EQ(std::accumulate(span.begin(), span.end(), 0u), std::accumulate(codes.begin(), codes.end(), 0u));
      }
  });
  std::printf("%llu comparisons of whole buffers\n", static_cast<unsigned long long>(visited));
}

TEST(PackedIterator, AReferenceAssignsTheCodeNotThePlace) {
  fb::packed_array<6, 8> codes;
  for (std::size_t i = 0; i < 8; ++i)
    codes.set(i, static_cast<unsigned>(10 + i));
  auto it = codes.begin();
  *it = *(it + 3);
  it[1] = it[4];
  it[2] = 0xffu;  // bits above the code are ignored
  EXPECT_EQ(codes[0], 13);
  EXPECT_EQ(codes[1], 14);
  EXPECT_EQ(codes[2], 63);
  EXPECT_EQ(codes[3], 13);
  swap(it[5], it[7]);
  std::iter_swap(it, it + 6);
  std::ranges::iter_swap(it + 1, it + 2);
  const unsigned expected[] = {16, 63, 14, 13, 14, 17, 13, 15};
  EXPECT_TRUE(std::ranges::equal(codes, expected));
  fb::packed_array<6, 8, bit_order::high_first> others;
  *others.begin() = *codes.begin();
  EXPECT_EQ(others[0], 16);
}

constexpr bool works_in_a_constant_expression() {
  fb::packed_array<3, 11, bit_order::high_first> codes;
  unsigned next = 0;
  for (auto code : codes)
    code = next++ * 5;
  std::ranges::reverse(codes.subspan(1, 9));
  std::ranges::sort(codes);
  const auto at = std::ranges::lower_bound(codes, 4);
  const auto& kept = codes;
  unsigned sum = 0;
  for (const std::uint8_t code : kept)
    sum += code;
  return std::ranges::is_sorted(kept) && *at == 4 && at - codes.begin() == 6 &&
         sum == 0 + 5 + 2 + 7 + 4 + 1 + 6 + 3 + 0 + 5 + 2;
}
static_assert(works_in_a_constant_expression());

}  // namespace
