// The whole library. What needs more of the standard library stays opt-in: <fewbits/number/text.hpp>,
// <fewbits/number/hash.hpp>, <fewbits/interop/file.hpp>, <fewbits/interop/tensor_matrix.hpp>.
#pragma once

#include <fewbits/block.hpp>
#include <fewbits/gemm.hpp>
#include <fewbits/interop.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/number.hpp>
#include <fewbits/quantize.hpp>
#include <fewbits/simd.hpp>
