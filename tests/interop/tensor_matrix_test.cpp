// Tensors of a file as floats: every dtype against the number type of its name, shapes, and refusals.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/tensor_matrix.hpp>
#include <fewbits/number.hpp>

#include "support/planted.hpp"

namespace fb = fewbits;
using fb::dtype;

namespace {

std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }

/// `count` codes of `code_bits` bits, low first, as one little-endian stream of bits.
std::vector<std::byte> stream(const std::vector<std::uint64_t>& codes, unsigned code_bits) {
  std::vector<std::byte> bytes((codes.size() * code_bits + 7) / 8);
  for (std::size_t i = 0; i < codes.size() * code_bits; ++i)
    if ((codes[i / code_bits] >> (i % code_bits) & 1) != 0)
      bytes[i / 8] |= std::byte{1} << (i % 8);
  return bytes;
}

template <class FloatOf>
std::uint64_t expect_type(dtype type, const FloatOf& float_of) {
  const unsigned bits = fb::bits_per_element(type);
  std::vector<std::uint64_t> codes;
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < (bits <= 16 ? std::size_t{1} << bits : 4096); ++i)
    codes.push_back(bits <= 16 ? i : random() >> (64 - bits));
  const auto bytes = stream(codes, bits);
  const std::uint64_t shape[] = {codes.size() / 4, 4};
  std::vector<float> out(codes.size());
  const auto read = fb::read_floats({"t", type, shape, bytes}, out);
  EXPECT_TRUE(read) << fb::to_string(type);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const float expected = fewbits_test::planted() && i == 1 ? -float_of(codes[i]) : float_of(codes[i]);
    EXPECT_EQ(bits_of(out[i]), bits_of(expected)) << fb::to_string(type) << " code " << std::hex << codes[i];
  }
  return codes.size();
}

template <class T>
float few_bits(std::uint64_t code) {
  return static_cast<float>(T::from_bits(static_cast<typename T::bits_type>(code)));
}
template <class T>
float integer(std::uint64_t code) {
  return static_cast<float>(static_cast<T>(code));
}

TEST(TensorMatrix, EveryTypeReadsAsTheNumberOfItsName) {
  std::uint64_t visited = 0;
  visited += expect_type(dtype::f4, few_bits<fb::e2m1>);
  visited += expect_type(dtype::f6_e2m3, few_bits<fb::e2m3>);
  visited += expect_type(dtype::f6_e3m2, few_bits<fb::e3m2>);
  visited += expect_type(dtype::f8_e4m3, few_bits<fb::e4m3>);
  visited += expect_type(dtype::f8_e5m2, few_bits<fb::e5m2>);
  visited += expect_type(dtype::f8_e8m0, few_bits<fb::ue8m0>);
  visited += expect_type(dtype::f8_e4m3fnuz, few_bits<fb::e4m3fnuz>);
  visited += expect_type(dtype::f8_e5m2fnuz, few_bits<fb::e5m2fnuz>);
  visited += expect_type(dtype::f16, few_bits<fb::fp16>);
  visited += expect_type(dtype::bfloat16, few_bits<fb::bf16>);
  visited += expect_type(dtype::u8, integer<std::uint8_t>);
  visited += expect_type(dtype::i8, integer<std::int8_t>);
  visited += expect_type(dtype::u16, integer<std::uint16_t>);
  visited += expect_type(dtype::i16, integer<std::int16_t>);
  visited += expect_type(dtype::u32, integer<std::uint32_t>);
  visited += expect_type(dtype::i32, integer<std::int32_t>);
  visited += expect_type(dtype::u64, integer<std::uint64_t>);
  visited += expect_type(dtype::i64, integer<std::int64_t>);
  visited += expect_type(dtype::f32,
                         [](std::uint64_t code) { return std::bit_cast<float>(static_cast<std::uint32_t>(code)); });
  std::printf("%llu codes\n", static_cast<unsigned long long>(visited));
}

TEST(TensorMatrix, DoublesAreRoundedOnce) {
  const std::vector<double> values{1.0, 1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-50, 1e300, -0x1p-149, 0x1p-151};
  std::vector<std::uint64_t> codes;
  for (const double x : values)
    codes.push_back(std::bit_cast<std::uint64_t>(x));
  const auto bytes = stream(codes, 64);
  const std::uint64_t shape[] = {6};
  std::vector<float> out(6);
  EXPECT_TRUE(fb::read_floats({"t", dtype::f64, shape, bytes}, out));
  const std::uint32_t expected[] = {0x3f800000, 0x3f800000, 0x3f800001, 0x7f800000, 0x80000001, 0};
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(bits_of(out[i]), expected[i]) << i;
}

TEST(TensorMatrix, ExtentsFlattenAllButTheFirst) {
  const auto extents = [](const std::vector<std::uint64_t>& shape) {
    return fb::extents_of({"t", dtype::f32, shape, {}});
  };
  EXPECT_EQ(extents({7, 5})->rows, 7u);
  EXPECT_EQ(extents({7, 5})->columns, 5u);
  EXPECT_EQ(extents({7, 5, 3, 2})->columns, 30u);
  EXPECT_EQ(extents({9})->rows, 1u);
  EXPECT_EQ(extents({9})->columns, 9u);
  EXPECT_EQ(extents({}).error().code(), fb::errc::unsupported);
  EXPECT_EQ(extents({4, 0}).error().code(), fb::errc::unsupported);
  EXPECT_EQ(extents({std::uint64_t{1} << 32, std::uint64_t{1} << 32}).error().code(), fb::errc::size_overflow);
  EXPECT_EQ(extents({2, std::uint64_t{1} << 32, std::uint64_t{1} << 32}).error().code(), fb::errc::size_overflow);
  EXPECT_EQ(extents({1, std::uint64_t{1} << 63}).error().code(), fb::errc::size_overflow);
}

TEST(TensorMatrix, WrongLengthsAndTypesWithoutRealNumbersAreRefusedAndNothingIsWritten) {
  const std::vector<std::byte> bytes(16);
  const std::uint64_t shape[] = {4};
  std::vector<float> out(8, 3.0f);
  for (const std::size_t size : {0u, 3u, 5u, 8u})
    EXPECT_EQ(fb::read_floats({"t", dtype::f32, shape, bytes}, std::span(out).first(size)).error().code(),
              fb::errc::shape_mismatch);
  EXPECT_EQ(fb::read_floats({"t", dtype::c64, shape, bytes}, std::span(out).first(2)).error().code(),
            fb::errc::unsupported);
  for (const float x : out)
    EXPECT_EQ(x, 3.0f);
}

}  // namespace
