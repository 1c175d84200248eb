// Reads tests/golden/blocks: hard blocks and what other systems made of them, in the form of tests/golden/BLOCKS.md.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "block/blocks.hpp"

#ifndef FEWBITS_TESTS_DIR
#define FEWBITS_TESTS_DIR "tests"
#endif

namespace writer_vectors {

inline std::filesystem::path folder() { return std::filesystem::path(FEWBITS_TESTS_DIR) / "golden" / "blocks"; }

inline std::uint32_t number_in(const std::string& digits) {
  return static_cast<std::uint32_t>(std::strtoul(digits.c_str(), nullptr, 16));
}
inline std::vector<std::uint32_t> numbers_in(const std::string& digits, std::size_t width) {
  std::vector<std::uint32_t> numbers;
  for (std::size_t at = 0; at + width <= digits.size(); at += width)
    numbers.push_back(number_in(digits.substr(at, width)));
  return numbers;
}

/// A tensor's blocks.
using tensor = std::vector<std::vector<float>>;

inline std::map<std::string, tensor> read_tensors() {
  std::map<std::string, tensor> tensors;
  for (const char* const file : {"inputs_16.txt", "inputs_32.txt", "inputs_64.txt", "inputs_128.txt"}) {
    std::ifstream input(folder() / file);
    tensor* current = nullptr;
    for (std::string line; std::getline(input, line);) {
      if (line.starts_with("tensor ")) {
        std::istringstream words(line.substr(7));
        std::string name;
        words >> name;
        current = &tensors[name];
      } else if (current != nullptr && !line.starts_with('#')) {
        std::vector<float> values;
        for (const std::uint32_t bits : numbers_in(line, 8))
          values.push_back(fewbits_test::float_of(bits));
        current->push_back(values);
      }
    }
  }
  return tensors;
}

struct answer {
  bool defined = false;
  std::uint32_t scale = 0;
  std::vector<std::uint32_t> codes;
};
struct writer_case {
  std::map<std::string, std::string> keys;
  std::vector<answer> answers;

  std::string operator[](const std::string& key) const {
    const auto found = keys.find(key);
    return found == keys.end() ? std::string{} : found->second;
  }
  std::string name() const { return (*this)["system"] + " " + (*this)["rule"] + " " + (*this)["element"]; }
};

inline std::vector<writer_case> read_cases(const std::string& file, const std::map<std::string, tensor>& tensors) {
  std::vector<writer_case> cases;
  std::ifstream input(folder() / file);
  for (std::string line; std::getline(input, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "case") {
      cases.emplace_back();
      for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        cases.back().keys[word.substr(0, equals)] = word.substr(equals + 1);
      }
    } else if (first != "#" && !cases.empty()) {
      answer one;
      one.defined = first != "-";
      std::string codes;
      words >> codes;
      one.scale = one.defined ? number_in(first) : 0;
      one.codes = numbers_in(codes, codes.size() > tensors.at(cases.back()["input"]).front().size() ? 2 : 1);
      cases.back().answers.push_back(one);
    }
  }
  return cases;
}

}  // namespace writer_vectors
