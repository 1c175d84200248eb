// Reads GGUF's header, metadata and table of tensors. The file is foreign: every count, length, offset and product is
// checked before it is used, and a file that breaks a rule yields one sentence and no tensor.
// Source: the GGUF specification, ggml/docs/gguf.md, version 3.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/gguf/file.hpp>
#include <fewbits/interop/gguf/types.hpp>
#include <fewbits/interop/gguf/value.hpp>
#include <fewbits/interop/printable.hpp>

FEWBITS_NAMESPACE_BEGIN

class gguf::parser {
 public:
  /// Precondition: size_of_file >= beginning.size().
  parser(std::span<const std::byte> beginning, std::uint64_t size_of_file) noexcept
      : bytes_(beginning), file_bytes_(size_of_file) {}

  result<gguf> run() noexcept {
    if (read_header() && read_entries() && index(file_.entries_by_key_, metadata(), &gguf_entry::key, "key ") &&
        read_alignment() && read_tensors() && place_tensors() &&
        index(file_.tensors_by_name_, file_.tensors(), &gguf_tensor::name, "tensor ") && check_overlaps())
      return std::move(file_);
    return failure_;
  }

 private:
  [[nodiscard]] std::span<const gguf_entry> metadata() const noexcept { return file_.metadata(); }

  error& refuse(errc code) noexcept { return failure_ = error{code}; }
  // In the sentence: what is being read, a key or a tensor by name where there is one.
  error& refuse_here(errc code) noexcept {
    error& why = refuse(code);
    if (kind_.empty())
      return why << "header: ";
    if (name_.empty())
      return why << kind_ << " " << number_ << ": ";
    return append_quoted(why << kind_ << " ", name_) << ": ";
  }
  bool refuse_memory() noexcept {
    refuse(errc::out_of_memory) << "memory is exhausted while reading the header";
    return false;
  }
  bool refuse_end(std::string_view what) noexcept {
    refuse_here(errc::buffer_too_small) << "the file ends inside " << what;
    return false;
  }

  [[nodiscard]] std::uint64_t left() const noexcept { return bytes_.size() - at_; }
  // Precondition: count <= left().
  std::span<const std::byte> take(std::uint64_t count) noexcept {
    const auto taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += taken.size();
    return taken;
  }
  template <class Number>
  bool read(Number& out, std::string_view what) noexcept {
    if (left() < sizeof(Number))
      return refuse_end(what);
    out = static_cast<Number>(detail::read_little_endian(take(sizeof(Number)), sizeof(Number)));
    return true;
  }
  bool read_name(std::string_view& out, std::string_view what) noexcept {
    std::uint64_t length = 0;
    if (!read(length, what))
      return false;
    if (length > max_name_bytes) {
      refuse_here(errc::unsupported) << what << " has " << length << " bytes, and at most " << max_name_bytes
                                     << " are read";
      return false;
    }
    if (length > left())
      return refuse_end(what);
    const auto text = take(length);
    out = {reinterpret_cast<const char*>(text.data()), text.size()};
    return true;
  }

  bool read_header() noexcept {
    if (left() < 4 || bytes_[0] != std::byte{'G'} || bytes_[1] != std::byte{'G'} || bytes_[2] != std::byte{'U'} ||
        bytes_[3] != std::byte{'F'}) {
      refuse(left() < 4 ? errc::buffer_too_small : errc::malformed_file) << "the file does not begin with GGUF";
      return false;
    }
    at_ = 4;
    if (!read(file_.version_, "its version"))
      return false;
    if ((file_.version_ & 0xffff) == 0) {
      refuse(errc::unsupported) << "the file is big-endian, or its version is 0: little-endian files are read";
      return false;
    }
    if (file_.version_ != 2 && file_.version_ != 3) {
      refuse(errc::unsupported) << "the file is of GGUF version " << file_.version_ << ": versions 2 and 3 are read";
      return false;
    }
    // The shortest tensor: an empty name, no extent, a type, an offset. The shortest pair: a key of one byte, a bool.
    constexpr std::uint64_t shortest_tensor = 8 + 4 + 4 + 8, shortest_entry = 8 + 1 + 4 + 1;
    return read(tensor_count_, "its number of tensors") && read(entry_count_, "its number of keys") &&
           check_count(tensor_count_, max_tensors, shortest_tensor, "tensors") &&
           check_count(entry_count_, max_entries, shortest_entry, "keys");
  }
  bool check_count(std::uint64_t count, std::uint64_t most, std::uint64_t shortest, std::string_view what) noexcept {
    if (count > left() / shortest) {
      refuse(errc::buffer_too_small) << "header: " << count << " " << what << " do not fit the " << left()
                                     << " bytes that follow";
      return false;
    }
    if (count > most) {
      refuse(errc::unsupported) << "header: " << count << " " << what << ", and at most " << most << " are read";
      return false;
    }
    return true;
  }

