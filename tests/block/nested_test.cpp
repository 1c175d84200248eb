// Scales that are quantised themselves, against exact rationals of the documented rule: the super scale brings the
// largest ideal scale to the largest code, the others are the nearest codes. Tails, zeros, extremes, NaN, layout.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/groups.hpp>
#include <fewbits/block/nested.hpp>
#include <fewbits/matrix.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"
#include "matrix/samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;
using oracle::exact;

namespace {

exact exact_of(const fb::unpacked_number& x) {
  return x.kind == fb::number_class::zero ? exact{}
                                          : exact{x.negative, oracle::natural{x.significand}, x.exponent - 63};
}
/// A rational above 0, or 0: numerator / denominator.
struct ratio {
  exact numerator{};
  exact denominator = exact::integer(1);
  bool is_zero() const { return numerator.is_zero(); }
  /// |this| against m.
  std::strong_ordering against(const exact& m) const { return numerator.compare_magnitude(m * denominator); }
  bool larger_than(const ratio& other) const {
    return (numerator * other.denominator).compare_magnitude(other.numerator * denominator) > 0;
  }
};

/// The magnitude code of a floating-point type nearest to |r|, ties to even, at most the largest finite one.
template <class T>
std::uint64_t nearest_code(const ratio& r) {
  constexpr auto format = fb::source_format<T>();
  const auto value = [&](std::uint64_t code) { return exact_of(fb::unpack_code<format>(code)); };
  std::uint64_t low = 0;  // the largest code not above |r|
  std::uint64_t high = format.max_code() + 1;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (r.against(value(middle)) >= 0 ? low : high) = middle;
  }
  if (low == format.max_code())
    return low;
  const auto order = r.against((value(low) + value(low + 1)).scaled(-1));
  return order > 0 || (order == 0 && low % 2 != 0) ? low + 1 : low;
}
/// The integer nearest to |r|, ties to even, at most `most`.
unsigned nearest_integer(const ratio& r, unsigned most) {
  unsigned low = 0;
  while (low < most && r.against(exact::integer(2 * static_cast<std::int64_t>(low) + 1).scaled(-1)) > 0)
    ++low;
  const bool tie = low < most && r.against(exact::integer(2 * static_cast<std::int64_t>(low) + 1).scaled(-1)) == 0;
  return tie && low % 2 != 0 ? low + 1 : low;
}

struct expected_blocks {
  std::uint64_t super_scale = 0;
  std::uint64_t super_minimum = 0;
  std::vector<int> scales;
  std::vector<unsigned> minimums;
};

/// What a super-block of unsigned codes with minimums must get.
template <fb::blocked Format>
expected_blocks expect_with_minimums(std::span<const float> values) {
  constexpr std::size_t size = Format::size;
  const std::int64_t steps = (1 << Format::element_type::format.total_bits) - 1;
  const unsigned most = (1u << Format::scale_type::format.total_bits) - 1;
  std::vector<ratio> scales;
  std::vector<ratio> depths;
  ratio largest_scale{};
  ratio largest_depth{};
  for (std::size_t first = 0; first < values.size(); first += size) {
    exact high{};
    exact low{};
    for (std::size_t i = first; i < std::min(first + size, values.size()); ++i) {
      const exact x = oracle::from(values[i]).value;
      high = x > high ? x : high;
      low = x < low ? x : low;
    }
    scales.push_back({high - low, exact::integer(steps)});
    depths.push_back({low});
    if (scales.back().larger_than(largest_scale))
      largest_scale = scales.back();
    if (depths.back().larger_than(largest_depth))
      largest_depth = depths.back();
  }
  expected_blocks made;
  const exact top = exact::integer(most);
  if (!largest_scale.is_zero())
    made.super_scale =
        std::max<std::uint64_t>(1, nearest_code<fb::fp16>({largest_scale.numerator, largest_scale.denominator * top}));
  made.super_minimum = nearest_code<fb::fp16>({largest_depth.numerator, top});
  const exact scale_unit = exact_of(fb::unpack_code<fb::fp16::format>(made.super_scale));
  const exact minimum_unit = exact_of(fb::unpack_code<fb::fp16::format>(made.super_minimum));
  for (std::size_t b = 0; b < scales.size(); ++b) {
    made.scales.push_back(
        scales[b].is_zero()
            ? 0
            : static_cast<int>(
                  std::max(1u, nearest_integer({scales[b].numerator, scales[b].denominator * scale_unit}, most))));
    made.minimums.push_back(made.super_minimum == 0 ? 0u : nearest_integer({depths[b].numerator, minimum_unit}, most));
  }
  return made;
}

