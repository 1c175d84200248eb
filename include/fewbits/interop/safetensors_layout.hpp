// The first bytes of a .safetensors file that is to be written, from what the caller says of its tensors.
// Source: huggingface/safetensors, README "Format".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/json.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/safetensors_header.hpp>
#include <fewbits/interop/tensor_size.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A tensor to be written, borrowed.
struct tensor_spec {
  std::string_view name;                 ///< UTF-8, any characters; not "__metadata__"
  dtype type;                            ///<
  std::span<const std::uint64_t> shape;  ///< logical extents, slowest first; empty for a scalar
};

/// The order of the reference package: wide types first, then by name, so that every tensor is aligned to its type.
constexpr void sort_as_reference(std::span<tensor_spec> tensors) noexcept {
  std::ranges::sort(tensors, [](const tensor_spec& left_spec, const tensor_spec& right_spec) {
    const auto left_row = static_cast<std::size_t>(left_spec.type);
    const auto right_row = static_cast<std::size_t>(right_spec.type);
    return left_row != right_row ? left_row > right_row : left_spec.name < right_spec.name;
  });
}

/// The first bytes of a file: its header's length, the header, spaces up to a multiple of 8; and where tensors end.
class safetensors_layout {
 public:
  static constexpr std::string_view file_kind = "safetensors";
  using spec_type = tensor_spec;
  using metadata_type = std::span<const metadata_entry>;

  /// Tensors follow each other in the order given; metadata is sorted by its keys. Equal arguments give equal bytes.
  /// Nothing is borrowed afterwards.
  /// Errors: errc::invalid_argument: a name that occurs twice, is "__metadata__" or is not UTF-8, a key that occurs
  /// twice, a header past the format's 100 MB; size_overflow: a shape or all tensors do not fit 64 bits;
  /// malformed_file: a type below a byte that fills no whole number of bytes; unsupported: more than 64 dimensions or
  /// a dtype outside the enumeration; out_of_memory.
  static result<safetensors_layout> make(std::span<const tensor_spec> tensors,
                                         std::span<const metadata_entry> metadata = {}) noexcept;

  /// What comes before the first tensor's bytes.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::as_bytes(header_.view()); }
  [[nodiscard]] std::size_t tensors() const noexcept { return places_.size(); }
  [[nodiscard]] std::string_view name(std::size_t tensor) const noexcept {
    const place& p = places_.view()[tensor];
    return {names_.data() + p.name_first, p.name_size};
  }
  /// Bytes of one tensor.
  [[nodiscard]] std::uint64_t size(std::size_t tensor) const noexcept { return places_.view()[tensor].size; }
  /// No byte stands between two tensors.
  [[nodiscard]] static constexpr std::uint64_t padding(std::size_t) noexcept { return 0; }
  /// Bytes of the whole file.
  [[nodiscard]] std::uint64_t file_size() const noexcept { return header_.size() + data_size_; }

 private:
  struct place {
    std::size_t name_first;
    std::size_t name_size;
    std::uint64_t size;
  };

  safetensors_layout() noexcept = default;

  bool put(std::string_view text) noexcept { return header_.append(text); }
  bool put(std::uint64_t number) noexcept {
    char digits[20] = {};
    std::size_t first = sizeof digits;
    do
      digits[--first] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return put(std::string_view{digits + first, sizeof digits - first});
  }
  // A JSON string. Control characters, '"' and '\' are escaped; everything else stands as it is.
  bool put_string(std::string_view text) noexcept {
    constexpr char hex[] = "0123456789abcdef";
    bool fits = put("\"");
    std::size_t plain = 0;  // where the run that needs no escape begins
    for (std::size_t i = 0; fits && i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte >= 0x20 && byte != '"' && byte != '\\')
        continue;
      const std::size_t named = std::string_view{"\"\\\b\f\n\r\t"}.find(text[i]);
      const char shortest[] = {'\\', named == std::string_view::npos ? 'u' : "\"\\bfnrt"[named]};
      const char code[] = {'0', '0', hex[byte >> 4], hex[byte & 15]};
      fits = put(text.substr(plain, i - plain)) && put({shortest, sizeof shortest}) &&
             (named != std::string_view::npos || put({code, sizeof code}));
      plain = i + 1;
    }
    fits = fits && put(text.substr(plain));
    return fits && put("\"");
  }
  bool put_tensor(const tensor_spec& tensor, std::uint64_t size) noexcept {
    bool fits = places_.push_back({names_.size(), tensor.name.size(), size}) && names_.append(tensor.name);
    fits = fits && put_string(tensor.name) && put(":{\"dtype\":\"") && put(to_string(tensor.type)) &&
           put("\",\"shape\":[");
    for (std::size_t i = 0; fits && i < tensor.shape.size(); ++i)
      fits = (i == 0 || put(",")) && put(tensor.shape[i]);
    fits = fits && put("],\"data_offsets\":[") && put(data_size_) && put(",") && put(data_size_ + size) && put("]}");
    data_size_ += size;
    return fits;
  }

  static bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
      const std::size_t length = utf8_length(text.substr(0, 4));
      if (length == 0)
        return false;
      text.remove_prefix(length);
    }
    return true;
  }
  static error out_of_memory() noexcept {
    return error{errc::out_of_memory, "memory is exhausted while a safetensors header is made"};
  }
  static error too_long(std::uint64_t bytes) noexcept {
    return error{errc::invalid_argument} << "the header takes " << bytes << " bytes or more, and the format allows "
                                         << safetensors_header::max_bytes;
  }
  static error refuse(errc code, std::string_view tensor) noexcept {
    error why{code};
    append_quoted(why << "tensor ", tensor) << ": ";
    return why;
  }

  result<void> put_metadata(std::span<const metadata_entry> metadata) noexcept;
  result<void> check_names(std::span<const tensor_spec> tensors) const noexcept;

  nothrow_array<char> header_;
  nothrow_array<char> names_;
  nothrow_array<place> places_;
  std::uint64_t data_size_ = 0;
};

