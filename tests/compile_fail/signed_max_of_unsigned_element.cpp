// expect: signed_max_scale puts the largest value on the lowest element: choose a signed element
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using element = fb::int4;
#else
using element = fb::uint4;
#endif

struct mine : fb::block_format<element, float, 32, fb::signed_max_scale_t> {};
auto encode(std::span<const float> values) { return fb::encode_block<mine>(values); }
