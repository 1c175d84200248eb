// bitsandbytes' 4-bit weights: nibbles high first, one float32 absmax a block, and absmax quantised again (nested).
// Blocks run over the flattened matrix, across its rows. Source: bitsandbytes 0.50.2, backends/default/ops.py
// (quantize_4bit, dequantize_4bit) and functional.py (QuantState.as_dict).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/packed_checked.hpp>
#include <fewbits/block/writers/stepwise.hpp>
#include <fewbits/interop/layouts/stored_numbers.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/number/codebook.hpp>

FEWBITS_NAMESPACE_BEGIN

/// nf4 as bitsandbytes stores it: element 2j in the high half of byte j. Size: its blocksize, 64 unless said otherwise.
template <std::size_t Size = 64>
struct bitsandbytes_groups : block_format<nf4, float, Size, amax_scale_t, with_order<bit_order::high_first>> {};

/// The tensor `weight`, U8 [(N K + 1) / 2, 1]. `bitsandbytes_codes::over(bytes, N * K)` checks its length.
using bitsandbytes_codes = packed_span<4, bit_order::high_first>;
using bitsandbytes_codes_out = packed_span<4, bit_order::high_first, std::byte>;

/// Blocks of `blocksize` that `elements` have; the last may be smaller. Precondition: blocksize != 0.
[[nodiscard]] constexpr std::size_t bitsandbytes_blocks(std::size_t elements, std::size_t blocksize) noexcept {
  return elements / blocksize + (elements % blocksize != 0 ? 1 : 0);
}

/// Is this tensor `quant_map` of 16 numbers the one of nf4, bit for bit? That of fp4 is not: its codes 0 and 8 are both
/// zero, so it is no codebook; decode_bitsandbytes reads it.
[[nodiscard]] constexpr bool is_nf4_map(const stored_numbers<float>& map) noexcept {
  if (map.bytes.size() != 16 * sizeof(float))
    return false;
  for (std::uint8_t code = 0; code < 16; ++code)
    if (source_code(map[code]) != source_code(static_cast<float>(nf4::from_bits(code))))
      return false;
  return true;
}

/// Weights [rows, columns] where they lie, nothing copied: `absmax` has one number a block. Where blocks run across the
/// rows' ends they are no blocks of a matrix: read_bitsandbytes then makes them smaller.
/// Errors: errc::shape_mismatch: other lengths than [rows, columns] has; unsupported: columns are no multiple of Size,
/// or the codes begin inside a byte; size_overflow.
template <std::size_t Size = 64>
[[nodiscard]] constexpr result<quantized_view<bitsandbytes_groups<Size>>> view_bitsandbytes(
    std::size_t rows, std::size_t columns, const bitsandbytes_codes& codes, std::span<const float> absmax) noexcept {
  using format = bitsandbytes_groups<Size>;
  const auto layout = quantized_layout<format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (columns % Size != 0)
    return error{errc::unsupported} << "blocks of " << std::uint64_t{Size} << " run across rows of " << columns
                                    << " columns: read_bitsandbytes copies them into smaller ones";
  if (codes.size() != rows * columns || absmax.size() != layout->blocks() || !codes.starts_on_byte())
    return error{errc::shape_mismatch} << "[" << rows << ", " << columns << "] has " << rows * columns << " codes and "
                                       << layout->blocks() << " absmax, and there are " << codes.size() << " and "
                                       << absmax.size();
  return quantized_view<format>{*layout, quantized_streams<format>{.codes = codes.bytes(), .scales = absmax}};
}

