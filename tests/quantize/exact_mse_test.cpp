// The exact optimum as a rule: every scale, zero point and shape of a format by rational arithmetic, and the rest of
// the library's rules, none of which may do better.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/quantize/exact_mse.hpp>
#include <fewbits/quantize/search_scale.hpp>
#include <fewbits/quantize/skewed.hpp>
#include <fewbits/quantize/statistic_scale.hpp>

#include "matrix/samples.hpp"
#include "quantize/exact_errors.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::exact;
using fewbits_test::float_of;

namespace {

/// Scale code, zero point (or shape).
template <fb::blocked Format>
struct candidate {
  std::uint64_t scale = 0;
  int zero = 0;
  exact error{};
};

template <fb::blocked Format>
constexpr int first_zero() {
  if constexpr (Format::has_zero_point)
    return -static_cast<int>(Format::zero_type::format.negative_limit());
  else
    return 0;
}
template <fb::blocked Format>
constexpr int last_zero() {
  if constexpr (Format::has_zero_point)
    return static_cast<int>(Format::zero_type::format.max_code());
  else
    return static_cast<int>(fb::detail::shape_count<Format>) - 1;
}

/// Every scale by ascending magnitude, + before -, zero points upwards; the first of equals. Shapes come before scales.
template <fb::blocked Format>
candidate<Format> try_everything(std::span<const float> values, std::span<const float> weights, const exact& tensor,
                                 std::uint64_t& visited, std::uint64_t first_code = 0,
                                 std::uint64_t last_code = ~0ull) {
  constexpr auto format = fb::source_format<typename Format::scale_type>();
  std::vector<std::vector<exact>> grids;
  for (int z = first_zero<Format>(); z <= last_zero<Format>(); ++z) {
    grids.push_back(fewbits_test::element_values<Format>(Format::has_shapes ? static_cast<std::size_t>(z) : 0));
    if (Format::has_zero_point)
      for (exact& each : grids.back())
        each = each - exact::integer(z);
  }
  const auto all = fewbits_test::exact_values(values);
  candidate<Format> best;
  std::optional<exact> least;
  for (std::uint64_t code = std::max(first_code, format.min_positive_code());
       code <= std::min(last_code, format.max_code()); ++code)
    for (int sign = 1; sign >= (format.is_signed ? -1 : 1); sign -= 2)
      for (int z = first_zero<Format>(); z <= last_zero<Format>(); ++z, ++visited) {
        const exact unit = fewbits_test::exact_of(fb::unpack_code<format>(code)) * tensor * exact::integer(sign);
        const auto error = fewbits_test::error_on_grid(
            all, weights, grids[static_cast<std::size_t>(z - first_zero<Format>())], unit, least);
        const bool lower_shape = Format::has_shapes && error && least && *error == *least && z < best.zero;
        if (error && (!least || *error < *least || lower_shape)) {
          least = error;
          best = {code | (sign < 0 ? format.sign_mask() : 0), z, *error};
        }
      }
  return best;
}

/// The block as the rule made it has the least error, by its codes; the parameters are those of the tie rule.
template <fb::blocked Format>
void expect_best(const char* name, const fb::quantized_view<Format>& made, std::size_t block,
                 std::span<const float> values, std::span<const float> weights, const candidate<Format>& expected) {
  const auto map = made.map_of_block(0, block);
  std::vector<unsigned> codes;
  for (std::size_t i = 0; i < values.size(); ++i)
    codes.push_back(made.row_codes(0)[block * Format::size + i]);
  const exact error = fewbits_test::error_of_codes<Format>(values, weights, codes, map);
  ASSERT_TRUE(error == expected.error) << name << " got " << error.to_double() << " expected "
                                       << expected.error.to_double() << fewbits_test::show_bits(values);
  ASSERT_EQ(std::uint64_t{fb::source_code(made.scales()[block])}, expected.scale)
      << name << fewbits_test::show_bits(values);
  if constexpr (Format::has_zero_point || Format::has_shapes) {
    ASSERT_EQ(Format::has_shapes ? static_cast<int>(map.shape) : map.zero, expected.zero)
        << name << fewbits_test::show_bits(values);
  }
}

/// One row that is one block of up to Format::size values.
template <fb::blocked Format>
void expect_optimum(const char* name, const std::vector<float>& values, const std::vector<float>& weights,
                    std::uint64_t& visited, std::uint64_t first_code = 0, std::uint64_t last_code = ~0ull) {
  const fb::matrix_view<const float> view(values.data(), 1, values.size());
  const auto made = weights.empty() ? fb::quantize<Format>(view, fb::exact_mse)
                                    : fb::quantize<Format>(view, fb::exact_mse, fb::importance(weights));
  ASSERT_TRUE(made);
  exact tensor = exact::integer(1);
  if constexpr (Format::has_tensor_scale)
    tensor = oracle::from(made->tensor_scale()).value;
  auto expected = try_everything<Format>(values, weights, tensor, visited, first_code, last_code);
  if (fewbits_test::planted() && weights.empty())
    expected.error = expected.error + exact::power_of_two(-40);
  expect_best<Format>(name, made->view(), 0, values, weights, expected);
}

std::vector<float> block_of(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed * 7 + size);
  auto values = fewbits_test::normal_samples(size, seed);
  switch (seed % 6) {
    case 1:
      for (float& each : values)
        each = static_cast<float>(static_cast<int>(random() % 31) - 15) * 0.25f;
      break;
    case 2:
      for (float& each : values)
        each = bits_of(each) >> 31 != 0 ? -each * 3 : each;
      break;
    case 3: values[size / 2] *= 64; break;
    case 4:
      for (float& each : values)
        each = random() % 3 == 0 ? 0.0f : each < 0 ? each : -each;
      break;
    default: break;
  }
  if (std::ranges::all_of(values, [](float x) { return x == 0; }))
    values[0] = 1;
  return values;
}
std::vector<float> weights_of(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed + 99);
  std::vector<float> weights(size);
  for (float& each : weights)
    each = static_cast<float>(random() % 8);
  return weights;
}

