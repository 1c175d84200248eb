// ModelOpt's layouts against its own package's file (nvidia-modelopt 0.47.0, write_layout_fixtures.py), and the numbers
// that no calibration made: multipliers of 0, NaN scales, negative scale codes.
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "interop/layouts_fixture.hpp"
#include "support/planted.hpp"

#include <fewbits/block/fp8.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/modelopt.hpp>

namespace fb = fewbits;
using namespace fewbits_test;
using fb::errc;

namespace {

using int4_layer = fb::int4_groups<32>;

/// By bits, so that -ffast-math cannot decide it.
bool is_nan(float x) { return (bits_of(x) & 0x7fffffffu) > 0x7f800000u; }

template <class Weights>
std::uint64_t expect_values(const Weights& weights, const std::vector<float>& values, const char* name) {
  std::vector<float> row(weights.columns());
  std::uint64_t visited = 0;
  for (std::size_t n = 0; n < weights.rows(); ++n) {
    weights.decode(n, 0, row);
    for (std::size_t k = 0; k < row.size(); ++k, ++visited) {
      std::uint32_t expected = bits_of(values[n * row.size() + k]);
      if (planted() && visited == 40)
        expected ^= 0x80000000u;
      if (!(is_nan(row[k]) && is_nan(values[n * row.size() + k]))) {
        EXPECT_EQ(bits_of(row[k]), expected) << name << ", row " << n << ", column " << k;
      }
    }
  }
  return visited;
}

TEST(ModelOpt, ReadsNvfp4OfItsPackageInPlaceAndWritesItsBytes) {
  const fixture file("modelopt");
  std::uint64_t visited = 0;
  for (const char* name : {"nvfp4", "nvfp4_uncalibrated"}) {
    const std::string prefix = std::string(name) + ".";
    const auto multiplier = fb::load_scale<fb::scale_multiplier>(file[prefix + "weight_scale_2"]).value();
    const fb::modelopt_nvfp4_tensors<> tensors{file[prefix + "weight"], file[prefix + "weight_scale"]};
    const auto view = fb::view_modelopt_nvfp4(12, 48, tensors, multiplier);
    const auto copy = fb::read_modelopt_nvfp4(12, 48, tensors, multiplier);
    ASSERT_TRUE(copy) << copy.error().message();
    const bool has_signed_nan = multiplier.value == 0;
    ASSERT_EQ(view.has_value(), !has_signed_nan);
    visited += expect_values(copy->view(), file.floats(prefix + "values"), name);
    if (view) {
      EXPECT_EQ(view->codes().data(), tensors.weight.data());  // borrowed
      visited += expect_values(*view, file.floats(prefix + "values"), name);
    } else {
      EXPECT_EQ(view.error().code(), errc::unsupported);
    }

    bytes weight = ones(tensors.weight.size());
    bytes scale = ones(tensors.weight_scale.size());
    const auto written = fb::write_modelopt_nvfp4(copy->view(), {weight, scale});
    ASSERT_TRUE(written) << written.error().message();
    EXPECT_TRUE(same_bits(*written, multiplier));
    EXPECT_TRUE(same(weight, tensors.weight));
    for (std::size_t i = 0; i < scale.size(); ++i)
      EXPECT_EQ(scale[i], tensors.weight_scale[i] == std::byte{0xff} ? std::byte{0x7f} : tensors.weight_scale[i]);
  }
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(ModelOpt, AMultiplierOf0MakesZerosButInBlocksOfNaN) {
  // The package itself writes NaN into the scale of a block of zeros when the multiplier is 0: 0 / 0.
  const fixture file("modelopt");
  const fb::modelopt_nvfp4_tensors<> tensors{file["nvfp4_uncalibrated.weight"],
                                             file["nvfp4_uncalibrated.weight_scale"]};
  ASSERT_EQ(fb::load_scale<fb::scale_multiplier>(file["nvfp4_uncalibrated.weight_scale_2"]).value().value, 0.0f);
  EXPECT_EQ(tensors.weight_scale[0], std::byte{0xff});
  const auto copy = fb::read_modelopt_nvfp4(12, 48, tensors, fb::scale_multiplier{0.0f}).value();
  std::vector<float> row(48);
  copy.view().decode(0, 0, row);
  for (std::size_t k = 0; k < 48; ++k)
    EXPECT_TRUE(k < 16 ? is_nan(row[k]) : row[k] == 0) << k;
}

TEST(ModelOpt, NumbersNoWriterMeansAreRefused) {
  bytes weight(8, std::byte{0x21});
  bytes scale(1, std::byte{0x38});
  const auto view = [&](float multiplier) {
    return fb::view_modelopt_nvfp4(1, 16, {weight, scale}, fb::scale_multiplier{multiplier});
  };
  EXPECT_TRUE(view(1));
  for (const float wrong : {-1.0f, std::bit_cast<float>(0x7f800000u), std::bit_cast<float>(0x7fc00000u)})
    EXPECT_EQ(view(wrong).error().code(), errc::malformed_file);
  std::uint64_t refused = 0;
  for (unsigned code = 0; code < 256; ++code) {
    scale[0] = static_cast<std::byte>(code);
    const auto got = view(1);
    ASSERT_EQ(got.has_value(), code < 0x80) << code;
    const auto copy = fb::read_modelopt_nvfp4(1, 16, {weight, scale}, fb::scale_multiplier{1.0f});
    ASSERT_EQ(copy.has_value(), code < 0x80 || code == 0xff) << code;
    if (!got) {
      EXPECT_EQ(got.error().code(), code == 0xff ? errc::unsupported : errc::malformed_file);
      ++refused;
      continue;
    }
    float first[2] = {};
    got->decode(0, 0, first);
    if (code == 0x7f)
      EXPECT_TRUE(is_nan(first[0]));
    else
      EXPECT_EQ(bits_of(first[0]),
                bits_of(.5f * static_cast<float>(fb::e4m3::from_bits(static_cast<std::uint8_t>(code)))))
          << code;
  }
  EXPECT_EQ(refused, 128u);
  scale[0] = std::byte{0x81};
  EXPECT_EQ(view(1).error().message(),
            "'weight_scale' has the negative code 129 at place 0: PyTorch would see its sign and hardware would not");
  // Low nibble first, and code 8 is -0.
  scale[0] = std::byte{0x38};
  weight[0] = std::byte{0x81};
  float pair[2] = {};
  view(1)->decode(0, 0, pair);
  EXPECT_EQ(pair[0], .5f);
  EXPECT_EQ(bits_of(pair[1]), 0x80000000u);
}

TEST(ModelOpt, ReadsInt4OfItsPackageAndWritesItsBytes) {
  const fixture file("modelopt");
  const fb::modelopt_int4_tensors<> tensors{file["int4.weight"], fb::stored_numbers<float>{file["int4.weight_scale"]}};
  const auto read = fb::read_modelopt_int4<int4_layer>(6, 64, tensors);
  ASSERT_TRUE(read) << read.error().message();
  const auto codes = file["int4.codes"];
  std::vector<float> values(6 * 64);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto code = static_cast<std::int8_t>(std::to_integer<std::uint8_t>(codes[i]));
    values[i] = static_cast<float>(static_cast<double>(tensors.weight_scale[i / 32]) * code);
  }
  EXPECT_LT(values[0], 0);  // code -8
  expect_values(read->view(), values, "int4");

  const auto sizes = fb::modelopt_int4_sizes_of<int4_layer>(6, 64).value();
  bytes weight = ones(sizes.codes);
  bytes scale = ones(sizes.scales);
  const fb::modelopt_int4_tensors_out<> out{weight, fb::stored_numbers<float, std::byte>{scale}};
  ASSERT_TRUE(fb::write_modelopt_int4(read->view(), out));
  EXPECT_TRUE(same(weight, tensors.weight));
  EXPECT_TRUE(same(scale, tensors.weight_scale.bytes));
}

TEST(ModelOpt, EveryByteOfInt4IsTwoOutputs) {
  bytes weight(256);
  for (std::size_t i = 0; i < 256; ++i)
    weight[i] = static_cast<std::byte>(i);
  bytes scale(2 * 8 * 4);
  for (std::size_t i = 0; i < 16; ++i)
    fb::stored_numbers<float, std::byte>{scale}.set(i, 1.0f);
  const auto read = fb::read_modelopt_int4<int4_layer>(2, 256, {weight, fb::stored_numbers<float>{scale}});
  std::vector<float> even(256), odd(256);
  read->view().decode(0, 0, even);
  read->view().decode(1, 0, odd);
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(even[static_cast<std::size_t>(i)], static_cast<float>((i & 15) < 8 ? (i & 15) : (i & 15) - 16));
    EXPECT_EQ(odd[static_cast<std::size_t>(i)], static_cast<float>(i >> 4 < 8 ? i >> 4 : (i >> 4) - 16));
  }
}

