// Files for the reader's tests: written from the format's text, and the promises of safetensors::parse checked
// by arithmetic of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <fewbits/interop/safetensors.hpp>

#include "interop/fit_to_print.hpp"

namespace fewbits_test {

/// The eight bytes of a header length, then the header, then `data` bytes that count 0, 1, 2, ...
inline std::string file_with_length(std::uint64_t length, std::string_view header, std::size_t data) {
  std::string file;
  for (int i = 0; i < 8; ++i)
    file += static_cast<char>(static_cast<unsigned char>(length >> (8 * i) & 0xff));
  file += header;
  for (std::size_t i = 0; i < data; ++i)
    file += static_cast<char>(static_cast<unsigned char>(i & 0xff));
  return file;
}

inline std::string file_of(std::string_view header, std::size_t data = 0) {
  return file_with_length(header.size(), header, data);
}

inline std::string tensor(std::string_view name, std::string_view type, std::string_view shape, std::uint64_t begin,
                          std::uint64_t end) {
  return "\"" + std::string(name) + R"(":{"dtype":")" + std::string(type) + R"(","shape":)" + std::string(shape) +
         R"(,"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

/// A copy in a heap block of exactly its size: a sanitizer sees the first byte read past it.
class exact_bytes {
 public:
  explicit exact_bytes(std::string_view text) : data_(new std::byte[text.size()]), size_(text.size()) {
    if (size_ != 0)
      std::memcpy(data_.get(), text.data(), size_);
  }
  [[nodiscard]] std::span<const std::byte> view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_;
};

/// What parse promises of every file it accepts. Returns the broken promise, or nullptr.
inline const char* broken_promise(const fewbits::safetensors& read, std::span<const std::byte> file) {
  const std::byte* at = nullptr;
  std::size_t total = 0;
  for (const fewbits::tensor_view& t : read.tensors()) {
    if (at != nullptr && t.bytes.data() != at)
      return "the tensors follow each other";
    at = t.bytes.data() + t.bytes.size();
    total += t.bytes.size();
    std::uint64_t bits = fewbits::bits_per_element(t.type);
    const std::uint64_t limit = file.size() * std::uint64_t{8};
    bool empty = false;
    for (const std::uint64_t extent : t.shape)
      empty = empty || extent == 0;
    for (const std::uint64_t extent : t.shape) {
      if (!empty && extent > limit / bits)
        return "a shape needs no more bits than the file has";
      bits *= empty ? 1 : extent;
    }
    if ((empty ? 0 : bits) != t.bytes.size() * std::uint64_t{8})
      return "the bytes are as many as the shape says";
    const auto found = read.find(t.name);
    if (!found || found->bytes.data() != t.bytes.data() || found->shape.data() != t.shape.data())
      return "find returns the tensor of that name";
    for (const std::byte b : t.bytes)  // touches each byte: a sanitizer objects to any outside the file
      if (static_cast<volatile const std::byte&>(b) != b)
        return "bytes can be read";
  }
  if (at != nullptr && at != file.data() + file.size())
    return "the last tensor ends with the file";
  if (total > file.size())
    return "the data fit the file";
  for (const fewbits::metadata_entry& pair : read.metadata())
    if (read.metadata(pair.key) != pair.value)
      return "metadata(key) returns the pair's value";
  return nullptr;
}

/// What an error promises: one sentence that is fit to be printed.
inline const char* broken_promise(const fewbits::error& why) {
  if (why.message().empty())
    return "an error has a sentence";
  if (!is_fit_to_print(why.message()))
    return "a sentence is harmless UTF-8";
  return nullptr;
}

}  // namespace fewbits_test
