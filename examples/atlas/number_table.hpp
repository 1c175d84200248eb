// What the pictures of single numbers are drawn from: every code of a type, and its conversion, asked of the library.
#pragma once

#include <string>
#include <vector>

namespace atlas {

enum class code_kind { zero, subnormal, normal, infinite, nan };

struct code_of_number {
  unsigned bits;
  code_kind kind;
  bool negative;
  bool written;  // does any conversion give this code?
  double value;  // exact; of NaN and Inf without meaning
};

enum class rounding_mode { nearest_even, nearest_away, toward_zero, upward, downward, to_odd, stochastic, geometric };

/// A type of numbers in few bits.
struct number_table {
  std::string name;
  std::string what;  // its fields and limits, in words
  int bits;
  bool has_negative_values;
  bool only_powers_of_two;
  std::vector<code_of_number> codes;  // by code
  /// The code for a value. `draw`: 8 random bits for stochastic rounding.
  unsigned (*encode)(double value, rounding_mode how, bool saturating, unsigned draw);

  const code_of_number& at(double value, rounding_mode how, bool saturating = true, unsigned draw = 0) const {
    return codes[encode(value, how, saturating, draw)];
  }
};

/// The types of up to 8 bits.
const std::vector<number_table>& all_numbers();

/// "2^-9" for powers of two that are long otherwise, else a short decimal.
std::string short_text(double value);
/// Every digit.
std::string exact_text(double value);

}  // namespace atlas
