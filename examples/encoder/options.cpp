#include "options.hpp"

#include <charconv>
#include <string_view>

namespace encoder {

const char* const usage =
    "Usage: fewbits_encoder FOLDER SENTENCES [options]\n"
    "\n"
    "Runs a BERT sentence encoder with its linear layers kept in few bits, and prints per scheme how far the\n"
    "sentences' vectors turn away from those of float32, how large the layers are and how fast it runs.\n"
    "FOLDER holds config.json, vocab.txt and one .safetensors file; SENTENCES is text, a sentence a line.\n"
    "\n"
    "  --schemes LIST    nvfp4,int4_g128,...; float32 runs always\n"
    "  --threads N       threads of the products (1)\n"
    "  --batch N         sentences that are multiplied together (32)\n"
    "  --repeat N        times each scheme runs; the fastest counts (3)\n"
    "  --vectors SCHEME  instead of the table each sentence's vector, a line each\n"
    "  --tokens          instead of the table each sentence's token numbers, a line each\n"
    "  --list            the schemes\n"
    "  --help            this text\n"
    "\n"
    "Status: 0 success, 1 a file cannot be used, 2 the command line makes no sense.\n";

namespace {

bool parse_count(std::string_view option, std::string_view text, std::size_t& into, std::string& problem) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (code == std::errc{} && end == text.data() + text.size() && into >= 1 && into <= 1024)
    return true;
  problem = std::string(option) + " takes a number from 1 to 1024, not \"" + std::string(text) + "\"";
  return false;
}

void split(std::string_view list, std::vector<std::string>& into) {
  while (true) {
    const std::size_t comma = list.find(',');
    into.emplace_back(list.substr(0, comma));
    if (comma == list.npos)
      return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

bool parse(int count, const char* const* arguments, options& wanted, std::string& problem) {
  int positional = 0;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      wanted.help = true;
    } else if (argument == "--list") {
      wanted.list = true;
    } else if (argument == "--tokens") {
      wanted.tokens = true;
    } else if (argument == "--schemes" || argument == "--threads" || argument == "--batch" || argument == "--repeat" ||
               argument == "--vectors") {
      if (++i == count) {
        problem = std::string(argument) + " needs a value";
        return false;
      }
      const std::string_view value = arguments[i];
      if (argument == "--schemes")
        split(value, wanted.schemes);
      else if (argument == "--vectors")
        wanted.vectors_of = value;
      else if (!parse_count(argument, value,
                            argument == "--threads" ? wanted.threads
                            : argument == "--batch" ? wanted.batch
                                                    : wanted.repeat,
                            problem))
        return false;
    } else if (argument.size() > 1 && argument.front() == '-') {
      problem = "unknown option " + std::string(argument);
      return false;
    } else if (positional == 2) {
      problem = "more than a folder and a file of sentences: " + std::string(argument);
      return false;
    } else {
      (positional++ == 0 ? wanted.folder : wanted.sentences) = argument;
    }
  }
  if (wanted.help || wanted.list || positional == 2)
    return true;
  problem =
      positional == 0 ? "a model's folder and a file of sentences are wanted" : "a file of sentences is wanted, too";
  return false;
}

}  // namespace encoder
