// Iterators over packed codes: a byte and a bit in it, as in std::vector<bool>. Source of the requirements: ISO C++20,
// [iterator.concept.random.access] and [iterator.concept.writable].
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>  // brings the iterator tags, as every library's span has a reverse_iterator; <iterator> costs thrice as much
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed_bits.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Stands for one code among packed ones: reads as its value, and assigning writes the code and leaves its neighbours
/// alone. A copy of the reference refers to the same code, so `auto` holds a reference, std::uint8_t a value.
template <int Bits, bit_order Order>
class packed_reference {
 public:
  constexpr packed_reference(std::byte* byte_of_code, int bit_in_byte) noexcept
      : byte_(byte_of_code), first_(bit_in_byte) {}
  constexpr packed_reference(const packed_reference&) noexcept = default;

  constexpr operator std::uint8_t() const noexcept { return detail::read_packed<Bits, Order>(byte_, first_); }

  /// Bits of `code` above `Bits` are ignored.
  constexpr const packed_reference& operator=(unsigned code) const noexcept {
    detail::write_packed<Bits, Order>(byte_, first_, code);
    return *this;
  }
  /// Assigns the code, not the place.
  constexpr packed_reference& operator=(const packed_reference& other) noexcept {
    detail::write_packed<Bits, Order>(byte_, first_, std::uint8_t{other});
    return *this;
  }

  /// Exchanges the two codes.
  friend constexpr void swap(packed_reference a, packed_reference b) noexcept {
    const std::uint8_t kept = a;
    a = b;
    b = unsigned{kept};
  }

 private:
  std::byte* byte_;
  int first_;
};

/// A std::random_access_iterator over codes. Byte is std::byte (dereferences to packed_reference) or const std::byte
/// (dereferences to a Value: the code as std::uint8_t, or a few-bit number made of it).
///
/// Iterators into one run of codes compare by place, whichever slice they came from. std's older algorithms are told
/// random_access_iterator_tag, as std::vector<bool> tells them.
template <int Bits, bit_order Order, class Byte, class Value = std::uint8_t>
class packed_iterator {
  static constexpr bool is_code = std::is_same_v<Value, std::uint8_t>;
  static_assert(is_code || std::is_const_v<Byte>, "numbers are read through iterators and written with set");

 public:
  using value_type = Value;
  using reference = std::conditional_t<std::is_const_v<Byte>, Value, packed_reference<Bits, Order>>;
  using pointer = void;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::random_access_iterator_tag;
  using iterator_concept = std::random_access_iterator_tag;

  constexpr packed_iterator() noexcept = default;
  /// At the code that begins `bit_in_byte` (0 to 7) bits into a byte, counted in the direction of the order.
  constexpr packed_iterator(Byte* byte_of_code, int bit_in_byte) noexcept : byte_(byte_of_code), first_(bit_in_byte) {}

  constexpr operator packed_iterator<Bits, Order, const std::byte, Value>() const noexcept
      requires(!std::is_const_v<Byte>) {
    return {byte_, first_};
  }

  [[nodiscard]] constexpr reference operator*() const noexcept {
    if constexpr (!std::is_const_v<Byte>)
      return {byte_, first_};
    else if constexpr (is_code)
      return detail::read_packed<Bits, Order>(byte_, first_);
    else
      return Value::from_bits(detail::read_packed<Bits, Order>(byte_, first_));
  }
  [[nodiscard]] constexpr reference operator[](difference_type n) const noexcept { return *(*this + n); }

  constexpr packed_iterator& operator+=(difference_type n) noexcept {
    // 64 bits everywhere: half a gigabyte of codes has more bits than a 32-bit ptrdiff_t counts.
    const std::int64_t bit = std::int64_t{n} * Bits + first_;
    byte_ += static_cast<difference_type>(bit >> 3);
    first_ = static_cast<int>(bit & 7);
    return *this;
  }
  constexpr packed_iterator& operator-=(difference_type n) noexcept { return *this += -n; }
  constexpr packed_iterator& operator++() noexcept { return *this += 1; }
  constexpr packed_iterator& operator--() noexcept { return *this += -1; }
  constexpr packed_iterator operator++(int) noexcept {
    const packed_iterator before = *this;
    ++*this;
    return before;
  }
  constexpr packed_iterator operator--(int) noexcept {
    const packed_iterator before = *this;
    --*this;
    return before;
  }

  [[nodiscard]] friend constexpr packed_iterator operator+(packed_iterator it, difference_type n) noexcept {
    return it += n;
  }
  [[nodiscard]] friend constexpr packed_iterator operator+(difference_type n, packed_iterator it) noexcept {
    return it += n;
  }
  [[nodiscard]] friend constexpr packed_iterator operator-(packed_iterator it, difference_type n) noexcept {
    return it -= n;
  }
  [[nodiscard]] friend constexpr difference_type operator-(const packed_iterator& a,
                                                           const packed_iterator& b) noexcept {
    return static_cast<difference_type>((std::int64_t{a.byte_ - b.byte_} * 8 + a.first_ - b.first_) / Bits);
  }

  friend constexpr bool operator==(const packed_iterator&, const packed_iterator&) noexcept = default;
  friend constexpr std::strong_ordering operator<=>(const packed_iterator&, const packed_iterator&) noexcept = default;

 private:
  Byte* byte_ = nullptr;
  int first_ = 0;
};

FEWBITS_NAMESPACE_END
