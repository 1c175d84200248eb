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