template <fb::blocked Format>
void expect_optima(const char* name, std::uint64_t count, std::size_t size = Format::size, std::uint64_t first_code = 0,
                   std::uint64_t last_code = ~0ull) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const std::size_t length = seed % 4 == 3 ? 1 + seed % size : size;  // a short tail, too
    expect_optimum<Format>(name, block_of(seed, length),
                           seed % 3 == 2 ? weights_of(seed, length) : std::vector<float>(), visited, first_code,
                           last_code);
    if (testing::Test::HasFatalFailure())
      return;
  }
  std::printf("%s: %llu blocks, %llu scales of blocks\n", name, static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(visited));
}

// Formats of a user's own: smaller groups, elements without sign, zero points that reach only part of the elements.
struct unsigned_fp4 : fb::block_format<fb::minifloat<fb::unsigned_format(2, 2)>, fb::e4m3, 8, fb::amax_scale_t> {};
struct short_zeros : fb::block_format<fb::uint8, fb::e4m3, 4, fb::min_max_scale_t, fb::with_zero_point<fb::uint3>> {};
struct signed_zeros : fb::block_format<fb::int4, fb::e4m3, 6, fb::min_max_scale_t, fb::with_zero_point<fb::int4>> {};
struct chooses_shape : fb::block_format<fb::skew2, fb::e4m3, 8, fb::exact_mse_t, fb::with_shapes<fb::uint3>,
                                        fb::with_tensor_scale<float>> {};

