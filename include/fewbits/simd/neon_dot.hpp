// The data sheet of AArch64's dot products (Armv8.2 with FEAT_DotProd: Cortex-A75, Neoverse N1 and later), on top of
// NEON: NEON's lanes and a dot product of bytes. Products of integers take it; everything else is NEON's.
#pragma once

#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/neon.hpp>
#include <fewbits/simd/target.hpp>

#if FEWBITS_SIMD_NEON_DOT
FEWBITS_TARGET_NEON_DOT_BEGIN
FEWBITS_SIMD_BEGIN(neon_dot)

using namespace neon;

// 32 registers: 24 sums, 4 of weights, 1 of activations. Results wait in memory.
inline constexpr std::size_t integer_tile_rows = 6;
inline constexpr std::size_t few_integer_rows = 2;
inline constexpr bool dots_take_lowest = true;
constexpr bool dots_unsigned(int, int) noexcept { return false; }
template <bool Unsigned>
FEWBITS_LANES words dot(words sums, words weights, words activations) noexcept {
  static_assert(!Unsigned);
  for (int p = 0; p < 4; ++p)
    sums.part[p] = vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(sums.part[p]),
                                                   vreinterpretq_s8_u32(weights.part[p]),
                                                   vreinterpretq_s8_u32(activations.part[p])));
  return sums;
}

#include <fewbits/simd/integer_core.inl>

FEWBITS_SIMD_END
FEWBITS_TARGET_END
#endif
