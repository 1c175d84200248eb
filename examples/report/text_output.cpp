#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include <fewbits/interop/printable.hpp>

#include "output.hpp"

namespace report {
namespace {

template <class... Values>
std::string formatted(const char* pattern, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string duration(double seconds) {
  return seconds < 1 ? formatted("%.1f ms", seconds * 1e3) : formatted("%.2f s", seconds);
}

/// Widths of the two columns of names.
struct name_widths {
  int format = 6;
  int policy = 6;
};

name_widths widths_of(const std::vector<row>& rows) {
  name_widths widths;
  for (const row& each : rows) {
    widths.format = (std::max)(widths.format, static_cast<int>(std::strlen(each.format)));
    widths.policy = (std::max)(widths.policy, static_cast<int>(std::strlen(each.policy)));
  }
  return widths;
}

void print_table(const std::vector<row>& in_any_order) {
  const std::vector<row> rows = best_first(in_any_order);
  const name_widths widths = widths_of(rows);
  constexpr const char* line = "  %-*s %-*s %7s %9s %14s %10s %12s %14s %10s\n";
  std::printf(line, widths.format, "format", widths.policy, "policy", "bits/w", "SQNR dB", "largest error", "saturated",
              "underflowed", "product error", "time");
  std::uint64_t poisoned = 0;
  for (const row& each : rows) {
    const double decibels = each.error.sqnr_db();
    const std::string quality = each.error.elements == each.error.poisoned ? "none"
                                : std::isfinite(decibels)                  ? formatted("%.2f", decibels)
                                                                           : "exact";
    const double product_error = each.relative_product_error();
    const std::string product = std::isfinite(product_error) ? formatted("%.4f %%", 100 * product_error) : "not finite";
    std::printf(line, widths.format, each.format, widths.policy, each.policy,
                formatted("%.3f", each.bits_per_weight()).c_str(), quality.c_str(),
                formatted("%.4g", each.error.largest_error).c_str(), grouped(each.error.saturated).c_str(),
                grouped(each.error.underflowed).c_str(), product.c_str(), duration(each.seconds).c_str());
    poisoned = (std::max)(poisoned, each.error.poisoned);
  }
  if (poisoned != 0)
    std::printf(
        "  Inf or NaN: up to %s weights are not finite or share a block with one, and count in no error above\n",
        grouped(poisoned).c_str());
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits;
  for (int place = 0; number != 0 || place == 0; ++place, number /= 10) {
    if (place != 0 && place % 3 == 0)
      digits += ',';
    digits += static_cast<char>('0' + number % 10);
  }
  return {digits.rbegin(), digits.rend()};
}

std::string printable(const std::string& name) {
  std::string clean = name;
  fewbits::make_printable(clean);
  return clean;
}

void text_output::begin(const source& from) {
  std::printf("fewbits report on %s\n", printable(from.title()).c_str());
  std::printf("%s %s, %s weights", grouped(from.size()).c_str(), from.size() == 1 ? "matrix" : "matrices",
              grouped(from.weights()).c_str());
  if (from.left_out() != 0)
    std::printf(" (%s other %s left out)", grouped(from.left_out()).c_str(),
                from.left_out() == 1 ? "tensor" : "tensors");
  std::printf("; products with %zu rows of N(0,1) activations\n", activation_rows);
}

void text_output::add(const matrix& weights, const std::vector<row>& rows) {
  std::printf("\n%s  %zu x %zu\n", printable(weights.name).c_str(), weights.rows, weights.columns);
  print_table(rows);
  std::fflush(stdout);
  ++matrices_;
}

void text_output::end(const std::vector<row>& total, const selected& measured) {
  if (matrices_ > 1) {
    std::printf("\nall %s matrices\n", grouped(matrices_).c_str());
    print_table(total);
  }
  if (measured.left_out_as_slow != 0)
    std::printf("\nslow rows left out: %zu (--slow takes them in)\n", measured.left_out_as_slow);
}

}  // namespace report
