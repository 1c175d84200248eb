// GPTQ against its own package's file (auto-gptq 0.7.1, write_int4_fixtures.py): all widths, both versions of zero
// points, groups in the order of activations.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "interop/layouts_fixture.hpp"
#include "support/planted.hpp"

#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/gptq.hpp>

namespace fb = fewbits;
using namespace fewbits_test;
using fb::errc;
using fb::gptq_version;

namespace {

template <int Bits>
using groups = fb::gptq_groups<fb::fixed_point<fb::fixed_format{.total_bits = Bits, .is_signed = false}>, 32>;
using four = fb::uint4_groups<32, fb::fp16>;

template <int Bits, gptq_version Version, fb::number Scale = fb::fp16>
fb::gptq_tensors<Bits, Version, Scale> tensors_of(std::span<const std::byte> w, std::span<const std::byte> z,
                                                  std::span<const std::byte> s, std::span<const std::byte> g = {}) {
  return {fb::gptq_words<Bits>{w}, fb::gptq_zeros<Bits, Version>{z}, fb::stored_numbers<Scale>{s},
          fb::stored_numbers<std::int32_t>{g}};
}
template <int Bits, gptq_version Version, fb::number Scale = fb::fp16>
struct output {
  bytes w, z, s, g;
  explicit output(const fb::gptq_sizes& sizes)
      : w(ones(sizes.qweight)), z(ones(sizes.qzeros)), s(ones(sizes.scales)), g(ones(sizes.g_idx)) {}
  fb::gptq_tensors_out<Bits, Version, Scale> tensors() {
    return {fb::gptq_words<Bits, std::byte>{w}, fb::gptq_zeros<Bits, Version, std::byte>{z},
            fb::stored_numbers<Scale, std::byte>{s}, fb::stored_numbers<std::int32_t, std::byte>{g}};
  }
};

std::uint64_t visited = 0;

/// Every value is scale x (code - zero point) of the file's own list of codes; `group_of` and `order` by input.
template <class Format>
void expect_values(const fb::gptq_matrix<Format>& layer, const fixture& file, const std::string& name,
                   const std::vector<std::size_t>& group_of) {
  const auto codes = file["codes"];
  const auto zeros = file[name + ".zeros"];
  const fb::stored_numbers<fb::fp16> scales{file[name + ".scales"]};
  std::vector<float> row(64);
  for (std::size_t n = 0; n < 32; ++n) {
    layer.weights.view().decode(n, 0, row);
    for (std::size_t j = 0; j < 64; ++j, ++visited) {
      const std::size_t k = layer.order.size() == 0 ? j : layer.order.view()[j];
      int code = std::to_integer<int>(codes[n * 64 + k]) & ((1 << Format::element_bits) - 1);
      if (planted() && n == 3 && j == 40)
        code ^= 1;
      const int zero = std::to_integer<int>(zeros[n * 2 + group_of[k]]);
      const float value = static_cast<float>(scales[group_of[k] * 32 + n]) * static_cast<float>(code - zero);  // exact
      ASSERT_EQ(row[j], value) << name << ": output " << n << ", input " << k;
    }
  }
}
std::vector<std::size_t> in_order() {
  std::vector<std::size_t> all(64);
  for (std::size_t k = 0; k < 64; ++k)
    all[k] = k / 32;
  return all;
}

template <int Bits>
void expect_width(const fixture& file) {
  const std::string name = std::to_string(Bits);
  const auto w = file[name + ".qweight"];
  const auto s = file[name + ".scales"];
  const auto v1 = fb::read_gptq<groups<Bits>>(32, 64, tensors_of<Bits, gptq_version::v1>(w, file[name + ".qzeros"], s));
  ASSERT_TRUE(v1) << v1.error().message();
  expect_values(*v1, file, name, in_order());
  EXPECT_EQ(v1->wrapped_zeros, 0u);
  const auto v2 =
      fb::read_gptq<groups<Bits>>(32, 64, tensors_of<Bits, gptq_version::v2>(w, file[name + ".v2.qzeros"], s));
  ASSERT_TRUE(v2) << v2.error().message();
  expect_values(*v2, file, name, in_order());

  output<Bits, gptq_version::v1> first(fb::gptq_sizes_of<groups<Bits>>(32, 64).value());
  ASSERT_TRUE(fb::write_gptq(v2->weights.view(), first.tensors()));  // from version 2 to 1
  EXPECT_TRUE(same(first.w, w));
  EXPECT_TRUE(same(first.z, file[name + ".qzeros"]));
  EXPECT_TRUE(same(first.s, s));
  const fb::stored_numbers<std::int32_t> g{first.g};
  for (std::size_t k = 0; k < 64; ++k)
    EXPECT_EQ(g[k], k < 32 ? 0 : 1);
  output<Bits, gptq_version::v2> second(fb::gptq_sizes_of<groups<Bits>>(32, 64).value());
  ASSERT_TRUE(fb::write_gptq(v1->weights.view(), second.tensors()));
  EXPECT_TRUE(same(second.w, w));
  EXPECT_TRUE(same(second.z, file[name + ".v2.qzeros"]));
}

TEST(Gptq, ReadsTheFileOfItsPackageInAllWidthsAndWritesItsBytes) {
  const fixture file("gptq");
  expect_width<2>(file);
  expect_width<3>(file);
  expect_width<4>(file);
  expect_width<8>(file);
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(Gptq, GroupsInTheOrderOfActivationsBecomeBlocksOfAnOrder) {
  const fixture file("gptq");
  const auto tensors =
      tensors_of<4, gptq_version::v1>(file["act.qweight"], file["act.qzeros"], file["act.scales"], file["act.g_idx"]);
  const auto layer = fb::read_gptq<four>(32, 64, tensors);
  ASSERT_TRUE(layer) << layer.error().message();
  ASSERT_EQ(layer->order.size(), 64u);
  std::vector<std::size_t> group_of(64);
  for (std::size_t k = 0; k < 64; ++k)
    group_of[k] = static_cast<std::size_t>(tensors.g_idx[k]);
  expect_values(*layer, file, "act", group_of);
  for (std::size_t j = 0; j < 64; ++j) {
    EXPECT_EQ(group_of[layer->order.view()[j]], j / 32);
    EXPECT_TRUE(j % 32 == 0 || layer->order.view()[j - 1] < layer->order.view()[j]);
  }
  output<4, gptq_version::v1> back(fb::gptq_sizes_of<four>(32, 64).value());
  ASSERT_TRUE(fb::write_gptq(layer->weights.view(), back.tensors(), layer->order.view()));
  EXPECT_TRUE(same(back.w, file["act.qweight"]));
  EXPECT_TRUE(same(back.z, file["act.qzeros"]));
  EXPECT_TRUE(same(back.g, file["act.g_idx"]));

  // A product with activations in the same order is the layer's.
  std::vector<float> x(64), permuted(64), row(64);
  std::iota(x.begin(), x.end(), -20.0f);
  const fb::matrix_view<const float> activations(x.data(), 1, 64);
  ASSERT_TRUE(fb::permute_columns(activations, layer->order.view(), {permuted.data(), 1, 64}));
  layer->weights.view().decode(5, 0, row);
  double got = 0, expected = 0;
  for (std::size_t j = 0; j < 64; ++j) {
    got += static_cast<double>(row[j]) * static_cast<double>(permuted[j]);
    expected += static_cast<double>(row[j]) * static_cast<double>(x[layer->order.view()[j]]);
  }
  EXPECT_EQ(got, expected);
  const std::uint32_t past[] = {64};
  EXPECT_EQ(fb::permute_columns(activations, past, {permuted.data(), 1, 64}).error().code(), errc::shape_mismatch);
  std::vector<std::uint32_t> wrong(64, 64);
  EXPECT_EQ(fb::permute_columns(activations, wrong, {permuted.data(), 1, 64}).error().message(),
            "the order names column 64 of 64");
}

TEST(Gptq, AZeroPointOf0BorrowsInVersion1AndComesBack) {
  const fixture file("gptq");
  const auto zeros = file["borrow.zeros"];
  const bytes w(1024), s(128);
  const auto layer = fb::read_gptq<four>(32, 64, tensors_of<4, gptq_version::v1>(w, file["borrow.qzeros"], s));
  ASSERT_TRUE(layer);
  std::size_t wrapped = 0;
  for (std::size_t n = 0; n < 32; ++n)
    for (std::size_t g = 0; g < 2; ++g) {
      ASSERT_EQ(layer->weights.zeros()[n * 2 + g].bits(), std::to_integer<unsigned>(zeros[n * 2 + g])) << n;
      wrapped += zeros[n * 2 + g] == std::byte{0};
    }
  EXPECT_GE(layer->wrapped_zeros, wrapped);
  output<4, gptq_version::v1> back(fb::gptq_sizes_of<four>(32, 64).value());
  ASSERT_TRUE(fb::write_gptq(layer->weights.view(), back.tensors()));
  EXPECT_TRUE(same(back.z, file["borrow.qzeros"]));
}

template <int Bits>
void expect_every_zero(std::mt19937_64& random) {
  using format = fb::gptq_groups<fb::fixed_point<fb::fixed_format{.total_bits = Bits, .is_signed = false}>, fb::whole>;
  constexpr std::uint32_t ones_of[] = {0, 0, 0x55555555u, 0, 0x11111111u, 0, 0, 0, 0x01010101u};
  for (int trial = 0; trial < 300; ++trial) {
    const bytes z = random_bytes(random, Bits * 4), w(Bits * 4 * 32), s(64);
    const auto v1 = fb::read_gptq<format>(32, 32, tensors_of<Bits, gptq_version::v1>(w, z, s));
    ASSERT_TRUE(v1);
    output<Bits, gptq_version::v2> second(fb::gptq_sizes_of<format>(32, 32).value());
    ASSERT_TRUE(fb::write_gptq(v1->weights.view(), second.tensors()));
    if (Bits != 3)  // by words: one addition modulo 2^32
      for (std::size_t i = 0; i < z.size() / 4; ++i) {
        const auto word = [&](const bytes& from) {
          return static_cast<std::uint32_t>(fb::stored_numbers<std::int32_t>{from}[i]);
        };
        ASSERT_EQ(word(second.z), static_cast<std::uint32_t>(word(z) + ones_of[Bits]));
      }
    output<Bits, gptq_version::v1> first(fb::gptq_sizes_of<format>(32, 32).value());
    ASSERT_TRUE(fb::write_gptq(v1->weights.view(), first.tensors()));
    ASSERT_EQ(first.z, z);
  }
}

TEST(Gptq, EveryWordOfVersion1IsAWordOfVersion2) {
  std::mt19937_64 random(7);
  expect_every_zero<2>(random);
  expect_every_zero<3>(random);
  expect_every_zero<4>(random);
  expect_every_zero<8>(random);
}

TEST(Gptq, ABatchOfOddShapesComesBackByteForByte) {
  std::mt19937_64 random(9);
  using channel = fb::uint4_groups<fb::whole, fb::bf16>;
  using three = groups<3>;
  for (const std::size_t rows : {32u, 96u})
    for (const std::size_t columns : {32u, 64u, 128u}) {
      const auto sizes = fb::gptq_sizes_of<three>(rows, columns).value();
      const bytes w = random_bytes(random, sizes.qweight), z = random_bytes(random, sizes.qzeros),
                  s = random_bytes(random, sizes.scales);
      const auto layer = fb::read_gptq<three>(rows, columns, tensors_of<3, gptq_version::v2>(w, z, s));
      ASSERT_TRUE(layer);
      output<3, gptq_version::v2> out(sizes);
      ASSERT_TRUE(fb::write_gptq(layer->weights.view(), out.tensors()));
      EXPECT_EQ(out.w, w);
      EXPECT_EQ(out.z, z);
      EXPECT_EQ(out.s, s);
    }
  for (const std::size_t columns : {8u, 40u, 72u}) {  // the last group of 32 is smaller, and a whole channel is any
    for (const bool whole_channel : {false, true}) {
      std::vector<std::uint32_t> order(columns);
      std::iota(order.begin(), order.end(), 0u);
      std::shuffle(order.begin(), order.end(), random);
      const auto check = [&]<class Format, class Scale>(Format, Scale) {
        const auto sizes = fb::gptq_sizes_of<Format>(16, columns).value();
        const bytes w = random_bytes(random, sizes.qweight), z = random_bytes(random, sizes.qzeros),
                    s = random_bytes(random, sizes.scales);
        const auto layer = fb::read_gptq<Format>(16, columns, tensors_of<4, gptq_version::v1, Scale>(w, z, s));
        ASSERT_TRUE(layer) << layer.error().message();
        output<4, gptq_version::v1, Scale> scattered(sizes);
        ASSERT_TRUE(fb::write_gptq(layer->weights.view(), scattered.tensors(), order));
        const auto again = fb::read_gptq<Format>(
            16, columns, tensors_of<4, gptq_version::v1, Scale>(scattered.w, scattered.z, scattered.s, scattered.g));
        ASSERT_TRUE(again) << again.error().message();
        std::vector<float> a(columns), b(columns);
        for (std::size_t n = 0; n < 16; ++n) {
          layer->weights.view().decode(n, 0, a);
          again->weights.view().decode(n, 0, b);
          for (std::size_t j = 0; j < columns; ++j) {
            const std::size_t k = again->order.size() == 0 ? j : again->order.view()[j];
            const std::size_t before =
                static_cast<std::size_t>(std::find(order.begin(), order.end(), k) - order.begin());
            ASSERT_EQ(bits_of(b[j]), bits_of(a[before])) << columns << " " << whole_channel;
          }
        }
      };
      if (whole_channel)
        check(channel{}, fb::bf16{});
      else
        check(four{}, fb::fp16{});
    }
  }
}

TEST(Gptq, RefusesGroupsThatAreNoBlocks) {
  const auto sizes = fb::gptq_sizes_of<four>(8, 64).value();
  const bytes w(sizes.qweight), z(sizes.qzeros), s(sizes.scales);
  bytes g(sizes.g_idx);
  const fb::stored_numbers<std::int32_t, std::byte> index{g};
  const auto read = [&] { return fb::read_gptq<four>(8, 64, tensors_of<4, gptq_version::v1>(w, z, s, g)); };
  const auto expect = [&](errc code, std::string_view sentence) {
    const auto got = read();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), code);
    EXPECT_EQ(got.error().message(), sentence);
  };
  expect(errc::unsupported,
         "'g_idx' puts more than 32 inputs into group 0, so no order of inputs makes its groups blocks");
  for (std::size_t k = 0; k < 64; ++k)
    index.set(k, static_cast<std::int32_t>(1 - k / 32));
  ASSERT_TRUE(read());
  EXPECT_EQ(read()->order.view()[0], 32u);
  index.set(7, 0);
  expect(errc::unsupported,
         "'g_idx' puts more than 32 inputs into group 0, so no order of inputs makes its groups blocks");
  index.set(7, 2);
  expect(errc::malformed_file, "'g_idx' puts input 7 into group 2, and there are 2 groups");
  index.set(7, -1);
  expect(errc::malformed_file, "'g_idx' puts input 7 into group -1, and there are 2 groups");
  index.set(7, std::numeric_limits<std::int32_t>::min());
  expect(errc::malformed_file, "'g_idx' puts input 7 into group -2147483648, and there are 2 groups");
  g.resize(60);
  expect(errc::shape_mismatch, "'g_idx' has 60 bytes, and [1, 64] of 4 bytes each take 256");
}

