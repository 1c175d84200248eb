// bitsandbytes, HQQ and KIVI against files of their packages (bitsandbytes 0.50.2, hqq 0.2.8; KIVI's by numpy after its
// source): write_int4_fixtures.py.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "interop/layouts_fixture.hpp"
#include "support/planted.hpp"

#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/bitsandbytes.hpp>
#include <fewbits/interop/layouts/bitsandbytes_state.hpp>
#include <fewbits/interop/layouts/hqq.hpp>
#include <fewbits/interop/layouts/kivi.hpp>

namespace fb = fewbits;
using namespace fewbits_test;
using fb::errc;

namespace {

template <class T>
std::vector<T> numbers_of(std::span<const std::byte> from) {
  const fb::stored_numbers<T> stored{from};
  std::vector<T> all(stored.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = stored[i];
  return all;
}

std::uint64_t visited = 0;

template <class View>
void expect_values(const View& view, const std::vector<float>& values, std::size_t first_row = 0) {
  std::vector<float> row(view.columns());
  for (std::size_t r = first_row; r < view.rows(); ++r) {
    view.decode(r, 0, row);
    for (std::size_t c = 0; c < row.size(); ++c, ++visited) {
      const float expected = values[(r - first_row) * row.size() + c];
      ASSERT_EQ(bits_of(row[c]), bits_of(planted() && c == 7 ? -expected : expected))
          << "row " << r << ", column " << c;
    }
  }
}

struct layer {
  fb::bitsandbytes_codes codes;
  fb::stored_numbers<float> absmax;
  std::vector<float> values;
  layer(const fixture& file, const std::string& name, std::size_t elements)
      : codes(fb::bitsandbytes_codes::over(file[name + ".weight"], elements).value()),
        absmax(file[name + ".absmax"]),
        values(file.floats(name + ".values")) {}
};

template <class Format>
void expect_written(const fb::quantized_matrix<Format>& matrix, std::size_t blocksize, const fixture& file,
                    const std::string& name) {
  bytes codes = ones(file[name + ".weight"].size()), absmax = ones(file[name + ".absmax"].size());
  const auto written =
      fb::write_bitsandbytes(matrix.view(), blocksize, {codes.data(), matrix.rows() * matrix.columns()},
                             fb::stored_numbers<float, std::byte>{absmax});
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_TRUE(same(codes, file[name + ".weight"])) << name;
  EXPECT_TRUE(same(absmax, file[name + ".absmax"])) << name;
}

TEST(Bitsandbytes, ItsFileIsAViewWhereBlocksFillRows) {
  const fixture file("bitsandbytes");
  const layer plain(file, "plain", 512);
  const auto absmax = numbers_of<float>(file["plain.absmax"]);
  const auto view = fb::view_bitsandbytes(4, 128, plain.codes, absmax);
  ASSERT_TRUE(view) << view.error().message();
  EXPECT_EQ(view->codes().data(), file["plain.weight"].data());
  expect_values(*view, plain.values);
  const layer wide(file, "wide", 512);
  const auto wide_absmax = numbers_of<float>(file["wide.absmax"]);
  const auto blocks_of_128 = fb::view_bitsandbytes<128>(2, 256, wide.codes, wide_absmax);
  ASSERT_TRUE(blocks_of_128);
  expect_values(*blocks_of_128, wide.values);
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(Bitsandbytes, BlocksAcrossRowsBecomeSmallerOnesAndComeBack) {
  const fixture file("bitsandbytes");
  const layer across(file, "across", 300);
  const auto absmax = numbers_of<float>(file["across.absmax"]);
  EXPECT_EQ(fb::view_bitsandbytes(3, 100, across.codes, absmax).error().message(),
            "blocks of 64 run across rows of 100 columns: read_bitsandbytes copies them into smaller ones");
  const auto four = fb::read_bitsandbytes<fb::bitsandbytes_groups<4>>(3, 100, 64, across.codes, across.absmax);
  ASSERT_TRUE(four) << four.error().message();
  expect_values(four->view(), across.values);
  expect_written(*four, 64, file, "across");
  EXPECT_EQ(
      (fb::read_bitsandbytes<fb::bitsandbytes_groups<8>>(3, 100, 64, across.codes, across.absmax)).error().message(),
      "groups of 8 do not divide blocks of 64 over rows of 100: choose a size that divides both (or one row of all "
      "elements)");
  // As one row any divisor does, and nibbles may change places.
  const auto flat = fb::read_bitsandbytes<fb::nf4_groups<64>>(1, 300, 64, across.codes, across.absmax);
  ASSERT_TRUE(flat);
  expect_values(flat->view(), across.values);
  expect_written(*flat, 64, file, "across");
  const layer odd(file, "odd", 63);
  const auto row = fb::read_bitsandbytes<fb::bitsandbytes_groups<64>>(1, 63, 64, odd.codes, odd.absmax);
  ASSERT_TRUE(row);
  expect_values(row->view(), odd.values);
  expect_written(*row, 64, file, "odd");
}

TEST(Bitsandbytes, AbsmaxInsideABlockMustAgreeToBeWritten) {
  auto made = fb::quantized_matrix<fb::bitsandbytes_groups<32>>::create(2, 64).value();
  bytes codes = ones(64), absmax = ones(8);
  const auto write = [&] {
    return fb::write_bitsandbytes(made.view(), 64, {codes.data(), 128}, fb::stored_numbers<float, std::byte>{absmax});
  };
  ASSERT_TRUE(write());
  made.streams().scales[2] = -0.0f;
  EXPECT_EQ(write().error().message(), "groups 2 and 3 lie in one block of 64 and have different scales");
  codes.resize(63);
  EXPECT_FALSE(
      fb::write_bitsandbytes(made.view(), 64, {codes.data(), 126}, fb::stored_numbers<float, std::byte>{absmax}));
}

TEST(Bitsandbytes, NestedAbsmaxAreItsOwnBitForBit) {
  const fixture file("bitsandbytes");
  const auto offset = file.floats("nested.offset")[0];
  fb::bitsandbytes_nested nested{file["nested.absmax"], fb::stored_numbers<float>{file["nested.nested_quant_map"]},
                                 fb::stored_numbers<float>{file["nested.nested_absmax"]}, offset};
  bytes out = ones(258 * 4);
  const auto resolved = fb::resolve_absmax(nested, fb::stored_numbers<float, std::byte>{out});
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_TRUE(same(out, file["nested.scales"]));
  const auto codes = fb::bitsandbytes_codes::over(file["nested.weight"], 129 * 128).value();
  const auto absmax = numbers_of<float>(out);
  const auto view = fb::view_bitsandbytes(129, 128, codes, absmax);
  ASSERT_TRUE(view);
  expect_values(*view, file.floats("nested.values"), 127);
  const auto write = [&] { return fb::resolve_absmax(nested, fb::stored_numbers<float, std::byte>{out}); };
  nested.blocksize = 128;
  EXPECT_EQ(write().error().code(), errc::shape_mismatch);
  nested.blocksize = 0;
  EXPECT_EQ(write().error().code(), errc::invalid_argument);
  nested.blocksize = 256;
  out.resize(4);
  EXPECT_EQ(write().error().code(), errc::shape_mismatch);
}

TEST(Bitsandbytes, Fp4IsReadByTheMapOfTheFile) {
  const fixture file("bitsandbytes");
  const layer fp4(file, "fp4", 384);
  const fb::stored_numbers<float> map{file["fp4.quant_map"]};
  EXPECT_FALSE(fb::is_nf4_map(map));
  EXPECT_TRUE(fb::is_nf4_map(fb::stored_numbers<float>{file["plain.quant_map"]}));
  std::vector<float> out(384);
  ASSERT_TRUE(fb::decode_bitsandbytes(fp4.codes, map, 64, fp4.absmax, out));
  for (std::size_t i = 0; i < out.size(); ++i)
    ASSERT_EQ(bits_of(out[i]), bits_of(fp4.values[i])) << i;
  EXPECT_EQ(fb::decode_bitsandbytes(fp4.codes, map, 0, fp4.absmax, out).error().code(), errc::invalid_argument);
  EXPECT_EQ(fb::decode_bitsandbytes(fp4.codes, map, 32, fp4.absmax, out).error().code(), errc::shape_mismatch);
}

TEST(Bitsandbytes, EveryCodeUnderNanZeroAndInfinity) {
  bytes codes(32);  // high nibble first: code 0, 1, 2, ...
  for (unsigned i = 0; i < 32; ++i)
    codes[i] = static_cast<std::byte>((2 * i % 16) << 4 | (2 * i + 1) % 16);
  for (const float scale :
       {0.0f, -0.0f, std::numeric_limits<float>::infinity(), std::bit_cast<float>(0x7fc00001u), 2.0f}) {
    const float absmax[] = {scale};
    const auto view = fb::view_bitsandbytes(1, 64, fb::bitsandbytes_codes::over(codes, 64).value(), absmax);
    ASSERT_TRUE(view);
    std::vector<float> row(64);
    view->decode(0, 0, row);
    for (unsigned i = 0; i < 64; ++i) {
      const auto element = static_cast<float>(fb::nf4::from_bits(static_cast<std::uint8_t>(i % 16)));
      const bool nan = bits_of(scale) == 0x7fc00001u || (bits_of(scale) == 0x7f800000u && element == 0);
      if (nan)
        EXPECT_GT(bits_of(row[i]) & 0x7fffffffu, 0x7f800000u) << i;
      else
        EXPECT_EQ(bits_of(row[i]), bits_of(element * scale)) << i << " times " << scale;
    }
  }
}

fb::result<fb::bitsandbytes_state> state_of(std::string_view text) {
  const bytes copy(reinterpret_cast<const std::byte*>(text.data()),
                   reinterpret_cast<const std::byte*>(text.data()) + text.size());  // ends where the text does
  return fb::read_bitsandbytes_state(copy);
}

TEST(BitsandbytesState, IsReadOutOfTheJsonOfItsFile) {
  const fixture file("bitsandbytes");
  const auto nested = state_of(file.metadata("nested").value());
  ASSERT_TRUE(nested) << nested.error().message();
  EXPECT_TRUE(nested->is_nf4);
  EXPECT_EQ(nested->rows, 129u);
  EXPECT_EQ(nested->columns, 128u);
  EXPECT_EQ(nested->blocksize, 64u);
  EXPECT_TRUE(nested->is_nested);
  EXPECT_EQ(nested->nested_blocksize, 256u);
  EXPECT_EQ(bits_of(nested->nested_offset), bits_of(file.floats("nested.offset")[0]));
  const auto fp4 = state_of(file.metadata("fp4").value());
  ASSERT_TRUE(fp4);
  EXPECT_FALSE(fp4->is_nf4);
  EXPECT_FALSE(fp4->is_nested);
  const auto convolution = state_of(R"({"quant_type":"nf4","blocksize":128,"shape":[3,4,5],"other":null,"more":-1e3})");
  ASSERT_TRUE(convolution);
  EXPECT_EQ(convolution->columns, 20u);
  EXPECT_EQ(state_of(R"({"quant_type":"nf4","blocksize":64,"shape":[7]})")->rows, 1u);
  const auto offset =
      state_of(R"({"quant_type":"nf4","blocksize":64,"shape":[7],"nested_blocksize":256,"nested_offset":-1.5e-3})");
  EXPECT_EQ(offset->nested_offset, -1.5e-3f);
}

TEST(BitsandbytesState, HostileJsonIsASentence) {
  const struct {
    std::string_view text;
    errc code;
  } cases[] = {
      {"", errc::malformed_file},
      {"[]", errc::malformed_file},
      {"{}", errc::unsupported},
      {R"({"quant_type":"int8","blocksize":64,"shape":[7]})", errc::unsupported},
      {R"({"quant_type":"nf4","blocksize":0,"shape":[7]})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":-64,"shape":[7]})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[]})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[4294967296,4294967296]})", errc::size_overflow},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[2,4294967296,4294967296]})", errc::size_overflow},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[99999999999999999999]})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[7],"nested_offset":1.0})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[7],"nested_blocksize":256})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[7],"deep":[[[]]]})", errc::malformed_file},
      {R"({"quant_type":"nf4","blocksize":64,"shape":[7]} x)", errc::malformed_file},
  };
  for (const auto& each : cases) {
    const auto got = state_of(each.text);
    ASSERT_FALSE(got) << each.text;
    EXPECT_EQ(got.error().code(), each.code) << each.text << ": " << got.error().message();
    EXPECT_TRUE(got.error().message().starts_with("'quant_state': "));
  }
  // Cut at every byte, and every value of every byte: an answer, and nothing else.
  const std::string text =
      R"({"quant_type":"nf4","blocksize":64,"dtype":"bfloat16","shape":[4,128],"nested_blocksize":256,"nested_dtype":"float32","nested_offset":0.25})";
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(state_of(std::string_view(text).substr(0, size))) << size;
  for (std::size_t at = 0; at < text.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      std::string changed = text;
      changed[at] = static_cast<char>(value);
      const auto got = state_of(changed);
      ASSERT_TRUE(got ? got->blocksize != 0 : !got.error().message().empty());
    }
}

