// GGUF files for the reader's tests, written from the format's text, and the promises of gguf::parse checked by
// arithmetic of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fewbits/interop/gguf.hpp>

#include "interop/fit_to_print.hpp"

namespace fewbits_test {

/// `count` bytes, lowest first; zeros past the eighth.
inline std::string number(std::uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes += static_cast<char>(static_cast<unsigned char>(i < 8 ? value >> (8 * i) & 0xff : 0));
  return bytes;
}
inline std::string text(std::string_view characters) { return number(characters.size(), 8) + std::string(characters); }

/// A pair of metadata: key, type, value.
inline std::string pair(std::string_view key, std::uint32_t type, std::string_view value) {
  return text(key) + number(type, 4) + std::string(value);
}
inline std::string array(std::string_view key, std::uint32_t type, std::uint64_t count, std::string_view values) {
  return pair(key, 9, number(type, 4) + number(count, 8) + std::string(values));
}
/// A row of the table of tensors; extents as in the file, fastest first.
inline std::string entry(std::string_view name, const std::vector<std::uint64_t>& extents, std::uint32_t type,
                         std::uint64_t offset) {
  std::string row = text(name) + number(extents.size(), 4);
  for (const std::uint64_t extent : extents)
    row += number(extent, 8);
  return row + number(type, 4) + number(offset, 8);
}

/// Header, pairs, table, filling, then `data` bytes that count 0, 1, 2, ...
inline std::string gguf_file(const std::vector<std::string>& pairs, const std::vector<std::string>& tensors,
                             std::size_t data = 0, std::size_t alignment = 32, std::uint32_t version = 3) {
  std::string file = "GGUF" + number(version, 4) + number(tensors.size(), 8) + number(pairs.size(), 8);
  for (const std::string& each : pairs)
    file += each;
  for (const std::string& each : tensors)
    file += each;
  while (!tensors.empty() && file.size() % alignment != 0)
    file += '\0';
  for (std::size_t i = 0; i < data; ++i)
    file += static_cast<char>(static_cast<unsigned char>(i & 0xff));
  return file;
}

/// A copy in a heap block of exactly its size: a sanitizer sees the first byte read past it.
class exact_gguf {
 public:
  explicit exact_gguf(std::string_view file) : data_(new std::byte[file.size()]), size_(file.size()) {
    if (size_ != 0)
      std::memcpy(data_.get(), file.data(), size_);
  }
  [[nodiscard]] std::span<const std::byte> view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_;
};

inline bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole_file) {
  return part.empty() ||
         (part.data() >= whole_file.data() && part.data() + part.size() <= whole_file.data() + whole_file.size());
}

/// What parse promises of every file it accepts. Returns the broken promise, or nullptr.
inline const char* broken_promise(const fewbits::gguf& read, std::span<const std::byte> file) {
  std::uint64_t data = 0;  // where the data begins, modulo the alignment
  std::vector<bool> taken(file.size());
  for (std::size_t i = 0; i < read.tensors().size(); ++i) {
    const fewbits::gguf_tensor& t = read.tensors()[i];
    const auto row = fewbits::gguf_row_of(t.type);
    if (!row)
      return "a tensor's type is known";
    bool empty = false;
    for (const std::uint64_t extent : t.shape)
      empty = empty || extent == 0;
    std::uint64_t elements = 1;
    for (const std::uint64_t extent : t.shape) {
      if (!empty && extent > file.size() * std::uint64_t{256} / elements)
        return "a shape has no more elements than the file has room for";
      elements *= empty ? 1 : extent;
    }
    if (t.bytes.size() != (empty ? 0 : elements / row->elements * row->bytes))
      return "the bytes are as many as the shape says";
    if (!t.shape.empty() && t.shape.back() % row->elements != 0)
      return "rows are whole blocks";
    if (t.shape.size() > 4)
      return "a shape has at most four extents";
    if (!lies_in(t.bytes, file) || (!t.bytes.empty() && t.bytes.data() != file.data() + read.file_offset(i)))
      return "a tensor lies in the file";
    if (i == 0)
      data = read.file_offset(i) % read.alignment();
    if (read.file_offset(i) % read.alignment() != data || data != 0)
      return "tensors are aligned";
    for (std::size_t b = 0; b < t.bytes.size(); ++b) {
      const auto at = static_cast<std::size_t>(read.file_offset(i)) + b;
      if (taken[at])
        return "no two tensors overlap";
      taken[at] = true;
      if (static_cast<volatile const std::byte&>(t.bytes[b]) != file[at])
        return "bytes can be read";
    }
    const auto found = read.find(t.name);
    if (!found || found->shape.data() != t.shape.data())
      return "find returns the tensor of that name";
  }
  for (const fewbits::gguf_entry& each : read.metadata()) {
    if (each.key.empty())
      return "a key is not empty";
    const auto found = read.metadata(each.key);
    if (!found || found->bytes().data() != each.value.bytes().data())
      return "metadata(key) returns the pair's value";
    if (!lies_in(each.value.bytes(), file))
      return "a value lies in the file";
    std::uint64_t count = 0;
    std::size_t bytes = 0;
    for (const fewbits::gguf_value& one : each.value.elements()) {
      ++count;
      bytes += one.bytes().size();
      const int kinds = (one.as_string() ? 1 : 0) + (one.as_double() ? 1 : 0) + (one.as_bool() ? 1 : 0) +
                        (one.as_signed() || one.as_unsigned() ? 1 : 0);
      if (kinds != 1)
        return "an element is of one kind";
    }
    if (count != each.value.size() || bytes != each.value.bytes().size())
      return "the elements are all of the value";
  }
  return nullptr;
}

/// What an error promises: one sentence that is fit to be printed.
inline const char* broken_gguf_promise(const fewbits::error& why) {
  if (why.message().empty())
    return "an error has a sentence";
  if (!is_fit_to_print(why.message()))
    return "a sentence is harmless UTF-8";
  return nullptr;
}

}  // namespace fewbits_test
