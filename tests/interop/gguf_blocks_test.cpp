// GGUF's block types: every bit of a block has one place, values are those of the reference package, and what a block
// format holds comes back as it was.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/gguf_blocks.hpp>

#include "gguf_bytes.hpp"
#include "support/planted.hpp"

#ifndef FEWBITS_FIXTURES
#define FEWBITS_FIXTURES "tests/interop/fixtures"
#endif

namespace {

namespace fb = fewbits;
using fb::errc;
using fb::gguf_layout;
using fb::gguf_tensor;
using fb::gguf_type;
using fewbits_test::exact_gguf;

std::uint64_t visited = 0;

class printed_count : public testing::Environment {
  void TearDown() override {
    std::printf("gguf_blocks: visited %llu values\n", static_cast<unsigned long long>(visited));
  }
};
const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new printed_count);

// Counts how many numbers of a block use each of its bits.
template <class Layout>
constexpr bool uses_each_bit_once(std::size_t spare_bits) {
  std::array<int, Layout::bytes * 8> uses{};
  const auto use = [&](const auto& pieces) {
    for (const fb::gguf_bits& piece : pieces)
      for (unsigned b = 0; b < piece.bits; ++b)
        ++uses[piece.byte * 8 + piece.shift + b];
  };
  for (std::size_t i = 0; i < Layout::elements; ++i)
    use(Layout::code(i));
  for (std::size_t k = 0; k < fb::gguf_parts<Layout>::blocks; ++k) {
    use(Layout::scale(k));
    if constexpr (Layout::format::has_minimum)
      use(Layout::minimum(k));
  }
  if constexpr (Layout::format::has_super_scale)
    use(Layout::super_scale());
  if constexpr (Layout::format::has_super_minimum)
    use(Layout::super_minimum());
  std::size_t unused = 0;
  for (const int count : uses) {
    if (count > 1)
      return false;
    unused += count == 0 ? 1 : 0;
  }
  return unused == spare_bits;
}
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q4_0>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q4_1>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q5_0>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q5_1>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q8_0>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q2_k>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q3_k>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q4_k>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q5_k>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::q6_k>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::iq4_nl>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::iq4_xs>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::tq2_0>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::mxfp4>>(0));
static_assert(uses_each_bit_once<gguf_layout<gguf_type::nvfp4>>(4));  // the highest of each scale

// At compile time: a block of Q4_0, its scale 0.5, elements 0 and 16 in byte 2.
static_assert([] {
  std::array<std::byte, 18> block{std::byte{0x00}, std::byte{0x38}, std::byte{0x7f}};
  std::array<float, 32> out{};
  return fb::dequantize_gguf(gguf_type::q4_0, block, out).has_value() && out[0] == 3.5f && out[16] == -0.5f &&
         out[1] == -4.0f;
}());

