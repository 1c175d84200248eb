#include "options.hpp"

#include <string_view>

namespace atlas {

const char* const usage =
    "fewbits_atlas: pictures that explain formats of few bits, drawn from the library's own tables.\n"
    "\n"
    "  fewbits_atlas [options] [file.safetensors [tensor]]\n"
    "\n"
    "Writes FOLDER/index.html, which needs no other file, and each picture as FOLDER/NAME.svg.\n"
    "With a file: one of its tensors on the grids of formats, too; the largest unless one is named.\n"
    "\n"
    "  --out FOLDER   where to write; atlas unless given\n"
    "  --force        write into a folder that is not empty; files of the same names are replaced\n"
    "  --only NAMES   these pictures alone, as SVG, without the page: names and globs (* and ?), with commas between\n"
    "  --image FILE   a binary PGM or PPM in the place of the built-in image\n"
    "  --list         print the names of the pictures\n"
    "  --help         print this\n";

namespace {

bool parse_list(std::string_view list, std::vector<std::string>& into, std::string& problem) {
  for (;;) {
    const auto comma = list.find(',');
    if (list.substr(0, comma).empty()) {
      problem = "--only has an empty name in its list";
      return false;
    }
    into.emplace_back(list.substr(0, comma));
    if (comma == list.npos)
      return true;
    list.remove_prefix(comma + 1);
  }
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
    } else if (is_flag && argument == "--force") {
      wanted.force = true;
    } else if (is_flag && argument == "--list") {
      wanted.list = true;
    } else if (is_flag && (argument == "--help" || argument == "-h")) {
      wanted.help = true;
    } else if (is_flag && (name == "--out" || name == "--only" || name == "--image")) {
      const bool inside = name.size() != argument.size();
      if (!inside && i + 1 == count) {
        problem = std::string(name) + " needs a value";
        return false;
      }
      const std::string value(inside ? argument.substr(name.size() + 1) : std::string_view(arguments[++i]));
      if (value.empty()) {
        problem = std::string(name) + " needs a value that is not empty";
        return false;
      }
      if (name == "--only") {
        if (!parse_list(value, wanted.only, problem))
          return false;
      } else {
        (name == "--out" ? wanted.folder : wanted.image) = value;
      }
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

}  // namespace atlas
