// expect: two rounding policies: give one of them
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto policy = fb::rceil_scale;
#else
constexpr auto policy = fb::downward;
#endif

auto encode(std::span<const float> values) { return fb::encode_block<fb::mxfp4>(values, {}, fb::upward, policy); }
