// expect: blocks nest once: give one super-block
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
struct mine : fb::block_format<fb::int4, fb::uint6, 32, fb::amax_scale_t, fb::in_super_blocks<8, fb::fp16>> {};
#else
struct mine : fb::block_format<fb::int4, fb::uint6, 32, fb::amax_scale_t, fb::in_super_blocks<8, fb::fp16>,
                               fb::in_super_blocks<4, float>> {};
#endif

static_assert(mine::size != 1);
