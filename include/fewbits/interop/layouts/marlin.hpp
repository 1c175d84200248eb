// Marlin's int4 checkpoints: codes in the order in which a GPU's tensor cores want them.
// Sources: IST-DASLab/marlin, marlin/__init__.py; the same packing in AutoGPTQ 0.7.1, qlinear_marlin.py, and vLLM,
// marlin_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/layouts/integer_words.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The tensor `B`: I32 [K / 16, 2 N].
template <class Byte = const std::byte>
struct marlin_words {
  std::span<Byte> bytes{};
  constexpr marlin_words() noexcept = default;
  constexpr explicit marlin_words(std::span<Byte> bytes_of_words) noexcept : bytes(bytes_of_words) {}
};
/// The tensor `s`: [G, N], its columns in Marlin's order. Scale: fp16, or bf16.
template <number Scale = fp16, class Byte = const std::byte>
struct marlin_scales {
  stored_numbers<Scale, Byte> numbers{};
  constexpr marlin_scales() noexcept = default;
  constexpr explicit marlin_scales(std::span<Byte> bytes_of_scales) noexcept : numbers(bytes_of_scales) {}
};
/// The tensors of one layer with K inputs, N outputs and G groups.
template <number Scale = fp16, class Byte = const std::byte>
struct marlin_tensors {
  marlin_words<Byte> words;
  marlin_scales<Scale, Byte> scales;
};
template <number Scale = fp16>
using marlin_tensors_out = marlin_tensors<Scale, std::byte>;

/// Bytes of each tensor.
struct marlin_sizes {
  std::uint64_t words;
  std::uint64_t scales;
};

/// What weights [rows, columns] = [N, K] take. The layout asks for 64 outputs and 16 inputs at a time; kernels ask for
/// more: 256 and 128 (Marlin, AutoGPTQ), 64 and 128 (vLLM), and for groups of 128 or whole channels.
/// Errors: errc::unsupported: N is no multiple of 64, or K none of 16 or of the group; size_overflow.
template <blocked Format>
[[nodiscard]] constexpr result<marlin_sizes> marlin_sizes_of(std::size_t rows, std::size_t columns) noexcept {
  detail::check_integer_group_format<Format, 4>();
  static_assert(!Format::has_zero_point, "Marlin's codes are symmetric: choose int4_groups<Size, fp16>");
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (rows % 64 != 0 || columns % 16 != 0 || (Format::shape.columns != whole && columns % Format::shape.columns != 0))
    return error{errc::unsupported} << "Marlin has tiles of 64 outputs and 16 inputs and whole groups, which [" << rows
                                    << ", " << columns << "] is no multiple of";
  return marlin_sizes{std::uint64_t{columns} / 16 * rows * 8,
                      std::uint64_t{layout->block_columns()} * rows * sizeof(typename Format::scale_type)};
}

namespace detail {

/// Which word and nibble hold the code of output n, input k, of N outputs. A row of words has 16 inputs, 128 words of
/// it 64 outputs: four tiles of 16 x 16 in turn. Lane i of 32 holds of each tile column i / 4, rows 2 (i % 4), + 1, +
/// 8,
/// + 9, then the same rows of column i / 4 + 8; these eight are interleaved as AWQ's.
struct marlin_place {
  std::size_t word;
  unsigned nibble;
};
constexpr marlin_place marlin_place_of(std::size_t n, std::size_t k, std::size_t rows) noexcept {
  constexpr code_order<8> place_in_word = inverse(awq_order);
  const std::size_t row = k % 16;
  const std::size_t column = n % 16;
  const std::size_t tile = n % 64 / 16;
  const std::size_t lane = column % 8 * 4 + row % 8 / 2;
  const std::size_t which = column / 8 * 4 + row / 8 * 2 + row % 2;
  return {k / 16 * rows * 2 + n / 64 * 128 + lane * 4 + tile, place_in_word.source[which]};
}

/// The output whose scale lies at place p. Under groups: 64 columns as an 8 x 8 square, transposed. For whole channels:
/// of 32 columns the pairs 2i, 2i + 1 of each 8.
constexpr std::size_t marlin_scale_column(std::size_t p, bool grouped) noexcept {
  if (grouped)
    return p / 64 * 64 + p % 64 / 8 + p % 8 * 8;
  return p / 32 * 32 + p % 32 / 8 * 2 + p % 8 / 2 * 8 + p % 2;
}

template <blocked Format, class Byte>
constexpr result<void> check_marlin(std::size_t rows, std::size_t columns,
                                    const marlin_tensors<typename Format::scale_type, Byte>& tensors) noexcept {
  const auto sizes = marlin_sizes_of<Format>(rows, columns);
  if (!sizes)
    return sizes.error();
  if (const auto fits = check_bytes("B", tensors.words.bytes.size(), columns / 16, std::uint64_t{rows} * 2, 4); !fits)
    return fits;
  const std::uint64_t groups = quantized_layout<Format>::unchecked(rows, columns).block_columns();
  return check_bytes("s", tensors.scales.numbers.bytes.size(), groups, rows, sizeof(typename Format::scale_type));
}

}  // namespace detail

