// expect: no match for|invalid operands
// A float is not silently rounded to be compared.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr bool same = static_cast<float>(fb::e4m3{1.0f}) == 1.0f;
#else
constexpr bool same = fb::e4m3{1.0f} == 1.0f;
#endif
