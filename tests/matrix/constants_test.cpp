// Matrices whose shape is in their type: quantised by the compiler they are what a run gives, for every kind of format,
// and they lie in read-only memory. And what two formats say of the same blocks.
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
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

constexpr std::size_t rows = 3;
constexpr std::size_t columns = 21;
template <class T>
constexpr std::array<T, rows * columns> make_values() {
  std::array<T, rows * columns> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] =
        static_cast<T>(static_cast<float>(static_cast<int>(i * i * 37 % 101) - 50) / (i % 7 == 3 ? 256.0f : 16.0f));
  return made;
}
constexpr auto floats = make_values<float>();
constexpr auto doubles = make_values<double>();
constexpr auto halves = make_values<fb::fp16>();

template <class Format>
constexpr auto constant = fb::quantize<Format, rows, columns>(floats);
template <class Format>
constexpr auto constant_of_doubles = fb::quantize<Format, rows, columns>(doubles);
template <class Format>
constexpr auto constant_of_halves = fb::quantize<Format, rows, columns>(halves);
template <class Format>
constexpr std::array<float, rows * columns> restored = [] {
  std::array<float, rows * columns> out{};
  fb::dequantize(constant<Format>, fb::matrix_view<float>(out.data(), rows, columns)).value();
  return out;
}();

/// "r--p" of the mapping that holds an address, or nothing where the system does not say.
std::string permissions_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    char dash = 0;
    std::string permissions;
    if (words >> std::hex >> first >> dash >> last >> permissions && wanted >= first && wanted < last)
      return permissions;
  }
  return {};
}

template <class Format>
class EveryFormat : public ::testing::Test {};
using formats = fewbits_test::list_of<
    ::testing::Types, fb::mxfp4, fb::nvfp4, fb::mxfp8_e5m2, fb::mxfp6_e3m2, fb::mxint8_blocks, fb::fp8_tensor<>,
    fb::fp8_rows<>, fb::fp8_groups<>, fb::fp8_squares<>, fb::int8_rows<>, fb::int4_groups<32>,
    fb::int4_groups<fb::whole>, fb::uint4_groups<32>, fb::uint4_minimum_groups<32, fb::fp16>, fb::uint2_groups<16>,
    fb::nf4_groups<>, fb::ternary_groups<32>, fb::binary_groups<32>, square_fp4, mx_columns, oblong_fp6, oblong_uint3,
    uint4_tensor, signed_zero, narrow_scales, nested_uint4, nested_nf4, nested_int3, square_nvfp4>;
TYPED_TEST_SUITE(EveryFormat, formats);

template <class Format, class Fixed, class T>
void expect_constant(const Fixed& fixed, const std::array<T, rows * columns>& values) {
  const plain_matrix<T> from{rows, columns, std::vector<T>(values.begin(), values.end())};
  expect_model<Format>(fixed.view(), model_of<Format>(from), "constant");
  const auto made = fb::quantize<Format>(fb::matrix_view<const T>(from.values.data(), rows, columns));
  ASSERT_TRUE(made);
  EXPECT_TRUE(std::ranges::equal(made->codes(), fixed.codes()));
  EXPECT_EQ(made->layout().stored_bytes(), Fixed::layout().stored_bytes());
  EXPECT_EQ(made->bits_per_weight(), Fixed::bits_per_weight());
}

TYPED_TEST(EveryFormat, IsTheSameAtCompileTime) {
  expect_constant<TypeParam>(constant<TypeParam>, floats);
  expect_constant<TypeParam>(constant_of_doubles<TypeParam>, doubles);
  expect_constant<TypeParam>(constant_of_halves<TypeParam>, halves);
  std::vector<float> out(rows * columns);
  ASSERT_TRUE(fb::dequantize(constant<TypeParam>, fb::matrix_view<float>(out.data(), rows, columns)));
  for (std::size_t i = 0; i < out.size(); ++i)
    EXPECT_EQ(bits_of(out[i]), bits_of(restored<TypeParam>[i])) << i;
  std::printf("%zu elements at compile time\n", 3 * rows * columns);
}

TYPED_TEST(EveryFormat, OfAConstantLiesInReadOnlyMemory) {
  const auto& fixed = constant<TypeParam>;
  const std::string permissions = permissions_of(&fixed);
  if (permissions.empty())
    GTEST_SKIP() << "this system does not say how memory is mapped";
  EXPECT_EQ(permissions.find('w'), std::string::npos) << permissions;
  EXPECT_EQ(permissions_of(fixed.codes().data()).find('w'), std::string::npos);
  // Its streams and what the compiler adds to align them: no pointer, no size.
  EXPECT_LE(sizeof fixed, fixed.layout().stored_bytes() + 16);
  std::string on_stack_permissions = permissions_of(&permissions);
  EXPECT_NE(on_stack_permissions.find('w'), std::string::npos);
}

