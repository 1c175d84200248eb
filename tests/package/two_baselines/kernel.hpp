// A kernel as the library writes them: a template in a target region. Its loop invites 512-bit registers where the
// unit's own flags have them. With FEWBITS_TEST_ONE_NAME it is what it must not be: one name for both units.
#pragma once

#include <cstddef>

#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/target.hpp>

#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX2_BEGIN
#if defined(FEWBITS_TEST_ONE_NAME)
FEWBITS_NAMESPACE_BEGIN
namespace simd {
namespace avx2 {
#else
FEWBITS_SIMD_BEGIN(avx2)
#endif

template <class T>
FEWBITS_NOINLINE void multiply_add(T* out, const T* a, const T* b, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = a[i] * b[i] + a[i];
}

#if defined(FEWBITS_TEST_ONE_NAME)
}  // namespace avx2
}  // namespace simd
FEWBITS_NAMESPACE_END
#else
FEWBITS_SIMD_END
#endif
FEWBITS_TARGET_END
#endif
