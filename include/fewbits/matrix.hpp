// Everything about quantised matrices: views, storage, quantising and back, error statistics.
#pragma once

#include <fewbits/matrix/layout.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/report.hpp>
#include <fewbits/matrix/view.hpp>
