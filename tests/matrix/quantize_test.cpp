// Matrices: every shape, stride and tail is the blocks it is made of; errors write nothing; constants equal run time.
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/matrix.hpp>

#include "block/blocks.hpp"
#include "matrix/samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

/// A user's format and rule: scales that never saturate, blocks of 6 with two-bit leftovers in a row's last byte.
struct never_clips {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format>
  constexpr typename Format::scale_type block_scale(const fb::unpacked_number& amax,
                                                    fb::no_tensor_scale) const noexcept {
    const auto quotient = fb::exact_quotient(amax, fb::largest<typename Format::element_type>);
    using scale = typename Format::scale_type;
    return scale::from_bits(
        static_cast<typename scale::bits_type>(fb::pack_code<scale::format>(quotient, fb::encoding<fb::upward_t>{})));
  }
};
struct my_format : fb::block_format<fb::e2m3, fb::ue8m0, 4, never_clips, fb::with_order<fb::bit_order::high_first>> {};
struct my_integers : fb::block_format<fb::int4, fb::bf16, 10, never_clips> {};

template <class Format>
class EveryFormat : public ::testing::Test {};
using formats = ::testing::Types<fb::mxfp4, fb::nvfp4, my_format, my_integers>;
TYPED_TEST_SUITE(EveryFormat, formats);

/// Quantises `view` and compares every block with encode_block, and dequantize with decode_block.
template <class Format, class T>
std::uint64_t expect_blocks(const fb::matrix_view<T>& view, const char* what) {
  const auto made = fb::quantize<Format>(view);
  EXPECT_TRUE(made) << what;
  const auto w = made->view();
  EXPECT_EQ(w.rows(), view.rows());
  EXPECT_EQ(w.columns(), view.columns());
  EXPECT_EQ(made->codes().size(),
            view.rows() * ((view.columns() + Format::size - 1) / Format::size) * Format::code_bytes);

  std::vector<float> restored(view.rows() * view.columns() + 1, 77.0f);
  EXPECT_TRUE(fb::dequantize(*made, fb::matrix_view<float>(restored.data(), view.rows(), view.columns())));
  EXPECT_EQ(restored.back(), 77.0f) << what;
  std::uint64_t visited = 0;
  for (std::size_t r = 0; r < view.rows(); ++r)
    for (std::size_t b = 0; b * Format::size < view.columns(); ++b) {
      std::vector<std::remove_const_t<T>> values;
      for (std::size_t c = b * Format::size; c < view.columns() && c < (b + 1) * Format::size; ++c)
        values.push_back(view(r, c));
      const auto expected = fb::encode_block<Format>(std::span<const std::remove_const_t<T>>(values), w.tensor_scale());
      EXPECT_EQ(w.block_scale(r, b).bits(), expected.scale.bits()) << what << " row " << r << " block " << b;
      std::vector<float> decoded(values.size());
      fb::decode_block(expected, decoded, w.tensor_scale());
      if (fewbits_test::planted())
        decoded[0] = 1234.5f;
      for (std::size_t i = 0; i < Format::size; ++i, ++visited) {
        EXPECT_EQ(w.block_codes(r, b)[i], expected.codes[i]) << what << " row " << r << " block " << b << " code " << i;
        if (i < values.size())
          EXPECT_EQ(bits_of(restored[r * view.columns() + b * Format::size + i]), bits_of(decoded[i])) << what;
        else
          EXPECT_EQ(w.block_codes(r, b)[i], 0) << what << ": filling";
      }
    }
  return visited;
}

