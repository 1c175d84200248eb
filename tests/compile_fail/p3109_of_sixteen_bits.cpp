// expect: P3109 defines formats of 3 to 15 bits
// The family ends at K = 15.
#include <fewbits/number.hpp>

#ifdef CONTROL
fewbits::binary<15, 8> x{};
#else
fewbits::binary<16, 8> x{};
#endif
