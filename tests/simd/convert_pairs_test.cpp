// Arrays between few-bit types, by other policies, packed, misplaced in memory, next to pages that nobody may touch.
#include <array>
#include <cfenv>
#include <cstddef>
#include <cstdio>

#include "simd/convert_lanes.hpp"
#include "simd/guarded.hpp"

namespace fb = fewbits;
using fewbits_test::all_numbers;
using fewbits_test::code_bits;
using fewbits_test::expect_same_numbers;
using fewbits_test::hard_floats;

namespace {

using user_format = fb::minifloat<fb::float_format{.exponent_bits = 4, .mantissa_bits = 1, .bias = 9}>;
constexpr fb::codebook_format five_bits = [] {
  fb::codebook_format table{.total_bits = 5, .fraction_bits = 3};
  for (int i = 0; i < 32; ++i)
    table.entries[i] = i * i - 200;
  return table;
}();

TEST(ConvertPairs, BetweenElements) {
  expect_same_numbers<fb::e4m3>(all_numbers<fb::bf16>(), "bf16 to e4m3");
  expect_same_numbers<fb::bf16>(all_numbers<fb::e5m2>(), "e5m2 to bf16");
  expect_same_numbers<fb::fp16>(all_numbers<fb::bf16>(), "bf16 to fp16");
  expect_same_numbers<fb::e2m1>(all_numbers<fb::int8>(), "int8 to e2m1");
  expect_same_numbers<fb::int4>(all_numbers<fb::e4m3fnuz>(), "e4m3fnuz to int4");
  expect_same_numbers<fb::e4m3>(all_numbers<fb::e4m3>(), "e4m3 to itself");
  expect_same_numbers<fb::e4m3>(all_numbers<fb::nf4>(), "nf4 to e4m3");
  expect_same_numbers<fb::codebook<five_bits>>(all_numbers<fb::e4m3>(), "e4m3 to a codebook of 32");
  expect_same_numbers<float>(all_numbers<fb::codebook<five_bits>>(), "a codebook of 32 to float");
  expect_same_numbers<user_format>(hard_floats<user_format>(5000, 3), "a user's format");
#if FEWBITS_HAS_FLOAT16
  expect_same_numbers<_Float16>(all_numbers<fb::bf16>(), "bf16 to _Float16");
  expect_same_numbers<_Float16>(all_numbers<fb::e5m2>(), "e5m2 to _Float16");
#endif
}
/// The codes of a type of up to 8 bits in turn, more than a step of a kernel.
template <class T>
std::vector<T> codes_in_turn() {
  std::vector<T> all;
  while (all.size() < 600)
    for (const T& each : all_numbers<T>())
      all.push_back(each);
  return all;
}
TEST(ConvertPairs, SixteenBitsToEightAndBack) {
  std::uint64_t visited = expect_same_numbers<fb::e4m3>(all_numbers<fb::bf16>(1), "bf16 to e4m3");
  visited += expect_same_numbers<fb::e4m3>(all_numbers<fb::bf16>(1), "bf16 to e4m3 or NaN", fb::no_saturate);
  visited += expect_same_numbers<fb::e2m1>(all_numbers<fb::bf16>(1), "bf16 to e2m1");
  visited += expect_same_numbers<fb::e4m3>(all_numbers<fb::fp16>(1), "fp16 to e4m3");
  visited += expect_same_numbers<fb::e5m2>(all_numbers<fb::fp16>(1), "fp16 to e5m2");
  visited += expect_same_numbers<fb::int8>(all_numbers<fb::fp16>(1), "fp16 to int8");
  visited += expect_same_numbers<fb::bf16>(codes_in_turn<fb::e4m3>(), "e4m3 to bf16");
  visited += expect_same_numbers<fb::fp16>(codes_in_turn<fb::e4m3>(), "e4m3 to fp16");
  visited += expect_same_numbers<fb::fp16>(codes_in_turn<fb::e5m2>(), "e5m2 to fp16");
  visited += expect_same_numbers<fb::fp16>(codes_in_turn<fb::e4m3fnuz>(), "e4m3fnuz to fp16");
  visited += expect_same_numbers<fb::bf16>(codes_in_turn<fb::e2m1>(), "e2m1 to bf16");
  visited += expect_same_numbers<fb::fp16>(codes_in_turn<fb::nf4>(), "nf4 to fp16");
  visited += expect_same_numbers<fb::e4m3>(codes_in_turn<fb::int4>(), "int4 to e4m3");
  std::printf("%llu numbers between 16 bits and 8\n", static_cast<unsigned long long>(visited));
}
TEST(ConvertPairs, OneByOneWhereLanesDoNotReach) {
  expect_same_numbers<fb::e4m3>(hard_floats<fb::e4m3>(1000, 4), "toward zero", fb::toward_zero);
  expect_same_numbers<fb::minifloat<fb::finite_format(3, 0)>>(all_numbers<fb::bf16>(), "bf16 to e3m0");
  expect_same_numbers<double>(all_numbers<fb::e5m2>(), "e5m2 to double");
  expect_same_numbers<int>(all_numbers<fb::bf16>(), "bf16 to int");
  expect_same_numbers<float>(all_numbers<fb::e5m2>(), "e5m2 to float, saturating", fb::saturate);
  expect_same_numbers<fb::e5m2>(hard_floats<fb::e5m2>(1000, 5), "a policy of other values",
                                fb::no_saturate_t{.infinity = fb::out_of_range::finite});
}
TEST(ConvertPairs, OtherPoliciesAndPresets) {
  expect_same_numbers<fb::e5m2>(hard_floats<fb::e5m2>(1000, 6), "saturate_finite", fb::saturate_finite);
  expect_same_numbers<fb::e2m1>(hard_floats<fb::e2m1>(1000, 7), "NaN to zero", fb::nan_to_zero);
  expect_same_numbers<fb::ue4m3>(hard_floats<fb::ue4m3>(1000, 8), "signs dropped", fb::drop_sign);
  expect_same_numbers<fb::e4m3fnuz>(hard_floats<fb::e4m3fnuz>(1000, 9), "torch", fb::torch);
  expect_same_numbers<fb::e2m1>(hard_floats<fb::e2m1>(1000, 10), "ml_dtypes", fb::ml_dtypes);
}
TEST(ConvertPairs, InAnyFloatingPointEnvironment) {
  std::fenv_t before;
  std::fegetenv(&before);
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    expect_same_numbers<fb::e4m3>(hard_floats<fb::e4m3>(5000, 11), "e4m3 by another rounding of the machine");
    expect_same_numbers<fb::int8>(hard_floats<fb::int8>(5000, 12), "int8 by another rounding of the machine");
    expect_same_numbers<fb::fp16>(hard_floats<fb::fp16>(5000, 13), "fp16 by another rounding of the machine");
    EXPECT_EQ(std::fegetround(), mode);
  }
  std::fesetenv(&before);
}
TEST(ConvertPairs, LengthsMustAgree) {
  const std::vector<float> from(3);
  std::vector<fb::e4m3> to(4, fb::e4m3::from_bits(9));
  const auto done = fb::convert(from, to);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), fb::errc::shape_mismatch);
  EXPECT_EQ(to[0].bits(), 9);
  EXPECT_TRUE(fb::convert(std::span<const float>{}, std::span<fb::e4m3>{}));
}
constexpr std::array<fb::e2m1, 3> constants = [] {
  const std::array<float, 3> from{1.0f, -2.6f, 100.0f};
  std::array<fb::e2m1, 3> to{};
  static_cast<void>(fb::convert(from, to));
  return to;
}();
static_assert(constants[1].bits() == 13 && constants[2].bits() == 7);

