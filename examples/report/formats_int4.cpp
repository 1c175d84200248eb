// Symmetric int4 in groups.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

namespace report {
namespace {

template <fb::blocked Format>
void add_symmetric(entries& into, const char* format, const char* what) {
  add<Format, fb::amax_scale_t, fb::amax_half_scale_t, fb::signed_max_scale_t, fb::exact_mse_t>(into, format, what);
}

}  // namespace

void add_int4(entries& into) {
  add_symmetric<fb::int4_groups<32>>(into, "int4_g32", "32 int4 under a float32");
  add_symmetric<fb::int4_groups<32, fb::fp16>>(into, "int4_g32_fp16", "32 int4 under an fp16");
  add_symmetric<fb::int4_groups<64, fb::fp16>>(into, "int4_g64_fp16", "64 int4 under an fp16");
  add_symmetric<fb::int4_groups<128>>(into, "int4_g128", "128 int4 under a float32");
  add_symmetric<fb::int4_groups<128, fb::fp16>>(into, "int4_g128_fp16", "128 int4 under an fp16");
  add_symmetric<fb::int4_groups<128, fb::bf16>>(into, "int4_g128_bf16", "128 int4 under a bf16");
  add_symmetric<fb::int4_groups<fb::whole>>(into, "int4_rows", "a row of int4 under a float32");
}

}  // namespace report
