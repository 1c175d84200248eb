// expect: this rule may run out of memory for blocks of this size: use quantize, which reports it
#include <optional>

#include <fewbits/block.hpp>

namespace fb = fewbits;

struct rule {
  using policy_kind = fb::scale_kind;
#ifdef CONTROL
  template <fb::blocked Format, fb::block_source T>
  fb::block_parameters<Format> parameters(const fb::block_values<T>&, fb::no_tensor_scale) const noexcept {
    return {};
  }
#else
  template <fb::blocked Format, fb::block_source T>
  std::optional<fb::block_parameters<Format> > parameters(const fb::block_values<T>&,
                                                          fb::no_tensor_scale) const noexcept {
    return {};
  }
#endif
};

auto encode(std::span<const float> values) { return fb::encode_block<fb::mxfp4>(values, {}, rule{}); }
