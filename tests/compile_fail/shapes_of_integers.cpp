// expect: with_shapes divides a codebook
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using element = fb::nf4;
#else
using element = fb::int4;
#endif

struct mine : fb::block_format<element, float, 32, fb::amax_scale_t, fb::with_shapes<fb::uint2>> {};
static_assert(mine::size != 1);
