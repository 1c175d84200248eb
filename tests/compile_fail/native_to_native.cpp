// expect: no matching function
// Conversions between two of the compiler's own types are the compiler's.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
auto x = fb::convert<float>(fb::e4m3{1.0});
#else
auto x = fb::convert<float>(1.0);
#endif
