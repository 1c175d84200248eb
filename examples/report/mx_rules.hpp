// Formats whose scales are powers of two have these rules.
#pragma once

#include "entry.hpp"

namespace report {

template <fewbits::blocked Format>
void add_power_of_two(entries& into, const char* format, const char* what) {
  add<Format, fewbits::floor_scale_t, fewbits::ceil_scale_t, fewbits::rceil_scale_t, fewbits::even_scale_t,
      fewbits::search_scale_t<>, fewbits::exact_mse_t>(into, format, what);
}

}  // namespace report
