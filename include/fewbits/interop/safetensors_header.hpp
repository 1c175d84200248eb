// The header of a .safetensors file: which tensors it has and where their bytes lie.
// Source: huggingface/safetensors, README "Format".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors_parser.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The tensors of a .safetensors file, without their bytes.
///
/// What holds once parse has succeeded: names are unique; the product of a tensor's non-zero extents times its
/// bits fits std::uint64_t, so no product of some of its extents can wrap; its size is what its shape says; the
/// tensors tile the data, from the header's end to the file's, without gap or overlap.
///
/// Lifetime: names and metadata without escapes borrow from the header's bytes, everything else from this object.
/// Moving the object keeps views valid.
class safetensors_header {
 public:
  static constexpr std::uint64_t max_bytes = 100'000'000;                ///< the format's own limit
  static constexpr std::size_t max_rank = detail::safetensors_max_rank;  ///< as many as NumPy and PyTorch take
  static constexpr std::size_t prefix_size =
      detail::safetensors_prefix_size;  ///< a little-endian length stands before the header

  /// The header's length, out of a file's first 8 bytes (or all it has, where they are fewer).
  /// Errors: errc::buffer_too_small: file_size is less than the prefix or the header needs; malformed_file: the length
  /// exceeds the format's limit.
  static result<std::size_t> length(std::span<const std::byte> file_prefix, std::uint64_t file_size) noexcept;

  /// Reads the header of a file that has `data_size` bytes after it. Time and memory follow the header's length.
  /// Errors: errc::buffer_too_small: the file is cut short; size_overflow: a shape does not fit 64 bits;
  /// unsupported: a dtype, key or rank unknown here; out_of_memory; malformed_file: all else.
  static result<safetensors_header> parse(std::span<const std::byte> header, std::uint64_t data_size) noexcept;

  /// All tensors, in the order of their bytes in the file; empty ones at one place by name.
  [[nodiscard]] std::span<const tensor_entry> tensors() const noexcept { return table_.tensors.view(); }

  /// The place of a name in tensors(). Errors: errc::not_found.
  [[nodiscard]] result<std::size_t> find(std::string_view name) const noexcept {
    const auto names = table_.by_name.view();
    const auto at = std::ranges::lower_bound(names, name, {}, [&](auto i) { return tensors()[i].name; });
    if (at != names.end() && tensors()[*at].name == name)
      return std::size_t{*at};
    error why{errc::not_found};
    return append_quoted(why << "there is no tensor ", name);
  }

  /// The pairs of __metadata__, sorted by key; empty where the file has none.
  [[nodiscard]] std::span<const metadata_entry> metadata() const noexcept { return table_.metadata.view(); }

  /// The metadata value of that key, or nothing.
  [[nodiscard]] std::optional<std::string_view> metadata(std::string_view key) const noexcept {
    const auto at = std::ranges::lower_bound(metadata(), key, {}, &metadata_entry::key);
    if (at == metadata().end() || at->key != key)
      return std::nullopt;
    return at->value;
  }

 private:
  explicit safetensors_header(detail::safetensors_table&& checked_table) noexcept : table_(std::move(checked_table)) {}

  detail::safetensors_table table_;
};

inline result<std::size_t> safetensors_header::length(std::span<const std::byte> file_prefix,
                                                      std::uint64_t file_size) noexcept {
  if (file_size < prefix_size || file_prefix.size() < prefix_size)
    return error{errc::buffer_too_small} << "the file has " << (std::min<std::uint64_t>)(file_size, file_prefix.size())
                                         << " bytes, too few for a header length";
  std::uint64_t size = 0;  // little-endian on every host
  for (std::size_t i = prefix_size; i-- > 0;)
    size = size << 8 | std::to_integer<std::uint64_t>(file_prefix[i]);
  constexpr std::uint64_t gguf_magic = 0x46554747;  // "GGUF": such a length is past the limit whatever follows
  if (size > max_bytes && size % (std::uint64_t{1} << 32) == gguf_magic)
    return error{errc::malformed_file, "it begins with \"GGUF\": it is a GGUF file, not a safetensors file"};
  if (size > max_bytes)
    return error{errc::malformed_file} << "the header length of " << size << " bytes exceeds the format's limit of "
                                       << max_bytes;
  if (size > file_size - prefix_size)
    return error{errc::buffer_too_small} << "the file is cut short: its header needs " << size << " bytes and "
                                         << file_size - prefix_size << " follow";
  return static_cast<std::size_t>(size);
}

inline result<safetensors_header> safetensors_header::parse(std::span<const std::byte> header,
                                                            std::uint64_t data_size) noexcept {
  if (header.empty() || header.front() != std::byte{'{'})
    return error{errc::malformed_file} << "the header does not begin with '{'";
  if (header.size() > max_bytes)
    return error{errc::malformed_file} << "the header of " << header.size() << " bytes exceeds the format's limit of "
                                       << max_bytes;
  auto table = detail::safetensors_parser{header, data_size}.run();
  if (!table)
    return table.error();
  return safetensors_header(std::move(table).value());
}

FEWBITS_NAMESPACE_END
