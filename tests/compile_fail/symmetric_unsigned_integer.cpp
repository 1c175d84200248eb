// expect: a fixed_format has 1 to 64 bits, 2 and up if signed, and symmetric means signed
// Without a sign there is no second side to be symmetric with.
#include <fewbits/number.hpp>

fewbits::fixed_point<fewbits::fixed_format{.total_bits = 4,
#ifndef CONTROL
                                           .is_signed = false,
#endif
                                           .symmetric = true}>
    x{1};
