// Reads .safetensors files of any size: the header comes into memory, tensors only when they are asked for, each into
// the caller's buffer. Source: huggingface/safetensors, README "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/byte_source.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors_header.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A header together with the bytes it borrows from. Moving keeps views valid.
struct owned_safetensors_header {
  nothrow_array<std::byte> bytes;
  safetensors_header header;

  /// Reads the header of a file. Errors: as safetensors_header, and the source's; errc::out_of_memory.
  template <byte_source Source>
  static result<owned_safetensors_header> read(const Source& source) {
    std::byte prefix[safetensors_header::prefix_size] = {};
    const auto count = static_cast<std::size_t>(source.size() < sizeof prefix ? source.size() : sizeof prefix);
    const auto begin = source.read_at(0, {prefix, count});
    if (!begin)
      return begin.error();
    const auto length = safetensors_header::length({prefix, count}, source.size());
    if (!length)
      return length.error();
    nothrow_array<std::byte> bytes;
    if (!bytes.reserve(*length))
      return out_of_memory();
    std::byte chunk[4096];
    while (bytes.size() < *length) {
      const std::size_t left = *length - bytes.size();
      const std::span<std::byte> piece{chunk, left < sizeof chunk ? left : sizeof chunk};
      const auto read = source.read_at(sizeof prefix + bytes.size(), piece);
      if (!read)
        return read.error();
      if (!bytes.append(piece))
        return out_of_memory();
    }
    auto header = safetensors_header::parse(bytes.view(), source.size() - sizeof prefix - *length);
    if (!header)
      return header.error();
    return owned_safetensors_header{std::move(bytes), std::move(header).value()};
  }

 private:
  static error out_of_memory() noexcept {
    return error{errc::out_of_memory, "memory is exhausted while reading the header"};
  }
};

/// The tensors of a file that is read in pieces. Owns the source; views borrow from this object and survive its move.
template <byte_source Source>
class safetensors_stream {
 public:
  /// Reads the header. Errors: as safetensors_header, and the source's; errc::out_of_memory.
  static result<safetensors_stream> open(Source source) {
    auto header = owned_safetensors_header::read(source);
    if (!header)
      return header.error();
    return safetensors_stream(std::move(source), std::move(header).value());
  }

  /// All tensors, in the order of their bytes in the file.
  [[nodiscard]] std::span<const tensor_entry> tensors() const noexcept { return header_.header.tensors(); }

  /// The tensor of that name. Errors: errc::not_found.
  [[nodiscard]] result<tensor_entry> find(std::string_view name) const noexcept {
    const auto at = header_.header.find(name);
    if (!at)
      return at.error();
    return tensors()[*at];
  }

  [[nodiscard]] const safetensors_header& header() const noexcept { return header_.header; }
  [[nodiscard]] const Source& source() const noexcept { return source_; }

  /// Fills `out` with bytes of a tensor, little-endian as the file has them, from byte `first` of the tensor on.
  /// `tensor` is one of tensors(). Errors: errc::buffer_too_small: the range reaches past the tensor; the source's.
  result<void> read(const tensor_entry& tensor, std::span<std::byte> out, std::uint64_t first = 0) const {
    if (first > tensor.size || out.size() > tensor.size - first) {
      error why{errc::buffer_too_small};
      return append_quoted(why << "tensor ", tensor.name)
             << ": " << out.size() << " bytes from " << first << " on reach past its " << tensor.size;
    }
    return source_.read_at(tensor.first + first, out);
  }

 private:
  safetensors_stream(Source&& from_source, owned_safetensors_header&& file_header) noexcept
      : source_(std::move(from_source)), header_(std::move(file_header)) {}

  Source source_;
  owned_safetensors_header header_;
};

FEWBITS_NAMESPACE_END