/// Every length to two pieces and more, arrays that end at a forbidden page and begin behind one, at every byte offset.
template <class From, class To>
void expect_no_byte_outside() {
  fewbits_test::guarded_bytes from_page, to_page;
  const auto numbers = hard_floats<fb::e4m3>(200, 11);
  std::uint64_t visited = 0;
  fewbits_test::on_every_isa([&](fb::isa which) {
    for (std::size_t count = 0; count < 70; ++count)
      for (const bool at_end : {false, true})
        for (std::size_t offset = 0; offset < 64; offset += count < 34 ? 1 : 13) {
          auto* const from = from_page.template place<From>(count, offset, at_end);
          auto* const to = to_page.template place<To>(count, offset / 3, at_end);
          if (from == nullptr || to == nullptr)
            continue;
          for (std::size_t i = 0; i < count; ++i) {
            const From number = [&] {
              if constexpr (std::is_same_v<From, float>)
                return numbers[i];
              else
                return From(numbers[i]);
            }();
            std::memcpy(static_cast<void*>(from + i), &number, sizeof number);
          }
          ASSERT_TRUE(fb::convert(std::span<const From>(from, count), std::span<To>(to, count)));
          for (std::size_t i = 0; i < count; ++i, ++visited)
            ASSERT_EQ(code_bits(to[i]), code_bits(fb::convert<To>(from[i])) ^ (fewbits_test::planted() ? 1u : 0u))
                << fb::name_of(which) << " count " << count << " offset " << offset;
        }
  });
  std::printf("%llu numbers beside forbidden pages\n", static_cast<unsigned long long>(visited));
}
TEST(ConvertPairs, NoByteOutside) {
  expect_no_byte_outside<float, fb::e4m3>();
  expect_no_byte_outside<fb::e4m3, float>();
  expect_no_byte_outside<float, fb::bf16>();
  expect_no_byte_outside<fb::bf16, fb::e2m1>();
}

