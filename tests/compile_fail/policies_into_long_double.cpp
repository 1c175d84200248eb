// expect: widening to long double is exact: it takes no policy
// There is nothing to choose.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
long double x = fb::convert<long double>(fb::e4m3{1.0f});
#else
long double x = fb::convert<long double>(fb::e4m3{1.0f}, fb::upward);
#endif
