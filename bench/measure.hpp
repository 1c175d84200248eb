// A benchmark line: rates, and the share of the machine's limit that bounds the kernel. Rates and shares are those of
// the best round, as the limits are; the time column is the mean.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "limits.hpp"

namespace measure {

/// What a round needs at least, and of what.
struct bound {
  double seconds = 0;
  std::string name;
};
inline bound larger(const bound& a, const bound& b) { return a.seconds > b.seconds ? a : b; }

/// Bytes read and written, at the nearest ratio measured.
inline bound by_copy(double read_bytes, double written_bytes, limits::place where) {
  const limits::ratio r = limits::nearest(read_bytes, written_bytes);
  return {(read_bytes + written_bytes) / limits::copy(read_bytes, written_bytes, where),
          "copy " + std::to_string(r.read) + ":" + std::to_string(r.write) + " " + std::string(limits::name_of(where))};
}
inline bound by_read(double bytes, limits::place where, unsigned threads) {
  if (limits::is_dram(where))
    return {bytes / limits::read_dram(threads), "DRAM read"};
  return {bytes / limits::read(where, threads), "read " + std::string(limits::name_of(where))};
}
inline bound by_arithmetic(double operations, double rate, const char* name) { return {operations / rate, name}; }

/// What a round does.
struct amount {
  double bytes = 0;       ///< read and written
  double operations = 0;  ///< a multiply and an add are two
  double elements = 0;    ///< converted
};

/// Times rounds of `work()`; processor time of one thread, time on the wall of several.
template <class Work>
void run(benchmark::State& state, const bound& least, const amount& a_round, unsigned threads, const Work& work) {
  work();
  double best = (std::numeric_limits<double>::max)();
  for (auto _ : state) {
    const limits::thread_watch watch;
    const auto start = limits::clock::now();
    work();
    benchmark::ClobberMemory();
    const double seconds = threads == 1 ? watch.seconds() : limits::seconds_since(start);
    best = (std::min)(best, seconds);
    state.SetIterationTime(seconds);
  }
  state.counters["GB/s"] = a_round.bytes / best / 1e9;
  if (a_round.operations != 0)
    state.counters["GFLOP/s"] = a_round.operations / best / 1e9;
  if (a_round.elements != 0)
    state.counters["Gelem/s"] = a_round.elements / best / 1e9;
  state.counters["of_limit"] = least.seconds / best;
  state.SetLabel("limit: " + least.name);
}

/// Rounds are timed by `run`.
inline void configure(benchmark::internal::Benchmark* line) { line->UseManualTime()->Unit(benchmark::kMicrosecond); }

/// Runs what is registered; lines are short unless --benchmark_min_time says otherwise.
inline int run_all(int count, char** arguments) {
  std::vector<char*> all(arguments, arguments + count);
  char brief[] = "--benchmark_min_time=0.1";
  all.insert(all.begin() + 1, brief);  // the last one counts
  int size = count + 1;
  benchmark::Initialize(&size, all.data());
  if (benchmark::ReportUnrecognizedArguments(size, all.data()))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

/// N(0, 1) with a few outliers, made once: Box-Muller on a linear congruential generator.
inline const std::vector<float>& normal_values() {
  static const std::vector<float> made = [] {
    std::vector<float> values(std::size_t{1} << 20);
    std::uint64_t state = 42;
    const auto uniform = [&] {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
    };
    for (float& value : values)
      value = static_cast<float>(std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()));
    for (std::size_t i = 0; i < values.size(); i += 256)
      values[i] *= 20;
    return values;
  }();
  return made;
}

}  // namespace measure
