// Codes that other systems store out of sequence inside a group. Sources: ggml's block types, where byte j holds
// elements j and j + n/2; AWQ and Marlin, which interleave eight nibbles of a 32-bit word for their kernels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A permutation of the codes in a group: place i of the storage holds code `source[i]` of the sequence.
/// Your own is one line: `constexpr fb::code_order<4> mine{{3, 2, 1, 0}};`
template <std::size_t Size>
struct code_order {
  static_assert(Size >= 1 && Size <= 65536, "a group has 1 to 65536 codes");

  std::array<std::uint16_t, Size> source{};

  [[nodiscard]] static constexpr std::size_t size() noexcept { return Size; }

  friend constexpr bool operator==(const code_order&, const code_order&) = default;
};

/// Does every code of the sequence have one place?
template <std::size_t Size>
[[nodiscard]] constexpr bool is_consistent(const code_order<Size>& order) noexcept {
  std::array<bool, Size> seen{};
  for (const std::size_t code : order.source) {
    if (code >= Size || seen[code])
      return false;
    seen[code] = true;
  }
  return true;
}

/// The order that undoes this one. Precondition: is_consistent(order).
template <std::size_t Size>
[[nodiscard]] constexpr code_order<Size> inverse(const code_order<Size>& order) noexcept {
  code_order<Size> undone{};
  for (std::size_t place = 0; place < Size; ++place)
    undone.source[order.source[place]] = static_cast<std::uint16_t>(place);
  return undone;
}

/// GGUF's halves: with nibbles low first, byte j holds code j in its low half and code j + Size/2 in its high half.
/// Size is 32 in q4_0, q4_1, q5_0, q5_1 (their low four bits), iq4_nl and mxfp4, 16 in nvfp4, 64 in q4_K.
template <std::size_t Size>
[[nodiscard]] constexpr code_order<Size> split_order() noexcept {
  static_assert(Size % 2 == 0, "two halves of a group have an even number of codes");
  code_order<Size> order{};
  for (std::size_t j = 0; j < Size / 2; ++j) {
    order.source[2 * j] = static_cast<std::uint16_t>(j);
    order.source[2 * j + 1] = static_cast<std::uint16_t>(j + Size / 2);
  }
  return order;
}

/// AWQ's and Marlin's words: nibble i of a little-endian 32-bit word holds column [0, 2, 4, 6, 1, 3, 5, 7][i].
inline constexpr code_order<8> awq_order{{0, 2, 4, 6, 1, 3, 5, 7}};

/// From sequence to storage: place i of each group of `to` gets code Order.source[i] of the same group of `from`.
/// Preconditions: from.size() == to.size(), a multiple of Order.size(); no aliasing.
template <auto Order, int Bits, bit_order From, class FromByte, bit_order To>
constexpr void store_in_order(const packed_span<Bits, From, FromByte>& from,
                              const packed_span<Bits, To, std::byte>& to) noexcept {
  static_assert(is_consistent(Order), "a code_order names every code of the group once");
  for (std::size_t group = 0; group < from.size(); group += Order.size())
    for (std::size_t place = 0; place < Order.size(); ++place)
      to.set(group + place, from[group + Order.source[place]]);
}

/// From storage to sequence: undoes store_in_order<Order>. Preconditions as there.
template <auto Order, int Bits, bit_order From, class FromByte, bit_order To>
constexpr void load_from_order(const packed_span<Bits, From, FromByte>& from,
                               const packed_span<Bits, To, std::byte>& to) noexcept {
  static_assert(is_consistent(Order), "a code_order names every code of the group once");
  for (std::size_t group = 0; group < from.size(); group += Order.size())
    for (std::size_t place = 0; place < Order.size(); ++place)
      to.set(group + Order.source[place], from[group + place]);
}

FEWBITS_NAMESPACE_END