TEST(ModelOpt, ReadsFp8OfItsPackageAndWritesItsBytes) {
  const fixture file("modelopt");
  const auto visit = [&]<class Format>(const Format&, const char* name) {
    const std::string prefix = std::string(name) + ".";
    const fb::modelopt_fp8_tensors<> tensors{file[prefix + "weight"],
                                             fb::stored_numbers<float>{file[prefix + "weight_scale"]}};
    const auto read = fb::read_modelopt_fp8<Format>(6, 20, tensors);
    ASSERT_TRUE(read) << read.error().message();
    expect_values(read->view(), file.floats(prefix + "values"), name);
    bytes weight = ones(tensors.weight.size());
    bytes scale = ones(tensors.weight_scale.bytes.size());
    ASSERT_TRUE(fb::write_modelopt_fp8(read->view(), {weight, fb::stored_numbers<float, std::byte>{scale}}));
    EXPECT_TRUE(same(weight, tensors.weight));
    EXPECT_TRUE(same(scale, tensors.weight_scale.bytes));
  };
  visit(fb::fp8_tensor<>{}, "fp8");
  visit(fb::fp8_rows<>{}, "fp8_rows");
}

TEST(ModelOpt, WrongSizesWriteNothing) {
  const auto made = fb::quantized_matrix<fb::nvfp4>::create(2, 32).value();
  const auto layer = fb::quantized_matrix<int4_layer>::create(2, 32).value();
  for (const std::size_t more : {0u, 1u, 2u, 3u}) {  // one byte too many in codes, in scales, in both
    bytes codes = ones(32 + (more & 1));
    bytes scales = ones(4 + more / 2);
    EXPECT_EQ(fb::write_modelopt_nvfp4(made.view(), {codes, scales}).has_value(), more == 0);
    bytes halves = ones(32 + (more & 1));
    bytes floats = ones(8 + more / 2 * 4);
    EXPECT_EQ(fb::write_modelopt_int4(layer.view(), {halves, fb::stored_numbers<float, std::byte>{floats}}).has_value(),
              more == 0);
    const bool wrong = more != 0;
    EXPECT_EQ(same(codes, ones(codes.size())) && same(scales, ones(scales.size())), wrong);
    EXPECT_EQ(same(halves, ones(halves.size())) && same(floats, ones(floats.size())), wrong);
  }
  EXPECT_EQ(fb::modelopt_int4_sizes_of<int4_layer>(3, 32).error().code(), errc::unsupported);
  EXPECT_EQ(fb::modelopt_int4_sizes_of<int4_layer>(std::size_t{1} << 40, std::size_t{1} << 40).error().code(),
            errc::size_overflow);
  EXPECT_EQ(fb::view_modelopt_nvfp4(1, 15, {}, fb::scale_multiplier{1.0f}).error().code(), errc::unsupported);
  EXPECT_EQ(fb::view_modelopt_nvfp4(std::size_t{1} << 40, std::size_t{1} << 40, {}, fb::scale_multiplier{1.0f})
                .error()
                .code(),
            errc::size_overflow);
}

// No bytes stand behind such shapes: a loop over their rows or columns would not end.
TEST(ModelOpt, ShapesWithoutValuesTakeNoTime) {
  constexpr std::size_t many = std::size_t{1} << 50;
  for (const auto [rows, columns] : {std::array{many, std::size_t{0}}, std::array{std::size_t{0}, many}}) {
    const auto made = fb::read_modelopt_int4<int4_layer>(rows, columns, {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(fb::write_modelopt_int4<int4_layer>(made->view(), {}));
    const auto nvfp4 = fb::read_modelopt_nvfp4(rows, columns, {}, fb::scale_multiplier{1.0f});
    ASSERT_TRUE(nvfp4) << nvfp4.error().message();
    EXPECT_TRUE(fb::write_modelopt_nvfp4(nvfp4->view(), {}));
  }
}

}  // namespace
