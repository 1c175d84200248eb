#include "measurements.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "../report/random.hpp"

namespace atlas {
namespace {

constexpr std::uint64_t seed = 2026;

report::matrix normal_matrix(std::size_t rows, std::size_t columns) {
  report::matrix made{"N(0,1)", rows, columns, std::vector<float>(rows * columns)};
  report::random_source random(seed);
  for (float& each : made.values)
    each = 0x1p-17f * static_cast<float>(random.gaussian());
  return made;
}

/// As reports print bits: a tensor's one float32 does not set a format apart.
double printed(double bits) { return std::round(bits * 1000) / 1000; }

bool sqnr_of(const report::entry& how, const report::matrix& weights, double& into, std::string& problem) {
  report::quantised got;
  if (!how.quantise(weights, got, problem))
    return false;
  // Poisoned elements stand in no sum: what lost some has no quality.
  into = got.error.poisoned == 0 ? got.error.sqnr_db() : std::nan("");
  return true;
}

/// The sentence of the first job that failed.
bool first_problem(const std::vector<std::string>& problems, std::string& into) {
  for (const std::string& each : problems)
    if (!each.empty()) {
      into = each;
      return false;
    }
  return true;
}

}  // namespace

void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++)
      work(i);
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i)
    others.emplace_back(run);
  run();
  for (std::thread& each : others)
    each.join();
}

bool measure_quality(std::vector<quality>& into, std::string& problem) {
  const report::matrix weights = normal_matrix(128, 1024);
  into.clear();
  for (const report::entry& each : report::all_entries())
    if (!each.slow)
      into.push_back(
          {&each, printed(each.stored_bits(weights.rows, weights.columns) / static_cast<double>(weights.values.size())),
           0});
  std::vector<std::string> problems(into.size());
  in_parallel(into.size(), [&](std::size_t i) { sqnr_of(*into[i].what, weights, into[i].sqnr, problems[i]); });
  return first_problem(problems, problem);
}

bool measure_scales(const std::string& format, std::vector<scale_curve>& into, std::string& problem) {
  // Over the whole range only the ends matter; within a binade dB are told apart by hundredths.
  const report::matrix coarse = normal_matrix(4, 512);
  const report::matrix fine = normal_matrix(32, 512);
  into.clear();
  for (const report::entry& each : report::all_entries())
    if (!each.slow && format == each.format)
      into.push_back({&each, std::vector<double>(steps_of_wide), std::vector<double>(steps_of_binade)});
  constexpr std::size_t steps = steps_of_wide + steps_of_binade;
  std::vector<std::string> problems(steps);
  in_parallel(steps, [&](std::size_t i) {
    const bool wide = i < steps_of_wide;
    report::matrix scaled = wide ? coarse : fine;
    const std::size_t step = wide ? i : i - steps_of_wide;
    const double exponent =
        wide ? -widest_exponent + 2.0 * widest_exponent * static_cast<double>(step) / (steps_of_wide - 1)
             : static_cast<double>(step) / (steps_of_binade - 1);
    const double factor = std::exp2(exponent);
    for (float& value : scaled.values)
      value = static_cast<float>(value * factor);
    for (scale_curve& each : into)
      if (!sqnr_of(*each.what, scaled, (wide ? each.wide : each.binade)[step], problems[i]))
        return;
  });
  return first_problem(problems, problem);
}

std::vector<std::string> names_of_formats() {
  std::vector<std::string> names;
  for (const report::entry& each : report::all_entries())
    if (!each.slow && std::find(names.begin(), names.end(), each.format) == names.end())
      names.emplace_back(each.format);
  return names;
}

const report::entry* find_entry(const std::string& format, const std::string& policy) {
  for (const report::entry& each : report::all_entries())
    if (format == each.format && policy == each.policy)
      return &each;
  return nullptr;
}

}  // namespace atlas
