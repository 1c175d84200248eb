// expect: quantize takes a scale rule, a rounding, poison_blocks or pass_nonfinite
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto policy = fb::upward;
#else
constexpr auto policy = fb::no_saturate;
#endif

auto encode(std::span<const float> values) { return fb::encode_block<fb::mxfp4>(values, {}, fb::rceil_scale, policy); }
