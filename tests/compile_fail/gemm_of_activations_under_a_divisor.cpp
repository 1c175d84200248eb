// expect: products need a multiplier: gemm\(out, \*activations.with_rounded_multiplier\(\), weights\)
// The same where the divisor stands under the activations.
#include <fewbits/gemm.hpp>
#include <fewbits/interop/layouts/compressed_tensors_floats.hpp>

namespace fb = fewbits;
bool multiply(const fb::matrix_view<float>& out, const fb::nvfp4_under_divisor& activations,
              const fb::packed_weights_view<fb::nvfp4>& weights) {
#ifdef CONTROL
  return fb::gemm(out, *activations.with_rounded_multiplier(), weights).has_value();
#else
  return fb::gemm(out, activations, weights).has_value();
#endif
}