std::uint64_t visited = 0;

/// Q4_K's formula: value = d x scale x q - dmin x minimum, rounded once; q is the nearest of all.
template <fb::blocked Format>
void expect_values_with_minimums(const fb::quantized_view<Format>& made, std::size_t row,
                                 std::span<const float> values) {
  std::vector<float> restored(values.size());
  made.decode(row, 0, restored);
  const std::size_t across = (values.size() + Format::size - 1) / Format::size;
  for (std::size_t i = 0; i < values.size(); ++i, ++visited) {
    const std::size_t block = i / Format::size;
    const auto& super =
        made.supers()[row * ((across + Format::super_count - 1) / Format::super_count) + block / Format::super_count];
    const exact step = exact_of(unpack(super.scale)) * exact::integer(made.scales()[row * across + block].bits());
    const exact minimum = exact_of(unpack(super.minimum)) * exact::integer(made.zeros()[row * across + block].bits());
    const auto value_of = [&](unsigned q) { return step * exact::integer(q) - minimum; };
    const unsigned q = made.row_codes(row)[i];
    const exact value = value_of(q);
    const exact x = oracle::from(values[i]).value;
    for (unsigned other = 0; other < 1u << Format::element_bits; ++other)
      ASSERT_LE((x - value).absolute(), (x - value_of(other)).absolute()) << "value " << i << " code " << q;
    ASSERT_TRUE(oracle::from(restored[i]).value == value) << "value " << i;  // d sc q - dmin m fits float32 here
  }
}

template <fb::blocked Format>
void expect_row_with_minimums(const std::vector<float>& values, bool spoil = false) {
  const auto made = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), 1, values.size()));
  ASSERT_TRUE(made);
  constexpr std::size_t width = Format::size * Format::super_count;
  for (std::size_t s = 0; s * width < values.size(); ++s) {
    const auto part = std::span<const float>(values).subspan(s * width, std::min(width, values.size() - s * width));
    auto expected = expect_with_minimums<Format>(part);
    if (spoil && fewbits_test::planted())
      expected.scales[0] ^= 1;
    EXPECT_EQ(made->supers()[s].scale.bits(), expected.super_scale);
    EXPECT_EQ(made->supers()[s].minimum.bits(), expected.super_minimum);
    for (std::size_t b = 0; b < expected.scales.size(); ++b) {
      ASSERT_EQ(static_cast<int>(made->scales()[s * Format::super_count + b].bits()), expected.scales[b]) << b;
      ASSERT_EQ(made->zeros()[s * Format::super_count + b].bits(), expected.minimums[b]) << b;
    }
  }
  expect_values_with_minimums<Format>(made->view(), 0, values);
}

template <class Format>
class WithMinimums : public ::testing::Test {};
using minimum_formats = ::testing::Types<fb::nested_uint4, fb::nested_uint2>;
TYPED_TEST_SUITE(WithMinimums, minimum_formats);