fb::hqq_tensors<fb::fp16> hqq_of(const fixture& file, const std::string& name) {
  return {fb::hqq_codes<>{file[name + ".W_q"]}, fb::stored_numbers<fb::fp16>{file[name + ".scale"]},
          fb::stored_numbers<fb::fp16>{file[name + ".zero"]}};
}

TEST(Hqq, RoundedZerosAreZeroPointsAndComeBackByteForByte) {
  const fixture file("hqq");
  using format = fb::uint4_groups<64, fb::fp16>;
  const auto read = fb::read_hqq<format>(12, 128, hqq_of(file, "rounded"));
  ASSERT_TRUE(read) << read.error().message();
  expect_values(read->weights.view(), file.floats("rounded.values"));
  bytes w = ones(768), s = ones(48), z = ones(48);
  const fb::hqq_tensors_out<fb::fp16> out{fb::hqq_codes<std::byte>{w}, fb::stored_numbers<fb::fp16, std::byte>{s},
                                          fb::stored_numbers<fb::fp16, std::byte>{z}};
  ASSERT_TRUE(fb::write_hqq(read->weights.view(), out));
  EXPECT_TRUE(same(w, file["rounded.W_q"]));
  EXPECT_TRUE(same(s, file["rounded.scale"]));
  EXPECT_TRUE(same(z, file["rounded.zero"]));
}

