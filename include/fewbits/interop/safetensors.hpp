// Reads .safetensors files out of memory, copying no tensor. What the file may do, and what holds of one that is
// accepted: safetensors_header.hpp. Files larger than memory: safetensors_stream.hpp.
// Source: huggingface/safetensors, README "Format".
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
#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/safetensors_header.hpp>

FEWBITS_NAMESPACE_BEGIN

/// One tensor of a file, borrowed: the bytes belong to the file, name and shape to the reader that found it.
struct tensor_view {
  std::string_view name;                 ///< UTF-8; may hold any character, NUL too
  dtype type;                            ///<
  std::span<const std::uint64_t> shape;  ///< logical extents, slowest first (row-major); empty for a scalar
  std::span<const std::byte> bytes;      ///< little-endian, exactly shape x bits; no alignment is promised
};

/// The tensors of a .safetensors file in memory. What safetensors_header promises holds, and every tensor's bytes lie
/// inside the file. Tensor values are not looked at.
///
/// Lifetime: every view borrows from `file`, and names with escapes and shapes borrow from this object. Moving
/// the object keeps views valid; destroying it, or freeing or changing the file's bytes, does not.
class safetensors {
 public:
  static constexpr std::uint64_t max_header_bytes = safetensors_header::max_bytes;  ///< the format's own limit
  static constexpr std::size_t max_rank = safetensors_header::max_rank;             ///< dimensions of a tensor

  /// Reads the header of `file`, the whole file. Time and memory follow the header's length, not the data's.
  /// Errors: errc::buffer_too_small: the file is cut short; size_overflow: a shape does not fit 64 bits;
  /// unsupported: a dtype, key or rank unknown here; out_of_memory; malformed_file: all else.
  static result<safetensors> parse(std::span<const std::byte> file) noexcept;

  /// All tensors, in the order of their bytes in the file; empty ones at one place by name.
  [[nodiscard]] std::span<const tensor_view> tensors() const noexcept { return tensors_.view(); }

  /// The tensor of that name. Errors: errc::not_found.
  [[nodiscard]] result<tensor_view> find(std::string_view name) const noexcept {
    const auto at = header_.find(name);
    if (!at)
      return at.error();
    return tensors()[*at];
  }

  /// The pairs of __metadata__, sorted by key; empty where the file has none.
  [[nodiscard]] std::span<const metadata_entry> metadata() const noexcept { return header_.metadata(); }

  /// The metadata value of that key, or nothing.
  [[nodiscard]] std::optional<std::string_view> metadata(std::string_view key) const noexcept {
    return header_.metadata(key);
  }

 private:
  explicit safetensors(safetensors_header&& file_header) noexcept : header_(std::move(file_header)) {}

  safetensors_header header_;
  nothrow_array<tensor_view> tensors_;  // as header_.tensors()
};

inline result<safetensors> safetensors::parse(std::span<const std::byte> file) noexcept {
  const auto length = safetensors_header::length(file, file.size());
  if (!length)
    return length.error();
  const auto rest = file.subspan(safetensors_header::prefix_size);
  auto header = safetensors_header::parse(rest.first(*length), rest.size() - *length);
  if (!header)
    return header.error();
  safetensors read(std::move(header).value());
  bool fits = read.tensors_.reserve(read.header_.tensors().size());
  for (const tensor_entry& tensor : read.header_.tensors()) {
    const auto bytes = file.subspan(static_cast<std::size_t>(tensor.first), static_cast<std::size_t>(tensor.size));
    fits = fits && read.tensors_.push_back({tensor.name, tensor.type, tensor.shape, bytes});
  }
  if (!fits)
    return error{errc::out_of_memory, "memory is exhausted while reading the header"};
  return read;
}

FEWBITS_NAMESPACE_END
