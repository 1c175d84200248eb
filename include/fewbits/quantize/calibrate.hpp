// Calibrators: from data that arrives in pieces to the range of a scale.
#pragma once

#include <fewbits/quantize/calibrate_entropy.hpp>
#include <fewbits/quantize/calibrate_min_max.hpp>
#include <fewbits/quantize/calibrate_mse.hpp>
#include <fewbits/quantize/calibrate_percentile.hpp>
#include <fewbits/quantize/calibrated_scale.hpp>
#include <fewbits/quantize/delayed_scaling.hpp>
#include <fewbits/quantize/histogram.hpp>
