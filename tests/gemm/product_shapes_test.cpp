// Products with blocks of every shape against the model, bit for bit: squares, columns, blocks that no group of 32
// columns is a multiple of; and a format of a user's own, whose element no arithmetic of the library fits.
#include <fewbits/block.hpp>

#include "gemm/product_model.hpp"
#include "matrix/block_formats.hpp"
#include "support/lean.hpp"

namespace fb = fewbits;
namespace fewbits_test {

struct blocks_of_24 : fb::block_format<fb::int4, fb::bf16, 24, fb::signed_max_scale_t> {};
struct blocks_of_40 : fb::block_format<fb::e2m3, float, 40, fb::amax_scale_t> {};

// A user's element: seven exponent bits with a bias of its own, so that its values leave float32's normal range. And a
// user's scale rule, which the product never sees.
using far_number = fb::minifloat<fb::float_format{
    .exponent_bits = 7, .mantissa_bits = 0, .bias = 160, .nan = fb::nan_codes::none, .inf = fb::inf_codes::none}>;
struct unit_scale_t {
  using policy_kind = fb::scale_kind;
  template <fb::blocked Format>
  [[nodiscard]] constexpr fb::unpacked_number scale(const fb::unpacked_number&) const noexcept {
    return fb::make_unpacked(false, 1, 0);
  }
};
struct far_format : fb::block_format<far_number, fb::fp16, 16, unit_scale_t> {};

using formats = list_of<::testing::Types, fb::fp8_squares<fb::e3m4>, mx_columns, oblong_uint3, per_column_int8,
                        blocks_of_24, blocks_of_40, far_format>;
template <class Format>
class Shapes : public ::testing::Test {};
TYPED_TEST_SUITE(Shapes, formats);
TYPED_TEST(Shapes, HaveTheModelsBits) { expect_model_bits<TypeParam>(); }
TYPED_TEST(Shapes, StayWithinTheirBound) { expect_bound<TypeParam>(); }

}  // namespace fewbits_test