TYPED_TEST(EveryFormat, EveryShapeStrideAndTailIsTheBlocksItIsMadeOf) {
  std::uint64_t visited = 0;
  for (const std::size_t rows : {1u, 2u, 5u})
    for (std::size_t columns = 1; columns <= 70; ++columns) {
      const auto values = fewbits_test::normal_samples((rows + 1) * (columns + 3) * 2, 11);
      visited += expect_blocks<TypeParam>(fb::matrix_view<const float>(values.data(), rows, columns), "contiguous");
      visited +=
          expect_blocks<TypeParam>(fb::matrix_view<const float>(values.data(), rows, columns, columns + 3), "strided");
      visited += expect_blocks<TypeParam>(fb::matrix_view<const float>(values.data(), rows, columns, 1, 2 * rows),
                                          "columns apart");
      visited += expect_blocks<TypeParam>(fb::matrix_view<const float>(values.data(), columns, rows).transposed(),
                                          "transposed");
    }
  std::printf("%llu elements\n", static_cast<unsigned long long>(visited));
}

TYPED_TEST(EveryFormat, DoublesAndHalvesAreQuantisedWithoutAFloatBetween) {
  std::vector<double> doubles;
  std::vector<fb::fp16> halves;
  for (const float x : fewbits_test::normal_samples(5 * 41, 12)) {
    doubles.push_back(static_cast<double>(x) * (1 + 0x1p-40));
    halves.push_back(fb::fp16{x});
  }
  expect_blocks<TypeParam>(fb::matrix_view<const double>(doubles.data(), 5, 41), "double");
  expect_blocks<TypeParam>(fb::matrix_view<const fb::fp16>(halves.data(), 5, 41), "fp16");
}

TYPED_TEST(EveryFormat, AnEmptyMatrixIsFine) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{0, 0}, {0, 5}, {5, 0}}) {
    const auto made = fb::quantize<TypeParam>(fb::matrix_view<const float>(nullptr, rows, columns));
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->codes().empty());
    EXPECT_TRUE(made->scales().empty());
    EXPECT_TRUE(fb::dequantize(*made, fb::matrix_view<float>(nullptr, rows, columns)));
  }
}

TYPED_TEST(EveryFormat, ShapesThatWrapAreRefusedBeforeAnyElementIsTouched) {
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  float one = 1.0f;
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{huge, huge},
                                      {huge / 2, 4},
                                      {4, huge / 2},
                                      {std::size_t{1} << 32, std::size_t{1} << 32},
                                      {huge / 8, 1},
                                      {1, huge}}) {
    const auto made = fb::quantize<TypeParam>(fb::matrix_view<const float>(&one, rows, columns, 0, 0));
    ASSERT_FALSE(made) << rows << " x " << columns;
    EXPECT_EQ(made.error().code(), fb::errc::size_overflow);
    EXPECT_NE(made.error().message().find("does not fit"), std::string::npos);
  }
}

TYPED_TEST(EveryFormat, DequantizingIntoAnotherShapeIsAnErrorAndWritesNothing) {
  const auto values = fewbits_test::normal_samples(3 * 40, 1);
  const auto made = fb::quantize<TypeParam>(fb::matrix_view<const float>(values.data(), 3, 40));
  std::vector<float> out(200, 5.0f);
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{3, 39}, {4, 40}, {40, 3}, {0, 0}}) {
    const auto done = fb::dequantize(*made, fb::matrix_view<float>(out.data(), rows, columns));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), fb::errc::shape_mismatch);
  }
  for (const float x : out)
    EXPECT_EQ(x, 5.0f);
}

TEST(Views, AreCheckedAgainstTheirBuffer) {
  std::vector<float> buffer(100);
  using view = fb::matrix_view<float>;
  EXPECT_TRUE(view::over(buffer, 10, 10));
  EXPECT_TRUE(view::over(buffer, 9, 10, 11));
  EXPECT_TRUE(view::over(buffer, 0, 1000));
  EXPECT_EQ(view::over(buffer, 10, 11).error().code(), fb::errc::buffer_too_small);
  EXPECT_EQ(view::over(buffer, 10, 10, 11).error().code(), fb::errc::buffer_too_small);
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(view::over(buffer, huge, 2, huge).error().code(), fb::errc::size_overflow);
  EXPECT_EQ(view::over(buffer, 2, 2, huge, huge).error().code(), fb::errc::size_overflow);
}