  bool read_entries() noexcept {
    if (!file_.entries_.reserve(static_cast<std::size_t>(entry_count_)))
      return refuse_memory();
    kind_ = "key";
    for (number_ = 0; number_ < entry_count_; ++number_) {
      name_ = {};
      gguf_entry entry;
      if (!read_name(entry.key, "the key"))
        return false;
      if (entry.key.empty()) {
        refuse_here(errc::malformed_file) << "the key is empty";
        return false;
      }
      name_ = entry.key;
      if (!read_value(entry.value))
        return false;
      if (!file_.entries_.push_back(entry))
        return refuse_memory();
    }
    return true;
  }

  bool read_value(gguf_value& out) noexcept {
    std::uint32_t type_number = 0;
    if (!read(type_number, "a type"))
      return false;
    const auto type = static_cast<gguf_value_type>(type_number);
    auto element_type = type;
    std::uint64_t count = 1;
    if (type == gguf_value_type::array) {
      if (!read(type_number, "an array's type") || !read(count, "an array's length"))
        return false;
      element_type = static_cast<gguf_value_type>(type_number);
      if (element_type == gguf_value_type::array) {
        refuse_here(errc::unsupported) << "it is an array of arrays";
        return false;
      }
    }
    const bool strings = element_type == gguf_value_type::string;
    const std::uint64_t size = strings ? 8 : bytes_per_value(element_type);
    if (size == 0) {
      refuse_here(errc::unsupported) << "no type has the number " << type_number;
      return false;
    }
    if (count > max_array_elements) {
      refuse_here(errc::unsupported) << "an array of " << count << " elements, and at most " << max_array_elements
                                     << " are read";
      return false;
    }
    if (count > left() / size)
      return refuse_end(type == gguf_value_type::array ? "an array" : "a value");
    const std::size_t first = at_;
    if (!strings) {
      const auto bytes = take(count * size);
      if (element_type == gguf_value_type::boolean &&
          std::ranges::any_of(bytes, [](std::byte each_byte) { return each_byte > std::byte{1}; })) {
        refuse_here(errc::malformed_file) << "a bool is neither 0 nor 1";
        return false;
      }
    } else {
      for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t length = 0;
        if (!read(length, "a string"))
          return false;
        if (length > left())
          return refuse_end("a string");
        take(length);
      }
    }
    out = gguf_value(type, element_type, count, bytes_.subspan(first, at_ - first));
    return true;
  }

  template <class T>
  bool index(nothrow_array<std::uint32_t>& order, std::span<const T> all, std::string_view T::*name_of,
             std::string_view what) noexcept {
    if (!order.reserve(all.size()))
      return refuse_memory();
    for (std::uint32_t i = 0; i < all.size(); ++i)
      if (!order.push_back(i))
        return refuse_memory();
    const auto name = [&](std::uint32_t i) noexcept { return all[i].*name_of; };
    std::ranges::sort(order, {}, name);
    const auto twin = std::ranges::adjacent_find(order, {}, name);
    if (twin == order.end())
      return true;
    append_quoted(refuse(errc::malformed_file) << what, name(*twin)) << ": the name occurs twice";
    return false;
  }

  bool read_alignment() noexcept {
    const auto value = file_.metadata("general.alignment");
    if (!value)
      return true;
    name_ = "general.alignment";
    if (value->type() != gguf_value_type::u32) {
      refuse_here(errc::malformed_file) << "it is of type " << to_string(value->type()) << ", not u32";
      return false;
    }
    file_.alignment_ = static_cast<std::uint32_t>(*value->as_unsigned());
    if (std::has_single_bit(file_.alignment_))
      return true;
    refuse_here(errc::malformed_file) << "an alignment of " << file_.alignment_ << " is no power of two";
    return false;
  }

  bool read_tensors() noexcept {
    const auto count = static_cast<std::size_t>(tensor_count_);
    if (!file_.tensors_.reserve(count) || !file_.offsets_.reserve(count) || !file_.shapes_.reserve(count * max_rank))
      return refuse_memory();
    kind_ = "tensor";
    for (number_ = 0; number_ < tensor_count_; ++number_) {
      name_ = {};
      gguf_tensor tensor{};
      std::uint32_t rank = 0;
      if (!read_name(tensor.name, "the name"))
        return false;
      name_ = tensor.name;
      if (!read(rank, "its rank"))
        return false;
      if (rank > max_rank) {
        refuse_here(errc::unsupported) << "its rank is " << rank << ", and at most " << max_rank << " is read";
        return false;
      }
      std::uint64_t extents[max_rank]{};
      for (std::uint32_t i = 0; i < rank; ++i)  // the file has the fastest first
        if (!read(extents[rank - 1 - i], "its shape"))
          return false;
      std::uint32_t type_number = 0;
      std::uint64_t offset = 0;
      if (!read(type_number, "its type") || !read(offset, "its offset"))
        return false;
      tensor.type = static_cast<gguf_type>(type_number);
      if (!gguf_row_of(tensor.type)) {
        refuse_here(errc::unsupported) << "no type has the number " << type_number;
        return false;
      }
      const std::size_t first = file_.shapes_.size();
      if (!file_.shapes_.append({extents, rank}))  // room was reserved: earlier shapes stay where they are
        return refuse_memory();
      tensor.shape = file_.shapes_.view().subspan(first, rank);
      if (!file_.tensors_.push_back(tensor) || !file_.offsets_.push_back(offset))
        return refuse_memory();
    }
    return true;
  }

  // The data begins at the first multiple of the alignment after the table.
  bool place_tensors() noexcept {
    const std::uint64_t past = at_ % file_.alignment_;
    const std::uint64_t start = past == 0 ? at_ : at_ + (file_.alignment_ - past);  // files are shorter than 2^63
    const std::uint64_t size = start <= file_bytes_ ? file_bytes_ - start : 0;
    for (number_ = 0; number_ < tensor_count_; ++number_) {
      gguf_tensor& tensor = file_.tensors_.data()[number_];
      std::uint64_t& offset = file_.offsets_.data()[number_];
      name_ = tensor.name;
      const auto bytes = gguf_bytes(tensor.type, tensor.shape);
      if (!bytes)
        return refuse_shape(tensor);
      if (offset % file_.alignment_ != 0) {
        refuse_here(errc::malformed_file)
            << "it begins at byte " << offset << " of the data, no multiple of the alignment of " << file_.alignment_;
        return false;
      }
      if (offset > size || *bytes > size - offset) {
        refuse_here(errc::buffer_too_small)
            << "it needs " << *bytes << " bytes from byte " << offset << " of the data on, and there are " << size;
        return false;
      }
      offset += start;
      if (offset + *bytes <= bytes_.size())
        tensor.bytes = bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(*bytes));
    }
    return true;
  }
  bool refuse_shape(const gguf_tensor& tensor) noexcept {
    const std::uint64_t along = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (along % gguf_row_of(tensor.type)->elements != 0)
      refuse_here(errc::malformed_file) << "its rows have " << along << " elements, which are no whole blocks of "
                                        << to_string(tensor.type);
    else
      refuse_here(errc::size_overflow) << "its shape does not fit 63 bits";
    return false;
  }

  bool check_overlaps() noexcept {
    nothrow_array<std::uint32_t> order;
    if (!order.append(file_.tensors_by_name_.view()))
      return refuse_memory();
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair{file_.file_offset(i), i}; });
    std::uint64_t end = 0;
    std::string_view before;
    for (const std::uint32_t i : order) {
      const gguf_tensor& tensor = file_.tensors()[i];
      const std::uint64_t size = *gguf_bytes(tensor.type, tensor.shape);
      if (size == 0)
        continue;
      name_ = tensor.name;
      if (file_.file_offset(i) < end) {
        append_quoted(refuse_here(errc::malformed_file)
                          << "it begins at byte " << file_.file_offset(i) << " of the file, inside ",
                      before);
        return false;
      }
      end = file_.file_offset(i) + size;
      before = tensor.name;
    }
    return true;
  }

  std::span<const std::byte> bytes_;
  std::uint64_t file_bytes_;
  std::size_t at_ = 0;
  gguf file_;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t entry_count_ = 0;
  std::string_view kind_;  // what is being read, for sentences
  std::string_view name_;
  std::uint64_t number_ = 0;
  error failure_{errc::malformed_file};
};

inline result<gguf> gguf::parse(std::span<const std::byte> file) noexcept { return parser{file, file.size()}.run(); }

inline result<gguf> gguf::parse_header(std::span<const std::byte> beginning, std::uint64_t file_bytes) noexcept {
  if (file_bytes < beginning.size() || file_bytes > ~std::uint64_t{0} >> 1)
    return error{errc::invalid_argument} << "a file of " << file_bytes << " bytes does not begin with "
                                         << beginning.size();
  return parser{beginning, file_bytes}.run();
}

FEWBITS_NAMESPACE_END
