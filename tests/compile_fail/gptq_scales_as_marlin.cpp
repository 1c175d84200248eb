// expect: (could not convert|no viable conversion|no known conversion|cannot convert)
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/marlin.hpp>

namespace fb = fewbits;
#ifdef CONTROL
using scales = fb::marlin_scales<fb::fp16>;
#else
using scales = fb::stored_numbers<fb::fp16>;  // in the order of the columns
#endif

auto read(std::span<const std::byte> bytes) {
  const fb::marlin_tensors<> tensors{fb::marlin_words<>{bytes}, scales{bytes}};
  return fb::read_marlin<fb::int4_groups<128, fb::fp16>>(64, 128, tensors);
}
