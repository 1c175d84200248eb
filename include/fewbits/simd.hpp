// Instruction sets, and conversions of arrays. Quantisers and products find their kernels by themselves.
#pragma once

#include <fewbits/simd/convert.hpp>
#include <fewbits/simd/isa.hpp>
