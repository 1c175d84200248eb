// Version, ABI namespace and compiler predicates: the only file that asks which compiler this is.
#pragma once

#define FEWBITS_VERSION_MAJOR 0
#define FEWBITS_VERSION_MINOR 1
#define FEWBITS_VERSION_PATCH 0
#define FEWBITS_VERSION (FEWBITS_VERSION_MAJOR * 10000 + FEWBITS_VERSION_MINOR * 100 + FEWBITS_VERSION_PATCH)

// The layout and meaning of every public type. Two versions can be linked into one program:
// the inline namespace keeps their symbols apart.
#define FEWBITS_ABI_VERSION 0
#define FEWBITS_NAMESPACE_BEGIN \
  namespace fewbits {           \
  inline namespace v0 {
#define FEWBITS_NAMESPACE_END \
  }                           \
  }

#if defined(_MSVC_LANG)
#if _MSVC_LANG < 202002L
#error "fewbits needs C++20: compile with /std:c++20"
#endif
#elif __cplusplus < 202002L
#error "fewbits needs C++20: compile with -std=c++20"
#endif

// Half-precision types of the compiler. Each format they share with fewbits converts bit for bit.
// g++ 12 has _Float16 in C++ on x86 alone, and defines its limits everywhere.
#if defined(__FLT16_MANT_DIG__) && (defined(__clang__) || !defined(__GNUC__) || __GNUC__ >= 13 || defined(__x86_64__))
#define FEWBITS_HAS_FLOAT16 1  // _Float16, and std::float16_t where it exists (one type)
#else
#define FEWBITS_HAS_FLOAT16 0
#endif

// __bf16 has conversions and constant evaluation only where the compiler gives it limits; before that
// (clang 14, g++ 12) it is a storage type that code can hardly touch.
#if defined(__BFLT16_MANT_DIG__) || (defined(__clang__) && __clang_major__ >= 17 && defined(__SSE2__))
#define FEWBITS_HAS_BFLOAT16 1
#else
#define FEWBITS_HAS_BFLOAT16 0
#endif

#if defined(__SIZEOF_INT128__)
#define FEWBITS_HAS_INT128 1
FEWBITS_NAMESPACE_BEGIN
__extension__ typedef __int128 int128;  // __extension__ silences -Wpedantic, which a using declaration cannot
__extension__ typedef unsigned __int128 uint128;
FEWBITS_NAMESPACE_END
#else
#define FEWBITS_HAS_INT128 0
#endif

// long double is its own format only where it is wider than double: x87's 80 bits or IEEE binary128.
// Other wide formats (PowerPC's pair of doubles) are not read bit by bit and are left out.
#if defined(__LDBL_MANT_DIG__) && __LDBL_MANT_DIG__ == 64
#define FEWBITS_LONG_DOUBLE_DIGITS 64
#elif defined(__LDBL_MANT_DIG__) && __LDBL_MANT_DIG__ == 113 && FEWBITS_HAS_INT128
#define FEWBITS_LONG_DOUBLE_DIGITS 113
#elif !defined(__LDBL_MANT_DIG__) || __LDBL_MANT_DIG__ == 53
#define FEWBITS_LONG_DOUBLE_DIGITS 53
#else
#define FEWBITS_LONG_DOUBLE_DIGITS 0
#endif

