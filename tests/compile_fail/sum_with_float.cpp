// expect: no match for|invalid operands
// A float is not silently rounded to be added.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto sum = static_cast<float>(fb::e4m3{1.0f}) + 1.0f;
#else
constexpr auto sum = fb::e4m3{1.0f} + 1.0f;
#endif
