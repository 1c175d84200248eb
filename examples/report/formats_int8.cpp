// int8 under real scales.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

namespace report {
namespace {

template <fb::blocked Format>
void add_int8_of(entries& into, const char* format, const char* what) {
  add<Format, fb::amax_scale_t, fb::signed_max_scale_t, fb::exact_mse_t>(into, format, what);
}

}  // namespace

void add_int8(entries& into) {
  add_int8_of<fb::int8_tensor<>>(into, "int8_tensor", "int8 under one float32");
  add<fb::int8_tensor<>, fb::percentile_scale, fb::mse_grid_scale, fb::entropy_scale>(into, "int8_tensor",
                                                                                      "int8 under one float32");
  add_int8_of<fb::int8_rows<>>(into, "int8_rows", "a row of int8 under a float32");
  add_int8_of<fb::int8_groups<128>>(into, "int8_g128", "128 int8 under a float32");
  add_int8_of<fb::int8_groups<32, fb::fp16>>(into, "int8_g32_fp16", "32 int8 under an fp16");
}

}  // namespace report
