// Little kernels that do nothing but what a machine limits: read, copy, multiply. One data sheet per instruction set,
// each in its target region, so that a plain build measures what kernels of that instruction set can reach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/target.hpp>

namespace limits {

/// Bytes read : bytes written. The order of kernels::copy.
struct ratio {
  std::size_t read, write;
};
inline constexpr std::array<ratio, 7> ratios{{{1, 1}, {2, 1}, {4, 1}, {8, 1}, {1, 2}, {1, 4}, {1, 8}}};

struct kernels {
  std::size_t vector_bytes;
  /// One stream, plain and with prefetches, which may reach past the end; two streams; four.
  std::uint64_t (*read[4])(const std::byte* from, std::size_t bytes) noexcept;
  /// By ratios; `groups` times ratio vectors.
  void (*copy[7])(const std::byte* from, std::byte* to, std::size_t groups) noexcept;
  void (*copy_streaming[7])(const std::byte* from, std::byte* to, std::size_t groups) noexcept;
  float (*fma)(std::size_t steps, float a, float b) noexcept;
  std::size_t fma_flops_a_step;
};

/// Dot products of bytes, added up in 32 bits; a multiply and an add are two operations.
struct dot_kernel {
  const char* name;
  std::int32_t (*run)(std::size_t steps) noexcept;
  std::size_t operations_a_step;
};

// Arithmetic on constants would be hoisted out of the loop: this makes a register unknown.
#if defined(__GNUC__) && defined(__x86_64__)
#define LIMITS_FORGET(x) __asm__ volatile("" : "+x"(x))
#elif defined(__GNUC__) && defined(__aarch64__)
#define LIMITS_FORGET(x) __asm__ volatile("" : "+w"(x))
#else
#define LIMITS_FORGET(x) (void)(x)
#endif

// Chains must stay in registers whatever the level of optimisation.
#if defined(__clang__)
#define LIMITS_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define LIMITS_UNROLL _Pragma("GCC unroll 16")
#else
#define LIMITS_UNROLL
#endif

/// What the compiler makes of plain C++ for the unit's own machine.
namespace scalar {
struct vector {
  std::uint64_t word[2];
};
struct floats {
  float lane[4];
};
inline vector zero() noexcept { return {}; }
inline vector load(const std::byte* from) noexcept {
  vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline void store(std::byte* to, vector v) noexcept { std::memcpy(to, &v, sizeof v); }
inline void stream(std::byte* to, vector v) noexcept { store(to, v); }
inline void end_of_stream() noexcept {}
inline void ask_for(const std::byte*) noexcept {}
inline vector bit_xor(vector a, vector b) noexcept { return {{a.word[0] ^ b.word[0], a.word[1] ^ b.word[1]}}; }
inline floats fill(float x) noexcept { return {{x, x, x, x}}; }
inline floats multiply_add(floats a, floats b, floats c) noexcept {
  LIMITS_UNROLL
  for (std::size_t i = 0; i < 4; ++i)
    c.lane[i] += a.lane[i] * b.lane[i];
  return c;
}
#include "limits_core.inl"
}  // namespace scalar

}  // namespace limits

#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX2_BEGIN
namespace limits::avx2 {
using vector = __m256i;
using floats = __m256;
inline vector zero() noexcept { return _mm256_setzero_si256(); }
inline vector load(const std::byte* from) noexcept { return _mm256_load_si256(reinterpret_cast<const __m256i*>(from)); }
inline void store(std::byte* to, vector v) noexcept { _mm256_store_si256(reinterpret_cast<__m256i*>(to), v); }
inline void stream(std::byte* to, vector v) noexcept { _mm256_stream_si256(reinterpret_cast<__m256i*>(to), v); }
inline void end_of_stream() noexcept { _mm_sfence(); }
inline void ask_for(const std::byte* line) noexcept { _mm_prefetch(reinterpret_cast<const char*>(line), _MM_HINT_T0); }
inline vector bit_xor(vector a, vector b) noexcept { return _mm256_xor_si256(a, b); }
inline floats fill(float x) noexcept { return _mm256_set1_ps(x); }
inline floats multiply_add(floats a, floats b, floats c) noexcept { return _mm256_fmadd_ps(a, b, c); }
#include "limits_core.inl"

/// Without VNNI: pairs of bytes to 16 bits, pairs of those to 32.
inline std::int32_t chains_of_madd(std::size_t steps) noexcept {
  vector sum[8];
  LIMITS_UNROLL
  for (std::size_t j = 0; j < 8; ++j)
    sum[j] = _mm256_set1_epi32(static_cast<int>(j));
  vector a = _mm256_set1_epi8(3);
  const vector b = _mm256_set1_epi8(-2), ones = _mm256_set1_epi16(1);
  for (std::size_t i = 0; i < steps; ++i)
    LIMITS_UNROLL
  for (vector& each : sum) {
    LIMITS_FORGET(a);
    each = _mm256_add_epi32(each, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
  }
  LIMITS_UNROLL
  for (std::size_t j = 1; j < 8; ++j)
    sum[0] = _mm256_add_epi32(sum[0], sum[j]);
  return _mm256_cvtsi256_si32(sum[0]);
}
inline constexpr dot_kernel dot{"vpmaddubsw, vpmaddwd, vpaddd", chains_of_madd, 8 * 32 * 2};
}  // namespace limits::avx2
FEWBITS_TARGET_END

FEWBITS_TARGET_AVX2_VNNI_BEGIN
namespace limits::avx2_vnni {
inline std::int32_t chains_of_dot(std::size_t steps) noexcept {
  __m256i sum[12];
  LIMITS_UNROLL
  for (std::size_t j = 0; j < 12; ++j)
    sum[j] = _mm256_set1_epi32(static_cast<int>(j));
  const __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-2);
  for (std::size_t i = 0; i < steps; ++i)
    LIMITS_UNROLL
  for (__m256i& each : sum)
    each = _mm256_dpbusd_avx_epi32(each, a, b);
  LIMITS_UNROLL
  for (std::size_t j = 1; j < 12; ++j)
    sum[0] = _mm256_add_epi32(sum[0], sum[j]);
  return _mm256_cvtsi256_si32(sum[0]);
}
inline constexpr dot_kernel dot{"vpdpbusd, 256 bits", chains_of_dot, 12 * 32 * 2};
}  // namespace limits::avx2_vnni
FEWBITS_TARGET_END

FEWBITS_TARGET_AVX512_BEGIN
namespace limits::avx512 {
using vector = __m512i;
using floats = __m512;
inline vector zero() noexcept { return _mm512_setzero_si512(); }
inline vector load(const std::byte* from) noexcept { return _mm512_load_si512(from); }
inline void store(std::byte* to, vector v) noexcept { _mm512_store_si512(to, v); }
inline void stream(std::byte* to, vector v) noexcept { _mm512_stream_si512(reinterpret_cast<__m512i*>(to), v); }
inline void end_of_stream() noexcept { _mm_sfence(); }
inline void ask_for(const std::byte* line) noexcept { _mm_prefetch(reinterpret_cast<const char*>(line), _MM_HINT_T0); }
inline vector bit_xor(vector a, vector b) noexcept { return _mm512_xor_si512(a, b); }
inline floats fill(float x) noexcept { return _mm512_set1_ps(x); }
inline floats multiply_add(floats a, floats b, floats c) noexcept { return _mm512_fmadd_ps(a, b, c); }
#include "limits_core.inl"

inline std::int32_t chains_of_dot(std::size_t steps) noexcept {
  vector sum[12];
  LIMITS_UNROLL
  for (std::size_t j = 0; j < 12; ++j)
    sum[j] = _mm512_set1_epi32(static_cast<int>(j));
  const vector a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-2);
  for (std::size_t i = 0; i < steps; ++i)
    LIMITS_UNROLL
  for (vector& each : sum)
    each = _mm512_dpbusd_epi32(each, a, b);
  LIMITS_UNROLL
  for (std::size_t j = 1; j < 12; ++j)
    sum[0] = _mm512_add_epi32(sum[0], sum[j]);
  return _mm512_cvtsi512_si32(sum[0]);
}
inline constexpr dot_kernel dot{"vpdpbusd, 512 bits", chains_of_dot, 12 * 64 * 2};
}  // namespace limits::avx512
FEWBITS_TARGET_END

