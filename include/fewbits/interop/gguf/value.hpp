// Metadata of a GGUF file: a number, a truth value, a string, or an array of one of these, borrowed from the file.
// Source: the GGUF specification, ggml/docs/gguf.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/interop/gguf/types.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// `count` little-endian bytes as a number. Precondition: bytes.size() >= count, count <= 8.
constexpr std::uint64_t read_little_endian(std::span<const std::byte> bytes, std::size_t count) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = count; i-- > 0;)
    number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return number;
}

}  // namespace detail

class gguf_elements;

/// One metadata value, borrowed. The reader has checked that its bytes are whole: nothing here can fail but by the
/// value being of another type.
class gguf_value {
 public:
  constexpr gguf_value() noexcept = default;
  /// Precondition: `value_bytes` hold what the types say, a string's length and an array's strings included. For an
  /// array `type_of_value` is array and `type_of_elements` what it is an array of; else both are the same.
  constexpr gguf_value(gguf_value_type type_of_value, gguf_value_type type_of_elements, std::uint64_t element_count,
                       std::span<const std::byte> value_bytes) noexcept
      : bytes_(value_bytes), count_(element_count), type_(type_of_value), element_type_(type_of_elements) {}

  [[nodiscard]] constexpr gguf_value_type type() const noexcept { return type_; }
  [[nodiscard]] constexpr bool is_array() const noexcept { return type_ == gguf_value_type::array; }
  /// What an array holds; of any other value its own type.
  [[nodiscard]] constexpr gguf_value_type element_type() const noexcept { return element_type_; }
  /// Elements of an array; 1 of any other value.
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return count_; }
  /// As in the file: little-endian numbers one after the other; each string behind its length in 8 bytes.
  [[nodiscard]] constexpr std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// Of any integer type, where it is not negative.
  [[nodiscard]] constexpr std::optional<std::uint64_t> as_unsigned() const noexcept {
    if (is_unsigned())
      return detail::read_little_endian(bytes_, bytes_per_value(type_));
    const auto number = is_signed() ? std::optional{signed_bits()} : std::nullopt;
    return number && *number >= 0 ? std::optional{static_cast<std::uint64_t>(*number)} : std::nullopt;
  }
  /// Of any integer type, where 64 bits hold it.
  [[nodiscard]] constexpr std::optional<std::int64_t> as_signed() const noexcept {
    if (is_signed())
      return signed_bits();
    const auto number = as_unsigned();
    constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
    return number && *number <= most ? std::optional{static_cast<std::int64_t>(*number)} : std::nullopt;
  }
  /// Of f32 and f64: exact.
  [[nodiscard]] constexpr std::optional<double> as_double() const noexcept {
    if (type_ == gguf_value_type::f64)
      return std::bit_cast<double>(detail::read_little_endian(bytes_, 8));
    if (type_ == gguf_value_type::f32)
      return static_cast<double>(
          std::bit_cast<float>(static_cast<std::uint32_t>(detail::read_little_endian(bytes_, 4))));
    return std::nullopt;
  }
  [[nodiscard]] constexpr std::optional<bool> as_bool() const noexcept {
    return type_ == gguf_value_type::boolean ? std::optional{bytes_[0] != std::byte{0}} : std::nullopt;
  }
  /// Foreign bytes: meant as UTF-8, and not checked.
  [[nodiscard]] std::optional<std::string_view> as_string() const noexcept {
    if (type_ != gguf_value_type::string)
      return std::nullopt;
    return std::string_view{reinterpret_cast<const char*>(bytes_.data()) + 8, bytes_.size() - 8};
  }

  /// What an array holds, one after the other; a value that is no array is one element.
  [[nodiscard]] constexpr gguf_elements elements() const noexcept;

 private:
  [[nodiscard]] constexpr bool is_unsigned() const noexcept {
    return type_ == gguf_value_type::u8 || type_ == gguf_value_type::u16 || type_ == gguf_value_type::u32 ||
           type_ == gguf_value_type::u64;
  }
  [[nodiscard]] constexpr bool is_signed() const noexcept {
    return type_ == gguf_value_type::i8 || type_ == gguf_value_type::i16 || type_ == gguf_value_type::i32 ||
           type_ == gguf_value_type::i64;
  }
  [[nodiscard]] constexpr std::int64_t signed_bits() const noexcept {
    const std::size_t size = bytes_per_value(type_);
    const std::uint64_t bits = detail::read_little_endian(bytes_, size);
    const std::uint64_t sign = std::uint64_t{1} << (8 * size - 1);
    return std::bit_cast<std::int64_t>((bits ^ sign) - sign);
  }

  std::span<const std::byte> bytes_;
  std::uint64_t count_ = 0;
  gguf_value_type type_ = gguf_value_type::array;
  gguf_value_type element_type_ = gguf_value_type::u8;
};

/// The elements of an array, a range of input iterators: `for (const gguf_value& token : value.elements())`.
class gguf_elements {
 public:
  class iterator {
   public:
    using value_type = gguf_value;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    constexpr iterator() noexcept = default;
    constexpr iterator(gguf_value_type type, std::uint64_t left, std::span<const std::byte> bytes) noexcept
        : rest_(bytes), left_(left), type_(type) {
      take();
    }
    [[nodiscard]] constexpr const gguf_value& operator*() const noexcept { return current_; }
    [[nodiscard]] constexpr const gguf_value* operator->() const noexcept { return &current_; }
    constexpr iterator& operator++() noexcept {
      --left_;
      take();
      return *this;
    }
    constexpr void operator++(int) noexcept { ++*this; }
    [[nodiscard]] friend constexpr bool operator==(const iterator& a, std::default_sentinel_t) noexcept {
      return a.left_ == 0;
    }

   private:
    constexpr void take() noexcept {
      if (left_ == 0)
        return;
      const std::size_t size = type_ == gguf_value_type::string
                                   ? static_cast<std::size_t>(8 + detail::read_little_endian(rest_, 8))
                                   : bytes_per_value(type_);
      current_ = gguf_value(type_, type_, 1, rest_.first(size));
      rest_ = rest_.subspan(size);
    }

    std::span<const std::byte> rest_;
    std::uint64_t left_ = 0;
    gguf_value_type type_ = gguf_value_type::u8;
    gguf_value current_;
  };

  constexpr explicit gguf_elements(const gguf_value& array) noexcept : array_(array) {}
  [[nodiscard]] constexpr iterator begin() const noexcept {
    return {array_.element_type(), array_.size(), array_.bytes()};
  }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  gguf_value array_;
};

constexpr gguf_elements gguf_value::elements() const noexcept { return gguf_elements(*this); }

FEWBITS_NAMESPACE_END
