// Formats made for quality: tables that lean to one side, and blocks that turn them round or choose among several. The
// optimum encoder makes them worth their bits. How the tables were fitted: docs/quantize/skewed.md.
#pragma once

#include <cstddef>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/quantize/exact_mse.hpp>
#include <fewbits/quantize/exact_shapes.hpp>

FEWBITS_NAMESPACE_BEGIN

/// 16 entries from -112 to 127. It has no 0: where a block is not all 0, its zeros come back as 2 scales.
using skew4 = codebook<codebook_format{
    .total_bits = 4, .entries = {-112, -82, -64, -48, -34, -21, -8, 2, 14, 26, 38, 51, 65, 82, 103, 127}}>;

/// skew4 under a signed e4m3 whose sign turns the table round, and a float32 a tensor: 4.5 bits an element in blocks of
/// 16 and 4.25 in blocks of 32. As wide and as aligned as nvfp4 and mxfp4.
template <std::size_t Size = 16>
struct skew4_groups : block_format<skew4, e4m3, Size, exact_mse_t, with_tensor_scale<float>> {};

/// Eight tables of four entries; the table is the code's high bits.
using skew2 = codebook<codebook_format{
    .total_bits = 5, .entries = {-23, -6,  9,  25, -39, -16, 3,  33, -14, -1, 9, 24, -58, -21, 0,  17,
                                 -41, -19, -1, 19, -20, -4,  12, 32, -39, -9, 9, 29, -30, -4,  16, 63}}>;

/// 2.5 bits an element: 2-bit codes; each 16 choose one of skew2's eight tables and a sign, each 32 share an ue4m3, and
/// the tensor has a float32.
struct skew2_groups : block_format<skew2, sign1, 16, exact_shapes_t, with_shapes<uint3>, in_super_blocks<2, ue4m3>,
                                   with_tensor_scale<float>> {};

FEWBITS_NAMESPACE_END
