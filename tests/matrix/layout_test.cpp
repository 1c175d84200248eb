// Where every bit of a quantised matrix lies: each stream, byte for byte, against a model written from the comment in
// matrix/layout.hpp; and shapes that no address space holds.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/matrix.hpp>

#include "matrix/block_formats.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::ue4m2;

namespace {

constexpr std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15ull ^ (b + 1) * 0xc2b2ae3d27d4eb4full;
  x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
  return x ^ x >> 32;
}

// What the streams are to hold: any number, as long as element, block and super-block say it by themselves.
template <int Bits>
constexpr unsigned code_at(std::size_t row, std::size_t column) {
  return static_cast<unsigned>(mixed(row, column) >> 7 & ((1u << Bits) - 1));
}
/// A parameter's code for a block that begins at (row, column): finite, of the type's own width.
template <class T>
constexpr T parameter_at(std::size_t row, std::size_t column, unsigned salt) {
  const std::uint64_t any = mixed(row * 2 + salt, column);
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<std::uint32_t>(0x3f000000u | (any & 0xffffffu)));
  else if constexpr (fb::is_minifloat<T>)
    return T::from_bits(static_cast<typename T::bits_type>(any % (T::format.max_code() + 1)));
  else
    return T::from_bits(static_cast<typename T::bits_type>(any));
}

/// Writes those codes and parameters, whatever the values are.
struct by_position {
  using policy_kind = fb::scale_kind;
  static constexpr bool takes_every_block = true;

  template <fb::blocked Format>
  static constexpr fb::block_parameters<Format> of_block(std::size_t row, std::size_t column) noexcept {
    fb::block_parameters<Format> made{.scale = parameter_at<typename Format::scale_type>(row, column, 0)};
    if constexpr (Format::has_zero_point || Format::has_minimum)
      made.zero = parameter_at<typename Format::zero_type>(row, column, 1);
    return made;
  }
  template <fb::blocked Format, fb::block_source T>
  constexpr fb::block_parameters<Format> parameters(const fb::block_values<T>& values,
                                                    fb::no_tensor_scale) const noexcept {
    return of_block<Format>(values.row(), values.column());
  }
  template <fb::blocked Format, fb::block_source T>
  constexpr fb::super_block_parameters<Format> super_parameters(const fb::block_values<T>& values,
                                                                fb::no_tensor_scale) const noexcept {
    fb::super_block_parameters<Format> made{};
    for (std::size_t b = 0; b < Format::super_count; ++b)
      made.blocks[b] = of_block<Format>(values.row(), values.column() + b * Format::shape.columns);
    made.super.scale = parameter_at<decltype(made.super.scale)>(values.row(), values.column(), 2);
    if constexpr (Format::has_minimum)
      made.super.minimum = parameter_at<decltype(made.super.minimum)>(values.row(), values.column(), 3);
    return made;
  }
  // The value is the code.
  template <fb::blocked Format>
  constexpr std::uint8_t element_code(const fb::unpacked_number& x, const fb::block_parameters<Format>&,
                                      fb::no_tensor_scale) const noexcept {
    return static_cast<std::uint8_t>(fb::pack_code<fb::fixed_format{.total_bits = 8, .is_signed = false}>(x));
  }
};

template <int Bits>
using unsigned_integer = fb::fixed_point<fb::fixed_format{.total_bits = Bits, .is_signed = false}>;

/// A stream of bits by the sentence "element i lies in bits i * width ... of the stream".
struct bit_stream {
  std::vector<std::uint8_t> bytes;

  void put(std::size_t byte_offset, std::size_t first_bit, int width, unsigned code, bool high_first) {
    for (int k = 0; k < width; ++k) {
      const std::size_t at = first_bit + static_cast<std::size_t>(k);
      const unsigned bit = high_first ? code >> (width - 1 - k) & 1u : code >> k & 1u;
      bytes.at(byte_offset + at / 8) =
          static_cast<std::uint8_t>(bytes.at(byte_offset + at / 8) | bit << (high_first ? 7 - at % 8 : at % 8));
    }
  }
};

std::size_t parts(std::size_t length, std::size_t part) { return part == 0 ? 1 : (length + part - 1) / part; }

