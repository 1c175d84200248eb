// expect: conver|no viable
// One format does not become another unasked.
#include <fewbits/number.hpp>

#ifdef CONTROL
fewbits::e5m2 x{fewbits::e4m3{}};
#else
fewbits::e5m2 x = fewbits::e4m3{};
#endif
