// expect: (could not convert|no viable conversion|no known conversion|cannot convert)
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using scale = fb::fp16;
#else
using scale = fb::bf16;  // of the same length
#endif

auto read(std::span<const std::byte> bytes) {
  const fb::awq_tensors<> tensors{fb::awq_words<>{bytes}, fb::awq_words<>{bytes}, fb::stored_numbers<scale>{bytes}};
  return fb::read_awq<fb::uint4_groups<128, fb::fp16>>(8, 128, tensors);
}