std::string fixture(const char* name) {
  std::ifstream stream(std::string(FEWBITS_FIXTURES "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
bool is_nan(float value) { return bits_of(value) << 1 > 0xff000000u; }

std::vector<float> values_of(const gguf_tensor& tensor, float scale = 1.0f) {
  const auto extents = fb::extents_of(tensor);
  std::vector<float> values(extents ? extents->rows * extents->columns : 0);
  const auto done = fb::dequantize_gguf(tensor, values, scale);
  EXPECT_TRUE(done) << done.error().message();
  return values;
}

TEST(GgufBlocks, ValuesAreThoseOfTheReferencePackage) {
  for (const char* const name : {"blocks_32.gguf", "blocks_256.gguf"}) {
    const exact_gguf file(fixture(name));
    const auto read = fb::gguf::parse(file.view());
    ASSERT_TRUE(read) << read.error().message();
    int types = 0;
    for (const gguf_tensor& tensor : read->tensors()) {
      const auto wanted = read->find(std::string(tensor.name) + ".values");
      if (!wanted)
        continue;
      ++types;
      auto expected = values_of(*wanted);
      if (fewbits_test::planted())
        expected[7] = -expected[7];
      const auto got = values_of(tensor);
      ASSERT_EQ(got.size(), expected.size()) << tensor.name;
      const bool keeps_negative_zero = tensor.type == gguf_type::mxfp4 || tensor.type == gguf_type::nvfp4;
      for (std::size_t i = 0; i < got.size(); ++i, ++visited) {
        const bool zeros = keeps_negative_zero && got[i] == 0 && expected[i] == 0;
        ASSERT_TRUE(bits_of(got[i]) == bits_of(expected[i]) || zeros)
            << tensor.name << " value " << i << ": expected " << expected[i] << ", got " << got[i];
      }
    }
    EXPECT_EQ(types, 8) << name;
  }
}

TEST(GgufBlocks, PlainNumbersAreRoundedOnce) {
  const exact_gguf file(fixture("metadata.gguf"));
  const auto read = fb::gguf::parse(file.view());
  ASSERT_TRUE(read);
  const auto f32 = values_of(*read->find("float32"));
  EXPECT_EQ(f32.size(), 6u);
  EXPECT_EQ(values_of(*read->find("int8")), (std::vector<float>{-128, -1, 127}));
  EXPECT_EQ(values_of(*read->find("int16")), (std::vector<float>{-32768, -1, 32767}));
  EXPECT_EQ(values_of(*read->find("int32")), (std::vector<float>{-2147483648.0f, -1, 2147483648.0f}));
  EXPECT_EQ(values_of(*read->find("int64")), (std::vector<float>{-0x1p63f, -1, 0x1p63f}));
  for (const char* const name : {"float16", "float64", "bfloat16"})
    for (const float value : values_of(*read->find(name)))
      EXPECT_TRUE(value > -4 && value < 4 && value != 0) << name;
  const auto deep = values_of(*read->find("deep"));
  for (std::size_t i = 0; i < 24; ++i)
    EXPECT_EQ(deep[i], static_cast<float>(i));
  const auto experts = fb::extents_of(*read->find("experts"));
  EXPECT_EQ(experts->rows, 6u);
  EXPECT_EQ(experts->columns, 32u);
}

// Random blocks of any bits, but for codes that no writer writes.
std::vector<std::byte> random_blocks(gguf_type type, std::size_t count) {
  std::mt19937 draw(static_cast<unsigned>(type) + 1);
  const auto row = *fb::gguf_row_of(type);
  std::vector<std::byte> blocks(count * row.bytes);
  for (std::byte& each : blocks)
    each = static_cast<std::byte>(draw() & 0xff);
  for (std::size_t b = 0; b < count; ++b) {
    std::byte* const block = blocks.data() + b * row.bytes;
    if (type == gguf_type::mxfp4 && block[0] == std::byte{255})
      block[0] = std::byte{254};
    for (std::size_t k = 0; type == gguf_type::nvfp4 && k < 4; ++k)
      block[k] = static_cast<std::byte>(std::to_integer<unsigned>(block[k]) % 127);
    for (std::size_t j = 0; type == gguf_type::tq2_0 && j < 64; ++j)
      block[j] &= static_cast<std::byte>(~(std::to_integer<unsigned>(block[j]) >> 1 & 0x55u));
  }
  return blocks;
}

struct trip {
  std::vector<float> values;
  std::vector<std::byte> bytes;
  float scale = 1.0f;
  std::string complaint;
};

// As F, decoded, and back.
template <class F>
trip through_matrix(const gguf_tensor& tensor, float scale) {
  trip made{std::vector<float>(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1])),
            std::vector<std::byte>(tensor.bytes.size(), std::byte{0xee}),
            1.0f,
            {}};
  const auto matrix = [&] {
    if constexpr (F::has_tensor_scale)
      return fb::read_gguf<F>(tensor, scale);
    else
      return fb::read_gguf<F>(tensor);
  }();
  if (!matrix) {
    made.complaint = matrix.error().message();
    return made;
  }
  const auto columns = static_cast<std::size_t>(tensor.shape[1]);
  for (std::size_t r = 0; r < tensor.shape[0]; ++r)
    matrix->view().decode(r, 0, std::span(made.values).subspan(r * columns, columns));
  const auto written = [&] {
    if constexpr (F::has_tensor_scale)
      return fb::write_gguf(matrix->view(), tensor.type, made.bytes, made.scale);
    else
      return fb::write_gguf(matrix->view(), tensor.type, made.bytes);
  }();
  if (!written)
    made.complaint = written.error().message();
  return made;
}

// A tensor of two rows: its matrix has the values of dequantize_gguf, and is written as the bytes it was read from.
void round_trip(trip (*through)(const gguf_tensor&, float), gguf_type type, std::size_t blocks_a_row = 3,
                float scale = 1.0f) {
  const auto row = *fb::gguf_row_of(type);
  SCOPED_TRACE(row.name);
  const auto blocks = random_blocks(type, 2 * blocks_a_row);
  const std::uint64_t shape[] = {2, blocks_a_row * row.elements};
  const gguf_tensor tensor{"w", type, shape, blocks};
  const trip made = through(tensor, scale);
  ASSERT_EQ(made.complaint, "");
  const auto expected = values_of(tensor, scale);
  for (std::size_t i = 0; i < expected.size(); ++i, ++visited)
    ASSERT_TRUE(bits_of(made.values[i]) == bits_of(expected[i]) || (is_nan(made.values[i]) && is_nan(expected[i])))
        << i << ": expected " << made.values[i] << ", got " << expected[i];
  EXPECT_EQ(made.scale, scale);
  if (type != gguf_type::tq1_0) {  // several bytes stand for the same five digits
    EXPECT_EQ(made.bytes, blocks);
    return;
  }
  std::vector<float> again(expected.size());
  ASSERT_TRUE(fb::dequantize_gguf(type, made.bytes, again));
  for (std::size_t i = 0; i < again.size(); ++i)
    ASSERT_TRUE(bits_of(again[i]) == bits_of(expected[i]) || is_nan(again[i])) << i;
}

// A user's own: the same storage, another rule, the other order of codes, no tensor scale.
struct my_q4 : fb::block_format<fb::int4, fb::fp16, 32, fb::amax_scale_t, fb::with_order<fb::bit_order::high_first>> {};
struct one_level : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::amax_scale_t> {};

TEST(GgufBlocks, WhatAFormatHoldsComesBackAsItWas) {
  round_trip(through_matrix<fb::int4_groups<32, fb::fp16>>, gguf_type::q4_0, 50);
  round_trip(through_matrix<my_q4>, gguf_type::q4_0);
  round_trip(through_matrix<fb::uint4_minimum_groups<32, fb::fp16>>, gguf_type::q4_1, 50);
  round_trip(through_matrix<fb::int5_groups<32, fb::fp16>>, gguf_type::q5_0, 50);
  round_trip(through_matrix<fb::uint5_minimum_groups<32, fb::fp16>>, gguf_type::q5_1, 50);
  round_trip(through_matrix<fb::int8_groups<32, fb::fp16>>, gguf_type::q8_0, 50);
  round_trip(through_matrix<fb::iq4_groups<32, fb::fp16>>, gguf_type::iq4_nl, 50);
  round_trip(through_matrix<fb::mxfp4>, gguf_type::mxfp4, 50);
  round_trip(through_matrix<fb::nvfp4>, gguf_type::nvfp4, 50, .375f);
  round_trip(through_matrix<one_level>, gguf_type::nvfp4);
  round_trip(through_matrix<fb::nested_uint2>, gguf_type::q2_k, 10);
  round_trip(through_matrix<fb::nested_int3>, gguf_type::q3_k, 10);
  round_trip(through_matrix<fb::nested_uint4>, gguf_type::q4_k, 10);
  round_trip(through_matrix<fb::nested_uint5>, gguf_type::q5_k, 10);
  round_trip(through_matrix<fb::nested_int6>, gguf_type::q6_k, 10);
  round_trip(through_matrix<fb::nested_iq4>, gguf_type::iq4_xs, 10);
  round_trip(through_matrix<fb::ternary_groups<256, fb::fp16>>, gguf_type::tq2_0, 10);
  round_trip(through_matrix<fb::ternary_groups<256, fb::fp16>>, gguf_type::tq1_0, 10);
}

TEST(GgufBlocks, CodesThatNoWriterWritesHaveStatedResults) {
  std::array<float, 256> out{};
  // MXFP4: the scale 255 is NaN, though ggml reads 2^128. Code 8 is -0.
  std::array<std::byte, 17> mx{std::byte{255}, std::byte{0x81}};
  ASSERT_TRUE(fb::dequantize_gguf(gguf_type::mxfp4, mx, std::span(out).first(32)));
  EXPECT_TRUE(is_nan(out[0]) && is_nan(out[1]));
  mx[0] = std::byte{127};
  ASSERT_TRUE(fb::dequantize_gguf(gguf_type::mxfp4, mx, std::span(out).first(32)));
  EXPECT_EQ(out[0], 0.5f);
  EXPECT_EQ(bits_of(out[16]), 0x80000000u);
  // NVFP4: the scale 127 is NaN, though ggml reads 0; the highest bit means nothing.
  std::array<std::byte, 36> nv{std::byte{127}, std::byte{0xb8}, std::byte{0}};
  nv[12] = std::byte{0x02};
  ASSERT_TRUE(fb::dequantize_gguf(gguf_type::nvfp4, nv, std::span(out).first(64)));
  EXPECT_TRUE(is_nan(out[0]));
  EXPECT_EQ(out[16], 1.0f);
  EXPECT_EQ(out[32], 0.0f);
  // A tensor scale is taken as it is.
  ASSERT_TRUE(fb::dequantize_gguf(gguf_type::nvfp4, nv, std::span(out).first(64), 0.0f));
  EXPECT_EQ(out[16], 0.0f);
  ASSERT_TRUE(fb::dequantize_gguf(gguf_type::nvfp4, nv, std::span(out).first(64),
                                  std::bit_cast<float>(std::uint32_t{0x7fc00000})));
  EXPECT_TRUE(is_nan(out[16]));
  EXPECT_EQ(fb::dequantize_gguf(gguf_type::mxfp4, mx, std::span(out).first(32), 2.0f).error().message(),
            "MXFP4 has no tensor scale");
  // TQ2_0: bits 3.
  std::array<std::byte, 66> ternary{};
  ternary[63] = std::byte{0xc0};
  out.fill(5);
  const std::uint64_t shape[] = {256};
  const gguf_tensor tensor{"t", gguf_type::tq2_0, shape, ternary};
  const auto refused = fb::dequantize_gguf(tensor, out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "tensor 't': a code of TQ2_0 is 3, which no program writes");
  EXPECT_EQ(out[0], 5.0f);
  using ternary_format = fb::ternary_groups<256, fb::fp16>;
  EXPECT_EQ(fb::read_gguf<ternary_format>(tensor).error().code(), errc::malformed_file);
  // TQ1_0: every byte is five digits.
  for (unsigned byte = 0; byte < 256; ++byte, ++visited) {
    std::array<std::byte, 54> block{};
    block[0] = static_cast<std::byte>(byte);
    block[53] = std::byte{0x3c};
    ASSERT_TRUE(fb::dequantize_gguf(gguf_type::tq1_0, block, out));
    for (std::size_t n = 0; n < 5; ++n)
      EXPECT_TRUE(out[32 * n] == -1 || out[32 * n] == 0 || out[32 * n] == 1);
  }
}

TEST(GgufBlocks, RefusesWhatDoesNotFitAndWritesNothing) {
  const std::uint64_t shape[] = {2, 64};
  std::vector<std::byte> blocks(4 * 18);
  const gguf_tensor q4{"w", gguf_type::q4_0, shape, blocks};
  using q4_format = fb::int4_groups<32, fb::fp16>;
  using q8_format = fb::int8_groups<32, fb::fp16>;
  EXPECT_EQ(fb::read_gguf<q8_format>(q4).error().message(),
            "tensor 'w': the format asked for does not hold what Q4_0 holds: int4_groups<32, fp16> does");
  const gguf_tensor cut{"w", gguf_type::q4_0, shape, std::span(blocks).first(71)};
  EXPECT_EQ(fb::read_gguf<q4_format>(cut).error().message(), "tensor 'w': its shape does not take 71 bytes of Q4_0");
  const gguf_tensor scalar{"w", gguf_type::f32, {}, std::span(blocks).first(4)};
  EXPECT_EQ(fb::extents_of(scalar).error().message(), "tensor 'w': a scalar is no matrix");
  const std::uint64_t none[] = {0, 32};
  EXPECT_EQ(fb::extents_of({"w", gguf_type::q4_0, none, {}}).error().message(), "tensor 'w': it has no elements");
  std::vector<float> out(128, 7.0f);
  EXPECT_EQ(fb::dequantize_gguf(q4, std::span(out).first(127)).error().message(),
            "tensor 'w': 72 bytes of Q4_0 are not 127 elements");
  EXPECT_EQ(fb::dequantize_gguf(gguf_type::iq2_s, std::span(blocks).first(0), {}).error().message(),
            "blocks of IQ2_S are not decoded here");
  EXPECT_EQ(fb::dequantize_gguf(static_cast<gguf_type>(5), blocks, out).error().message(), "no type has the number 5");
  EXPECT_EQ(out[0], 7.0f);

  const auto matrix = fb::read_gguf<q4_format>(q4);
  ASSERT_TRUE(matrix);
  std::vector<std::byte> to(73, std::byte{9});
  EXPECT_EQ(fb::write_gguf(matrix->view(), gguf_type::q4_0, to).error().message(),
            "2 x 64 elements take 72 bytes of Q4_0, and there are 73");
  std::vector<std::byte> as_q4_1(80);
  EXPECT_EQ(fb::write_gguf(matrix->view(), gguf_type::q4_1, as_q4_1).error().message(),
            "Q4_1 does not hold what the matrix's format holds");
  EXPECT_EQ(fb::write_gguf(matrix->view(), gguf_type::q4_k, to).error().message(),
            "a row of 64 elements is no whole number of blocks of Q4_K");
  auto poisoned = fb::quantized_matrix<fb::mxfp4>::create(1, 32);
  ASSERT_TRUE(poisoned);
  poisoned->streams().scales[0] = fb::ue8m0::from_bits(255);
  EXPECT_EQ(fb::write_gguf(poisoned->view(), gguf_type::mxfp4, std::span(to).first(17)).error().message(),
            "a block's scale is NaN, which MXFP4 does not hold");
  auto threes = fb::quantized_matrix<fb::ternary_groups<256, fb::fp16>>::create(1, 256);
  ASSERT_TRUE(threes);
  threes->streams().codes[3] = std::byte{0x80};
  EXPECT_EQ(fb::write_gguf(threes->view(), gguf_type::tq1_0, std::span(to).first(54)).error().message(),
            "row 0 holds -2, and TQ1_0 holds -1, 0, 1");
  EXPECT_TRUE(std::all_of(to.begin(), to.end(), [](std::byte each) { return each == std::byte{9}; }));
}

TEST(GgufBlocks, FindsATensorScaleBesideTheTensor) {
  using fewbits_test::entry;
  std::string file = fewbits_test::gguf_file(
      {},
      {entry("a.weight", {64}, 40, 0), entry("a.scale", {1}, 0, 64), entry("b.weight", {64}, 40, 128),
       entry("b.weight.scale", {}, 0, 192), entry("c", {64}, 40, 224), entry("d.weight", {64}, 40, 288),
       entry("d.scale", {2}, 0, 352)},
      360);
  const std::size_t data = file.size() - 360;
  file.replace(data + 64, 4, fewbits_test::number(0x3fc00000, 4));
  file.replace(data + 192, 4, fewbits_test::number(0, 4));
  const exact_gguf bytes(file);
  const auto read = fb::gguf::parse(bytes.view());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*fb::gguf_scale_of(*read, *read->find("a.weight")), 1.5f);
  EXPECT_EQ(*fb::gguf_scale_of(*read, *read->find("b.weight")), 0.0f);
  EXPECT_EQ(*fb::gguf_scale_of(*read, *read->find("c")), 1.0f);
  const auto several = fb::gguf_scale_of(*read, *read->find("d.weight"));
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().message(), "tensor 'd.scale': a tensor scale is one F32, and this has 8 bytes of F32");
}

}  // namespace
