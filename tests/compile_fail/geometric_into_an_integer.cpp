// expect: nearest_geometric rounds to powers of two: use it with a format of nothing else, such as ue8m0
// Integers are not powers of two.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto x = fb::convert<fb::int4>(3.0f, fb::nearest_away);
#else
constexpr auto x = fb::convert<fb::int4>(3.0f, fb::nearest_geometric);
#endif
