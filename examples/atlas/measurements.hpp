// What the pictures of block formats are drawn from: the formats and policies of the report, on N(0,1).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace atlas {

struct format_and_policy {
  const char *format, *policy, *what_format;
};

struct quality {
  format_and_policy what;
  double bits;  // a weight
  double sqnr;  // dB
};

/// SQNR while the input is multiplied by 2^x: x in steps of whole binades, and through one binade.
struct scale_curve {
  format_and_policy what;
  std::vector<double> wide;
  std::vector<double> binade;
};
inline constexpr int widest_exponent = 40;
inline constexpr int steps_of_wide = 21;   // from -widest_exponent to widest_exponent
inline constexpr int steps_of_binade = 9;  // from 0 to 1

/// Every format and policy but those that take seconds. False, and a sentence, where memory does not suffice.
bool measure_quality(std::vector<quality>& into, std::string& problem);
/// A format's policies. Empty where a format has none but slow ones.
bool measure_scales(const std::string& format, std::vector<scale_curve>& into, std::string& problem);

/// The formats of the report, each once.
std::vector<std::string> names_of_formats();

/// Calls work(i) for i below count on all cores; the order of results is the caller's.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace atlas
