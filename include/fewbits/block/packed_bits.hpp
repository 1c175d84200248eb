// Where the bits of one packed code lie. The order of codes inside a byte is part of the type: writers disagree about
// it (gpt-oss, torchao: low first; bitsandbytes: high first), and a path that forgets swaps.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Where code 0 lies in its byte. Codes follow each other as one stream of bits, over byte borders too.
enum class bit_order : std::uint8_t {
  low_first,   ///< from the least significant bit: code 2j in bits 0-3 of byte j, code 2j + 1 in bits 4-7
  high_first,  ///< from the most significant bit: code 2j in bits 4-7 of byte j, code 2j + 1 in bits 0-3
};

/// Bytes that `count` codes take; the last one is filled up with zero bits. Wraps for no width and no count.
template <int Bits>
constexpr std::size_t packed_bytes(std::size_t count) noexcept {
  constexpr auto bits = static_cast<std::size_t>(Bits);
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

namespace detail {

template <int Bits>
inline constexpr unsigned packed_mask = (1u << Bits) - 1;

// Codes of 1, 2, 4 and 8 bits never cross a byte border.
template <int Bits>
inline constexpr bool crosses_bytes = 8 % Bits != 0;

// The shortest run of codes that begins and ends on a byte border.
template <int Bits>
inline constexpr std::size_t codes_per_unit = crosses_bytes<Bits> ? 8 : 8 / Bits;
template <int Bits>
inline constexpr std::size_t bytes_per_unit = crosses_bytes<Bits> ? Bits : 1;

// A code that crosses a border lies in a window of two bytes: the first byte is the window's low half in low_first, its
// high half in high_first. `first` is the number of bits of byte 0 that come before the code.
template <int Bits, bit_order Order>
constexpr std::uint8_t read_packed(const std::byte* at, int first) noexcept {
  constexpr bool from_top = Order == bit_order::high_first;
  if constexpr (crosses_bytes<Bits>) {
    constexpr int lift = from_top ? 8 : 0;
    unsigned window = static_cast<unsigned>(at[0]) << lift;
    if (first + Bits > 8)
      window |= static_cast<unsigned>(at[1]) << (8 - lift);
    return static_cast<std::uint8_t>(window >> (from_top ? 16 - Bits - first : first) & packed_mask<Bits>);
  } else {
    return static_cast<std::uint8_t>(static_cast<unsigned>(at[0]) >> (from_top ? 8 - Bits - first : first) &
                                     packed_mask<Bits>);
  }
}

constexpr std::byte merge_bits(std::byte old_bits, unsigned field, unsigned moved) noexcept {
  return static_cast<std::byte>(((static_cast<unsigned>(old_bits) & ~field) | (moved & field)) & 0xffu);
}

template <int Bits, bit_order Order>
constexpr void write_packed(std::byte* at, int first, unsigned code) noexcept {
  constexpr bool from_top = Order == bit_order::high_first;
  if constexpr (crosses_bytes<Bits>) {
    constexpr int lift = from_top ? 8 : 0;
    const int shift = from_top ? 16 - Bits - first : first;
    const unsigned field = packed_mask<Bits> << shift;
    const unsigned moved = code << shift;
    at[0] = merge_bits(at[0], field >> lift, moved >> lift);
    if (first + Bits > 8)
      at[1] = merge_bits(at[1], field >> (8 - lift), moved >> (8 - lift));
  } else {
    const int shift = from_top ? 8 - Bits - first : first;
    at[0] = merge_bits(at[0], packed_mask<Bits> << shift, code << shift);
  }
}

}  // namespace detail

FEWBITS_NAMESPACE_END
