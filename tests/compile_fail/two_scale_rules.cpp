// expect: two scale rules: give one
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto policy = fb::upward;
#else
constexpr auto policy = fb::even_scale;
#endif

auto encode(std::span<const float> values) { return fb::encode_block<fb::mxfp4>(values, {}, fb::rceil_scale, policy); }
