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

#include <fewbits/base/config.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/simd/element_data.hpp>
#include <fewbits/simd/packing_data.hpp>
#include <fewbits/simd/target.hpp>

/// A primitive: inlined into kernels of its own region.
#define FEWBITS_LANES FEWBITS_ALWAYS_INLINE
