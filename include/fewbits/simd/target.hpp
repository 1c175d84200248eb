// Target regions: the one place that names instruction sets to the compiler. What a region holds is compiled for its
// instruction set whatever flags the unit has, templates that are instantiated later included.
#pragma once

#include <fewbits/base/config.hpp>

// FEWBITS_SIMD_X86 and FEWBITS_SIMD_NEON: 1 where kernels for x86-64 and for little-endian AArch64 exist, else 0.
// A user who defines FEWBITS_NO_SIMD gets the scalar code alone.
#if defined(FEWBITS_NO_SIMD)
#define FEWBITS_SIMD_X86 0
#elif defined(__x86_64__) && defined(__GNUC__) && defined(__SSE2__)  // g++ and clang; not -mgeneral-regs-only
#define FEWBITS_SIMD_X86 1
#elif defined(_M_X64) && !defined(_M_ARM64EC)  // MSVC takes every intrinsic anywhere: its regions are empty
#define FEWBITS_SIMD_X86 1
#else
#define FEWBITS_SIMD_X86 0
#endif

#if defined(FEWBITS_NO_SIMD)
#define FEWBITS_SIMD_NEON 0
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__) && defined(__GNUC__)
#define FEWBITS_SIMD_NEON 1
#else
#define FEWBITS_SIMD_NEON 0
#endif

// First included inside a region, these would be compiled for it and break.
#if FEWBITS_SIMD_X86
#include <immintrin.h>
#elif FEWBITS_SIMD_NEON
#include <arm_neon.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FEWBITS_PRAGMA(...) FEWBITS_PRAGMA_TEXT(__VA_ARGS__)
#define FEWBITS_PRAGMA_TEXT(...) _Pragma(#__VA_ARGS__)
#define FEWBITS_ALWAYS_INLINE inline __attribute__((always_inline))
#define FEWBITS_NOINLINE __attribute__((noinline))
#elif defined(_MSC_VER)
#define FEWBITS_ALWAYS_INLINE __forceinline
#define FEWBITS_NOINLINE __declspec(noinline)
#else
#define FEWBITS_ALWAYS_INLINE inline
#define FEWBITS_NOINLINE
#endif

// One exact string per instruction set: strings that are compatible but unequal can keep a compiler from inlining.
// Every name in a string is asked of the CPU in isa.hpp.
#define FEWBITS_TARGET_STRING_AVX2 "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt"
#define FEWBITS_TARGET_STRING_AVX2_VNNI "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avxvnni"
// Compilers that could compile AVX-512 without 512-bit registers ask for them by name: g++ 14 and 15, clang 18 to 21.
// Others do not know the name.
#if (defined(__clang__) && !defined(__apple_build_version__) && __clang_major__ >= 18 && __clang_major__ <= 21) || \
    (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 14 && __GNUC__ <= 15)
#define FEWBITS_TARGET_STRING_AVX512 \
  "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,evex512"
#define FEWBITS_TARGET_STRING_AMX                                                                         \
  "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,evex512," \
  "avx512bf16,amx-tile,amx-int8,amx-bf16"
#else
#define FEWBITS_TARGET_STRING_AVX512 \
  "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi"
#define FEWBITS_TARGET_STRING_AMX                                                                 \
  "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi," \
  "avx512bf16,amx-tile,amx-int8,amx-bf16"
#endif

// AArch64's dot products. Where the unit's own flags have them, nothing needs naming. g++ 11 and 12 declare the
// intrinsics for armv8.2-a and inline them into nothing less; clang before 17 hides them from units without the flag.
#if FEWBITS_SIMD_NEON && (defined(__ARM_FEATURE_DOTPROD) || !defined(__clang__) || __clang_major__ >= 17)
#define FEWBITS_SIMD_NEON_DOT 1
#else
#define FEWBITS_SIMD_NEON_DOT 0
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define FEWBITS_TARGET_BEGIN(string)
#define FEWBITS_TARGET_NONE_BEGIN
#define FEWBITS_TARGET_END
#elif defined(__clang__)
#define FEWBITS_TARGET_BEGIN(string) \
  FEWBITS_PRAGMA(clang attribute push(__attribute__((target(string))), apply_to = function))
#define FEWBITS_TARGET_NONE_BEGIN FEWBITS_PRAGMA(clang attribute push)
#define FEWBITS_TARGET_END FEWBITS_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
// g++ 12 calls the undefined registers of its own intrinsics uninitialised (GCC bug 105593).
#define FEWBITS_TARGET_NONE_BEGIN                                \
  FEWBITS_PRAGMA(GCC diagnostic push)                            \
  FEWBITS_PRAGMA(GCC diagnostic ignored "-Wuninitialized")       \
  FEWBITS_PRAGMA(GCC diagnostic ignored "-Wmaybe-uninitialized") \
  FEWBITS_PRAGMA(GCC push_options)
#define FEWBITS_TARGET_BEGIN(string) FEWBITS_TARGET_NONE_BEGIN FEWBITS_PRAGMA(GCC target(string))
#define FEWBITS_TARGET_END FEWBITS_PRAGMA(GCC pop_options) FEWBITS_PRAGMA(GCC diagnostic pop)
#else
#define FEWBITS_TARGET_BEGIN(string)
#define FEWBITS_TARGET_NONE_BEGIN
#define FEWBITS_TARGET_END
#endif

/// Open a region outside any namespace; FEWBITS_TARGET_END closes each. Regions do not nest, and no header is first
/// included inside one. __AVX2__ and its like are not defined inside: say `constexpr bool has_vnni` in the ISA's file.
#if FEWBITS_SIMD_X86
#define FEWBITS_TARGET_AVX2_BEGIN FEWBITS_TARGET_BEGIN(FEWBITS_TARGET_STRING_AVX2)
#define FEWBITS_TARGET_AVX2_VNNI_BEGIN FEWBITS_TARGET_BEGIN(FEWBITS_TARGET_STRING_AVX2_VNNI)
#define FEWBITS_TARGET_AVX512_BEGIN FEWBITS_TARGET_BEGIN(FEWBITS_TARGET_STRING_AVX512)
#define FEWBITS_TARGET_AMX_BEGIN FEWBITS_TARGET_BEGIN(FEWBITS_TARGET_STRING_AMX)
#define FEWBITS_TARGET_TILES_BEGIN FEWBITS_TARGET_BEGIN("amx-tile,amx-int8,amx-bf16")
#elif FEWBITS_SIMD_NEON
#define FEWBITS_TARGET_NEON_BEGIN FEWBITS_TARGET_NONE_BEGIN
#if defined(__ARM_FEATURE_DOTPROD) || !FEWBITS_SIMD_NEON_DOT
#define FEWBITS_TARGET_NEON_DOT_BEGIN FEWBITS_TARGET_NONE_BEGIN
#elif defined(__clang__)
#define FEWBITS_TARGET_NEON_DOT_BEGIN FEWBITS_TARGET_BEGIN("dotprod")
#else
#define FEWBITS_TARGET_NEON_DOT_BEGIN FEWBITS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif
#endif

/// Inside a region: opens a namespace in fewbits::simd, behind the one that keeps units of different flags apart.
#define FEWBITS_SIMD_BEGIN(name) \
  FEWBITS_NAMESPACE_BEGIN        \
  namespace simd {               \
  FEWBITS_BASELINE_BEGIN         \
  namespace name {
#define FEWBITS_SIMD_END \
  }                      \
  FEWBITS_BASELINE_END   \
  }                      \
  FEWBITS_NAMESPACE_END
