// expect: static_two_level divides by tensor scale x largest element
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using element = fb::e4m3;
#else
using element = fb::codebook<fb::codebook_format{.total_bits = 1, .entries = {-1000, 1001}}>;
#endif

struct mine : fb::block_format<element, fb::ue4m3, 16, fb::static_two_level_t, fb::with_tensor_scale<float>> {};
auto encode(std::span<const float> values) { return fb::encode_block<mine>(values); }
