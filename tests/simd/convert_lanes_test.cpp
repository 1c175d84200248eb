// Every element type by lanes: where codes change and beside it, float32's corners, a sample, all codes back. All 2^32
// inputs are in convert_exhaustive_test.cpp.
#include "simd/convert_lanes.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;

namespace {

template <class Element>
class ConvertLanes : public ::testing::Test {};
using elements =
    fewbits_test::list_of<::testing::Types, fb::e4m3, fb::e5m2, fb::e2m1, fb::e2m3, fb::e3m2, fb::ue4m3, fb::bf16,
                          fb::fp16, fb::int8, fb::uint4, fb::mxint8, fb::ternary, fb::nf4, fb::e4m3fnuz, fb::ue8m0>;
TYPED_TEST_SUITE(ConvertLanes, elements);

TYPED_TEST(ConvertLanes, FromFloatAndBack) {
  std::printf("%llu numbers\n",
              static_cast<unsigned long long>(fewbits_test::expect_element_by_lanes<TypeParam>("float and back")));
}

}  // namespace