// Tiles keep their configuration per thread. Compilers know little of what the tile instructions read and write
// (g++ 12 takes a configuration for 8 bytes), so memory is declared changed around them.
FEWBITS_TARGET_AMX_BEGIN
namespace limits::amx {
struct alignas(64) configuration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// 2 x 2 tiles of results, as in a product's inner loop, operands in registers. `data`: four tiles of 1 KiB.
template <bool Bf16>
std::int32_t products(const void* data, std::size_t steps) noexcept {
  const configuration shape;
  alignas(64) std::int32_t out[256];
  __asm__ volatile("" : : "r"(&shape), "r"(data) : "memory");
  _tile_loadconfig(&shape);
  const char* const tile = static_cast<const char*>(data);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, tile, 64);
  _tile_loadd(5, tile + 1024, 64);
  _tile_loadd(6, tile + 2048, 64);
  _tile_loadd(7, tile + 3072, 64);
  for (std::size_t i = 0; i < steps; ++i)
    if constexpr (Bf16) {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    } else {
      _tile_dpbssd(0, 4, 6);
      _tile_dpbssd(1, 4, 7);
      _tile_dpbssd(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
    }
  _tile_stored(0, out, 64);
  __asm__ volatile("" : : "r"(out) : "memory");
  _tile_release();
  return out[0];
}
inline constexpr std::size_t int8_operations_a_step = 4 * 16 * 16 * 64 * 2;
inline constexpr std::size_t bf16_operations_a_step = 4 * 16 * 16 * 32 * 2;
}  // namespace limits::amx
FEWBITS_TARGET_END
#endif

