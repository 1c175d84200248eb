// KIVI's quantised key and value caches: 2, 4 or 8 bits with a scale and a minimum a group.
// Source: KIVI, quant/new_pack.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/interop/layouts/integer_words.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// value = scale x code + minimum, both of one type.
template <few_bit_number Element, std::size_t Size, number Scale = fp16>
struct kivi_groups : block_format<Element, Scale, Size, min_max_scale_t, with_minimum<Scale>> {};

/// Codes low first along the last axis: I32 [rows, columns x Bits / 32].
template <int Bits, class Byte = const std::byte>
using kivi_words = packed_words<Bits, word_order::sequential, word_axis::along_rows, Byte>;
/// Codes along the tokens, down the columns: I32 [tokens x Bits / 32, channels], as quant_and_pack_kcache makes them.
template <int Bits, class Byte = const std::byte>
using kivi_token_words = packed_words<Bits, word_order::sequential, word_axis::along_columns, Byte>;

/// One head of a cache packed along its last axis (triton_quantize_and_pack_along_last_dim, quant_and_pack_vcache):
/// keys [channels, tokens], values [tokens, channels]. Nothing is copied. `scale` and `mn`: [rows, columns / Size].
/// Values are those of exact arithmetic; KIVI rounds product and sum to half precision. Scales and minimums may be
/// anything: a NaN makes its group NaN; a group of equal values has scale 0 and codes from 0 / 0, which KIVI writes as
/// whatever its integer conversion makes of NaN: it decodes to the minimum.
/// Errors: errc::shape_mismatch: other lengths than [rows, columns] has; unsupported: columns are no multiple of the
/// group or do not fill whole words; size_overflow.
template <blocked Format>
[[nodiscard]] constexpr result<quantized_view<Format>> view_kivi(
    std::size_t rows, std::size_t columns, const kivi_words<Format::element_bits>& codes,
    std::span<const typename Format::scale_type> scale, std::span<const typename Format::scale_type> minimum) noexcept {
  constexpr int bits = Format::element_bits;
  static_assert(detail::is_integer<typename Format::element_type>() && Format::has_minimum &&
                    std::is_same_v<typename Format::zero_type, typename Format::scale_type> &&
                    Format::shape.rows == 1 && Format::shape.columns != whole && Format::order == bit_order::low_first,
                "KIVI has unsigned integers under a scale and a minimum of one type: choose kivi_groups");
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (columns % Format::shape.columns != 0 || !fills_words<bits>(columns))
    return error{errc::unsupported} << "KIVI has whole groups of " << std::uint64_t{Format::shape.columns}
                                    << " and whole words, and " << columns << " columns are no multiple of them";
  if (const auto fits = detail::check_bytes("code", codes.bytes.size(), rows, words_of_codes<bits>(columns), 4); !fits)
    return fits.error();
  if (scale.size() != layout->blocks() || minimum.size() != layout->blocks())
    return error{errc::shape_mismatch} << "[" << rows << ", " << columns << "] has " << layout->blocks()
                                       << " groups, and there are " << scale.size() << " scales and " << minimum.size()
                                       << " minimums";
  return quantized_view<Format>{*layout,
                                quantized_streams<Format>{.codes = codes.bytes, .scales = scale, .zeros = minimum}};
}

/// One head of keys in the other layout, packed down the tokens.
template <int Bits, number Scale = fp16, class Byte = const std::byte>
struct kivi_token_tensors {
  kivi_token_words<Bits, Byte> code;    ///< I32 [tokens x Bits / 32, channels]
  stored_numbers<Scale, Byte> scale;    ///< [tokens / Size, channels]
  stored_numbers<Scale, Byte> minimum;  ///< `mn`, the same
};
template <int Bits, number Scale = fp16>
using kivi_token_tensors_out = kivi_token_tensors<Bits, Scale, std::byte>;

namespace detail {

template <blocked Format, class Byte>
constexpr result<void> check_kivi_tokens(
    std::size_t channels, std::size_t tokens,
    const kivi_token_tensors<Format::element_bits, typename Format::scale_type, Byte>& tensors) noexcept {
  constexpr int bits = Format::element_bits;
  static_assert(Format::has_minimum && Format::shape.rows == 1 && Format::shape.columns != whole,
                "KIVI has unsigned integers under a scale and a minimum of one type: choose kivi_groups");
  const auto layout = quantized_layout<Format>::of(channels, tokens);
  if (!layout)
    return layout.error();
  if (tokens % Format::shape.columns != 0 || !fills_words<bits>(tokens))
    return error{errc::unsupported} << "KIVI has whole groups of " << std::uint64_t{Format::shape.columns}
                                    << " and whole words, and " << tokens << " tokens are no multiple of them";
  constexpr std::uint64_t bytes_each = sizeof(typename Format::scale_type);
  if (const auto fits = check_bytes("code", tensors.code.bytes.size(), words_of_codes<bits>(tokens), channels, 4);
      !fits)
    return fits;
  const std::uint64_t groups = layout->block_columns();
  if (const auto fits = check_bytes("scale", tensors.scale.bytes.size(), groups, channels, bytes_each); !fits)
    return fits;
  return check_bytes("mn", tensors.minimum.bytes.size(), groups, channels, bytes_each);
}

}  // namespace detail

/// Keys [channels, tokens] out of the layout packed down the tokens. Exact; transposed on the way.
/// Errors: errc::shape_mismatch: a tensor has other bytes than the shape takes; unsupported: as in view_kivi;
/// size_overflow; out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_kivi_tokens(
    std::size_t channels, std::size_t tokens,
    const kivi_token_tensors<Format::element_bits, typename Format::scale_type>& from) noexcept {
  if (const auto fits = detail::check_kivi_tokens<Format>(channels, tokens, from); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(channels, tokens);
  if (!made)
    return made.error();
  const quantized_layout<Format>& layout = made->layout();
  const auto to = made->streams();
  const word_codes codes(from.code, tokens, channels);
  for (std::size_t c = 0; c < detail::rounds(layout.block_rows(), tokens); ++c) {
    for (std::size_t g = 0; g < layout.block_columns(); ++g) {
      to.scales[c * layout.block_columns() + g] = from.scale[g * channels + c];
      to.zeros[c * layout.block_columns() + g] = from.minimum[g * channels + c];
    }
    const auto row = detail::row_of<Format>(to, layout, c);
    for (std::size_t t = 0; t < tokens; ++t)
      row.set(t, codes(t, c));
  }
  return made;
}

/// The same back. Must not alias the matrix. Errors: errc::shape_mismatch, unsupported; nothing is written then.
template <blocked Format>
result<void> write_kivi_tokens(
    const quantized_view<Format>& from,
    const kivi_token_tensors_out<Format::element_bits, typename Format::scale_type>& to) noexcept {
  const std::size_t channels = from.rows();
  const std::size_t tokens = from.columns();
  if (const auto fits = detail::check_kivi_tokens<Format>(channels, tokens, to); !fits)
    return fits;
  const word_codes codes(to.code, tokens, channels);
  for (std::size_t c = 0; c < detail::rounds(from.layout().block_rows(), tokens); ++c) {
    for (std::size_t g = 0; g < from.layout().block_columns(); ++g) {
      to.scale.set(g * channels + c, from.parameters_of(c, g).scale);
      to.minimum.set(g * channels + c, from.parameters_of(c, g).zero);
    }
    const auto row = from.row_codes(c);
    for (std::size_t t = 0; t < tokens; ++t)
      codes.set(t, c, row[t]);
  }
  return {};
}

FEWBITS_NAMESPACE_END
