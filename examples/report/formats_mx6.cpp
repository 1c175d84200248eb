// OCP MX formats of 6 bits.
#include "formats.hpp"
#include "mx_rules.hpp"

namespace fb = fewbits;

void report::add_mx6(entries& into) {
  add_power_of_two<fb::mxfp6_e2m3>(into, "mxfp6_e2m3", "32 e2m3 under a power of two");
  add_power_of_two<fb::mxfp6_e3m2>(into, "mxfp6_e3m2", "32 e3m2 under a power of two");
}
