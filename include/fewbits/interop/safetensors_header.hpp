// The header of a .safetensors file: which tensors it has and where their bytes lie. The file is foreign: every
// length, offset and product is checked before it is used, and a file that breaks a rule yields one sentence and no
// tensor. Source: huggingface/safetensors, README "Format"; where its reader is laxer, see docs/interop/safetensors.md.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/json.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/tensor_size.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What a header says of one tensor, borrowed from the header.
struct tensor_entry {
  std::string_view name;                 ///< UTF-8; may hold any character, NUL too
  dtype type;                            ///<
  std::span<const std::uint64_t> shape;  ///< logical extents, slowest first (row-major); empty for a scalar
  std::uint64_t first;                   ///< the tensor's first byte, counted from the file's
  std::uint64_t size;                    ///< exactly shape x bits of the type
};

/// One pair of a file's __metadata__.
struct metadata_entry {
  std::string_view key;    ///< UTF-8
  std::string_view value;  ///< UTF-8
};

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
  static constexpr std::uint64_t max_bytes = 100'000'000;  ///< the format's own limit
  static constexpr std::size_t max_rank = 64;              ///< as many as NumPy and PyTorch take
  static constexpr std::size_t prefix_size = 8;            ///< a little-endian length stands before the header

  /// The header's length, out of a file's first 8 bytes (or all it has, where they are fewer).
  /// Errors: errc::buffer_too_small: file_size is less than the prefix or the header needs; malformed_file: the length
  /// exceeds the format's limit.
  static result<std::size_t> length(std::span<const std::byte> file_prefix, std::uint64_t file_size) noexcept;

  /// Reads the header of a file that has `data_size` bytes after it. Time and memory follow the header's length.
  /// Errors: errc::buffer_too_small: the file is cut short; size_overflow: a shape does not fit 64 bits;
  /// unsupported: a dtype, key or rank unknown here; out_of_memory; malformed_file: all else.
  static result<safetensors_header> parse(std::span<const std::byte> header, std::uint64_t data_size) noexcept;

  /// All tensors, in the order of their bytes in the file; empty ones at one place by name.
  [[nodiscard]] std::span<const tensor_entry> tensors() const noexcept { return tensors_.view(); }

  /// The place of a name in tensors(). Errors: errc::not_found.
  [[nodiscard]] result<std::size_t> find(std::string_view name) const noexcept {
    const auto names = by_name_.view();
    const auto at = std::ranges::lower_bound(names, name, {}, [&](auto i) { return tensors()[i].name; });
    if (at != names.end() && tensors()[*at].name == name)
      return std::size_t{*at};
    error why{errc::not_found};
    return append_quoted(why << "there is no tensor ", name);
  }

  /// The pairs of __metadata__, sorted by key; empty where the file has none.
  [[nodiscard]] std::span<const metadata_entry> metadata() const noexcept { return metadata_.view(); }

  /// The metadata value of that key, or nothing.
  [[nodiscard]] std::optional<std::string_view> metadata(std::string_view key) const noexcept {
    const auto at = std::ranges::lower_bound(metadata(), key, {}, &metadata_entry::key);
    if (at == metadata().end() || at->key != key)
      return std::nullopt;
    return at->value;
  }

 private:
  class parser;
  safetensors_header() noexcept = default;

  nothrow_array<char> text_;             // names and metadata that had escapes
  nothrow_array<std::uint64_t> shapes_;  // all shapes, one after the other
  nothrow_array<tensor_entry> tensors_;
  nothrow_array<std::uint32_t> by_name_;  // indices of tensors_; a header of 100 MB has fewer than 2^32
  nothrow_array<metadata_entry> metadata_;
};

class safetensors_header::parser {
 public:
  parser(std::span<const std::byte> header_bytes, std::uint64_t bytes_after) noexcept
      : json_(header_bytes), data_first_(prefix_size + header_bytes.size()), data_size_(bytes_after) {}

  result<safetensors_header> run() noexcept {
    const bool read = json_.object([&](std::string_view name) { return member(name); }) && json_.end();
    if (!read && !failed_)
      refuse_json();
    if (read && check_metadata() && check_names() && check_offsets() && build()) {
      file_.text_ = json_.take_copies();
      return std::move(file_);
    }
    return failure_;
  }

