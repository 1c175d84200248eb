// A unit in which Windows' macros are about: min, max and small. Everything compiles, and means what it means
// elsewhere.
#include <gtest/gtest.h>

// The standard library's own headers do not survive these macros, so they come first.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define small char
#define near
#define far

#include <fewbits/fewbits.hpp>
#include <fewbits/interop/file.hpp>
#include <fewbits/interop/tensor_matrix.hpp>
#include <fewbits/number/hash.hpp>
#include <fewbits/number/literals.hpp>
#include <fewbits/number/text.hpp>

#include "support/planted.hpp"

namespace {

namespace fb = fewbits;
using namespace fb::literals;

TEST(HostileMacros, ChangeNothing) {
  EXPECT_EQ((fb::min)(1_e4m3, 2_e4m3), fewbits_test::planted() ? 2_e4m3 : 1_e4m3);
  EXPECT_EQ((fb::max)(1_int4, 2_int4), 2_int4);
  EXPECT_EQ((std::numeric_limits<fb::e4m3>::max)(), 448_e4m3);
  const std::vector<float> values(64, 1.0f);
  const auto w = fb::quantize<fb::nvfp4>(fb::matrix_view<const float>{values.data(), 2, 32});
  ASSERT_TRUE(w);
  std::array<float, 4> out{};
  ASSERT_TRUE(fb::reference_gemm(fb::matrix_view<float>{out.data(), 2, 2},
                                 fb::matrix_view<const float>{values.data(), 2, 32}, *w));
  EXPECT_EQ(out[0], 32.0f);
}

}  // namespace
