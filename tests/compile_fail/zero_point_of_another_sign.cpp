// expect: a zero point is one of the element's integers
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using zero = fb::int4;
#else
using zero = fb::uint4;
#endif

struct mine : fb::block_format<fb::int4, float, 32, fb::min_max_scale_t, fb::with_zero_point<zero>> {};
static_assert(mine::size != 1);
