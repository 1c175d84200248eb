// The reference product against plain loops, bit for bit: shapes, strides, tails; errors write nothing.
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/gemm.hpp>
#include <fewbits/matrix.hpp>

#include "block/blocks.hpp"
#include "matrix/block_formats.hpp"
#include "matrix/samples.hpp"
#include "support/lean.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

float plain_sum(const fb::matrix_view<const float>& a, const fb::matrix_view<const float>& w, std::size_t m,
                std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < a.columns(); ++k)
    sum += static_cast<double>(a(m, k)) * static_cast<double>(w(n, k));
  return static_cast<float>(sum);
}

template <class Format>
std::uint64_t expect_products(std::size_t rows, std::size_t columns, std::size_t depth) {
  const auto values = fewbits_test::normal_samples(columns * depth, 5);
  const auto inputs = fewbits_test::normal_samples(rows * (depth + 2) + 1, 6);
  const auto w = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), columns, depth));
  std::vector<float> restored(columns * depth + 1);
  const fb::matrix_view<float> restored_view(restored.data(), columns, depth);
  fb::dequantize(*w, restored_view).value();
  const fb::matrix_view<const float> a(inputs.data(), rows, depth, depth + 2);

  std::vector<float> out(rows * columns * 2 + 1, 3.0f);
  const fb::matrix_view<float> out_view(out.data(), rows, columns, 1, rows);  // stored by columns
  EXPECT_TRUE(fb::reference_gemm(out_view, a, *w));
  std::vector<float> plain(rows * columns + 1);
  EXPECT_TRUE(fb::reference_gemm(fb::matrix_view<float>(plain.data(), rows, columns), a,
                                 fb::matrix_view<const float>(restored_view)));
  if (fewbits_test::planted())
    restored[0] += 1;
  for (std::size_t m = 0; m < rows; ++m)
    for (std::size_t n = 0; n < columns; ++n) {
      const float expected = plain_sum(a, restored_view, m, n);
      EXPECT_EQ(bits_of(out_view(m, n)), bits_of(expected)) << m << " " << n << " depth " << depth;
      EXPECT_EQ(bits_of(plain[m * columns + n]), bits_of(expected)) << m << " " << n << " depth " << depth;
    }
  EXPECT_EQ(out[rows * columns], 3.0f) << "wrote past its matrix";
  return rows * columns;
}

TEST(ReferenceGemm, IsThePlainLoopOverDequantisedWeightsBitForBit) {
  std::uint64_t visited = 0;
  for (const std::size_t rows : {1u, 2u, 15u, 16u, 17u, 33u})
    for (const std::size_t columns : {1u, 3u, 10u})
      for (const std::size_t depth : {1u, 15u, 16u, 17u, 31u, 32u, 33u, 64u, 100u}) {
        visited += expect_products<fb::mxfp4>(rows, columns, depth);
        visited += expect_products<fb::nvfp4>(rows, columns, depth);
      }
  std::printf("%llu outputs\n", static_cast<unsigned long long>(visited));
}

template <class Format>
class EveryFormat : public ::testing::Test {};
using formats = fewbits_test::list_of<
    ::testing::Types, fb::mxfp8_e5m2, fb::mxfp6_e3m2, fb::mxint8_blocks, fb::fp8_tensor<>, fb::fp8_rows<>,
    fb::fp8_groups<>, fb::fp8_squares<>, fb::int8_rows<>, fb::int4_groups<32>, fb::int4_groups<fb::whole, fb::fp16>,
    fb::uint4_groups<32>, fb::uint4_minimum_groups<32>, fb::uint2_groups<16>, fb::nf4_groups<>, fb::ternary_groups<32>,
    fb::binary_groups<32>, fewbits_test::square_fp4, fewbits_test::mx_columns, fewbits_test::oblong_fp6,
    fewbits_test::oblong_uint3, fewbits_test::per_column_int8, fewbits_test::uint4_tensor, fewbits_test::narrow_scales,
    fewbits_test::nested_uint4, fewbits_test::nested_nf4, fewbits_test::nested_int3, fewbits_test::square_nvfp4>;
TYPED_TEST_SUITE(EveryFormat, formats);

TYPED_TEST(EveryFormat, MultipliesAsItsDequantisedMatrixDoes) {
  std::uint64_t visited = 0;
  for (const std::size_t rows : {1u, 17u})
    for (const std::size_t columns : {1u, 5u, 18u})
      for (const std::size_t depth : {1u, 7u, 32u, 63u, 65u, 150u})
        visited += expect_products<TypeParam>(rows, columns, depth);
  std::printf("%llu outputs\n", static_cast<unsigned long long>(visited));
}

TEST(ReferenceGemm, OfNoDepthIsZeroAndOfNoRowsNothing) {
  const auto w = fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(nullptr, 2, 0));
  std::vector<float> out(6, 9.0f);
  EXPECT_TRUE(
      fb::reference_gemm(fb::matrix_view<float>(out.data(), 3, 2), fb::matrix_view<const float>(nullptr, 3, 0), *w));
  for (const float x : out)
    EXPECT_EQ(bits_of(x), 0u);
  EXPECT_TRUE(
      fb::reference_gemm(fb::matrix_view<float>(out.data(), 0, 2), fb::matrix_view<const float>(nullptr, 0, 0), *w));
}

TEST(ReferenceGemm, ShapesThatDisagreeAreAnErrorAndNothingIsWritten) {
  const std::vector<float> values(400, 1.0f);
  const auto w = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 5, 40));
  std::vector<float> out(400, 9.0f);
  const auto shape = [&](std::size_t m, std::size_t n, std::size_t a_rows, std::size_t a_depth) {
    return fb::reference_gemm(fb::matrix_view<float>(out.data(), m, n),
                              fb::matrix_view<const float>(values.data(), a_rows, a_depth), *w);
  };
  EXPECT_TRUE(shape(4, 5, 4, 40));
  out.assign(400, 9.0f);
  for (const auto& bad : {shape(4, 5, 4, 39), shape(4, 5, 3, 40), shape(4, 6, 4, 40), shape(5, 4, 4, 40)}) {
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code(), fb::errc::shape_mismatch);
  }
  for (const float x : out)
    EXPECT_EQ(x, 9.0f);
}

TEST(ReferenceGemm, APoisonedBlockMakesItsColumnNan) {
  std::vector<float> values(3 * 64, 1.0f);
  values[64 + 50] = float_of(0x7fc00000u);
  const auto w = fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(values.data(), 3, 64));
  std::array<float, 6> out{};
  const std::vector<float> inputs(2 * 64, 0.0f);
  fb::reference_gemm(fb::matrix_view<float>(out.data(), 2, 3), fb::matrix_view<const float>(inputs.data(), 2, 64), *w)
      .value();
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ((bits_of(out[i]) & 0x7fffffffu) > 0x7f800000u, i % 3 == 1) << i;
}

constexpr std::array<float, 4> weights{1.0f, 2.0f, 3.0f, -4.0f};
constexpr std::array<float, 2> product = [] {
  std::array<float, 2> out{};
  const auto w = fb::quantize<fb::mxfp4, 2, 2>(weights);
  const std::array<float, 2> inputs{1.0f, 0.5f};
  fb::reference_gemm(fb::matrix_view<float>(out.data(), 1, 2), fb::matrix_view<const float>(inputs.data(), 1, 2),
                     w.view())
      .value();
  return out;
}();
static_assert(product[0] == 2.0f && product[1] == 1.0f);

}  // namespace
