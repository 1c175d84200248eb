// Products of float activations on tiles of bfloat16: within the stated bound of double precision for every kind of
// format and activation, with the model's bits for what tiles do not take, on emulated tiles, and with the program's
// own tile instructions where they can be run or trapped.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <vector>

#include <fewbits/block/fp8.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/tile_product.hpp>
#include <fewbits/simd/amx.hpp>
#include <fewbits/simd/float_environment.hpp>
#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/scalar.hpp>

#include "gemm/product_model.hpp"
#include "gemm/tile_threads.hpp"
#include "simd/emulated_tiles.hpp"
#include "simd/trapped_tiles.hpp"
#include "support/planted.hpp"

FEWBITS_SIMD_BEGIN(emulated)
namespace lanes = scalar;
using namespace scalar;
using namespace emulated_tiles;
#include <fewbits/simd/amx_core.inl>
//
#include <fewbits/simd/amx_float_core.inl>
FEWBITS_SIMD_END

namespace {

namespace fb = fewbits;
namespace simd = fb::simd;
using fewbits_test::tile_hardware;
using fewbits_test::two_threads;

#if FEWBITS_SIMD_TILES
tile_hardware hardware() { return fewbits_test::tile_hardware_here(); }
#endif

// Which formats take which way, by their types alone.
using way = simd::float_tile_way;
static_assert(simd::float_tile_way_of<fb::mxfp4>() == way::folded);
static_assert(simd::float_tile_way_of<fb::mxfp8_e5m2>() == way::folded);
static_assert(simd::float_tile_way_of<fb::mxfp6_e2m3>() == way::folded);
static_assert(simd::float_tile_way_of<fb::mxint8_blocks>() == way::folded);
static_assert(simd::float_tile_way_of<fb::nvfp4>() == way::folded);         // 2 + 4 bits
static_assert(simd::float_tile_way_of<fb::fp8_groups<>>() == way::by_run);  // scales are float32
static_assert(simd::float_tile_way_of<fb::int4_groups<32, fb::fp16>>() == way::by_run);
static_assert(simd::float_tile_way_of<fb::int4_groups<16, fb::fp16>>() == way::none);  // too short a run
static_assert(simd::float_tile_way_of<fb::int8_rows<>>() == way::by_run);
static_assert(simd::float_tile_way_of<fb::uint4_groups<64>>() == way::by_run);
static_assert(simd::float_tile_way_of<fb::nf4_groups<>>() == way::none);  // entries are float32
static_assert(simd::tile_run_groups<fb::int4_groups<128>>(1) == 4 &&
              simd::tile_run_groups<fb::int4_groups<96>>(1) == 1);
static_assert(simd::tile_run_groups<fb::int8_rows<>>(3) == 8 && simd::tile_run_groups<fb::mxfp4>(2) == 16);
/// A user's format comes in by the same door.
struct users : fb::block_format<fb::e3m2, fb::e4m3, 4, fb::amax_scale_t> {};
static_assert(simd::float_tile_way_of<users>() == way::folded);  // 3 + 4 bits
struct a_scale_a_column : fb::block_format<fb::e2m1, fb::ue8m0, 1, fb::amax_scale_t> {};
static_assert(simd::float_tile_way_of<a_scale_a_column>() == way::none);  // columns come in pairs

/// What activations are made of: normal ones; or rows that tiles do not take, each of another kind, among them.
template <class Source>
std::vector<Source> activations_of(std::size_t rows, std::size_t depth, std::uint64_t seed, bool hostile) {
  const std::vector<float> drawn = fewbits_test::random_activations(rows, depth, seed, hostile);
  std::vector<Source> made(drawn.size());
  for (std::size_t i = 0; i != drawn.size(); ++i)
    made[i] = Source(drawn[i]);
  return made;
}
/// Do tiles take a row? Its bfloat16 parts, each cut off where its eight bits end, must be zero or normal.
bool tiles_take(std::span<const float> row) {
  const simd::default_float_environment environment;
  return std::all_of(row.begin(), row.end(), [](float x) {
    if (!fewbits_test::is_finite(x) || std::fabs(x) >= 0x1p64f)
      return false;
    for (float rest = x; rest != 0;) {
      const float part = std::bit_cast<float>(std::bit_cast<std::uint32_t>(rest) & 0xffff0000u);
      if (std::fabs(part) < 0x1p-126f)
        return false;
      rest -= part;
    }
    return true;
  });
}
/// Do tiles take a row of weights?
template <class Format>
bool tiles_take(const fb::quantized_view<Format>& q, std::size_t n) {
  const simd::default_float_environment environment;
  const std::size_t width = Format::shape.columns == fb::whole ? q.columns() : Format::shape.columns;
  for (std::size_t k = 0; k != q.columns(); ++k) {
    const std::size_t i = q.layout().block_of_row(n), j = k / width;
    const float element = fewbits_test::element_of(q, n, k, i, j);
    const float unit = fewbits_test::number_of(q.parameters_of(i, j).scale);
    if (!fewbits_test::is_finite(element))
      return false;
    if (simd::float_tile_way_of<Format>() != way::folded)
      continue;
    if (!fewbits_test::is_finite(unit))
      return false;
    const double product = std::fabs(static_cast<double>(element) * static_cast<double>(unit));
    if (product >= 0x1p48 || (product != 0 && product < 0x1p-126))
      return false;
  }
  return true;
}

std::size_t visited = 0, done_again = 0, overflown = 0, flushed_ones = 0;
double worst = 0;

/// Output (m, n) of a call: the model's bits where tiles do not take its row or panel, else within the bound.
template <class Format>
void expect_output(const fb::quantized_view<Format>& q, std::span<const float> row, std::size_t n, bool by_lanes,
                   std::size_t parts, float got) {
  const simd::default_float_environment environment;
  ++visited;
  if (by_lanes) {
    ++done_again;
    const float expected = fewbits_test::model_output(q, row, n);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(expected)) << got << " for " << expected;
    return;
  }
  const fewbits_test::sums model = fewbits_test::model_sum(q, row, n);
  if (!fewbits_test::is_finite(model.magnitude) || model.magnitude >= 0x1p127) {  // NaN, or beyond float32
    ++overflown;
    return;
  }
  double tensor_scale = 1;
  if constexpr (Format::has_tensor_scale)
    tensor_scale = static_cast<double>(q.tensor_scale());
  const double terms = 35.0 + (Format::has_minimum ? 2.0 : 1.0) * static_cast<double>(model.runs);
  double largest_unit = 1;
  if constexpr (simd::float_tile_way_of<Format>() == way::by_run)
    for (std::size_t j = 0; j != q.layout().block_columns(); ++j)
      largest_unit = std::max(largest_unit, std::fabs(static_cast<double>(fewbits_test::number_of(
                                                q.parameters_of(q.layout().block_of_row(n), j).scale))));
  const double flushed = 34.0 * static_cast<double>(parts * ((row.size() + 31) / 32)) * 0x1p-126 * largest_unit;
  const double bound = 1.001 * terms * std::ldexp(model.magnitude, -24) * tensor_scale;
  const double error =
      std::fabs(static_cast<double>(got) - model.exact * tensor_scale) * (fewbits_test::planted() ? 1e4 : 1);
  ASSERT_LE(error, bound + flushed * tensor_scale + 0x1p-149) << got << " for " << model.exact * tensor_scale;
  flushed_ones += error > bound ? 1 : 0;
  if (bound > 0x1p-80)
    worst = std::max(worst, error / bound);
}

