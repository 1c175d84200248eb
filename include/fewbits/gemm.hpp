// Products with quantised weights.
#pragma once

#include <fewbits/gemm/reference_gemm.hpp>
