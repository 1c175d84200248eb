// Integers of two bits, three values, and signs.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

void report::add_two_bits_and_less(entries& into) {
  using fb::amax_scale_t, fb::amax_half_scale_t, fb::exact_mse_t, fb::mean_scale_t, fb::min_max_scale_t,
      fb::signed_max_scale_t;
  add<fb::int2_groups<32, fb::fp16>, amax_half_scale_t, signed_max_scale_t, exact_mse_t>(into, "int2_g32_fp16",
                                                                                         "32 int2 under an fp16");
  add<fb::uint2_groups<32, fb::fp16>, min_max_scale_t, exact_mse_t>(into, "uint2_g32_fp16",
                                                                    "32 uint2 under an fp16 and a zero point");
  add<fb::ternary_groups<128, fb::fp16>, mean_scale_t, amax_scale_t, exact_mse_t>(into, "ternary_g128_fp16",
                                                                                  "128 of -1, 0, 1 under an fp16");
  add<fb::binary_groups<128, fb::fp16>, mean_scale_t, exact_mse_t>(into, "binary_g128_fp16", "128 signs under an fp16");
}
