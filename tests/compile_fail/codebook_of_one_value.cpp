// expect: a codebook has 2, 4, 8, 16 or 32 entries
#include <fewbits/number.hpp>

namespace fb = fewbits;
#ifdef CONTROL
constexpr std::int32_t other = 4;
#else
constexpr std::int32_t other = 3;
#endif

using mine = fb::codebook<fb::codebook_format{.total_bits = 1, .entries = {3, other}}>;
static_assert(mine::format.total_bits == 1);
