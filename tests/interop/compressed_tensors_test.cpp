// compressed-tensors' layouts against its own package's files (0.20.0; 0.18.0 for g_idx and 0.17.1 for words that codes
// do not cross: write_layout_fixtures.py), every width both ways, and the numbers that no writer means.
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

#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/compressed_tensors.hpp>

namespace fb = fewbits;
using namespace fewbits_test;
using fb::errc;

namespace {

template <int Bits, std::size_t Size, fb::number Scale>
struct signed_groups
    : fb::block_format<fb::fixed_point<fb::fixed_format{.total_bits = Bits}>, Scale, Size, fb::amax_scale_t> {};
template <fb::number Scale, fb::block_shape Shape = fb::per_tensor>
struct unsigned_tensor
    : fb::block_format<fb::uint4, Scale, Shape, fb::min_max_scale_t, fb::with_zero_point<fb::uint4>> {};

int number_at(std::span<const std::byte> bytes, std::size_t i) {
  return static_cast<std::int8_t>(std::to_integer<std::uint8_t>(bytes[i]));
}

/// By bits, so that -ffast-math and flushed subnormals cannot decide them.
float power_of_two(int exponent) {
  return std::bit_cast<float>(exponent >= -126 ? static_cast<std::uint32_t>(exponent + 127) << 23
                                               : 1u << (exponent + 149));
}
bool is_nan(float x) { return (bits_of(x) & 0x7fffffffu) > 0x7f800000u; }

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
      if (!(is_nan(row[k]) && is_nan(values[n * row.size() + k]))) {
        EXPECT_EQ(bits_of(row[k]), expected) << name << ", row " << n << ", column " << k;
      }
    }
  }
  return visited;
}

/// Bytes for every tensor of a packed layer, full of ones.
template <class Format>
struct packed_output {
  using scale_type = typename Format::scale_type;
  bytes packed, scale, zero, shape, g_idx;

  packed_output(std::size_t rows, std::size_t columns) {
    const auto sizes = fb::compressed_tensors_packed_sizes_of<Format>(rows, columns).value();
    packed = ones(sizes.weight_packed);
    scale = ones(sizes.weight_scale);
    zero = ones(sizes.weight_zero_point);
    shape = ones(sizes.weight_shape);
    g_idx = ones(sizes.weight_g_idx);
  }
  fb::compressed_tensors_packed_tensors_out<scale_type> tensors() {
    return {packed, fb::stored_numbers<scale_type, std::byte>{scale}, zero,
            fb::stored_numbers<std::int64_t, std::byte>{shape}, fb::stored_numbers<std::int32_t, std::byte>{g_idx}};
  }
  fb::compressed_tensors_packed_tensors<scale_type> reading() const {
    return {packed, fb::stored_numbers<scale_type>{scale}, zero, fb::stored_numbers<std::int64_t>{shape},
            fb::stored_numbers<std::int32_t>{g_idx}};
  }
  bool untouched() const {
    for (const bytes* each : {&packed, &scale, &zero, &shape, &g_idx})
      if (!same(*each, ones(each->size())))
        return false;
    return true;
  }
};

/// One layer of the fixture: values from the package's own codes, then the package's bytes again.
template <class Format>
std::uint64_t expect_packed(const fixture& file, const std::string& name, std::size_t rows, std::size_t columns) {
  using scale_type = typename Format::scale_type;
  const auto get = [&](const char* part) { return file[name + "." + part]; };
  fb::compressed_tensors_packed_tensors<scale_type> tensors;
  tensors.weight_packed = get("weight_packed");
  tensors.weight_scale = fb::stored_numbers<scale_type>{get("weight_scale")};
  tensors.weight_shape = fb::stored_numbers<std::int64_t>{get("weight_shape")};
  if constexpr (Format::has_zero_point)
    tensors.weight_zero_point = get("weight_zero_point");
  const auto read = fb::read_compressed_tensors_packed<Format>(rows, columns, tensors);
  EXPECT_TRUE(read) << name << ": " << read.error().message();
  if (!read)
    return 0;
  EXPECT_TRUE(read->order.view().empty());

  const auto layout = read->weights.layout();
  std::vector<float> values(rows * columns);
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t k = 0; k < columns; ++k) {
      const std::size_t block = layout.block_of_row(n) * layout.block_columns() + layout.block_of_column(k);
      int zero = 0;
      if constexpr (Format::has_zero_point)
        zero = number_at(get(Format::shape == fb::per_tensor ? "weight_zero_point" : "zeros"), block);
      values[n * columns + k] =
          static_cast<float>(static_cast<double>(static_cast<float>(tensors.weight_scale[block])) *
                             (number_at(get("codes"), n * columns + k) - zero));
    }
  const std::uint64_t visited = expect_values(read->weights.view(), values, name);

  packed_output<Format> out(rows, columns);
  out.g_idx.clear();
  EXPECT_TRUE(fb::write_compressed_tensors_packed(read->weights.view(), out.tensors())) << name;
  EXPECT_TRUE(same(out.packed, tensors.weight_packed)) << name;
  EXPECT_TRUE(same(out.scale, tensors.weight_scale.bytes)) << name;
  EXPECT_TRUE(same(out.zero, tensors.weight_zero_point)) << name;
  EXPECT_TRUE(same(out.shape, tensors.weight_shape.bytes)) << name;
  return visited;
}

