// expect: a tensor offset is for the scales of super-blocks
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
struct mine : fb::block_format<fb::nf4, fb::int8, 64, fb::amax_scale_t, fb::in_super_blocks<256, float>,
                               fb::with_tensor_offset> {};
#else
struct mine : fb::block_format<fb::nf4, float, 64, fb::amax_scale_t, fb::with_tensor_offset> {};
#endif

static_assert(mine::size != 1);
