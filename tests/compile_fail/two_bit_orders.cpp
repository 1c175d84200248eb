// expect: two bit orders: give one
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using option = fb::with_tensor_scale<float>;
#else
using option = fb::with_order<fb::bit_order::low_first>;
#endif

struct mine : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::static_two_level_t, option,
                               fb::with_order<fb::bit_order::high_first>> {};
static_assert(mine::size != 1);
