// The formats and policies a report can measure: one entry for each pair. The lists are in formats_*.cpp, where a
// format is one line; policies.hpp names the policies, one line each.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <fewbits/matrix/report.hpp>

#include "source.hpp"

namespace report {

/// What one quantisation gave, but for the product. `restored` holds the dequantised weights, row after row.
struct quantised {
  fewbits::error_statistics error;
  double seconds = 0;
  std::vector<float> restored;
};

struct entry {
  const char* format;
  const char* policy;
  const char* what_format;  // a phrase
  const char* what_policy;  // a phrase
  bool slow;                // seconds for a million weights, not a fraction of one
  double (*stored_bits)(std::size_t rows, std::size_t columns);
  /// False, and a sentence, where memory does not suffice.
  bool (*quantise)(const matrix& weights, quantised& into, std::string& problem);

  std::string name() const { return std::string(format) + " " + policy; }
};
using entries = std::vector<entry>;

/// Every format with each of its policies, in the order of the lists.
const entries& all_entries();

/// What a user asks for: names or globs (* and ?), and the most bits a weight may take as they are printed, 0 for any.
struct selection {
  std::vector<std::string> formats;
  std::vector<std::string> policies;
  double budget = 0;
  bool slow = false;
  bool everything = false;  // of all formats where none is named, not of the usual ones
};

struct selected {
  entries rows;
  std::size_t left_out_as_slow = 0;
};

/// The entries of a selection for the matrices of a source. Without names and budget: some twenty usual ones.
/// False, and a sentence, where a name fits nothing or nothing is left.
bool select(const selection& wanted, const source& from, selected& into, std::string& problem);

/// Does a name fit a pattern? `*` stands for any characters, `?` for one.
bool fits(const char* pattern, const char* name);

}  // namespace report