namespace detail {

template <blocked Format>
constexpr result<quantized_layout<Format>> check_bitsandbytes(std::size_t rows, std::size_t columns,
                                                              std::size_t blocksize, std::size_t codes,
                                                              std::size_t absmax_bytes) noexcept {
  static_assert(std::is_same_v<typename Format::element_type, nf4> &&
                    std::is_same_v<typename Format::scale_type, float> && Format::shape.rows == 1 &&
                    Format::shape.columns != whole && !Format::has_super_scale,
                "bitsandbytes has blocks of nf4 under float32: choose bitsandbytes_groups<Size> or nf4_groups<Size>");
  constexpr std::size_t size = Format::shape.columns;
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (blocksize == 0 || blocksize % size != 0 || (rows > 1 && columns % size != 0))
    return error{errc::unsupported} << "groups of " << std::uint64_t{size} << " do not divide blocks of " << blocksize
                                    << " over rows of " << columns
                                    << ": choose a size that divides both (or one row of all elements)";
  const std::size_t blocks = bitsandbytes_blocks(rows * columns, blocksize);
  if (codes != rows * columns || absmax_bytes != blocks * sizeof(float))
    return error{errc::shape_mismatch} << "[" << rows << ", " << columns << "] has " << rows * columns << " codes and "
                                       << blocks << " absmax, and there are " << codes << " codes and " << absmax_bytes
                                       << " bytes of absmax";
  return *layout;
}

}  // namespace detail

/// Weights [rows, columns] with blocks of `blocksize` elements of the flattened matrix. Exact: each group of the format
/// lies in one block and takes its absmax; values are nf4 x absmax, rounded once to float32, as bitsandbytes' are
/// before it rounds them to the layer's type.
///
/// Format: bitsandbytes_groups<Size> or nf4_groups<Size>, where Size divides the blocksize and the columns: 4 for rows
/// of 100 in blocks of 64. For [1, N K] any divisor of the blocksize.
/// absmax may be anything: NaN makes its block NaN, 0 makes it zeros with the elements' signs.
/// Errors: errc::shape_mismatch: other lengths than [rows, columns] has; unsupported: Size does not divide;
/// size_overflow; out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_bitsandbytes(std::size_t rows, std::size_t columns,
                                                                 std::size_t blocksize, const bitsandbytes_codes& codes,
                                                                 const stored_numbers<float>& absmax) noexcept {
  const auto layout = detail::check_bitsandbytes<Format>(rows, columns, blocksize, codes.size(), absmax.bytes.size());
  if (!layout)
    return layout.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made.error();
  const auto to = made->streams();
  for (std::size_t r = 0; r < detail::rounds(rows, columns); ++r) {
    const packed_codes_out<Format> row{to.codes.data() + r * layout->row_code_bytes(), layout->padded_columns()};
    for (std::size_t c = 0; c < columns; ++c)
      row.set(c, codes[r * columns + c]);
    for (std::size_t j = 0; j < layout->block_columns(); ++j)
      to.scales[r * layout->block_columns() + j] = absmax[(r * columns + layout->first_column(j)) / blocksize];
  }
  return made;
}

/// The same back, exactly: groups that share a block must have one scale, bit for bit. `codes` gets rows x columns
/// nibbles, behind an odd number of them code 7 (nf4's 0), as its package fills up; `absmax` one float32 a block. Must
/// not alias the matrix. Errors: errc::shape_mismatch, unsupported: as in read_bitsandbytes; unsupported: scales that
/// differ inside a block, or codes that begin inside a byte. Nothing is written then.
template <blocked Format>
result<void> write_bitsandbytes(const quantized_view<Format>& from, std::size_t blocksize,
                                const bitsandbytes_codes_out& codes,
                                const stored_numbers<float, std::byte>& absmax) noexcept {
  const std::size_t rows = from.rows();
  const std::size_t columns = from.columns();
  const auto layout = detail::check_bitsandbytes<Format>(rows, columns, blocksize, codes.size(), absmax.bytes.size());
  if (!layout)
    return layout.error();
  if (!codes.starts_on_byte())
    return error{errc::unsupported, "the codes begin inside a byte, and a tensor does not"};
  const std::size_t across = layout->block_columns();
  const auto block_of = [&](std::size_t which_group) {
    return (which_group / across * columns + layout->first_column(which_group % across)) / blocksize;
  };
  for (std::size_t group = 1; group < layout->blocks(); ++group)
    if (block_of(group) == block_of(group - 1) &&
        source_code(from.scales()[group]) != source_code(from.scales()[group - 1]))
      return error{errc::unsupported} << "groups " << group - 1 << " and " << group << " lie in one block of "
                                      << blocksize << " and have different scales";
  for (std::size_t group = 0; group < layout->blocks(); ++group)
    absmax.set(block_of(group), from.scales()[group]);
  for (std::size_t r = 0; r < detail::rounds(rows, columns); ++r) {
    const auto row = from.row_codes(r);
    for (std::size_t c = 0; c < columns; ++c)
      codes.set(r * columns + c, row[c]);
  }
  if (codes.size() % 2 != 0)
    codes.bytes().back() = detail::merge_bits(codes.bytes().back(), 0x0f, 7);
  return {};
}

