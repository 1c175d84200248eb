// expect: (could not convert|no viable conversion|no known conversion|cannot convert)
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>
#include <fewbits/interop/layouts/gptq.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using words = fb::awq_words<>;
#else
using words = fb::gptq_words<4>;
#endif

auto read(std::span<const std::byte> bytes) {
  const fb::awq_tensors<> tensors{words{bytes}, fb::awq_words<>{bytes}, fb::stored_numbers<fb::fp16>{bytes}};
  return fb::read_awq<fb::uint4_groups<128, fb::fp16>>(8, 128, tensors);
}
