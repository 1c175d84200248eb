// Packed codes from one bit order to another, and from any place to any place. Nibbles go byte by byte; where codes
// cross byte borders, eight codes at a time fill as many whole bytes as a code has bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/packed.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

// Every second field of `Width` bits in a number of `Total` bits, from the lowest on.
template <int Width, int Total>
constexpr std::uint64_t even_fields() noexcept {
  std::uint64_t fields = 0;
  for (int bit = 0; bit < Total; bit += 2 * Width)
    fields |= ((std::uint64_t{1} << Width) - 1) << bit;
  return fields;
}

// The fields of `Width` bits the other way round: neighbours change places, then pairs of them, then fours. The number
// of fields is a power of two.
template <int Width, int Total>
constexpr std::uint64_t reverse_fields(std::uint64_t number) noexcept {
  if constexpr (Width < Total) {
    constexpr std::uint64_t even = even_fields<Width, Total>();
    return reverse_fields<2 * Width, Total>((number & even) << Width | (number >> Width & even));
  } else {
    return number;
  }
}

// Writes one unit of codes in the other order. `from` may be `to`.
// low_first reads its bytes as a little-endian number with code 0 lowest, high_first as a big-endian one with code 0
// highest: reverse the codes between the two.
template <int Bits, bit_order From>
constexpr void reorder_unit(const std::byte* from, std::byte* to) noexcept {
  constexpr bool from_low = From == bit_order::low_first;
  constexpr int unit_bytes = bytes_per_unit<Bits>;
  constexpr int last = unit_bytes - 1;
  std::uint64_t number = 0;
  for (int j = 0; j <= last; ++j)
    number |= static_cast<std::uint64_t>(from[j]) << 8 * (from_low ? j : last - j);
  number = reverse_fields<Bits, 8 * unit_bytes>(number);
  for (int j = 0; j <= last; ++j)
    to[j] = static_cast<std::byte>(number >> 8 * (from_low ? last - j : j) & 0xff);
}

constexpr void copy_bytes(const std::byte* from, std::byte* to, std::size_t count) noexcept {
  if (!std::is_constant_evaluated()) {
    if (count != 0)
      std::memmove(to, from, count);
    return;
  }
  for (std::size_t j = 0; j < count; ++j)
    to[j] = from[j];
}

}  // namespace detail

/// Copies codes, whatever the two orders and wherever the two spans begin. Codes around `to` keep their value.
/// Fast where both begin at the same bit of a byte: whole bytes are copied, or their codes reversed.
/// Preconditions: from.size() == to.size(); no code of `to` shares a bit with one of `from`, unless both are the same
/// span in the same order.
template <int Bits, bit_order From, class FromByte, bit_order To>
constexpr void copy_codes(const packed_span<Bits, From, FromByte>& from,
                          const packed_span<Bits, To, std::byte>& to) noexcept {
  std::size_t i = 0;
  const std::size_t head = to.codes_before_border();
  for (; i < head; ++i)
    to.set(i, from[i]);
  if (from.first_bit() == to.first_bit()) {
    const std::size_t units = (to.size() - head) / detail::codes_per_unit<Bits>;
    const std::byte* source = from.subspan(head).bytes().data();
    std::byte* target = to.subspan(head).bytes().data();
    if constexpr (From == To || Bits == 8)
      detail::copy_bytes(source, target, units * detail::bytes_per_unit<Bits>);
    else
      for (std::size_t u = 0; u < units; ++u)
        detail::reorder_unit<Bits, From>(source + u * detail::bytes_per_unit<Bits>,
                                         target + u * detail::bytes_per_unit<Bits>);
    i += units * detail::codes_per_unit<Bits>;
  }
  for (; i < to.size(); ++i)
    to.set(i, from[i]);
}

/// Rewrites the codes in their own bytes in the order `To` and returns them as such. In the last byte, bits past the
/// last code become 0. The span handed in reads nonsense afterwards, unless its order was `To` all along.
/// Precondition: starts_on_byte(), and the last byte holds no code of anyone else: one byte has one order.
template <bit_order To, int Bits, bit_order From>
constexpr packed_span<Bits, To, std::byte> reorder(const packed_span<Bits, From, std::byte>& codes) noexcept {
  std::byte* const at = codes.bytes().data();
  constexpr std::size_t unit_codes = detail::codes_per_unit<Bits>;
  constexpr std::size_t unit_bytes = detail::bytes_per_unit<Bits>;
  const std::size_t units = codes.size() / unit_codes;
  if constexpr (From != To && Bits != 8)
    for (std::size_t u = 0; u < units; ++u)
      detail::reorder_unit<Bits, From>(at + u * unit_bytes, at + u * unit_bytes);

  const auto rest = codes.subspan(units * unit_codes);
  const packed_span<Bits, To, std::byte> rest_out(at + units * unit_bytes, rest.size());
  std::array<std::uint8_t, 8> kept{};
  for (std::size_t i = 0; i < rest.size(); ++i)
    kept[i] = rest[i];
  for (std::byte& b : rest_out.bytes())
    b = std::byte{0};
  for (std::size_t i = 0; i < rest.size(); ++i)
    rest_out.set(i, kept[i]);
  return {at, codes.size()};
}

FEWBITS_NAMESPACE_END
