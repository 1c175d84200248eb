// What a report counts, on matrices small enough to count by hand, and on the statistics that design notes publish.
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/matrix.hpp>

#include "block/blocks.hpp"
#include "matrix/samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::float_of;

namespace {

TEST(Report, CountsSaturatedUnderflowedAndPoisonedByHand) {
  // amax 7.5: floor gives scale 1. 7.5 and 7 round past 6; 6.9 is clamped but nearest to 6 anyway.
  std::vector<float> values(64, 1.0f);
  values[0] = 7.5f;
  values[1] = -7.0f;
  values[2] = 6.9f;
  values[3] = 0.25f;  // the tie goes to 0
  values[4] = -0.2f;
  values[5] = 0.26f;
  values[6] = 0.0f;
  values[40] = float_of(0x7f800000u);
  const fb::matrix_view<const float> view(values.data(), 2, 32);
  const auto made = fb::quantize<fb::mxfp4>(view);
  const auto report = fb::compare(view, *made);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->elements, 64u);
  EXPECT_EQ(report->saturated, 2u);
  EXPECT_EQ(report->underflowed, fewbits_test::planted() ? 3u : 2u);
  EXPECT_EQ(report->poisoned, 32u);
  EXPECT_DOUBLE_EQ(report->largest_error, 1.5);
  const double error =
      1.5 * 1.5 + 1 + std::pow(6.9f - 6.0, 2) + 0.0625 + std::pow(double{0.2f}, 2) + std::pow(0.5 - double{0.26f}, 2);
  EXPECT_NEAR(report->squared_error, error, 1e-12);
  EXPECT_NEAR(report->sqnr_db(), 10 * std::log10(report->power / error), 1e-9);
}

TEST(Report, NoErrorIsInfinitelyGoodAndAnErrorAgainstNothingInfinitelyBad) {
  const std::vector<float> zeros(4);
  const std::vector<float> ones(4, 1.0f);
  const fb::matrix_view<const float> zero(zeros.data(), 2, 2);
  const fb::matrix_view<const float> one(ones.data(), 2, 2);
  EXPECT_EQ(fb::compare(one, one)->nmse(), 0);
  EXPECT_TRUE(std::isinf(fb::compare(one, one)->sqnr_db()));
  EXPECT_TRUE(std::isinf(fb::compare(zero, one)->nmse()));
  EXPECT_EQ(fb::compare(one, zero)->underflowed, 4u);
  EXPECT_EQ(fb::compare(one, fb::matrix_view<const float>(ones.data(), 1, 4)).error().code(), fb::errc::shape_mismatch);
  const auto made = fb::quantize<fb::mxfp4>(one);
  EXPECT_EQ(fb::compare(fb::matrix_view<const float>(ones.data(), 1, 4), *made).error().code(),
            fb::errc::shape_mismatch);
}

TEST(Report, SaturationIsJudgedAfterRounding) {
  const auto one = fb::make_unpacked(false, 1, 0);
  EXPECT_FALSE(fb::saturates<fb::e2m1>(6.999f, one));
  EXPECT_TRUE(fb::saturates<fb::e2m1>(-7.0f, one));    // the tie goes to the even code, which is past 6
  EXPECT_FALSE(fb::saturates<fb::e4m3>(464.0f, one));  // the tie goes to 448
  EXPECT_TRUE(fb::saturates<fb::e4m3>(464.1f, one));
  EXPECT_FALSE(fb::saturates<fb::int4>(-8.5f, one));  // the tie goes to -8
  EXPECT_TRUE(fb::saturates<fb::int4>(-8.6f, one));
  EXPECT_TRUE(fb::saturates<fb::int4>(7.5f, one));
  EXPECT_FALSE(fb::saturates<fb::int4>(7.4f, one));
  EXPECT_TRUE(fb::is_extreme<fb::int4>(8) && fb::is_extreme<fb::int4>(7) && !fb::is_extreme<fb::int4>(9));
  EXPECT_TRUE(fb::is_extreme<fb::e2m1>(15) && fb::is_extreme<fb::e2m1>(7) && !fb::is_extreme<fb::e2m1>(14));
}

TEST(Report, BitsAWeightCountScalesAndFilling) {
  EXPECT_DOUBLE_EQ(fb::quantized_layout<fb::mxfp4>::of(3, 64)->bits_per_weight(), 4.25);
  EXPECT_DOUBLE_EQ(fb::quantized_layout<fb::nvfp4>::of(2, 16)->bits_per_weight(), (2 * 9 + 4) * 8 / 32.0);
  EXPECT_DOUBLE_EQ(fb::quantized_layout<fb::mxfp4>::of(1, 33)->bits_per_weight(), 34 * 8 / 33.0);
  EXPECT_DOUBLE_EQ(fb::quantized_layout<fb::mxfp4>::of(0, 33)->bits_per_weight(), 0);
}

/// NMSE x 1000 of 2^19 samples of N(0,1), within one per cent of the published figure.
template <class Format>
void expect_nmse(double published, const char* name) {
  const auto values = fewbits_test::normal_samples(std::size_t{1} << 19, 20260101);
  const fb::matrix_view<const float> view(values.data(), 512, 1024);
  const double got = 1e3 * fb::compare(view, *fb::quantize<Format>(view))->nmse();
  std::printf("%s: NMSE x 1000 of 2^19 normal samples is %.3f, published %.2f\n", name, got, published);
  EXPECT_NEAR(got, published, 0.01 * published) << name;
}

TEST(Report, NormalSamplesHaveThePublishedErrorOfMxfp4Floor) { expect_nmse<fb::mxfp4>(13.26, "mxfp4 floor"); }
TEST(Report, NormalSamplesHaveThePublishedErrorOfNvfp4Static) { expect_nmse<fb::nvfp4>(9.03, "nvfp4 static"); }

}  // namespace