/// Two kinds of weights by two of activations, on emulated tiles beside scalar lanes.
template <class Format, class Source>
void compare(std::size_t rows, std::size_t outputs, std::size_t depth, std::uint64_t seed, bool tame,
             std::vector<Source> a, const fb::quantized_matrix<Format>& weights) {
  using packed_type = fb::detail::packed_source<Format>;
  using plan_type = fb::detail::product_plan<packed_type, Format, Source, float, float>;
  const auto packed = *fb::prepack(weights);
  const fb::packed_weights_view<Format> view = packed.view();
  const packed_type source{view};
  const auto run = [&](const simd::float_tile_kernel<Format>& kernel) {
    std::vector<float> out(rows * outputs, -5.0f);
    const fb::detail::product_task<Source, float, float> task{
        .out = fb::matrix_view<float>(out.data(), rows, outputs),
        .activations = {fb::matrix_view<const Source>(a.data(), rows, depth), nullptr, rows},
        .addend = {},
        .activation = {}};
    const plan_type plan{source,
                         view.layout(),
                         task,
                         {simd::scalar::product_kernels_of<Format>(), simd::scalar::copy_numbers<Source>,
                          simd::scalar::finish_rows<float, float>}};
    EXPECT_TRUE(fb::detail::run_tile_product(kernel, plan, fb::serial));
    EXPECT_FALSE(fewbits_test::tiles_here.is_configured());
    return out;
  };
  constexpr std::size_t parts = simd::tile_parts<Source>;
  const std::vector<float> out =
      run({simd::emulated::multiply_floats_by_tiles<Format>, simd::emulated::split_row<parts>, simd::emulated::copy_row,
           simd::emulated::float_tile_room_bytes<Format>()});
  std::vector<float> as_float(a.size());
  std::transform(a.begin(), a.end(), as_float.begin(), [](Source x) { return static_cast<float>(x); });
  std::vector<bool> panel_by_lanes((outputs + 15) / 16);
  for (std::size_t n = 0; n != outputs; ++n)
    if (!tiles_take(weights.view(), n))
      panel_by_lanes[n / 16] = true;
  for (std::size_t m = 0; m != rows; ++m) {
    const auto row = std::span<const float>(as_float).subspan(m * depth, depth);
    const bool by_lanes = !tiles_take(row);
    for (std::size_t n = 0; n != outputs; ++n) {
      expect_output(weights.view(), row, n, by_lanes || panel_by_lanes[n / 16], parts, out[m * outputs + n]);
      ASSERT_FALSE(::testing::Test::HasFatalFailure())
          << rows << " x " << outputs << " x " << depth << ", output " << m << " " << n << ", tame " << tame
          << ", by lanes " << by_lanes << " " << panel_by_lanes[n / 16] << ", seed " << seed;
    }
  }
#if FEWBITS_SIMD_TILES
  if (hardware() != tile_hardware::none) {
    std::optional<fewbits_test::trapped_tiles> trap;
    if (hardware() == tile_hardware::trapped)
      trap.emplace();
    const std::vector<float> again = run({simd::amx::multiply_floats_by_tiles<Format>, simd::amx::split_row<parts>,
                                          simd::amx::copy_row, simd::amx::float_tile_room_bytes<Format>()});
    for (std::size_t i = 0; i != out.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(again[i]), std::bit_cast<std::uint32_t>(out[i])) << "amx, output " << i;
  }
#endif
}

