// Reads the header of a .safetensors file. The file is foreign: every length, offset and product is checked before it
// is used, and a file that breaks a rule yields one sentence and no tensor.
// Source: huggingface/safetensors, README "Format"; where its reader is laxer, see docs/interop/safetensors.md.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

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

namespace detail {

inline constexpr std::size_t safetensors_max_rank = 64;
inline constexpr std::size_t safetensors_prefix_size = 8;

/// What a header says, sorted and checked.
struct safetensors_table {
  nothrow_array<char> text;             // names and metadata that had escapes
  nothrow_array<std::uint64_t> shapes;  // all shapes, one after the other
  nothrow_array<tensor_entry> tensors;
  nothrow_array<std::uint32_t> by_name;  // indices of tensors; a header of 100 MB has fewer than 2^32
  nothrow_array<metadata_entry> metadata;
};

/// Reads a header into a table. Precondition: the first byte of the header is '{'.
class safetensors_parser {
 public:
  safetensors_parser(std::span<const std::byte> header_bytes, std::uint64_t bytes_after) noexcept
      : json_(header_bytes), data_first_(safetensors_prefix_size + header_bytes.size()), data_size_(bytes_after) {}

  result<safetensors_table> run() noexcept {
    const bool read = json_.object([&](std::string_view name) { return member(name); }) && json_.end();
    if (!read && !failed_)
      refuse_json();
    if (read && check_metadata() && check_names() && check_offsets() && build()) {
      file_.text = json_.take_copies();
      return std::move(file_);
    }
    return failure_;
  }

 private:
  // What the header says of one tensor. Its shape stands in file_.shapes.
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
      return json_.string(pair.value) && (file_.metadata.push_back(pair) || refuse_memory());
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
    tensor.shape_first = file_.shapes.size();
    return json_.array([&] {
      std::uint64_t extent = 0;
      if (!json_.unsigned_integer(extent))
        return false;
      if (tensor.rank == safetensors_max_rank) {
        refuse(errc::unsupported, name_) << "shape has more than " << safetensors_max_rank << " dimensions";
        return false;
      }
      ++tensor.rank;
      return file_.shapes.push_back(extent) || refuse_memory();
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
    return file_.shapes.view().subspan(tensor.shape_first, tensor.rank);
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
    std::ranges::sort(file_.metadata, {}, &metadata_entry::key);
    const auto twin = std::ranges::adjacent_find(file_.metadata, {}, &metadata_entry::key);
    if (twin == file_.metadata.end())
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
    if (!file_.tensors.reserve(entries_.size()) || !file_.by_name.reserve(entries_.size()))
      return refuse_memory();
    for (const entry& tensor : entries_) {
      const auto index = static_cast<std::uint32_t>(file_.tensors.size());
      if (!file_.tensors.push_back(
              {tensor.name, tensor.type, shape(tensor), data_first_ + tensor.begin, tensor.end - tensor.begin}) ||
          !file_.by_name.push_back(index))
        return refuse_memory();
    }
    std::ranges::sort(file_.by_name, {}, [&](std::uint32_t i) { return file_.tensors.view()[i].name; });
    return true;
  }

  json_reader json_;
  std::uint64_t data_first_;
  std::uint64_t data_size_;
  safetensors_table file_;
  nothrow_array<entry> entries_;
  std::string_view name_;  // the tensor being read, for sentences
  bool in_tensor_ = false;
  bool has_metadata_ = false;
  bool failed_ = false;
  error failure_{errc::malformed_file};
};

}  // namespace detail

FEWBITS_NAMESPACE_END
