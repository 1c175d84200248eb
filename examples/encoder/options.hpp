// Step 1: what the user asked for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace encoder {

struct options {
  std::string folder;
  std::string sentences;             // a file
  std::vector<std::string> schemes;  // empty: all
  std::string vectors_of;            // a scheme whose vectors are printed; empty: none
  std::size_t threads = 1;
  std::size_t batch = 32;
  std::size_t repeat = 3;
  bool tokens = false;
  bool list = false;
  bool help = false;
};

/// False where the arguments make no sense; `problem` then says why in one sentence.
bool parse(int count, const char* const* arguments, options& wanted, std::string& problem);

extern const char* const usage;

}  // namespace encoder
