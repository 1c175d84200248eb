// expect: (could not convert|no viable conversion|no known conversion|cannot convert)
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/gptq.hpp>

namespace fb = fewbits;
#ifdef CONTROL
inline constexpr auto version = fb::gptq_version::v2;
#else
inline constexpr auto version = fb::gptq_version::v1;
#endif

auto read(std::span<const std::byte> bytes) {
  const fb::gptq_tensors<4, fb::gptq_version::v2> tensors{fb::gptq_words<4>{bytes}, fb::gptq_zeros<4, version>{bytes},
                                                          fb::stored_numbers<fb::fp16>{bytes}, {}};
  return fb::read_gptq<fb::uint4_groups<128, fb::fp16>>(8, 128, tensors);
}
