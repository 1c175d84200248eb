// expect: this float_format gives a code two meanings or none
// One code cannot be both NaN and -0.
#include <fewbits/number.hpp>

constexpr fewbits::float_format format{
    .exponent_bits = 4,
    .mantissa_bits = 3,
    .bias = 8,
    .nan = fewbits::nan_codes::negative_zero,
#ifdef CONTROL
    .zero = fewbits::zero_codes::positive,
#endif
};
constexpr auto x = fewbits::minifloat<format>::from_bits(1);
