// Integers and codebooks in groups. Sources of the rules: block/amax_scale.hpp; nf4: arXiv 2305.14314.
#pragma once

#include <cstddef>

#include <fewbits/base/config.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/fp8.hpp>
#include <fewbits/block/mean_scale.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// int8 and amax / 127 over a shape.
template <number Scale = float>
struct int8_tensor : scaled_format<int8, per_tensor, Scale> {};
/// One scale an output channel of weights, or a token of activations.
template <number Scale = float>
struct int8_rows : scaled_format<int8, per_row, Scale> {};
template <std::size_t Size, number Scale = float>
struct int8_groups : scaled_format<int8, Size, Scale> {};

/// Symmetric int4 by signed maximum over -8: the scale may be negative. Size: elements along a row, or `whole` for one
/// scale a channel. Scale: float, fp16, bf16.
template <std::size_t Size, number Scale = float>
struct int4_groups : block_format<int4, Scale, Size, signed_max_scale_t> {};
/// Asymmetric: value = scale x (code - zero point), both 0 to 15.
template <std::size_t Size, number Scale = float>
struct uint4_groups : block_format<uint4, Scale, Size, min_max_scale_t, with_zero_point<uint4>> {};
/// Asymmetric with a minimum: value = scale x code + minimum.
template <std::size_t Size, number Scale = float>
struct uint4_minimum_groups : block_format<uint4, Scale, Size, min_max_scale_t, with_minimum<Scale>> {};

template <std::size_t Size, number Scale = float>
struct int2_groups : block_format<int2, Scale, Size, signed_max_scale_t> {};
template <std::size_t Size, number Scale = float>
struct uint2_groups : block_format<uint2, Scale, Size, min_max_scale_t, with_zero_point<uint2>> {};

/// Any codebook with amax on its largest entry; `struct mine : fb::codebook_groups<my_codebook, 32, fb::fp16> {};`
template <few_bit_number Codebook, std::size_t Size, number Scale = float>
struct codebook_groups : block_format<Codebook, Scale, Size, amax_scale_t> {};
template <std::size_t Size = 64, number Scale = float>
struct nf4_groups : codebook_groups<nf4, Size, Scale> {};

/// -1, 0, 1 by the mean magnitude (BitNet b1.58), and signs alone by it.
template <std::size_t Size, number Scale = float>
struct ternary_groups : block_format<ternary, Scale, Size, mean_scale_t> {};
template <std::size_t Size, number Scale = float>
struct binary_groups : block_format<sign1, Scale, Size, mean_scale_t> {};

FEWBITS_NAMESPACE_END
