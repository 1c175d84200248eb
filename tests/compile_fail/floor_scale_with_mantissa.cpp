// expect: floor_scale gives a power of two: use it with a scale type without mantissa
#include <fewbits/fewbits.hpp>

#ifdef CONTROL
using scale = fewbits::ue8m0;
#else
using scale = fewbits::ue4m3;
#endif

struct mine : fewbits::block_format<fewbits::e2m1, scale, 16, fewbits::floor_scale_t> {};

auto quantise(const fewbits::matrix_view<const float>& weights) { return fewbits::quantize<mine>(weights); }
