// expect: this float_format gives a code two meanings or none
// IEEE NaN without IEEE Inf leaves the code with mantissa 0 without a meaning.
#include <fewbits/number.hpp>

constexpr fewbits::float_format format{
    .exponent_bits = 4,
    .mantissa_bits = 3,
    .bias = 7,
    .nan = fewbits::nan_codes::ieee,
#ifdef CONTROL
    .inf = fewbits::inf_codes::ieee,
#endif
};
constexpr auto x = fewbits::minifloat<format>::from_bits(1);