template <class T>
void put_parameter(bit_stream& stream, std::size_t index, const T& value) {
  if constexpr (std::is_same_v<T, float>) {
    std::memcpy(stream.bytes.data() + index * sizeof value, &value, sizeof value);
  } else if constexpr (T::format.bits() <= 6) {
    stream.put(0, index * static_cast<std::size_t>(T::format.bits()), T::format.bits(), value.bits(), false);
  } else {
    std::memcpy(stream.bytes.data() + index * sizeof value, &value, sizeof value);
  }
}
template <class T>
bit_stream stream_of(std::size_t count) {
  std::size_t bytes = count * sizeof(T);
  if constexpr (!std::is_same_v<T, float>)
    if (T::format.bits() <= 6)
      bytes = (count * static_cast<std::size_t>(T::format.bits()) + 7) / 8;
  return {std::vector<std::uint8_t>(bytes)};
}
template <class Stream>
std::vector<std::uint8_t> bytes_of(const Stream& stream) {
  std::vector<std::uint8_t> made;
  if constexpr (requires { stream.bytes(); })
    for (const std::byte b : stream.bytes())
      made.push_back(static_cast<std::uint8_t>(b));
  else
    for (const std::byte b : std::as_bytes(stream))
      made.push_back(static_cast<std::uint8_t>(b));
  return made;
}

std::uint64_t streams_checked = 0;
std::uint64_t bits_checked = 0;

template <class Format, int Bits>
void expect_layout(std::size_t rows, std::size_t columns) {
  constexpr fb::block_shape shape = Format::shape;
  const std::string what = std::to_string(rows) + " x " + std::to_string(columns) + ", " + std::to_string(Bits) +
                           " bits, blocks of " + std::to_string(shape.rows) + " x " + std::to_string(shape.columns);
  std::vector<float> values(rows * columns);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      values[r * columns + c] = static_cast<float>(code_at<Bits>(r, c));
  const auto made = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), rows, columns), by_position{});
  ASSERT_TRUE(made) << what;

  const std::size_t down = parts(rows, shape.rows);
  const std::size_t across = parts(columns, shape.columns);
  const std::size_t padded = shape.columns == 0 ? columns : across * shape.columns;
  const std::size_t row_bytes = (padded * Bits + 7) / 8;
  bit_stream codes{std::vector<std::uint8_t>(rows * row_bytes)};
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      codes.put(r * row_bytes, c * Bits, Bits, code_at<Bits>(r, c), Format::order == fb::bit_order::high_first);
  if (fewbits_test::planted())
    codes.bytes.back() ^= 0x80u;
  EXPECT_EQ(bytes_of(made->codes()), codes.bytes) << what;

  const auto first_row = [&](std::size_t i) { return shape.rows == 0 ? 0 : i * shape.rows; };
  const auto first_column = [&](std::size_t j) { return shape.columns == 0 ? 0 : j * shape.columns; };
  auto scales = stream_of<typename Format::scale_type>(down * across);
  for (std::size_t i = 0; i < down; ++i)
    for (std::size_t j = 0; j < across; ++j)
      put_parameter(scales, i * across + j,
                    parameter_at<typename Format::scale_type>(first_row(i), first_column(j), 0));
  EXPECT_EQ(bytes_of(made->scales()), scales.bytes) << what;
  EXPECT_EQ(made->scales().size(), down * across) << what;
  std::size_t stored = codes.bytes.size() + scales.bytes.size();
  if constexpr (Format::has_zero_point || Format::has_minimum) {
    auto zeros = stream_of<typename Format::zero_type>(down * across);
    for (std::size_t i = 0; i < down; ++i)
      for (std::size_t j = 0; j < across; ++j)
        put_parameter(zeros, i * across + j,
                      parameter_at<typename Format::zero_type>(first_row(i), first_column(j), 1));
    EXPECT_EQ(bytes_of(made->zeros()), zeros.bytes) << what;
    stored += zeros.bytes.size();
  } else {
    EXPECT_EQ(made->zeros().size(), 0u) << what;
  }
  if constexpr (Format::has_super_scale) {
    const std::size_t supers = parts(across, Format::super_count);
    ASSERT_EQ(made->supers().size(), rows * supers) << what;
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t s = 0; s < supers; ++s) {
        const std::size_t column = s * Format::super_count * shape.columns;
        const auto& got = made->supers()[r * supers + s];
        EXPECT_EQ(got.scale, parameter_at<decltype(Format::super_type::scale)>(r, column, 2)) << what;
        if constexpr (Format::has_minimum) {
          EXPECT_EQ(got.minimum, parameter_at<decltype(Format::super_type::minimum)>(r, column, 3)) << what;
        }
      }
    stored += rows * supers * sizeof(typename Format::super_type);
  } else {
    EXPECT_EQ(made->supers().size(), 0u) << what;
  }
  EXPECT_EQ(made->layout().stored_bytes(), stored) << what;
  EXPECT_DOUBLE_EQ(made->bits_per_weight(), 8.0 * static_cast<double>(stored) / static_cast<double>(rows * columns));
  ++streams_checked;
  bits_checked += stored * 8;

  // The view finds the same by its own way.
  const auto view = made->view();
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t i = shape.rows == 0 ? 0 : r / shape.rows;
      const std::size_t j = shape.columns == 0 ? 0 : c / shape.columns;
      ASSERT_EQ(view.row_codes(r)[c], code_at<Bits>(r, c)) << what << " at " << r << ", " << c;
      ASSERT_EQ(view.block_codes(r, j)[c - first_column(j)], code_at<Bits>(r, c)) << what << " at " << r << ", " << c;
      ASSERT_EQ(view.layout().block_of_row(r), i) << what;
      ASSERT_EQ(view.layout().block_of_column(c), j) << what;
      ASSERT_EQ(fb::source_code(view.block_scale(i, j)),
                fb::source_code(parameter_at<typename Format::scale_type>(first_row(i), first_column(j), 0)))
          << what << " at " << r << ", " << c;
    }
}