TEST(Hqq, RealZerosAreMinimumsAndExactInHalfPrecision) {
  const fixture file("hqq");
  using format = fb::hqq_groups<fb::uint4, 64>;
  for (const char* name : {"real", "rounded"}) {
    const auto read = fb::read_hqq<format>(12, 128, hqq_of(file, name));
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->rounded_minimums, 0u);
    const auto values = file.floats(std::string(name) + ".values");
    std::vector<float> row(128);
    for (std::size_t n = 0; n < 12; ++n) {
      read->weights.view().decode(n, 0, row);
      for (std::size_t k = 0; k < 128; ++k, ++visited)
        ASSERT_EQ(row[k], values[n * 128 + k]) << n << " " << k;
    }
  }
  const auto refused = fb::read_hqq<fb::uint4_groups<64, fb::fp16>>(12, 128, hqq_of(file, "real"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "the zero point of group 0 is none of 0 to 15: read hqq_groups");
  EXPECT_EQ(fb::read_hqq<format>(12, 96, hqq_of(file, "real")).error().code(), errc::unsupported);
  EXPECT_EQ(fb::read_hqq<format>(12, 64, hqq_of(file, "real")).error().code(), errc::shape_mismatch);
}

TEST(Hqq, FloatMetaIsCountedWhereItIsRounded) {
  bytes w(32, std::byte{0xf0}), s(8), z(8);
  const fb::stored_numbers<float, std::byte> scale{s}, zero{z};
  scale.set(0, 0.1f);
  zero.set(0, 7.3f);  // 48 bits
  scale.set(1, 0.5f);
  zero.set(1, 7.5f);
  const fb::hqq_tensors<float> from{fb::hqq_codes<>{w}, scale, zero};
  const auto read = fb::read_hqq<fb::hqq_groups<fb::uint4, 32, float>>(1, 64, from);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rounded_minimums, 1u);
  float value = 0;
  read->weights.view().decode(0, 0, std::span(&value, 1));  // the high nibble: group 0, code 15
  EXPECT_NEAR(value, 0.77f, 1e-6f);
  read->weights.view().decode(0, 63, std::span(&value, 1));  // the low nibble: group 1, code 0
  EXPECT_EQ(value, -3.75f);
  zero.set(1, std::bit_cast<float>(0x7fc00000u));
  const auto poisoned = fb::read_hqq<fb::hqq_groups<fb::uint4, 32, float>>(1, 64, from);
  ASSERT_TRUE(poisoned);
  poisoned->weights.view().decode(0, 63, std::span(&value, 1));
  EXPECT_GT(bits_of(value) & 0x7fffffffu, 0x7f800000u);
  EXPECT_EQ((fb::read_hqq<fb::uint4_groups<32, float>>(1, 64, from)).error().code(), errc::unsupported);
}

