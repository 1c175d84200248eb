// expect: integers of more than 64 bits are not a target: convert to 64 bits and widen
// No few-bit number is asked for in 128 bits.
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
auto x = fb::convert<long long>(fb::e4m3{1.0f});
#else
auto x = fb::convert<fb::int128>(fb::e4m3{1.0f});
#endif
