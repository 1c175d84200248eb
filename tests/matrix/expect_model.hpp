// A quantised matrix against its model: every parameter, every code, every decoded value, the filling too; and the ways
// in which a matrix may lie in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/matrix.hpp>

#include "block/blocks.hpp"
#include "matrix/block_model.hpp"
#include "matrix/samples.hpp"
#include "support/planted.hpp"

namespace fewbits_test {

/// Rows and columns of differing size, zeros of both signs, blocks of zeros, one value far out.
template <class T>
plain_matrix<T> lively_matrix(std::size_t rows, std::size_t columns, unsigned seed = 1) {
  static const std::vector<float> samples = normal_samples(1 << 14, 77);
  plain_matrix<T> made{rows, columns, std::vector<T>(rows * columns)};
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      double x = static_cast<double>(samples[(r * 977 + c * 31 + seed * 7919) % samples.size()]);
      x *= r % 5 == 3 ? 0.0625 : c % 11 == 7 ? 4.0 : 1.0;
      x *= 1 + 0x1p-40;  // in doubles no float
      if ((r + c * 3 + seed) % 13 == 5 || (c / 16 + r / 4 + seed) % 6 == 2)
        x = 0;
      made(r, c) = (r ^ c) % 3 == 1 ? T(-x) : T(x);
    }
  if (rows * columns > 40)
    made(rows / 2, columns / 2) = T(-37.5);
  return made;
}

/// The same matrix stored in one of four ways. What lies between its elements is NaN: whoever looks there is found out.
template <class T>
struct stored_matrix {
  static constexpr int ways = 4;
  std::vector<T> buffer;
  fewbits::matrix_view<const T> view;

  stored_matrix(const plain_matrix<T>& from, int way) {
    const std::size_t rows = from.rows;
    const std::size_t columns = from.columns;
    const std::size_t row_stride = way == 0 ? columns : way == 1 ? columns + 3 : way == 2 ? 1 : 2;
    const std::size_t column_stride = way < 2 ? 1 : way == 2 ? rows : 2 * rows + 1;
    buffer.assign(rows * row_stride + columns * column_stride + 1, T(float_of(0x7fc00000u)));
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c)
        buffer[r * row_stride + c * column_stride] = from(r, c);
    view = fewbits::matrix_view<const T>(buffer.data(), rows, columns, row_stride, column_stride);
  }
};

template <class T>
bool same_number(const T& a, const T& b) {
  return fewbits::source_code(a) == fewbits::source_code(b);
}
template <class Format>
bool same_parameters(const fewbits::block_parameters<Format>& a, const fewbits::block_parameters<Format>& b) {
  if constexpr (!std::is_same_v<typename Format::zero_type, fewbits::no_zero_point>)
    if (!same_number(a.zero, b.zero))
      return false;
  return same_number(a.scale, b.scale);
}
inline bool same_float(float a, float b) {
  const auto is_nan = [](float x) { return (bits_of(x) & 0x7fffffffu) > 0x7f800000u; };
  return bits_of(a) == bits_of(b) || (is_nan(a) && is_nan(b));
}

/// Returns the elements visited.
template <class Format>
std::uint64_t expect_model(const fewbits::quantized_view<Format>& got, const modelled_matrix<Format>& model,
                           const std::string& what) {
  const std::size_t rows = got.rows();
  const std::size_t columns = got.columns();
  bool same_tensor_scale = true;
  if constexpr (!std::is_same_v<typename Format::tensor_scale_type, fewbits::no_tensor_scale>)
    same_tensor_scale = bits_of(got.tensor_scale()) == bits_of(model.tensor_scale);
  EXPECT_TRUE(same_tensor_scale) << what;
  EXPECT_EQ(got.scales().size(), model.parameters.size()) << what;
  EXPECT_EQ(got.supers().size(), model.supers.size()) << what;
  if (::testing::Test::HasFailure())
    return 0;
  for (std::size_t i = 0; i < model.block_rows; ++i)
    for (std::size_t j = 0; j < model.block_columns; ++j)
      EXPECT_TRUE(same_parameters<Format>(got.parameters_of(i, j), model.parameters[i * model.block_columns + j]))
          << what << ", block " << i << ", " << j;
  if constexpr (Format::has_super_scale)
    for (std::size_t s = 0; s < model.supers.size(); ++s) {
      EXPECT_TRUE(same_number(got.supers()[s].scale, model.supers[s].scale)) << what << ", super-block " << s;
      if constexpr (Format::has_minimum) {
        EXPECT_TRUE(same_number(got.supers()[s].minimum, model.supers[s].minimum)) << what << ", super-block " << s;
      }
    }

  std::vector<float> expected(rows * columns);
  for (std::size_t k = 0; k < expected.size(); ++k)
    expected[k] = fewbits::pack_native<float>(model.exact[k]);
  if (planted() && !expected.empty())
    expected.back() = 1234.5f;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto codes = got.row_codes(r);
    for (std::size_t c = 0; c < codes.size(); ++c)
      EXPECT_EQ(codes[c], c < columns ? model.codes[r * columns + c] : 0) << what << ", code " << r << ", " << c;
  }
  std::vector<float> restored(rows * columns + 1, 77.0f);
  EXPECT_TRUE(fewbits::dequantize(got, fewbits::matrix_view<float>(restored.data(), rows, columns))) << what;
  EXPECT_EQ(restored.back(), 77.0f) << what;
  for (std::size_t k = 0; k < expected.size(); ++k)
    EXPECT_TRUE(same_float(restored[k], expected[k]))
        << what << ", element " << k / columns << ", " << k % columns << ": " << restored[k] << " for " << expected[k];

  // Pieces of rows, from any column on and of any length.
  std::mt19937 random(static_cast<unsigned>(rows * 131 + columns));
  std::vector<float> piece(columns + 1);
  for (std::size_t tries = 0; rows * columns != 0 && tries < 8; ++tries) {
    const std::size_t r = random() % rows;
    const std::size_t first = random() % columns;
    const std::size_t count = random() % (columns - first + 1);
    std::fill(piece.begin(), piece.end(), 77.0f);
    got.decode(r, first, std::span(piece.data(), count));
    for (std::size_t k = 0; k < count; ++k)
      EXPECT_TRUE(same_float(piece[k], expected[r * columns + first + k])) << what << ", piece at " << first;
    EXPECT_EQ(piece[count], 77.0f) << what;
  }
  return rows * columns;
}

}  // namespace fewbits_test
