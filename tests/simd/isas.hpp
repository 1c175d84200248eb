// The instruction sets of this machine, one after the other: what a suite says of lanes it says of each.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <fewbits/simd/isa.hpp>

namespace fewbits_test {

inline void say_skipped(fewbits::isa which) {
  static bool said[8] = {};
  if (!said[static_cast<int>(which)])
    std::printf("skipped: %s is not available here\n", fewbits::name_of(which).data());
  said[static_cast<int>(which)] = true;
}

/// Calls f(isa) with each instruction set forced that has kernels of its own, and says which are skipped. amx has
/// avx512's conversions.
template <class F>
void on_every_isa(const F& f) {
  for (const fewbits::isa which : {fewbits::isa::avx2, fewbits::isa::avx512, fewbits::isa::neon}) {
    const fewbits::isa_guard guard(which);
    if (guard.forced())
      f(which);
    else
      say_skipped(which);
  }
}

/// The kernels of integer products: those of an instruction set, with or without dot products that it may lack.
struct integer_kernels {
  fewbits::isa which;
  fewbits::dot_products dots = fewbits::dot_products::where_present;
  std::string name{fewbits::name_of(which)};
};

/// Those of this machine. Says which run, and why others do not.
inline const std::vector<integer_kernels>& integer_kernels_here() {
  static const std::vector<integer_kernels> here = [] {
    std::vector<integer_kernels> available;
    for (const fewbits::isa each : fewbits::every_isa) {
      const bool may_lack_dots = each == fewbits::isa::avx2 || each == fewbits::isa::neon;
      if (!fewbits::is_available(each)) {
        say_skipped(each);
      } else if (!may_lack_dots) {
        available.push_back({.which = each});
      } else {
        const std::string name(fewbits::name_of(each));
        available.push_back({each, fewbits::dot_products::left_aside, name + " without dot products"});
        if (fewbits::has_dot_products(each))
          available.push_back({each, fewbits::dot_products::where_present, name + " with dot products"});
        else
          std::printf("skipped: %s with dot products, which this machine or compiler lacks\n", name.c_str());
      }
    }
    for (const integer_kernels& each : available)
      std::printf("runs: %s\n", each.name.c_str());
    return available;
  }();
  return here;
}

}  // namespace fewbits_test
