// expect: min_max_scale is for asymmetric formats: add with_zero_point or with_minimum
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
struct mine : fb::block_format<fb::uint4, float, 32, fb::min_max_scale_t, fb::with_zero_point<fb::uint4>> {};
#else
struct mine : fb::block_format<fb::uint4, float, 32, fb::min_max_scale_t> {};
#endif

auto encode(std::span<const float> values) { return fb::encode_block<mine>(values); }
