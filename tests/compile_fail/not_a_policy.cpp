// expect: no matching function
// A policy says its kind.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
auto x = fb::convert<fb::e4m3>(1.0f, fb::stochastic(3));
#else
auto x = fb::convert<fb::e4m3>(1.0f, 3);
#endif
