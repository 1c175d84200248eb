// expect: super-blocks are made of blocks along a row
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr fb::block_shape shape{1, 32};
#else
constexpr fb::block_shape shape{4, 32};
#endif

struct mine : fb::block_format<fb::int4, fb::uint6, shape, fb::amax_scale_t, fb::in_super_blocks<8, fb::fp16>> {};
static_assert(mine::size != 1);