TYPED_TEST(WithMinimums, RandomRowsAndEveryKindOfTail) {
  for (std::uint64_t seed = 0; seed < 6; ++seed)
    expect_row_with_minimums<TypeParam>(fewbits_test::normal_samples(512, seed), seed == 0);
  for (const std::size_t length : {1u, 2u, 15u, 16u, 17u, 31u, 32u, 33u, 100u, 255u, 256u, 257u, 300u, 511u})
    expect_row_with_minimums<TypeParam>(fewbits_test::normal_samples(length, length));
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TYPED_TEST(WithMinimums, ZeroBlocksSignsAndSizesApart) {
  auto values = fewbits_test::normal_samples(256, 1);
  for (std::size_t i = 32; i < 96; ++i)
    values[i] = i % 2 == 0 ? 0.0f : float_of(0x80000000u);
  for (std::size_t i = 96; i < 128; ++i)
    values[i] = values[i] < 0 ? -values[i] : values[i];  // no minimum
  for (std::size_t i = 128; i < 160; ++i)
    values[i] = values[i] < 0 ? values[i] : -values[i];  // a minimum alone
  for (std::size_t i = 160; i < 192; ++i)
    values[i] *= 0x1p-12f;  // a scale that would round to 0 gets 1
  expect_row_with_minimums<TypeParam>(values);
  const auto made = fb::quantize<TypeParam>(fb::matrix_view<const float>(values.data(), 1, 256));
  const std::size_t size = TypeParam::size;
  for (std::size_t b = 32 / size; b < 96 / size; ++b) {
    EXPECT_EQ(made->scales()[b].bits(), 0);
    EXPECT_EQ(made->zeros()[b].bits(), 0);
  }
  for (std::size_t b = 160 / size; b < 192 / size; ++b)
    EXPECT_EQ(made->scales()[b].bits(), 1);
  std::vector<float> restored(256);
  EXPECT_TRUE(fb::dequantize(*made, fb::matrix_view<float>(restored.data(), 1, 256)));
  for (std::size_t i = 32; i < 96; ++i)
    EXPECT_EQ(restored[i], 0.0f);
}

TYPED_TEST(WithMinimums, ExtremesClampTheSuperScales) {
  for (const float factor : {0x1p-140f, 0x1p-40f, 0x1p-22f, 0x1p14f, 0x1p20f, 0x1p100f, 0x1p124f}) {
    auto values = fewbits_test::normal_samples(300, 3);
    for (float& each : values)
      each *= factor;
    values[7] = 2 * factor;
    values[8] = -2 * factor;
    expect_row_with_minimums<TypeParam>(values);
  }
  std::vector<float> values(256, float_of(0x7f7fffffu));
  values[100] = -values[0];
  values[200] = float_of(1);
  expect_row_with_minimums<TypeParam>(values);
  const auto made = fb::quantize<TypeParam>(fb::matrix_view<const float>(values.data(), 1, 256));
  EXPECT_EQ(static_cast<float>(made->supers()[0].scale), 65504.0f);
  const std::vector<float> tiny(256, float_of(1));
  EXPECT_EQ(fb::quantize<TypeParam>(fb::matrix_view<const float>(tiny.data(), 1, 256))->supers()[0].scale.bits(), 1);
}

TYPED_TEST(WithMinimums, NanAndInfPoisonTheirSuperBlockAlone) {
  auto values = fewbits_test::normal_samples(3 * 256, 5);
  const auto clean = fb::quantize<TypeParam>(fb::matrix_view<const float>(values.data(), 1, 768));
  values[300] = float_of(0x7fc00000u);
  const auto made = fb::quantize<TypeParam>(fb::matrix_view<const float>(values.data(), 1, 768));
  std::vector<float> restored(768);
  EXPECT_TRUE(fb::dequantize(*made, fb::matrix_view<float>(restored.data(), 1, 768)));
  std::vector<float> unspoiled(768);
  EXPECT_TRUE(fb::dequantize(*clean, fb::matrix_view<float>(unspoiled.data(), 1, 768)));
  for (std::size_t i = 0; i < 768; ++i)
    if (i / 256 == 1)
      EXPECT_GT(bits_of(restored[i]) & 0x7fffffffu, 0x7f800000u) << i;
    else
      EXPECT_EQ(bits_of(restored[i]), bits_of(unspoiled[i])) << i;
  // Those that pass have no part in the scales.
  values[300] = float_of(0xff800000u);
  auto without = values;
  without[300] = 0;
  const auto passed = fb::quantize<TypeParam>(fb::matrix_view<const float>(values.data(), 1, 768), fb::pass_nonfinite);
  const auto expected = fb::quantize<TypeParam>(fb::matrix_view<const float>(without.data(), 1, 768));
  for (std::size_t b = 0; b < passed->scales().size(); ++b) {
    EXPECT_EQ(passed->scales()[b].bits(), expected->scales()[b].bits()) << b;
    EXPECT_EQ(passed->zeros()[b].bits(), expected->zeros()[b].bits()) << b;
  }
}

TEST(Nested, BitsAWeight) {
  const std::vector<float> values(2 * 16384, 1.0f);
  const fb::matrix_view<const float> view(values.data(), 2, 16384);
  EXPECT_DOUBLE_EQ(fb::quantize<fb::nested_uint4>(view)->bits_per_weight(), 4.5);
  EXPECT_DOUBLE_EQ(fb::quantize<fb::nested_uint2>(view)->bits_per_weight(), 2.625);
  // 4 + 8 / 64 + 32 / 16384, and the offset's 32 bits for all.
  EXPECT_DOUBLE_EQ(fb::quantize<fb::nf4_double>(view)->bits_per_weight(), 4.126953125 + 32.0 / (2 * 16384));
  const auto small = fb::quantize<fb::nested_uint4>(fb::matrix_view<const float>(values.data(), 3, 256));
  EXPECT_EQ(small->codes().size(), 3u * 128);
  EXPECT_EQ(small->supers().size(), 3u);
}

// ---- scales that differ from an offset ----

struct int4_double : fb::block_format<fb::int4, fb::int8, 16, fb::nested_scale_t, fb::in_super_blocks<4, float>,
                                      fb::with_tensor_offset> {};

/// Ideal scales are amax / largest; the offset their mean, rounded once; codes hold (scale - offset) / super scale.
template <fb::blocked Format>
void expect_offsets(const std::vector<float>& values, std::size_t rows, std::int64_t largest_element) {
  const std::size_t columns = values.size() / rows;
  const auto made = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), rows, columns));
  ASSERT_TRUE(made);
  std::vector<std::vector<exact>> amax(rows);
  exact sum{};
  std::int64_t blocks = 0;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t first = 0; first < columns; first += Format::size, ++blocks) {
      exact most{};
      for (std::size_t c = first; c < std::min(first + Format::size, columns); ++c) {
        const exact x = oracle::magnitude_of(values[r * columns + c]);
        most = x > most ? x : most;
      }
      amax[r].push_back(most);
      sum = sum + most;
    }
  const std::uint64_t offset_bits = nearest_code<float>({sum, exact::integer(blocks * largest_element)});
  ASSERT_EQ(bits_of(made->tensor_scale()), offset_bits);
  const exact offset = oracle::from(float_of(static_cast<std::uint32_t>(offset_bits))).value;
  const std::size_t across = amax[0].size();
  const std::size_t supers_across = (across + Format::super_count - 1) / Format::super_count;
  const exact largest = exact::integer(largest_element);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t s = 0; s < supers_across; ++s) {
      const std::size_t last = std::min(across, (s + 1) * Format::super_count);
      ratio most{};
      for (std::size_t b = s * Format::super_count; b < last; ++b) {
        const ratio difference{amax[r][b] - offset * largest, largest};
        most = difference.larger_than(most) ? difference : most;
      }
      const std::uint64_t super =
          most.is_zero() ? 0
                         : std::max<std::uint64_t>(
                               1, nearest_code<float>({most.numerator, most.denominator * exact::integer(127)}));
      ASSERT_EQ(bits_of(made->supers()[r * supers_across + s].scale), super);
      const exact unit = oracle::from(float_of(static_cast<std::uint32_t>(super))).value;
      for (std::size_t b = s * Format::super_count; b < last; ++b, ++visited) {
        const exact difference = amax[r][b] - offset * largest;
        int expected = 0;
        if (!difference.is_zero())
          expected =
              static_cast<int>(nearest_integer({difference, largest * unit}, difference.negative() ? 128 : 127)) *
              (difference.negative() ? -1 : 1);
        ASSERT_EQ(static_cast<int>(made->scales()[r * across + b]), expected) << "row " << r << " block " << b;
      }
    }
}

