// expect: two NaN policies: give one of nan_to_max, nan_to_zero, nan_to_negated_zero
// Two policies of one kind contradict each other.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto x = fb::convert<fb::e2m1>(1.0f, fb::nan_to_zero);
#else
constexpr auto x = fb::convert<fb::e2m1>(1.0f, fb::nan_to_max, fb::nan_to_zero);
#endif