#if FEWBITS_SIMD_NEON
FEWBITS_TARGET_NEON_BEGIN
namespace limits::neon {
using vector = uint8x16_t;
using floats = float32x4_t;
inline vector zero() noexcept { return vdupq_n_u8(0); }
inline vector load(const std::byte* from) noexcept { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)); }
inline void store(std::byte* to, vector v) noexcept { vst1q_u8(reinterpret_cast<std::uint8_t*>(to), v); }
inline void stream(std::byte* to, vector v) noexcept { store(to, v); }
inline void end_of_stream() noexcept {}
inline void ask_for(const std::byte* line) noexcept { __builtin_prefetch(line); }
inline vector bit_xor(vector a, vector b) noexcept { return veorq_u8(a, b); }
inline floats fill(float x) noexcept { return vdupq_n_f32(x); }
inline floats multiply_add(floats a, floats b, floats c) noexcept { return vfmaq_f32(c, a, b); }
#include "limits_core.inl"
}  // namespace limits::neon
FEWBITS_TARGET_END

#if FEWBITS_SIMD_NEON_DOT
FEWBITS_TARGET_NEON_DOT_BEGIN
namespace limits::neon_dot {
inline std::int32_t chains_of_dot(std::size_t steps) noexcept {
  int32x4_t sum[12];
  LIMITS_UNROLL
  for (std::size_t j = 0; j < 12; ++j)
    sum[j] = vdupq_n_s32(static_cast<int>(j));
  const int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(-2);
  for (std::size_t i = 0; i < steps; ++i)
    LIMITS_UNROLL
  for (int32x4_t& each : sum)
    each = vdotq_s32(each, a, b);
  LIMITS_UNROLL
  for (std::size_t j = 1; j < 12; ++j)
    sum[0] = vaddq_s32(sum[0], sum[j]);
  return vgetq_lane_s32(sum[0], 0);
}
inline constexpr dot_kernel dot{"sdot", chains_of_dot, 12 * 16 * 2};
}  // namespace limits::neon_dot
FEWBITS_TARGET_END
#endif
#endif

namespace limits {

/// The loops of an instruction set that is available here; amx reads and multiplies floats as avx512 does.
inline const kernels& kernels_of(fewbits::isa which) noexcept {
  switch (which) {
#if FEWBITS_SIMD_X86
    case fewbits::isa::avx2: return avx2::table;
    case fewbits::isa::avx512:
    case fewbits::isa::amx: return avx512::table;
#elif FEWBITS_SIMD_NEON
    case fewbits::isa::neon: return neon::table;
#endif
    default: return scalar::table;
  }
}

/// Null where the instruction set has no such product here.
inline const dot_kernel* dot_kernel_of(fewbits::isa which) noexcept {
  switch (which) {
#if FEWBITS_SIMD_X86
    case fewbits::isa::avx2: return fewbits::takes_dot_products(fewbits::isa::avx2) ? &avx2_vnni::dot : &avx2::dot;
    case fewbits::isa::avx512:
    case fewbits::isa::amx: return &avx512::dot;
#elif FEWBITS_SIMD_NEON_DOT
    case fewbits::isa::neon: return fewbits::takes_dot_products(fewbits::isa::neon) ? &neon_dot::dot : nullptr;
#endif
    default: return nullptr;
  }
}

}  // namespace limits
