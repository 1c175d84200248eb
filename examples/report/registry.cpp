#include "registry.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "formats.hpp"

namespace report {
namespace {

/// What a report shows unless told otherwise: each family as it is used, and at its best.
constexpr std::pair<const char*, const char*> usual[] = {
    {"fp16", "cast"},
    {"bf16", "cast"},
    {"e4m3_tensor", "amax"},
    {"e5m2_tensor", "amax"},
    {"e4m3_squares", "amax"},
    {"int8_rows", "amax"},
    {"mxfp8_e4m3", "floor"},
    {"mxfp6_e2m3", "floor"},
    {"nvfp4", "static"},
    {"nvfp4", "four_over_six"},
    {"nvfp4", "exact"},
    {"mxfp4", "floor"},
    {"mxfp4", "exact"},
    {"skew4_g16", "exact"},
    {"nested_uint4", "nested"},
    {"nf4_g64_fp16", "amax"},
    {"int4_g128_fp16", "signed_max"},
    {"int4_g128_fp16", "exact"},
    {"uint4_g128_fp16", "min_max"},
    {"uint4_g128_fp16", "exact"},
    {"int2_g32_fp16", "exact"},
    {"ternary_g128_fp16", "mean"},
};

bool is_usual(const entry& each) {
  return std::any_of(std::begin(usual), std::end(usual), [&](const auto& pair) {
    return std::strcmp(pair.first, each.format) == 0 && std::strcmp(pair.second, each.policy) == 0;
  });
}

bool fits_any(const std::vector<std::string>& patterns, const char* name) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                         [&](const std::string& each) { return fits(each.c_str(), name); });
}

/// Levenshtein's distance: characters to insert, delete or replace.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = (std::min)({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// Names in the order of the lists, each once.
std::vector<std::string> names_of(const entries& rows, const char* entry::*member) {
  std::vector<std::string> names;
  for (const entry& each : rows)
    if (std::find(names.begin(), names.end(), each.*member) == names.end())
      names.emplace_back(each.*member);
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return text;
}

/// "no format is named nvpf4; near it: nvfp4, mxfp4"
std::string unknown(const char* kind, const std::string& pattern, const std::vector<std::string>& names) {
  if (pattern.find_first_of("*?") != std::string::npos)
    return std::string("no ") + kind + " fits " + pattern + "; --list shows them all";
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& each : names) {
    const bool contains = pattern.size() >= 3 && each.find(pattern) != std::string::npos;
    const std::size_t off = distance(pattern, each);
    if (contains || off <= 1 + pattern.size() / 3)
      near.emplace_back(off, each);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < near.size() && i < 6; ++i)
    nearest.push_back(near[i].second);
  return std::string("no ") + kind + " is named " + pattern +
         (nearest.empty() ? "; --list shows them all" : "; near it: " + listed(nearest));
}

bool names_are_known(const std::vector<std::string>& patterns, const char* kind, const char* entry::*member,
                     std::string& problem) {
  const auto names = names_of(all_entries(), member);
  for (const std::string& pattern : patterns)
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return fits(pattern.c_str(), name.c_str()); })) {
      problem = unknown(kind, pattern, names);
      return false;
    }
  return true;
}

/// As it is printed: a tensor's one float does not lift nvfp4 over 4.5.
double printed_bits(const entry& each, const source& from) {
  double bits = 0;
  for (std::size_t i = 0; i < from.size(); ++i)
    bits += each.stored_bits(from.rows(i), from.columns(i));
  return std::round(1000 * bits / static_cast<double>(std::max<std::uint64_t>(from.weights(), 1))) / 1000;
}

}  // namespace

const entries& all_entries() {
  static const entries all = [] {
    entries made;
    for (const auto list : {add_numbers, add_fp8, add_int8, add_mx8, add_mx6, add_nvfp4, add_mx4, add_codebooks,
                            add_int4, add_uint4, add_nested, add_skewed, add_two_bits_and_less, add_writers})
      list(made);
    // Policies of one format stand together, whichever list they are from.
    entries in_order;
    for (const std::string& name : names_of(made, &entry::format))
      for (const entry& each : made)
        if (name == each.format)
          in_order.push_back(each);
    return in_order;
  }();
  return all;
}

bool fits(const char* pattern, const char* name) {
  for (; *pattern != '\0'; ++pattern, ++name) {
    if (*pattern == '*') {
      for (; *name != '\0'; ++name)
        if (fits(pattern + 1, name))
          return true;
      return fits(pattern + 1, name);
    }
    if (*name == '\0' || (*pattern != '?' && *pattern != *name))
      return false;
  }
  return *name == '\0';
}

bool select(const selection& wanted, const source& from, selected& into, std::string& problem) {
  if (!names_are_known(wanted.formats, "format", &entry::format, problem) ||
      !names_are_known(wanted.policies, "policy", &entry::policy, problem))
    return false;
  const bool only_usual = !wanted.everything && wanted.formats.empty() && wanted.policies.empty() && wanted.budget == 0;
  entries of_formats;
  for (const entry& each : all_entries())
    if (fits_any(wanted.formats, each.format))
      of_formats.push_back(each);
  entries named;
  for (const entry& each : of_formats)
    if (fits_any(wanted.policies, each.policy) && (!only_usual || is_usual(each)))
      named.push_back(each);
  if (named.empty()) {
    problem = "none of these formats has such a policy; theirs are " + listed(names_of(of_formats, &entry::policy));
    return false;
  }
  double fewest = 0;
  for (const entry& each : named) {
    const double bits = printed_bits(each, from);
    fewest = fewest == 0 || bits < fewest ? bits : fewest;
    if (wanted.budget != 0 && bits > wanted.budget)
      continue;
    if (each.slow && !wanted.slow)
      ++into.left_out_as_slow;
    else
      into.rows.push_back(each);
  }
  if (into.rows.empty() && into.left_out_as_slow != 0)
    problem = "all of these are slow: ask for them with --slow";
  else if (into.rows.empty()) {
    char text[80];
    std::snprintf(text, sizeof text, "nothing fits the budget: the least here takes %.3f bits a weight", fewest);
    problem = text;
  }
  return !into.rows.empty();
}

}  // namespace report
