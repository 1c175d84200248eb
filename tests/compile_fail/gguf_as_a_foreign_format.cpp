// expect: no GGUF type holds what this format holds
#include <fewbits/interop/gguf_blocks.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using format = fb::int4_groups<32, fb::fp16>;  // Q4_0
#else
using format = fb::int4_groups<128, fb::fp16>;  // no type has groups of 128
#endif

auto read(const fb::gguf_tensor& tensor) { return fb::read_gguf<format>(tensor); }