TEST(QuantizedViews, OfForeignStreamsAreCheckedAgainstTheShape) {
  std::vector<std::byte> codes(3 * 2 * 8);
  std::vector<fb::ue4m3> scales(3 * 2, fb::ue4m3{1.0f});
  using view = fb::quantized_view<fb::nvfp4>;
  EXPECT_TRUE(view::over(3, 17, codes, scales, 0.5f));
  EXPECT_TRUE(view::over(3, 32, codes, scales, 0.5f));
  EXPECT_EQ(view::over(3, 33, codes, scales, 0.5f).error().code(), fb::errc::buffer_too_small);
  EXPECT_EQ(view::over(4, 32, codes, scales, 0.5f).error().code(), fb::errc::buffer_too_small);
  EXPECT_EQ(view::over(3, 32, codes, std::span(scales).first(5), 0.5f).error().code(), fb::errc::buffer_too_small);
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(view::over(huge, huge, codes, scales, 0.5f).error().code(), fb::errc::size_overflow);
}

TEST(Quantize, ANanPoisonsItsBlockAndLeavesTheTensorScaleAlone) {
  auto values = fewbits_test::normal_samples(2 * 64, 3);
  values[7] = 10.0f;  // the tensor's largest magnitude, in a clean block
  const auto clean = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 2, 64));
  values[20] = float_of(0x7fc00000u);
  values[100] = float_of(0xff800000u);
  const auto made = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 2, 64));
  EXPECT_EQ(bits_of(made->tensor_scale()), bits_of(clean->tensor_scale()));
  for (std::size_t b = 0; b < 8; ++b)
    EXPECT_EQ(made->scales()[b].bits() == 0x7f, b == 1 || b == 6) << b;
}

TEST(Quantize, AMatrixOfZerosHasTensorScaleOne) {
  const std::vector<float> zeros(64);
  const auto made = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(zeros.data(), 2, 32));
  EXPECT_EQ(bits_of(made->tensor_scale()), bits_of(1.0f));
  EXPECT_EQ(made->scales()[3].bits(), 0);
}

TEST(QuantizedMatrix, MovesItsStreams) {
  const auto values = fewbits_test::normal_samples(64, 3);
  auto made = fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(values.data(), 2, 32));
  const auto* const codes = made->codes().data();
  fb::quantized_matrix<fb::mxfp4> moved = std::move(*made);
  EXPECT_EQ(moved.codes().data(), codes);
  EXPECT_EQ(moved.rows(), 2u);
  EXPECT_EQ(made->rows(), 0u);
  EXPECT_DOUBLE_EQ(moved.bits_per_weight(), 4.25);
}

constexpr std::array<float, 2 * 35> constants = [] {
  std::array<float, 70> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16.0f;
  return made;
}();
constexpr auto mx_constant = fb::quantize<fb::mxfp4, 2, 35>(constants);
constexpr auto nv_constant = fb::quantize<fb::nvfp4, 2, 35>(constants);
constexpr float first_restored = [] {
  std::array<float, 70> out{};
  fb::dequantize(mx_constant, fb::matrix_view<float>(out.data(), 2, 35)).value();
  return out[0];
}();
static_assert(first_restored == -3.0f);  // -50/16 in steps of .5: 6.25 halves

TEST(Quantize, RunTimeEqualsCompileTime) {
  const std::vector<float> values(constants.begin(), constants.end());
  const fb::matrix_view<const float> view(values.data(), 2, 35);
  const auto mx = fb::quantize<fb::mxfp4>(view);
  const auto nv = fb::quantize<fb::nvfp4>(view);
  EXPECT_TRUE(std::ranges::equal(mx->codes(), mx_constant.view().codes()));
  EXPECT_TRUE(std::ranges::equal(mx->scales(), mx_constant.view().scales()));
  EXPECT_TRUE(std::ranges::equal(nv->codes(), nv_constant.view().codes()));
  EXPECT_TRUE(std::ranges::equal(nv->scales(), nv_constant.view().scales()));
  EXPECT_EQ(bits_of(nv->tensor_scale()), bits_of(nv_constant.view().tensor_scale()));
}

}  // namespace
