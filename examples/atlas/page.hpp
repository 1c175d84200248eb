// Step 3: the page, and files.
#pragma once

#include <string>
#include <vector>

#include "drawing.hpp"

namespace atlas {

struct section {
  std::string name;  // of the anchor
  std::string title;
  std::string words;  // a sentence or two
  std::vector<std::string> elements;
};

/// The page: one file, without scripts, in the light or dark colours of its reader.
std::string page_of(const std::vector<section>& sections, const char* version);

/// False, and a sentence, where the file cannot be written to its last byte.
bool write_file(const std::string& path, const std::string& text, std::string& problem);

}  // namespace atlas