// What this unit's compiler may emit unasked. A kernel is a template, so the linker keeps one of its copies: had a
// unit built for AVX-512 and a plain one the same name for it, an AVX2 machine might get the copy with AVX-512 in it.
// Kernels therefore live in an inline namespace that is named after the unit's flags: baseline_x86_0 for plain
// x86-64, baseline_x86_7... for AVX-512 and more. A digit for what implies what, a letter for what stands alone.
// FEWBITS_TAG(__X__, t) is 0t where the compiler defines __X__ to 1, 2 or 3, and nothing elsewhere. The 0 keeps
// macros that a user has named t from being expanded.
#define FEWBITS_TAG(macro, tag) FEWBITS_TAG_OF_VALUE(macro, 0##tag)
#define FEWBITS_TAG_OF_VALUE(value, tag) FEWBITS_TAG_OF_PROBE(FEWBITS_PROBE_##value tag, )
#define FEWBITS_TAG_OF_PROBE(...) FEWBITS_SECOND(__VA_ARGS__, )
#define FEWBITS_SECOND(first, second, ...) second
#define FEWBITS_PROBE_1 ,
#define FEWBITS_PROBE_2 ,
#define FEWBITS_PROBE_3 ,
#define FEWBITS_JOIN(a, b, c, d, e, f, g, h, i, j) FEWBITS_JOIN_VALUES(a, b, c, d, e, f, g, h, i, j)
#define FEWBITS_JOIN_VALUES(a, b, c, d, e, f, g, h, i, j) a##b##c##d##e##f##g##h##i##j

#if defined(_MSC_VER) && !defined(__clang__)
// MSVC names few features, and its older preprocessor cannot count the arguments above.
#if defined(__AVX512F__)
#define FEWBITS_BASELINE_CPU baseline_msvc_avx512
#elif defined(__AVX2__)
#define FEWBITS_BASELINE_CPU baseline_msvc_avx2
#elif defined(__AVX__)
#define FEWBITS_BASELINE_CPU baseline_msvc_avx
#else
#define FEWBITS_BASELINE_CPU baseline_msvc
#endif
#elif defined(__x86_64__) || defined(__i386__)
#if defined(__AVX512F__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_7
#elif defined(__AVX2__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_6
#elif defined(__AVX__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_5
#elif defined(__SSE4_2__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_4
#elif defined(__SSE4_1__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_3
#elif defined(__SSSE3__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_2
#elif defined(__SSE3__)
#define FEWBITS_BASELINE_LEVEL baseline_x86_1
#else
#define FEWBITS_BASELINE_LEVEL baseline_x86_0
#endif
#define FEWBITS_BASELINE_INTEGER                                                                                      \
  FEWBITS_JOIN(FEWBITS_TAG(__POPCNT__, p), FEWBITS_TAG(__LZCNT__, l), FEWBITS_TAG(__BMI__, b),                        \
               FEWBITS_TAG(__BMI2__, B), FEWBITS_TAG(__MOVBE__, m), FEWBITS_TAG(__ADX__, a), FEWBITS_TAG(__TBM__, t), \
               FEWBITS_TAG(__APX_F__, A), FEWBITS_TAG(__AVX10_1__, x), FEWBITS_TAG(__AVX10_2__, X))
#define FEWBITS_BASELINE_VECTOR                                                                                        \
  FEWBITS_JOIN(FEWBITS_TAG(__FMA__, f), FEWBITS_TAG(__F16C__, h), FEWBITS_TAG(__AVXVNNI__, v),                         \
               FEWBITS_TAG(__GFNI__, g), FEWBITS_TAG(__FMA4__, F), FEWBITS_TAG(__XOP__, o), FEWBITS_TAG(__SSE4A__, s), \
               FEWBITS_TAG(__AVXVNNIINT8__, i), FEWBITS_TAG(__AVXNECONVERT__, n), FEWBITS_TAG(__AVXIFMA__, I))
#define FEWBITS_BASELINE_WIDE                                                                                   \
  FEWBITS_JOIN(FEWBITS_TAG(__AVX512BW__, w), FEWBITS_TAG(__AVX512VL__, y), FEWBITS_TAG(__AVX512DQ__, q),        \
               FEWBITS_TAG(__AVX512CD__, c), FEWBITS_TAG(__AVX512VNNI__, V), FEWBITS_TAG(__AVX512VBMI__, k),    \
               FEWBITS_TAG(__AVX512VBMI2__, K), FEWBITS_TAG(__AVX512BF16__, d), FEWBITS_TAG(__AVX512FP16__, H), \
               FEWBITS_TAG(__AMX_TILE__, T))