TEST(ExactMse, EveryScaleOfTheStandardsIsTried) {
  expect_optima<fb::nvfp4>("nvfp4", 120);
  expect_optima<fb::mxfp4>("mxfp4", 60);
  expect_optima<fb::mxfp8_e4m3>("mxfp8 e4m3", 24);
  expect_optima<fb::mxint8_blocks>("mxint8", 12);
}
TEST(ExactMse, BothSignsOfALopsidedTableAreTried) {
  expect_optima<fb::skew4_groups<16>>("skew4, 16", 60);
  expect_optima<fb::skew4_groups<32>>("skew4, 32", 30);
  expect_optima<fb::int4_groups<16, fb::e4m3>>("int4, e4m3", 60);
  expect_optima<fb::int2_groups<8, fb::e5m2>>("int2, e5m2", 60);
  expect_optima<unsigned_fp4>("unsigned fp4", 60);
}
TEST(ExactMse, EveryZeroPointIsTried) {
  expect_optima<fb::uint4_groups<8, fb::e4m3>>("uint4", 30);
  expect_optima<fb::uint2_groups<8, fb::e5m2>>("uint2", 60);
  expect_optima<short_zeros>("uint8 with zero points 0 to 7", 24);
  expect_optima<signed_zeros>("int4 with zero points", 30);
}
TEST(ExactMse, EveryShapeIsTried) {
  expect_optima<chooses_shape>("shapes", 40);
  // One value that counts fits several shapes; none that counts fits all.
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<float> weights(8, 0.0f);
    weights[seed % 8] = seed < 18 ? 1.0f : 0.0f;
    expect_optimum<chooses_shape>("one value", fewbits_test::normal_samples(8, seed), weights, visited);
  }
}
TEST(ExactMse, TablesAndFewLevels) {
  expect_optima<fb::nf4_groups<8, fb::e4m3>>("nf4, e4m3", 40);
  expect_optima<fb::ternary_groups<8, fb::e4m3>>("ternary", 60);
  expect_optima<fb::binary_groups<8, fb::e4m3>>("binary", 60);
}
TEST(ExactMse, EveryHalfPrecisionScaleIsTried) {
  expect_optima<fb::int4_groups<8, fb::fp16>>("int4, fp16", 6, 8, 0x1800, 0x5800);
  expect_optima<fb::ternary_groups<8, fb::bf16>>("ternary, bf16", 6, 8, 0x3a00, 0x4300);
  expect_optima<fb::nf4_groups<8, fb::fp16>>("nf4, fp16", 4, 8, 0x1800, 0x5800);
}

struct square_blocks : fb::block_format<fb::e2m1, fb::ue4m3, fb::block_shape{4, 8}, fb::amax_scale_t> {};
struct rows_of_int4 : fb::block_format<fb::int4, fb::e4m3, fb::per_row, fb::amax_scale_t> {};
struct tensor_of_int4 : fb::block_format<fb::int4, fb::e4m3, fb::per_tensor, fb::amax_scale_t> {};

/// Blocks of two dimensions, rows and tensors: the same optimum; long ones take memory from the heap.
template <fb::blocked Format>
void expect_shape(const char* name, std::size_t rows, std::size_t columns) {
  std::uint64_t visited = 0;
  const auto values = fewbits_test::normal_samples(rows * columns, rows * 1000 + columns);
  const auto weights = weights_of(columns, columns);
  const auto made = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), rows, columns), fb::exact_mse,
                                         fb::importance(weights));
  ASSERT_TRUE(made);
  const auto& layout = made->layout();
  for (std::size_t i = 0; i < layout.block_rows(); ++i)
    for (std::size_t j = 0; j < layout.block_columns(); ++j) {
      std::vector<float> block;
      std::vector<float> block_weights;
      std::vector<unsigned> codes;
      for (std::size_t r = 0; r < layout.rows_in_block(i); ++r)
        for (std::size_t c = 0; c < layout.columns_in_block(j); ++c) {
          block.push_back(values[(layout.first_row(i) + r) * columns + layout.first_column(j) + c]);
          block_weights.push_back(weights[layout.first_column(j) + c]);
          codes.push_back(made->view().row_codes(layout.first_row(i) + r)[layout.first_column(j) + c]);
        }
      const auto expected = try_everything<Format>(block, block_weights, exact::integer(1), visited);
      const exact error = fewbits_test::error_of_codes<Format>(std::span<const float>(block), block_weights, codes,
                                                               made->view().map_of_block(i, j));
      ASSERT_TRUE(error == expected.error) << name << " block " << i << ", " << j;
      ASSERT_EQ(made->scales()[i * layout.block_columns() + j].bits(), expected.scale) << name;
    }
  std::printf("%s: %llu scales of blocks\n", name, static_cast<unsigned long long>(visited));
}
TEST(ExactMse, SquaresRowsAndTensors) {
  expect_shape<square_blocks>("4 x 8", 9, 21);
  expect_shape<rows_of_int4>("rows", 2, 300);
  expect_shape<rows_of_int4>("a row past the stack", 1, 1500);
  expect_shape<tensor_of_int4>("a tensor", 7, 31);
}

TEST(ExactMse, HardBlocks) {
  std::uint64_t visited = 0;
  std::size_t blocks = 0;
  for (const auto& values : fewbits_test::finite_hard_blocks(16, 173)) {
    expect_optimum<fb::nvfp4>("nvfp4", values, {}, visited);
    ++blocks;
  }
  for (const auto& values : fewbits_test::finite_hard_blocks(32, 397)) {
    expect_optimum<fb::mxfp4>("mxfp4", values, {}, visited);
    ++blocks;
  }
  std::printf("%zu blocks, %llu scales of them\n", blocks, static_cast<unsigned long long>(visited));
}