struct numbers_of_call {
  std::size_t rows, outputs, depth;
};

template <class Format, class Source>
void compare_shapes() {
  if (std::endian::native != std::endian::little)
    return;  // tiles know one order of bytes, and lanes leave decoded weights in the machine's
  visited = done_again = overflown = 0;
  worst = 0;
  std::uint64_t seed = 0;
  for (const auto& [rows, outputs, depth] : {numbers_of_call{16, 17, 64}, numbers_of_call{17, 40, 45},
                                             numbers_of_call{33, 16, 300}, numbers_of_call{50, 35, 583}})
    for (const bool tame : {true, false})
      for (const bool hostile : {false, true})
        if (++seed; rows == 33 || tame != hostile)
          compare<Format, Source>(rows, outputs, depth, seed, tame, activations_of<Source>(rows, depth, seed, hostile),
                                  fewbits_test::random_matrix<Format>(outputs, depth, seed + 1, tame));
  EXPECT_GT(done_again, 0u);
  EXPECT_GT(visited, done_again + overflown);
  std::printf("%zu outputs, %zu of them by lanes, %zu beyond float32, worst %.3f of the bound\n", visited, done_again,
              overflown, worst);
}

TEST(AmxFloatProduct, Mxfp4WithFloat32) { compare_shapes<fb::mxfp4, float>(); }
TEST(AmxFloatProduct, MinimumsInGroupsOf32WithFp16) { compare_shapes<fb::uint4_minimum_groups<32>, fb::fp16>(); }
TEST(AmxFloatProduct, Nvfp4WithBf16) { compare_shapes<fb::nvfp4, fb::bf16>(); }
#if !defined(FEWBITS_TEST_LEAN)
TEST(AmxFloatProduct, Mxfp8WithFp16) { compare_shapes<fb::mxfp8_e4m3, fb::fp16>(); }
TEST(AmxFloatProduct, E4m3WithFloatScalesWithFloat32) { compare_shapes<fb::fp8_groups<>, float>(); }
TEST(AmxFloatProduct, Int4GroupsOf32WithFloat32) { compare_shapes<fb::int4_groups<32>, float>(); }
TEST(AmxFloatProduct, ZeroPointsInGroupsOf96WithBf16) { compare_shapes<fb::uint4_groups<96>, fb::bf16>(); }
TEST(AmxFloatProduct, RowsWithFloat32) { compare_shapes<fb::int8_rows<>, float>(); }
TEST(AmxFloatProduct, AUsersFormatWithBf16) { compare_shapes<users, fb::bf16>(); }
#endif

