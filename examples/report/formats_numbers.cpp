// Numbers without a scale.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

void report::add_numbers(entries& into) {
  add_number<fb::fp16>(into, "fp16", "IEEE half precision");
  add_number<fb::bf16>(into, "bf16", "bfloat16");
  add_number<fb::e4m3>(into, "e4m3", "OCP fp8");
  add_number<fb::e5m2>(into, "e5m2", "OCP fp8");
}
