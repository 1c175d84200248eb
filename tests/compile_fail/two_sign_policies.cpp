// expect: two sign policies: give one of keep_sign, drop_sign
// Two policies of one kind contradict each other.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto x = fb::convert<fb::ue4m3>(1.0f, fb::drop_sign);
#else
constexpr auto x = fb::convert<fb::ue4m3>(1.0f, fb::keep_sign, fb::drop_sign);
#endif