 private:
  // What the header says of one tensor. Its shape stands in file_.shapes_.
  struct entry {
    std::string_view name;
    dtype type = dtype::u8;
    std::size_t shape_first = 0;
    std::size_t rank = 0;
    std::uint64_t begin = 0;  // data_offsets, counted from the end of the header
    std::uint64_t end = 0;
  };

  error& refuse(errc code) noexcept {
    failed_ = true;
    return failure_ = error{code};
  }
  error& refuse(errc code, std::string_view tensor) noexcept {
    return append_quoted(refuse(code) << "tensor ", tensor) << ": ";
  }
  bool refuse_memory() noexcept {
    refuse(errc::out_of_memory) << "memory is exhausted while reading the header";
    return false;
  }
  void refuse_json() noexcept {
    if (json_.out_of_memory()) {
      refuse_memory();
      return;
    }
    error& why = in_tensor_ ? refuse(errc::malformed_file, name_) : refuse(errc::malformed_file) << "header: ";
    why << json_.reason() << " at byte " << json_.position() << " of the header";
  }

  bool member(std::string_view name) noexcept {
    if (name == "__metadata__")
      return read_metadata();
    name_ = name;
    in_tensor_ = true;
    entry tensor;
    tensor.name = name;
    bool has_type = false, has_shape = false, has_offsets = false;
    const bool read = json_.object([&](std::string_view key) {
      if (key == "dtype")
        return once(has_type, key) && read_type(tensor);
      if (key == "shape")
        return once(has_shape, key) && read_shape(tensor);
      if (key == "data_offsets")
        return once(has_offsets, key) && read_offsets(tensor);
      append_quoted(refuse(errc::unsupported, name_) << "unknown key ", key);
      return false;
    });
    if (!read)
      return false;
    if (!has_type || !has_shape || !has_offsets) {
      refuse(errc::malformed_file, name_) << (!has_type    ? "dtype"
                                              : !has_shape ? "shape"
                                                           : "data_offsets")
                                          << " is missing";
      return false;
    }
    if (!check_size(tensor))
      return false;
    in_tensor_ = false;
    return entries_.push_back(tensor) || refuse_memory();
  }

  bool once(bool& seen, std::string_view key) noexcept {
    if (!std::exchange(seen, true))
      return true;
    refuse(errc::malformed_file, name_) << key << " occurs twice";
    return false;
  }

  bool read_metadata() noexcept {
    if (std::exchange(has_metadata_, true)) {
      refuse(errc::malformed_file) << "header: __metadata__ occurs twice";
      return false;
    }
    return json_.object([&](std::string_view key) {
      metadata_entry pair{key, {}};
      return json_.string(pair.value) && (file_.metadata_.push_back(pair) || refuse_memory());
    });
  }

  bool read_type(entry& tensor) noexcept {
    std::string_view name;
    if (!json_.string(name))
      return false;
    if (const auto type = dtype_from_name(name)) {
      tensor.type = *type;
      return true;
    }
    append_quoted(refuse(errc::unsupported, name_) << "unknown dtype ", name);
    return false;
  }

  bool read_shape(entry& tensor) noexcept {
    tensor.shape_first = file_.shapes_.size();
    return json_.array([&] {
      std::uint64_t extent = 0;
      if (!json_.unsigned_integer(extent))
        return false;
      if (tensor.rank == max_rank) {
        refuse(errc::unsupported, name_) << "shape has more than " << max_rank << " dimensions";
        return false;
      }
      ++tensor.rank;
      return file_.shapes_.push_back(extent) || refuse_memory();
    });
  }

  bool read_offsets(entry& tensor) noexcept {
    std::size_t count = 0;
    const bool read = json_.array([&] {
      std::uint64_t surplus = 0;
      ++count;
      return json_.unsigned_integer(count == 1 ? tensor.begin : count == 2 ? tensor.end : surplus);
    });
    if (!read)
      return false;
    if (count != 2) {
      refuse(errc::malformed_file, name_) << "data_offsets holds " << count << " numbers, not 2";
      return false;
    }
    if (tensor.begin > tensor.end) {
      refuse(errc::malformed_file, name_)
          << "data_offsets begin at " << tensor.begin << ", after their end at " << tensor.end;
      return false;
    }
    return true;
  }

