// expect: give poison_blocks or pass_nonfinite, not both
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto policy = fb::drop_zero_sign;
#else
constexpr auto policy = fb::poison_blocks;
#endif

auto encode(std::span<const float> values) {
  return fb::encode_block<fb::mxfp4>(values, {}, fb::pass_nonfinite, policy);
}
