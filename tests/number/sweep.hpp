// All 2^32 floats through one (format, rounding, overflow), judged against the oracle and hashed in the same pass. The
// stream that is hashed has one code for each float in the order of its bits, 0 to 2^32 - 1: one byte a code for
// formats of up to 8 bits, else two, the low byte first. Source: testing.md 2 and 7.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "fast_sha256.hpp"
#include "inputs.hpp"

namespace fewbits_test {

/// One job of the certificate. `encode` writes the codes of floats first, first + step, ... as bytes of the stream.
struct sweep {
  std::string format, rounding, overflow;
  std::size_t code_bytes = 0;
  const oracle::table* to = nullptr;
  oracle::rules by;
  overflow_rule rule{};
  void (*encode)(std::uint32_t first, std::uint32_t step, std::size_t count, std::uint8_t* bytes) = nullptr;

  [[nodiscard]] std::string name() const { return format + " " + rounding + " " + overflow; }
};

template <class T, class Rounding, class Overflow>
void encode_floats(std::uint32_t first, std::uint32_t step, std::size_t count, std::uint8_t* bytes) {
  constexpr Rounding rounding{};
  constexpr Overflow overflow{};
  std::uint32_t bits = first;
  for (std::size_t i = 0; i < count; ++i, bits += step) {
    const std::uint32_t code = fewbits::convert<T>(std::bit_cast<float>(bits), rounding, overflow).bits();
    if constexpr (sizeof(T) == 1) {
      bytes[i] = static_cast<std::uint8_t>(code);
    } else {
      bytes[2 * i] = static_cast<std::uint8_t>(code);
      bytes[2 * i + 1] = static_cast<std::uint8_t>(code >> 8);
    }
  }
}

/// Every float format by every rounding that needs no random bits, by every overflow policy, in the order of the docs.
inline std::vector<sweep> all_sweeps() {
  std::vector<sweep> all;
  for_each_type(all_floats{}, [&]<class T>() {
    const oracle::table& to = table_of<T>();
    for_each_plain_rounding<T>([&]<class Rounding>(const rounding_case<Rounding>& mode) {
      for_each_overflow([&]<class Overflow>(const overflow_case<Overflow>& overflow) {
        all.push_back({to.name, oracle::name_of(mode.mode), name_of(overflow.rule), sizeof(T), &to,
                       rules_for(mode, overflow.rule), overflow.rule, &encode_floats<T, Rounding, Overflow>});
      });
    });
  });
  return all;
}

/// Floats from one bit pattern to another, both included, and the code that each of them must have.
struct segment {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  oracle::code bits = 0;
};

/// The oracle's answers in the order of the bits: +0 to +Inf, NaNs, -0 to -Inf, NaNs.
inline std::vector<segment> segments_of(const sweep& job) {
  using order = oracle::float_order;
  const std::vector<oracle::run> runs = runs_by_decision<order>(*job.to, job.by, job.rule);
  std::vector<segment> all;
  const auto bits = [](std::int64_t key) { return static_cast<std::uint32_t>(order::bits_of(key)); };
  const auto nan = [&](std::uint32_t sign) {
    const oracle::code code = expected_code(*job.to, oracle::number::nan(sign != 0), job.by, job.rule);
    all.push_back({sign | 0x7f800001u, sign | 0x7fffffffu, code});
  };
  for (const oracle::run& one : runs) {
    if (one.last >= 0) {
      all.push_back({bits(std::max<std::int64_t>(one.first, 0)), bits(one.last), one.bits});
    }
  }
  nan(0);
  for (auto one = runs.rbegin(); one != runs.rend(); ++one) {
    if (one->first < 0) {
      all.push_back({bits(std::min<std::int64_t>(one->last, -1)), bits(one->first), one->bits});
    }
  }
  nan(0x80000000u);
  return all;
}

struct sweep_result {
  std::uint64_t visited = 0;
  std::uint64_t wrong = 0;
  std::string first_wrong;
  std::string sha256;  // of the whole stream; empty where inputs were skipped
};

/// Runs one job over every `stride`-th float.
inline sweep_result run_sweep(const sweep& job, std::uint32_t stride = 1, bool spoil = false) {
  constexpr std::uint32_t chunk = 1u << 15;
  std::vector<segment> expected = segments_of(job);
  if (spoil) {
    expected[expected.size() / 4].bits ^= 1;
  }
  sweep_result result;
  fast_sha256 hash;
  std::vector<std::uint8_t> bytes(chunk * job.code_bytes);
  std::size_t at = 0;
  for (std::uint64_t first = 0; first < (std::uint64_t{1} << 32);) {
    const std::uint64_t left = ((std::uint64_t{1} << 32) - first + stride - 1) / stride;
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(chunk, left));
    job.encode(static_cast<std::uint32_t>(first), stride, count, bytes.data());
    for (std::size_t i = 0; i < count;) {
      const std::uint64_t input = first + i * std::uint64_t{stride};
      while (expected[at].last < input) {
        ++at;
      }
      const std::size_t same =
          static_cast<std::size_t>(std::min<std::uint64_t>(count - i, (expected[at].last - input) / stride + 1));
      const auto low = static_cast<std::uint8_t>(expected[at].bits);
      const auto high = static_cast<std::uint8_t>(expected[at].bits >> 8);
      const std::uint8_t* codes = bytes.data() + i * job.code_bytes;
      unsigned difference = 0;  // no branch, so that the loop is vectorised
      if (job.code_bytes == 1) {
        for (std::size_t j = 0; j < same; ++j) {
          difference |= static_cast<unsigned>(codes[j] ^ low);
        }
      } else {
        for (std::size_t j = 0; j < same; ++j) {
          difference |= static_cast<unsigned>((codes[2 * j] ^ low) | (codes[2 * j + 1] ^ high));
        }
      }
      for (std::size_t j = 0; difference != 0 && j < same; ++j) {
        const std::uint32_t got = job.code_bytes == 1 ? codes[j] : codes[2 * j] | std::uint32_t{codes[2 * j + 1]} << 8;
        if (got != expected[at].bits && result.wrong++ == 0) {
          char text[96];
          std::snprintf(text, sizeof text, ": float %08llx: expected %x, got %x",
                        static_cast<unsigned long long>(input + j * std::uint64_t{stride}), expected[at].bits, got);
          result.first_wrong = job.name() + text;
        }
      }
      i += same;
    }
    if (stride == 1) {
      hash.add(bytes.data(), count * job.code_bytes);
    }
    result.visited += count;
    first += count * std::uint64_t{stride};
  }
  if (stride == 1) {
    result.sha256 = hash.finish();
  }
  return result;
}

/// Runs `jobs` on as many threads as the machine has; `done(index, result)` is called in any order, one call at a time.
template <class Done>
void run_sweeps(const std::vector<sweep>& jobs, std::uint32_t stride, bool spoil, Done done) {
  std::atomic<std::size_t> next{0};
  std::atomic_flag busy;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      const sweep_result result = run_sweep(jobs[i], stride, spoil);
      while (busy.test_and_set()) {
        busy.wait(true);
      }
      done(i, result);
      busy.clear();
      busy.notify_one();
    }
  };
  std::vector<std::thread> threads;
  const std::size_t count = std::min<std::size_t>(jobs.size(), std::max(1u, std::thread::hardware_concurrency()));
  for (std::size_t i = 1; i < count; ++i) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& one : threads) {
    one.join();
  }
}

}  // namespace fewbits_test
