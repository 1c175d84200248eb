// expect: isinf
// e4m3 has no Inf, so there is nothing to ask.
#include <fewbits/number.hpp>

using number =
#ifdef CONTROL
    fewbits::e5m2;
#else
    fewbits::e4m3;
#endif
constexpr bool answer = isinf(number{1.0f});
