// Codes of fewer than eight bits, side by side without a gap, borrowed or owned. No format stores a byte where it needs
// a nibble.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed_bits.hpp>
#include <fewbits/block/packed_iterator.hpp>

FEWBITS_NAMESPACE_BEGIN

template <class T>
class result;

/// `size` codes of `Bits` bits in borrowed bytes. Byte is std::byte or const std::byte. Copying the span copies no
/// code.
///
/// A range of random access: iterators give codes as std::uint8_t, or packed_reference where the span is mutable.
/// A slice begins at any code, in the middle of a byte too; writing through it leaves the codes around it alone.
/// Two threads must not write to codes that share a byte.
template <int Bits, bit_order Order = bit_order::low_first, class Byte = const std::byte>
class packed_span {
  static_assert(Bits >= 1 && Bits <= 8, "a packed code has 1 to 8 bits");
  static_assert(std::is_same_v<std::remove_const_t<Byte>, std::byte>, "packed codes lie in std::byte");

 public:
  using code_type = std::uint8_t;
  using value_type = std::uint8_t;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using iterator = packed_iterator<Bits, Order, Byte>;
  using const_iterator = packed_iterator<Bits, Order, const std::byte>;
  static constexpr int bits = Bits;
  static constexpr bit_order order = Order;

  constexpr packed_span() noexcept = default;
  /// Code 0 begins at the border of the first byte. Precondition: the bytes are at least
  /// packed_bytes<Bits>(code_count).
  constexpr packed_span(Byte* first_byte, std::size_t code_count) noexcept : data_(first_byte), size_(code_count) {}
  /// The checked door for foreign bytes. Errors: errc::buffer_too_small: `bytes` is shorter than
  /// packed_bytes<Bits>(code_count). Defined in block/packed_checked.hpp.
  [[nodiscard]] static constexpr result<packed_span> over(std::span<Byte> bytes, std::size_t code_count) noexcept;

  constexpr operator packed_span<Bits, Order, const std::byte>() const noexcept requires(!std::is_const_v<Byte>) {
    return packed_span<Bits, Order, const std::byte>{data_, size_, first_};
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  /// The bytes that hold the codes. The first and the last of a slice may hold codes of its neighbours too.
  [[nodiscard]] constexpr std::span<Byte> bytes() const noexcept {
    constexpr auto bits_each = static_cast<std::size_t>(Bits);
    return {data_, size_ == 0 ? 0 : size_ / 8 * bits_each + (size_ % 8 * bits_each + first_bit() + 7) / 8};
  }
  /// Bits of the first byte that come before code 0, counted in the direction of the order: 0 to 7, and 0 unless this
  /// is a slice that begins inside a byte.
  [[nodiscard]] constexpr unsigned first_bit() const noexcept {
    if constexpr (Bits == 8)
      return 0;
    else
      return first_;
  }
  [[nodiscard]] constexpr bool starts_on_byte() const noexcept { return first_bit() == 0; }

  /// Code `i`, in the low bits. Precondition: i < size().
  [[nodiscard]] constexpr code_type operator[](std::size_t i) const noexcept {
    const std::uint64_t bit = bit_of(i);
    return detail::read_packed<Bits, Order>(data_ + byte_of(bit), static_cast<int>(bit % 8));
  }
  /// Writes code `i`; bits above `Bits` are ignored, and the neighbours keep theirs. Precondition: i < size().
  constexpr void set(std::size_t i, unsigned code) const noexcept requires(!std::is_const_v<Byte>) {
    const std::uint64_t bit = bit_of(i);
    detail::write_packed<Bits, Order>(data_ + byte_of(bit), static_cast<int>(bit % 8), code);
  }
  /// Writes `code` everywhere.
  constexpr void fill(unsigned code) const noexcept requires(!std::is_const_v<Byte>) {
    const std::size_t head = codes_before_border();
    for (std::size_t i = 0; i < head; ++i)
      set(i, code);
    constexpr std::size_t unit_codes = detail::codes_per_unit<Bits>;
    constexpr std::size_t unit_bytes = detail::bytes_per_unit<Bits>;
    std::array<std::byte, unit_bytes> unit{};
    for (std::size_t i = 0; i < unit_codes; ++i)
      packed_span<Bits, Order, std::byte>{unit.data(), unit_codes}.set(i, code);
    const std::size_t units = (size_ - head) / unit_codes;
    Byte* at = data_ + byte_of(bit_of(head));
    for (std::size_t u = 0; u < units; ++u)
      for (const std::byte b : unit)
        *at++ = b;
    for (std::size_t i = head + units * unit_codes; i < size_; ++i)
      set(i, code);
  }

  [[nodiscard]] constexpr iterator begin() const noexcept { return {data_, static_cast<int>(first_bit())}; }
  [[nodiscard]] constexpr iterator end() const noexcept { return begin() + static_cast<difference_type>(size_); }
  [[nodiscard]] constexpr const_iterator cbegin() const noexcept { return begin(); }
  [[nodiscard]] constexpr const_iterator cend() const noexcept { return end(); }

  /// `count` codes from code `offset` on. Precondition: offset + count <= size().
  [[nodiscard]] constexpr packed_span subspan(std::size_t offset, std::size_t count) const noexcept {
    const std::uint64_t bit = bit_of(offset);
    return packed_span{data_ + byte_of(bit), count, static_cast<std::uint8_t>(bit % 8)};
  }
  /// All codes from code `offset` on. Precondition: offset <= size().
  [[nodiscard]] constexpr packed_span subspan(std::size_t offset) const noexcept {
    return subspan(offset, size_ - offset);
  }
  /// Precondition: count <= size().
  [[nodiscard]] constexpr packed_span first(std::size_t count) const noexcept { return subspan(0, count); }
  [[nodiscard]] constexpr packed_span last(std::size_t count) const noexcept { return subspan(size_ - count, count); }

  /// Codes before the first byte border inside the span, or all of them: 0 where the span starts on a byte.
  [[nodiscard]] constexpr std::size_t codes_before_border() const noexcept {
    std::size_t count = 0;
    for (auto bit = first_bit(); bit % 8 != 0 && count < size_; bit += Bits)
      ++count;
    return count;
  }

 private:
  template <int, bit_order, class>
  friend class packed_span;

  constexpr packed_span(Byte* first_byte, std::size_t code_count, std::uint8_t first_bit_number) noexcept
      : data_(first_byte), size_(code_count), first_(first_bit_number) {}

  // 64 bits everywhere: half a gigabyte of codes has more bits than a 32-bit size_t counts.
  [[nodiscard]] constexpr std::uint64_t bit_of(std::size_t i) const noexcept {
    return std::uint64_t{i} * static_cast<std::uint64_t>(Bits) + first_bit();
  }
  static constexpr std::size_t byte_of(std::uint64_t bit) noexcept { return static_cast<std::size_t>(bit / 8); }

  Byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::uint8_t first_ = 0;
};

/// The same codes in the same order? The bytes may differ: by bit order, by where the first code begins, and in bits
/// that belong to no code of the span.
template <int Bits, bit_order OrderA, class ByteA, bit_order OrderB, class ByteB>
[[nodiscard]] constexpr bool operator==(const packed_span<Bits, OrderA, ByteA>& a,
                                        const packed_span<Bits, OrderB, ByteB>& b) noexcept {
  if (a.size() != b.size())
    return false;
  std::size_t i = 0;
  if constexpr (OrderA == OrderB)
    if (a.starts_on_byte() && b.starts_on_byte()) {
      constexpr std::size_t unit_codes = detail::codes_per_unit<Bits>;
      const std::size_t whole_bytes = a.size() / unit_codes * detail::bytes_per_unit<Bits>;
      for (std::size_t j = 0; j < whole_bytes; ++j)
        if (a.bytes()[j] != b.bytes()[j])
          return false;
      i = a.size() / unit_codes * unit_codes;
    }
  for (; i < a.size(); ++i)
    if (a[i] != b[i])
      return false;
  return true;
}

/// `Size` codes of `Bits` bits that own their bytes: e2m1 x 32 takes 16 of them. Zero where nothing was written.
template <int Bits, std::size_t Size, bit_order Order = bit_order::low_first>
struct packed_array {
  using value_type = std::uint8_t;
  using iterator = packed_iterator<Bits, Order, std::byte>;
  using const_iterator = packed_iterator<Bits, Order, const std::byte>;

