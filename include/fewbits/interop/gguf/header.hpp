// What stands before the tensors in a GGUF file: metadata as bytes, and the table that says where each tensor lies.
// Source: the GGUF specification, ggml/docs/gguf.md, version 3.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/gguf/file.hpp>
#include <fewbits/interop/gguf/parser.hpp>
#include <fewbits/interop/gguf/types.hpp>
#include <fewbits/interop/gguf/value.hpp>
#include <fewbits/interop/printable.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Numbers and truth values that metadata can hold: native integers of up to 64 bits, float, double, bool.
template <class T>
concept gguf_number = (std::integral<T> && sizeof(T) <= 8) || std::same_as<T, float> || std::same_as<T, double>;

/// The type under which a number is stored.
template <gguf_number T>
constexpr gguf_value_type gguf_type_of_number() noexcept {
  using enum gguf_value_type;
  if constexpr (std::same_as<T, bool>)
    return boolean;
  else if constexpr (std::same_as<T, float>)
    return f32;
  else if constexpr (std::same_as<T, double>)
    return f64;
  else if constexpr (std::signed_integral<T>)
    return sizeof(T) == 1 ? i8 : sizeof(T) == 2 ? i16 : sizeof(T) == 4 ? i32 : i64;
  else
    return sizeof(T) == 1 ? u8 : sizeof(T) == 2 ? u16 : sizeof(T) == 4 ? u32 : u64;
}

namespace detail {

/// Appends what a file holds, little-endian on every host. Remembers that memory was exhausted.
class gguf_bytes_out {
 public:
  void put(std::uint64_t number, std::size_t count) noexcept {
    std::byte bytes[8];
    for (std::size_t i = 0; i < count; ++i)
      bytes[i] = static_cast<std::byte>(number >> (8 * i) & 0xff);
    put(std::span<const std::byte>(bytes, count));
  }
  void put(std::span<const std::byte> bytes) noexcept { fits_ = fits_ && bytes_.append(bytes); }
  void put(std::string_view text) noexcept {
    put(text.size(), 8);
    put(std::as_bytes(std::span(text)));
  }
  template <gguf_number T>
  void put_number(T number) noexcept {
    if constexpr (std::same_as<T, bool>)
      put(number ? 1 : 0, 1);
    else if constexpr (std::same_as<T, float>)
      put(std::bit_cast<std::uint32_t>(number), 4);
    else if constexpr (std::same_as<T, double>)
      put(std::bit_cast<std::uint64_t>(number), 8);
    else
      put(static_cast<std::uint64_t>(number), sizeof(T));
  }

  [[nodiscard]] bool fits() const noexcept { return fits_; }
  [[nodiscard]] std::span<const std::byte> view() const noexcept { return bytes_.view(); }

 private:
  nothrow_array<std::byte> bytes_;
  bool fits_ = true;
};

}  // namespace detail

/// Metadata to be written, in the order in which it is added; keys and values are copied. The key general.alignment, a
/// std::uint32_t, decides how tensors are aligned: a power of two from 8 to 65536; 32 without it.
/// What is wrong (an empty key, one of more than 65535 bytes, an alignment as above, exhausted memory) is remembered,
/// and told by gguf_header::make; so is a key that occurs twice.
class gguf_metadata {
 public:
  static constexpr std::uint32_t max_alignment = 65536;

  /// One number. `add("llama.block_count", std::uint32_t{32})`: the C++ type decides what is stored.
  template <gguf_number T>
  void add(std::string_view key, T number) noexcept {
    begin(key, gguf_type_of_number<T>());
    bytes_.put_number(number);
    if (key == alignment_key)
      take_alignment(gguf_type_of_number<T>() == gguf_value_type::u32 ? static_cast<std::uint64_t>(number) : 0);
  }
  void add(std::string_view key, std::string_view text) noexcept {
    begin(key, gguf_value_type::string);
    bytes_.put(text);
  }
  template <gguf_number T>
  void add_array(std::string_view key, std::span<const T> numbers) noexcept {
    begin_array(key, gguf_type_of_number<T>(), numbers.size());
    for (const T number : numbers)
      bytes_.put_number(number);
  }
  void add_array(std::string_view key, std::span<const std::string_view> texts) noexcept {
    begin_array(key, gguf_value_type::string, texts.size());
    for (const std::string_view text : texts)
      bytes_.put(text);
  }
  /// A value of another file.
  void add(std::string_view key, const gguf_value& value) noexcept {
    if (value.is_array())
      begin_array(key, value.element_type(), value.size());
    else
      begin(key, value.type());
    bytes_.put(value.bytes());
    if (key == alignment_key)
      take_alignment(value.type() == gguf_value_type::u32 ? *value.as_unsigned() : 0);
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return count_; }
  [[nodiscard]] std::uint32_t alignment() const noexcept { return alignment_; }
  /// The pairs as a file has them.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_.view(); }
  /// Errors: errc::invalid_argument, out_of_memory: what was wrong first.
  [[nodiscard]] result<void> check() const noexcept {
    if (!bytes_.fits())
      return error{errc::out_of_memory, "memory is exhausted while metadata is gathered"};
    if (refused_)
      return refusal_;
    return {};
  }