TEST(CompressedTensors, ReadsPackedIntegersOfItsPackageAndWritesTheirBytes) {
  const fixture file("compressed_tensors_integers");
  std::uint64_t visited = 0;
  visited += expect_packed<fb::int4_groups<32, fb::bf16>>(file, "int4", 20, 64);
  visited += expect_packed<fb::uint4_groups<32, fb::fp16>>(file, "uint4", 20, 64);
  visited += expect_packed<signed_groups<3, 16, fb::bf16>>(file, "int3", 12, 176);
  visited += expect_packed<fb::gptq_groups<fb::uint3, fb::whole, float>>(file, "uint3", 20, 44);
  visited += expect_packed<fb::int8_rows<fb::bf16>>(file, "int8", 6, 22);
  visited += expect_packed<unsigned_tensor<fb::bf16>>(file, "uint4_tensor", 6, 22);
  std::printf("%llu weights in words\n", static_cast<unsigned long long>(visited));
}

TEST(CompressedTensors, GroupsOfGIdxBecomeBlocksAndAreWrittenBack) {
  const fixture file("compressed_tensors_g_idx");
  using format = fb::uint4_groups<32>;
  fb::compressed_tensors_packed_tensors<float> tensors{
      file["weight_packed"], fb::stored_numbers<float>{file["weight_scale"]}, file["weight_zero_point"],
      fb::stored_numbers<std::int64_t>{file["weight_shape"]}, fb::stored_numbers<std::int32_t>{file["weight_g_idx"]}};
  const auto read = fb::read_compressed_tensors_packed<format>(8, 96, tensors);
  ASSERT_TRUE(read) << read.error().message();
  const auto order = read->order.view();
  ASSERT_EQ(order.size(), 96u);
  const auto values = file.floats("values");
  std::vector<float> row(96);
  for (std::size_t n = 0; n < 8; ++n) {
    read->weights.view().decode(n, 0, row);
    for (std::size_t j = 0; j < 96; ++j)
      ASSERT_EQ(row[j], values[n * 96 + order[j]]) << n << " " << j;
  }
  packed_output<format> out(8, 96);
  ASSERT_TRUE(fb::write_compressed_tensors_packed(read->weights.view(), out.tensors(), order));
  EXPECT_TRUE(same(out.packed, tensors.weight_packed));
  EXPECT_TRUE(same(out.zero, tensors.weight_zero_point));
  EXPECT_TRUE(same(out.g_idx, tensors.weight_g_idx.bytes));
  // Without a place for it an order cannot be written; a g_idx that was never set means none.
  out.g_idx.clear();
  EXPECT_EQ(fb::write_compressed_tensors_packed(read->weights.view(), out.tensors(), order).error().code(),
            errc::invalid_argument);
  const bytes unset = ones(96 * 4);
  tensors.weight_g_idx = fb::stored_numbers<std::int32_t>{unset};
  EXPECT_TRUE(fb::read_compressed_tensors_packed<format>(8, 96, tensors)->order.view().empty());
}