// ---- no rule does better ----

/// Squared errors of two encodings under their parameters, elements being the nearest.
template <fb::blocked Format>
std::strong_ordering compare_parameters(std::span<const float> values, const fb::block_parameters<Format>& a,
                                        const fb::block_parameters<Format>& b,
                                        const typename Format::tensor_scale_type& tensor) {
  const auto decoder = [&](const fb::block_parameters<Format>& of) {
    const fb::block_map map = fb::map_of<Format>(of, {}, tensor);
    return [values, map](std::size_t i) {
      return map.unit.kind == fb::number_class::finite
                 ? fb::element_value<Format>(fb::encode_element<Format>(fb::unpack(values[i]), map), map)
                 : fb::unpacked_number{};
    };
  };
  return fb::compare_block_errors(values, decoder(a), decoder(b));
}
template <fb::blocked Format, class Rule>
void expect_no_better(const char* name, std::span<const float> values, const typename Format::tensor_scale_type& tensor,
                      const fb::block_parameters<Format>& best, const Rule& rule, std::uint64_t& visited) {
  const auto other = fb::encode_block<Format>(values, tensor, rule);
  ASSERT_TRUE(compare_parameters<Format>(values, best, {other.scale, other.zero}, tensor) <= 0)
      << name << fewbits_test::show_bits(values);
  ++visited;
}
template <fb::blocked Format, class... Rules>
void expect_best_of(const char* name, const Rules&... rules) {
  std::uint64_t visited = 0;
  auto blocks = fewbits_test::finite_hard_blocks(Format::size, 29);
  for (std::uint64_t seed = 0; seed < 120; ++seed)
    blocks.push_back(block_of(seed, Format::size));
  for (const auto& values : blocks) {
    typename Format::tensor_scale_type tensor{};
    if constexpr (Format::has_tensor_scale) {
      const fb::block_values<float> all(values.data(), values.size());
      tensor =
          fb::static_two_level.tensor_scale<Format>(fb::unpack_code<fb::binary32_format>(all.largest_finite_code()));
    }
    const auto best = fb::encode_block<Format>(std::span<const float>(values), tensor, fb::exact_mse);
    (expect_no_better<Format>(name, values, tensor, {best.scale, best.zero}, rules, visited), ...);
    if (testing::Test::HasFatalFailure())
      return;
  }
  std::printf("%s: %llu comparisons\n", name, static_cast<unsigned long long>(visited));
}
TEST(ExactMse, NoOtherRuleDoesBetter) {
  expect_best_of<fb::mxfp4>("mxfp4", fb::floor_scale, fb::ceil_scale, fb::rceil_scale, fb::even_scale,
                            fb::search_scale);
  expect_best_of<fb::mxfp6_e2m3>("mxfp6", fb::floor_scale, fb::rceil_scale, fb::even_scale, fb::search_scale);
  expect_best_of<fb::mxfp8_e5m2>("mxfp8 e5m2", fb::floor_scale, fb::rceil_scale, fb::search_scale);
  expect_best_of<fb::nvfp4>("nvfp4", fb::static_two_level, fb::four_over_six, fb::four_over_six_absolute,
                            fb::four_over_six_largest);
  expect_best_of<fb::int4_groups<32>>("int4, float", fb::amax_scale, fb::amax_half_scale, fb::signed_max_scale,
                                      fb::percentile_scale(950'000), fb::mse_grid_scale());
  expect_best_of<fb::int4_groups<16, fb::fp16>>("int4, fp16", fb::amax_scale, fb::amax_half_scale,
                                                fb::signed_max_scale);
  expect_best_of<fb::uint4_groups<16>>("uint4", fb::min_max_scale);
  expect_best_of<fb::nf4_groups<16>>("nf4", fb::amax_scale, fb::percentile_scale(900'000), fb::mse_grid_scale());
  expect_best_of<fb::ternary_groups<16>>("ternary", fb::mean_scale, fb::amax_scale);
  expect_best_of<fb::binary_groups<16>>("binary", fb::mean_scale, fb::amax_scale);
}

// ---- what does not count ----

TEST(ExactMse, InfAndNanThatPassHaveNoPart) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    auto values = fewbits_test::normal_samples(2048, seed);
    std::vector<float> weights(2048, 1.0f);
    values[40] = 50;  // so that the first block's scale is not the largest there is
    for (const std::size_t i : {seed % 32, (seed + 5) % 32}) {
      values[i] = float_of(i % 2 == 0 ? 0x7fc00000u : 0xff800000u);
      weights[i] = 0;
    }
    for (std::size_t i = 0; i < 28 && seed % 2 != 0; ++i) {  // four finite ones are left
      values[i] = float_of(0x7f800000u);
      weights[i] = 0;
    }
    auto without = values;
    for (float& each : without)
      each = oracle::is_finite_float(each) ? each : 0.0f;
    const fb::matrix_view<const float> with_view(values.data(), 1, seed == 0 ? 2048 : 64);
    const fb::matrix_view<const float> view(without.data(), 1, seed == 0 ? 2048 : 64);
    const auto kept = std::span<const float>(weights).first(view.columns());
    const auto same = [&]<class Format>(std::type_identity<Format>) {
      const auto got = fb::quantize<Format>(with_view, fb::exact_mse, fb::pass_nonfinite);
      const auto expected = fb::quantize<Format>(view, fb::exact_mse, fb::importance(kept));
      ASSERT_TRUE(got && expected);
      EXPECT_EQ(fb::source_code(got->scales()[0]), fb::source_code(expected->scales()[0])) << "seed " << seed;
    };
    same(std::type_identity<fb::mxfp8_e4m3>());
    same(std::type_identity<fb::skew4_groups<32>>());
    if (seed == 0)
      same(std::type_identity<fb::fp8_rows<>>());
  }
}

TEST(ExactMse, ATensorScaleThatIsNoPositiveNumberPoisonsOrGivesZeros) {
  const auto values = fewbits_test::normal_samples(16, 1);
  for (const std::uint32_t bits : {0x7fc00000u, 0x7f800000u, 0xff800000u, 0xbf800000u}) {
    const auto made = fb::encode_block<fb::nvfp4>(std::span<const float>(values), float_of(bits), fb::exact_mse);
    EXPECT_EQ(made.scale.bits(), 0x7f) << std::hex << bits;
    for (std::size_t i = 0; i < 16; ++i)
      EXPECT_EQ(made.codes[i], 0);
  }
  std::vector<float> decoded(16, 1.0f);
  fb::decode_block(fb::encode_block<fb::nvfp4>(std::span<const float>(values), 0.0f, fb::exact_mse), decoded, 0.0f);
  for (const float each : decoded)
    EXPECT_EQ(bits_of(each) & 0x7fffffffu, 0u);
}

TEST(ExactMse, WeightsOfZeroGiveTheSmallestScale) {
  const auto values = fewbits_test::normal_samples(32, 1);
  const std::vector<float> weights(32, 0.0f);
  const auto made = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 1, 32), fb::exact_mse,
                                            fb::importance(weights));
  EXPECT_EQ(made->scales()[0].bits(), 1);
  EXPECT_EQ(made->scales()[1].bits(), 1);
}

constexpr std::array<float, 32> constants = [] {
  std::array<float, 32> made{};
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16.0f;
  return made;
}();
constexpr auto nv_constant = fb::quantize<fb::nvfp4, 1, 32>(constants, fb::exact_mse);
constexpr auto skew_constant = fb::quantize<fb::skew4_groups<16>, 1, 32>(constants);

TEST(ExactMse, RunTimeEqualsCompileTime) {
  const std::vector<float> values(constants.begin(), constants.end());
  const fb::matrix_view<const float> view(values.data(), 1, 32);
  const auto nv = fb::quantize<fb::nvfp4>(view, fb::exact_mse);
  const auto skew = fb::quantize<fb::skew4_groups<16>>(view);
  EXPECT_TRUE(std::ranges::equal(nv->codes(), nv_constant.view().codes()));
  EXPECT_TRUE(std::ranges::equal(nv->scales(), nv_constant.view().scales()));
  EXPECT_TRUE(std::ranges::equal(skew->codes(), skew_constant.view().codes()));
  EXPECT_TRUE(std::ranges::equal(skew->scales(), skew_constant.view().scales()));
}

}  // namespace
