// Step 1: what the command line asks for.
#pragma once

#include <string>

namespace inspect {

struct options {
  std::string path;
  std::string only;      // a pattern of layers, or empty
  bool json = false;     // one object instead of text
  bool layers = false;   // text: a line for each layer
  bool headers = false;  // do not read tensors
  bool help = false;
};

extern const char* const usage;

/// False, and one sentence, where the command line makes no sense.
bool parse(int count, const char* const* arguments, options& wanted, std::string& problem);

}  // namespace inspect
