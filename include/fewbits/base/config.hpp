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
