// exact_mse where blocks have minimums: in super-blocks, each block's codes against all pairs of codes in 128-bit
// integers; beside a minimum of its own, against the search that exact_minimum_test proves; constants equal run time.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/quantize/exact_mse.hpp>

#include "matrix/samples.hpp"
#include "quantize/exact_errors.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::exact;

namespace {

// Formats of a user's own: few pairs; a scale of 8 bits beside a minimum of 8 bits.
struct small_nested : fb::block_format<fb::uint2, fb::uint3, 8, fb::nested_scale_t, fb::with_minimum<fb::uint3>,
                                       fb::in_super_blocks<4, fb::fp16, fb::fp16>> {};
struct small_pair : fb::block_format<fb::uint4, fb::e4m3, 8, fb::exact_mse_t, fb::with_minimum<fb::e4m3>> {};

/// A row of super-blocks whose blocks differ in range; multiples of 2^-12, some blocks of few values, some of zeros.
std::vector<float> row_of(std::uint64_t seed, std::size_t size, std::size_t block) {
  std::mt19937_64 random(seed);
  std::vector<float> row(size);
  for (std::size_t i = 0; i < size; ++i) {
    const auto kind = seed * 7 + i / block;
    const auto draw = static_cast<std::int64_t>(random() >> 50) - (kind % 3 == 0 ? 0 : 8192);
    const std::int64_t value = kind % 5 == 0 ? draw / 64 : kind % 7 == 0 ? draw % 3 * 1024 : draw;
    row[i] = std::ldexp(static_cast<float>(kind % 11 == 0 ? 0 : value), -12);
  }
  return row;
}

#if FEWBITS_HAS_INT128

using wide = fb::int128;

/// In units of 2^-24, of which numbers of fp16 are multiples.
std::int64_t in_units(const fb::unpacked_number& x) {
  if (x.kind != fb::number_class::finite)
    return 0;
  const int shift = 63 - x.exponent - 24;
  EXPECT_TRUE(shift >= 0 && shift < 64 && (x.significand & ((std::uint64_t{1} << shift) - 1)) == 0);
  const auto v = static_cast<std::int64_t>(x.significand >> shift);
  return x.negative ? -v : v;
}

struct code_pair {
  unsigned scale = 0;
  unsigned minimum = 0;
};
/// Scales upwards from 1, minimums upwards; the first of equals.
template <fb::blocked Format>
code_pair try_all_codes(std::span<const float> values, std::span<const float> weights, std::int64_t super_scale,
                        std::int64_t super_minimum) {
  constexpr unsigned scales = 1u << Format::scale_type::format.total_bits;
  constexpr unsigned minimums = 1u << Format::zero_type::format.total_bits;
  constexpr int levels = 1 << Format::element_bits;
  code_pair best;
  wide least = -1;
  for (unsigned s = 1; s < scales; ++s)
    for (unsigned m = 0; m < (super_minimum != 0 ? minimums : 1u); ++m) {
      wide error = 0;
      for (std::size_t i = 0; i < values.size() && (least < 0 || error < least); ++i) {
        const std::int64_t x = in_units(fb::unpack(values[i]));
        std::int64_t nearest = -1;
        for (int k = 0; k < levels; ++k) {
          const std::int64_t d = x - super_scale * s * k + super_minimum * m;
          nearest = nearest < 0 || (d < 0 ? -d : d) < nearest ? (d < 0 ? -d : d) : nearest;
        }
        error += wide{nearest} * nearest * (weights.empty() ? 1 : static_cast<std::int64_t>(weights[i]));
      }
      if (least < 0 || error < least) {
        least = error;
        best = {s, m};
      }
    }
  return best;
}

template <fb::blocked Format>
void expect_best_codes(const char* name, unsigned rows) {
  constexpr std::size_t size = Format::size * Format::super_count;
  std::uint64_t blocks = 0;
  for (unsigned seed = 0; seed < rows; ++seed) {
    const auto values = row_of(seed, size - seed % 3, Format::size);
    std::vector<float> weights;
    for (std::size_t i = 0; i < values.size() && seed % 2 != 0; ++i)
      weights.push_back(static_cast<float>((i * 37 + seed) % 11));
    const fb::matrix_view<const float> view(values.data(), 1, values.size());
    const auto made = weights.empty() ? fb::quantize<Format>(view, fb::exact_mse)
                                      : fb::quantize<Format>(view, fb::exact_mse, fb::importance(weights));
    ASSERT_TRUE(made.has_value());
    const std::int64_t super_scale = in_units(unpack(made->supers()[0].scale));
    const std::int64_t super_minimum = in_units(unpack(made->supers()[0].minimum));
    for (std::size_t b = 0; b * Format::size < values.size(); ++b) {
      const std::size_t count = std::min(Format::size, values.size() - b * Format::size);
      const auto part = std::span<const float>(values).subspan(b * Format::size, count);
      if (std::all_of(part.begin(), part.end(), [](float x) { return x == 0; }))
        continue;
      ++blocks;
      auto expected = try_all_codes<Format>(
          part,
          weights.empty() ? std::span<const float>() : std::span<const float>(weights).subspan(b * Format::size, count),
          super_scale, super_minimum);
      if (fewbits_test::planted() && seed == 0)
        expected.scale ^= 1;
      const auto map = made->view().map_of_block(0, b);
      EXPECT_EQ(in_units(map.unit), super_scale * expected.scale) << name << ", row " << seed << ", block " << b;
      EXPECT_EQ(in_units(map.offset), -super_minimum * expected.minimum) << name << ", row " << seed << ", block " << b;
    }
  }
  std::printf("%s: %llu blocks\n", name, static_cast<unsigned long long>(blocks));
}

TEST(ExactNested, EveryPairOfCodesIsTried) {
  expect_best_codes<small_nested>("2 bits under 3-bit codes", 200);
  expect_best_codes<fb::nested_uint2>("nested_uint2", 12);
  expect_best_codes<fb::nested_uint4>("nested_uint4", 3);
}

#endif

TEST(ExactNested, EveryCodeOfAScaleIsTried) {
  using format = fb::nf4_double;
  const auto elements = fewbits_test::element_values<format>();
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    auto values = fewbits_test::normal_samples(128, seed);
    for (std::size_t i = 0; i < 64; ++i)
      values[i] *= 0.25f;
    const auto made = fb::quantize<format>(fb::matrix_view<const float>(values.data(), 1, 128), fb::exact_mse);
    ASSERT_TRUE(made.has_value());
    for (std::size_t b = 0; b < 2; ++b) {
      const auto block = std::span<const float>(values).subspan(b * 64, 64);
      const auto all = fewbits_test::exact_values(block);
      const auto map = made->view().map_of_block(0, b);
      const auto own = fewbits_test::error_on_grid(all, {}, elements, fewbits_test::exact_of(map.unit));
      bool met = false;
      for (unsigned code = 0; code < 256; ++code) {
        const auto unit = fb::block_unit<format>(fb::int8::from_bits(static_cast<std::uint8_t>(code)),
                                                 made->supers()[0], made->tensor_scale());
        met = met || fb::compare_values(unit, map.unit) == 0;
        if (unit.kind != fb::number_class::finite)
          continue;
        const auto other = fewbits_test::error_on_grid(all, {}, elements, fewbits_test::exact_of(unit), own);
        EXPECT_FALSE(other && *other < *own) << "seed " << seed << ", block " << b << ", code " << code;
      }
      EXPECT_TRUE(met);
    }
  }
}

