// expect: this layout has groups of integers along a row
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using format = fb::uint4_groups<128, fb::fp16>;
#else
using format = fb::uint4_minimum_groups<128, fb::fp16>;
#endif

static_assert(fb::awq_sizes_of<format>(8, 128).has_value());