inline result<void> safetensors_layout::put_metadata(std::span<const metadata_entry> metadata) noexcept {
  nothrow_array<metadata_entry> sorted;
  if (!sorted.append(metadata))
    return out_of_memory();
  std::ranges::sort(sorted, {}, &metadata_entry::key);
  bool fits = put("\"__metadata__\":{");
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const metadata_entry& pair = sorted.view()[i];
    error why{errc::invalid_argument};
    append_quoted(why << "metadata ", pair.key);
    if (!is_utf8(pair.key) || !is_utf8(pair.value))
      return why << " is not UTF-8";
    if (i != 0 && sorted.view()[i - 1].key == pair.key)
      return why << " occurs twice";
    fits = fits && (i == 0 || put(",")) && put_string(pair.key) && put(":") && put_string(pair.value);
  }
  if (!fits || !put("}"))
    return out_of_memory();
  return {};
}

inline result<void> safetensors_layout::check_names(std::span<const tensor_spec> tensors) const noexcept {
  nothrow_array<std::string_view> names;
  if (!names.reserve(tensors.size()))
    return out_of_memory();
  for (const tensor_spec& tensor : tensors) {
    if (tensor.name == "__metadata__")
      return refuse(errc::invalid_argument, tensor.name) << "the format keeps this name for metadata";
    if (!is_utf8(tensor.name))
      return refuse(errc::invalid_argument, tensor.name) << "the name is not UTF-8";
    if (!names.push_back(tensor.name))
      return out_of_memory();
  }
  std::ranges::sort(names);
  const auto twin = std::ranges::adjacent_find(names);
  if (twin != names.end())
    return refuse(errc::invalid_argument, *twin) << "the name occurs twice";
  return {};
}

inline result<safetensors_layout> safetensors_layout::make(std::span<const tensor_spec> tensors,
                                                           std::span<const metadata_entry> metadata) noexcept {
  safetensors_layout made;
  // Text past the limit is not looked at.
  std::uint64_t text = 0;
  for (const tensor_spec& tensor : tensors)
    text += tensor.name.size();
  for (const metadata_entry& pair : metadata)
    text += pair.key.size() + pair.value.size();
  if (text > safetensors_header::max_bytes)
    return too_long(text);
  const auto named = made.check_names(tensors);
  if (!named)
    return named.error();
  if (!made.put(std::string_view{"\0\0\0\0\0\0\0\0{", 9}))
    return out_of_memory();
  if (!metadata.empty()) {
    const auto put = made.put_metadata(metadata);
    if (!put)
      return put.error();
  }
  for (const tensor_spec& tensor : tensors) {
    if (bits_per_element(tensor.type) == 0)
      return refuse(errc::unsupported, tensor.name) << "its dtype is outside the enumeration";
    if (tensor.shape.size() > safetensors_header::max_rank)
      return refuse(errc::unsupported, tensor.name)
             << "shape has more than " << safetensors_header::max_rank << " dimensions";
    const auto size = tensor_size(tensor.type, tensor.shape);
    if (!size)
      return refuse(size.error().code(), tensor.name) << size.error().message();
    if (!checked_add(made.data_size_, *size))
      return refuse(errc::size_overflow, tensor.name) << "with it the file exceeds 2^64 bytes";
    const bool first = &tensor == tensors.data() && metadata.empty();
    if ((!first && !made.put(",")) || !made.put_tensor(tensor, *size))
      return out_of_memory();
  }
  bool fits = made.put("}");
  while (fits && made.header_.size() % 8 != 0)
    fits = made.put(" ");
  if (!fits)
    return out_of_memory();
  const std::uint64_t length = made.header_.size() - 8;
  if (length > safetensors_header::max_bytes)
    return too_long(length);
  if (!checked_add(made.header_.size(), made.data_size_))
    return error{errc::size_overflow, "header and tensors together exceed 2^64 bytes"};
  for (std::size_t i = 0; i < 8; ++i)
    made.header_.data()[i] = static_cast<char>(static_cast<unsigned char>(length >> (8 * i) & 0xff));
  return made;
}

FEWBITS_NAMESPACE_END
