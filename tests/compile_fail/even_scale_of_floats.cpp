// expect: this rule gives a power of two: use it with a scale type such as ue8m0
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using scale = fb::ue8m0;
#else
using scale = float;
#endif

struct mine : fb::block_format<fb::e2m1, scale, 16, fb::even_scale_t> {};
auto encode(std::span<const float> values) { return fb::encode_block<mine>(values); }
