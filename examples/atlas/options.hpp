// Step 1: what the user asked for.
#pragma once

#include <string>
#include <vector>

namespace atlas {

struct options {
  std::string folder = "atlas";
  std::string image;   // empty: the built-in one
  std::string file;    // empty: no tensor
  std::string tensor;  // empty: the largest
  std::vector<std::string> only;
  bool force = false;
  bool list = false;
  bool help = false;
};

/// False where the arguments make no sense; `problem` then says why in one sentence.
bool parse(int count, const char* const* arguments, options& wanted, std::string& problem);

extern const char* const usage;

}  // namespace atlas