TEST(Identities, BlocksDownAreTheBlocksAcrossOfTheTranspose) {
  std::uint64_t visited = 0;
  for (const std::size_t height : {1u, 5u, 31u, 32u, 33u, 64u, 70u})
    for (const std::size_t width : {1u, 2u, 7u, 16u, 33u}) {
      const auto from = lively_matrix<float>(height, width);
      const stored_matrix<float> stored(from, 0);
      const auto down = fb::quantize<mx_columns>(stored.view);
      const auto across = fb::quantize<mx_rows>(stored.view.transposed());
      const auto d = down->view();
      const auto a = across->view();
      ASSERT_EQ(d.layout().block_rows(), a.layout().block_columns());
      ASSERT_EQ(d.layout().block_columns(), a.layout().block_rows());
      for (std::size_t r = 0; r < height; ++r)
        for (std::size_t c = 0; c < width; ++c, ++visited) {
          EXPECT_EQ(d.row_codes(r)[c], a.row_codes(c)[r]) << r << ", " << c;
          EXPECT_EQ(d.block_scale(r / 32, c), a.block_scale(c, r / 32)) << r << ", " << c;
        }
    }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

template <class Whole>
std::uint64_t expect_one_long_row() {
  std::uint64_t visited = 0;
  for (const std::size_t height : {1u, 3u, 16u, 17u})
    for (const std::size_t width : {1u, 7u, 32u, 65u}) {
      auto from = lively_matrix<float>(height, width);
      const auto square = fb::quantize<Whole>(stored_matrix<float>(from, 1).view);
      from.columns = height * width;
      from.rows = 1;
      const auto row = fb::quantize<Whole>(stored_matrix<float>(from, 0).view);
      EXPECT_EQ(bits_of(square->scales()[0]), bits_of(row->scales()[0]));
      EXPECT_TRUE(same_parameters<Whole>(square->view().parameters_of(0, 0), row->view().parameters_of(0, 0)));
      for (std::size_t k = 0; k < height * width; ++k, ++visited)
        EXPECT_EQ(square->view().row_codes(k / width)[k % width], row->view().row_codes(0)[k]) << k;
    }
  return visited;
}
TEST(Identities, OneScaleForAllIsThatOfOneLongRow) {
  std::printf("%llu elements\n", static_cast<unsigned long long>(expect_one_long_row<fb::fp8_tensor<>>() +
                                                                 expect_one_long_row<fb::int8_tensor<>>() +
                                                                 expect_one_long_row<uint4_tensor>()));
}

// A per-column block over the transpose is a per-row block, and the tail of a row has a scale of its own.
TEST(Identities, ATailHasTheScaleOfItsOwnValues) {
  plain_matrix<float> from{1, 40, std::vector<float>(40, 100.0f)};
  for (std::size_t c = 32; c < 40; ++c)
    from(0, c) = 0.5f;
  const auto made = fb::quantize<fb::int4_groups<32>>(stored_matrix<float>(from, 0).view);
  EXPECT_EQ(made->scales()[0], -12.5f);
  EXPECT_EQ(made->scales()[1], -0.0625f);
  plain_matrix<float> columns_of_it{17, 17, std::vector<float>(17 * 17, 6.0f)};
  for (std::size_t k = 0; k < 17; ++k)
    columns_of_it(16, k) = columns_of_it(k, 16) = 3.0f;
  columns_of_it(16, 16) = 1.5f;
  const auto squares = fb::quantize<square_fp4>(stored_matrix<float>(columns_of_it, 2).view);
  ASSERT_EQ(squares->scales().size(), 4u);
  EXPECT_EQ(static_cast<float>(squares->scales()[0]), 1.0f);
  EXPECT_EQ(static_cast<float>(squares->scales()[1]), 0.5f);
  EXPECT_EQ(static_cast<float>(squares->scales()[2]), 0.5f);
  EXPECT_EQ(static_cast<float>(squares->scales()[3]), 0.25f);
}

/// A scale that no element can stand under, in one block of a super-block.
struct gives_inf {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format, fb::block_source T>
  constexpr fb::super_block_parameters<Format> super_parameters(const fb::block_values<T>&,
                                                                fb::no_tensor_scale) const noexcept {
    fb::super_block_parameters<Format> made{};
    for (std::size_t b = 0; b < Format::super_count; ++b)
      made.blocks[b].scale = fb::e5m2{1.0f};
    made.blocks[1].scale = fb::e5m2::from_bits(0x7c);  // Inf
    made.super.scale = 1.0f;
    return made;
  }
};
struct nested_e5m2 : fb::block_format<fb::int4, fb::e5m2, 8, gives_inf, fb::in_super_blocks<3, float>> {};

TEST(SuperBlocks, AnUnusableScaleOfOneBlockPoisonsTheWholeSuperBlockCodesToo) {
  const plain_matrix<float> from{2, 50, std::vector<float>(100, 3.0f)};
  const auto made = fb::quantize<nested_e5m2>(stored_matrix<float>(from, 0).view);
  ASSERT_TRUE(made);
  for (std::size_t r = 0; r < 2; ++r) {
    std::array<float, 50> out{};
    made->view().decode(r, 0, out);
    for (std::size_t c = 0; c < 50; ++c) {
      // The third super-block has one block alone, whose scale is 1.
      EXPECT_EQ((bits_of(out[c]) & 0x7fffffffu) > 0x7f800000u, c < 48) << c;
      EXPECT_EQ(made->view().row_codes(r)[c], c < 48 ? 0 : 3) << c;
    }
  }
}

}  // namespace
