// expect: this format has a tensor scale or offset: the rule needs tensor_scale
// A rule for blocks alone does not quantise a format whose tensor has a scale, too.
#include <fewbits/block.hpp>

namespace fb = fewbits;
struct rule {
  using policy_kind = fb::scale_kind;
#ifdef CONTROL
  template <fb::blocked Format>
  constexpr float tensor_scale(fb::unpacked_number) const noexcept {
    return 1;
  }
#endif
  template <fb::blocked Format>
  constexpr typename Format::scale_type block_scale(fb::unpacked_number, float) const noexcept {
    return typename Format::scale_type{1};
  }
};
constexpr auto chosen = fb::detail::choose_block_encoding<fb::nvfp4>(rule{});
