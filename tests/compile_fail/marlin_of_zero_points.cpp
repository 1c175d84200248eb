// expect: Marlin's codes are symmetric
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/marlin.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using format = fb::int4_groups<128, fb::fp16>;
#else
using format = fb::uint4_groups<128, fb::fp16>;
#endif

static_assert(fb::marlin_sizes_of<format>(64, 128).has_value());
