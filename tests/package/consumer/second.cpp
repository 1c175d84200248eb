// A second unit: every header may be included by many.
#include <fewbits/fewbits.hpp>

float decoded_elsewhere(fewbits::e4m3 value);
float decoded_elsewhere(fewbits::e4m3 value) { return static_cast<float>(value); }