 private:
  static constexpr std::string_view alignment_key = "general.alignment";

  void begin(std::string_view key, gguf_value_type type) noexcept {
    if (key.empty() || key.size() > gguf::max_name_bytes)
      refuse(key) << "a key has 1 to " << gguf::max_name_bytes << " bytes";
    ++count_;
    bytes_.put(key);
    bytes_.put(static_cast<std::uint32_t>(type), 4);
    if (key == alignment_key && type != gguf_value_type::u32)
      take_alignment(0);
  }
  void begin_array(std::string_view key, gguf_value_type type, std::uint64_t count) noexcept {
    begin(key, gguf_value_type::array);
    if (count > gguf::max_array_elements)
      refuse(key) << "an array of " << count << " elements, and at most " << gguf::max_array_elements << " are read";
    bytes_.put(static_cast<std::uint32_t>(type), 4);
    bytes_.put(count, 8);
  }
  void take_alignment(std::uint64_t wanted) noexcept {
    if (wanted < 8 || wanted > max_alignment || !std::has_single_bit(wanted))
      refuse(alignment_key) << "an alignment is a std::uint32_t, a power of two from 8 to " << max_alignment;
    else
      alignment_ = static_cast<std::uint32_t>(wanted);
  }
  error& refuse(std::string_view key) noexcept {
    if (!std::exchange(refused_, true))
      return append_quoted(refusal_ << "key ", key) << ": ";
    return later_ = error{errc::invalid_argument};
  }

  detail::gguf_bytes_out bytes_;
  std::uint64_t count_ = 0;
  std::uint32_t alignment_ = gguf::default_alignment;
  bool refused_ = false;
  error refusal_{errc::invalid_argument};
  error later_{errc::invalid_argument};
};

/// A tensor to be written. The shape is row-major, slowest extent first, as in gguf_tensor.
struct gguf_spec {
  std::string_view name;                 ///< 1 to 63 bytes: ggml refuses longer ones
  gguf_type type;                        ///<
  std::span<const std::uint64_t> shape;  ///< up to 4 extents, rows of whole blocks
};

/// The header of a file of version 3, and where its tensors lie: in the order given, each at the next multiple of the
/// alignment, the last one filled up too, as ggml wants them.
class gguf_header {
 public:
  static constexpr std::string_view file_kind = "GGUF";
  using spec_type = gguf_spec;
  using metadata_type = gguf_metadata;
  static constexpr std::size_t max_name_bytes = 63;

  /// Errors: errc::invalid_argument: metadata.check() says so, a name or a key occurs twice, a name is empty or too
  /// long, there are more extents than 4, a type has no number in gguf_type; shape_mismatch: rows of no whole blocks;
  /// size_overflow: sizes that do not fit 63 bits; out_of_memory. Names are copied.
  static result<gguf_header> make(std::span<const gguf_spec> tensors, const gguf_metadata& metadata = {}) noexcept;

