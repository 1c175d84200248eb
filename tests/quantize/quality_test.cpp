// The quality that formats are chosen for, on N(0,1) and Laplace samples made in integers: signal to noise at 4.5, 4.25
// and 2.5 bits a weight, and the figures known of the standard formats.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/fewbits.hpp>
#include <fewbits/quantize.hpp>

#include "support/planted.hpp"

namespace fb = fewbits;

namespace {

/// N(0,1): the sum of 48 random bytes less its mean, and 8 bits below it, with Cornish and Fisher's correction
/// x + (x^3 - 3 x) / 960 for the excess kurtosis of -1/40. In units of 2^-17. No library's rounding has a part in it.
std::int64_t gaussian(std::mt19937_64& random) {
  std::int64_t sum = -6120;  // 48 x 127.5
  for (int word = 0; word < 6; ++word) {
    const std::uint64_t bits = random();
    for (int shift = 0; shift < 64; shift += 8)
      sum += static_cast<std::int64_t>(bits >> shift & 0xff);
  }
  const std::int64_t x = sum * 256 + static_cast<std::int64_t>(random() >> 56);
  constexpr std::int64_t unit = 1 << 17;
  return x + (x * x / unit - 3 * unit) * x / unit / 960;
}
constexpr std::size_t columns = 1024;
std::vector<float> normal(std::size_t count) {
  std::mt19937_64 random(20);
  std::vector<float> made(count);
  for (float& each : made)
    each = static_cast<float>(gaussian(random)) * 0x1p-17f;
  return made;
}
/// g1 g2 + g3 g4 of four normal numbers has Laplace's distribution.
std::vector<float> laplace(std::size_t count) {
  std::mt19937_64 random(21);
  std::vector<float> made(count);
  for (float& each : made) {
    const std::int64_t first = gaussian(random) * gaussian(random);
    each = static_cast<float>(first + gaussian(random) * gaussian(random)) * 0x1p-34f;
  }
  return made;
}

template <fb::blocked Format, class... Policies>
double nmse(const std::vector<float>& samples, std::size_t count, const Policies&... policies) {
  const fb::matrix_view<const float> view(samples.data(), count / columns, columns);
  const auto made = fb::quantize_with_report<Format>(view, {}, policies...);
  EXPECT_TRUE(made);
  return made ? made->cost.nmse() : 1.0;
}
template <fb::blocked Format, class... Policies>
double decibels(const std::vector<float>& samples, std::size_t count, const Policies&... policies) {
  return -10 * std::log10(nmse<Format>(samples, count, policies...));
}
template <fb::blocked Format>
double bits_a_weight() {
  return fb::quantized_layout<Format>::unchecked(4096, 4096).bits_per_weight();
}

class Quality : public ::testing::Test {
 protected:
  static constexpr std::size_t all = 1 << 17;
  static const std::vector<float>& normal_samples() {
    static const std::vector<float> made = normal(all);
    return made;
  }
  static const std::vector<float>& laplace_samples() {
    static const std::vector<float> made = laplace(all);
    return made;
  }
};

TEST_F(Quality, SamplesAreWhatTheyAreSaidToBe) {
  const auto moments = [](const std::vector<float>& samples, double& second, double& fourth) {
    second = fourth = 0;
    for (const float each : samples) {
      const double square = static_cast<double>(each) * static_cast<double>(each);
      second += square / static_cast<double>(samples.size());
      fourth += square * square / static_cast<double>(samples.size());
    }
  };
  double second = 0;
  double fourth = 0;
  moments(normal_samples(), second, fourth);
  EXPECT_NEAR(second, 1.0, 0.01);
  EXPECT_NEAR(fourth / (second * second), 3.0, 0.06);
  moments(laplace_samples(), second, fourth);
  EXPECT_NEAR(second, 2.0, 0.05);
  EXPECT_NEAR(fourth / (second * second), 6.0, 0.5);
}

TEST_F(Quality, FourAndAHalfBitsReach23AndAHalfDecibels) {
  const double limit = fewbits_test::planted() ? 25.0 : 23.5;
  const double got = decibels<fb::skew4_groups<16>>(normal_samples(), all);
  std::printf("skew4 in 16: %.3f bits, %.3f dB\n", bits_a_weight<fb::skew4_groups<16>>(), got);
  EXPECT_GE(got, limit);
  EXPECT_LE(bits_a_weight<fb::skew4_groups<16>>(), 4.5001);  // one float for 2^24 weights
}
TEST_F(Quality, FourAndAQuarterBitsReach22AndAThirdDecibels) {
  const double got = decibels<fb::skew4_groups<32>>(normal_samples(), all);
  std::printf("skew4 in 32: %.3f bits, %.3f dB\n", bits_a_weight<fb::skew4_groups<32>>(), got);
  EXPECT_GT(got, 22.31);
  EXPECT_LE(bits_a_weight<fb::skew4_groups<32>>(), 4.2501);
}
TEST_F(Quality, TwoAndAHalfBitsReach11AndAHalfDecibels) {
  const double got = decibels<fb::skew2_groups>(normal_samples(), 1 << 16);
  std::printf("skew2: %.3f bits, %.3f dB\n", bits_a_weight<fb::skew2_groups>(), got);
  EXPECT_GE(got, 11.57);
  EXPECT_LE(bits_a_weight<fb::skew2_groups>(), 2.5001);
}

/// NMSE x 1000 within 2 % of the figures known of N(0,1) and Laplace.
struct figures {
  const char* name;
  double normal;
  double laplace;
};
void expect_figures(const figures& known, double on_normal, double on_laplace) {
  std::printf("%-24s %7.3f (%6.3f)  %7.3f (%6.3f)\n", known.name, on_normal * 1000, known.normal, on_laplace * 1000,
              known.laplace);
  EXPECT_NEAR(on_normal * 1000 / known.normal, 1.0, 0.02) << known.name;
  EXPECT_NEAR(on_laplace * 1000 / known.laplace, 1.0, 0.02) << known.name;
}

TEST_F(Quality, FormatsReachTheirKnownFigures) {
  const auto& n = normal_samples();
  const auto& l = laplace_samples();
  expect_figures({"mxfp4 floor", 13.26, 15.91}, nmse<fb::mxfp4>(n, all), nmse<fb::mxfp4>(l, all));
  expect_figures({"mxfp4 rceil", 13.31, 17.60}, nmse<fb::mxfp4>(n, all, fb::rceil_scale),
                 nmse<fb::mxfp4>(l, all, fb::rceil_scale));
  expect_figures({"mxfp4 even", 12.54, 15.32}, nmse<fb::mxfp4>(n, all, fb::even_scale),
                 nmse<fb::mxfp4>(l, all, fb::even_scale));
  expect_figures({"mxfp4 search", 12.48, 15.01}, nmse<fb::mxfp4>(n, all, fb::search_scale),
                 nmse<fb::mxfp4>(l, all, fb::search_scale));
  expect_figures({"nvfp4 static", 9.03, 8.62}, nmse<fb::nvfp4>(n, all), nmse<fb::nvfp4>(l, all));
  expect_figures({"nvfp4 four over six", 7.54, 7.60}, nmse<fb::nvfp4>(n, all, fb::four_over_six),
                 nmse<fb::nvfp4>(l, all, fb::four_over_six));
  expect_figures({"nvfp4 exact", 6.59, 6.80}, nmse<fb::nvfp4>(n, all, fb::exact_mse),
                 nmse<fb::nvfp4>(l, all, fb::exact_mse));
  expect_figures({"int4 32, amax / 7", 9.38, 14.7}, nmse<fb::int4_groups<32>>(n, all, fb::amax_scale),
                 nmse<fb::int4_groups<32>>(l, all, fb::amax_scale));
  expect_figures({"int4 32, max / -8", 7.36, 11.5}, nmse<fb::int4_groups<32>>(n, all),
                 nmse<fb::int4_groups<32>>(l, all));
  expect_figures({"int4 128, amax / 7", 13.68, 25.6}, nmse<fb::int4_groups<128>>(n, all, fb::amax_scale),
                 nmse<fb::int4_groups<128>>(l, all, fb::amax_scale));
  expect_figures({"uint4 128, min-max", 10.11, 17.1}, nmse<fb::uint4_groups<128>>(n, all),
                 nmse<fb::uint4_groups<128>>(l, all));
  expect_figures({"nf4 64", 8.47, 10.7}, nmse<fb::nf4_groups<64>>(n, all), nmse<fb::nf4_groups<64>>(l, all));
}

/// The exact optimum loses nothing to the rules of the same format.
TEST_F(Quality, TheOptimumIsTheBestOfItsFormat) {
  const std::size_t part = 1 << 14;
  const auto& n = normal_samples();
  EXPECT_LT(nmse<fb::nvfp4>(n, part, fb::exact_mse), nmse<fb::nvfp4>(n, part, fb::four_over_six));
  EXPECT_LT(nmse<fb::int4_groups<32>>(n, part, fb::exact_mse), nmse<fb::int4_groups<32>>(n, part));
  EXPECT_LT(nmse<fb::nf4_groups<64>>(n, part, fb::exact_mse), nmse<fb::nf4_groups<64>>(n, part));
  EXPECT_LE(nmse<fb::mxfp4>(n, part, fb::exact_mse), nmse<fb::mxfp4>(n, part, fb::search_scale));
}

}  // namespace
