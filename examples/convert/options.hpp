// Step 1: what the user asked for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace convert {

struct options {
  std::string input, output, scheme;
  std::string policy;             // empty: the scheme's default
  std::vector<std::string> keep;  // globs of tensor names
  std::size_t keep_ends = 0;      // of numbered layers, at either end
  std::size_t threads = 0;        // 0: all of the machine
  bool default_keeps = true;
  bool force = false;
  bool quiet = false;
  bool list = false;
  bool help = false;
};

/// False where the arguments make no sense; `problem` then says why in one sentence.
bool parse(int count, const char* const* arguments, options& wanted, std::string& problem);

extern const char* const usage;

}  // namespace convert
