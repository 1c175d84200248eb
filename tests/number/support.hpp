// What every suite of numbers shares: a tally that judges, counts, and carries the planted bug.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "inputs.hpp"
#include "support/planted.hpp"

namespace fewbits_test {

/// Samples and the longest loops are cut by this in builds without optimisation, where the oracle is ten times slower.
/// What is enumerated stays enumerated in optimised builds.
#if defined(__OPTIMIZE__)
inline constexpr std::size_t thinning = 1;
#else
inline constexpr std::size_t thinning = 13;
#endif

inline std::string hex(std::uint64_t bits) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(bits));
  return text;
}

/// Compares codes, prints the first few differences in full, and says at its end how many inputs it visited.
/// The planted bug spoils one expected value.
class tally {
 public:
  explicit tally(std::string title) : title_(std::move(title)) {}
  tally(const tally&) = delete;
  tally& operator=(const tally&) = delete;
  ~tally() {
    std::printf("visited %llu inputs: %s\n", static_cast<unsigned long long>(visited_), title_.c_str());
    if (failed_ > shown) {
      ADD_FAILURE() << title_ << ": " << failed_ << " failures in all";
    }
    EXPECT_NE(visited_, 0u) << title_;
  }

  /// `describe()` names format, mode and input; it is asked only on failure.
  template <class Describe>
  void expect(std::uint64_t expected, std::uint64_t got, Describe&& describe) {
    if (spoil()) {
      expected ^= 1;
    }
    if (expected != got) [[unlikely]] {
      fail(describe() + ": expected " + hex(expected) + ", got " + hex(got));
    }
  }
  template <class Describe>
  void expect_true(bool holds, Describe&& describe) {
    if (spoil()) {
      holds = !holds;
    }
    if (!holds) [[unlikely]] {
      fail(describe());
    }
  }
  [[nodiscard]] std::uint64_t visited() const { return visited_; }

 private:
  static constexpr std::uint64_t shown = 8;

  bool spoil() {
    ++visited_;
    return visited_ == 7 && planted();
  }
  void fail(const std::string& text) {
    if (++failed_ <= shown) {
      ADD_FAILURE() << text;
    }
  }

  std::string title_;
  std::uint64_t visited_ = 0;
  std::uint64_t failed_ = 0;
};

/// Both are the format's NaN: which payload and sign an operation gives is left open by IEEE 754.
inline bool both_nan(const oracle::table& in, oracle::code expected, oracle::code got) {
  return in.at(expected).is_nan() && (got == in.nan || got == in.negative_nan);
}

}  // namespace fewbits_test
