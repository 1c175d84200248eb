// Scales that are quantised themselves.
#include "entry.hpp"
#include "formats.hpp"

namespace fb = fewbits;

void report::add_nested(entries& into) {
  using fb::exact_mse_t, fb::nested_scale_t, fb::nested_search_t;
  add<fb::nested_uint4, nested_scale_t, nested_search_t, exact_mse_t>(
      into, "nested_uint4", "8 x 32 uint4, 6-bit scales and minimums under two fp16");
  add<fb::nested_uint2, nested_scale_t, nested_search_t, exact_mse_t>(
      into, "nested_uint2", "16 x 16 uint2, 4-bit scales and minimums under two fp16");
  add<fb::nf4_double, nested_scale_t, exact_mse_t>(into, "nf4_double", "256 x 64 nf4, 8-bit scales under a float32");
}
