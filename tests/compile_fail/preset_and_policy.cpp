// expect: a preset makes every choice by itself: give a preset or policies, not both
// A preset beside a policy: which of them decides?
#include <fewbits/number.hpp>

namespace fb = fewbits;
struct plain_preset {
  using policy_kind = fb::preset_kind;
  template <class Target>
  constexpr auto encoding_for() const noexcept {
    return fb::saturating_encoding;
  }
};
#ifdef CONTROL
constexpr auto x = fb::convert<fb::e4m3>(1.0f, plain_preset{});
#else
constexpr auto x = fb::convert<fb::e4m3>(1.0f, plain_preset{}, fb::upward);
#endif
