#include "options.hpp"

#include <string_view>

namespace report {

const char* const usage =
    "Usage: fewbits_report [file.safetensors [tensor]] [--json] [--help]\n"
    "\n"
    "Quantises weight matrices into formats of few bits and prints what each costs and loses.\n"
    "Without a file it uses an embedded sample with the statistics of trained weights.\n"
    "Of a file it takes every tensor of floats with two or more dimensions, or the one named.\n"
    "\n"
    "  --json   one JSON object on standard output; numbers that are not finite are null\n"
    "  --help   this text\n"
    "  --       what follows is a file or a tensor, whatever it begins with\n"
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

bool parse(int count, const char* const* arguments, options& wanted, std::string& problem) {
  int positional = 0;
  bool flags_end = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const bool is_flag = !flags_end && argument.size() > 1 && argument.front() == '-';
    if (is_flag && argument == "--") {
      flags_end = true;
    } else if (argument == "--json" && is_flag) {
      wanted.json = true;
    } else if ((argument == "--help" || argument == "-h") && is_flag) {
      wanted.help = true;
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
  return true;
}

}  // namespace report