TEST(Gptq, RefusesShapesAndOrdersBeforeItWritesAnything) {
  EXPECT_EQ(fb::gptq_sizes_of<four>(8, 12).error().message(),
            "'qweight': 12 inputs of 4 bits do not fill whole words of 32");
  EXPECT_EQ(fb::gptq_sizes_of<groups<3>>(8, 32).error().message(),
            "'qzeros': 8 outputs of 3 bits do not fill whole words of 32");
  EXPECT_EQ(fb::gptq_sizes_of<four>(8, std::size_t{1} << 33).error().code(), errc::unsupported);
  using symmetric = fb::int4_groups<32, fb::fp16>;
  const auto sizes = fb::gptq_sizes_of<symmetric>(8, 32).value();
  bytes w(sizes.qweight), z(sizes.qzeros, std::byte{0x77}), s(sizes.scales);
  const auto read = fb::read_gptq<symmetric>(8, 32, tensors_of<4, gptq_version::v1>(w, z, s));
  ASSERT_TRUE(read);                                   // stored 7 is zero point 8
  EXPECT_EQ(read->weights.view().row_codes(0)[0], 8);  // stored 0 is -8
  z[2] = std::byte{0x78};
  EXPECT_EQ(fb::read_gptq<symmetric>(8, 32, tensors_of<4, gptq_version::v1>(w, z, s)).error().code(),
            errc::unsupported);

  output<4, gptq_version::v1> out(sizes);
  const auto view = read->weights.view();
  std::vector<std::uint32_t> order(32);
  std::iota(order.begin(), order.end(), 0u);
  order[3] = 4;
  EXPECT_EQ(fb::write_gptq(view, out.tensors(), order).error().message(), "the order of inputs names 4 twice");
  order[3] = 32;
  EXPECT_EQ(fb::write_gptq(view, out.tensors(), order).error().message(),
            "the order of inputs names 32, which is none of them");
  order.pop_back();
  EXPECT_EQ(fb::write_gptq(view, out.tensors(), order).error().code(), errc::shape_mismatch);
  order.push_back(31);
  order[3] = 3;
  out.g.clear();
  EXPECT_EQ(fb::write_gptq(view, out.tensors(), order).error().code(), errc::invalid_argument);
  EXPECT_EQ(out.w, ones(sizes.qweight));
  ASSERT_TRUE(fb::write_gptq(view, out.tensors()));
  EXPECT_EQ(out.w, w);
}

// No bytes stand behind such shapes: a loop over their rows or columns would not end.
TEST(Gptq, ShapesWithoutValuesTakeNoTime) {
  constexpr std::size_t many = std::size_t{1} << 50;
  for (const auto [rows, columns] :
       {std::array{many, std::size_t{0}}, std::array{std::size_t{0}, std::size_t{1} << 30}}) {
    const auto made = fb::read_gptq<four, gptq_version::v1>(rows, columns, {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(fb::write_gptq<gptq_version::v1>(made->weights.view(), {}));
  }
}

}  // namespace
