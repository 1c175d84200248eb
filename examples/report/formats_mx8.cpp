// OCP MX formats of 8 bits.
#include "formats.hpp"
#include "mx_rules.hpp"

namespace fb = fewbits;

void report::add_mx8(entries& into) {
  add_power_of_two<fb::mxfp8_e4m3>(into, "mxfp8_e4m3", "32 e4m3 under a power of two");
  add_power_of_two<fb::mxfp8_e5m2>(into, "mxfp8_e5m2", "32 e5m2 under a power of two");
  add_power_of_two<fb::mxint8_blocks>(into, "mxint8", "32 mxint8 under a power of two");
}