  /// The file up to its first tensor.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return header_.view(); }
  [[nodiscard]] std::size_t tensors() const noexcept { return rows_.size(); }
  [[nodiscard]] std::string_view name(std::size_t i) const noexcept {
    return {reinterpret_cast<const char*>(header_.view().data()) + rows_.view()[i].name, rows_.view()[i].name_size};
  }
  [[nodiscard]] std::uint64_t size(std::size_t i) const noexcept { return rows_.view()[i].size; }
  /// Zero bytes that follow tensor i.
  [[nodiscard]] std::uint64_t padding(std::size_t i) const noexcept { return filling(size(i), alignment_); }
  /// Bytes of the whole file.
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }

 private:
  struct row {
    std::size_t name;  // where it is in the header
    std::size_t name_size;
    std::uint64_t size;
  };
  gguf_header() noexcept = default;

  static constexpr std::uint64_t filling(std::uint64_t size, std::uint64_t alignment) noexcept {
    return (alignment - size % alignment) % alignment;
  }
  static error refuse(errc code, std::string_view tensor) noexcept {
    error why{code};
    append_quoted(why << "tensor ", tensor) << ": ";
    return why;
  }
  static result<void> check(const gguf_spec& tensor) noexcept {
    if (tensor.name.empty() || tensor.name.size() > max_name_bytes)
      return refuse(errc::invalid_argument, tensor.name)
             << "a name has 1 to " << max_name_bytes << " bytes, and this " << tensor.name.size();
    if (tensor.shape.size() > gguf::max_rank)
      return refuse(errc::invalid_argument, tensor.name)
             << "its shape has " << tensor.shape.size() << " extents, and at most " << gguf::max_rank << " fit";
    const auto of_type = gguf_row_of(tensor.type);
    if (!of_type)
      return refuse(errc::invalid_argument, tensor.name)
             << "no type has the number " << std::uint64_t{static_cast<std::uint32_t>(tensor.type)};
    const std::uint64_t along = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (along % of_type->elements != 0)
      return refuse(errc::shape_mismatch, tensor.name)
             << "its rows have " << along << " elements, which are no whole blocks of " << of_type->name;
    if (!gguf_bytes(tensor.type, tensor.shape))
      return refuse(errc::size_overflow, tensor.name) << "its shape does not fit 63 bits";
    return {};
  }

  nothrow_array<std::byte> header_;
  nothrow_array<row> rows_;
  std::uint64_t alignment_ = gguf::default_alignment;
  std::uint64_t file_bytes_ = 0;
};

inline result<gguf_header> gguf_header::make(std::span<const gguf_spec> tensors,
                                             const gguf_metadata& metadata) noexcept {
  const auto gathered = metadata.check();
  if (!gathered)
    return gathered.error();
  const error no_memory{errc::out_of_memory, "memory is exhausted while a GGUF header is made"};
  gguf_header made;
  made.alignment_ = metadata.alignment();
  detail::gguf_bytes_out out;
  out.put(0x46554747, 4);  // GGUF
  out.put(3, 4);
  out.put(tensors.size(), 8);
  out.put(metadata.size(), 8);
  out.put(metadata.bytes());
  std::uint64_t offset = 0;
  for (const gguf_spec& tensor : tensors) {
    const auto fits = check(tensor);
    if (!fits)
      return fits.error();
    const std::uint64_t size = *gguf_bytes(tensor.type, tensor.shape);
    if (!made.rows_.push_back({out.view().size() + 8, tensor.name.size(), size}))
      return no_memory;
    out.put(tensor.name);
    out.put(tensor.shape.size(), 4);
    for (std::size_t i = tensor.shape.size(); i-- > 0;)  // the file has the fastest first
      out.put(tensor.shape[i], 8);
    out.put(static_cast<std::uint32_t>(tensor.type), 4);
    out.put(offset, 8);
    const auto end = checked_add(offset, size);
    if (!end || *end > ~std::uint64_t{0} >> 2)
      return refuse(errc::size_overflow, tensor.name) << "the file would not fit 63 bits";
    offset = *end + filling(*end, made.alignment_);
  }
  constexpr std::byte zeros[64]{};
  for (std::uint64_t left = filling(out.view().size(), made.alignment_); left != 0;) {
    const std::uint64_t count = (std::min)(left, std::uint64_t{sizeof zeros});
    out.put({zeros, static_cast<std::size_t>(count)});
    left -= count;
    if (!out.fits())
      return no_memory;
  }
  if (!out.fits() || !made.header_.append(out.view()))
    return no_memory;
  made.file_bytes_ = made.header_.size() + offset;

  // What the reader refuses is not written: it looks for what occurs twice.
  const auto read = gguf::parse_header(made.header_.view(), made.file_bytes_);
  if (!read)
    return error{read.error().code() == errc::out_of_memory ? errc::out_of_memory : errc::invalid_argument,
                 read.error().message()};
  return made;
}

FEWBITS_NAMESPACE_END
