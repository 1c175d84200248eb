// Every float32 into every float format by every rounding and overflow policy: 2^32 inputs each. Source: testing.md 2.
// FEWBITS_SWEEP_FORMATS=e4m3,e5m2 runs some formats; FEWBITS_SWEEP_STRIDE=97 takes every 97th float.
#include <cstdlib>
#include <sstream>
#include <string>
#include <tuple>

#include "support.hpp"
#include "sweep.hpp"

namespace {

using namespace fewbits_test;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool wants_format(const std::string& format) {
  const std::string list = environment("FEWBITS_SWEEP_FORMATS");
  if (list.empty()) {
    return true;
  }
  std::istringstream names(list);
  for (std::string one; std::getline(names, one, ',');) {
    if (one == format) {
      return true;
    }
  }
  return false;
}

std::uint32_t stride() {
  const std::string text = environment("FEWBITS_SWEEP_STRIDE");
  const unsigned long value = text.empty() ? 1 : std::strtoul(text.c_str(), nullptr, 10);
  return value == 0 ? 1 : static_cast<std::uint32_t>(value);
}

/// One case a (format, rounding): its overflow policies run side by side.
using format_and_rounding = std::pair<std::string, std::string>;

std::vector<format_and_rounding> cases() {
  std::vector<format_and_rounding> found;
  for (const sweep& one : all_sweeps()) {
    const format_and_rounding name{one.format, one.rounding};
    if (found.empty() || found.back() != name) {
      found.push_back(name);
    }
  }
  return found;
}

class EveryFloat : public testing::TestWithParam<format_and_rounding> {};

TEST_P(EveryFloat, HasTheOraclesCode) {
  const auto& [format, rounding] = GetParam();
  if (!wants_format(format)) {
    GTEST_SKIP() << "FEWBITS_SWEEP_FORMATS does not name " << format;
  }
  std::vector<sweep> jobs;
  for (const sweep& one : all_sweeps()) {
    if (one.format == format && one.rounding == rounding) {
      jobs.push_back(one);
    }
  }
  std::uint64_t visited = 0;
  run_sweeps(jobs, stride(), planted(), [&](std::size_t index, const sweep_result& result) {
    EXPECT_EQ(result.wrong, 0u) << result.first_wrong;
    std::printf("%s  %s\n", result.sha256.empty() ? "(not hashed: inputs were skipped)" : result.sha256.c_str(),
                jobs[index].name().c_str());
    visited += result.visited;
  });
  std::printf("visited %llu inputs: floats into %s %s\n", static_cast<unsigned long long>(visited), format.c_str(),
              rounding.c_str());
}

INSTANTIATE_TEST_SUITE_P(Sweep, EveryFloat, testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.first + "_" + one.param.second; });

TEST(EveryFloatSupport, TheFastHashIsSha256) {
  std::string text;
  for (std::size_t length = 0; length < 300; ++length) {
    fast_sha256 hash;
    hash.add(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    EXPECT_EQ(hash.finish(), oracle::sha256::of(text)) << "length " << length;
    text += static_cast<char>('a' + length % 26);
  }
  EXPECT_TRUE(oracle::sha256::self_check());
  std::printf("visited 300 inputs: texts hashed\n");
}

}  // namespace
