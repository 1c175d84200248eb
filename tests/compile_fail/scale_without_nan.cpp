// expect: a NaN scale says that a block holds Inf or NaN: choose a scale type with NaN
#include <fewbits/fewbits.hpp>

#ifdef CONTROL
using scale = fewbits::ue8m0;
#else
using scale = fewbits::minifloat<fewbits::float_format{
    .exponent_bits = 8, .bias = 127, .is_signed = false, .zero = fewbits::zero_codes::none}>;
#endif

struct mine : fewbits::block_format<fewbits::e2m1, scale, 32, fewbits::floor_scale_t> {};
static_assert(mine::size == 32);
