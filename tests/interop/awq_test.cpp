// AWQ against its own package's file (autoawq 0.2.9, write_int4_fixtures.py), and every nibble of every place.
#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "interop/layouts_fixture.hpp"
#include "support/planted.hpp"

#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>

namespace fb = fewbits;
using namespace fewbits_test;
using fb::errc;

namespace {

using grouped = fb::uint4_groups<32, fb::fp16>;
using per_channel = fb::uint4_groups<fb::whole, fb::bf16>;
using symmetric = fb::int4_groups<32, fb::fp16>;

template <fb::number Scale>
fb::awq_tensors<Scale> tensors_of(std::span<const std::byte> w, std::span<const std::byte> z,
                                  std::span<const std::byte> s) {
  return {fb::awq_words<>{w}, fb::awq_words<>{z}, fb::stored_numbers<Scale>{s}};
}
template <fb::number Scale>
struct output {
  bytes w, z, s;
  explicit output(const fb::awq_sizes& sizes) : w(ones(sizes.qweight)), z(ones(sizes.qzeros)), s(ones(sizes.scales)) {}
  fb::awq_tensors_out<Scale> tensors() {
    return {fb::awq_words<std::byte>{w}, fb::awq_words<std::byte>{z}, fb::stored_numbers<Scale, std::byte>{s}};
  }
  fb::awq_tensors<Scale> reading() const { return tensors_of<Scale>(w, z, s); }
};

TEST(Awq, ReadsTheFileOfItsPackageAndWritesItsBytes) {
  const fixture file("awq");
  const auto codes = file["codes"];
  const auto zeros = file["zeros"];
  const fb::stored_numbers<fb::fp16> scales{file["scales"]};
  const auto read =
      fb::read_awq<grouped>(32, 96, tensors_of<fb::fp16>(file["qweight"], file["qzeros"], file["scales"]));
  ASSERT_TRUE(read) << read.error().message();
  std::uint64_t visited = 0;
  std::vector<float> row(96);
  for (std::size_t n = 0; n < 32; ++n) {
    read->view().decode(n, 0, row);
    for (std::size_t k = 0; k < 96; ++k, ++visited) {
      int code = std::to_integer<int>(codes[n * 96 + k]);
      if (planted() && visited == 100)
        code ^= 1;
      const int zero = std::to_integer<int>(zeros[n * 3 + k / 32]);
      const auto value = static_cast<float>(static_cast<double>(static_cast<float>(scales[k / 32 * 32 + n])) *
                                            static_cast<double>(code - zero));
      ASSERT_EQ(row[k], value) << "output " << n << ", input " << k;
    }
  }
  output<fb::fp16> written(fb::awq_sizes_of<grouped>(32, 96).value());
  ASSERT_TRUE(fb::write_awq(read->view(), written.tensors()));
  EXPECT_TRUE(same(written.w, file["qweight"]));
  EXPECT_TRUE(same(written.z, file["qzeros"]));
  EXPECT_TRUE(same(written.s, file["scales"]));
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(Awq, EveryNibbleOfAWordHasItsColumn) {
  constexpr unsigned place[] = {0, 4, 1, 5, 2, 6, 3, 7};  // of column c in its word
  for (unsigned column = 0; column < 8; ++column)
    for (unsigned code = 0; code < 16; ++code) {
      const std::uint32_t word = code << (4 * place[column]);
      bytes w(4), z(4), s(16);
      for (unsigned b = 0; b < 4; ++b)
        w[b] = z[b] = static_cast<std::byte>(word >> (8 * b) & 0xff);
      using one = fb::uint4_groups<fb::whole, fb::fp16>;
      const auto read = fb::read_awq<one>(8, 1, tensors_of<fb::fp16>(w, z, s));
      ASSERT_TRUE(read);
      for (unsigned n = 0; n < 8; ++n) {
        ASSERT_EQ(read->view().row_codes(n)[0], n == column ? code : 0) << column;
        ASSERT_EQ(read->zeros()[n].bits(), n == column ? code : 0) << column;
      }
      // GPTQ's order in the same bytes is another matrix, but for the first and last column.
      const fb::word_codes other(fb::packed_words<4, fb::word_order::sequential, fb::word_axis::along_rows>{w}, 1, 8);
      ASSERT_EQ(other(0, column) == code, code == 0 || place[column] == column);
    }
}

template <class Format>
void expect_round_trip(std::size_t rows, std::size_t columns, std::mt19937_64& random) {
  using scale = typename Format::scale_type;
  const auto sizes = fb::awq_sizes_of<Format>(rows, columns);
  ASSERT_TRUE(sizes) << sizes.error().message();
  // Scales of any bits: NaN, Inf, -0 and subnormals among them.
  const bytes w = random_bytes(random, sizes->qweight);
  bytes z = random_bytes(random, sizes->qzeros);
  if (!Format::has_zero_point)
    z.assign(z.size(), std::byte{0x88});
  const bytes s = random_bytes(random, sizes->scales);
  const auto read = fb::read_awq<Format>(rows, columns, tensors_of<scale>(w, z, s));
  ASSERT_TRUE(read) << read.error().message();
  output<scale> written(*sizes);
  ASSERT_TRUE(fb::write_awq(read->view(), written.tensors()));
  EXPECT_EQ(written.w, w);
  EXPECT_EQ(written.z, z);
  EXPECT_EQ(written.s, s);
}

TEST(Awq, EveryFileComesBackByteForByte) {
  std::mt19937_64 random(5);
  for (const std::size_t rows : {8u, 16u, 40u}) {
    for (const std::size_t columns : {32u, 64u, 160u}) {
      expect_round_trip<grouped>(rows, columns, random);
      expect_round_trip<symmetric>(rows, columns, random);
    }
    for (const std::size_t columns : {1u, 31u, 64u})
      expect_round_trip<per_channel>(rows, columns, random);
  }
}

TEST(Awq, SymmetricElementsStandForZeroPoint8Alone) {
  const auto sizes = fb::awq_sizes_of<symmetric>(8, 32).value();
  bytes w = ones(sizes.qweight), z(sizes.qzeros, std::byte{0x88}), s(sizes.scales);
  for (std::size_t i = 0; i < 8; ++i)
    fb::stored_numbers<fb::fp16, std::byte>{s}.set(i, fb::fp16{0.5});
  const auto read = fb::read_awq<symmetric>(8, 32, tensors_of<fb::fp16>(w, z, s));
  ASSERT_TRUE(read);
  float value = 0;
  read->view().decode(3, 7, std::span(&value, 1));
  EXPECT_EQ(value, 3.5f);  // code 15 - 8, times .5
  z[1] = std::byte{0x78};  // nibble 3 holds column 6
  const auto refused = fb::read_awq<symmetric>(8, 32, tensors_of<fb::fp16>(w, z, s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::unsupported);
  EXPECT_EQ(
      refused.error().message(),
      "'qzeros' has zero point 7 in group 0 of column 6, and signed elements stand for 8 alone: read unsigned ones");
}

TEST(Awq, NanZeroAndNegativeScalesMeanWhatTheySay) {
  using one = fb::uint4_groups<fb::whole, fb::fp16>;
  bytes w(8, std::byte{0x77}), z(4, std::byte{0x88}), s(16);
  const fb::stored_numbers<fb::fp16, std::byte> scales{s};
  scales.set(0, fb::fp16::from_bits(0x7e01));
  scales.set(1, fb::fp16{0.0});
  scales.set(2, fb::fp16{-2.0});
  const auto read = fb::read_awq<one>(8, 2, tensors_of<fb::fp16>(w, z, s));
  ASSERT_TRUE(read);
  float value = 0;
  read->view().decode(0, 1, std::span(&value, 1));
  EXPECT_GT(bits_of(value) & 0x7fffffffu, 0x7f800000u);
  read->view().decode(1, 1, std::span(&value, 1));
  EXPECT_EQ(bits_of(value) << 1, 0u);
  read->view().decode(2, 1, std::span(&value, 1));
  EXPECT_EQ(value, 2.0f);
  EXPECT_EQ(read->scales()[0].bits(), 0x7e01);
}

TEST(Awq, RefusesOtherShapesBeforeItWritesAnything) {
  const auto expect = [](const auto& got, errc code, std::string_view sentence) {
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), code);
    EXPECT_EQ(got.error().message(), sentence);
  };
  expect(fb::awq_sizes_of<grouped>(12, 32), errc::unsupported,
         "'qweight': 12 outputs of 4 bits do not fill whole words of 32");
  expect(fb::awq_sizes_of<grouped>(8, 48), errc::unsupported,
         "AWQ has whole groups only, and 48 inputs are no multiple of 32");
  expect(fb::awq_sizes_of<grouped>(std::size_t{1} << 60, 32), errc::size_overflow,
         "a quantised matrix of 1152921504606846976 x 32 does not fit the address space");
  const auto sizes = fb::awq_sizes_of<grouped>(16, 64).value();
  const bytes w(sizes.qweight), z(sizes.qzeros), s(sizes.scales);
  ASSERT_TRUE(fb::read_awq<grouped>(16, 64, tensors_of<fb::fp16>(w, z, s)));
  for (const std::size_t less : {1u, 4u, 8u}) {
    const auto shorter = [&](const bytes& all) { return std::span(all).first(all.size() - less); };
    EXPECT_EQ(fb::read_awq<grouped>(16, 64, tensors_of<fb::fp16>(shorter(w), z, s)).error().code(),
              errc::shape_mismatch);
    EXPECT_EQ(fb::read_awq<grouped>(16, 64, tensors_of<fb::fp16>(w, shorter(z), s)).error().code(),
              errc::shape_mismatch);
    EXPECT_EQ(fb::read_awq<grouped>(16, 64, tensors_of<fb::fp16>(w, z, shorter(s))).error().code(),
              errc::shape_mismatch);
  }
  expect(fb::read_awq<grouped>(16, 64, tensors_of<fb::fp16>(w, z, ones(128))), errc::shape_mismatch,
         "'scales' has 128 bytes, and [2, 16] of 2 bytes each take 64");
  const auto read = fb::read_awq<grouped>(16, 64, tensors_of<fb::fp16>(w, z, s)).value().view();
  output<fb::fp16> out(sizes);
  out.s.resize(10);
  const auto kept = out.w;
  EXPECT_FALSE(fb::write_awq(read, out.tensors()));
  EXPECT_EQ(out.w, kept);
}

// No bytes stand behind such shapes: a loop over their rows or columns would not end.
TEST(Awq, ShapesWithoutValuesTakeNoTime) {
  constexpr std::size_t many = std::size_t{1} << 50;
  for (const auto [rows, columns] : {std::array{many, std::size_t{0}}, std::array{std::size_t{0}, many}}) {
    const auto made = fb::read_awq<grouped>(rows, columns, {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(fb::write_awq<grouped>(made->view(), {}));
  }
}

}  // namespace