// Sums near float32's least normal number: what tiles flush is within the bound's absolute term, and needs it.
TEST(AmxFloatProduct, FlushesNoMoreThanItSays) {
  if (std::endian::native != std::endian::little)
    return;
  visited = flushed_ones = 0;
  for (const int exponent : {-60, -112, -116, -120, -124}) {
    auto weights = fewbits_test::random_matrix<fb::mxfp4>(40, 290, 3, true);
    std::vector<fb::bf16> a = activations_of<fb::bf16>(20, 290, 4, false);
    for (fb::bf16& x : a)
      x = fb::bf16(std::ldexp(static_cast<float>(x), exponent / 2));
    auto streams = weights.streams();
    for (std::size_t b = 0; b != weights.layout().blocks(); ++b)
      fb::store_parameter(streams.scales, b, fb::ue8m0::from_bits(static_cast<std::uint8_t>(127 + exponent / 2)));
    compare<fb::mxfp4, fb::bf16>(20, 40, 290, 3, true, std::move(a), weights);
  }
  EXPECT_GT(flushed_ones, 0u);
  std::printf("%zu outputs, %zu beyond the relative bound\n", visited, flushed_ones);
}

#if FEWBITS_SIMD_TILES
// Everything above a kernel: the contract, threads, weights as stored, lists of products, Inf in a row and NaN among
// the weights.
TEST(AmxFloatProduct, IsFaithfulsUnlessTilesWouldLieEmpty) {
  if (hardware() == tile_hardware::none)
    return;
  using format = fb::mxfp8_e4m3;
  const std::size_t rows = 70, outputs = 90, depth = 400;
  auto weights = fewbits_test::random_matrix<format>(outputs, depth, 5, true);
  const auto codes = weights.streams().codes;
  codes[codes.size() / outputs * 33 + 7] = std::byte{0x7f};  // NaN in panel 2
  const auto packed = *fb::prepack(weights);
  std::vector<float> a = fewbits_test::random_activations(rows, depth, 6, false);
  a[20 * depth + 3] = std::numeric_limits<float>::infinity();
  std::vector<float> biases(outputs, 0.25f);
  const fb::matrix_view<const float> activations(a.data(), rows, depth);
  std::optional<fewbits_test::trapped_tiles> trap;
  if (hardware() == tile_hardware::trapped)
    trap.emplace();
  // Trapped, amx is in force although it is not available.
  const auto with = [](fb::isa which, const auto& body) {
    fb::isa_state::in_force.store(static_cast<unsigned char>(which));
    const std::size_t before = fewbits_test::tiles_here.float_products;
    body();
    fb::unforce_isa();
    return fewbits_test::tiles_here.float_products != before;
  };
  const bool counts = trap.has_value();
  const auto multiply = [&](std::vector<float>& out, std::size_t first, const auto& of, const auto&... options) {
    out.assign(first * outputs, -1.0f);
    ASSERT_TRUE(fb::gemm(fb::matrix_view<float>(out.data(), first, outputs),
                         fb::matrix_view<const float>(a.data(), first, depth), of, options...));
  };
  const auto same = [](const std::vector<float>& x, const std::vector<float>& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
  };
  std::vector<float> lanes, few, tiles, out;
  EXPECT_FALSE(with(fb::isa::avx512, [&] {
    multiply(lanes, rows, packed, fb::bias(biases));
    multiply(few, 15, packed, fb::bias(biases));
  }));
  EXPECT_FALSE(with(fb::isa::amx, [&] { multiply(out, rows, packed, fb::bias(biases), fb::reproducible); }));
  EXPECT_TRUE(same(out, lanes));
  EXPECT_FALSE(with(fb::isa::amx, [&] { multiply(out, 15, packed, fb::bias(biases)); }));
  EXPECT_TRUE(same(out, few));
  EXPECT_EQ(with(fb::isa::amx, [&] { multiply(tiles, rows, packed, fb::bias(biases), fb::faithful); }), counts);
  EXPECT_FALSE(same(tiles, lanes));
  std::size_t near = 0;
  for (std::size_t m = 0; m != rows; ++m)
    for (std::size_t n = 0; n != outputs; ++n) {
      const float got = tiles[m * outputs + n], want = lanes[m * outputs + n];
      if (m == 20 || n / 16 == 2)  // row and panel of lanes
        ASSERT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(want)) << m << " " << n;
      else
        ASSERT_NEAR(got, want, 1e-3f * std::fabs(want) + 1.0f) << m << " " << n;
      near += got != want ? 1 : 0;
    }
  EXPECT_GT(near, rows);
  // The same bits from threads, from weights as stored and from a list of products.
  two_threads threads;
  EXPECT_EQ(with(fb::isa::amx, [&] { multiply(out, rows, packed, fb::bias(biases), fb::on(threads)); }), counts);
  EXPECT_TRUE(same(out, tiles));
  EXPECT_EQ(with(fb::isa::amx, [&] { multiply(out, rows, weights, fb::bias(biases)); }), counts);
  EXPECT_TRUE(same(out, tiles));
  std::vector<std::uint32_t> numbers(rows);
  for (std::uint32_t i = 0; i != rows; ++i)
    numbers[i] = i * 7 % rows;
  std::vector<float> plain;
  EXPECT_EQ(with(fb::isa::amx,
                 [&] {
                   multiply(plain, rows, packed);
                   out.assign(rows * outputs, -1.0f);
                   const fb::grouped_product<float, float, format> list[] = {
                       {fb::matrix_view<float>(out.data(), rows, outputs), activations, packed.view(), numbers}};
                   ASSERT_TRUE(fb::gemm_grouped(std::span<const fb::grouped_product<float, float, format>>(list)));
                 }),
            counts);
  for (std::size_t m = 0; m != rows; ++m)
    ASSERT_EQ(std::memcmp(&out[m * outputs], &plain[numbers[m] * outputs], outputs * sizeof(float)), 0) << m;
}
#endif

}  // namespace
