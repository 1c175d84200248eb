// Every kind of format at odd shapes, however the source lies in memory and of whatever type it is: the matrix is the
// blocks it is made of, each encoded alone.
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/matrix.hpp>

#include "matrix/block_formats.hpp"
#include "matrix/expect_model.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
using namespace fewbits_test;  // formats

namespace {

template <class Format>
class EveryFormat : public ::testing::Test {};
using formats =
    fewbits_test::list_of<::testing::Types, fb::mxfp4, fb::nvfp4, fb::fp8_tensor<>, fb::fp8_rows<fb::e5m2, fb::bf16>,
                          fb::fp8_groups<>, fb::fp8_squares<>, fb::int8_rows<>, fb::int4_groups<32>,
                          fb::int4_groups<fb::whole, fb::fp16>, fb::uint4_groups<32, fb::bf16>,
                          fb::uint4_minimum_groups<32>, fb::uint2_groups<16>, fb::nf4_groups<>, fb::ternary_groups<32>,
                          fb::binary_groups<32>, square_fp4, mx_columns, oblong_fp6, oblong_uint3, uint4_tensor,
                          signed_zero, narrow_scales, nested_uint4, nested_nf4, nested_int3, square_nvfp4>;
TYPED_TEST_SUITE(EveryFormat, formats);

std::string name_of(std::size_t rows, std::size_t columns, int way, const char* type) {
  return std::to_string(rows) + " x " + std::to_string(columns) + " of " + type + ", stored way " + std::to_string(way);
}

template <class Format, class T>
std::uint64_t expect_one(std::size_t rows, std::size_t columns, int way, const char* type) {
  const auto from = lively_matrix<T>(rows, columns, static_cast<unsigned>(rows + columns));
  const stored_matrix<T> stored(from, way);
  const auto made = fb::quantize<Format>(stored.view);
  EXPECT_TRUE(made);
  const std::string what = name_of(rows, columns, way, type);
  const auto model = model_of<Format>(from);
  const auto visited = expect_model<Format>(made->view(), model, what);

  // Where a block is a plain row of values, encode_block says the same.
  if constexpr (Format::shape.is_fixed() && !Format::has_super_scale && Format::shape.rows == 1)
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t j = 0; j < model.block_columns; ++j) {
        const std::size_t first = j * Format::size;
        const auto values =
            std::span<const T>(from.values).subspan(r * columns + first, (std::min)(Format::size, columns - first));
        const auto alone = fb::encode_block<Format>(values, made->tensor_scale());
        EXPECT_TRUE(same_parameters<Format>({alone.scale, alone.zero}, made->view().parameters_of(r, j))) << what;
        EXPECT_TRUE(alone.codes.view() == made->view().block_codes(r, j)) << what << ", block " << r << ", " << j;
      }
  return visited;
}

