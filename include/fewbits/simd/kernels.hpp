// Every data sheet of this machine's architecture, and the one branch that chooses among them.
#pragma once

#include <fewbits/simd/avx2.hpp>
#include <fewbits/simd/avx512.hpp>
#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/neon.hpp>

/// Runs a kernel of the instruction set in force and returns true; goes on where that is scalar code.
/// FEWBITS_RUN_KERNEL(f<T>(x)) becomes `avx512::f<T>(x); return true;`. For functions in namespace simd.
#if FEWBITS_SIMD_X86
#define FEWBITS_RUN_KERNEL(...)                         \
  switch (active_isa()) {                               \
    case isa::amx:                                      \
    case isa::avx512: avx512::__VA_ARGS__; return true; \
    case isa::avx2: avx2::__VA_ARGS__; return true;     \
    default: break;                                     \
  }
#elif FEWBITS_SIMD_NEON
#define FEWBITS_RUN_KERNEL(...)    \
  if (active_isa() == isa::neon) { \
    neon::__VA_ARGS__;             \
    return true;                   \
  }
#else
#define FEWBITS_RUN_KERNEL(...)
#endif