template <class Format>
void expect_kivi(const fixture& file, const std::string& bits) {
  constexpr int width = Format::element_bits;
  const auto scale = numbers_of<fb::fp16>(file[bits + ".scale"]);
  const auto minimum = numbers_of<fb::fp16>(file[bits + ".mn"]);
  const auto view = fb::view_kivi<Format>(6, 128, fb::kivi_words<width>{file[bits + ".code"]}, scale, minimum);
  ASSERT_TRUE(view) << view.error().message();
  EXPECT_EQ(view->codes().data(), file[bits + ".code"].data());
  expect_values(*view, file.floats(bits + ".values"));

  const std::size_t groups = scale.size() / 6;
  bytes w = ones(file[bits + ".tokens"].size()), s = ones(scale.size() * 2), m = ones(scale.size() * 2);
  const fb::kivi_token_tensors_out<width> out{fb::kivi_token_words<width, std::byte>{w},
                                              fb::stored_numbers<fb::fp16, std::byte>{s},
                                              fb::stored_numbers<fb::fp16, std::byte>{m}};
  ASSERT_TRUE(fb::write_kivi_tokens(*view, out));
  EXPECT_TRUE(same(w, file[bits + ".tokens"]));
  for (std::size_t c = 0; c < 6; ++c)
    for (std::size_t g = 0; g < groups; ++g)
      EXPECT_EQ(out.scale[g * 6 + c].bits(), scale[c * groups + g].bits());
  const auto read = fb::read_kivi_tokens<Format>(
      6, 128, {fb::kivi_token_words<width>{w}, fb::stored_numbers<fb::fp16>{s}, fb::stored_numbers<fb::fp16>{m}});
  ASSERT_TRUE(read);
  expect_values(read->view(), file.floats(bits + ".values"));
  EXPECT_EQ(fb::view_kivi<Format>(6, 64, fb::kivi_words<width>{file[bits + ".code"]}, scale, minimum).error().code(),
            errc::shape_mismatch);
  EXPECT_EQ(fb::view_kivi<Format>(6, 100, fb::kivi_words<width>{file[bits + ".code"]}, scale, minimum).error().code(),
            errc::unsupported);
  EXPECT_EQ(fb::write_kivi_tokens(*view, {out.code, out.minimum, {}}).error().code(), errc::shape_mismatch);
}

