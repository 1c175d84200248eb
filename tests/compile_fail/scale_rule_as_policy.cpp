// expect: convert takes rounding, overflow, NaN and sign policies, or a preset: this policy is of another kind
#include <fewbits/fewbits.hpp>

#ifdef CONTROL
constexpr auto policy = fewbits::upward;
#else
constexpr auto policy = fewbits::floor_scale;
#endif

fewbits::e4m3 narrow(float x) { return fewbits::convert<fewbits::e4m3>(x, policy); }
