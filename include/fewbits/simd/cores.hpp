// Everything that a *_core.inl uses from outside its region: a header first seen inside one would be compiled for the
// region's machine alone.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/simd/arrays.hpp>
#include <fewbits/simd/block_data.hpp>
#include <fewbits/simd/element_data.hpp>
#include <fewbits/simd/integer_data.hpp>
#include <fewbits/simd/packing_data.hpp>
#include <fewbits/simd/product_data.hpp>
#include <fewbits/simd/target.hpp>

/// A primitive: inlined into kernels of its own region.
#define FEWBITS_LANES FEWBITS_ALWAYS_INLINE

/// Before a loop over registers: they stay registers only if no loop is left.
#if defined(__clang__)
#define FEWBITS_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define FEWBITS_UNROLL _Pragma("GCC unroll 32")
#else
#define FEWBITS_UNROLL
#endif

/// Before a loop that is to stay one.
#if defined(__clang__)
#define FEWBITS_ROLL _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__)
#define FEWBITS_ROLL _Pragma("GCC unroll 1")
#else
#define FEWBITS_ROLL
#endif

/// Under a sanitizer, code that is unrolled column by column takes minutes to compile, and its loops compute the same.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FEWBITS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define FEWBITS_SANITIZED true
#endif
#endif
#if !defined(FEWBITS_SANITIZED)
#define FEWBITS_SANITIZED false
#endif
