// NVFP4 and elements under real scales by lanes: quotients in float32, with the reference for what lies near a
// boundary.
#include "matrix/block_formats.hpp"
#include "simd/block_lanes.hpp"

namespace fb = fewbits;
using fewbits_test::expect_all_codes_decode;
using fewbits_test::expect_lanes_are_reference;

namespace {

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
