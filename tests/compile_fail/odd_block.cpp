// expect: a block's codes must fill whole bytes
#include <fewbits/fewbits.hpp>

#ifdef CONTROL
constexpr std::size_t size = 6;
#else
constexpr std::size_t size = 7;
#endif

struct mine : fewbits::block_format<fewbits::e2m1, fewbits::ue8m0, size, fewbits::floor_scale_t> {};
static_assert(mine::size == size);
