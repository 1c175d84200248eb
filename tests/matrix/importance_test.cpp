// The weight of each column's error: a rule sees the right one for every element of every block, wherever it lies; and
// weights that make no sense are errors.
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/matrix.hpp>

#include "matrix/block_formats.hpp"
#include "matrix/expect_model.hpp"

namespace fb = fewbits;
using namespace fewbits_test;  // formats

namespace {

/// What a rule was shown of one element.
struct seen_element {
  int times = 0;
  float value = 0;
  float importance = -1;
};
struct notebook {
  std::size_t columns = 0;
  std::vector<seen_element> elements;
  int blocks = 0;
  int with_importance = 0;
};

/// Notes all it is shown, by place in the matrix.
struct noting_rule {
  using policy_kind = fb::scale_kind;
  static constexpr bool takes_every_block = true;
  notebook* notes = nullptr;

  template <class T>
  void note(const fb::block_values<T>& values) const noexcept {
    ++notes->blocks;
    notes->with_importance += values.has_importance() ? 1 : 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::size_t row = values.row() + k / values.columns();
      const std::size_t column = values.column() + k % values.columns();
      seen_element& each = notes->elements.at(row * notes->columns + column);
      ++each.times;
      each.value = static_cast<float>(values[k]);
      each.importance = values.importance(k);
    }
  }
  template <fb::blocked Format, fb::block_source T>
  fb::block_parameters<Format> parameters(const fb::block_values<T>& values,
                                          const typename Format::tensor_scale_type&) const noexcept {
    note(values);
    return {fb::make_number<typename Format::scale_type>(fb::make_unpacked(false, 1, 0))};
  }
  template <fb::blocked Format, fb::block_source T>
  fb::super_block_parameters<Format> super_parameters(const fb::block_values<T>& values,
                                                      const typename Format::tensor_scale_type&) const noexcept {
    // Block by block, as a rule would look at them.
    for (std::size_t c = 0; c < values.columns(); c += Format::shape.columns)
      note(values.columns_from(c, (std::min)(Format::shape.columns, values.columns() - c)));
    return {};
  }
  template <fb::blocked Format>
  float tensor_scale(const fb::unpacked_number&) const noexcept {
    return 1.0f;
  }
};

template <class Format>
class EveryFormat : public ::testing::Test {};
using formats = ::testing::Types<fb::mxfp4, fb::nvfp4, fb::fp8_tensor<>, fb::fp8_rows<>, per_column_int8, square_fp4,
                                 mx_columns, oblong_uint3, fb::uint4_groups<32>, nested_uint4, nested_int3>;
TYPED_TEST_SUITE(EveryFormat, formats);

