// expect: signed_max_scale may be negative: choose a signed scale type
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using scale = fb::e4m3;
#else
using scale = fb::ue4m3;
#endif

struct mine : fb::block_format<fb::int4, scale, 32, fb::signed_max_scale_t> {};
auto encode(std::span<const float> values) { return fb::encode_block<mine>(values); }
