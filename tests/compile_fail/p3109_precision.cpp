// expect: precision is 1 to K - 1 for signed formats and 1 to K for unsigned ones
// A signed format of K bits has no room for K bits of precision.
#include <fewbits/number.hpp>

#ifdef CONTROL
fewbits::binary<8, 8, fewbits::signedness::is_unsigned> x{};
#else
fewbits::binary<8, 8> x{};
#endif
