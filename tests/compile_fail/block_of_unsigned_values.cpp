// expect: blocks are made of signed values with a zero
#include <fewbits/block.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using value = fb::e4m3;
#else
using value = fb::ue4m3;
#endif

auto encode(std::span<const value> values) { return fb::encode_block<fb::mxfp4>(values); }
