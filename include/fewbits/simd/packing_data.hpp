// Where sixteen packed codes lie in their bytes: constants for the data sheets, from the reference's definition of the
// two bit orders.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed_bits.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// A byte that a shuffle sets to 0.
inline constexpr std::uint8_t no_byte = 0x80;

/// Lane i reads code i from the two bytes it lies in, brought low and high byte of the lane, shifted right.
struct packed_places {
  alignas(64) std::array<std::uint8_t, 64> bytes{};  ///< source byte of each byte of the lanes
  alignas(64) std::array<std::uint32_t, 16> shifts{};
};
template <int Bits, bit_order Order>
inline constexpr packed_places places_of = [] {
  packed_places places{};
  places.bytes.fill(no_byte);
  for (std::size_t i = 0; i < 16; ++i) {
    const std::size_t bit = i * static_cast<std::size_t>(Bits), first = bit / 8;
    const bool has_second = first + 1 < 2 * static_cast<std::size_t>(Bits);
    const auto begins = static_cast<std::uint32_t>(bit % 8);
    const auto here = static_cast<std::uint8_t>(first);
    const auto next = static_cast<std::uint8_t>(has_second ? first + 1 : no_byte);
    places.bytes[4 * i] = Order == bit_order::low_first ? here : next;
    places.bytes[4 * i + 1] = Order == bit_order::low_first ? next : here;
    places.shifts[i] = Order == bit_order::low_first ? begins : 16u - static_cast<std::uint32_t>(Bits) - begins;
  }
  return places;
}();

/// Codes whose bits fill whole bytes, after packing in groups of Group bytes: the group's byte that is stored as byte
/// j.
template <int Bits, bit_order Order, std::size_t Group>
constexpr std::size_t packed_byte(std::size_t j) noexcept {
  constexpr std::size_t used = static_cast<std::size_t>(Bits) * Group / 8;
  return j / used * Group + (Order == bit_order::low_first ? j % used : used - 1 - j % used);
}
/// Of sixteen codes, in groups of four or eight, which bytes are stored.
template <int Bits, bit_order Order>
inline constexpr std::array<std::uint8_t, 16> stored_bytes_of = [] {
  std::array<std::uint8_t, 16> places{};
  places.fill(no_byte);
  for (std::size_t j = 0; j < 2 * static_cast<std::size_t>(Bits); ++j)
    places[j] = static_cast<std::uint8_t>(packed_byte < Bits, Order, Bits % 2 == 0 ? 4 : 8 > (j));
  return places;
}();
/// Of sixty-four codes, codes of 4 bits in groups of two.
template <int Bits, bit_order Order>
alignas(64) inline constexpr std::array<std::uint8_t, 64> sixty_four_stored = [] {
  std::array<std::uint8_t, 64> places{};
  for (std::size_t j = 0; j < 8 * static_cast<std::size_t>(Bits); ++j)
    places[j] = static_cast<std::uint8_t>(packed_byte < Bits, Order, Bits == 4 ? 2 : Bits % 2 == 0 ? 4 : 8 > (j));
  return places;
}();

}  // namespace simd
FEWBITS_NAMESPACE_END
