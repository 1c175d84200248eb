// Step 1: what the user asked for.
#pragma once

#include <string>

#include "registry.hpp"

namespace report {

struct options {
  std::string file;    // empty: the embedded sample
  std::string tensor;  // empty: every matrix
  selection rows;
  bool json = false;
  bool quality = false;
  bool speed = false;
  bool list = false;
  bool help = false;
};

/// False where the arguments make no sense; `problem` then says why in one sentence.
bool parse(int count, const char* const* arguments, options& wanted, std::string& problem);

extern const char* const usage;

}  // namespace report
