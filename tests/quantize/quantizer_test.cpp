// A quantiser as a value: the bits of quantize with the same policies, whatever their order; reports; ranges from
// calibrators in pieces.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/fewbits.hpp>
#include <fewbits/quantize.hpp>

#include "block/blocks.hpp"
#include "matrix/samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

std::uint64_t visited = 0;

template <fb::blocked Format>
void expect_same(const fb::quantized_matrix<Format>& a, const fb::quantized_matrix<Format>& b, const char* what) {
  EXPECT_TRUE(std::ranges::equal(a.codes(), b.codes())) << what;
  ASSERT_EQ(a.scales().size(), b.scales().size()) << what;
  for (std::size_t i = 0; i < a.scales().size(); ++i, ++visited)
    EXPECT_EQ(fb::source_code(a.scales()[i]), fb::source_code(b.scales()[i])) << what << " block " << i;
  if constexpr (Format::has_tensor_scale) {
    EXPECT_EQ(bits_of(a.tensor_scale()), bits_of(b.tensor_scale())) << what;
  }
}

/// The quantiser's answer is quantize's, for the policies in the order given.
template <fb::blocked Format, class T, class... Policies>
void expect_quantize(const char* what, const fb::matrix_view<T>& view, const Policies&... policies) {
  const auto to_few_bits = fb::quantizer_for<Format>(policies...);
  const auto got = to_few_bits(view);
  const auto expected = fb::quantize<Format>(view, policies...);
  ASSERT_TRUE(got && expected) << what;
  expect_same<Format>(*got, *expected, what);
  const auto copy = to_few_bits;
  expect_same<Format>(*copy(view), *expected, what);
  const auto reported = to_few_bits.with_report(view);
  const auto cost = fb::compare(view, *expected);
  ASSERT_TRUE(reported && cost);
  expect_same<Format>(reported->matrix, *expected, what);
  EXPECT_EQ(reported->cost.squared_error, cost->squared_error) << what;
  EXPECT_EQ(reported->cost.elements, cost->elements) << what;
  EXPECT_EQ(reported->cost.poisoned, cost->poisoned) << what;
}

TEST(Quantizer, IsQuantizeWithItsPoliciesInAnyOrder) {
  auto values = fewbits_test::normal_samples(5 * 70, 1);
  values[3] = 0;
  values[17] = float_of(0x80000000u);
  const fb::matrix_view<const float> view(values.data(), 5, 70);
  std::vector<float> weights(70);
  for (std::size_t c = 0; c < 70; ++c)
    weights[c] = static_cast<float>(c % 5);
  const auto draw = fb::stochastic_elements([](std::size_t r, std::size_t c) { return r * 2654435761u + c * 40503u; });

  expect_quantize<fb::mxfp4>("no policy", view);
  expect_quantize<fb::mxfp4>("a rule", view, fb::rceil_scale);
  expect_quantize<fb::mxfp4>("a rounding", view, fb::toward_zero);
  expect_quantize<fb::mxfp4>("stochastic", view, draw, fb::even_scale);
  expect_quantize<fb::nvfp4>("two levels", view, fb::four_over_six, fb::importance(weights), fb::drop_zero_sign);
  expect_quantize<fb::skew2_groups>("super-blocks", view, fb::importance(weights));
  expect_quantize<fb::uint4_groups<32>>("zero points", view, fb::exact_mse, fb::pass_nonfinite);
  expect_quantize<fb::fp8_tensor<>>("a statistic", view, fb::percentile_scale(990'000));
  expect_quantize<fb::fp8_rows<>>("a long row", view, fb::exact_mse);
  const std::vector<double> doubles(values.begin(), values.end());
  expect_quantize<fb::nvfp4>("doubles", fb::matrix_view<const double>(doubles.data(), 70, 5).transposed());

  const auto one = fb::quantizer_for<fb::nvfp4>(fb::four_over_six, fb::importance(weights), fb::drop_zero_sign);
  const auto two = fb::quantizer_for<fb::nvfp4>(fb::drop_zero_sign, fb::four_over_six, fb::importance(weights));
  const auto three = fb::quantizer_for<fb::nvfp4>(fb::importance(weights), fb::drop_zero_sign, fb::four_over_six);
  if (fewbits_test::planted())
    values[40] = 9;  // it is read at the call, not when the quantiser is made
  const auto first = one(view);
  if (fewbits_test::planted())
    values[40] = -9;
  expect_same<fb::nvfp4>(*first, *two(view), "another order");
  expect_same<fb::nvfp4>(*first, *three(view), "a third order");
  std::printf("%llu blocks\n", static_cast<unsigned long long>(visited));
}

TEST(Quantizer, PoliciesAboutInfAndNan) {
  auto values = fewbits_test::normal_samples(64, 2);
  values[5] = float_of(0x7fc00000u);
  const fb::matrix_view<const float> view(values.data(), 1, 64);
  const auto poisons = fb::quantizer_for<fb::mxfp8_e4m3>(fb::poison_blocks)(view);
  const auto passes = fb::quantizer_for<fb::mxfp8_e4m3>(fb::pass_nonfinite, fb::exact_mse).with_report(view);
  EXPECT_EQ(poisons->scales()[0].bits(), 255);
  EXPECT_NE(passes->matrix.scales()[0].bits(), 255);
  EXPECT_EQ(passes->cost.poisoned, 1u);
}

TEST(Quantizer, ErrorsAreThoseOfQuantize) {
  const std::vector<float> values(64, 1.0f);
  const std::vector<float> weights(31, 1.0f);
  const std::vector<float> negative{1.0f, -1.0f};
  const auto weighs = fb::quantizer_for<fb::nvfp4>(fb::four_over_six, fb::importance(weights));
  const auto wrong = weighs(fb::matrix_view<const float>(values.data(), 2, 32));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), fb::errc::shape_mismatch);
  EXPECT_TRUE(weighs(fb::matrix_view<const float>(values.data(), 2, 31)));  // the weights are for 31 columns
  EXPECT_EQ(weighs.with_report(fb::matrix_view<const float>(values.data(), 2, 32)).error().code(),
            fb::errc::shape_mismatch);
  EXPECT_EQ(fb::quantizer_for<fb::mxfp4>(fb::importance(negative))(fb::matrix_view<const float>(values.data(), 2, 2))
                .error()
                .code(),
            fb::errc::invalid_argument);
  std::array<fb::error_statistics, 3> rows;
  EXPECT_EQ(fb::quantizer_for<fb::mxfp4>()
                .with_report(fb::matrix_view<const float>(values.data(), 2, 32), {.rows = rows})
                .error()
                .code(),
            fb::errc::shape_mismatch);
}

