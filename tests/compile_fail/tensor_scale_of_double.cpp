// expect: the tensor scale is float or no_tensor_scale
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using scale = float;
#else
using scale = double;
#endif

struct mine : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::static_two_level_t, fb::with_tensor_scale<scale>> {};
static_assert(mine::size != 1);
