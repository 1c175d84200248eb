// expect: super-blocks have a scale for minimums and blocks have none: add with_minimum
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using option = fb::with_minimum<fb::uint6>;
#else
using option = fb::with_order<fb::bit_order::low_first>;
#endif

struct mine : fb::block_format<fb::uint4, fb::uint6, 32, fb::min_max_scale_t,
                               fb::in_super_blocks<8, fb::fp16, fb::fp16>, option> {};
static_assert(mine::size != 1);
