#include <algorithm>
#include <cmath>
#include <cstdio>

#include "output.hpp"

namespace report {

void markdown_output::begin(const source&) {}

void markdown_output::add(const matrix& weights, const std::vector<row>& rows) {
  names_.push_back(printable(weights.name));
  columns_.push_back(rows);
}

void markdown_output::end(const std::vector<row>& total, const selected& measured) {
  std::printf("| format | policy | bits/w |");
  for (const std::string& name : names_)
    std::printf(" %s |", name.c_str());
  std::printf("\n|---|---|---:|");
  for (std::size_t i = 0; i < names_.size(); ++i)
    std::printf("---:|");
  std::printf("\n");

  // By bits, and best first on the first distribution among equals.
  std::vector<std::size_t> order(total.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  const auto bits = [&](std::size_t i) { return std::round(1000 * total[i].bits_per_weight()); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return bits(a) != bits(b) ? bits(a) > bits(b) : columns_[0][a].error.nmse() < columns_[0][b].error.nmse();
  });
  for (const std::size_t i : order) {
    std::printf("| %s | %s | %.3f |", total[i].format, total[i].policy, total[i].bits_per_weight());
    for (const auto& column : columns_)
      std::printf(" %.4g (%.2f) |", 1000 * column[i].error.nmse(), column[i].error.sqnr_db());
    std::printf("\n");
  }
  if (measured.left_out_as_slow != 0)
    std::fprintf(stderr, "slow rows left out: %zu (--slow takes them in)\n", measured.left_out_as_slow);
}

}  // namespace report
