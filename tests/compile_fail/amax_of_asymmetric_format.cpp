// expect: this scale rule does not fit the format: see scale_rule in block/scale.hpp
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto rule = fb::min_max_scale;
#else
constexpr auto rule = fb::amax_scale;
#endif

auto encode(std::span<const float> values) { return fb::encode_block<fb::uint4_groups<32>>(values, {}, rule); }
