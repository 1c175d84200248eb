// The instruction sets of this machine, one after the other: what a suite says of lanes it says of each.
#pragma once

#include <cstdio>

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

}  // namespace fewbits_test
