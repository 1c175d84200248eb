#include "options.hpp"

#include <string_view>

namespace inspect {

const char* const usage =
    "Usage: fewbits_inspect PATH [options]\n"
    "\n"
    "Says what is in a checkpoint: its tensors, how its layers are quantised, bits a weight, the spread of scales,\n"
    "saturated codes, NaNs and zero scales. PATH is a .safetensors or .gguf file, a model.safetensors.index.json, or "
    "a\n"
    "folder. A config.json or hf_quant_config.json beside the files is read, too.\n"
    "\n"
    "  --layers         a line for each layer\n"
    "  --only PATTERN   layers whose names fit: model.layers.0.* or lm_head\n"
    "  --headers        from names, types and shapes alone: no tensor is read; --layers and --json show them\n"
    "  --json           one JSON object on standard output, with every layer\n"
    "  --help           this text\n"
    "  --               what follows is a path, whatever it begins with\n"
    "\n"
    "Words:\n"
    "  bits/w      stored bits a weight: scales, zero points and biases included\n"
    "  saturated   codes of the largest magnitude; the largest weight of each block usually has one\n"
    "  -0          codes of minus zero, which some writers never write\n"
    "  binade      2^n: scales from 2^n to just below 2^(n+1)\n"
    "\n"
    "Status: 0 success, 1 the checkpoint cannot be read, 2 the command line makes no sense.\n";

bool parse(int count, const char* const* arguments, options& wanted, std::string& problem) {
  bool flags_end = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const bool is_flag = !flags_end && argument.size() > 1 && argument.front() == '-';
    if (is_flag && argument == "--") {
      flags_end = true;
    } else if (is_flag && argument == "--json") {
      wanted.json = true;
    } else if (is_flag && argument == "--layers") {
      wanted.layers = true;
    } else if (is_flag && argument == "--headers") {
      wanted.headers = true;
    } else if (is_flag && (argument == "--help" || argument == "-h")) {
      wanted.help = true;
    } else if (is_flag && (argument == "--only" || argument.starts_with("--only="))) {
      if (argument == "--only" && i + 1 == count) {
        problem = "--only needs a pattern";
        return false;
      }
      wanted.only = argument == "--only" ? std::string(arguments[++i]) : std::string(argument.substr(7));
      if (wanted.only.empty()) {
        problem = "--only needs a pattern";
        return false;
      }
    } else if (is_flag) {
      problem = "unknown option " + std::string(argument);
      return false;
    } else if (argument.empty()) {
      problem = "the path is empty";
      return false;
    } else if (!wanted.path.empty()) {
      problem = "more than one path: " + std::string(argument);
      return false;
    } else {
      wanted.path = argument;
    }
  }
  if (wanted.path.empty() && !wanted.help) {
    problem = "a path is missing";
    return false;
  }
  return true;
}

}  // namespace inspect