#define FEWBITS_BASELINE_MORE                                                                                         \
  FEWBITS_JOIN(FEWBITS_TAG(__AVX512IFMA__, M), FEWBITS_TAG(__AVX512VPOPCNTDQ__, P), FEWBITS_TAG(__AVX512BITALG__, G), \
               FEWBITS_TAG(__AMX_INT8__, J), FEWBITS_TAG(__AMX_BF16__, D), , , , , )
#define FEWBITS_BASELINE_CPU                                                                                     \
  FEWBITS_JOIN(FEWBITS_BASELINE_LEVEL, FEWBITS_BASELINE_INTEGER, FEWBITS_BASELINE_VECTOR, FEWBITS_BASELINE_WIDE, \
               FEWBITS_BASELINE_MORE, , , , , )
#elif defined(__aarch64__)
#define FEWBITS_BASELINE_CPU                                                                                    \
  FEWBITS_JOIN(baseline_arm_, FEWBITS_TAG(__ARM_FEATURE_DOTPROD, d), FEWBITS_TAG(__ARM_FEATURE_MATMUL_INT8, i), \
               FEWBITS_TAG(__ARM_FEATURE_BF16, b), FEWBITS_TAG(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC, h),        \
               FEWBITS_TAG(__ARM_FEATURE_ATOMICS, a), FEWBITS_TAG(__ARM_FEATURE_QRDMX, r),                      \
               FEWBITS_TAG(__ARM_FEATURE_SHA3, e), FEWBITS_TAG(__ARM_FEATURE_SVE, s),                           \
               FEWBITS_TAG(__ARM_FEATURE_SVE2, S))
#else
#define FEWBITS_BASELINE_CPU baseline_any
#endif

// Flags that change what arithmetic means, and the macro that leaves kernels out, tell units apart as well.
#if defined(FEWBITS_NO_SIMD)
#define FEWBITS_BASELINE_KERNELS _scalar
#else
#define FEWBITS_BASELINE_KERNELS
#endif
#if defined(_MSC_VER) && !defined(__clang__)
#if defined(_M_FP_FAST)
#define FEWBITS_BASELINE_MATH _fast
#else
#define FEWBITS_BASELINE_MATH
#endif
#else
#define FEWBITS_BASELINE_MATH                                                             \
  FEWBITS_JOIN(FEWBITS_TAG(__FAST_MATH__, u), FEWBITS_TAG(__FINITE_MATH_ONLY__, N),       \
               FEWBITS_TAG(__ASSOCIATIVE_MATH__, C), FEWBITS_TAG(__RECIPROCAL_MATH__, R), \
               FEWBITS_TAG(__NO_SIGNED_ZEROS__, z), , , , , )
#endif
#define FEWBITS_BASELINE \
  FEWBITS_JOIN(FEWBITS_BASELINE_CPU, FEWBITS_BASELINE_KERNELS, FEWBITS_BASELINE_MATH, , , , , , , )

/// Opens and closes that namespace, inside FEWBITS_NAMESPACE_BEGIN. Functions only: a type that crosses units stays
/// out.
#define FEWBITS_BASELINE_BEGIN inline namespace FEWBITS_BASELINE {
#define FEWBITS_BASELINE_END }

/// A member function of a type that crosses units, where a compiler puts wide registers (a copy of a large result) or
/// calls what lies in the namespace above: inlined, so that no unit is given another's. What remains of members fits
/// the plain machine in every unit; tests/package/two_products.cmake reads the disassembly.
#if defined(_MSC_VER) && !defined(__clang__)
#define FEWBITS_OF_THIS_UNIT __forceinline
#else
#define FEWBITS_OF_THIS_UNIT __attribute__((always_inline))
#endif
