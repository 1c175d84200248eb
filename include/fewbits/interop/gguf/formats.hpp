// The block formats whose values GGUF's blocks hold, where no other header has them already: int4_groups<32, fp16> for
// Q4_0, mxfp4 for MXFP4 and so on are in block/. Source: ggml-common.h and ggml-quants.c as in llama-cpp-python 0.3.36.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nested.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

using int3 = fixed_point<fixed_format{.total_bits = 3}>;
using int5 = fixed_point<fixed_format{.total_bits = 5}>;
using int6 = fixed_point<fixed_format{.total_bits = 6}>;
using uint5 = fixed_point<fixed_format{.total_bits = 5, .is_signed = false}>;

/// The 16 values of IQ4_NL and IQ4_XS; none of them is 0.
using iq4_values = codebook<codebook_format{
    .total_bits = 4, .entries = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}}>;

/// Q5_0: 5.5 bits an element.
template <std::size_t Size, number Scale = float>
struct int5_groups : block_format<int5, Scale, Size, signed_max_scale_t> {};
/// Q5_1: 6 bits.
template <std::size_t Size, number Scale = float>
struct uint5_minimum_groups : block_format<uint5, Scale, Size, min_max_scale_t, with_minimum<Scale>> {};
/// IQ4_NL: 4.5 bits.
template <std::size_t Size, number Scale = float>
struct iq4_groups : codebook_groups<iq4_values, Size, Scale> {};

/// Q3_K's values: 3.4375 bits; signed 6-bit scales for 16 elements each, one fp16 for 256.
struct nested_int3 : block_format<int3, int6, 16, nested_scale_t, in_super_blocks<16, fp16>> {};
/// Q5_K's values: 5.5 bits; nested_uint4 with one bit more an element.
struct nested_uint5
    : block_format<uint5, uint6, 32, nested_scale_t, with_minimum<uint6>, in_super_blocks<8, fp16, fp16>> {};
/// Q6_K's values: 6.5625 bits; 8-bit scales for 16 elements each.
struct nested_int6 : block_format<int6, int8, 16, nested_scale_t, in_super_blocks<16, fp16>> {};
/// IQ4_XS's values: 4.25 bits; signed 6-bit scales for 32 elements each.
struct nested_iq4 : block_format<iq4_values, int6, 32, nested_scale_t, in_super_blocks<8, fp16>> {};

FEWBITS_NAMESPACE_END
