// The presets against what the systems themselves answered: the recorded vectors of tests/golden, from float.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "number/all_types.hpp"
#include "support/planted.hpp"

namespace {

using namespace fewbits_test;
namespace fb = fewbits;

/// A file's cases as text: the header's keys, then the lines of runs ("from this float on, this code") and single
/// inputs.
struct recorded_case {
  std::map<std::string, std::string> keys;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> runs;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> singles;
  [[nodiscard]] std::string at(const std::string& key) const { return keys.contains(key) ? keys.at(key) : ""; }
};

std::vector<recorded_case> read_float_cases(const std::string& system) {
  std::ifstream input("tests/golden/vectors/" + system + ".txt");
  std::vector<recorded_case> cases;
  for (std::string line; std::getline(input, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "case") {
      cases.emplace_back();
      for (std::string word; words >> word;)
        cases.back().keys[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    } else if ((kind == "run" || kind == "at") && cases.back().at("from") == "float32") {
      std::uint32_t from = 0;
      std::uint32_t code = 0;
      words >> std::hex >> from >> code;
      (kind == "run" ? cases.back().runs : cases.back().singles).emplace_back(from, code);
    }
  }
  std::erase_if(cases, [](const recorded_case& one) { return one.at("from") != "float32"; });
  return cases;
}

struct count {
  std::size_t visited = 0;
  std::size_t cases = 0;
  std::size_t wrong = 0;
};

template <class T, class Preset>
void compare(const recorded_case& given, const Preset& preset, count& all) {
  constexpr std::uint32_t undefined = 0xffff;  // where the system's own answer is undefined behaviour
  const auto check = [&](std::uint32_t input, std::uint32_t expected) {
    if (expected == undefined)
      return;
    const auto got = static_cast<std::uint32_t>(fb::convert<T>(std::bit_cast<float>(input), preset).bits());
    ++all.visited;
    if (got == expected)
      return;
    if (++all.wrong <= 8)
      ADD_FAILURE() << given.at("system") << " to " << given.at("to") << std::hex << ": input " << input << " expected "
                    << expected << " got " << got;
  };
  ++all.cases;
  using order = oracle::float_order;
  for (std::size_t i = 0; i < given.runs.size(); ++i) {
    const auto [start, code] = given.runs[i];
    const std::uint32_t expected = planted() && code != undefined ? code ^ 1U : code;
    const std::int64_t first = order::key_of(start);
    const std::int64_t last =
        i + 1 < given.runs.size() ? order::key_of(given.runs[i + 1].first) - 1 : std::int64_t{order::last_key};
    for (const std::int64_t key : {first, first + (last - first) / 2, last})
      check(static_cast<std::uint32_t>(order::bits_of(key)), expected);
  }
  for (const auto& [input, code] : given.singles)
    check(input, code);
}

template <class Preset, class Filter>
void judge(const std::string& system, const Preset& preset, Filter&& applies) {
  count all;
  for (const recorded_case& given : read_float_cases(system))
    for_each_type(all_numbers{}, [&]<class T>() {
      if (given.at("to") == table_of<T>().name && applies(given))
        compare<T>(given, preset, all);
    });
  std::printf("%s: visited %zu inputs of %zu conversions, %zu wrong\n", system.c_str(), all.visited, all.cases,
              all.wrong);
  EXPECT_EQ(all.wrong, 0U);
  EXPECT_GT(all.cases, 4U);
}

TEST(Presets, MlDtypesGivesTheBitsOfMlDtypes) {
  judge("ml_dtypes", fb::ml_dtypes, [](const recorded_case& given) { return given.at("decode").empty(); });
}

TEST(Presets, TorchGivesTheBitsOfPyTorch) {
  judge("torch", fb::torch, [](const recorded_case& given) { return given.at("decode").empty(); });
}

TEST(Presets, CudaGivesTheBitsOfCudasTypes) {
  judge("cuda", fb::cuda, [](const recorded_case& given) {
    return given.at("overflow") == "saturate" &&
           given.at("rounding") == (given.at("to") == "ue8m0" ? "upward" : "nearest_even");
  });
}

TEST(Presets, OcpSaturatesAndRoundsScalesDown) {
  EXPECT_EQ(fb::convert<fb::e4m3>(1e9, fb::ocp).bits(), 0x7e);
  EXPECT_EQ(fb::convert<fb::e5m2>(HUGE_VALF, fb::ocp).bits(), 0x7b);
  EXPECT_EQ(fb::convert<fb::ue8m0>(1.999, fb::ocp).bits(), planted() ? 128 : 127);
  EXPECT_EQ(fb::convert<fb::ue8m0>(0.0, fb::ocp).bits(), 0);
}

}  // namespace
