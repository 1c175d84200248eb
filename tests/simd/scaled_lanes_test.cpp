// NVFP4 and elements under real scales by lanes: quotients in float32, with the reference for what lies near a
// boundary.
#include "matrix/block_formats.hpp"
#include "simd/block_lanes.hpp"

namespace fb = fewbits;
using fewbits_test::expect_all_codes_decode;
using fewbits_test::expect_lanes_are_reference;

namespace {

/// A scale below 0, as an exact search finds it where the large values are negative.
struct negative_amax_t {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format>
  constexpr typename Format::scale_type block_scale(const fb::unpacked_number& amax,
                                                    fb::no_tensor_scale) const noexcept {
    fb::unpacked_number quotient = fb::exact_quotient(amax, fb::largest<typename Format::element_type>);
    quotient.negative = true;
    return fb::nonzero_number<typename Format::scale_type>(quotient);
  }
};
// Boundaries on a grid, some with codes out of order; some so close that they are searched; few.
using disordered =
    fb::codebook<fb::codebook_format{.entries = {9, -7, 0, 14, -12, 3, -3, 40, 20, -28, 27, -19, 6, 33, -36, -40}}>;
using crowded = fb::codebook<fb::codebook_format{
    .entries = {0, 1, 2, 3, 100, 300, 900, 2000, 0, -1, -2, -3, -100, -300, -900, -1500}}>;
// Divisors that no float32 is: the largest entry, and half of the way from the lowest to the largest.
using long_entries = fb::codebook<fb::codebook_format{
    .fraction_bits = 27,
    .entries = {-134217728, -93460000, -70467000, -53003000, -38164000, -24796000, -12220000, 0, 10680000, 21590000,
                33028000, 45349000, 59147000, 75516000, 97058000, 113217733}}>;
using long_range =
    fb::codebook<fb::codebook_format{.total_bits = 2, .entries = {-12345679, -4000000, 4000000, 12345678}}>;
struct long_range_halves : fb::block_format<long_range, float, 32, fb::amax_half_scale_t> {};
using eight = fb::codebook<fb::codebook_format{.total_bits = 3, .entries = {-9, -5, -2, 0, 1, 4, 7, 11}}>;
using two = fb::codebook<fb::codebook_format{.total_bits = 1, .entries = {2, -1}}>;
static_assert(fb::simd::finds_on_grid<fb::nf4> && fb::simd::finds_on_grid<disordered> &&
              fb::simd::finds_on_grid<eight> && fb::simd::finds_on_grid<two> && !fb::simd::finds_on_grid<crowded>);
struct eight_high_first
    : fb::block_format<eight, fb::fp16, 64, fb::amax_scale_t, fb::with_order<fb::bit_order::high_first>> {};

template <class Element>
struct below_zero : fb::block_format<Element, fb::bf16, 16, negative_amax_t> {};

TEST(ScaledLanes, NegativeScales) {
  expect_lanes_are_reference<below_zero<fb::minifloat<fb::unsigned_format(2, 2)>>>(
      "unsigned fp4 under negative scales");
  expect_lanes_are_reference<below_zero<fb::e2m1>>("e2m1 under negative scales");
  expect_lanes_are_reference<below_zero<fb::e4m3fnuz>>("e4m3fnuz under negative scales");
  expect_lanes_are_reference<below_zero<fb::int4>>("int4 under negative scales");
}
TEST(ScaledLanes, Nvfp4) {
  expect_lanes_are_reference<fb::nvfp4>("nvfp4");
  expect_lanes_are_reference<fewbits_test::square_nvfp4>("square nvfp4");
  for (const float tensor : {1.0f, 0.0117f, -0.3f, 1e-30f, 0x1.fffffep-20f, 3e-39f, 0.0f, 7e30f})
    expect_all_codes_decode<fb::nvfp4>("nvfp4", tensor);
}
TEST(ScaledLanes, Fp8) {
  expect_lanes_are_reference<fb::fp8_groups<fb::e4m3>>("e4m3 in groups of 128");
  expect_lanes_are_reference<fb::fp8_rows<fb::e5m2, fb::bf16>>("e5m2 in rows, bf16 scales");
  expect_lanes_are_reference<fb::scaled_format<fb::e4m3, fb::block_shape{8, 16}, fb::ue8m0>>("e4m3 in squares, ue8m0");
  expect_lanes_are_reference<fb::fp8_tensor<fb::e4m3>>("e4m3, one scale");
  expect_all_codes_decode<fb::fp8_groups<fb::e4m3>>("e4m3 in groups of 128");
  expect_all_codes_decode<fb::fp8_rows<fb::e5m2, fb::bf16>>("e5m2 in rows, bf16 scales");
}
TEST(ScaledLanes, Codebooks) {
  expect_lanes_are_reference<fb::nf4_groups<>>("nf4 in groups of 64");
  expect_lanes_are_reference<fb::codebook_groups<disordered, 32, float>>("a disordered codebook");
  expect_lanes_are_reference<fb::codebook_groups<disordered, 16, fb::e4m3>>("the same under e4m3");
  expect_lanes_are_reference<fb::codebook_groups<crowded, 32, float>>("a crowded codebook");
  expect_lanes_are_reference<fb::codebook_groups<long_entries, 32, float>>("entries of 27 digits");
  expect_lanes_are_reference<long_range_halves>("a range of 25 digits");
  expect_lanes_are_reference<fb::codebook_groups<eight, 128, fb::bf16>>("a codebook of 8");
  expect_lanes_are_reference<eight_high_first>("a codebook of 8, high first");
  expect_lanes_are_reference<fb::codebook_groups<two, 64, float>>("a codebook of 2");
}
/// Large enough to be written past the caches, from any place on; with blocks that lanes leave.
template <class Format>
void expect_large_matrices_are_reference(std::string_view what, std::size_t rows, std::size_t columns) {
  ASSERT_GE(rows * columns * sizeof(float), fb::simd::streaming_bytes);
  fewbits_test::lane_values random(3);
  std::vector<float> values(rows * columns);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = i % 4093 == 0 ? random.special() : random.about(static_cast<int>(random.below(6)));
  fewbits_test::lane_counts counts;
  fewbits_test::expect_same_blocks<Format>(fb::matrix_view<const float>(values.data(), rows, columns), counts, what);
  std::printf("%.*s: %llu values\n", static_cast<int>(what.size()), what.data(),
              static_cast<unsigned long long>(counts.values));
}
TEST(ScaledLanes, LargeMatrices) {
  expect_large_matrices_are_reference<fb::nvfp4>("nvfp4", 4100, 1024);
  expect_large_matrices_are_reference<fb::mxfp6_e2m3>("mxfp6_e2m3, rows that end inside a line", 4100, 1056);
  expect_large_matrices_are_reference<fb::int4_groups<128>>("int4 in groups of 128, rows with a rest", 2050, 2063);
}
TEST(ScaledLanes, OtherElements) {
  expect_lanes_are_reference<fewbits_test::oblong_fp6>("e3m2 in 4 x 8, high first");
  expect_lanes_are_reference<fewbits_test::narrow_scales>("e2m1 under packed scales");
  expect_lanes_are_reference<fb::nf4_groups<64, fb::fp16>>("nf4 in groups of 64, fp16 scales");
  expect_all_codes_decode<fewbits_test::oblong_fp6>("e3m2 in 4 x 8, high first");
  expect_all_codes_decode<fewbits_test::narrow_scales>("e2m1 under packed scales");
  expect_all_codes_decode<fb::nf4_groups<>>("nf4 in groups of 64");
}

}  // namespace
