// expect: nearest_geometric rounds to powers of two: use it with a format of nothing else, such as ue8m0
// Between neighbours of one binade the geometric mean is not where formats round.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr auto x = fb::convert<fb::ue8m0>(3.0f, fb::nearest_geometric);
#else
constexpr auto x = fb::convert<fb::e4m3>(3.0f, fb::nearest_geometric);
#endif
