// expect: P3109 defines formats of 3 to 15 bits
// The family begins at K = 3.
#include <fewbits/number.hpp>

#ifdef CONTROL
fewbits::binary<3, 1> x{};
#else
fewbits::binary<2, 1> x{};
#endif
