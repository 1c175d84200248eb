// expect: a block has at most 65536 rows and columns
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr fb::block_shape shape{1, 65536};
#else
constexpr fb::block_shape shape{1, 65538};
#endif

struct mine : fb::block_format<fb::int4, float, shape, fb::amax_scale_t> {};
static_assert(mine::size != 1);