TEST(NestedWithOffset, Nf4ScalesAreTheDifferenceFromTheirMean) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    expect_offsets<fb::nf4_double>(fewbits_test::normal_samples(2 * 700, seed), 2, 1);
    expect_offsets<fb::nf4_double>(fewbits_test::normal_samples(17000, seed), 1, 1);  // more than one super-block
  }
  expect_offsets<fb::nf4_double>(std::vector<float>(640, 0.7f), 2, 1);  // no difference at all
  std::printf("%llu values and blocks\n", static_cast<unsigned long long>(visited));
}

/// amax / 7 is no dyadic number: what is left of nearly equal scales is exact all the same.
TEST(NestedWithOffset, DifferencesOfNearlyEqualScalesAreExact) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    auto values = fewbits_test::normal_samples(160, seed);
    if (seed % 4 != 0)
      for (std::size_t i = 0; i < values.size(); ++i)  // blocks' largest magnitudes: units in the last place apart
        values[i] =
            i % 16 == 3 ? float_of(0x3f2aaaabu + (bits_of(values[i]) >> 5) % (seed % 4 == 1 ? 4u : 200u)) : 0.01f;
    expect_offsets<int4_double>(values, seed % 3 == 0 ? 2 : 1, 7);
    if (HasFatalFailure())
      return;
  }
  std::printf("%llu values and blocks\n", static_cast<unsigned long long>(visited));
}

