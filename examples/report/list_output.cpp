#include <algorithm>
#include <cstdio>
#include <cstring>

#include "output.hpp"

namespace report {

void print_list() {
  std::size_t format = 0;
  std::size_t policy = 0;
  for (const entry& each : all_entries()) {
    format = (std::max)(format, std::strlen(each.format));
    policy = (std::max)(policy, std::strlen(each.policy));
  }
  const auto line = [&](const char* name, const char* rule, const char* bits, const std::string& what) {
    std::printf("%-*s  %-*s  %7s  %s\n", static_cast<int>(format), name, static_cast<int>(policy), rule, bits,
                what.c_str());
  };
  line("format", "policy", "bits/w", "what it is; bits are those of a matrix of 4096 x 4096");
  for (const entry& each : all_entries()) {
    char bits[32];
    std::snprintf(bits, sizeof bits, "%.3f", each.stored_bits(4096, 4096) / (4096.0 * 4096.0));
    line(each.format, each.policy, bits,
         std::string(each.what_format) + "; " + each.what_policy + (each.slow ? "; slow" : ""));
  }
}

}  // namespace report
