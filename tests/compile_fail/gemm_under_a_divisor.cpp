// expect: products need a multiplier: gemm\(out, activations, \*weights.with_rounded_multiplier\(\)\)
// A product multiplies by the tensor scale; the way from a divisor is a named function, which rounds.
#include <fewbits/gemm.hpp>
#include <fewbits/interop/layouts/compressed_tensors_floats.hpp>

namespace fb = fewbits;
bool multiply(const fb::matrix_view<float>& out, const fb::matrix_view<const float>& activations,
              const fb::nvfp4_under_divisor& weights) {
#ifdef CONTROL
  return fb::gemm(out, activations, *weights.with_rounded_multiplier()).has_value();
#else
  return fb::gemm(out, activations, weights).has_value();
#endif
}
