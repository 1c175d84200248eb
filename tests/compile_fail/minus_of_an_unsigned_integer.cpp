// expect: operator-|unary
// uint4 has no sign to flip.
#include <fewbits/number.hpp>

using number =
#ifdef CONTROL
    fewbits::int4;
#else
    fewbits::uint4;
#endif
constexpr number x = -number{1};