template <class Format>
void expect_pairs(const char* name, std::uint64_t count) {
  using scale = typename Format::scale_type;
  using minimum = typename Format::zero_type;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    auto values = fewbits_test::normal_samples(Format::size, seed);
    for (float& each : values)
      each = seed % 3 == 0 ? each + 40 : seed % 3 == 1 ? -std::abs(each) : each;
    const auto block = fb::encode_block<Format>(std::span<const float>(values), {}, fb::exact_mse);
    fb::exact_scale_buffer<Format::size> buffer;
    const auto best = fb::find_exact_pair<scale, minimum>(std::span<const float>(values),
                                                          fb::alphabet_of<typename Format::element_type>(), buffer,
                                                          {.negative_scales = true});
    EXPECT_TRUE(best.is_proven) << name << ", seed " << seed;
    EXPECT_EQ(fb::source_code(block.scale), fb::source_code(best.scale)) << name << ", seed " << seed;
    EXPECT_EQ(fb::source_code(block.zero), fb::source_code(best.minimum)) << name << ", seed " << seed;

    const auto simple = fb::encode_block<Format>(std::span<const float>(values), {}, fb::min_max_scale);
    const auto error = [&](const auto& of) {
      std::vector<float> decoded(values.size());
      fb::decode_block(of, decoded);
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        sum += (double{values[i]} - double{decoded[i]}) * (double{values[i]} - double{decoded[i]});
      return sum;
    };
    // Decoded values are rounded to float32, which the optimum is not about.
    EXPECT_LE(error(block), error(simple) * 1.00001 + 1e-9) << name << ", seed " << seed;
  }
  std::printf("%s: %llu blocks\n", name, static_cast<unsigned long long>(count));
}
TEST(ExactNested, MinimumsOfTheirOwn) {
  expect_pairs<small_pair>("uint4, e4m3 and e4m3", 60);
  expect_pairs<fb::uint4_minimum_groups<32, fb::fp16>>("uint4, fp16 and fp16", 24);
  expect_pairs<fb::uint4_minimum_groups<32, fb::bf16>>("uint4, bf16 and bf16", 24);
  expect_pairs<fb::uint4_minimum_groups<32>>("uint4, float and float", 12);
}

