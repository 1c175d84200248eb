// expect: conver|no viable
// Rounding is visible in the source.
#include <fewbits/number.hpp>

#ifdef CONTROL
fewbits::e4m3 x{1.0f};
#else
fewbits::e4m3 x = 1.0f;
#endif
