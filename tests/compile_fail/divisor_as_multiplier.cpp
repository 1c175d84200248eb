// expect: conver|no matching|no viable|could not
// A number that a file stores as a divisor does not become a multiplier by itself.
#include <fewbits/interop/layouts/global_scale.hpp>

namespace fb = fewbits;
constexpr float read_under(fb::scale_multiplier global) { return global.value; }
#ifdef CONTROL
constexpr float value_read = read_under(*fb::exact_multiplier(fb::scale_divisor{2.0f}));
#else
constexpr float value_read = read_under(fb::scale_divisor{2.0f});
#endif
static_assert(value_read == 0.5f);
