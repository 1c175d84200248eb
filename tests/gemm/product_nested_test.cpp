// Products with nested scales against the model, bit for bit: super-blocks, minimums, offsets, blocks with a shape.
#include <fewbits/block.hpp>
#include <fewbits/block/nested.hpp>
#include <fewbits/quantize/skewed.hpp>

#include "gemm/product_model.hpp"
#include "matrix/block_formats.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
namespace fewbits_test {

using formats =
    list_of<::testing::Types, fb::nested_uint4, fb::nested_uint2, fb::nf4_double, fb::skew2_groups, nested_int3>;
template <class Format>
class Nested : public ::testing::Test {};
TYPED_TEST_SUITE(Nested, formats);
TYPED_TEST(Nested, HaveTheModelsBits) { expect_model_bits<TypeParam>(); }
TYPED_TEST(Nested, StayWithinTheirBound) { expect_bound<TypeParam>(); }

}  // namespace fewbits_test
