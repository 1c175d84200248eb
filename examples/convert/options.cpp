#include "options.hpp"

#include <charconv>
#include <string_view>

namespace convert {

const char* const usage =
    "Usage: fewbits_convert INPUT OUTPUT --scheme NAME [options]\n"
    "\n"
    "Quantises a safetensors checkpoint (a file, an index or a folder) tensor by tensor. OUTPUT is a folder, which "
    "gets\n"
    "files of the input's names, their index and config.json; for GGUF it is a file.\n"
    "Converted is every matrix of F16, BF16, F32 or F64 whose name ends in \".weight\", but for those kept as they "
    "are:\n"
    "embeddings, lm_head, norms, poolers and routers, and what the scheme's blocks do not fit.\n"
    "\n"
    "  --scheme NAME        one of --list\n"
    "  --policy NAME        how scales are chosen, one of the scheme's in --list\n"
    "  --keep GLOB          keeps tensors of these names, too (*, ?); may be repeated\n"
    "  --keep-ends N        keeps the first and last N of numbered layers (0)\n"
    "  --no-default-keeps   keeps only what --keep and --keep-ends say\n"
    "  --threads N          threads that quantise (all of the machine)\n"
    "  --force              replaces files that exist, and removes those of an earlier checkpoint\n"
    "  --quiet              no line a tensor and no progress\n"
    "  --list               the schemes and their policies\n"
    "  --help               this text\n"
    "\n"
    "A file gets its name when it is whole: neither a kill nor a full disk leaves half of one under it.\n"
    "Status: 0 success, 1 a file cannot be used, 2 the command line makes no sense.\n";

namespace {

bool parse_count(std::string_view option, std::string_view text, std::size_t least, std::size_t& into,
                 std::string& problem) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (code == std::errc{} && end == text.data() + text.size() && into >= least && into <= 1024)
    return true;
  problem = std::string(option) + " takes a number from " + std::to_string(least) + " to 1024, not \"" +
            std::string(text) + "\"";
  return false;
}

bool take_value(std::string_view option, const std::string& value, options& wanted, std::string& problem) {
  if (option == "--threads")
    return parse_count(option, value, 1, wanted.threads, problem);
  if (option == "--keep-ends")
    return parse_count(option, value, 0, wanted.keep_ends, problem);
  if (option == "--keep")
    wanted.keep.push_back(value);
  else
    (option == "--scheme" ? wanted.scheme : wanted.policy) = value;
  return true;
}

}  // namespace

bool parse(int count, const char* const* arguments, options& wanted, std::string& problem) {
  std::size_t positional = 0;
  for (int i = 1; i < count; ++i) {
    const std::string whole = arguments[i];
    // "--scheme=mxfp4" is "--scheme mxfp4".
    const std::size_t sign = whole.starts_with("--") ? whole.find('=') : whole.npos;
    const std::string argument = whole.substr(0, sign);
    bool* const flag = sign != whole.npos      ? nullptr
                       : argument == "--force" ? &wanted.force
                       : argument == "--quiet" ? &wanted.quiet
                       : argument == "--list"  ? &wanted.list
                       : argument == "--help"  ? &wanted.help
                       : argument == "-h"      ? &wanted.help
                                               : nullptr;
    if (flag != nullptr) {
      *flag = true;
    } else if (whole == "--no-default-keeps") {
      wanted.default_keeps = false;
    } else if (argument == "--scheme" || argument == "--policy" || argument == "--keep" || argument == "--keep-ends" ||
               argument == "--threads") {
      if (sign == whole.npos && ++i == count) {
        problem = argument + " needs a value";
        return false;
      }
      if (!take_value(argument, sign == whole.npos ? arguments[i] : whole.substr(sign + 1), wanted, problem))
        return false;
    } else if (argument.size() > 1 && argument.front() == '-') {
      problem = "unknown option " + whole;
      return false;
    } else if (argument.empty() || positional == 2) {
      problem = argument.empty() ? "a file name is empty" : "more than an input and an output: " + argument;
      return false;
    } else {
      (positional++ == 0 ? wanted.input : wanted.output) = argument;
    }
  }
  if (wanted.help || wanted.list)
    return true;
  if (positional != 2 || wanted.scheme.empty()) {
    problem =
        positional != 2 ? "an input and an output are wanted" : "--scheme says what to convert to; --list shows all";
    return false;
  }
  return true;
}

}  // namespace convert
