// Integers in groups by lanes: symmetric, with a zero point, with a minimum; and what lanes decode alone.
#include "matrix/block_formats.hpp"
#include "simd/block_lanes.hpp"

namespace fb = fewbits;
using fewbits_test::expect_all_codes_decode;
using fewbits_test::expect_lanes_are_reference;

namespace {

TEST(IntegerLanes, Symmetric) {
  expect_lanes_are_reference<fb::int8_groups<32>>("int8 in groups of 32");
  expect_lanes_are_reference<fb::int8_groups<48>>("int8 in groups of 48");
  expect_lanes_are_reference<fb::int4_groups<48>>("int4 in groups of 48");
  expect_lanes_are_reference<fb::int4_groups<80>>("int4 in groups of 80");
  expect_lanes_are_reference<fb::int8_rows<fb::fp16>>("int8 in rows, fp16 scales");
  expect_lanes_are_reference<fb::int4_groups<32>>("int4 in groups of 32");
  expect_lanes_are_reference<fb::int4_groups<32, fb::bf16>>("int4 by amax / 7.5, bf16 scales", fb::amax_half_scale);
  expect_lanes_are_reference<fb::ternary_groups<64>>("ternary");
}
TEST(IntegerLanes, Asymmetric) {
  expect_lanes_are_reference<fb::uint4_groups<32>>("uint4 in groups of 32");
  expect_lanes_are_reference<fewbits_test::oblong_uint3>("uint3 in 3 x 8, bf16 scales");
  expect_lanes_are_reference<fewbits_test::signed_zero>("int4 with a zero point");
  expect_lanes_are_reference<fb::uint4_minimum_groups<32>>("uint4 with a minimum");
}
TEST(IntegerLanes, DecodeAllCodes) {
  expect_all_codes_decode<fb::int8_groups<32>>("int8");
  expect_all_codes_decode<fb::int4_groups<32, fb::fp16>>("int4, fp16 scales");
  expect_all_codes_decode<fb::uint4_groups<32>>("uint4");
  expect_all_codes_decode<fewbits_test::signed_zero>("int4 with a zero point");
  expect_all_codes_decode<fb::uint4_minimum_groups<32>>("uint4 with a minimum");
  expect_all_codes_decode<fewbits_test::nested_uint4>("uint4 in super-blocks");
  expect_all_codes_decode<fewbits_test::nested_nf4>("nf4 in super-blocks with an offset", 0.37f);
  expect_all_codes_decode<fewbits_test::nested_int3>("int3 in super-blocks");
}

}  // namespace
