// expect: conver|explicit|no matching|no viable
// A float says by itself neither multiplier nor divisor.
#include <fewbits/interop/layouts/global_scale.hpp>

namespace fb = fewbits;
constexpr float read_under(fb::scale_divisor global) { return global.value; }
#ifdef CONTROL
constexpr float value_read = read_under(fb::scale_divisor{2.0f});
#else
constexpr float value_read = read_under({2.0f});
#endif
static_assert(value_read == 2.0f);
