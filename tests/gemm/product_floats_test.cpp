// Products with weights of few-bit floats against the model, bit for bit. Elements with Inf and NaN are among them.
#include <fewbits/block.hpp>

#include "gemm/product_model.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
namespace fewbits_test {

using formats = list_of<::testing::Types, fb::mxfp4, fb::mxfp8_e5m2, fb::nvfp4, fb::mxfp6_e2m3, fb::fp8_groups<>>;
template <class Format>
class Floats : public ::testing::Test {};
TYPED_TEST_SUITE(Floats, formats);
TYPED_TEST(Floats, HaveTheModelsBits) { expect_model_bits<TypeParam>(); }
TYPED_TEST(Floats, StayWithinTheirBound) { expect_bound<TypeParam>(); }

TEST(Products, SayWhereTheyRan) { say_which_isas(); }

}  // namespace fewbits_test