TEST(NestedWithOffset, ZerosAndPoison) {
  auto values = fewbits_test::normal_samples(2 * 256, 2);
  for (std::size_t i = 64; i < 128; ++i)
    values[i] = 0;  // a block of zeros in a super-block
  expect_offsets<fb::nf4_double>(values, 2, 1);
  const auto made = fb::quantize<fb::nf4_double>(fb::matrix_view<const float>(values.data(), 2, 256));
  std::vector<float> restored(512);
  EXPECT_TRUE(fb::dequantize(*made, fb::matrix_view<float>(restored.data(), 2, 256)));
  for (std::size_t i = 64; i < 128; ++i)
    EXPECT_EQ(restored[i], 0.0f) << i;

  values[300] = float_of(0x7f800000u);
  const auto poisoned = fb::quantize<fb::nf4_double>(fb::matrix_view<const float>(values.data(), 2, 256));
  EXPECT_TRUE(fb::dequantize(*poisoned, fb::matrix_view<float>(restored.data(), 2, 256)));
  for (std::size_t i = 0; i < 512; ++i)
    EXPECT_EQ((bits_of(restored[i]) & 0x7fffffffu) > 0x7f800000u, i >= 256) << i;
  EXPECT_NEAR(poisoned->tensor_scale(), made->tensor_scale(), 0.5f);  // finite values alone count

  const std::vector<float> zeros(256, 0.0f);
  const auto nothing = fb::quantize<fb::nf4_double>(fb::matrix_view<const float>(zeros.data(), 1, 256));
  EXPECT_EQ(bits_of(nothing->tensor_scale()), 0u);
  EXPECT_TRUE(fb::dequantize(*nothing, fb::matrix_view<float>(restored.data(), 1, 256)));
  for (std::size_t i = 0; i < 256; ++i)
    EXPECT_EQ(restored[i], 0.0f);
}

constexpr std::array<float, 40> constants = [] {
  std::array<float, 40> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16.0f;
  return made;
}();
constexpr auto four_bits = fb::quantize<fb::nested_uint4, 1, 40>(constants);
constexpr auto with_offset = fb::quantize<int4_double, 1, 40>(constants);

TEST(Nested, RunTimeEqualsCompileTime) {
  const std::vector<float> values(constants.begin(), constants.end());
  const fb::matrix_view<const float> view(values.data(), 1, 40);
  const auto four = fb::quantize<fb::nested_uint4>(view);
  EXPECT_TRUE(std::ranges::equal(four->codes(), four_bits.view().codes()));
  EXPECT_EQ(four->supers()[0].scale.bits(), four_bits.view().supers()[0].scale.bits());
  EXPECT_EQ(four->supers()[0].minimum.bits(), four_bits.view().supers()[0].minimum.bits());
  const auto doubled = fb::quantize<int4_double>(view);
  EXPECT_TRUE(std::ranges::equal(doubled->codes(), with_offset.view().codes()));
  EXPECT_TRUE(std::ranges::equal(doubled->scales(), with_offset.view().scales()));
  EXPECT_EQ(bits_of(doubled->tensor_scale()), bits_of(with_offset.view().tensor_scale()));
}

}  // namespace
