// Step 3: a matrix through every format.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <fewbits/matrix/report.hpp>

#include "source.hpp"

namespace report {

/// One matrix in one format, or the sum over matrices.
struct row {
  const char* format = "";
  double stored_bits = 0;
  fewbits::error_statistics error;
  double product_power = 0;  // sum of squares of A W^T
  double product_error = 0;  // sum of squares of A W'^T - A W^T
  double seconds = 0;        // to quantise

  double bits_per_weight() const;
  double relative_product_error() const;
  void add(const row& other);
};

inline constexpr std::size_t activation_rows = 8;
inline constexpr unsigned long long activation_seed = 2026;

/// Every format, best first by bits. Nothing, and a sentence, where memory does not suffice.
bool measure(const matrix& weights, std::vector<row>& rows, std::string& problem);

}  // namespace report
