// Statistics of a block as its range: the same bits as calibrating on the block's values and fixing the range; over
// groups, rows and tensors; Inf and NaN; blocks of zeros.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/quantize/calibrate.hpp>
#include <fewbits/quantize/statistic_scale.hpp>

#include "block/blocks.hpp"
#include "matrix/samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

std::uint64_t visited = 0;

/// The range that a rule is to find in these values.
template <class Element>
float range_of(const fb::percentile_scale& rule, const std::vector<float>& values) {
  std::vector<float> magnitudes;  // by sorting
  for (const float each : values)
    if ((bits_of(each) & 0x7fffffffu) < 0x7f800000u)
      magnitudes.push_back(float_of(bits_of(each) & 0x7fffffffu));
  std::ranges::sort(magnitudes, {}, bits_of);
  const std::uint64_t rank = (magnitudes.size() * std::uint64_t{rule.parts_per_million} + 999'999) / 1'000'000;
  return magnitudes.empty() ? 0.0f : magnitudes[std::max<std::uint64_t>(rank, 1) - 1];
}
template <class Element>
float range_of(const fb::mse_grid_scale& rule, const std::vector<float>& values) {
  return fb::mse_amax<Element>(std::span<const float>(values), rule.grid);
}
template <class Element>
float range_of(const fb::entropy_scale&, const std::vector<float>& values) {
  const auto calibrator = std::make_unique<fb::entropy_calibrator<Element>>();
  calibrator->add(std::span<const float>(values).first(values.size() / 2));
  calibrator->add(std::span<const float>(values).subspan(values.size() / 2));
  return calibrator->amax();
}

/// Every block of the matrix has the scale and the codes that the block has alone under its fixed range.
template <fb::blocked Format, class Rule>
void expect_rule(const char* name, const std::vector<float>& values, std::size_t rows, const Rule& rule) {
  const std::size_t columns = values.size() / rows;
  const auto made = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), rows, columns), rule);
  ASSERT_TRUE(made);
  const auto& layout = made->layout();
  for (std::size_t i = 0; i < layout.block_rows(); ++i)
    for (std::size_t j = 0; j < layout.block_columns(); ++j) {
      std::vector<float> block;
      for (std::size_t r = 0; r < layout.rows_in_block(i); ++r)
        for (std::size_t c = 0; c < layout.columns_in_block(j); ++c)
          block.push_back(values[(layout.first_row(i) + r) * columns + layout.first_column(j) + c]);
      const auto alone_rows = layout.rows_in_block(i);
      float range = range_of<typename Format::element_type>(rule, block);
      if (fewbits_test::planted() && i + j == 0)
        range *= 2;
      using range_rule = std::conditional_t<fb::amax_rule<typename Format::default_rule, Format>,
                                            typename Format::default_rule, fb::amax_scale_t>;
      const auto alone =
          fb::quantize<Format>(fb::matrix_view<const float>(block.data(), alone_rows, block.size() / alone_rows),
                               fb::fixed_range(range, range_rule()));
      ASSERT_TRUE(alone);
      ASSERT_EQ(fb::source_code(made->scales()[i * layout.block_columns() + j]), fb::source_code(alone->scales()[0]))
          << name << " block " << i << ", " << j << " range " << range;
      for (std::size_t k = 0; k < block.size(); ++k, ++visited) {
        const std::size_t r = k / layout.columns_in_block(j);
        const std::size_t c = k % layout.columns_in_block(j);
        ASSERT_EQ(made->view().row_codes(layout.first_row(i) + r)[layout.first_column(j) + c],
                  alone->view().row_codes(r)[c])
            << name << " value " << k;
      }
    }
}

