// Files of foreign tensors for the suites of layouts: named tensors out of a fixture, and bytes to write into.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/safetensors.hpp>

namespace fewbits_test {

using bytes = std::vector<std::byte>;

inline std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }

/// A file of tests/interop/fixtures/. Ends the program where it is missing or broken.
class fixture {
 public:
  explicit fixture(const std::string& name)
      : file_(open("tests/interop/fixtures/" + name + ".safetensors")),
        tensors_(fewbits::safetensors::parse(file_.bytes()).value()) {}

  std::span<const std::byte> operator[](const std::string& name) const {
    const auto found = tensors_.find(name);
    if (!found) {
      ADD_FAILURE() << "no tensor " << name;
      std::abort();
    }
    return found->bytes;
  }
  std::vector<float> floats(const std::string& name) const {
    const auto from = (*this)[name];
    std::vector<float> all(from.size() / 4);
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::uint32_t bits = 0;
      for (std::size_t b = 0; b < 4; ++b)
        bits |= std::to_integer<std::uint32_t>(from[4 * i + b]) << (8 * b);
      all[i] = std::bit_cast<float>(bits);
    }
    return all;
  }
  std::optional<std::string_view> metadata(const std::string& key) const { return tensors_.metadata(key); }

 private:
  static fewbits::mapped_file open(const std::string& path) {
    auto file = fewbits::mapped_file::open(path.c_str());
    if (!file) {
      ADD_FAILURE() << path << ": " << file.error().message();
      std::abort();
    }
    return std::move(file).value();
  }

  fewbits::mapped_file file_;
  fewbits::safetensors tensors_;
};

inline bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}
/// Bytes full of ones: what a writer leaves is seen.
inline bytes ones(std::size_t count) { return bytes(count, std::byte{0xff}); }
inline bytes random_bytes(std::mt19937_64& random, std::size_t count) {
  bytes made(count);
  for (auto& each : made)
    each = static_cast<std::byte>(random() & 0xff);
  return made;
}

}  // namespace fewbits_test
