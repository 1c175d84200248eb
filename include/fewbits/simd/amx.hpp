// The data sheet of AMX (tiles of int8 and bfloat16, on top of AVX-512: Sapphire Rapids and later): AVX-512's lanes
// beside tiles. Products take tiles; everything else is AVX-512's.
#pragma once

#include <fewbits/simd/avx512.hpp>
#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/float_tile_data.hpp>
#include <fewbits/simd/target.hpp>
#include <fewbits/simd/tiles.hpp>

#if FEWBITS_SIMD_TILES
FEWBITS_TARGET_AMX_BEGIN
FEWBITS_SIMD_BEGIN(amx)

namespace lanes = avx512;
using namespace avx512;
using namespace tiles;

#include <fewbits/simd/amx_core.inl>
//
#include <fewbits/simd/amx_float_core.inl>

FEWBITS_SIMD_END
FEWBITS_TARGET_END
#endif
