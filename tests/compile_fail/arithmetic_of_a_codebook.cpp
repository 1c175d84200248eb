// expect: no matching function|no match|unsatisfied|not satisfied
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using number = fb::int4;
#else
using number = fb::nf4;
#endif

number magnitude(number x) { return fb::abs(x); }
