// expect: no match for|invalid operands
// Numbers compare within one type; widen both first.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr bool less = fb::e4m3{1.0f} < fb::e4m3{fb::e5m2{2.0f}};
#else
constexpr bool less = fb::e4m3{1.0f} < fb::e5m2{2.0f};
#endif