TEST(CompressedTensors, WordsThatCodesDoNotCrossAreRefusedBySize) {
  // Ten codes of 3 bits a word, as versions up to 0.17.1 wrote them.
  const fixture file("compressed_tensors_kept_words");
  const bytes scale(4 * 11 * 2);
  fb::compressed_tensors_packed_tensors<fb::bf16> tensors;
  tensors.weight_packed = file["weight_packed"];
  tensors.weight_scale = fb::stored_numbers<fb::bf16>{scale};
  const auto read = fb::read_compressed_tensors_packed<signed_groups<3, 16, fb::bf16>>(4, 176, tensors);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), errc::shape_mismatch);
  EXPECT_EQ(read.error().message(), "'weight_packed' has 288 bytes, and weights [4, 176] take 272 there");
  // From K = 160 on the two never take the same number of words.
  for (const std::size_t bits : {3u, 5u, 6u, 7u})
    for (std::size_t k = 160; k < 5000; ++k)
      ASSERT_NE((k * bits + 31) / 32, (k + 32 / bits - 1) / (32 / bits)) << bits << " " << k;
}

/// Every width: random weights there and back, bit for bit, against one long stream of bits.
template <class Format>
std::uint64_t round_trip(std::size_t rows, std::size_t columns, std::mt19937_64& random) {
  constexpr auto bits = static_cast<std::size_t>(Format::element_bits);
  packed_output<Format> first(rows, columns);
  for (bytes* each : {&first.packed, &first.scale, &first.zero})
    *each = random_bytes(random, each->size());
  first.shape.clear();
  first.g_idx.clear();
  const auto read = fb::read_compressed_tensors_packed<Format>(rows, columns, first.reading());
  EXPECT_TRUE(read) << read.error().message();
  std::uint64_t visited = 0;
  const std::size_t words = (columns * bits + 31) / 32;
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t k = 0; k < columns; ++k, ++visited) {
      unsigned code = 0;
      for (std::size_t b = 0; b < bits; ++b) {
        const std::size_t bit = k * bits + b;
        code |= (std::to_integer<unsigned>(first.packed[n * words * 4 + bit / 8]) >> (bit % 8) & 1u) << b;
      }
      if (!Format::has_zero_point)
        code ^= 1u << (bits - 1);
      EXPECT_EQ(read->weights.view().row_codes(n)[k], code) << bits << " bits, [" << rows << ", " << columns << "]";
    }
  if constexpr (Format::has_zero_point)
    for (std::size_t n = 0; n < rows; ++n)
      for (std::size_t g = 0; g < read->weights.layout().block_columns(); ++g, ++visited) {
        unsigned code = 0;
        for (std::size_t b = 0; b < bits; ++b) {
          const std::size_t bit = n * bits + b;
          const std::size_t word = bit / 32 * read->weights.layout().block_columns() + g;
          code |= (std::to_integer<unsigned>(first.zero[word * 4 + bit % 32 / 8]) >> (bit % 8) & 1u) << b;
        }
        EXPECT_EQ(read->weights.zeros()[n * read->weights.layout().block_columns() + g].bits(), code);
      }
  packed_output<Format> second(rows, columns);
  EXPECT_TRUE(fb::write_compressed_tensors_packed(read->weights.view(), second.tensors()));
  const auto again = fb::read_compressed_tensors_packed<Format>(rows, columns, second.reading());
  EXPECT_TRUE(again) << again.error().message();
  EXPECT_TRUE(same(again->weights.codes(), read->weights.codes()));
  EXPECT_TRUE(same(second.scale, first.scale));
  return visited;
}

TEST(CompressedTensors, EveryWidthRoundTrips) {
  std::mt19937_64 random(17);
  std::uint64_t visited = 0;
  for (const std::size_t rows : {1u, 9u, 33u})
    for (const std::size_t columns : {1u, 31u, 65u}) {
      visited += round_trip<signed_groups<2, fb::whole, fb::bf16>>(rows, columns, random);
      visited += round_trip<signed_groups<5, 8, fb::fp16>>(rows, columns, random);
      visited += round_trip<fb::gptq_groups<fb::uint6, fb::whole, float>>(rows, columns, random);
      visited += round_trip<
          fb::gptq_groups<fb::fixed_point<fb::fixed_format{.total_bits = 7, .is_signed = false}>, 16, fb::bf16>>(
          rows, columns, random);
    }
  std::printf("%llu codes of 2, 5, 6, 7 bits\n", static_cast<unsigned long long>(visited));
}

