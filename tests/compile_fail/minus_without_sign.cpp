// expect: operator-|unary
// A scale has no sign to flip.
#include <fewbits/number.hpp>

using number =
#ifdef CONTROL
    fewbits::e4m3;
#else
    fewbits::ue8m0;
#endif
constexpr number x = -number{1.0f};
