// expect: two overflow policies: give one of saturate, no_saturate, saturate_finite
// Two policies of one kind contradict each other.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto x = fb::convert<fb::e4m3>(1.0f, fb::no_saturate);
#else
constexpr auto x = fb::convert<fb::e4m3>(1.0f, fb::saturate, fb::no_saturate);
#endif
