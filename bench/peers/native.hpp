// What the native peers share: rounds, their best time, and weights that cycle through more than 1.5 GiB.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

constexpr std::size_t dram_bytes = std::size_t{13} << 27, round_bytes = std::size_t{64} << 20;
constexpr long n = 4096, k = 4096;
constexpr long every_rows[] = {1, 16, 128, 512};

/// Processor time of one thread, time on the wall of several.
inline double now(int threads) {
  if (threads > 1)
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Prints a line for `product(copy)`, which multiplies with one of `copies` weights of `bytes`.
template <class Product>
void report(const char* what, int threads, long rows, std::size_t bytes, std::size_t copies, const char* arithmetic,
            const Product& product) {
  const std::size_t a_round = rows <= 16 ? std::max<std::size_t>(1, round_bytes / bytes) : 1;
  product(0);
  double best = 1e30;
  std::size_t at = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 3 || std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500); ++round) {
    const double start = now(threads);
    for (std::size_t i = 0; i < a_round; ++i)
      product(at++ % copies);
    best = std::min(best, (now(threads) - start) / static_cast<double>(a_round));
  }
  std::printf("%s %ld %zu %.6g %s\n", what, rows, bytes, best, arithmetic);
  std::fflush(stdout);
}