TEST(Kivi, CachesAreViewsAlongTheLastAxisAndTransposedAlongTokens) {
  const fixture file("kivi");
  expect_kivi<fb::kivi_groups<fb::uint2, 32>>(file, "2");
  expect_kivi<fb::kivi_groups<fb::uint4, 64>>(file, "4");
}

// No bytes stand behind such shapes: a loop over their rows or columns would not end.
TEST(Bitsandbytes, ShapesWithoutValuesTakeNoTime) {
  constexpr std::size_t many = std::size_t{1} << 50;
  for (const auto [rows, columns] : {std::array{many, std::size_t{0}}, std::array{std::size_t{0}, many}}) {
    const auto made = fb::read_bitsandbytes<fb::bitsandbytes_groups<64>>(rows, columns, 64, {}, {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(fb::write_bitsandbytes(made->view(), 64, {}, {}));
    const auto hqq = fb::read_hqq<fb::uint4_groups<64, fb::fp16>>(rows, columns, {});
    ASSERT_TRUE(hqq) << hqq.error().message();
    EXPECT_TRUE(fb::write_hqq(hqq->weights.view(), {}));
  }
}

TEST(Bitsandbytes, CodesThatBeginInsideAByteAreRefused) {
  const auto made = fb::quantized_matrix<fb::bitsandbytes_groups<64>>::create(1, 3).value();
  bytes codes = ones(2), absmax = ones(4);
  const auto written =
      fb::write_bitsandbytes(made.view(), 64, fb::bitsandbytes_codes_out(codes.data(), 4).subspan(1, 3),
                             fb::stored_numbers<float, std::byte>{absmax});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), errc::unsupported);
  EXPECT_TRUE(same(codes, ones(2)) && same(absmax, ones(4)));
}

}  // namespace
