// How fast products with the formats' weights are on this machine, against what its memory and its arithmetic allow.
#pragma once

#include <string>
#include <vector>

#include "registry.hpp"

namespace report {

/// Products [rows, 4096] x [4096, 4096] transposed, float32 activations, one thread.
struct speed_row {
  const char* format;
  double bits = 0;            // a weight, as packed
  double bytes_a_second = 0;  // of weights, 1 row, from memory
  double flops = 0;           // of 128 rows
  double integer_ops = 0;     // of 128 rows, activations as int8 with a scale a row; 0 where they are not integers
};

struct speed_test {
  const char* format;
  /// False, and a sentence, where memory does not suffice.
  bool (*run)(speed_row& into, std::string& problem);
};
const std::vector<speed_test>& speed_tests();

/// Prints the table for the formats that fit a list of names or globs, all where it is empty.
bool print_speed(const std::vector<std::string>& formats, std::string& problem);

}  // namespace report
