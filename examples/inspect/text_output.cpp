#include <cinttypes>
#include <cstdio>

#include "output.hpp"

namespace inspect {
namespace {

std::string shape_of(const tensor& what) {
  std::string text = "[";
  for (std::size_t i = 0; i < what.shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(what.shape[i]);
  return text + "]";
}

std::string bits_text(std::uint64_t bytes, std::uint64_t weights) {
  const double bits = bits_a_weight(bytes, weights);
  if (bits < 0)
    return "?";
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", bits);
  return text;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void print_binades(const number_statistics& numbers) {
  std::uint64_t most = 1;
  for (const auto& [binade, count] : numbers.binades)
    most = count > most ? count : most;
  constexpr std::uint64_t width = 40;
  for (const auto& [binade, count] : numbers.binades) {
    // At least one mark: a lone outlier matters. Division first: counts may be large.
    const std::uint64_t marks =
        1 + static_cast<std::uint64_t>(static_cast<double>(width - 1) *
                                       (static_cast<double>(count) / static_cast<double>(most)));
    std::printf("    2^%-5d %12" PRIu64 "  %s\n", binade, count, std::string(marks, '#').c_str());
  }
}

void print_numbers(const char* what, const number_statistics& numbers) {
  std::printf("  %s: %" PRIu64 ", largest magnitude %.6g; zero %" PRIu64 ", negative %" PRIu64 ", NaN %" PRIu64
              ", Inf %" PRIu64 "\n",
              what, numbers.count, static_cast<double>(numbers.largest), numbers.zeros, numbers.negatives, numbers.nans,
              numbers.infinities);
}

void print_codes(const code_statistics& codes) {
  std::printf("  codes: %" PRIu64 "; saturated %" PRIu64 " (%.3f %%), ", codes.count, codes.saturated,
              share(codes.saturated, codes.count));
  if (codes.zeros_known)
    std::printf("zero %" PRIu64 " (%.3f %%), -0 %" PRIu64, codes.zeros, share(codes.zeros, codes.count),
                codes.negative_zeros);
  else
    std::printf("zeros not known");
  std::printf(", NaN %" PRIu64 "\n", codes.nans);
}

// One line for each layer that somebody should look at.
void print_findings(const source& from, const std::vector<measured>& of_layers) {
  std::size_t shown = 0;
  constexpr std::size_t most = 50;
  const auto print = [&](const layer& what, const std::string& finding) {
    if (++shown <= most)
      std::printf("%s%s: %s\n", shown == 1 ? "\nFindings\n  " : "  ", printable(what.name).c_str(), finding.c_str());
  };
  const auto look = [&](const layer& what, const char* kind, const std::optional<number_statistics>& numbers,
                        bool zeros_matter) {
    if (!numbers)
      return;
    if (numbers->nans != 0)
      print(what, std::to_string(numbers->nans) + " of " + std::to_string(numbers->count) + " " + kind + " are NaN");
    if (numbers->infinities != 0)
      print(what, std::to_string(numbers->infinities) + " of " + std::to_string(numbers->count) + " " + kind +
                      " are infinite");
    if (zeros_matter && numbers->zeros != 0)
      print(what, std::to_string(numbers->zeros) + " of " + std::to_string(numbers->count) + " " + kind + " are zero");
  };
  for (std::size_t i = 0; i < from.layers.size(); ++i) {
    const layer& what = from.layers[i];
    if (!what.disagreement.empty())
      print(what, what.disagreement);
    if (what.scheme == "unknown")
      print(what, "quantised, but no scheme known here fits its tensors");
    if (i >= of_layers.size())
      continue;
    const measured& seen = of_layers[i];
    look(what, "numbers", seen.numbers, false);
    look(what, "scales", seen.scales, true);
    look(what, "tensor scales", seen.tensor_scales, true);
    if (seen.codes && seen.codes->nans != 0)
      print(what, std::to_string(seen.codes->nans) + " of " + std::to_string(seen.codes->count) + " codes are NaN");
    if (seen.codes && seen.codes->zeros_known && seen.codes->count != 0 && seen.codes->zeros == seen.codes->count)
      print(what, "all of its " + std::to_string(seen.codes->count) + " codes are zero");
    if (seen.numbers && seen.numbers->count != 0 && seen.numbers->zeros == seen.numbers->count)
      print(what, "all of its " + std::to_string(seen.numbers->count) + " numbers are zero");
  }
  if (shown > most)
    std::printf("  and %zu more\n", shown - most);
}

void print_layers(const source& from, const std::vector<measured>& of_layers) {
  std::printf("\nLayers\n");
  for (std::size_t i = 0; i < from.layers.size(); ++i) {
    const layer& each = from.layers[i];
    std::printf("  %s  %s  %s bits/w", printable(each.name).c_str(), each.scheme.c_str(),
                bits_text(each.bytes, each.weights).c_str());
    if (each.details.group_size != 0)
      std::printf("  group %" PRIu64, each.details.group_size);
    if (each.details.block_rows != 0)
      std::printf("  block %" PRIu64 " x %" PRIu64, each.details.block_rows, each.details.block_columns);
    for (const tensor& part : each.tensors)
      std::printf("  %s %s%s", part.part.empty() ? "-" : printable(part.part).c_str(), part.type.c_str(),
                  shape_of(part).c_str());
    if (i < of_layers.size() && of_layers[i].scales && !of_layers[i].scales->binades.empty())
      std::printf("  scales 2^%d..2^%d", of_layers[i].scales->binades.begin()->first,
                  of_layers[i].scales->binades.rbegin()->first);
    if (i < of_layers.size() && of_layers[i].codes)
      std::printf("  saturated %.3f %%", share(of_layers[i].codes->saturated, of_layers[i].codes->count));
    std::printf("\n");
  }
}

}  // namespace

void print_text(const source& from, const std::vector<measured>& of_layers, const options& wanted) {
  std::printf("%s: %zu file%s, %zu tensors, %" PRIu64 " bytes\n", from.container.c_str(), from.files,
              from.files == 1 ? "" : "s", from.tensors, from.bytes);
  if (!from.method.empty())
    std::printf("%s: %s%s%s\n", from.container == "GGUF" ? "architecture" : "configuration",
                printable(from.method).c_str(), from.format.empty() ? "" : ", ", printable(from.format).c_str());
  if (!from.ignored.empty()) {
    std::printf("not quantised:");
    for (const std::string& pattern : from.ignored)
      std::printf(" %s", printable(pattern).c_str());
    std::printf("\n");
  }
  for (const std::string& note : from.notes)
    std::printf("note: %s\n", printable(note).c_str());

  const auto schemes = summarise(from, of_layers);
  std::printf("\n%-16s %8s %16s %16s %9s\n", "scheme", "layers", "weights", "bytes", "bits/w");
  for (const auto& each : schemes)
    std::printf("%-16s %8zu %16" PRIu64 " %16" PRIu64 " %9s\n", each.scheme.c_str(), each.layers, each.weights,
                each.bytes, each.counted ? bits_text(each.bytes, each.weights).c_str() : "?");
  for (const auto& each : schemes) {
    const measured& total = each.total;
    if (!total.numbers && !total.scales && !total.codes)
      continue;
    std::printf("\n%s\n", each.scheme.c_str());
    if (total.numbers)
      print_numbers("numbers", *total.numbers);
    if (total.codes)
      print_codes(*total.codes);
    if (total.tensor_scales)
      print_numbers(has_divisors(each.scheme) ? "tensor scales (divisors)" : "tensor scales", *total.tensor_scales);
    if (total.scales) {
      print_numbers("scales", *total.scales);
      print_binades(*total.scales);
    }
  }
  print_findings(from, of_layers);
  if (wanted.layers)
    print_layers(from, of_layers);
}

}  // namespace inspect
