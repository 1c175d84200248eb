// Step 3: what the stored numbers look like. Tensors are read in pieces of a fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "source.hpp"

namespace inspect {

/// Numbers as float32: scales, or weights that are not quantised.
struct number_statistics {
  std::uint64_t count = 0;
  std::uint64_t nans = 0;
  std::uint64_t infinities = 0;
  std::uint64_t zeros = 0;
  std::uint64_t negatives = 0;
  float largest = 0;                     // magnitude of the finite ones
  std::map<int, std::uint64_t> binades;  // floor(log2 |x|) of those that are finite and not 0

  void add(float number, std::uint64_t times = 1);
  void add(const number_statistics& other);
};

/// Codes of few bits.
struct code_statistics {
  std::uint64_t count = 0;
  std::uint64_t saturated = 0;
  std::uint64_t zeros = 0;
  bool zeros_known = true;           // false where zero points move the code that is zero
  std::uint64_t negative_zeros = 0;  // among the zeros
  std::uint64_t nans = 0;

  void add(const code_statistics& other);
};

struct measured {
  std::optional<number_statistics> numbers;  // of a layer that is not quantised
  std::optional<number_statistics> scales;
  std::optional<number_statistics> tensor_scales;  // the second level
  std::optional<code_statistics> codes;

  void add(const measured& other);
};

/// What cannot be counted (codes of 3 bits, schemes that are not known) is left empty. False where a file cannot be
/// read.
bool measure(const source& from, const layer& what, measured& into, std::string& problem);

}  // namespace inspect
