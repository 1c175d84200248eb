// expect: two rounding policies: give one of them
// Two policies of one kind contradict each other.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto x = fb::convert<fb::e4m3>(1.0f, fb::toward_zero, fb::saturate);
#else
constexpr auto x = fb::convert<fb::e4m3>(1.0f, fb::toward_zero, fb::saturate, fb::upward);
#endif