template <class Format, int Bits>
void expect_layouts() {
  constexpr bool is_large = Format::shape.columns == 128;
  for (const std::size_t rows : {1u, 2u, 5u, 16u, 17u})
    for (const std::size_t columns : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 33u, 50u})
      expect_layout<Format, Bits>(rows, columns);
  if (is_large)
    for (const auto& [rows, columns] : {std::array<std::size_t, 2>{127, 129}, {128, 128}, {129, 257}, {257, 3}})
      expect_layout<Format, Bits>(rows, columns);
}

// One format of every shape for an element's width; zero points, orders and scales take turns.
template <int Bits>
void expect_shapes() {
  using element = unsigned_integer<Bits>;
  using low = fb::with_order<fb::bit_order::low_first>;
  using high = fb::with_order<fb::bit_order::high_first>;
  using zero = fb::with_zero_point<element>;
  using fb::block_shape;
  struct along : fb::block_format<element, ue4m2, 8, by_position, high, zero> {};
  struct down : fb::block_format<element, fb::ue4m3, block_shape{8, 1}, by_position, low, zero> {};
  struct square : fb::block_format<element, fb::bf16, block_shape{16, 16}, by_position, zero> {};
  struct tall : fb::block_format<element, ue4m2, block_shape{3, 16}, by_position, high> {};
  struct big : fb::block_format<element, float, block_shape{128, 128}, by_position, high, zero> {};
  struct rows : fb::block_format<element, fb::fp16, fb::per_row, by_position, low, zero> {};
  struct columns : fb::block_format<element, ue4m2, fb::per_column, by_position, high, zero> {};
  struct tensor : fb::block_format<element, float, fb::per_tensor, by_position, high> {};
  struct minimum : fb::block_format<element, fb::fp16, block_shape{2, 8}, by_position, fb::with_minimum<fb::bf16>> {};
  struct nested : fb::block_format<element, fb::uint6, 8, by_position, fb::with_minimum<fewbits_test::uint3>,
                                   fb::in_super_blocks<3, fb::fp16, fb::bf16>> {};
  struct nested_plain : fb::block_format<element, fb::int8, 16, by_position, high, fb::in_super_blocks<2, float>> {};
  expect_layouts<along, Bits>();
  expect_layouts<down, Bits>();
  expect_layouts<square, Bits>();
  expect_layouts<tall, Bits>();
  expect_layouts<big, Bits>();
  expect_layouts<rows, Bits>();
  expect_layouts<columns, Bits>();
  expect_layouts<tensor, Bits>();
  expect_layouts<minimum, Bits>();
  expect_layouts<nested, Bits>();
  expect_layouts<nested_plain, Bits>();
}

TEST(Layout, EveryBitLiesWhereTheCommentSays) {
  expect_shapes<3>();
  expect_shapes<4>();
#if !defined(FEWBITS_TEST_LEAN)
  expect_shapes<1>();
  expect_shapes<2>();
  expect_shapes<6>();
  expect_shapes<8>();
#endif
  std::printf("%llu matrices, %llu bits\n", static_cast<unsigned long long>(streams_checked),
              static_cast<unsigned long long>(bits_checked));
}

// Bytes as 128-bit numbers, so that the model does not wrap.
__extension__ typedef unsigned __int128 wide;

