// Step 4: the answer, for people or for programs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <fewbits/interop/printable.hpp>

#include "measure.hpp"
#include "options.hpp"
#include "source.hpp"

namespace inspect {

/// All layers of one scheme.
struct scheme_summary {
  std::string scheme;
  std::size_t layers = 0;
  std::uint64_t weights = 0;
  std::uint64_t bytes = 0;
  bool counted = true;  // the weights of every layer are known
  measured total;
};

/// Whether a scheme divides by its tensor scales.
inline bool has_divisors(std::string_view scheme) { return scheme == "ct_nvfp4"; }

/// As messages show it: a file cannot command the terminal, in UTF-8 neither.
inline std::string printable(std::string text) {
  fewbits::make_printable(text);
  return text;
}

/// By scheme, most bytes first.
std::vector<scheme_summary> summarise(const source& from, const std::vector<measured>& of_layers);

void print_text(const source& from, const std::vector<measured>& of_layers, const options& wanted);
void print_json(const source& from, const std::vector<measured>& of_layers, const options& wanted);

/// Stored bits a weight; negative where the weights are not known.
double bits_a_weight(std::uint64_t bytes, std::uint64_t weights);

}  // namespace inspect