/// Values by the table of 16 that a checkpoint has as `quant_map`: nf4, fp4 and any other. out[i] = map[code i] x
/// absmax[i / blocksize], rounded once to float32.
/// Errors: errc::shape_mismatch: `out` is not as long as the codes, the map has not 16 numbers, or the absmax are not
/// one a block; invalid_argument: a blocksize of 0. Nothing is written then.
constexpr result<void> decode_bitsandbytes(const bitsandbytes_codes& codes, const stored_numbers<float>& map,
                                           std::size_t blocksize, const stored_numbers<float>& absmax,
                                           std::span<float> out) noexcept {
  if (blocksize == 0)
    return error{errc::invalid_argument} << "a blocksize of 0";
  if (map.bytes.size() != 16 * sizeof(float) || out.size() != codes.size() ||
      absmax.bytes.size() != bitsandbytes_blocks(codes.size(), blocksize) * sizeof(float))
    return error{errc::shape_mismatch} << codes.size() << " codes in blocks of " << blocksize
                                       << " have as many values, 16 numbers in 'quant_map' and "
                                       << bitsandbytes_blocks(codes.size(), blocksize) << " absmax; there are "
                                       << out.size() << ", " << map.size() << " and " << absmax.size();
  for (std::size_t i = 0; i < codes.size(); ++i)
    out[i] = (stepwise(map[codes[i]]) * stepwise(absmax[i / blocksize])).value();
  return {};
}

/// absmax that are quantised themselves (compress_statistics, "double quantisation").
struct bitsandbytes_nested {
  std::span<const std::byte> codes;  ///< `absmax`, U8, one a block
  stored_numbers<float> map;         ///< `nested_quant_map`, 256 numbers
  stored_numbers<float> absmax;      ///< `nested_absmax`, one for `blocksize` codes
  float offset = 0;                  ///< `nested_offset`, out of the JSON `quant_state.bitsandbytes__nf4`
  std::size_t blocksize = 256;       ///< `nested_blocksize`, likewise
};

/// The absmax that nested ones stand for: map[code] x nested absmax, rounded to float32, plus the offset, rounded
/// again: bit for bit what bitsandbytes' dequantize_4bit goes on with. The product is not fused with the sum.
/// Errors: errc::shape_mismatch: `out` is not as long as the codes, the map has not 256 numbers, or the nested absmax
/// are not one for `blocksize` codes; invalid_argument: a blocksize of 0. Nothing is written then.
constexpr result<void> resolve_absmax(const bitsandbytes_nested& from,
                                      const stored_numbers<float, std::byte>& out) noexcept {
  if (from.blocksize == 0)
    return error{errc::invalid_argument} << "a nested blocksize of 0";
  if (from.map.bytes.size() != 256 * sizeof(float) || out.bytes.size() != from.codes.size() * sizeof(float) ||
      from.absmax.bytes.size() != bitsandbytes_blocks(from.codes.size(), from.blocksize) * sizeof(float))
    return error{errc::shape_mismatch} << from.codes.size() << " nested absmax in blocks of " << from.blocksize
                                       << " have as many numbers, 256 in 'nested_quant_map' and "
                                       << bitsandbytes_blocks(from.codes.size(), from.blocksize)
                                       << " in 'nested_absmax'; there are " << out.size() << ", " << from.map.size()
                                       << " and " << from.absmax.size();
  for (std::size_t i = 0; i < from.codes.size(); ++i)
    out.set(i, (stepwise(from.map[std::to_integer<std::size_t>(from.codes[i])]) *
                    stepwise(from.absmax[i / from.blocksize]) +
                stepwise(from.offset))
                   .value());
  return {};
}

FEWBITS_NAMESPACE_END