TYPED_TEST(EveryFormat, ShowsARuleTheWeightOfEveryElement) {
  std::uint64_t visited = 0;
  for (const std::size_t rows : {1u, 3u, 17u, 33u})
    for (const std::size_t columns : {1u, 8u, 31u, 33u, 70u, 129u})
      for (int way = 0; way < stored_matrix<float>::ways; ++way) {
        const auto from = lively_matrix<float>(rows, columns);
        const stored_matrix<float> stored(from, way);
        std::vector<float> weights(columns);
        for (std::size_t c = 0; c < columns; ++c)
          weights[c] = static_cast<float>(c + 1) * 0.25f;
        for (const bool weighs : {true, false}) {
          notebook notes{columns, std::vector<seen_element>(rows * columns)};
          const auto made = weighs ? fb::quantize<TypeParam>(stored.view, noting_rule{&notes}, fb::importance(weights))
                                   : fb::quantize<TypeParam>(stored.view, noting_rule{&notes});
          ASSERT_TRUE(made);
          EXPECT_EQ(static_cast<std::size_t>(notes.blocks), made->layout().blocks());
          EXPECT_EQ(notes.with_importance, weighs ? notes.blocks : 0);
          if (planted())
            notes.elements[0].importance += 1;
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c, ++visited) {
              const seen_element& each = notes.elements[r * columns + c];
              EXPECT_EQ(each.times, 1) << r << ", " << c;
              EXPECT_EQ(bits_of(each.value), bits_of(from(r, c))) << r << ", " << c;
              EXPECT_EQ(each.importance, weighs ? weights[c] : 1.0f) << r << ", " << c << " way " << way;
            }
        }
      }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TYPED_TEST(EveryFormat, TakesNoWeightsThatMakeNoSense) {
  constexpr std::size_t columns = 40;
  const auto from = lively_matrix<float>(5, columns);
  const stored_matrix<float> stored(from, 0);
  const auto quantize = [&](const std::vector<float>& weights) {
    return fb::quantize<TypeParam>(stored.view, fb::importance(weights));
  };
  for (const std::size_t length : {0u, 1u, 39u, 41u, 80u}) {
    const auto made = quantize(std::vector<float>(length, 1.0f));
    ASSERT_FALSE(made) << length;
    EXPECT_EQ(made.error().code(), fb::errc::shape_mismatch);
    EXPECT_NE(made.error().message().find(std::to_string(length) + " columns"), std::string::npos);
  }
  // A negative number, the smallest one; Inf, NaN, and both with a sign.
  for (const std::uint32_t bits :
       {0xbf800000u, 0x80000001u, 0x7f800000u, 0xff800000u, 0x7f800001u, 0x7fc00000u, 0xffc00000u, 0xffffffffu})
    for (const std::size_t at : {std::size_t{0}, std::size_t{17}, columns - 1}) {
      std::vector<float> weights(columns, 1.0f);
      weights[at] = float_of(bits);
      const auto made = quantize(weights);
      ASSERT_FALSE(made) << std::hex << bits;
      EXPECT_EQ(made.error().code(), fb::errc::invalid_argument);
      EXPECT_NE(made.error().message().find("column " + std::to_string(at) + " is"), std::string::npos);

      std::vector<fb::error_statistics> parts(5);
      parts[2].elements = 1234;
      const auto reported = fb::quantize_with_report<TypeParam>(stored.view, {.rows = parts}, fb::importance(weights));
      ASSERT_FALSE(reported);
      EXPECT_EQ(reported.error().code(), fb::errc::invalid_argument);
      EXPECT_EQ(parts[2].elements, 1234u);
    }
  // Zeros of both signs, subnormals and the largest are weights; the default rules look at none of them.
  for (const std::uint32_t bits : {0u, 0x80000000u, 1u, 0x007fffffu, 0x7f7fffffu}) {
    const auto made = quantize(std::vector<float>(columns, float_of(bits)));
    ASSERT_TRUE(made) << std::hex << bits;
    expect_model<TypeParam>(made->view(), model_of<TypeParam>(from), "weighted");
  }
}

TEST(Importance, OfNoColumnsIsForNoColumns) {
  const auto made =
      fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(nullptr, 3, 0), fb::importance(std::span<const float>{}));
  EXPECT_TRUE(made);
}

/// Has no memory left for the block that begins at row 2.
struct forgetful_rule {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format, fb::block_source T>
  std::optional<fb::block_parameters<Format>> parameters(const fb::block_values<T>& values,
                                                         fb::no_tensor_scale) const noexcept {
    if (values.row() == 2)
      return std::nullopt;
    return fb::block_parameters<Format>{1.0f};
  }
};
TEST(Rules, ThatRunOutOfMemoryMakeAnErrorOfTheWhole) {
  const plain_matrix<float> two{2, 40, std::vector<float>(80, 1.0f)};
  const plain_matrix<float> three{3, 40, std::vector<float>(120, 1.0f)};
  EXPECT_TRUE(fb::quantize<fb::int4_groups<32>>(stored_matrix<float>(two, 0).view, forgetful_rule{}));
  const auto made = fb::quantize<fb::int4_groups<32>>(stored_matrix<float>(three, 0).view, forgetful_rule{});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), fb::errc::out_of_memory);
  EXPECT_NE(made.error().message().find("3 x 40"), std::string::npos);
}

}  // namespace
