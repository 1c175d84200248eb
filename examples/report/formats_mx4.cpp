// OCP MX formats of 4 bits.
#include "formats.hpp"
#include "mx_rules.hpp"

namespace fb = fewbits;

void report::add_mx4(entries& into) { add_power_of_two<fb::mxfp4>(into, "mxfp4", "32 e2m1 under a power of two"); }
