#include "options.hpp"

#include <cmath>
#include <cstdlib>
#include <string_view>

namespace report {

const char* const usage =
    "Usage: fewbits_report [file.safetensors [tensor]] [options]\n"
    "\n"
    "Quantises weight matrices into formats of few bits and prints what each costs and loses, best first.\n"
    "Without a file it uses an embedded sample with the statistics of trained weights.\n"
    "Of a file it takes every tensor of floats with two or more dimensions, or the one named.\n"
    "\n"
    "  --formats LIST   names or globs: nvfp4,mxfp*,int4_g128*; with all their policies\n"
    "  --policies LIST  names or globs: floor,four_over_six*,exact; of all formats that have them\n"
    "  --budget BITS    what takes at most so many bits a weight, of all formats and policies\n"
    "  --slow           also what takes seconds for a million weights: exact scales of 8-bit elements\n"
    "  --list           the formats and policies, and what they are\n"
    "  --quality        of every format and policy the error on four distributions, as a table in Markdown\n"
    "  --speed          instead of errors the speed of products on this machine, for the main formats\n"
    "  --json           one JSON object on standard output; numbers that are not finite are null\n"
    "  --help           this text\n"
    "  --               what follows is a file or a tensor, whatever it begins with\n"
    "\n"
    "Columns:\n"
    "  bits/w         stored bits a weight, scales included\n"
    "  SQNR dB        signal to quantisation noise: 10 log10(sum w^2 / sum error^2)\n"
    "  largest error  largest |restored - original|\n"
    "  saturated      values clamped to the largest element\n"
    "  underflowed    values other than 0 that are stored as 0\n"
    "  product error  |A W'^T - A W^T| / |A W^T|, Frobenius, A being random N(0,1) of a fixed seed\n"
    "  time           to quantise, one core, by the scalar reference\n"
    "\n"
    "Status: 0 success, 1 the file cannot be used, 2 the command line makes no sense.\n";

namespace {

bool parse_list(std::string_view option, std::string_view list, std::vector<std::string>& into, std::string& problem) {
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    if (name.empty()) {
      problem = std::string(option) + " has an empty name in its list";
      return false;
    }
    into.emplace_back(name);
    if (comma == list.npos)
      return true;
    list.remove_prefix(comma + 1);
  }
}

bool parse_budget(const std::string& text, double& into, std::string& problem) {
  char* end = nullptr;
  into = std::strtod(text.c_str(), &end);
  if (!text.empty() && *end == '\0' && std::isfinite(into) && into > 0)
    return true;
  problem = "--budget takes a number of bits above 0, not \"" + text + "\"";
  return false;
}

bool parse_value(std::string_view option, const std::string& value, options& wanted, std::string& problem) {
  if (option == "--formats")
    return parse_list(option, value, wanted.rows.formats, problem);
  if (option == "--policies")
    return parse_list(option, value, wanted.rows.policies, problem);
  return parse_budget(value, wanted.rows.budget, problem);
}

}  // namespace

bool parse(int count, const char* const* arguments, options& wanted, std::string& problem) {
  int positional = 0;
  bool flags_end = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const bool is_flag = !flags_end && argument.size() > 1 && argument.front() == '-';
    const std::string_view name = argument.substr(0, argument.find('='));
    if (is_flag && argument == "--") {
      flags_end = true;
    } else if (is_flag && argument == "--json") {
      wanted.json = true;
    } else if (is_flag && argument == "--quality") {
      wanted.quality = true;
    } else if (is_flag && argument == "--speed") {
      wanted.speed = true;
    } else if (is_flag && argument == "--slow") {
      wanted.rows.slow = true;
    } else if (is_flag && argument == "--list") {
      wanted.list = true;
    } else if (is_flag && (argument == "--help" || argument == "-h")) {
      wanted.help = true;
    } else if (is_flag && (name == "--formats" || name == "--policies" || name == "--budget")) {
      const bool inside = name.size() != argument.size();
      if (!inside && i + 1 == count) {
        problem = std::string(name) + " needs a value";
        return false;
      }
      if (!parse_value(name, inside ? std::string(argument.substr(name.size() + 1)) : arguments[++i], wanted, problem))
        return false;
    } else if (is_flag) {
      problem = "unknown option " + std::string(argument);
      return false;
    } else if (argument.empty()) {
      problem = positional == 0 ? "the file name is empty" : "the tensor name is empty";
      return false;
    } else if (positional == 2) {
      problem = "more than a file and a tensor: " + std::string(argument);
      return false;
    } else {
      (positional == 0 ? wanted.file : wanted.tensor) = argument;
      ++positional;
    }
  }
  if (wanted.quality && positional != 0) {
    problem = "--quality measures distributions, not a file";
    return false;
  }
  if (wanted.speed && (positional != 0 || wanted.quality || wanted.json || wanted.list || wanted.rows.slow ||
                       !wanted.rows.policies.empty() || wanted.rows.budget > 0)) {
    problem = "--speed takes --formats alone";
    return false;
  }
  wanted.rows.everything = wanted.quality;
  return true;
}

}  // namespace report
