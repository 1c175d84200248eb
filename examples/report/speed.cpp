#include "speed.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <string>

#include <fewbits/simd/isa.hpp>

namespace report {
namespace {

/// Bytes a second that one thread reads from memory: a buffer that no cache holds, summed up.
double read_bandwidth() {
  constexpr std::size_t words = (std::size_t{1536} << 20) / 8;
  const std::unique_ptr<std::uint64_t[]> buffer(new (std::nothrow) std::uint64_t[words]);
  if (buffer == nullptr)
    return 0;
  for (std::size_t i = 0; i < words; ++i)
    buffer[i] = i;
  double best = 0;
  volatile std::uint64_t sink = 0;
  for (int repeat = 0; repeat < 2; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < words; i += 8)
      for (std::size_t j = 0; j < 8; ++j)
        sums[j] += buffer[i + j];
    for (const std::uint64_t sum : sums)
      sink = sink + sum;
    const double time = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = static_cast<double>(words * 8) / time > best ? static_cast<double>(words * 8) / time : best;
  }
  return best;
}

}  // namespace

bool print_speed(const std::vector<std::string>& formats, std::string& problem) {
  std::vector<speed_test> chosen;
  for (const speed_test& test : speed_tests()) {
    bool wanted = formats.empty();
    for (const std::string& pattern : formats)
      wanted = wanted || fits(pattern.c_str(), test.format);
    if (wanted)
      chosen.push_back(test);
  }
  if (chosen.empty()) {
    problem = "--speed times these formats:";
    for (const speed_test& test : speed_tests())
      problem += std::string(" ") + test.format;
    return false;
  }
  const std::string instructions(fewbits::name_of(fewbits::active_isa()));
  const double read = read_bandwidth();
  std::printf("Products with weights [4096, 4096], one thread, %s; a plain loop reads memory at %.1f GB/s.\n\n",
              instructions.c_str(), read / 1e9);
  std::printf("%-15s %7s   %s   %s   %s\n", "format", "bits/w", "1 row: GB/s of weights (of loop)", "128 rows: GFLOP/s",
              "with int8 activations: Gop/s");
  for (const speed_test& test : chosen) {
    speed_row row{.format = test.format};
    if (!test.run(row, problem))
      return false;
    std::printf("%-15s %7.3f   %20.1f (%.2f)       %17.0f   ", row.format, row.bits, row.bytes_a_second / 1e9,
                read > 0 ? row.bytes_a_second / read : 0.0, row.flops / 1e9);
    if (row.integer_ops > 0)
      std::printf("%28.0f\n", row.integer_ops / 1e9);
    else
      std::printf("%28s\n", "-");
    std::fflush(stdout);
  }
  return true;
}

}  // namespace report
