#include <algorithm>
#include <cstdio>
#include <limits>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

#include <fewbits/matrix/report.hpp>

#include "write.hpp"

namespace convert {
namespace {

constexpr double megabyte = 1e6;
constexpr double ratio_from = 10 * megabyte;  // of smaller tensors the program's own memory hides the share

/// "812 B", "4.1 kB", "12.3 MB".
std::string amount(std::uint64_t bytes) {
  char text[40];
  if (bytes < 1000)
    std::snprintf(text, sizeof text, "%u B", static_cast<unsigned>(bytes));
  else if (static_cast<double>(bytes) < megabyte)
    std::snprintf(text, sizeof text, "%.1f kB", static_cast<double>(bytes) / 1e3);
  else
    std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / megabyte);
  return text;
}

double bits_a_weight(std::uint64_t bytes, std::uint64_t weights) {
  return weights == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(weights);
}

/// Bytes of memory that the process has had at most; 0 where the system does not say.
double peak_memory() {
#if __has_include(<sys/resource.h>)
  struct rusage used = {};
  if (::getrusage(RUSAGE_SELF, &used) == 0)
    return 1024.0 * static_cast<double>(used.ru_maxrss);
#endif
  return 0;
}

/// As the library has them: NaN where every element is poisoned.
fewbits::error_statistics statistics_of(const loss& cost) {
  fewbits::error_statistics made;
  made.elements = cost.elements;
  made.poisoned = cost.poisoned;
  made.power = cost.power;
  made.squared_error = cost.squared_error;
  return made;
}
/// A NaN without the sign that printf would show.
double shown(double number) { return number != number ? std::numeric_limits<double>::quiet_NaN() : number; }

void print_cost(const loss& cost, std::uint64_t bytes) {
  std::printf("%7.3f %8.2f %10.3e %11.4g %11llu %9llu", bits_a_weight(bytes, cost.elements),
              shown(statistics_of(cost).sqnr_db()), statistics_of(cost).nmse(), cost.largest_error,
              static_cast<unsigned long long>(cost.underflowed), static_cast<unsigned long long>(cost.poisoned));
}

}  // namespace

void summary::note(const std::string& sentence) const {
  std::fflush(stdout);
  std::fprintf(stderr, "fewbits_convert: %s\n", printable(sentence).c_str());
}

void summary::converted(const planned& each, const loss& cost, std::uint64_t bytes, std::uint64_t not_finite) {
  if (not_finite != 0 || cost.poisoned != 0)
    note("tensor '" + std::string(each.source.entry.name) + "': " + std::to_string(not_finite) + " of its " +
         std::to_string(cost.elements) + " weights are Inf or NaN; SQNR leaves out " + std::to_string(cost.poisoned) +
         ", those and what their blocks lose");
  if (!quiet_) {
    if (!began_)
      std::printf("%7s %8s %10s %11s %11s %9s\n", "bits/w", "SQNR dB", "NMSE", "largest err", "underflowed",
                  "poisoned");
    print_cost(cost, bytes);
    std::printf("  %s [%zu, %zu]\n", printable(each.source.entry.name).c_str(), each.of.rows, each.of.columns);
    std::fflush(stdout);
  }
  began_ = true;
  cost_.elements += cost.elements;
  cost_.underflowed += cost.underflowed;
  cost_.poisoned += cost.poisoned;
  cost_.power += cost.power;
  cost_.squared_error += cost.squared_error;
  cost_.largest_error = (std::max)(cost_.largest_error, cost.largest_error);
  from_ += each.source.entry.size;
  to_ += bytes;
}

void summary::kept(const planned& each) { kept_ += each.source.entry.size; }

void summary::print(const plan& all) const {
  if (!quiet_) {
    print_cost(cost_, to_);
    std::printf("  all of them\n");
    for (const planned& each : all.tensors)
      if (!each.kept.empty() && each.source.entry.shape.size() >= 2)
        std::printf("kept: %s (%s)\n", printable(each.source.entry.name).c_str(), printable(each.kept).c_str());
  }
  std::printf("%llu tensor%s converted, %s to %s; %zu kept, %s", static_cast<unsigned long long>(all.converted),
              all.converted == 1 ? "" : "s", amount(from_).c_str(), amount(to_).c_str(),
              all.tensors.size() - static_cast<std::size_t>(all.converted), amount(kept_).c_str());
  if (const double peak = peak_memory(); peak > 0) {
    std::printf("; memory %.1f MB", peak / megabyte);
    if (static_cast<double>(all.largest) >= ratio_from)
      std::printf(", %.2f x the largest tensor converted", peak / static_cast<double>(all.largest));
  }
  std::printf("\n");
}

}  // namespace convert
