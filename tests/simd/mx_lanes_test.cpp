// OCP MX formats by lanes: their units are powers of two, so every code is decided by integers.
#include "simd/block_lanes.hpp"

namespace fb = fewbits;
using fewbits_test::expect_all_codes_decode;
using fewbits_test::expect_lanes_are_reference;

namespace {

struct high_first_fp6
    : fb::block_format<fb::e3m2, fb::ue8m0, 16, fb::ceil_scale_t, fb::with_order<fb::bit_order::high_first>> {};
using e3m0 = fb::minifloat<fb::finite_format(3, 0)>;  // ties between powers of two go to the even code
struct mx_e3m0 : fb::block_format<e3m0, fb::ue8m0, 32, fb::floor_scale_t> {};
struct mx_nf4 : fb::block_format<fb::nf4, fb::ue8m0, 32, fb::rceil_scale_t> {};

TEST(MxLanes, Quantise) {
  expect_lanes_are_reference<fb::mxfp8_e4m3>("mxfp8_e4m3");
  expect_lanes_are_reference<fb::mxfp8_e5m2>("mxfp8_e5m2");
  expect_lanes_are_reference<fb::mxfp6_e2m3>("mxfp6_e2m3");
  expect_lanes_are_reference<fb::mxfp4>("mxfp4");
  expect_lanes_are_reference<fb::mxint8_blocks>("mxint8");
}
TEST(MxLanes, QuantiseByOtherRules) {
  expect_lanes_are_reference<fb::mxfp4>("mxfp4 even", fb::even_scale);
  expect_lanes_are_reference<fb::mxfp6_e3m2>("mxfp6_e3m2 rceil, zeros unsigned", fb::rceil_scale, fb::drop_zero_sign);
  expect_lanes_are_reference<high_first_fp6>("e3m2 x 16, high first, ceil");
  expect_lanes_are_reference<mx_nf4>("nf4 under powers of two");
  expect_lanes_are_reference<mx_e3m0>("e3m0");
}
TEST(MxLanes, DecodeAllCodesUnderAllScales) {
  expect_all_codes_decode<fb::mxfp8_e4m3>("mxfp8_e4m3");
  expect_all_codes_decode<fb::mxfp8_e5m2>("mxfp8_e5m2");
  expect_all_codes_decode<fb::mxfp6_e2m3>("mxfp6_e2m3");
  expect_all_codes_decode<fb::mxfp4>("mxfp4");
  expect_all_codes_decode<fb::mxint8_blocks>("mxint8");
  expect_all_codes_decode<high_first_fp6>("e3m2 x 16, high first");
  expect_all_codes_decode<mx_nf4>("nf4 under powers of two");
}

}  // namespace
