// expect: give keep_zero_sign or drop_zero_sign, not both
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto policy = fb::pass_nonfinite;
#else
constexpr auto policy = fb::keep_zero_sign;
#endif

auto encode(std::span<const float> values) {
  return fb::encode_block<fb::mxfp4>(values, {}, fb::drop_zero_sign, policy);
}
