// Compiled twice: UNIT=narrow for plain x86-64, UNIT=wide for AVX-512. Both instantiate the same kernel and decide which
// instruction set to take.
#include "kernel.hpp"

int UNIT(float* out, const float* a, const float* b, std::size_t count);

int UNIT(float* out, const float* a, const float* b, std::size_t count) {
  const fewbits::isa taken = fewbits::active_isa();
  if (taken >= fewbits::isa::avx2)
    fewbits::simd::avx2::multiply_add(out, a, b, count);
  return static_cast<int>(taken);
}
