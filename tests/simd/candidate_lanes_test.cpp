// NVFP4 by four-over-six and under a range from outside, by lanes: which candidate is nearer is decided in float32 only
// where that is certain.
#include <fewbits/quantize.hpp>

#include "simd/block_lanes.hpp"

namespace fb = fewbits;
using fewbits_test::expect_lanes_are_reference;

namespace {

TEST(CandidateLanes, FourOverSix) {
  expect_lanes_are_reference<fb::nvfp4>("nvfp4, squared errors", fb::four_over_six);
  expect_lanes_are_reference<fb::nvfp4>("nvfp4, absolute errors", fb::four_over_six_absolute);
  expect_lanes_are_reference<fb::nvfp4>("nvfp4, largest error", fb::four_over_six_largest);
}
TEST(CandidateLanes, TiesAreDecidedAsByTheReference) {
  // Values on a grid of both candidates' elements: whole blocks tie, and many by their largest error.
  fewbits_test::lane_values random(31);
  fewbits_test::lane_counts counts;
  for (int round = 0; round < 40; ++round) {
    std::vector<float> values(4 * 320);
    for (float& each : values)
      each = static_cast<float>(static_cast<int>(random.below(97)) - 48) / (round % 2 == 0 ? 4.0f : 8.0f);
    const fb::matrix_view<const float> view(values.data(), 4, 320);
    fewbits_test::expect_same_blocks<fb::nvfp4>(view, counts, "squared", fb::four_over_six);
    fewbits_test::expect_same_blocks<fb::nvfp4>(view, counts, "absolute", fb::four_over_six_absolute);
    fewbits_test::expect_same_blocks<fb::nvfp4>(view, counts, "largest", fb::four_over_six_largest);
  }
  std::printf("%llu blocks on grids\n", static_cast<unsigned long long>(counts.blocks));
}
TEST(CandidateLanes, SixteenBitSources) {
  fewbits_test::lane_values random(32);
  fewbits_test::lane_counts counts;
  const auto check = [&]<class T>(T, const char* what) {
    for (int kind = 0; kind < fewbits_test::lane_values::kinds; ++kind) {
      std::vector<T> values;
      for (const float each : random.matrix(3 * 560, kind, 16))
        values.push_back(T(each));
      const fb::matrix_view<const T> view(values.data(), 3, 560);
      fewbits_test::expect_same_blocks<fb::nvfp4>(view, counts, what, fb::four_over_six);
      fewbits_test::expect_same_blocks<fb::mxfp4>(view, counts, what);
      fewbits_test::expect_same_blocks<fb::int4_groups<32>>(view, counts, what);
    }
  };
  check(fb::bf16{}, "bf16");
  check(fb::fp16{}, "fp16");
  std::printf("%llu blocks from 16 bits\n", static_cast<unsigned long long>(counts.blocks));
}
TEST(CandidateLanes, ImportanceIsHeeded) {
  fewbits_test::lane_values random(9);
  const auto values = random.matrix(8 * 64, 0, 16);
  std::vector<float> weights(64);
  for (float& each : weights)
    each = static_cast<float>(random.below(9));
  fewbits_test::lane_counts counts;
  fewbits_test::expect_same_blocks<fb::nvfp4>(fb::matrix_view<const float>(values.data(), 8, 64), counts, "importance",
                                              fb::four_over_six, fb::importance(weights));
}
TEST(CandidateLanes, RangeFromOutside) {
  expect_lanes_are_reference<fb::nvfp4>("nvfp4 under a range", fb::fixed_range(3.0f));
  expect_lanes_are_reference<fb::int8_groups<32>>("int8 under a range", fb::fixed_range(0.7f));
}

}  // namespace
