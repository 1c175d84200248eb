// Second opinions: what ml_dtypes, torch, CUDA and gfloat answered (tests/golden/vectors), against the exact oracle.
// Where a system leaves our rules, a key in the case's header says how (tests/golden/README.md), and `answer` obeys it.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "sha256.hpp"
#include "support/planted.hpp"
#include "thresholds.hpp"

#ifndef FEWBITS_GOLDEN_DIR
#define FEWBITS_GOLDEN_DIR "tests/golden/vectors"
#endif

namespace golden {

using namespace oracle;

struct golden_case {
  std::map<std::string, std::string> keys;
  std::vector<expectation> run_starts;
  std::vector<expectation> singles;  // NaN inputs
  std::string all;                   // answers to every code, in hexadecimal
  std::size_t digest_count = 0;
  std::string digest;

  std::string operator[](const std::string& key) const {
    const auto found = keys.find(key);
    return found == keys.end() ? std::string{} : found->second;
  }
  std::string name() const {
    return keys.at("system") + ": " + (*this)["from"] + " to " + (*this)["to"] + " " + (*this)["rounding"] + " " +
           (*this)["overflow"];
  }
};

inline std::vector<golden_case> read_cases(const std::filesystem::path& file) {
  std::vector<golden_case> cases;
  std::ifstream input(file);
  for (std::string line; std::getline(input, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "case") {
      cases.emplace_back();
      for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        cases.back().keys[word.substr(0, equals)] = word.substr(equals + 1);
      }
    } else if (kind == "run" || kind == "at") {
      expectation one;
      words >> std::hex >> one.input >> one.bits;
      (kind == "run" ? cases.back().run_starts : cases.back().singles).push_back(one);
    } else if (kind == "digest") {
      words >> cases.back().digest_count >> cases.back().digest;
    } else if (kind == "all") {
      words >> cases.back().all;
    }
  }
  return cases;
}

inline const table& format_named(const std::string& name) {
  static std::map<std::string, table> known;
  if (known.empty()) {
    for (table& one : named_formats()) {
      known.emplace(one.name, one);
    }
  }
  if (!known.contains(name)) {
    int width = 0;
    int precision = 0;
    char sign = 0;
    char domain = 0;
    if (std::sscanf(name.c_str(), "binary%dp%d%c%c", &width, &precision, &sign, &domain) != 4) {
      std::fprintf(stderr, "no oracle table for %s\n", name.c_str());
      std::abort();
    }
    known.emplace(name, p3109(width, precision, sign == 's', domain == 'e'));
  }
  return known.at(name);
}

// The planted bug rounds ties away where a case says nearest_even: every system's test must fail.
inline rules rules_of(const golden_case& given) {
  rules by;
  for (const rounding mode : {rounding::nearest_even, rounding::nearest_away, rounding::toward_zero, rounding::upward,
                              rounding::downward, rounding::to_odd}) {
    if (given["rounding"] == name_of(mode)) {
      by.mode = mode;
    }
  }
  if (fewbits_test::planted() && by.mode == rounding::nearest_even)
    by.mode = rounding::nearest_away;
  if (given["rounding"] == "stochastic") {
    by.mode = rounding::stochastic;
    by.random_bits = static_cast<std::uint32_t>(std::stoul(given["random_bits"]));
    by.random_count = std::stoi(given["random_count"]);
  }
  by.on_overflow = given["overflow"] == "saturate" ? overflow::saturate : overflow::no_saturate;
  by.on_sign = given["sign"] == "drop" ? sign_into::drop : sign_into::keep;
  return by;
}

/// The NaN code of a system that has its own idea of it. `fraction` is the top two fraction bits of the input.
inline code nan_answer(const golden_case& given, const table& to, bool negative, unsigned fraction, const rules& by) {
  const std::string how = given["nan"];
  const code sign = negative ? 0x80U : 0U;
  if (how == "flipped_zero") {
    return negative ? *to.zero : *to.negative_zero;
  }
  if (how == "ones") {
    return 0x7FU | sign;
  }
  if (how == "positive_ones") {
    return 0x7FU;
  }
  return how == "or_fraction" ? 0x7EU | fraction | sign : convert(to, number::nan(negative), by);
}

/// Our rules, bent by the case's keys. `fraction` is only looked at for NaN.
inline code answer(const golden_case& given, const table& to, number from_value, unsigned fraction, const rules& by) {
  if (given["via"] == "float32" && from_value.is_finite()) {
    from_value = from(static_cast<float>(from_value.value.to_double()));
  }
  if (from_value.is_nan()) {
    return nan_answer(given, to, from_value.negative, fraction, by);
  }
  if (from_value.is_finite() && given["zero"] == "smallest" && from_value.value.is_zero()) {
    return to.lowest();
  }
  if (from_value.is_finite() && given["low"] == "up" && !(from_value.negative && by.on_sign == sign_into::keep)) {
    const exact& lowest = to.positive.steps.front().magnitude;
    if (from_value.value.compare_magnitude(lowest) > 0 && from_value.value.compare_magnitude(lowest.scaled(1)) < 0) {
      return to.positive.steps[1].bits;
    }
  }
  return convert(to, from_value, by);
}

struct tally {
  std::size_t visited = 0;
  std::size_t different = 0;
  std::string first;
  void compare(const std::string& what, std::uint64_t input, code expected, code got) {
    ++visited;
    if (expected != got) {
      char text[160];
      std::snprintf(text, sizeof text, "%s: input %llx, they say %x, oracle %x", what.c_str(),
                    static_cast<unsigned long long>(input), expected, got);
      first += different < 12 ? std::string("\n  ") + text : "";
      ++different;
    }
  }
};

