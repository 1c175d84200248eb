// expect: isnan
// e2m1 has no NaN, so there is nothing to ask.
#include <fewbits/number.hpp>

using number =
#ifdef CONTROL
    fewbits::e4m3;
#else
    fewbits::e2m1;
#endif
constexpr bool answer = isnan(number{1.0f});
