// The named types. Each is one line of data; sources stand beside the lines.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/minifloat.hpp>

FEWBITS_NAMESPACE_BEGIN

using e4m3 = minifloat<fn_format(4, 3)>;               // OCP OFP8 1.0; LLVM Float8E4M3FN
using e4m3_ieee = minifloat<ieee_format(4, 3)>;        // LLVM Float8E4M3
using e4m3fnuz = minifloat<fnuz_format(4, 3)>;         // arXiv 2206.02915; LLVM Float8E4M3FNUZ
using e4m3b11fnuz = minifloat<fnuz_format(4, 3, 11)>;  // LLVM Float8E4M3B11FNUZ
using e5m2 = minifloat<ieee_format(5, 2)>;             // OCP OFP8 1.0
using e5m2fnuz = minifloat<fnuz_format(5, 2)>;         // arXiv 2206.02915; LLVM Float8E5M2FNUZ
using e3m4 = minifloat<ieee_format(3, 4)>;             // LLVM Float8E3M4
using e2m1 = minifloat<finite_format(2, 1)>;           // OCP MX 1.0, FP4
using e2m3 = minifloat<finite_format(2, 3)>;           // OCP MX 1.0, FP6
using e3m2 = minifloat<finite_format(3, 2)>;           // OCP MX 1.0, FP6
using ue4m3 = minifloat<unsigned_format(4, 3)>;        // NVFP4 scales
using ue5m3 = minifloat<unsigned_format(5, 3)>;
using bf16 = minifloat<ieee_format(8, 7)>;
using fp16 = minifloat<ieee_format(5, 10)>;  // IEEE 754 binary16

/// OCP MX 1.0 scale: a power of two from 2^-127 (code 0) to 2^127, NaN at the top, no zero.
using ue8m0 = minifloat<float_format{
    .exponent_bits = 8, .bias = 127, .is_signed = false, .nan = nan_codes::top, .zero = zero_codes::none}>;

using e4m3fn = e4m3;
using e8m0fnu = ue8m0;

using int4 = fixed_point<fixed_format{.total_bits = 4}>;
using uint4 = fixed_point<fixed_format{.total_bits = 4, .is_signed = false}>;
using int2 = fixed_point<fixed_format{.total_bits = 2}>;
using uint2 = fixed_point<fixed_format{.total_bits = 2, .is_signed = false}>;

/// The integers -1, 0, 1 in two bits; code 2 reads as -2 and is never written.
using ternary = fixed_point<fixed_format{.total_bits = 2, .symmetric = true}>;
using int8 = fixed_point<fixed_format{.total_bits = 8}>;
using uint8 = fixed_point<fixed_format{.total_bits = 8, .is_signed = false}>;
using uint3 = fixed_point<fixed_format{.total_bits = 3, .is_signed = false}>;
using uint6 = fixed_point<fixed_format{.total_bits = 6, .is_signed = false}>;

/// OCP MX 1.0 int8 element: code x 2^-6. Code 80 reads as -2 and is never written, so that the range is symmetric.
using mxint8 = fixed_point<fixed_format{.total_bits = 8, .fraction_bits = 6, .symmetric = true}>;

FEWBITS_NAMESPACE_END