TEST(CompressedTensors, WrongPackedSizesWriteNothing) {
  using format = fb::uint4_groups<32, fb::bf16>;
  const auto made = fb::quantized_matrix<format>::create(3, 32).value();
  for (int wrong = 0; wrong < 5; ++wrong) {
    packed_output<format> out(3, 32);
    bytes* const all[] = {&out.packed, &out.scale, &out.zero, &out.shape, &out.g_idx};
    all[wrong]->push_back(std::byte{0xff});
    const auto written = fb::write_compressed_tensors_packed(made.view(), out.tensors());
    ASSERT_FALSE(written) << wrong;
    EXPECT_EQ(written.error().code(), errc::shape_mismatch);
    EXPECT_TRUE(out.untouched());
    EXPECT_FALSE(fb::read_compressed_tensors_packed<format>(3, 32, out.reading()));
  }
  packed_output<format> out(3, 32);
  const std::vector<std::uint32_t> twice(32, 1);
  EXPECT_EQ(fb::write_compressed_tensors_packed(made.view(), out.tensors(), twice).error().code(),
            errc::invalid_argument);
  EXPECT_TRUE(out.untouched());
  ASSERT_TRUE(fb::write_compressed_tensors_packed(made.view(), out.tensors()));
  fb::stored_numbers<std::int64_t, std::byte>{out.shape}.set(0, 4);
  EXPECT_EQ(fb::read_compressed_tensors_packed<format>(3, 32, out.reading()).error().message(),
            "'weight_shape' names another shape than [3, 32]");
  EXPECT_EQ(fb::compressed_tensors_packed_sizes_of<format>(std::size_t{1} << 40, std::size_t{1} << 40).error().code(),
            errc::size_overflow);
}

TEST(CompressedTensors, Nvfp4KeepsItsDivisorAndDividesOnce) {
  const fixture file("compressed_tensors_floats");
  for (const std::string name : {"nvfp4", "nvfp4_small"}) {
    const auto divisor = fb::load_scale<fb::scale_divisor>(file[name + ".weight_global_scale"]).value();
    const fb::compressed_tensors_nvfp4_tensors<> tensors{file[name + ".weight_packed"], file[name + ".weight_scale"]};
    const auto view = fb::view_compressed_tensors_nvfp4(8, 64, tensors, divisor);
    ASSERT_TRUE(view) << view.error().message();
    EXPECT_EQ(view->undivided().codes().data(), tensors.weight_packed.data());  // borrowed
    const auto values = file.floats(name + ".values");
    expect_values(*view, values, name);

    // Under a rounded multiplier values are off by at most the reciprocal's error and one rounding.
    const auto multiplied = view->with_rounded_multiplier();
    ASSERT_TRUE(multiplied) << multiplied.error().message();
    const double bound = name == "nvfp4" ? 0x1p-23 : 0x1p-21;
    std::vector<float> row(64);
    std::size_t different = 0;
    for (std::size_t n = 0; n < 8; ++n) {
      multiplied->decode(n, 0, row);
      for (std::size_t k = 0; k < 64; ++k) {
        const double exact = static_cast<double>(values[n * 64 + k]);
        ASSERT_LE(std::fabs(static_cast<double>(row[k]) - exact), bound * std::fabs(exact));
        different += bits_of(row[k]) != bits_of(values[n * 64 + k]) ? 1u : 0u;
      }
    }
    EXPECT_GT(different, 0u) << "the fixture's divisor is no power of two";

    bytes packed = ones(tensors.weight_packed.size());
    bytes scale = ones(tensors.weight_scale.size());
    const auto written = fb::write_compressed_tensors_nvfp4(*view, {packed, scale});
    ASSERT_TRUE(written);
    EXPECT_TRUE(same_bits(*written, divisor));
    EXPECT_TRUE(same(packed, tensors.weight_packed));
    EXPECT_TRUE(same(scale, tensors.weight_scale));
    const auto copy = fb::read_compressed_tensors_nvfp4(8, 64, tensors).value();
    expect_values(fb::nvfp4_under_divisor::over(copy.view(), divisor).value(), values, name + " copied");
  }
}

