// expect: the scales' product must be exact in 32 bits
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using scale = fb::ue4m3;
#else
using scale = float;
#endif

struct mine : fb::block_format<fb::e2m1, scale, 16, fb::static_two_level_t, fb::with_tensor_scale<float>> {};
auto encode(std::span<const float> values) { return fb::encode_block<mine>(values); }
