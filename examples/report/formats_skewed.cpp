// Formats made for quality.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

void report::add_skewed(entries& into) {
  add<fb::skew4_groups<16>, fb::static_two_level_t, fb::exact_mse_t>(into, "skew4_g16",
                                                                     "16 skew4 under a signed e4m3, one float32");
  add<fb::skew4_groups<32>, fb::static_two_level_t, fb::exact_mse_t>(into, "skew4_g32",
                                                                     "32 skew4 under a signed e4m3, one float32");
  add<fb::skew2_groups, fb::exact_shapes_t>(into, "skew2",
                                            "2 x 16 of eight signed tables of 4, under an e4m3, one float32");
}
