// expect: copysign
// A scale has no sign to copy.
#include <fewbits/number.hpp>

using number =
#ifdef CONTROL
    fewbits::e4m3;
#else
    fewbits::ue4m3;
#endif
constexpr number x = copysign(number{1.0f}, number{2.0f});