TEST(CompressedTensors, PowersOfTwoAsDivisorsAreExactMultipliers) {
  bytes packed(8), scale(1);
  for (std::size_t i = 0; i < 8; ++i)
    packed[i] = static_cast<std::byte>(2 * i | (2 * i + 1) << 4);
  std::uint64_t visited = 0;
  std::vector<float> a(16), b(16);
  for (unsigned code = 0; code < 128; ++code)
    for (const int exponent : {-127, -126, -20, 0, 1, 64, 126, 127}) {
      scale[0] = static_cast<std::byte>(code);
      const auto view =
          fb::view_compressed_tensors_nvfp4(1, 16, {packed, scale}, fb::scale_divisor{power_of_two(exponent)});
      ASSERT_TRUE(view) << view.error().message();
      view->decode(0, 0, a);
      view->with_rounded_multiplier()->decode(0, 0, b);
      for (std::size_t k = 0; k < 16; ++k, ++visited) {
        if (code == 0x7f)
          ASSERT_TRUE(is_nan(a[k]) && is_nan(b[k]));
        else
          ASSERT_EQ(bits_of(a[k]), bits_of(b[k])) << "scale " << code << ", divisor 2^" << exponent << ", code " << k;
      }
      // Code 8 is -0, and the low nibble comes first.
      if (code == 0x38 && exponent == 0) {
        EXPECT_EQ(bits_of(a[8]), 0x80000000u);
        EXPECT_EQ(a[1], .5f);
      }
    }
  std::printf("%llu values under powers of two\n", static_cast<unsigned long long>(visited));
}

TEST(CompressedTensors, Nvfp4NumbersNoWriterMeansAreRefused) {
  bytes packed(8), scale(1, std::byte{0x38});
  const auto view = [&](float divisor) {
    return fb::view_compressed_tensors_nvfp4(1, 16, {packed, scale}, fb::scale_divisor{divisor});
  };
  EXPECT_TRUE(view(2688));
  for (const float wrong : {0.0f, -0.0f, -1.0f, std::bit_cast<float>(0x7f800000u), std::bit_cast<float>(0x7fc00000u)})
    EXPECT_EQ(view(wrong).error().code(), errc::malformed_file) << std::hex << bits_of(wrong);
  for (unsigned code = 0x80; code < 256; ++code) {
    scale[0] = static_cast<std::byte>(code);
    EXPECT_EQ(view(1).error().code(), code == 255 ? errc::unsupported : errc::malformed_file) << code;
    EXPECT_EQ(fb::read_compressed_tensors_nvfp4(1, 16, {packed, scale}).has_value(), code == 255);
  }
  // A divisor whose reciprocal is past float32 still reads; as a multiplier it is refused.
  scale[0] = std::byte{0x38};
  EXPECT_TRUE(view(0x1p-128f));
  EXPECT_EQ(view(0x1p-128f)->with_rounded_multiplier().error().code(), errc::unsupported);
  // ModelOpt's 0 has no divisor, and nothing is written then.
  auto made = fb::quantized_matrix<fb::nvfp4>::create(1, 16).value();
  made.streams().tensor_scale = 0;
  bytes out_codes = ones(8), out_scale = ones(1);
  EXPECT_EQ(fb::write_compressed_tensors_nvfp4(made.view(), {out_codes, out_scale}).error().code(), errc::unsupported);
  EXPECT_TRUE(same(out_codes, ones(8)) && same(out_scale, ones(1)));
  made.streams().tensor_scale = .25f;
  EXPECT_EQ(fb::write_compressed_tensors_nvfp4(made.view(), {out_codes, out_scale})->value, 4.0f);
  EXPECT_EQ(fb::nvfp4_under_divisor::over(made.view(), fb::scale_divisor{1.0f}).error().code(), errc::invalid_argument);
}

// No bytes stand behind such shapes: a loop over their rows or columns would not end.
TEST(CompressedTensors, ShapesWithoutValuesTakeNoTime) {
  constexpr std::size_t many = std::size_t{1} << 50;
  for (const auto [rows, columns] :
       {std::array{many, std::size_t{0}}, std::array{std::size_t{0}, std::size_t{1} << 30}}) {
    const auto made = fb::read_compressed_tensors_packed<fb::uint4_groups<32>>(rows, columns, {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(fb::write_compressed_tensors_packed(made->weights.view(), {}));
  }
}

}  // namespace
