// The data sheet of AVX-VNNI (Alder Lake, Zen 5 and later), on top of AVX2: AVX2's lanes and a dot product of bytes.
// Products of integers take it; everything else is AVX2's.
#pragma once

#include <fewbits/simd/avx2.hpp>
#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/target.hpp>

#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX2_VNNI_BEGIN
FEWBITS_SIMD_BEGIN(avx2_vnni)

using namespace avx2;

// 16 registers: 12 sums, 2 of weights, 1 of activations. Results wait in memory.
inline constexpr std::size_t integer_tile_rows = 6;
inline constexpr std::size_t few_integer_rows = 4;
inline constexpr bool dots_take_lowest = true;
constexpr bool dots_unsigned(int, int) noexcept { return true; }
FEWBITS_LANES __m256i dot_of_four(__m256i sums, __m256i weights, __m256i activations) noexcept {
#if defined(__GNUC__)
  // In assembly: g++ 12 moves each sum to another register and back around the intrinsic, whose type is another one.
  __asm__("%{vex%} vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+x"(sums) : "x"(weights), "x"(activations));
  return sums;
#else
  return _mm256_dpbusd_avx_epi32(sums, weights, activations);
#endif
}
template <bool Unsigned>
FEWBITS_LANES words dot(words sums, words weights, words activations) noexcept {
  static_assert(Unsigned);
  return {dot_of_four(sums.low, weights.low, activations.low), dot_of_four(sums.high, weights.high, activations.high)};
}

#include <fewbits/simd/integer_core.inl>

FEWBITS_SIMD_END
FEWBITS_TARGET_END
#endif
