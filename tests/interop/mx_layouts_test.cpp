// Layouts that are rows of codes and rows of scales: mx and fp8 of compressed-tensors, torchao, gpt-oss, DeepSeek; and
// scales in tiles of 128 x 4. Against files of compressed-tensors 0.20.0, torchao 0.18.0 and transformers 5.23.0
// (write_layout_fixtures.py).
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "interop/layouts_fixture.hpp"
#include "support/planted.hpp"

#include <fewbits/block/fp8.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/interop/layouts/compressed_tensors_floats.hpp>
#include <fewbits/interop/layouts/deepseek.hpp>
#include <fewbits/interop/layouts/gpt_oss.hpp>
#include <fewbits/interop/layouts/torchao.hpp>

namespace fb = fewbits;
using namespace fewbits_test;
using fb::errc;
using fb::scale_tiling;

namespace {

// cuBLAS: rows 0, 32, 64, 96 of a block column lie 4 bytes apart, rows 0 and 1 16; the next tile along 512 further.
static_assert(fb::swizzled_scale_index(0, 0, 8) == 0);
static_assert(fb::swizzled_scale_index(1, 0, 8) == 16);
static_assert(fb::swizzled_scale_index(32, 3, 8) == 7);
static_assert(fb::swizzled_scale_index(127, 3, 8) == 511);
static_assert(fb::swizzled_scale_index(0, 4, 8) == 512);
static_assert(fb::swizzled_scale_index(128, 0, 5) == 1024);
static_assert(fb::swizzled_scale_bytes(129, 5).value() == 2048);

/// By bits, so that -ffast-math cannot decide it.
bool is_nan(float x) { return (bits_of(x) & 0x7fffffffu) > 0x7f800000u; }

/// halves / 2 x 2^exponent in integers; Inf past float32.
float half_units(unsigned halves, int exponent) {
  std::uint32_t bits = 0;
  if (halves != 0) {
    const int top = static_cast<int>(std::bit_width(halves)) - 1;
    const int field = exponent - 1 + top + 127;
    const std::uint32_t significand = halves << (23 - top);
    bits = field >= 255 ? 0x7f800000u
           : field >= 1 ? static_cast<std::uint32_t>(field) << 23 | (significand & 0x7fffffu)
                        : significand >> (1 - field);
  }
  return std::bit_cast<float>(bits);
}

template <class Weights>
std::uint64_t expect_values(const Weights& weights, const std::vector<float>& values, const std::string& name) {
  std::vector<float> row(weights.columns());
  std::uint64_t visited = 0;
  for (std::size_t n = 0; n < weights.rows(); ++n) {
    weights.decode(n, 0, row);
    for (std::size_t k = 0; k < row.size(); ++k, ++visited) {
      std::uint32_t expected = bits_of(values[n * row.size() + k]);
      if (planted() && visited == 40)
        expected ^= 0x80000000u;
      EXPECT_EQ(bits_of(row[k]), expected) << name << ", row " << n << ", column " << k;
    }
  }
  return visited;
}

TEST(MxLayouts, TilesAreAPermutationFilledUpWithZeros) {
  std::mt19937_64 random(23);
  std::uint64_t visited = 0;
  for (const std::size_t rows : {1u, 31u, 33u, 127u, 128u, 129u, 300u})
    for (std::size_t columns = 1; columns <= 9; ++columns) {
      bytes from = random_bytes(random, rows * columns);
      for (auto& each : from)
        each |= std::byte{1};  // no scale looks like filling
      bytes tiles = ones(fb::swizzled_scale_bytes(rows, columns).value());
      ASSERT_TRUE(fb::swizzle_scales(rows, columns, from, tiles));
      std::size_t zeros = 0;
      for (const auto each : tiles)
        zeros += each == std::byte{0} ? 1u : 0u;
      ASSERT_EQ(zeros, tiles.size() - from.size()) << rows << " x " << columns;
      bytes back = ones(from.size());
      ASSERT_TRUE(fb::unswizzle_scales(rows, columns, tiles, back));
      ASSERT_TRUE(same(from, back)) << rows << " x " << columns;
      visited += from.size();
      // One byte more or less anywhere writes nothing.
      bytes longer = ones(tiles.size() + 1);
      ASSERT_EQ(fb::swizzle_scales(rows, columns, from, longer).error().code(), errc::shape_mismatch);
      ASSERT_TRUE(same(longer, ones(longer.size())));
      ASSERT_FALSE(fb::unswizzle_scales(rows, columns, longer, back));
      ASSERT_FALSE(fb::unswizzle_scales(rows, columns + 1, tiles, back));
    }
  EXPECT_EQ(fb::swizzled_scale_bytes(std::size_t{1} << 63, std::size_t{1} << 40).error().code(), errc::size_overflow);
  std::printf("%llu scales in tiles\n", static_cast<unsigned long long>(visited));
}

TEST(MxLayouts, ReadsTorchaoInBothOrdersAndWritesItsBytes) {
  const fixture file("mx_layouts");
  const auto visit = [&]<class Format>(const Format&, const std::string& name, std::size_t rows) {
    const auto multiplier = Format::has_tensor_scale
                                ? fb::load_scale<fb::scale_multiplier>(file[name + ".per_tensor_scale"]).value()
                                : fb::scale_multiplier{1.0f};
    const fb::torchao_tensors<> plain{file[name + ".qdata"], file[name + ".scale"]};
    const fb::torchao_tensors<> tiled{file[name + ".qdata"], file[name + "_swizzled.scale"]};
    const auto view = fb::view_torchao<Format>(rows, 64, plain, multiplier);
    ASSERT_TRUE(view) << view.error().message();
    EXPECT_EQ(view->codes().data(), plain.qdata.data());  // borrowed
    const auto read = fb::read_torchao<Format>(rows, 64, tiled, scale_tiling::tiles_128x4, multiplier);
    ASSERT_TRUE(read) << read.error().message();
    std::vector<float> a(64), b(64);
    for (std::size_t n = 0; n < rows; ++n) {
      view->decode(n, 0, a);
      read->view().decode(n, 0, b);
      for (std::size_t k = 0; k < 64; ++k)
        ASSERT_EQ(bits_of(a[k]), bits_of(b[k])) << name << ", row " << n << ", column " << k;
    }
    for (const scale_tiling tiling : {scale_tiling::row_major, scale_tiling::tiles_128x4}) {
      const auto& expected = tiling == scale_tiling::row_major ? plain : tiled;
      bytes codes = ones(expected.qdata.size()), scale = ones(expected.scale.size());
      const auto written = fb::write_torchao(read->view(), {codes, scale}, tiling);
      ASSERT_TRUE(written) << written.error().message();
      EXPECT_TRUE(same_bits(*written, multiplier));
      EXPECT_TRUE(same(codes, expected.qdata) && same(scale, expected.scale)) << name;
      // One byte too many: nothing is written. The other order is refused by its size.
      bytes longer = ones(expected.scale.size() + 1);
      bytes untouched = ones(codes.size());
      EXPECT_FALSE(fb::write_torchao(read->view(), {untouched, longer}, tiling));
      EXPECT_TRUE(same(untouched, ones(codes.size())) && same(longer, ones(longer.size())));
      const auto& other = tiling == scale_tiling::row_major ? tiled : plain;
      EXPECT_EQ(fb::read_torchao<Format>(rows, 64, other, tiling).error().code(), errc::shape_mismatch);
    }
  };
  visit(fb::mxfp4{}, "mxfp4", 130);
  visit(fb::mxfp8_e4m3{}, "mxfp8", 6);
  visit(fb::nvfp4{}, "nvfp4", 130);
  EXPECT_EQ(fb::view_torchao<fb::mxfp4>(130, 64, {file["mxfp4.qdata"], file["mxfp4.scale"]}, fb::scale_multiplier{2.0f})
                .error()
                .code(),
            errc::invalid_argument);
  EXPECT_EQ(
      fb::view_torchao<fb::nvfp4>(130, 64, {file["nvfp4.qdata"], file["nvfp4.scale"]}, fb::scale_multiplier{-2.0f})
          .error()
          .code(),
      errc::malformed_file);
}

TEST(MxLayouts, EveryScaleByteOfMxHasItsValue) {
  bytes blocks(16), scale(1);
  for (std::size_t i = 0; i < 16; ++i)
    blocks[i] = static_cast<std::byte>(i | (15 - i) << 4);
  std::vector<float> row(32);
  std::uint64_t visited = 0;
  for (unsigned code = 0; code < 256; ++code) {
    scale[0] = static_cast<std::byte>(code);
    const auto view = fb::view_gpt_oss(1, 0, 1, 32, {blocks, scale});
    ASSERT_TRUE(view) << view.error().message();
    view->decode(0, 0, row);
    for (unsigned k = 0; k < 32; ++k, ++visited) {
      const unsigned element = k % 2 == 0 ? k / 2 : 15 - k / 2;  // the low nibble first
      constexpr unsigned halves_of[] = {0, 1, 2, 3, 4, 6, 8, 12};
      const std::uint32_t exact =
          bits_of(half_units(halves_of[element % 8], static_cast<int>(code) - 127)) | (element >= 8 ? 0x80000000u : 0u);
      if (code == 255)
        ASSERT_TRUE(is_nan(row[k])) << k;
      else
        ASSERT_EQ(bits_of(row[k]), exact) << "scale " << code << ", element " << element;
    }
  }
  EXPECT_TRUE(is_nan(row[16]));
  std::printf("%llu values of mxfp4\n", static_cast<unsigned long long>(visited));
}

TEST(MxLayouts, ReadsExpertsOfGptOssInPlaceAndWritesThemOneByOne) {
  const fixture file("mx_layouts");
  const fb::gpt_oss_tensors<> tensors{file["gpt_oss.blocks"], file["gpt_oss.scales"]};
  const auto values = file.floats("gpt_oss.values");
  bytes blocks = ones(tensors.blocks.size()), scales = ones(tensors.scales.size());
  for (std::size_t expert = 0; expert < 2; ++expert) {
    const auto view = fb::view_gpt_oss(2, expert, 5, 64, tensors);
    ASSERT_TRUE(view) << view.error().message();
    EXPECT_EQ(view->codes().data(), tensors.blocks.data() + expert * 160);  // borrowed
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(expert * 320);
    expect_values(*view, std::vector<float>(first, first + 320), "gpt-oss");
    ASSERT_TRUE(fb::write_gpt_oss(*view, 2, expert, {blocks, scales}));
    EXPECT_EQ(same(blocks, tensors.blocks) && same(scales, tensors.scales), expert == 1);
  }
  EXPECT_EQ(fb::view_gpt_oss(2, 2, 5, 64, tensors).error().code(), errc::invalid_argument);
  EXPECT_EQ(fb::view_gpt_oss(2, 0, 5, 48, tensors).error().code(), errc::unsupported);
  EXPECT_EQ(fb::view_gpt_oss(2, 0, 6, 64, tensors).error().code(), errc::shape_mismatch);
  EXPECT_EQ(fb::view_gpt_oss(3, 0, 5, 64, tensors).error().code(), errc::shape_mismatch);
  const bytes short_codes = ones(15), one_scale = ones(1);
  EXPECT_EQ(fb::view_torchao<fb::mxfp4>(1, 32, {short_codes, one_scale}).error().message(),
            "'qdata' has 15 bytes, and [1, 32] of 4 bits each take 16");
  EXPECT_EQ(fb::view_gpt_oss(std::size_t{1} << 62, 0, 5, 64, tensors).error().code(), errc::size_overflow);
}

TEST(MxLayouts, DeepSeekMultipliesByItsInverseAlsoWhereSquaresEndEarly) {
  std::mt19937_64 random(29);
  using format = fb::fp8_squares<>;
  for (const std::size_t columns : {128u, 256u, 130u, 7u}) {
    const std::size_t rows = 200;
    const auto sizes = fb::code_and_scale_sizes_of<format>(rows, columns).value();
    bytes weight = random_bytes(random, sizes.codes);
    for (auto& each : weight)
      if ((each & std::byte{0x7f}) == std::byte{0x7f})
        each = std::byte{0x80};  // -0 in the place of NaN
    const std::size_t along = (columns + 127) / 128;
    ASSERT_EQ(sizes.scales, 2 * along * 4);
    std::vector<float> numbers(2 * along);
    bytes scale(sizes.scales);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = std::ldexp(1.0f + static_cast<float>(random() % 1000) / 1000, static_cast<int>(random() % 40) - 20);
      fb::stored_numbers<float, std::byte>{scale}.set(i, numbers[i]);
    }
    std::vector<float> values(rows * columns);
    for (std::size_t n = 0; n < rows; ++n)
      for (std::size_t k = 0; k < columns; ++k)
        values[n * columns + k] =
            numbers[n / 128 * along + k / 128] *
            static_cast<float>(fb::e4m3::from_bits(std::to_integer<std::uint8_t>(weight[n * columns + k])));
    const fb::deepseek_fp8_tensors<> tensors{weight, fb::stored_numbers<float>{scale}};
    const auto read = fb::read_deepseek_fp8(rows, columns, tensors);
    ASSERT_TRUE(read) << read.error().message();
    expect_values(read->view(), values, "DeepSeek");
    const auto view = fb::view_deepseek_fp8(rows, columns, tensors);
    ASSERT_EQ(view.has_value(), columns % 128 == 0 && std::endian::native == std::endian::little);
    if (view)
      expect_values(*view, values, "DeepSeek in place");
    else
      EXPECT_EQ(view.error().code(), errc::unsupported);

    bytes out = ones(weight.size()), out_scale = ones(scale.size());
    ASSERT_TRUE(fb::write_deepseek_fp8(read->view(), {out, fb::stored_numbers<float, std::byte>{out_scale}}));
    EXPECT_TRUE(same(out, weight) && same(out_scale, scale));
    // Scales that do not lie at a multiple of 4 bytes are read, not borrowed.
    bytes shifted(scale.size() + 8);
    const std::size_t odd = 1 + (4 - reinterpret_cast<std::uintptr_t>(shifted.data()) % 4) % 4;
    std::copy(scale.begin(), scale.end(), shifted.begin() + static_cast<std::ptrdiff_t>(odd));
    const fb::deepseek_fp8_tensors<> unaligned{
        weight, fb::stored_numbers<float>{std::span(std::as_const(shifted)).subspan(odd, scale.size())}};
    EXPECT_FALSE(fb::view_deepseek_fp8(rows, columns, unaligned));
    ASSERT_TRUE(fb::read_deepseek_fp8(rows, columns, unaligned));
    EXPECT_EQ(fb::read_deepseek_fp8(rows + 1, columns, tensors).error().code(), errc::shape_mismatch);
    bytes untouched = ones(weight.size() + 1);
    EXPECT_FALSE(fb::write_deepseek_fp8(read->view(), {untouched, fb::stored_numbers<float, std::byte>{out_scale}}));
    EXPECT_TRUE(same(untouched, ones(untouched.size())));
  }
}

