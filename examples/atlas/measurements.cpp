#include "measurements.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

#include "../report/random.hpp"
#include "../report/registry.hpp"

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

/// A format's policies, or everything; but for what takes seconds.
std::vector<const report::entry*> quick_entries(const char* format) {
  std::vector<const report::entry*> rows;
  for (const report::entry& each : report::all_entries())
    if (!each.slow && (format == nullptr || std::strcmp(format, each.format) == 0))
      rows.push_back(&each);
  return rows;
}
/// The search for a scale and a minimum takes minutes where fp16 runs out of range: nothing prunes it there.
bool is_slow_at_the_ends(const report::entry& each) {
  return std::strcmp(each.format, "uint4_minimum_g32_fp16") == 0 && std::strcmp(each.policy, "exact") == 0;
}
format_and_policy described(const report::entry& each) { return {each.format, each.policy, each.what_format}; }

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
  const report::matrix weights = normal_matrix(64, 1024);
  const auto rows = quick_entries(nullptr);
  into.clear();
  for (const report::entry* each : rows)
    into.push_back(
        {described(*each),
         printed(each->stored_bits(weights.rows, weights.columns) / static_cast<double>(weights.values.size())), 0});
  std::vector<std::string> problems(rows.size());
  in_parallel(rows.size(), [&](std::size_t i) { sqnr_of(*rows[i], weights, into[i].sqnr, problems[i]); });
  return first_problem(problems, problem);
}

bool measure_scales(const std::string& format, std::vector<scale_curve>& into, std::string& problem) {
  // Over the whole range only the ends matter; within a binade dB are told apart by hundredths.
  const report::matrix coarse = normal_matrix(4, 512);
  const report::matrix fine = normal_matrix(32, 512);
  auto rows = quick_entries(format.c_str());
  std::erase_if(rows, [](const report::entry* each) { return is_slow_at_the_ends(*each); });
  into.clear();
  for (const report::entry* each : rows)
    into.push_back({described(*each), std::vector<double>(steps_of_wide), std::vector<double>(steps_of_binade)});
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
    for (std::size_t k = 0; k < rows.size(); ++k)
      if (!sqnr_of(*rows[k], scaled, (wide ? into[k].wide : into[k].binade)[step], problems[i]))
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

}  // namespace atlas