  [[nodiscard]] std::span<const std::uint64_t> shape(const entry& tensor) const noexcept {
    return file_.shapes_.view().subspan(tensor.shape_first, tensor.rank);
  }

  bool check_size(const entry& tensor) noexcept {
    const auto bytes = tensor_size(tensor.type, shape(tensor));
    if (!bytes) {
      refuse(bytes.error().code(), name_) << bytes.error().message();
      return false;
    }
    if (*bytes != tensor.end - tensor.begin) {
      refuse(errc::malformed_file, name_) << "shape takes " << *bytes << " bytes of " << to_string(tensor.type)
                                          << ", but data_offsets span " << tensor.end - tensor.begin;
      return false;
    }
    return true;
  }

  bool check_metadata() noexcept {
    std::ranges::sort(file_.metadata_, {}, &metadata_entry::key);
    const auto twin = std::ranges::adjacent_find(file_.metadata_, {}, &metadata_entry::key);
    if (twin == file_.metadata_.end())
      return true;
    append_quoted(refuse(errc::malformed_file) << "metadata ", twin->key) << " occurs twice";
    return false;
  }

  bool check_names() noexcept {
    std::ranges::sort(entries_, {}, &entry::name);
    const auto twin = std::ranges::adjacent_find(entries_, {}, &entry::name);
    if (twin == entries_.end())
      return true;
    refuse(errc::malformed_file, twin->name) << "the name occurs twice";
    return false;
  }

  // Afterwards every entry lies inside the data: they follow each other from 0 to its end.
  bool check_offsets() noexcept {
    std::ranges::sort(entries_, {}, [](const entry& e) { return std::tuple{e.begin, e.end, e.name}; });
    std::uint64_t end = 0;
    std::string_view before;
    for (const entry& tensor : entries_) {
      if (tensor.begin < end) {
        append_quoted(refuse(errc::malformed_file, tensor.name) << "begins at byte " << tensor.begin << ", inside ",
                      before);
        return false;
      }
      if (tensor.begin > end) {
        refuse(errc::malformed_file, tensor.name)
            << "begins at byte " << tensor.begin << ", but no tensor holds the bytes from " << end;
        return false;
      }
      end = tensor.end;
      before = tensor.name;
    }
    if (end > data_size_)
      refuse(errc::buffer_too_small) << "the file is cut short: its tensors need " << end << " bytes and " << data_size_
                                     << " follow the header";
    if (end < data_size_)
      refuse(errc::malformed_file) << data_size_ - end << " bytes follow the last tensor";
    return end == data_size_;
  }

  bool build() noexcept {
    if (!file_.tensors_.reserve(entries_.size()) || !file_.by_name_.reserve(entries_.size()))
      return refuse_memory();
    for (const entry& tensor : entries_) {
      const auto index = static_cast<std::uint32_t>(file_.tensors_.size());
      if (!file_.tensors_.push_back(
              {tensor.name, tensor.type, shape(tensor), data_first_ + tensor.begin, tensor.end - tensor.begin}) ||
          !file_.by_name_.push_back(index))
        return refuse_memory();
    }
    std::ranges::sort(file_.by_name_, {}, [&](std::uint32_t i) { return file_.tensors()[i].name; });
    return true;
  }

  json_reader json_;
  std::uint64_t data_first_;
  std::uint64_t data_size_;
  safetensors_header file_;
  nothrow_array<entry> entries_;
  std::string_view name_;  // the tensor being read, for sentences
  bool in_tensor_ = false;
  bool has_metadata_ = false;
  bool failed_ = false;
  error failure_{errc::malformed_file};
};

inline result<std::size_t> safetensors_header::length(std::span<const std::byte> file_prefix,
                                                      std::uint64_t file_size) noexcept {
  if (file_size < prefix_size || file_prefix.size() < prefix_size)
    return error{errc::buffer_too_small} << "the file has " << (std::min<std::uint64_t>)(file_size, file_prefix.size())
                                         << " bytes, too few for a header length";
  std::uint64_t size = 0;  // little-endian on every host
  for (std::size_t i = prefix_size; i-- > 0;)
    size = size << 8 | std::to_integer<std::uint64_t>(file_prefix[i]);
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
  return parser{header, data_size}.run();
}

FEWBITS_NAMESPACE_END
