// expect: a super-block has 2 to 1024 blocks
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr std::size_t count = 8;
#else
constexpr std::size_t count = 1;
#endif

struct mine : fb::block_format<fb::int4, fb::uint6, 32, fb::amax_scale_t, fb::in_super_blocks<count, fb::fp16>> {};
static_assert(mine::size != 1);