/// For nan=any, which NaN code doesn't matter: ours becomes theirs where both are NaN.
code settle(const golden_case& given, const table& to, code theirs, code ours) {
  return given["nan"] == "any" && to.at(theirs).is_nan() && to.at(ours).is_nan() ? theirs : ours;
}

template <typename Order>
void compare_runs(const golden_case& given, tally& count) {
  const table& to = format_named(given["to"]);
  const rules by = rules_of(given);
  const bool bent = !given["via"].empty();
  if (!given.digest.empty()) {
    if (bent) {
      return;  // 65536 codes through float32: the single-rounding case beside it is compared
    }
    const bool positive = given["range"] == "positive";
    sha256 hash;
    std::size_t lines = 0;
    const auto add = [&](std::int64_t key, code bits) {
      char line[48];
      const int length =
          std::snprintf(line, sizeof line, "run %llx %x\n", static_cast<unsigned long long>(Order::bits_of(key)), bits);
      hash.add(std::string_view(line, static_cast<std::size_t>(length)));
      ++lines;
    };
    for (const run& one : runs<Order>(to, by)) {
      if (!positive || one.last >= 0) {
        add(positive ? std::max<std::int64_t>(one.first, 0) : one.first, one.bits);
      }
    }
    if (positive) {
      add(Order::last_key + 1, 0xFFFF);
    }
    count.visited += lines;
    if (lines != given.digest_count || hash.finish() != given.digest) {
      ++count.different;
      count.first += "\n  " + given.name() + ": the digest of the run list differs";
    }
  }
  for (std::size_t i = 0; i < given.run_starts.size(); ++i) {
    const expectation& start = given.run_starts[i];
    if (start.bits == 0xFFFF) {
      break;
    }
    const std::int64_t first = Order::key_of(start.input);
    const std::int64_t last =
        i + 1 < given.run_starts.size() ? Order::key_of(given.run_starts[i + 1].input) - 1 : Order::last_key;
    // Both sides are monotone between the zeros and infinities, so agreement at both ends of a run is agreement inside.
    for (const std::int64_t key :
         {first, std::clamp<std::int64_t>(-1, first, last), std::clamp<std::int64_t>(0, first, last), last}) {
      const code ours = answer(given, to, Order::value_of(key), 0, by);
      count.compare(given.name(), Order::bits_of(key), start.bits, settle(given, to, start.bits, ours));
    }
  }
  for (const expectation& single : given.singles) {
    const auto fraction = static_cast<unsigned>(single.input >> (Order::fraction_bits - 2)) & 3U;
    const number nan = Order::value_of(Order::key_of(single.input));
    const code ours = settle(given, to, single.bits, answer(given, to, nan, fraction, by));
    count.compare(given.name() + " NaN", single.input, single.bits, ours);
  }
}

inline void compare_codes(const golden_case& given, tally& count) {
  const table& source_format = format_named(given["from"]);
  const std::size_t digits = given.all.size() / source_format.codes.size();
  for (code c = 0; c < source_format.codes.size(); ++c) {
    const auto theirs = static_cast<std::uint32_t>(std::stoul(given.all.substr(c * digits, digits), nullptr, 16));
    if (given["to"] == "float32") {
      const number decoded = from_ieee_bits(theirs, 8, 23);
      const number& ours = source_format.at(c);
      const bool same = decoded.what == ours.what && (decoded.is_nan() || decoded.negative == ours.negative) &&
                        decoded.value == ours.value;
      count.compare(given.name() + " decode", c, theirs, same ? theirs : ~theirs);
    } else {
      number source = source_format.at(c);
      source.negative = source.negative || (source.is_nan() && given["fnuz_nan"] == "negative");
      const table& to = format_named(given["to"]);
      count.compare(given.name(), c, theirs, answer(given, to, source, 0, rules_of(given)));
    }
  }
}

/// A long table of float64 values, as the digest of their bits in hexadecimal.
void compare_decode_digest(const golden_case& given, tally& count) {
  sha256 hash;
  for (const number& meaning : format_named(given["from"]).codes) {
    const double infinity = meaning.negative ? -HUGE_VAL : HUGE_VAL;
    const double value = meaning.is_infinity() ? infinity : meaning.value.to_double();
    const std::uint64_t bits = meaning.is_nan() ? 0x7FF8000000000000U : std::bit_cast<std::uint64_t>(value);
    char text[24];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(bits));
    hash.add(std::string_view(text, 16));
    ++count.visited;
  }
  if (hash.finish() != given.digest) {
    ++count.different;
    count.first += "\n  " + given.name() + ": the digest of the decoded values differs";
  }
}

/// Compares every `step`-th case of a file.
inline void judge(const char* file, std::size_t step = 1) {
  tally total;
  const auto cases = read_cases(std::filesystem::path(FEWBITS_GOLDEN_DIR) / file);
  ASSERT_FALSE(cases.empty()) << "no vectors in " << file;
  std::size_t compared = 0;
  for (std::size_t i = 0; i < cases.size(); i += step) {
    const golden_case& given = cases[i];
    ++compared;
    tally count;
    if (!given.all.empty()) {
      compare_codes(given, count);
    } else if (given["decode"] == "exact") {
      compare_decode_digest(given, count);
    } else if (given["from"] == "float32") {
      compare_runs<float_order>(given, count);
    } else if (given["from"] == "float64") {
      compare_runs<double_order>(given, count);
    } else if (given["from"] == "fp16") {
      compare_runs<fp16_order>(given, count);
    } else {
      compare_runs<bf16_order>(given, count);
    }
    EXPECT_EQ(count.different, 0U) << count.first;
    total.visited += count.visited;
  }
  std::printf("%s: %zu of %zu cases, visited %zu answers\n", file, compared, cases.size(), total.visited);
}

}  // namespace golden
