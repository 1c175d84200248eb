// What a report counts, and what a matrix decodes to, against exact rational arithmetic: saturated, underflowed and
// poisoned values of every kind of element; and the parts of a report, which are the whole.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/matrix.hpp>

#include "matrix/block_formats.hpp"
#include "matrix/exact_report.hpp"
#include "matrix/expect_model.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
using namespace fewbits_test;  // formats

namespace {

/// Half scales: the format's own rule, and then the scale divided by two, so that much saturates.
template <class Format>
struct squeezed {
  using policy_kind = fb::scale_kind;
  using rule_type = typename Format::default_rule;

  template <class Scale>
  static constexpr Scale halved(const Scale& scale) noexcept {
    using fb::unpack;
    auto parts = unpack(scale);
    parts.exponent -= 1;
    return fb::nonzero_number<Scale>(parts);
  }
  template <fb::blocked F, fb::block_source T>
  constexpr fb::block_parameters<F> parameters(const fb::block_values<T>& values,
                                               const typename F::tensor_scale_type& tensor) const noexcept {
    fb::block_parameters<F> made{};
    if constexpr (fb::values_rule<rule_type, F>)
      made = rule_type{}.template parameters<F>(values, tensor);
    else
      made.scale = rule_type{}.template block_scale<F>(
          fb::unpack_code<fb::source_format<T>()>(values.largest_finite_code()), tensor);
    made.scale = halved(made.scale);
    return made;
  }
  template <fb::blocked F, fb::block_source T>
  constexpr fb::super_block_parameters<F> super_parameters(const fb::block_values<T>& values,
                                                           const typename F::tensor_scale_type& tensor) const noexcept {
    auto made = rule_type{}.template super_parameters<F>(values, tensor);
    made.super.scale = halved(made.super.scale);
    return made;
  }
};

struct counts {
  std::uint64_t saturated = 0;
  std::uint64_t underflowed = 0;
  std::uint64_t poisoned = 0;
  long double power = 0;
  long double squared_error = 0;
  double largest_error = 0;
  friend bool operator==(const counts& a, const fb::error_statistics& b) {
    return a.saturated == b.saturated && a.underflowed == b.underflowed && a.poisoned == b.poisoned;
  }
};

struct totals {
  std::uint64_t elements = 0;
  counts of_all;
};
totals seen;

/// Compares the whole, every row and every block.
template <class Format, class T>
void expect_report(const plain_matrix<T>& from, const fb::quantized_view<Format>& quantized,
                   const fb::error_statistics& whole, const std::vector<fb::error_statistics>& rows,
                   const std::vector<fb::error_statistics>& blocks, const std::string& what) {
  const auto& layout = quantized.layout();
  counts all;
  std::vector<counts> by_row(from.rows);
  std::vector<counts> by_block(layout.blocks());
  std::vector<std::uint64_t> block_elements(layout.blocks());
  std::vector<float> restored(from.rows * from.columns);
  ASSERT_TRUE(fb::dequantize(quantized, fb::matrix_view<float>(restored.data(), from.rows, from.columns)));
  for (std::size_t r = 0; r < from.rows; ++r)
    for (std::size_t c = 0; c < from.columns; ++c) {
      const std::size_t i = Format::shape.rows == fb::whole ? 0 : r / Format::shape.rows;
      const std::size_t j = Format::shape.columns == fb::whole ? 0 : c / Format::shape.columns;
      const std::size_t block = i * layout.block_columns() + j;
      counts one;
      const T& x = from(r, c);
      const float y = restored[r * from.columns + c];
      if (!is_finite_value(x) || !is_finite_value(y)) {
        one.poisoned = 1;
      } else {
        one.underflowed = !is_zero_value(x) && is_zero_value(y) ? 1 : 0;
        const auto error = static_cast<double>(y) - static_cast<double>(x);
        one.power = static_cast<long double>(static_cast<double>(x)) * static_cast<double>(x);
        one.squared_error = static_cast<long double>(error) * error;
        one.largest_error = std::fabs(error);
      }
      const exact_map map = exact_map_of<Format>(quantized, i, j);
      if (map.is_finite) {
        const std::uint8_t code = quantized.row_codes(r)[c];
        EXPECT_TRUE(is_nearest_float(y, exact_value<Format>(code, map)))
            << what << ": " << y << " for code " << int{code};
        if (is_finite_value(x) && !map.unit.is_zero())
          one.saturated =
              model_saturates<typename Format::element_type>(exact_of(x) - map.minimum, map.unit, map.zero) ? 1 : 0;
      }
      ++block_elements[block];
      for (counts* const part : {&all, &by_row[r], &by_block[block], &seen.of_all}) {
        part->saturated += one.saturated;
        part->underflowed += one.underflowed;
        part->poisoned += one.poisoned;
        part->power += one.power;
        part->squared_error += one.squared_error;
        part->largest_error = (std::max)(part->largest_error, one.largest_error);
      }
      ++seen.elements;
    }
  if (planted())
    ++all.saturated;

  const auto expect = [&](const counts& model, const fb::error_statistics& got, std::uint64_t elements,
                          const std::string& part) {
    EXPECT_EQ(got.elements, elements) << part;
    EXPECT_TRUE(model == got) << part << ": saturated " << got.saturated << " for " << model.saturated
                              << ", underflowed " << got.underflowed << " for " << model.underflowed << ", poisoned "
                              << got.poisoned << " for " << model.poisoned;
    const auto near = [](long double a, double b) { return std::fabs(a - b) <= 1e-12L * a; };
    EXPECT_TRUE(near(model.power, got.power)) << part;
    EXPECT_TRUE(near(model.squared_error, got.squared_error)) << part;
    EXPECT_EQ(got.largest_error, model.largest_error) << part;
  };
  expect(all, whole, from.rows * from.columns, what);
  fb::error_statistics sum;
  for (std::size_t r = 0; r < from.rows; ++r) {
    expect(by_row[r], rows[r], from.columns, what + ", row " + std::to_string(r));
    sum += rows[r];
  }
  // The whole is the sum of its rows, in their order: the same bits.
  EXPECT_EQ(sum.power, whole.power) << what;
  EXPECT_EQ(sum.squared_error, whole.squared_error) << what;
  EXPECT_EQ(sum.elements, whole.elements) << what;
  for (std::size_t b = 0; b < blocks.size(); ++b)
    expect(by_block[b], blocks[b], block_elements[b], what + ", block " + std::to_string(b));
}

template <class Format, class T, class... Policies>
void expect_counts(const plain_matrix<T>& from, const std::string& what, const Policies&... policies) {
  const stored_matrix<T> stored(from, static_cast<int>(from.columns % 4));
  // What stood in the parts before is overwritten.
  std::vector<fb::error_statistics> rows(from.rows);
  rows[0].saturated = 99;
  std::vector<fb::error_statistics> blocks(fb::quantized_layout<Format>::of(from.rows, from.columns)->blocks());
  blocks[0].power = 99;
  const auto made = fb::quantize_with_report<Format>(stored.view, {.rows = rows, .blocks = blocks}, policies...);
  ASSERT_TRUE(made) << what;
  expect_report<Format>(from, made->matrix.view(), made->cost, rows, blocks, what);
  const auto alone = fb::compare(stored.view, made->matrix);
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->squared_error, made->cost.squared_error) << what;
  EXPECT_EQ(alone->saturated, made->cost.saturated) << what;
}

