// All float32 magnitudes through a monotone function: exact arithmetic finds where its result changes, and between two
// such thresholds it must be one constant.
#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>

#include "support/planted.hpp"

namespace fewbits_test {

inline constexpr std::uint32_t past_finite = 0x7f800000u;

/// From `first` bits on the result is `code`.
struct step {
  std::uint32_t first;
  unsigned code;
};

/// Where `code_of`, monotone, changes between the magnitudes 1 and FLT_MAX.
template <class CodeOf>
std::vector<step> thresholds(const CodeOf& code_of) {
  std::vector<step> steps{{1, code_of(1)}};
  const unsigned last = code_of(past_finite - 1);
  while (steps.back().code != last) {
    std::uint32_t low = steps.back().first;
    std::uint32_t high = past_finite - 1;
    while (high - low > 1) {
      const std::uint32_t middle = low + (high - low) / 2;
      (code_of(middle) == steps.back().code ? low : high) = middle;
    }
    steps.push_back({high, code_of(high)});
  }
  if (planted())
    steps.back().code ^= 1;
  return steps;
}

template <class CodeOf>
void sweep(const std::vector<step>& steps, const CodeOf& code_of, const char* what) {
  std::uint64_t mismatches = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::uint32_t end = i + 1 < steps.size() ? steps[i + 1].first : past_finite;
    for (std::uint32_t bits = steps[i].first; bits < end; ++bits)
      if (const unsigned got = code_of(bits); got != steps[i].code && ++mismatches < 5)
        ADD_FAILURE() << what << ": bits " << std::hex << bits << ", expected " << steps[i].code << ", got " << got;
  }
  EXPECT_EQ(mismatches, 0u) << what;
  std::printf("%s: %u magnitudes, %zu steps, %llu mismatches\n", what, past_finite - 1, steps.size(),
              static_cast<unsigned long long>(mismatches));
}

}  // namespace fewbits_test
