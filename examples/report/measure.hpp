// Step 3: a matrix through the formats.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <fewbits/matrix/report.hpp>

#include "registry.hpp"
#include "source.hpp"

namespace report {

/// One matrix in one format by one policy, or the sum over matrices.
struct row {
  const char* format = "";
  const char* policy = "";
  double stored_bits = 0;
  fewbits::error_statistics error;
  double product_power = 0;  // sum of squares of A W^T
  double product_error = 0;  // sum of squares of A W'^T - A W^T; NaN where no product is taken
  double seconds = 0;        // to quantise

  double bits_per_weight() const;
  double relative_product_error() const;
  void add(const row& other);
};

/// Least error first: the order in which rows are printed. Equal ones keep theirs; rows of nothing but NaN come last.
std::vector<row> best_first(std::vector<row> rows);

inline constexpr std::size_t activation_rows = 8;
inline constexpr unsigned long long activation_seed = 2026;

/// One matrix, entry by entry. Its random product is made once and compared with each entry's.
class measurement {
 public:
  explicit measurement(const matrix& weights, bool with_products = true);

  /// False, and a sentence, where memory does not suffice.
  bool measure(const entry& how, row& into, std::string& problem);

 private:
  std::vector<float> product_with(const float* weights) const;

  const matrix& weights_;
  bool with_products_;
  std::vector<float> activations_;
  std::vector<float> exact_;
  quantised quantised_;
};

}  // namespace report
