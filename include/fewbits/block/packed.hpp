// Codes of fewer than eight bits, side by side without a gap. The order of codes inside a byte is part of the type:
// writers disagree about it (gpt-oss, torchao: low first; bitsandbytes: high first), and a path that forgets swaps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Where code 0 lies in its byte. Codes follow each other as one stream of bits, over byte borders too.
enum class bit_order : std::uint8_t {
  low_first,   ///< from the least significant bit: code 2j in bits 0-3 of byte j, code 2j + 1 in bits 4-7
  high_first,  ///< from the most significant bit: code 2j in bits 4-7 of byte j, code 2j + 1 in bits 0-3
};

/// Bytes that `count` codes take; the last one is filled up with zero bits. Precondition: count x Bits fits.
template <int Bits>
constexpr std::size_t packed_bytes(std::size_t count) noexcept {
  constexpr auto bits = static_cast<std::size_t>(Bits);
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

/// `size` codes of `Bits` bits in borrowed bytes. Byte is std::byte or const std::byte.
template <int Bits, bit_order Order = bit_order::low_first, class Byte = const std::byte>
class packed_span {
  static_assert(Bits >= 1 && Bits <= 8, "a packed code has 1 to 8 bits");
  static_assert(std::is_same_v<std::remove_const_t<Byte>, std::byte>, "packed codes lie in std::byte");

 public:
  using code_type = std::uint8_t;
  static constexpr int bits = Bits;
  static constexpr bit_order order = Order;

  constexpr packed_span() noexcept = default;
  /// Precondition: the bytes are at least packed_bytes<Bits>(code_count).
  constexpr packed_span(Byte* first_byte, std::size_t code_count) noexcept : data_(first_byte), size_(code_count) {}

  constexpr operator packed_span<Bits, Order, const std::byte>() const noexcept requires(!std::is_const_v<Byte>) {
    return {data_, size_};
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr std::span<Byte> bytes() const noexcept { return {data_, packed_bytes<Bits>(size_)}; }

  /// Code `i`, in the low bits.
  [[nodiscard]] constexpr code_type operator[](std::size_t i) const noexcept {
    const place at = find(i);
    unsigned window = static_cast<unsigned>(data_[at.byte]) << at.lift;
    if (at.straddles)
      window |= static_cast<unsigned>(data_[at.byte + 1]) << (8 - at.lift);
    return static_cast<code_type>(window >> at.shift & mask);
  }

  /// Writes code `i`; bits above `Bits` are ignored, and the neighbours keep theirs.
  constexpr void set(std::size_t i, unsigned code) const noexcept requires(!std::is_const_v<Byte>) {
    const place at = find(i);
    const unsigned field = mask << at.shift;
    const unsigned moved = (code & mask) << at.shift;
    data_[at.byte] = merged(data_[at.byte], field >> at.lift, moved >> at.lift);
    if (at.straddles)
      data_[at.byte + 1] = merged(data_[at.byte + 1], field >> (8 - at.lift), moved >> (8 - at.lift));
  }

 private:
  static constexpr unsigned mask = (1u << Bits) - 1;

  // A code lies in a window of two bytes: the first byte is the window's low half, or its high half in high_first.
  struct place {
    std::size_t byte;
    int shift;
    int lift;
    bool straddles;
  };
  static constexpr place find(std::size_t i) noexcept {
    const int first = static_cast<int>(i * static_cast<std::size_t>(Bits) % 8);
    constexpr bool from_top = Order == bit_order::high_first;
    return {i * static_cast<std::size_t>(Bits) / 8, from_top ? 16 - Bits - first : first, from_top ? 8 : 0,
            first + Bits > 8};
  }

  static constexpr std::byte merged(std::byte old_bits, unsigned field, unsigned moved) noexcept {
    return static_cast<std::byte>(((static_cast<unsigned>(old_bits) & ~field) | (moved & field)) & 0xffu);
  }

  Byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// `Size` codes of `Bits` bits that own their bytes: e2m1 x 32 takes 16 of them.
template <int Bits, std::size_t Size, bit_order Order = bit_order::low_first>
struct packed_array {
  std::array<std::byte, packed_bytes<Bits>(Size)> bytes{};

  [[nodiscard]] static constexpr std::size_t size() noexcept { return Size; }
  [[nodiscard]] constexpr packed_span<Bits, Order> view() const noexcept { return {bytes.data(), Size}; }
  [[nodiscard]] constexpr packed_span<Bits, Order, std::byte> view() noexcept { return {bytes.data(), Size}; }
  [[nodiscard]] constexpr std::uint8_t operator[](std::size_t i) const noexcept { return view()[i]; }
  constexpr void set(std::size_t i, unsigned code) noexcept { view().set(i, code); }

  friend constexpr bool operator==(const packed_array&, const packed_array&) = default;
};

FEWBITS_NAMESPACE_END
