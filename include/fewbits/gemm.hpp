// Products with quantised weights.
#pragma once

#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/quantized_gemm.hpp>
#include <fewbits/gemm/reference_gemm.hpp>
