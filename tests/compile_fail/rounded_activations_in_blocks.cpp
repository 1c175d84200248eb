// expect: these activations are quantised
#include <fewbits/fewbits.hpp>

namespace fb = fewbits;

bool multiply(const fb::matrix_view<float>& out, const fb::quantized_view<fb::mxint8_blocks>& activations,
              const fb::packed_weights<fb::mxfp4>& weights) {
#ifdef CONTROL
  return fb::gemm(out, activations, weights).has_value();
#else
  return fb::gemm(out, activations, weights, fb::round_activations<fb::bf16>).has_value();
#endif
}