  std::array<std::byte, packed_bytes<Bits>(Size)> bytes{};

  [[nodiscard]] static constexpr std::size_t size() noexcept { return Size; }
  [[nodiscard]] static constexpr bool empty() noexcept { return Size == 0; }
  [[nodiscard]] constexpr packed_span<Bits, Order> view() const noexcept { return {bytes.data(), Size}; }
  [[nodiscard]] constexpr packed_span<Bits, Order, std::byte> view() noexcept { return {bytes.data(), Size}; }
  [[nodiscard]] constexpr std::uint8_t operator[](std::size_t i) const noexcept { return view()[i]; }
  constexpr void set(std::size_t i, unsigned code) noexcept { view().set(i, code); }
  constexpr void fill(unsigned code) noexcept { view().fill(code); }

  [[nodiscard]] constexpr const_iterator begin() const noexcept { return view().begin(); }
  [[nodiscard]] constexpr const_iterator end() const noexcept { return view().end(); }
  [[nodiscard]] constexpr iterator begin() noexcept { return view().begin(); }
  [[nodiscard]] constexpr iterator end() noexcept { return view().end(); }

  /// `count` codes from code `offset` on. Precondition: offset + count <= Size.
  [[nodiscard]] constexpr packed_span<Bits, Order> subspan(std::size_t offset, std::size_t count) const noexcept {
    return view().subspan(offset, count);
  }
  [[nodiscard]] constexpr packed_span<Bits, Order, std::byte> subspan(std::size_t offset, std::size_t count) noexcept {
    return view().subspan(offset, count);
  }

  /// The same codes? Bits past the last code do not count.
  friend constexpr bool operator==(const packed_array& a, const packed_array& b) noexcept {
    return a.view() == b.view();
  }
};

FEWBITS_NAMESPACE_END

/// @cond
// A span's iterators outlive it, and copying it costs nothing: std::views takes it as it is.
template <int Bits, fewbits::bit_order Order, class Byte>
inline constexpr bool std::ranges::enable_borrowed_range<fewbits::packed_span<Bits, Order, Byte>> = true;
template <int Bits, fewbits::bit_order Order, class Byte>
inline constexpr bool std::ranges::enable_view<fewbits::packed_span<Bits, Order, Byte>> = true;
/// @endcond