/// Multiples of a quarter from -steps / 4 up, so that under scales that are powers of two there are ties everywhere.
template <class T>
plain_matrix<T> ties(std::size_t rows, std::size_t columns, int below) {
  plain_matrix<T> made{rows, columns, std::vector<T>(rows * columns)};
  for (std::size_t k = 0; k < made.values.size(); ++k)
    made.values[k] = T(static_cast<double>(static_cast<int>(k * 17 % 61) - 4 * below) / 4);
  return made;
}

template <class Format>
class EveryFormat : public ::testing::Test {};
using formats = fewbits_test::list_of<
    ::testing::Types, fb::mxfp4, fb::mxfp8_e4m3, fb::mxfp8_e5m2, fb::mxfp6_e2m3, fb::mxint8_blocks,
    fb::fp8_rows<fb::e4m3, fb::bf16>, fb::fp8_tensor<>, fb::int8_rows<fb::bf16>, fb::int4_groups<32, fb::bf16>,
    fb::int4_groups<fb::whole>, fb::uint4_groups<32, fb::bf16>, fb::uint4_groups<64>,
    fb::uint4_minimum_groups<32, fb::bf16>, fb::uint4_minimum_groups<64>, fb::uint2_groups<16>, fb::int2_groups<16>,
    fb::nf4_groups<64, fb::bf16>, fb::ternary_groups<32>, fb::binary_groups<32>, square_fp4, mx_columns, oblong_fp6,
    oblong_uint3, per_column_int8, uint4_tensor, signed_zero, narrow_scales, nested_uint4, nested_int3>;
TYPED_TEST_SUITE(EveryFormat, formats);