/// Slices of packed codes that begin and end inside bytes; their neighbours keep their codes.
template <class T, fb::bit_order Order>
void expect_packed() {
  const auto numbers = hard_floats<T>(300, 12);
  std::vector<std::byte> bytes(256), kept;
  fewbits_test::on_every_isa([&](fb::isa which) {
    for (std::size_t first = 0; first < 9; ++first)
      for (std::size_t count = 0; count < 66; ++count) {
        for (std::size_t i = 0; i < bytes.size(); ++i)
          bytes[i] = static_cast<std::byte>(i * 37);
        kept = bytes;
        const fb::packed_numbers_span<T, Order, std::byte> all(bytes.data(), 128), old(kept.data(), 128);
        const std::span<const float> from(numbers.data() + first, count);
        ASSERT_TRUE(fb::convert(from, all.subspan(first, count)));
        for (std::size_t i = 0; i < count; ++i)
          old.set(first + i, fb::convert<T>(from[i]));
        if (fewbits_test::planted())
          kept[0] ^= std::byte{1};
        ASSERT_EQ(bytes, kept) << fb::name_of(which) << " first " << first << " count " << count;
        std::vector<float> back(count);
        ASSERT_TRUE(fb::convert(all.subspan(first, count), back));
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_EQ(code_bits(back[i]), code_bits(fb::convert<float>(all[first + i])));
      }
  });
}
TEST(ConvertPairs, Packed) {
  expect_packed<fb::e2m1, fb::bit_order::low_first>();
  expect_packed<fb::e2m1, fb::bit_order::high_first>();
  expect_packed<fb::e3m2, fb::bit_order::low_first>();
  expect_packed<fb::uint3, fb::bit_order::high_first>();
}
TEST(ConvertPairs, PastTheCaches) {
  // 18 MiB of floats: written past the caches, at an odd place.
  const std::size_t count = (std::size_t{18} << 18) + 5;
  std::vector<fb::e4m3> from(count);
  for (std::size_t i = 0; i < count; ++i)
    from[i] = fb::e4m3::from_bits(static_cast<std::uint8_t>(i * 7 + i / 256));
  std::vector<float> to(count + 1);
  fewbits_test::on_every_isa([&](fb::isa which) {
    ASSERT_TRUE(fb::convert(from, std::span<float>(to.data() + 1, count)));
    for (std::size_t i = 0; i < count; i += 11)
      ASSERT_EQ(code_bits(to[i + 1]), code_bits(fb::convert<float>(from[i]))) << fb::name_of(which) << " " << i;
  });
}

}  // namespace