std::vector<float> samples_with_outliers(std::size_t count, std::uint64_t seed) {
  auto values = fewbits_test::normal_samples(count, seed);
  for (std::size_t i = 0; i < count; i += 37)
    values[i] *= 20;
  return values;
}
template <fb::blocked Format>
void expect_rules(const char* name, std::size_t rows, std::size_t columns) {
  const auto values = samples_with_outliers(rows * columns, rows + columns);
  for (const std::uint32_t parts : {1u, 500'000u, 900'000u, 999'000u, 1'000'000u})
    expect_rule<Format>(name, values, rows, fb::percentile_scale(parts));
  expect_rule<Format>(name, values, rows, fb::percentile_scale());
  expect_rule<Format>(name, values, rows, fb::mse_grid_scale());
  expect_rule<Format>(name, values, rows, fb::mse_grid_scale({.steps = 20, .lowest = 5, .norm_tenths = 24}));
  expect_rule<Format>(name, values, rows, fb::entropy_scale());
  std::printf("%s: %llu values so far\n", name, static_cast<unsigned long long>(visited));
}

TEST(StatisticScale, EqualsCalibratingOnTheBlock) {
  expect_rules<fb::fp8_tensor<>>("fp8, a tensor", 7, 93);
  expect_rules<fb::int8_rows<>>("int8, rows", 3, 200);
  expect_rules<fb::fp8_rows<fb::e5m2, fb::ue8m0>>("fp8, rows, ue8m0", 2, 150);
  expect_rules<fb::int4_groups<32, fb::fp16>>("int4, groups", 2, 77);
  expect_rules<fb::mxfp4>("mxfp4", 2, 70);
  expect_rules<fb::nf4_groups<64>>("nf4", 1, 150);
}

/// A block's own range where the statistic is 0: more zeros than the percentile has room for.
TEST(StatisticScale, MostlyZerosTakeTheLargestMagnitude) {
  std::vector<float> values(64, 0.0f);
  values[9] = -3.5f;
  const auto made = fb::quantize<fb::int4_groups<64>>(fb::matrix_view<const float>(values.data(), 1, 64),
                                                      fb::percentile_scale(900'000));
  EXPECT_EQ(made->scales()[0], 0.5f);
  const std::vector<float> nothing(64, 0.0f);
  const auto zeros = fb::quantize<fb::int4_groups<64>>(fb::matrix_view<const float>(nothing.data(), 1, 64),
                                                       fb::percentile_scale(900'000));
  EXPECT_EQ(zeros->scales()[0], 0.0f);
}

TEST(StatisticScale, ValuesPastThePercentileSaturate) {
  std::vector<float> values(100, 1.0f);
  values[50] = 50.0f;
  const auto made = fb::quantize_with_report<fb::int8_tensor<>>(fb::matrix_view<const float>(values.data(), 1, 100), {},
                                                                fb::percentile_scale(990'000));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->matrix.scales()[0], 1.0f / 127);
  EXPECT_EQ(made->cost.saturated, 1u);
}

TEST(StatisticScale, InfAndNanPoisonOrPass) {
  auto values = samples_with_outliers(3 * 64, 9);
  auto without = values;
  values[70] = float_of(0x7fc00000u);
  values[80] = float_of(0xff800000u);
  without[70] = without[80] = 0;
  const auto each_rule = [&](const auto& rule) {
    const auto poisoned = fb::quantize<fb::fp8_rows<>>(fb::matrix_view<const float>(values.data(), 3, 64), rule);
    const auto clean = fb::quantize<fb::fp8_rows<>>(fb::matrix_view<const float>(without.data(), 3, 64), rule);
    for (std::size_t r = 0; r < 3; ++r)
      if (r == 1)
        EXPECT_GT(bits_of(poisoned->scales()[r]) & 0x7fffffffu, 0x7f800000u);
      else
        EXPECT_EQ(bits_of(poisoned->scales()[r]), bits_of(clean->scales()[r]));
    const auto passed =
        fb::quantize<fb::fp8_rows<>>(fb::matrix_view<const float>(values.data(), 3, 64), rule, fb::pass_nonfinite);
    std::vector<float> finite;
    for (std::size_t c = 64; c < 128; ++c)
      if (c != 70 && c != 80)
        finite.push_back(values[c]);
    const auto expected =
        fb::quantize<fb::fp8_rows<>>(fb::matrix_view<const float>(finite.data(), 1, finite.size()), rule);
    EXPECT_EQ(bits_of(passed->scales()[1]), bits_of(expected->scales()[0]));
  };
  each_rule(fb::percentile_scale(950'000));
  each_rule(fb::mse_grid_scale());
  each_rule(fb::entropy_scale());
}

/// Under two levels the tensor scale is the format's own, of the largest magnitude; block scales take the statistic.
TEST(StatisticScale, TwoLevels) {
  const auto values = samples_with_outliers(64, 1);
  const auto made =
      fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 1, 64), fb::percentile_scale(800'000));
  const auto plain = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 1, 64));
  EXPECT_EQ(bits_of(made->tensor_scale()), bits_of(plain->tensor_scale()));
  for (std::size_t b = 0; b < 4; ++b) {
    const float range = range_of<fb::e2m1>(
        fb::percentile_scale(800'000), std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(b) * 16,
                                                          values.begin() + static_cast<std::ptrdiff_t>(b + 1) * 16));
    EXPECT_EQ(made->scales()[b].bits(),
              fb::static_two_level.block_scale<fb::nvfp4>(fb::unpack(range), made->tensor_scale()).bits());
  }
}

// A range of magnitudes says nothing about a zero point or a minimum.
static_assert(fb::scale_rule<fb::percentile_scale, fb::int4_groups<32>>);
static_assert(fb::scale_rule<fb::entropy_scale, fb::fp8_tensor<>>);
static_assert(!fb::scale_rule<fb::percentile_scale, fb::uint4_groups<32>>);
static_assert(!fb::scale_rule<fb::mse_grid_scale, fb::uint4_minimum_groups<32>>);
static_assert(!fb::scale_rule<fb::entropy_scale, fb::uint2_groups<32>>);

constexpr std::array<float, 32> constants = [] {
  std::array<float, 32> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16.0f;
  return made;
}();
constexpr auto by_percentile = fb::quantize<fb::int4_groups<16>, 1, 32>(constants, fb::percentile_scale(900'000));

TEST(StatisticScale, RunTimeEqualsCompileTime) {
  const std::vector<float> values(constants.begin(), constants.end());
  const auto made = fb::quantize<fb::int4_groups<16>>(fb::matrix_view<const float>(values.data(), 1, 32),
                                                      fb::percentile_scale(900'000));
  EXPECT_TRUE(std::ranges::equal(made->codes(), by_percentile.view().codes()));
  EXPECT_TRUE(std::ranges::equal(made->scales(), by_percentile.view().scales()));
}

}  // namespace
