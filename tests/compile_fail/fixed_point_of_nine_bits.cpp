// expect: fixed_point holds at most 8 bits: use a native integer for more
// One code a byte.
#include <fewbits/number.hpp>

constexpr int bits =
#ifdef CONTROL
    8;
#else
    9;
#endif
fewbits::fixed_point<fewbits::fixed_format{.total_bits = bits}> x{1};
