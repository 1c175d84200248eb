// expect: products need a multiplier: prepack\(\*weights.with_rounded_multiplier\(\)\)
// Packed weights hold a multiplier; the way from a divisor is a named function, which rounds.
#include <fewbits/gemm.hpp>
#include <fewbits/interop/layouts/compressed_tensors_floats.hpp>

namespace fb = fewbits;
void pack(const fb::nvfp4_under_divisor& weights) {
#ifdef CONTROL
  const auto packed = fb::prepack(*weights.with_rounded_multiplier());
#else
  const auto packed = fb::prepack(weights);
#endif
  static_cast<void>(packed);
}