TYPED_TEST(EveryFormat, IsTheBlocksItIsMadeOfAtEveryShapeAndFromEverySource) {
  std::uint64_t visited = 0;
  int turn = 0;
  const auto visit = [&](std::size_t rows, std::size_t columns) {
    const int way = turn % stored_matrix<float>::ways;
    switch (turn++ / 4 % 5) {
      case 0: visited += expect_one<TypeParam, double>(rows, columns, way, "double"); break;
      case 1: visited += expect_one<TypeParam, fb::fp16>(rows, columns, way, "fp16"); break;
      case 2: visited += expect_one<TypeParam, fb::bf16>(rows, columns, way, "bf16"); break;
      case 3: visited += expect_one<TypeParam, fb::e5m2>(rows, columns, way, "e5m2"); break;
      default: visited += expect_one<TypeParam, float>(rows, columns, way, "float"); break;
    }
  };
  for (const std::size_t rows : {1u, 2u, 3u, 4u, 5u, 15u, 16u, 17u, 33u, 40u})
    for (const std::size_t columns : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 32u, 33u, 47u, 63u, 64u, 65u, 70u})
      visit(rows, columns);
  for (const auto& [rows, columns] : {std::array<std::size_t, 2>{127, 5},
                                      {129, 3},
                                      {5, 127},
                                      {3, 129},
                                      {2, 257},
                                      {128, 128},
                                      {130, 131},
                                      {1, 1100},
                                      {257, 2}})
    for (int n = 0; n < 3; ++n)
      visit(rows, columns);
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TYPED_TEST(EveryFormat, InfAndNanPoisonTheirBlockAndNoOther) {
  constexpr std::size_t rows = 34;
  constexpr std::size_t columns = 150;
  auto from = lively_matrix<float>(rows, columns);
  std::uint64_t visited = 0;
  for (const auto& [r, c] : {std::array<std::size_t, 2>{0, 0}, {7, 40}, {16, 17}, {33, 149}, {20, 64}, {3, 127}}) {
    for (const std::uint32_t bits : {0x7fc00000u, 0xff800000u, 0x7f800001u}) {
      from(r, c) = 0;
      const auto clean = fb::quantize<TypeParam>(stored_matrix<float>(from, 0).view);
      from(r, c) = float_of(bits);
      const stored_matrix<float> stored(from, static_cast<int>(r % 4));
      const auto made = fb::quantize<TypeParam>(stored.view);
      visited += expect_model<TypeParam>(made->view(), model_of<TypeParam>(from), "poisoned");
      // Elements of other blocks are what they were, those of the block NaN.
      const auto same_part = [](std::size_t a, std::size_t b, std::size_t length, std::size_t times = 1) {
        return length == fb::whole || a / (length * times) == b / (length * times);
      };
      std::vector<float> before(columns);
      std::vector<float> after(columns);
      for (std::size_t i = 0; i < rows; ++i) {
        clean->view().decode(i, 0, before);
        made->view().decode(i, 0, after);
        for (std::size_t j = 0; j < columns; ++j) {
          const bool inside = same_part(i, r, TypeParam::shape.rows) &&
                              same_part(j, c, TypeParam::shape.columns, TypeParam::super_count);
          EXPECT_EQ((bits_of(after[j]) & 0x7fffffffu) > 0x7f800000u, inside) << i << ", " << j;
          if (!inside) {
            EXPECT_EQ(bits_of(after[j]), bits_of(before[j])) << i << ", " << j;
          }
        }
      }
      from(r, c) = 0;
    }
  }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TYPED_TEST(EveryFormat, InfAndNanThatPassChangeNoOtherElement) {
  // The mean counts values, so a 0 in the place of a NaN is no match for it.
  constexpr bool by_mean = std::is_same_v<typename TypeParam::default_rule, fb::mean_scale_t>;
  constexpr std::size_t rows = 34;
  constexpr std::size_t columns = 150;
  auto from = lively_matrix<float>(rows, columns);
  std::uint64_t visited = 0;
  for (const auto& [r, c] : {std::array<std::size_t, 2>{0, 0}, {7, 40}, {16, 17}, {33, 149}, {20, 64}, {3, 127}})
    for (const std::uint32_t bits : {0x7fc00000u, 0xff800000u, 0x7f800000u}) {
      from(r, c) = 0;
      const auto clean = fb::quantize<TypeParam>(stored_matrix<float>(from, 0).view);
      from(r, c) = float_of(bits);
      const auto made = fb::quantize<TypeParam>(stored_matrix<float>(from, 3).view, fb::pass_nonfinite);
      const auto view = made->view();
      const std::size_t i = view.layout().block_of_row(r);
      const std::size_t j = view.layout().block_of_column(c);
      if (view.map_of_block(i, j).unit.kind == fb::number_class::finite) {
        std::array<float, 1> decoded{};
        view.decode(r, c, decoded);
        EXPECT_TRUE(!is_finite_value(decoded[0]) ||
                    fb::is_extreme<TypeParam>(view.row_codes(r)[c], view.map_of_block(i, j)))
            << r << ", " << c << ": " << decoded[0];
      }
      for (std::size_t k = 0; k < rows * columns && !by_mean; ++k, ++visited)
        if (k != r * columns + c) {
          EXPECT_EQ(view.row_codes(k / columns)[k % columns], clean->view().row_codes(k / columns)[k % columns]) << k;
        }
      for (std::size_t b = 0; b < made->layout().blocks() && !by_mean; ++b)
        EXPECT_TRUE(same_number(view.scales()[b], clean->view().scales()[b])) << b;
      from(r, c) = 0;
    }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TYPED_TEST(EveryFormat, RandomBitsBelongToPositionsNotToTheOrderOfVisiting) {
  constexpr std::size_t rows = 19;
  constexpr std::size_t columns = 67;
  const auto draw = [](std::size_t r, std::size_t c) noexcept {
    const std::uint64_t any = (r * 0x9e3779b97f4a7c15ull + c) * 0xbf58476d1ce4e5b9ull;
    return static_cast<std::uint32_t>(any >> 29);
  };
  const auto from = lively_matrix<float>(rows, columns, 9);
  for (const int count : {32, 5}) {
    const auto model =
        model_of<TypeParam>(from, [&](std::size_t r, std::size_t c) { return fb::stochastic(draw(r, c), count); });
    for (int way = 0; way < stored_matrix<float>::ways; ++way) {
      const stored_matrix<float> stored(from, way);
      const auto made = fb::quantize<TypeParam>(stored.view, fb::stochastic_elements(draw, count));
      expect_model<TypeParam>(made->view(), model, "stochastic, stored way " + std::to_string(way));
    }
  }
}

TYPED_TEST(EveryFormat, AStreamThatIsOneShortIsAnErrorWithASentence) {
  const auto from = lively_matrix<float>(19, 67);
  const auto made = fb::quantize<TypeParam>(stored_matrix<float>(from, 0).view);
  const fb::quantized_streams<TypeParam> all = made->view().streams();
  const auto over = [](const fb::quantized_streams<TypeParam>& streams) {
    return fb::quantized_view<TypeParam>::over(19, 67, streams);
  };
  ASSERT_TRUE(over(all));
  expect_model<TypeParam>(*over(all), model_of<TypeParam>(from), "foreign streams");
  std::vector<fb::quantized_streams<TypeParam>> short_ones(2, all);
  short_ones[0].codes = all.codes.first(all.codes.size() - 1);
  short_ones[1].scales = all.scales.first(all.scales.size() - 1);
  if constexpr (TypeParam::has_zero_point || TypeParam::has_minimum) {
    short_ones.push_back(all);
    short_ones.back().zeros = all.zeros.first(all.zeros.size() - 1);
  }
  if constexpr (TypeParam::has_super_scale) {
    short_ones.push_back(all);
    short_ones.back().supers = all.supers.first(all.supers.size() - 1);
  }
  for (const auto& each : short_ones) {
    const auto made_of_it = over(each);
    ASSERT_FALSE(made_of_it);
    EXPECT_EQ(made_of_it.error().code(), fb::errc::buffer_too_small);
    EXPECT_NE(made_of_it.error().message().find("and there are"), std::string::npos) << made_of_it.error().message();
  }
  // Longer ones are cut to size.
  std::vector<std::byte> long_codes(all.codes.begin(), all.codes.end());
  long_codes.push_back(std::byte{0xee});
  auto longer = all;
  longer.codes = long_codes;
  ASSERT_TRUE(over(longer));
  EXPECT_EQ(over(longer)->codes().size(), all.codes.size());
}

}  // namespace