TEST(ExactNested, InfAndNanThatPassHaveNoPart) {
  auto values = fewbits_test::normal_samples(256, 5);
  std::vector<float> weights(256, 1.0f);
  auto marred = values;
  for (const std::size_t i : {std::size_t{3}, std::size_t{77}, std::size_t{200}}) {
    marred[i] = fewbits_test::float_of(i % 2 == 0 ? 0x7fc00000u : 0xff800000u);
    values[i] = 0;
    weights[i] = 0;
  }
  const auto a =
      fb::quantize<small_pair>(fb::matrix_view<const float>(marred.data(), 1, 256), fb::exact_mse, fb::pass_nonfinite);
  const auto b = fb::quantize<small_pair>(fb::matrix_view<const float>(values.data(), 1, 256), fb::exact_mse,
                                          fb::importance(weights));
  ASSERT_TRUE(a.has_value() && b.has_value());
  for (std::size_t i = 0; i < 32; ++i)
    EXPECT_EQ(a->scales()[i].bits(), b->scales()[i].bits()) << i;
}

TEST(ExactNested, DegenerateBlocks) {
  fb::exact_scale_buffer<8> buffer;
  const auto find = [&](std::initializer_list<float> values, std::span<const float> weights = {}) {
    return fb::find_exact_pair<fb::fp16, fb::fp16>(std::span<const float>(values.begin(), values.size()),
                                                   fb::alphabet_of<fb::uint4>(), buffer, {.weights = weights});
  };
  const std::array<float, 2> nothing{};
  for (const auto& made : {find({}), find({0, 0}), find({1, 2}, nothing)}) {
    EXPECT_EQ(made.scale.bits(), 1);
    EXPECT_EQ(made.minimum.bits(), 0);
    EXPECT_TRUE(made.is_proven);
  }
  const auto equal = find({-3, -3, -3});  // the smallest scale, the value itself
  EXPECT_EQ(equal.scale.bits(), 1);
  EXPECT_EQ(equal.minimum, fb::fp16(-3.0f));
  const auto line = find({1, 1.5f, 8.5f});
  EXPECT_EQ(line.scale, fb::fp16(0.5f));
  EXPECT_EQ(line.minimum, fb::fp16(1.0f));
  const auto weighed = find({5, 1, 7}, std::array<float, 3>{0, 1, 0});  // only the 1 counts
  EXPECT_EQ(weighed.scale.bits(), 1);
  EXPECT_EQ(weighed.minimum, fb::fp16(1.0f));
  const auto tiny = find({1e-9f, -2e-9f, 3e-9f});  // all below half of fp16's smallest
  EXPECT_EQ(tiny.scale.bits(), 1);
  EXPECT_EQ(tiny.minimum.bits(), 0);
  EXPECT_TRUE(tiny.is_proven);
}

constexpr std::array<float, 4> few{1, 2.5f, -0.5f, 4};
constexpr auto pair_constant = [] {
  fb::exact_scale_buffer<4> buffer;
  return fb::find_exact_pair<fb::e3m2, fb::e3m2>(std::span<const float>(few), fb::alphabet_of<fb::uint2>(), buffer);
}();
constexpr auto nested_constant = [] {
  std::array<float, 8> values{};
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16.0f;
  return values;
}();
constexpr auto nested_made = fb::quantize<small_nested, 1, 8>(nested_constant, fb::exact_mse);

TEST(ExactNested, RunTimeEqualsCompileTime) {
  fb::exact_scale_buffer<4> buffer;
  const std::vector<float> values(few.begin(), few.end());
  const auto made =
      fb::find_exact_pair<fb::e3m2, fb::e3m2>(std::span<const float>(values), fb::alphabet_of<fb::uint2>(), buffer);
  EXPECT_EQ(made.scale, pair_constant.scale);
  EXPECT_EQ(made.minimum, pair_constant.minimum);
  const std::vector<float> row(nested_constant.begin(), nested_constant.end());
  const auto nested = fb::quantize<small_nested>(fb::matrix_view<const float>(row.data(), 1, 8), fb::exact_mse);
  EXPECT_TRUE(std::ranges::equal(nested->codes(), nested_made.view().codes()));
  EXPECT_TRUE(std::ranges::equal(nested->scales(), nested_made.view().scales()));
}

}  // namespace
