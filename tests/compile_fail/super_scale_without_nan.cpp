// expect: a NaN super scale says that a super-block holds Inf or NaN: choose a super scale type with NaN
#include <fewbits/fewbits.hpp>

#ifdef CONTROL
using scale = fewbits::fp16;
#else
using scale = fewbits::uint8;
#endif

struct mine : fewbits::block_format<fewbits::int4, fewbits::uint6, 32, fewbits::nested_scale_t,
                                    fewbits::in_super_blocks<8, scale>> {};
static_assert(mine::size == 32);
