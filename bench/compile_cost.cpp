// What bench/compile_cost.cmake compiles: products with float32 activations for twelve formats of weights, each with the
// kernels of every instruction set.
#include <fewbits/block.hpp>
#include <fewbits/gemm.hpp>
#include <fewbits/matrix.hpp>

namespace fb = fewbits;

template <class Format>
bool product(const fb::matrix_view<float>& out, const fb::matrix_view<const float>& activations,
             const fb::packed_weights_view<Format>& weights) {
  return fb::gemm(out, activations, weights).has_value();
}

#define FEWBITS_PRODUCT_OF(...)                                                                             \
  template bool product<__VA_ARGS__>(const fb::matrix_view<float>&, const fb::matrix_view<const float>&, \
                                     const fb::packed_weights_view<__VA_ARGS__>&);
FEWBITS_PRODUCT_OF(fb::mxfp4)
FEWBITS_PRODUCT_OF(fb::nvfp4)
FEWBITS_PRODUCT_OF(fb::mxfp8_e4m3)
FEWBITS_PRODUCT_OF(fb::mxfp8_e5m2)
FEWBITS_PRODUCT_OF(fb::mxfp6_e2m3)
FEWBITS_PRODUCT_OF(fb::mxfp6_e3m2)
FEWBITS_PRODUCT_OF(fb::mxint8_blocks)
FEWBITS_PRODUCT_OF(fb::fp8_groups<>)
FEWBITS_PRODUCT_OF(fb::int8_groups<128>)
FEWBITS_PRODUCT_OF(fb::int4_groups<32>)
FEWBITS_PRODUCT_OF(fb::int4_groups<128>)
FEWBITS_PRODUCT_OF(fb::nf4_groups<64>)
