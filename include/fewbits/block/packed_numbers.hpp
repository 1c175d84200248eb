// Packed codes seen as the numbers they stand for: 6-bit sub-scales, 4-bit zero points, e2m1 elements.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed.hpp>
#include <fewbits/number/convert.hpp>

FEWBITS_NAMESPACE_BEGIN

/// `size` numbers of type T (minifloat or fixed_point of up to 8 bits), each in as many bits as its format has, in
/// borrowed bytes. Every code of every format survives: NaN payloads, -0 and all. A range of random access; its
/// iterators read, `set` writes.
template <few_bit_number T, bit_order Order = bit_order::low_first, class Byte = const std::byte>
class packed_numbers_span {
  static_assert(T::format.bits() <= 8, "packed numbers have up to 8 bits: a span of T stores wider ones as densely");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  static constexpr int bits = T::format.bits();
  static constexpr bit_order order = Order;
  using codes_type = packed_span<bits, Order, Byte>;
  using iterator = packed_iterator<bits, Order, const std::byte, T>;
  using const_iterator = iterator;

  constexpr packed_numbers_span() noexcept = default;
  /// Precondition: the bytes are at least packed_bytes<bits>(number_count).
  constexpr packed_numbers_span(Byte* first_byte, std::size_t number_count) noexcept
      : codes_(first_byte, number_count) {}
  /// The numbers that these codes stand for. Checked: `packed_numbers_span{*codes_type::over(bytes, count)}`.
  constexpr explicit packed_numbers_span(const codes_type& packed_codes_of_numbers) noexcept
      : codes_(packed_codes_of_numbers) {}

  constexpr operator packed_numbers_span<T, Order, const std::byte>() const noexcept requires(!std::is_const_v<Byte>) {
    return packed_numbers_span<T, Order, const std::byte>{codes_};
  }

  [[nodiscard]] constexpr codes_type codes() const noexcept { return codes_; }
  [[nodiscard]] constexpr std::span<Byte> bytes() const noexcept { return codes_.bytes(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return codes_.size(); }
  [[nodiscard]] constexpr bool empty() const noexcept { return codes_.empty(); }

  /// Preconditions: i < size(), and as in packed_span.
  [[nodiscard]] constexpr T operator[](std::size_t i) const noexcept { return T::from_bits(codes_[i]); }
  constexpr void set(std::size_t i, T value) const noexcept requires(!std::is_const_v<Byte>) {
    codes_.set(i, value.bits());
  }
  constexpr void fill(T value) const noexcept requires(!std::is_const_v<Byte>) { codes_.fill(value.bits()); }

  [[nodiscard]] constexpr iterator begin() const noexcept {
    return {codes_.bytes().data(), static_cast<int>(codes_.first_bit())};
  }
  [[nodiscard]] constexpr iterator end() const noexcept { return begin() + static_cast<difference_type>(size()); }

  [[nodiscard]] constexpr packed_numbers_span subspan(std::size_t offset, std::size_t count) const noexcept {
    return packed_numbers_span{codes_.subspan(offset, count)};
  }
  [[nodiscard]] constexpr packed_numbers_span subspan(std::size_t offset) const noexcept {
    return packed_numbers_span{codes_.subspan(offset)};
  }
  [[nodiscard]] constexpr packed_numbers_span first(std::size_t count) const noexcept { return subspan(0, count); }
  [[nodiscard]] constexpr packed_numbers_span last(std::size_t count) const noexcept {
    return packed_numbers_span{codes_.last(count)};
  }

 private:
  codes_type codes_{};
};

FEWBITS_NAMESPACE_END

/// @cond
template <class T, fewbits::bit_order Order, class Byte>
inline constexpr bool std::ranges::enable_borrowed_range<fewbits::packed_numbers_span<T, Order, Byte>> = true;
template <class T, fewbits::bit_order Order, class Byte>
inline constexpr bool std::ranges::enable_view<fewbits::packed_numbers_span<T, Order, Byte>> = true;
/// @endcond
