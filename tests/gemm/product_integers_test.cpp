// Products with integer and codebook weights against the model, bit for bit: zero points, minimums, one bit to eight.
#include <fewbits/block.hpp>

#include "gemm/product_model.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
namespace fewbits_test {

using formats = list_of<::testing::Types, fb::int8_rows<>, fb::int4_groups<128, fb::fp16>, fb::uint4_groups<32>,
                        fb::uint4_minimum_groups<64>, fb::binary_groups<32>, fb::nf4_groups<>>;
template <class Format>
class Integers : public ::testing::Test {};
TYPED_TEST_SUITE(Integers, formats);
TYPED_TEST(Integers, HaveTheModelsBits) { expect_model_bits<TypeParam>(); }
TYPED_TEST(Integers, StayWithinTheirBound) { expect_bound<TypeParam>(); }

}  // namespace fewbits_test
