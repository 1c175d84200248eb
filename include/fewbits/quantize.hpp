// Everything that turns a matrix into blocks and chooses their scales well: rules that search, the exact optimum,
// calibrators, formats made for quality.
#pragma once

#include <fewbits/block/scale.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/quantize/calibrate.hpp>
#include <fewbits/quantize/exact_mse.hpp>
#include <fewbits/quantize/exact_scale.hpp>
#include <fewbits/quantize/exact_shapes.hpp>
#include <fewbits/quantize/nested_search.hpp>
#include <fewbits/quantize/quantizer.hpp>
#include <fewbits/quantize/search_scale.hpp>
#include <fewbits/quantize/skewed.hpp>
#include <fewbits/quantize/statistic_scale.hpp>
