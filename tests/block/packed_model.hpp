// What packed codes look like, one bit at a time: of the library, only the name of the order is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include <fewbits/block/packed_bits.hpp>

namespace fewbits_test {

// Bit `position` of the stream of codes: counted from the low end of each byte, or from its high end.
inline std::pair<std::size_t, int> place_of_bit(std::size_t position, bool high_first) {
  const int inside = static_cast<int>(position % 8);
  return {position / 8, high_first ? 7 - inside : inside};
}

// Writes `codes` one bit at a time from code `offset` on. In low_first a code's lowest bit comes first, in high_first
// its highest.
inline void model_write(std::vector<std::byte>& bytes, int bits, bool high_first, std::size_t offset,
                        const std::vector<std::uint8_t>& codes) {
  std::size_t position = offset * static_cast<std::size_t>(bits);
  for (const unsigned code : codes)
    for (int b = 0; b < bits; ++b, ++position) {
      const auto [byte, bit] = place_of_bit(position, high_first);
      const bool one = (code >> (high_first ? bits - 1 - b : b) & 1) != 0;
      const std::byte here{static_cast<unsigned char>(1u << bit)};
      bytes[byte] = one ? bytes[byte] | here : bytes[byte] & ~here;
    }
}

inline std::vector<std::uint8_t> random_codes(std::mt19937& random, int bits, std::size_t count) {
  std::vector<std::uint8_t> codes(count);
  for (auto& code : codes)
    code = static_cast<std::uint8_t>(random() & ((1u << bits) - 1));
  return codes;
}

inline std::vector<std::byte> random_bytes(std::mt19937& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (auto& byte : bytes)
    byte = static_cast<std::byte>(random() & 0xff);
  return bytes;
}

// Calls visit(width, order) with integral constants for every width and order.
template <class Visit>
void every_width_and_order(const Visit& visit) {
  using fewbits::bit_order;
  [&]<int... Less>(std::integer_sequence<int, Less...>) {
    (..., (visit(std::integral_constant<int, Less + 1>{}, std::integral_constant<bit_order, bit_order::low_first>{}),
           visit(std::integral_constant<int, Less + 1>{}, std::integral_constant<bit_order, bit_order::high_first>{})));
  }
  (std::make_integer_sequence<int, 8>{});
}

}  // namespace fewbits_test