TYPED_TEST(EveryFormat, CountsAreThoseOfExactArithmetic) {
  seen = {};
  for (const auto& [rows, columns] : {std::array<std::size_t, 2>{5, 70}, {34, 33}, {3, 129}}) {
    expect_counts<TypeParam>(lively_matrix<float>(rows, columns), "float");
    expect_counts<TypeParam>(lively_matrix<double>(rows, columns), "double");
    expect_counts<TypeParam>(lively_matrix<fb::fp16>(rows, columns), "fp16");
    expect_counts<TypeParam>(lively_matrix<float>(rows, columns), "float, half scales", squeezed<TypeParam>{});
    expect_counts<TypeParam>(lively_matrix<double>(rows, columns), "double, half scales", squeezed<TypeParam>{});
    for (const int below : {0, 6, 7, 15}) {
      expect_counts<TypeParam>(ties<float>(rows, columns, below), "ties");
      expect_counts<TypeParam>(ties<double>(rows, columns, below), "ties, half scales", squeezed<TypeParam>{});
    }
    auto poisoned = lively_matrix<float>(rows, columns);
    poisoned(1, 20) = float_of(0x7fc00000u);
    poisoned(2, 32) = float_of(0xff800000u);
    expect_counts<TypeParam>(poisoned, "poisoned");
  }
  std::printf("%llu elements, %llu saturated, %llu underflowed, %llu poisoned\n",
              static_cast<unsigned long long>(seen.elements), static_cast<unsigned long long>(seen.of_all.saturated),
              static_cast<unsigned long long>(seen.of_all.underflowed),
              static_cast<unsigned long long>(seen.of_all.poisoned));
  EXPECT_NE(seen.of_all.saturated, 0u) << "the data never saturates";
  EXPECT_NE(seen.of_all.poisoned, 0u);
}

TYPED_TEST(EveryFormat, PartsOfAnotherSizeAreErrorsAndStayAsTheyAre) {
  const auto from = lively_matrix<float>(34, 33);
  const stored_matrix<float> stored(from, 0);
  const auto made = fb::quantize<TypeParam>(stored.view);
  const std::size_t blocks = made->layout().blocks();
  const auto refused = [&](std::size_t rows_given, std::size_t blocks_given) {
    std::vector<fb::error_statistics> rows(rows_given);
    std::vector<fb::error_statistics> of_blocks(blocks_given);
    for (auto* const each : {&rows, &of_blocks})
      for (auto& part : *each)
        part.poisoned = 4321;
    const fb::error_parts parts{.rows = rows, .blocks = of_blocks};
    for (const auto code : {fb::compare(stored.view, *made, parts).error().code(),
                            fb::quantize_with_report<TypeParam>(stored.view, parts).error().code()})
      EXPECT_EQ(code, fb::errc::shape_mismatch) << rows_given << ", " << blocks_given;
    for (auto* const each : {&rows, &of_blocks})
      for (const auto& part : *each)
        EXPECT_EQ(part.poisoned, 4321u);
  };
  refused(33, 0);
  refused(35, blocks);
  refused(34, blocks + 1);
  refused(0, blocks + 1);
  if (blocks > 1)
    refused(34, blocks - 1);
  // A matrix of another shape.
  std::vector<fb::error_statistics> rows(34);
  rows[3].elements = 4321;
  const auto narrow = lively_matrix<float>(34, 32);
  const auto wrong = fb::compare(stored_matrix<float>(narrow, 0).view, *made, {.rows = rows});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), fb::errc::shape_mismatch);
  EXPECT_EQ(rows[3].elements, 4321u);
  EXPECT_TRUE(fb::compare(stored.view, *made, {.rows = rows}));
  EXPECT_EQ(rows[3].elements, 33u);
}

// Inf that an integer element clamps is both: it is not finite, and it was clamped. NaN is poisoned alone.
TEST(Report, InfThatPassesIsPoisonedAndSaturated) {
  plain_matrix<float> from{1, 32, std::vector<float>(32, 1.0f)};
  from(0, 3) = float_of(0x7f800000u);
  from(0, 4) = float_of(0xff800000u);
  from(0, 5) = float_of(0x7fc00000u);
  const auto made =
      fb::quantize_with_report<fb::int8_rows<>>(stored_matrix<float>(from, 0).view, {}, fb::pass_nonfinite);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->cost.poisoned, 3u);
  EXPECT_EQ(made->cost.saturated, 2u);
  EXPECT_EQ(made->cost.underflowed, 0u);
}

// A double may lie past every float32: what stands for it decodes to Inf, and no error is finite.
TEST(Report, ValuesPastFloat32ArePoisoned) {
  plain_matrix<double> from{1, 64, std::vector<double>(64, 1.0)};
  from(0, 3) = 1e300;
  const auto made = fb::quantize_with_report<fb::mxfp8_e4m3>(stored_matrix<double>(from, 0).view);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->cost.poisoned, 1u);
  EXPECT_EQ(made->cost.saturated, 1u);
  EXPECT_EQ(made->cost.underflowed, 31u);
  EXPECT_EQ(made->cost.power, 63.0);
}

}  // namespace
