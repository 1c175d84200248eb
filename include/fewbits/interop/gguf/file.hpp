// A GGUF file in memory: its tensors and its metadata, borrowed. How it is read is in gguf/parser.hpp.
// Source: the GGUF specification, ggml/docs/gguf.md, version 3; where ggml differs, see docs/interop/gguf.md.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/gguf/types.hpp>
#include <fewbits/interop/gguf/value.hpp>
#include <fewbits/interop/printable.hpp>

FEWBITS_NAMESPACE_BEGIN

/// One tensor of a GGUF file, borrowed: name and bytes belong to the file, the shape to the reader that found it.
struct gguf_tensor {
  std::string_view name;                 ///< meant as UTF-8, not checked
  gguf_type type;                        ///<
  std::span<const std::uint64_t> shape;  ///< row-major, slowest first: the file's order reversed; empty for a scalar
  std::span<const std::byte> bytes;      ///< blocks along the last extent, row after row; as aligned as the file is
};

/// One pair of a file's metadata.
struct gguf_entry {
  std::string_view key;  ///<
  gguf_value value;      ///<
};

/// Bytes of a tensor of that type and shape, slowest extent first, in blocks along the last; nothing where a row is no
/// whole number of blocks, or where the product of all extents but zeros, in elements or bytes, does not fit 63 bits.
[[nodiscard]] constexpr std::optional<std::uint64_t> gguf_bytes(gguf_type type,
                                                                std::span<const std::uint64_t> shape) noexcept {
  const auto row = gguf_row_of(type);
  const std::uint64_t along = shape.empty() ? 1 : shape.back();
  if (!row || along % row->elements != 0)
    return std::nullopt;
  std::optional<std::uint64_t> bytes = row->bytes;
  std::optional<std::uint64_t> elements = 1;
  bool empty = false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    empty = empty || shape[i] == 0;
    if (shape[i] == 0)
      continue;
    elements = elements ? checked_multiply(*elements, shape[i]) : elements;
    bytes = bytes ? checked_multiply(*bytes, i + 1 == shape.size() ? shape[i] / row->elements : shape[i]) : bytes;
  }
  constexpr std::uint64_t most = ~std::uint64_t{0} >> 1;
  if (!bytes || !elements || *bytes > most || *elements > most)
    return std::nullopt;
  return empty ? 0 : *bytes;
}

/// The tensors and the metadata of a GGUF file in memory, of version 3 or 2 (which differ in nothing but that 3 may be
/// big-endian), little-endian.
///
/// What holds once parse has succeeded: tensor names are unique, and so are keys; keys are not empty; every string,
/// array and tensor lies inside the file; the product of a tensor's non-zero extents fits 63 bits, in elements and in
/// bytes; its rows are whole blocks and its bytes as many as its shape says; it begins at a multiple of the alignment,
/// counted from the data's beginning; no two tensors overlap. Bytes between tensors and after the last are not looked
/// at, and neither are values.
///
/// Lifetime: every view borrows from `file`, and shapes from this object. Moving the object keeps views valid.
class gguf {
 public:
  static constexpr std::uint64_t max_tensors = 1u << 20;        ///< the largest models have some thousands
  static constexpr std::uint64_t max_entries = 1u << 20;        ///< pairs of metadata
  static constexpr std::uint64_t max_name_bytes = 65535;        ///< of a key, as the format says, and of a name
  static constexpr std::uint64_t max_array_elements = 1 << 30;  ///< as in ggml
  static constexpr std::uint32_t max_rank = 4;                  ///< as in ggml
  static constexpr std::uint32_t default_alignment = 32;        ///< where the file has no general.alignment

  /// Reads the header, the metadata and the table of tensors of `file`, the whole file. Time and memory follow their
  /// length, not the data's.
  /// Errors: errc::buffer_too_small: the file is cut short; size_overflow: a shape does not fit 63 bits; unsupported: a
  /// version, a byte order, a tensor type or a nested array unknown here, or more of something than the limits above;
  /// out_of_memory; malformed_file: all else.
  static result<gguf> parse(std::span<const std::byte> file) noexcept;

  /// The same for a file of `file_bytes` bytes of which only the beginning is in memory, the table of tensors whole:
  /// tensors that end past it have no `bytes`, and file_offset says where they are. Errors: as parse, where
  /// errc::buffer_too_small also says that the beginning is too short: read more, and try again; invalid_argument:
  /// file_bytes is less than the beginning has.
  static result<gguf> parse_header(std::span<const std::byte> beginning, std::uint64_t file_bytes) noexcept;

  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] std::uint32_t alignment() const noexcept { return alignment_; }

  /// All tensors, in the order of the file's table.
  [[nodiscard]] std::span<const gguf_tensor> tensors() const noexcept { return tensors_.view(); }

  /// Where the first byte of tensors()[i] is in the file. Precondition: i < tensors().size().
  [[nodiscard]] std::uint64_t file_offset(std::size_t i) const noexcept { return offsets_.view()[i]; }

  /// The tensor of that name. Errors: errc::not_found.
  [[nodiscard]] result<gguf_tensor> find(std::string_view name) const noexcept {
    const auto at = find_in(tensors_by_name_.view(), tensors(), &gguf_tensor::name, name);
    if (at)
      return tensors()[*at];
    error why{errc::not_found};
    return append_quoted(why << "there is no tensor ", name);
  }

  /// The pairs of metadata, in the order of the file.
  [[nodiscard]] std::span<const gguf_entry> metadata() const noexcept { return entries_.view(); }

  /// The metadata value of that key, or nothing.
  [[nodiscard]] std::optional<gguf_value> metadata(std::string_view key) const noexcept {
    const auto at = find_in(entries_by_key_.view(), metadata(), &gguf_entry::key, key);
    return at ? std::optional{metadata()[*at].value} : std::nullopt;
  }

 private:
  class parser;
  gguf() noexcept = default;

  template <class T>
  static std::optional<std::size_t> find_in(std::span<const std::uint32_t> order, std::span<const T> all,
                                            std::string_view T::*name_of, std::string_view name) noexcept {
    const auto at = std::ranges::lower_bound(order, name, {}, [&](std::uint32_t i) { return all[i].*name_of; });
    if (at == order.end() || all[*at].*name_of != name)
      return std::nullopt;
    return *at;
  }

  std::uint32_t version_ = 0;
  std::uint32_t alignment_ = default_alignment;
  nothrow_array<std::uint64_t> shapes_;  // all shapes, one after the other
  nothrow_array<gguf_tensor> tensors_;
  nothrow_array<std::uint64_t> offsets_;  // of the tensors, in the file
  nothrow_array<std::uint32_t> tensors_by_name_;
  nothrow_array<gguf_entry> entries_;
  nothrow_array<std::uint32_t> entries_by_key_;
};

FEWBITS_NAMESPACE_END
