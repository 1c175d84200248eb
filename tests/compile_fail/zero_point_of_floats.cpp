// expect: a zero point is an integer like the elements: use with_minimum
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using element = fb::uint4;
#else
using element = fb::e2m1;
#endif

struct mine : fb::block_format<element, float, 32, fb::min_max_scale_t, fb::with_zero_point<fb::uint4>> {};
static_assert(mine::size != 1);
