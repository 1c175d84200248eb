// fp8 under real scales, one a tensor, a row, a piece of a row, a square.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

void report::add_fp8(entries& into) {
  using fb::amax_scale_t, fb::exact_mse_t, fb::rceil_scale_t;
  add<fb::fp8_tensor<>, amax_scale_t, exact_mse_t>(into, "e4m3_tensor", "e4m3 under one float32");
  add<fb::fp8_rows<>, amax_scale_t, exact_mse_t>(into, "e4m3_rows", "a row of e4m3 under a float32");
  add<fb::fp8_groups<>, amax_scale_t, exact_mse_t>(into, "e4m3_groups", "128 e4m3 under a float32");
  add<fb::fp8_squares<>, amax_scale_t, exact_mse_t>(into, "e4m3_squares", "128 x 128 e4m3 under a float32");
  add<fb::fp8_squares<fb::e4m3, fb::ue8m0>, rceil_scale_t>(into, "e4m3_squares_ue8m0",
                                                           "128 x 128 e4m3 under a power of two");
  add<fb::fp8_tensor<fb::e5m2>, amax_scale_t, exact_mse_t>(into, "e5m2_tensor", "e5m2 under one float32");
  add<fb::fp8_rows<fb::e5m2>, amax_scale_t>(into, "e5m2_rows", "a row of e5m2 under a float32");
}
