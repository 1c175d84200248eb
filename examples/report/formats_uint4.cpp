// Asymmetric 4-bit integers in groups.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

namespace report {
namespace {

template <fb::blocked Format>
void add_asymmetric(entries& into, const char* format, const char* what) {
  add<Format, fb::min_max_scale_t, fb::exact_mse_t>(into, format, what);
}

}  // namespace

void add_uint4(entries& into) {
  add_asymmetric<fb::uint4_groups<32>>(into, "uint4_g32", "32 uint4 under a float32 and a zero point");
  add_asymmetric<fb::uint4_groups<32, fb::fp16>>(into, "uint4_g32_fp16", "32 uint4 under an fp16 and a zero point");
  add_asymmetric<fb::uint4_groups<64, fb::fp16>>(into, "uint4_g64_fp16", "64 uint4 under an fp16 and a zero point");
  add_asymmetric<fb::uint4_groups<128>>(into, "uint4_g128", "128 uint4 under a float32 and a zero point");
  add_asymmetric<fb::uint4_groups<128, fb::fp16>>(into, "uint4_g128_fp16", "128 uint4 under an fp16 and a zero point");
  add_asymmetric<fb::uint4_groups<fb::whole>>(into, "uint4_rows", "a row of uint4 under a float32 and a zero point");
  add_asymmetric<fb::uint4_minimum_groups<32, fb::fp16>>(into, "uint4_minimum_g32_fp16",
                                                         "32 uint4 under an fp16, plus an fp16 minimum");
}

}  // namespace report