TEST(MxLayouts, ReadsMxAndBytesOfCompressedTensorsAndWritesThem) {
  const fixture file("compressed_tensors_floats");
  std::uint64_t visited = 0;
  const auto mx = [&]<class Format>(const Format&, const std::string& name) {
    const fb::compressed_tensors_mx_tensors<> tensors{file[name + ".weight_packed"], file[name + ".weight_scale"]};
    const auto view = fb::view_compressed_tensors_mx<Format>(6, 96, tensors);
    ASSERT_TRUE(view) << view.error().message();
    visited += expect_values(*view, file.floats(name + ".values"), name);
    bytes packed = ones(tensors.weight_packed.size()), scale = ones(tensors.weight_scale.size());
    ASSERT_TRUE(fb::write_compressed_tensors_mx(*view, {packed, scale}));
    EXPECT_TRUE(same(packed, tensors.weight_packed) && same(scale, tensors.weight_scale));
  };
  mx(fb::mxfp4{}, "mxfp4");
  mx(fb::mxfp6_e2m3{}, "mxfp6");
  const auto naive = [&]<class Format>(const Format&, const std::string& name, std::size_t rows, std::size_t columns) {
    using scale_type = typename Format::scale_type;
    const fb::compressed_tensors_naive_tensors<scale_type> tensors{
        file[name + ".weight"], fb::stored_numbers<scale_type>{file[name + ".weight_scale"]}};
    const auto read = fb::read_compressed_tensors_naive<Format>(rows, columns, tensors);
    ASSERT_TRUE(read) << read.error().message();
    visited += expect_values(read->view(), file.floats(name + ".values"), name);
    // Small matrices end inside a block along the columns, or do not.
    const bool ends_early = read->layout().padded_columns() != columns;
    const auto view = fb::view_compressed_tensors_naive<Format>(rows, columns, tensors);
    if (ends_early || sizeof(scale_type) == 1) {
      EXPECT_EQ(view.has_value(), !ends_early) << name;
    }
    if (view)
      visited += expect_values(*view, file.floats(name + ".values"), name);
    bytes weight = ones(tensors.weight.size()), scale = ones(tensors.weight_scale.bytes.size());
    ASSERT_TRUE(
        fb::write_compressed_tensors_naive(read->view(), {weight, fb::stored_numbers<scale_type, std::byte>{scale}}));
    EXPECT_TRUE(same(weight, tensors.weight) && same(scale, tensors.weight_scale.bytes)) << name;
  };
  naive(fb::mxfp8_e4m3{}, "mxfp8", 6, 96);
  naive(fb::fp8_tensor<fb::e4m3, fb::bf16>{}, "fp8_tensor", 6, 20);
  naive(fb::fp8_rows<fb::e4m3, fb::bf16>{}, "fp8_channel", 6, 20);
  naive(fb::scaled_format<fb::e4m3, 32, fb::bf16>{}, "fp8_group", 4, 64);
  naive(fb::scaled_format<fb::e4m3, fb::block_shape{8, 16}, fb::bf16>{}, "fp8_block", 12, 24);
  naive(fb::int8_rows<>{}, "int8_bytes", 6, 20);
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

// No bytes stand behind such shapes: a loop over their rows or columns would not end.
TEST(MxLayouts, ShapesWithoutValuesTakeNoTime) {
  constexpr std::size_t many = std::size_t{1} << 50;
  for (const auto [rows, columns] : {std::array{many, std::size_t{0}}, std::array{std::size_t{0}, many}}) {
    const auto made = fb::read_torchao<fb::nvfp4>(rows, columns, {}, scale_tiling::tiles_128x4);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(fb::write_torchao(made->view(), {}, scale_tiling::tiles_128x4));
  }
}

}  // namespace
