// expect: give one of with_zero_point, with_minimum and with_shapes
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
struct mine : fb::block_format<fb::uint4, float, 32, fb::min_max_scale_t, fb::with_minimum<float>> {};
#else
struct mine : fb::block_format<fb::uint4, float, 32, fb::min_max_scale_t, fb::with_zero_point<fb::uint4>,
                               fb::with_minimum<float>> {};
#endif

static_assert(mine::size != 1);
