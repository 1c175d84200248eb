// Every bf16 and every fp16 into every element type, by both overflow policies and every instruction set; the same into
// packed codes of up to 6 bits, and by the plain lanes that say what each primitive does.
#include <algorithm>
#include <cstddef>
#include <cstdio>

#include <fewbits/simd/scalar.hpp>

#include "simd/convert_lanes.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
using fewbits_test::all_numbers;
using fewbits_test::expect_same_numbers;

namespace {

template <int ExponentBits, int MantissaBits, int Bias>
using user =
    fb::minifloat<fb::float_format{.exponent_bits = ExponentBits, .mantissa_bits = MantissaBits, .bias = Bias}>;
// Fp16's lowest exponent with 4 bits, far above fp16's exponents, below them, two exponents in all, and hardly a digit.
using low_e4m1 = user<4, 1, 15>;
using high_e4m3 = user<4, 3, -40>;
using small_e4m3 = user<4, 3, 20>;
using e2m5 = user<2, 5, 1>;
using e1m6 = user<1, 6, 0>;
using e6m1 = user<6, 1, 31>;

template <class Element>
class ConvertHalves : public ::testing::Test {};
using elements =
    fewbits_test::list_of<::testing::Types, fb::e4m3, fb::e2m3, fb::int8, fb::e4m3fnuz, fb::e3m2, fb::mxint8, fb::e5m2,
                          fb::ue4m3, low_e4m1, fb::e5m2fnuz, fb::e4m3_ieee, fb::nf4, fb::e2m1, e2m5, fb::ternary,
                          fb::e4m3b11fnuz, high_e4m3, fb::uint4, fb::e3m4, small_e4m3, fb::ue5m3, e1m6, e6m1>;
TYPED_TEST_SUITE(ConvertHalves, elements);

TYPED_TEST(ConvertHalves, EveryNumberHasTheReferencesCode) {
  std::uint64_t visited = expect_same_numbers<TypeParam>(all_numbers<fb::bf16>(1), "bf16");
  visited += expect_same_numbers<TypeParam>(all_numbers<fb::bf16>(1), "bf16, not saturating", fb::no_saturate);
  visited += expect_same_numbers<TypeParam>(all_numbers<fb::fp16>(1), "fp16");
  visited += expect_same_numbers<TypeParam>(all_numbers<fb::fp16>(1), "fp16, not saturating", fb::no_saturate);
  std::printf("%llu numbers of 16 bits\n", static_cast<unsigned long long>(visited));
}

TEST(ConvertHalvesAlike, ByOtherPoliciesAndFromNativeTypes) {
  expect_same_numbers<fb::e5m2>(all_numbers<fb::fp16>(1), "fp16 to e5m2 as torch does", fb::torch);
  expect_same_numbers<fb::e5m2>(all_numbers<fb::fp16>(1), "fp16 to e5m2, Inf kept", fb::saturate_finite);
  expect_same_numbers<fb::e5m2>(all_numbers<fb::bf16>(1), "bf16 to e5m2, Inf kept", fb::saturate_finite);
  expect_same_numbers<fb::e2m1>(all_numbers<fb::bf16>(1), "bf16 to e2m1 as ml_dtypes does", fb::ml_dtypes);
  expect_same_numbers<fb::e2m3>(all_numbers<fb::fp16>(1), "fp16 to e2m3, NaN to zero", fb::nan_to_zero);
#if FEWBITS_HAS_FLOAT16
  std::vector<_Float16> native;
  for (const fb::fp16& each : all_numbers<fb::fp16>(1))
    native.push_back(std::bit_cast<_Float16>(each.bits()));
  expect_same_numbers<fb::e4m3>(native, "_Float16 to e4m3");
#endif
}

template <class Element, fb::bit_order Order, class Source>
void expect_packed_halves(const char* what) {
  const std::vector<Source> numbers = all_numbers<Source>(1);
  std::vector<std::byte> expected(numbers.size()), seen(numbers.size());
  const auto packed = [&](std::vector<std::byte>& bytes) {
    return fb::packed_numbers_span<Element, Order, std::byte>(bytes.data(), numbers.size());
  };
  for (std::size_t i = 0; i < numbers.size(); ++i)
    packed(expected).set(i, fb::convert<Element>(numbers[i]));
  if (fewbits_test::planted())
    expected[0] ^= std::byte{1};
  fewbits_test::on_every_isa([&](fb::isa which) {
    std::fill(seen.begin(), seen.end(), std::byte{});
    ASSERT_TRUE(fb::convert(numbers, packed(seen)));
    ASSERT_EQ(seen, expected) << what << " " << fb::name_of(which);
  });
}
TEST(ConvertHalvesAlike, Packed) {
  expect_packed_halves<fb::e2m1, fb::bit_order::low_first, fb::bf16>("bf16 to packed e2m1");
  expect_packed_halves<fb::e2m1, fb::bit_order::high_first, fb::fp16>("fp16 to packed e2m1, high first");
  expect_packed_halves<fb::e3m2, fb::bit_order::low_first, fb::fp16>("fp16 to packed e3m2");
  expect_packed_halves<fb::e2m3, fb::bit_order::high_first, fb::bf16>("bf16 to packed e2m3, high first");
  expect_packed_halves<fb::e4m3, fb::bit_order::low_first, fb::bf16>("bf16 to packed e4m3");
}

template <class Source, class To>
void expect_same_by_plain_lanes(To to, const std::vector<std::byte>& seen) {
  using target = typename To::number_type;
  using encoding = std::remove_const_t<decltype(fb::detail::choose_encoding<target>(fb::saturating_encoding))>;
  const std::vector<Source> numbers = all_numbers<Source>(1);
  fb::simd::scalar::convert_array<encoding>(fb::simd::object_array<const Source>{numbers.data()}, to, numbers.size(),
                                            false);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto byte = static_cast<unsigned>(seen[To::is_packed ? i / 2 : i]);
    const unsigned code = To::is_packed ? byte >> i % 2 * 4 & 15 : byte;
    const unsigned expected = fb::convert<target>(numbers[i]).bits() ^ (fewbits_test::planted() ? 1u : 0u);
    ASSERT_EQ(code, expected) << "input " << std::hex << numbers[i].bits();
  }
}
TEST(ConvertHalvesAlike, ByPlainLanes) {
  std::vector<std::byte> bytes(1 << 16);
  const fb::simd::object_array<fb::e4m3fnuz> whole{reinterpret_cast<fb::e4m3fnuz*>(bytes.data())};
  const fb::simd::code_array<fb::e2m1, fb::bit_order::low_first, std::byte> packed{bytes.data()};
  expect_same_by_plain_lanes<fb::bf16>(whole, bytes);
  expect_same_by_plain_lanes<fb::fp16>(whole, bytes);
  expect_same_by_plain_lanes<fb::bf16>(packed, bytes);
  expect_same_by_plain_lanes<fb::fp16>(packed, bytes);
}

}  // namespace
