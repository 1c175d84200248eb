// A GGUF block taken apart into the codes of its fewbits format, and put together again.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/interop/gguf/layouts.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

template <class Layout>
inline constexpr bool has_digits = requires {
  &Layout::digit_of;
};

constexpr unsigned powers_of_3[] = {1, 3, 9, 27, 81};

template <std::size_t Count>
constexpr unsigned load_gguf(std::span<const std::byte> block, const gguf_pieces<Count>& pieces) noexcept {
  unsigned number = 0;
  for (const gguf_bits& piece : pieces)
    number |= (std::to_integer<unsigned>(block[piece.byte]) >> piece.shift & ((1u << piece.bits) - 1)) << piece.place;
  return number;
}
// Precondition: the bits are 0.
template <std::size_t Count>
constexpr void store_gguf(std::span<std::byte> block, const gguf_pieces<Count>& pieces, unsigned number) noexcept {
  for (const gguf_bits& piece : pieces)
    block[piece.byte] |= static_cast<std::byte>((number >> piece.place & ((1u << piece.bits) - 1)) << piece.shift);
}

template <class Layout>
constexpr unsigned load_gguf_code(std::span<const std::byte> block, std::size_t i) noexcept {
  if constexpr (has_digits<Layout>) {
    const auto at = Layout::digit_of(i);
    return ((std::to_integer<unsigned>(block[at.byte]) * powers_of_3[at.digit] & 255) * 3) >> 8;
  } else {
    return load_gguf(block, Layout::code(i));
  }
}

}  // namespace detail

/// One block of a GGUF type: element codes in the order of their values, and the blocks of the format that it is made
/// of, with their super scale.
template <class Layout>
struct gguf_parts {
  using format = typename Layout::format;
  static constexpr std::size_t blocks = Layout::elements / format::shape.columns;

  std::array<std::uint8_t, Layout::elements> codes;
  std::array<block_parameters<format>, blocks> parameters;
  typename format::super_type super;

  /// Precondition: block.size() == Layout::bytes.
  [[nodiscard]] static constexpr gguf_parts load(std::span<const std::byte> block) noexcept {
    using element = typename format::element_type;
    gguf_parts parts{};
    for (std::size_t i = 0; i < Layout::elements; ++i)
      parts.codes[i] = masked<element>(detail::load_gguf_code<Layout>(block, i) - Layout::code_bias);
    for (std::size_t k = 0; k < blocks; ++k) {
      parts.parameters[k].scale =
          number_of<typename format::scale_type>(detail::load_gguf(block, Layout::scale(k)) - Layout::scale_bias);
      if constexpr (format::has_minimum)
        parts.parameters[k].zero = number_of<typename format::zero_type>(detail::load_gguf(block, Layout::minimum(k)));
    }
    if constexpr (format::has_super_scale)
      parts.super.scale = number_of<fp16>(detail::load_gguf(block, Layout::super_scale()));
    if constexpr (format::has_super_minimum)
      parts.super.minimum = number_of<fp16>(detail::load_gguf(block, Layout::super_minimum()));
    return parts;
  }

  /// Precondition: block.size() == Layout::bytes. Every byte is written.
  constexpr void store(std::span<std::byte> block) const noexcept {
    using element = typename format::element_type;
    using scale_type = typename format::scale_type;
    std::fill(block.begin(), block.end(), std::byte{0});
    if constexpr (detail::has_digits<Layout>) {
      std::array<unsigned, Layout::bytes> numbers{};
      for (std::size_t i = 0; i < Layout::elements; ++i) {
        const auto at = Layout::digit_of(i);
        numbers[at.byte] += masked<element>(codes[i] + Layout::code_bias) * detail::powers_of_3[4 - at.digit];
      }
      for (std::size_t j = 0; j + 2 < Layout::bytes; ++j)
        block[j] = static_cast<std::byte>((numbers[j] * 256 + 242) / 243);
    } else {
      for (std::size_t i = 0; i < Layout::elements; ++i)
        detail::store_gguf(block, Layout::code(i), masked<element>(codes[i] + Layout::code_bias));
    }
    for (std::size_t k = 0; k < blocks; ++k) {
      detail::store_gguf(block, Layout::scale(k), masked<scale_type>(parameters[k].scale.bits() + Layout::scale_bias));
      if constexpr (format::has_minimum)
        detail::store_gguf(block, Layout::minimum(k), parameters[k].zero.bits());
    }
    if constexpr (format::has_super_scale)
      detail::store_gguf(block, Layout::super_scale(), super.scale.bits());
    if constexpr (format::has_super_minimum)
      detail::store_gguf(block, Layout::super_minimum(), super.minimum.bits());
  }

 private:
  template <class Number>
  static constexpr Number number_of(unsigned code) noexcept {
    return Number::from_bits(masked<Number>(code));
  }
  template <class Number>
  static constexpr typename Number::bits_type masked(unsigned code) noexcept {
    return static_cast<typename Number::bits_type>(code & Number::format.code_mask());
  }
};

FEWBITS_NAMESPACE_END