/// Weights [rows, columns] = [N, K] out of a Marlin layer. Exact: codes and scales keep their bits.
/// Format: int4_groups<Size, Scale>; Size: 128, or `whole` for one scale a channel. One group of all K inputs is a
/// channel in Marlin, too.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [N, K] takes; unsupported: as in marlin_sizes_of;
/// size_overflow; out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_marlin(
    std::size_t rows, std::size_t columns, const marlin_tensors<typename Format::scale_type>& from) noexcept {
  if (const auto fits = detail::check_marlin<Format>(rows, columns, from); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made.error();
  const quantized_layout<Format>& layout = made->layout();
  const auto to = made->streams();
  const std::size_t groups = layout.block_columns();
  for (std::size_t g = 0; g < detail::rounds(groups, rows); ++g)
    for (std::size_t p = 0; p < rows; ++p)
      to.scales[detail::marlin_scale_column(p, groups > 1) * groups + g] = from.scales.numbers[g * rows + p];
  for (std::size_t n = 0; n < detail::rounds(rows, columns); ++n) {
    const auto row = detail::row_of<Format>(to, layout, n);
    for (std::size_t k = 0; k < columns; ++k) {
      const auto at = detail::marlin_place_of(n, k, rows);
      const unsigned byte = std::to_integer<unsigned>(from.words.bytes[at.word * 4 + at.nibble / 2]);
      row.set(k, detail::other_code<Format>(byte >> (at.nibble % 2 * 4) & 15u));
    }
  }
  return made;
}

/// The same back: `to` gets the layer's tensors, every byte of them. Must not alias the matrix.
/// Errors: errc::shape_mismatch, unsupported: as in read_marlin; nothing is written then.
template <blocked Format>
result<void> write_marlin(const quantized_view<Format>& from,
                          const marlin_tensors_out<typename Format::scale_type>& to) noexcept {
  const std::size_t rows = from.rows();
  if (const auto fits = detail::check_marlin<Format>(rows, from.columns(), to); !fits)
    return fits;
  const std::size_t groups = from.layout().block_columns();
  for (std::size_t g = 0; g < detail::rounds(groups, rows); ++g)
    for (std::size_t p = 0; p < rows; ++p)
      to.scales.numbers.set(g * rows + p, from.block_scale(detail::marlin_scale_column(p, groups > 1), g));
  const packed_span<4, bit_order::low_first, std::byte> nibbles(to.words.bytes.data(), rows * from.columns());
  for (std::size_t n = 0; n < detail::rounds(rows, from.columns()); ++n) {
    const auto row = from.row_codes(n);
    for (std::size_t k = 0; k < from.columns(); ++k) {
      const auto at = detail::marlin_place_of(n, k, rows);
      nibbles.set(at.word * 8 + at.nibble, detail::other_code<Format>(row[k]));
    }
  }
  return {};
}

FEWBITS_NAMESPACE_END
