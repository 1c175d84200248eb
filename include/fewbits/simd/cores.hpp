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
