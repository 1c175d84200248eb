// expect: no match for|invalid operands
// A sum of two formats has no obvious format.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto sum = fb::e4m3{1.0f} + fb::e4m3{fb::e5m2{2.0f}};
#else
constexpr auto sum = fb::e4m3{1.0f} + fb::e5m2{2.0f};
#endif
