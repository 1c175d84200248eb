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
TEST(ScaledLanes, OtherElements) {
  expect_lanes_are_reference<fewbits_test::oblong_fp6>("e3m2 in 4 x 8, high first");
  expect_lanes_are_reference<fewbits_test::narrow_scales>("e2m1 under packed scales");
  expect_lanes_are_reference<fb::nf4_groups<64, fb::fp16>>("nf4 in groups of 64, fp16 scales");
  expect_all_codes_decode<fewbits_test::oblong_fp6>("e3m2 in 4 x 8, high first");
  expect_all_codes_decode<fewbits_test::narrow_scales>("e2m1 under packed scales");
  expect_all_codes_decode<fb::nf4_groups<>>("nf4 in groups of 64");
}

}  // namespace
