// expect: minifloat holds 2 to 16 bits: use float or double for more
// A product of two such numbers would not fit one word.
#include <fewbits/number.hpp>

constexpr int mantissa_bits =
#ifdef CONTROL
    10;
#else
    11;
#endif
fewbits::minifloat<fewbits::ieee_format(5, mantissa_bits)> x{1.0f};
