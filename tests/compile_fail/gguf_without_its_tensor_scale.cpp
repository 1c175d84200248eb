// expect: no matching function
#include <fewbits/interop/gguf_blocks.hpp>

namespace fb = fewbits;

auto read(const fb::gguf_tensor& tensor) {
#ifdef CONTROL
  return fb::read_gguf<fb::nvfp4>(tensor, 0.5f);
#else
  return fb::read_gguf<fb::nvfp4>(tensor);
#endif
}
