// Patterns of ignore lists against a table filled in by their definition, and how many steps the worst of them take.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/layer_pattern.hpp>

#include "support/planted.hpp"

namespace {

using fewbits::pattern_names;

struct symbol {
  char kind;  // 'c': that character, '?': any one, '*': any run
  char c;
};
std::vector<symbol> symbols_of(std::string_view pattern, bool is_expression) {
  std::vector<symbol> made;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (is_expression && c == '\\')
      made.push_back({'c', pattern[++i]});
    else if (is_expression && c == '.' && i + 1 < pattern.size() && pattern[i + 1] == '*')
      made.push_back({'*', pattern[i++]});
    else if (c == (is_expression ? '.' : '?'))
      made.push_back({'?', c});
    else
      made.push_back({!is_expression && c == '*' ? '*' : 'c', c});
  }
  return made;
}

/// fits[i]: do the symbols so far spell the first i characters?
bool oracle(const std::vector<symbol>& symbols, std::string_view name, bool may_leave_a_tail) {
  std::vector<char> fits(name.size() + 1, 0);
  fits[0] = 1;
  for (const symbol& each : symbols) {
    std::vector<char> next(name.size() + 1, 0);
    for (std::size_t i = 0; i <= name.size(); ++i)
      if (each.kind == '*')
        next[i] = fits[i] != 0 || (i != 0 && next[i - 1] != 0);
      else
        next[i] = i != 0 && fits[i - 1] != 0 && (each.kind == '?' || each.c == name[i - 1]);
    fits = next;
  }
  for (std::size_t i = 0; i < name.size() && may_leave_a_tail; ++i)
    if (fits[i] != 0)
      return true;
  return fits[name.size()] != 0;
}

// Names of modules count too where a pattern has no "re:"; these begin with a letter of their own, so they are none.
TEST(LayerPattern, NamesWhatItsDefinitionNames) {
  std::mt19937 random(3);
  std::size_t visited = 0, named = 0;
  const auto text = [&](std::size_t most, std::string_view letters) {
    std::string made;
    for (std::size_t i = random() % (most + 1); i != 0; --i)
      made += letters[random() % letters.size()];
    return made;
  };
  for (int round = 0; round < 60000; ++round) {
    const bool is_long = round % 20 == 0;
    const std::size_t most = is_long ? 400 : 12;
    const std::string_view letters = random() % 2 == 0 ? "a" : "ab";
    std::string name = text(is_long ? 700 : 16, letters);
    std::string pattern;
    const bool is_expression = random() % 2 == 0;
    // Long ones are made of the name, with holes, so that some fit.
    for (std::size_t i = 0; i < most && (is_long ? i < name.size() : random() % 8 != 0); ++i) {
      const auto draw = random() % (is_long ? 90 : 6);
      if (draw == 0)
        pattern += is_expression ? ".*" : "*";
      else if (draw < 3)
        pattern += is_expression ? '.' : '?';
      else
        pattern += is_long ? name[i] : letters[random() % letters.size()];
    }
    if (is_long && random() % 3 == 0)
      name = text(200, letters) + name;
    if (is_long && random() % 2 == 0)
      pattern = (is_expression ? ".*" : "*") + pattern;
    const bool to_end = is_expression && random() % 2 == 0;
    const bool planted = fewbits_test::planted() && round == 1000;
    const bool expected = oracle(symbols_of(pattern, is_expression), name, is_expression && !to_end) != planted;
    ASSERT_EQ(pattern_names((is_expression ? "re:" : "") + pattern + (to_end ? "$" : ""), name), expected)
        << "round " << round << ": " << pattern << (to_end ? "$" : "") << " " << name;
    ++visited;
    named += expected ? 1 : 0;
  }
  std::printf("layer_pattern: %zu pairs, %zu of them fit\n", visited, named);
  EXPECT_GT(named, visited / 20);
}

struct counter {
  std::size_t steps = 0;
  constexpr void operator()(std::size_t more) noexcept { steps += more; }
};
std::size_t steps_of(const std::string& pattern, const std::string& name) {
  counter count;
  fewbits::detail::counted_pattern_names(pattern, name, count);
  return count.steps;
}

// What once cost pattern x name: a piece that nearly stands everywhere, many pieces, holes, all of the longest.
TEST(LayerPattern, TheWorstPatternsTakeFewSteps) {
  const std::size_t length = fewbits::max_layer_bytes;
  const auto repeated = [](std::string_view what, std::size_t bytes) {
    std::string made;
    while (made.size() + what.size() <= bytes)
      made += what;
    return made;
  };
  const std::string name = repeated("a", length);
  std::size_t most = 0;
  std::vector<std::string> patterns;
  const auto add = [&](std::string middle) {
    patterns.push_back(middle);
    patterns.push_back(middle += '*');
  };
  add(repeated("*", 1) + repeated("a", 4000) + "b");
  add(repeated("*", 1) + repeated("a", 2000) + "b" + repeated("a", 2000));
  add(repeated("*", 1) + repeated("?", 4000) + "b");
  add(repeated("*", 1) + repeated("a?", 4000) + "b");
  add(repeated("*a", 4000) + "b");
  add(repeated("*aaab", 4000));
  add(repeated("*", 1) + repeated("a", 30) + "b");
  for (const std::size_t steps : {63u, 64u, 65u})
    add(repeated("*" + repeated("a", steps), 4000) + "b");
  for (const std::string& pattern : patterns) {
    ASSERT_LE(pattern.size(), fewbits::max_pattern_bytes);
    const std::size_t steps = steps_of(pattern, name);
    const std::size_t bound = 4 * pattern.size() + length * (1 + pattern.size() / 32);
    EXPECT_LE(steps, bound) << pattern.substr(0, 20);
    most = steps > most ? steps : most;
  }
  // Where pieces have up to 64 steps each, the name is walked once.
  EXPECT_LE(steps_of(repeated("*aaab", 4000) + "*", name), length + 4 * 4096);
  EXPECT_LE(steps_of(repeated("*" + repeated("a", 63), 4000) + "b*", name), length + 4 * 4096);
  std::printf("layer_pattern: at most %zu steps for %zu x %zu bytes\n", most, fewbits::max_pattern_bytes, length);
}

static_assert(pattern_names("*.layers.?.mlp*", "model.layers.3.mlp.up"));
static_assert(!pattern_names("re:.*gate$", "a.mlp.gate_proj"));

}  // namespace
