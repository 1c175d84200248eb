// expect: two tensor scales: give one
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
struct mine : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::static_two_level_t, fb::with_tensor_scale<float>> {};
#else
struct mine : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::static_two_level_t, fb::with_tensor_scale<float>,
                               fb::with_tensor_offset> {};
#endif

static_assert(mine::size != 1);
