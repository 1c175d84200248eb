// expect: conver|no viable
// Widening is explicit: an implicit one would make overload sets ambiguous.
#include <fewbits/number.hpp>

#ifdef CONTROL
float x{static_cast<float>(fewbits::e4m3{})};
#else
float x = fewbits::e4m3{};
#endif
