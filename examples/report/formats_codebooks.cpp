// Codebooks of 16 entries in groups.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

void report::add_codebooks(entries& into) {
  add<fb::nf4_groups<>, fb::amax_scale_t, fb::exact_mse_t>(into, "nf4_g64", "64 nf4 under a float32");
  add<fb::nf4_groups<64, fb::fp16>, fb::amax_scale_t, fb::exact_mse_t>(into, "nf4_g64_fp16", "64 nf4 under an fp16");
  add<fb::nf4_groups<32, fb::fp16>, fb::amax_scale_t, fb::exact_mse_t>(into, "nf4_g32_fp16", "32 nf4 under an fp16");
}