TEST(Quantizer, ReportsRowsAndBlocks) {
  const auto values = fewbits_test::normal_samples(2 * 64, 3);
  std::array<fb::error_statistics, 2> rows;
  std::array<fb::error_statistics, 4> blocks;
  const auto made =
      fb::quantizer_for<fb::mxfp4>(fb::rceil_scale)
          .with_report(fb::matrix_view<const float>(values.data(), 2, 64), {.rows = rows, .blocks = blocks});
  ASSERT_TRUE(made);
  EXPECT_EQ(rows[0].elements + rows[1].elements, made->cost.elements);
  EXPECT_EQ(blocks[3].elements, 32u);
  EXPECT_EQ(made->cost.saturated, 0u);
  EXPECT_GT(made->cost.sqnr_db(), 15.0);
}

/// Data in pieces, on two machines, in another order: the range is the same number, and so is every bit after it.
TEST(Quantizer, ARangeFromMergedPiecesGivesTheBitsOfOnePass) {
  auto values = fewbits_test::normal_samples(8 * 96, 4);
  for (std::size_t i = 0; i < values.size(); i += 61)
    values[i] *= 30;
  const fb::matrix_view<const float> view(values.data(), 8, 96);
  const std::span<const float> all(values);
  const auto each = [&](auto&& make, const auto& range_of) {
    const auto whole = make();
    const auto here = make();
    const auto there = make();
    const auto elsewhere = make();
    whole->add(all);
    here->add(all.first(100));
    there->add(fb::matrix_view<const float>(values.data() + 100, 4, 67));
    elsewhere->add(all.subspan(100 + 4 * 67));
    elsewhere->merge(*here);
    there->merge(*elsewhere);
    EXPECT_EQ(bits_of(range_of(*whole)), bits_of(range_of(*there)));
    const auto once = fb::quantizer_for<fb::fp8_tensor<>>(fb::fixed_range(range_of(*whole)));
    const auto pieces = fb::quantizer_for<fb::fp8_tensor<>>(fb::fixed_range(range_of(*there)));
    expect_same<fb::fp8_tensor<>>(*once(view), *pieces(view), "fp8");
    const auto nv_once = fb::quantizer_for<fb::nvfp4>(fb::fixed_range(range_of(*whole)), fb::toward_zero);
    const auto nv_pieces = fb::quantizer_for<fb::nvfp4>(fb::toward_zero, fb::fixed_range(range_of(*there)));
    expect_same<fb::nvfp4>(*nv_once(view), *nv_pieces(view), "nvfp4");
  };
  each([] { return std::make_unique<fb::min_max_calibrator>(); },
       [](const auto& c) { return fb::make_number<float>(c.amax()); });
  each([] { return std::make_unique<fb::percentile_calibrator<>>(); }, [](const auto& c) { return c.amax(990'000); });
  each([] { return std::make_unique<fb::mse_calibrator<fb::e4m3>>(); }, [](const auto& c) { return c.amax(); });
  each([] { return std::make_unique<fb::entropy_calibrator<fb::e4m3>>(); }, [](const auto& c) { return c.amax(); });
  std::printf("%llu blocks\n", static_cast<unsigned long long>(visited));
}

constexpr auto constant = fb::quantizer_for<fb::nvfp4>(fb::four_over_six, fb::drop_zero_sign);

TEST(Quantizer, MayBeAConstant) {
  const auto values = fewbits_test::normal_samples(64, 5);
  const fb::matrix_view<const float> view(values.data(), 1, 64);
  expect_same<fb::nvfp4>(*constant(view), *fb::quantize<fb::nvfp4>(view, fb::four_over_six, fb::drop_zero_sign),
                         "a constant");
}

}  // namespace