template <class Format>
std::uint64_t expect_overflow() {
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> lengths{0, 1, 2, 3, 127, 128, 129, huge, huge - 1, huge - 65535, huge - 65536, huge - 65537};
  for (int power = 16; power < 64; power += 3)
    for (const std::size_t off : {std::size_t{0}, std::size_t{1}, huge})
      lengths.push_back((std::size_t{1} << power) + off);
  constexpr fb::block_shape shape = Format::shape;
  std::uint64_t visited = 0;
  for (const std::size_t rows : lengths)
    for (const std::size_t columns : lengths) {
      const auto layout = fb::quantized_layout<Format>::of(rows, columns);
      ++visited;
      const auto ceil = [](wide a, wide b) { return b == 0 ? wide{1} : (a + b - 1) / b; };
      const wide across = ceil(columns, shape.columns);
      const wide padded = shape.columns == 0 ? wide{columns} : across * shape.columns;
      const wide row_bytes = (padded * Format::element_bits + 7) / 8;
      const bool empty = rows == 0 || columns == 0;
      // Saturating: each factor is below 2^68.
      const auto times = [](wide a, wide b) { return b != 0 && a > (~wide{0} >> 1) / b ? ~wide{0} >> 1 : a * b; };
      const wide codes = empty ? 0 : times(rows, row_bytes);
      const wide blocks = empty ? 0 : times(ceil(rows, shape.rows), across);
      const wide elements = times(rows, columns);
      if (layout) {
        EXPECT_LE(elements, wide{huge});
        EXPECT_EQ(wide{layout->code_bytes()}, codes) << rows << " x " << columns;
        EXPECT_EQ(wide{layout->blocks()}, blocks) << rows << " x " << columns;
        EXPECT_LE(wide{layout->stored_bytes()}, wide{huge / 8} + 64) << rows << " x " << columns;
        EXPECT_GE(wide{layout->stored_bytes()}, codes) << rows << " x " << columns;
      } else {
        EXPECT_EQ(layout.error().code(), fb::errc::size_overflow);
        EXPECT_NE(layout.error().message().find("does not fit the address space"), std::string::npos);
        // What is refused is too large indeed: 2^56 bytes of codes and parameters, or such a row.
        EXPECT_GT(times(codes, 1) + times(blocks, 16) + row_bytes, wide{1} << 56) << rows << " x " << columns;
      }
    }
  return visited;
}

TEST(Layout, ShapesBeyondTheAddressSpaceAreErrorsAndNothingWraps) {
  std::uint64_t visited = 0;
  visited += expect_overflow<fb::mxfp4>();
  visited += expect_overflow<fb::nvfp4>();
  visited += expect_overflow<fb::binary_groups<32>>();
  visited += expect_overflow<fb::fp8_tensor<>>();
  visited += expect_overflow<fb::fp8_rows<>>();
  visited += expect_overflow<fb::fp8_squares<>>();
  visited += expect_overflow<fewbits_test::per_column_int8>();
  visited += expect_overflow<fewbits_test::nested_uint4>();
  visited += expect_overflow<fewbits_test::nested_int3>();
  std::printf("%llu shapes\n", static_cast<unsigned long long>(visited));
}

TEST(Layout, RowsWithoutColumnsHoldNothingHoweverMany) {
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  const auto check = [&]<class Format>(Format) {
    for (const auto& [rows, columns] : {std::array<std::size_t, 2>{huge, 0}, {0, huge / 2}, {0, 0}, {7, 0}, {0, 7}}) {
      const auto made = fb::quantize<Format>(fb::matrix_view<const float>(nullptr, rows, columns));
      ASSERT_TRUE(made) << rows << " x " << columns;
      EXPECT_EQ(made->codes().size() + made->scales().size() + made->zeros().size() + made->supers().size(), 0u);
      EXPECT_EQ(made->bits_per_weight(), 0);
      EXPECT_TRUE(fb::dequantize(*made, fb::matrix_view<float>(nullptr, rows, columns)));
      const auto cost = fb::compare(fb::matrix_view<const float>(nullptr, rows, columns), *made);
      ASSERT_TRUE(cost);
      EXPECT_EQ(cost->elements, 0u);
      EXPECT_TRUE(fb::quantized_view<Format>::over(rows, columns, fb::quantized_streams<Format>{}));
    }
  };
  check(fb::mxfp4{});
  check(fb::nvfp4{});
  check(fb::fp8_tensor<>{});
  check(fb::fp8_rows<>{});
  check(fewbits_test::per_column_int8{});
  check(fb::uint4_groups<32>{});
  check(fewbits_test::nested_uint4{});
}

}  // namespace
