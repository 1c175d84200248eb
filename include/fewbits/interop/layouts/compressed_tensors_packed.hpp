// compressed-tensors' pack-quantized: integers of 1 to 8 bits in 32-bit words, over word borders too.
// Source: compressed-tensors 0.20.0, compressors/pack_quantized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/layouts/gptq.hpp>
#include <fewbits/interop/layouts/integer_words.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The tensors of one layer [N, K] with G groups along a row. Every code is stored as value + 2^(bits - 1).
/// Scale: the tensor's type, mostly bf16; a multiplier.
template <number Scale = bf16, class Byte = const std::byte>
struct compressed_tensors_packed_tensors {
  std::span<Byte> weight_packed;                      ///< I32 [N, ceil(K bits / 32)]
  stored_numbers<Scale, Byte> weight_scale;           ///< [N, G]; [N, 1] for "channel", [1] for "tensor"
  std::span<Byte> weight_zero_point{};                ///< asymmetric only: I32 [ceil(N bits / 32), G], packed down the
                                                      ///< columns; for "tensor" I8 [1], not packed
  stored_numbers<std::int64_t, Byte> weight_shape{};  ///< I64 [2]: N, K; may be empty
  stored_numbers<std::int32_t, Byte>
      weight_g_idx{};  ///< I32 [K], of versions up to 0.18 with actorder "group"; else empty
};
template <number Scale = bf16>
using compressed_tensors_packed_tensors_out = compressed_tensors_packed_tensors<Scale, std::byte>;

/// A layer with its inputs in an order that makes groups contiguous.
template <blocked Format>
struct compressed_tensors_packed_matrix {
  quantized_matrix<Format> weights;      ///< [N, K]; column j belongs to input order[j]
  nothrow_array<std::uint32_t> order{};  ///< empty where the inputs keep their order
};

/// Bytes of each tensor.
struct compressed_tensors_packed_sizes {
  std::uint64_t weight_packed;
  std::uint64_t weight_scale;
  std::uint64_t weight_zero_point;
  std::uint64_t weight_shape;
  std::uint64_t weight_g_idx;
};

namespace detail {

template <blocked Format>
constexpr bool is_packed_integer_format() noexcept {
  using element = typename Format::element_type;
  if constexpr (is_integer<element>() && !Format::has_super_scale && !Format::has_minimum && !Format::has_shapes) {
    constexpr bool zero_fits = [] {
      if constexpr (Format::has_zero_point)
        return !element::format.is_signed && Format::zero_type::format.total_bits == element::format.total_bits;
      else
        return element::format.is_signed && !element::format.symmetric;
    }();
    return zero_fits && (Format::shape.rows == 1 || Format::shape == per_tensor) &&
           std::is_same_v<typename Format::tensor_scale_type, no_tensor_scale>;
  } else {
    return false;
  }
}

/// Bytes of `count` codes in whole words of 32 bits.
template <int Bits>
constexpr std::uint64_t padded_word_bytes(std::uint64_t count) noexcept {
  return (packed_bytes<Bits>(count) + 3) / 4 * 4;
}

}  // namespace detail

/// What weights [rows, columns] = [N, K] take. Errors: errc::unsupported: K exceeds an int32; size_overflow.
template <blocked Format>
[[nodiscard]] constexpr result<compressed_tensors_packed_sizes> compressed_tensors_packed_sizes_of(
    std::size_t rows, std::size_t columns) noexcept {
  static_assert(detail::is_packed_integer_format<Format>(),
                "pack-quantized has integers in groups along a row, in channels or in one tensor: choose unsigned "
                "integers with zero points of the same width, or signed ones without");
  constexpr int bits = Format::element_bits;
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  // Words fill a row up by 3 bytes: that much more must fit.
  const auto words = checked_multiply(rows, detail::padded_word_bytes<bits>(columns));
  const std::uint64_t groups = layout->block_columns();
  const auto zeros = checked_multiply(groups, detail::padded_word_bytes<bits>(rows));
  if (!words || !zeros || *words > static_cast<std::size_t>(-1) / 2 || *zeros > static_cast<std::size_t>(-1) / 2)
    return error{errc::size_overflow} << "packed weights [" << rows << ", " << columns
                                      << "] do not fit the address space";
  if (columns > 0x7fff'ffff)
    return error{errc::unsupported} << "'weight_g_idx' counts inputs in 32 bits, and there are " << columns;
  const std::uint64_t zero_bytes = !Format::has_zero_point       ? 0
                                   : Format::shape == per_tensor ? layout->blocks()
                                                                 : *zeros;
  return compressed_tensors_packed_sizes{*words, layout->blocks() * sizeof(typename Format::scale_type), zero_bytes, 16,
                                         std::uint64_t{columns} * 4};
}

namespace detail {

constexpr result<void> check_byte_count(std::string_view name, std::uint64_t bytes, std::uint64_t wanted,
                                        std::size_t rows, std::size_t columns) noexcept {
  if (bytes != wanted)
    return error{errc::shape_mismatch} << "'" << name << "' has " << bytes << " bytes, and weights [" << rows << ", "
                                       << columns << "] take " << wanted << " there";
  return {};
}

template <blocked Format, class Byte>
constexpr result<void> check_packed(
    std::size_t rows, std::size_t columns,
    const compressed_tensors_packed_tensors<typename Format::scale_type, Byte>& tensors) noexcept {
  const auto sizes = compressed_tensors_packed_sizes_of<Format>(rows, columns);
  if (!sizes)
    return sizes.error();
  if (const auto fits =
          check_byte_count("weight_packed", tensors.weight_packed.size(), sizes->weight_packed, rows, columns);
      !fits)
    return fits;
  if (const auto fits =
          check_byte_count("weight_scale", tensors.weight_scale.bytes.size(), sizes->weight_scale, rows, columns);
      !fits)
    return fits;
  if (const auto fits = check_byte_count("weight_zero_point", tensors.weight_zero_point.size(),
                                         sizes->weight_zero_point, rows, columns);
      !fits)
    return fits;
  if (!tensors.weight_shape.bytes.empty())
    if (const auto fits =
            check_byte_count("weight_shape", tensors.weight_shape.bytes.size(), sizes->weight_shape, rows, columns);
        !fits)
      return fits;
  if (!tensors.weight_g_idx.bytes.empty())
    return check_byte_count("weight_g_idx", tensors.weight_g_idx.bytes.size(), sizes->weight_g_idx, rows, columns);
  return {};
}

/// Zero points as a matrix of codes [N, G]. A word of the last row may have codes to spare.
template <int Bits, class Byte>
constexpr auto zero_codes(std::span<Byte> bytes, std::size_t rows, std::size_t groups) noexcept {
  return word_codes(packed_words<Bits, word_order::sequential, word_axis::along_columns, Byte>{bytes}, rows, groups);
}

/// An uninitialised g_idx is full of -1 and means none.
constexpr bool names_groups(const stored_numbers<std::int32_t>& g_idx) noexcept {
  for (std::size_t k = 0; k < g_idx.size(); ++k)
    if (g_idx[k] == -1)
      return false;
  return true;
}

}  // namespace detail

/// Weights [rows, columns] = [N, K] out of a pack-quantized layer. Exact: codes, zero points and scales keep their
/// values; a value is scale x (code - zero point) in exact arithmetic, where the package rounds it to the scale's type.
///
/// Format: signed integers without zero points for "symmetric" (int4_groups<Size, Scale>), unsigned ones with zero
/// points else (uint4_groups, gptq_groups of other widths); Size `whole` for "channel", the shape per_tensor for
/// "tensor". Groups of `weight_g_idx` become blocks as in read_gptq; one with a -1 in it stands for none.
/// Widths of 3, 5, 6 and 7 bits: up to version 0.17.1 writers began a word anew instead of going over its border. For K
/// of 160 and more such a tensor has more words and is refused by its size; for smaller K the two look alike.
/// Scales may be anything: NaN makes a group NaN, 0 zeros.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [N, K] takes, or weight_shape names another shape;
/// malformed_file, unsupported: weight_g_idx as in read_gptq; size_overflow; out_of_memory.
template <blocked Format>
[[nodiscard]] result<compressed_tensors_packed_matrix<Format>> read_compressed_tensors_packed(
    std::size_t rows, std::size_t columns,
    const compressed_tensors_packed_tensors<typename Format::scale_type>& from) noexcept {
  constexpr int bits = Format::element_bits;
  if (const auto fits = detail::check_packed<Format>(rows, columns, from); !fits)
    return fits.error();
  if (!from.weight_shape.bytes.empty())
    if (from.weight_shape[0] < 0 || from.weight_shape[1] < 0 ||
        static_cast<std::uint64_t>(from.weight_shape[0]) != rows ||
        static_cast<std::uint64_t>(from.weight_shape[1]) != columns)
      return error{errc::shape_mismatch} << "'weight_shape' names another shape than [" << rows << ", " << columns
                                         << "]";
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made.error();
  compressed_tensors_packed_matrix<Format> layer{std::move(*made)};
  const quantized_layout<Format>& layout = layer.weights.layout();
  const auto to = layer.weights.streams();
  if constexpr (Format::shape != per_tensor)
    if (detail::names_groups(from.weight_g_idx))
      if (const auto sorted = detail::sort_by_group<Format>(from.weight_g_idx, layout, layer.order); !sorted)
        return sorted.error();

  for (std::size_t i = 0; i < layout.blocks(); ++i)
    store_parameter(to.scales, i, from.weight_scale[i]);
  if constexpr (Format::has_zero_point) {
    const auto store = [&to](std::size_t block, unsigned zero_code) noexcept {
      store_parameter(to.zeros, block, Format::zero_type::from_bits(static_cast<std::uint8_t>(zero_code)));
    };
    if constexpr (Format::shape == per_tensor) {
      if (layout.blocks() != 0)
        store(0, std::to_integer<unsigned>(from.weight_zero_point[0]) + detail::middle_code<Format>);
    } else {
      const auto zeros = detail::zero_codes<bits>(from.weight_zero_point, rows, layout.block_columns());
      for (std::size_t n = 0; n < detail::rounds(layout.block_rows(), layout.block_columns()); ++n)
        for (std::size_t g = 0; g < layout.block_columns(); ++g)
          store(n * layout.block_columns() + g, zeros(n, g));
    }
  }
  const std::size_t row_bytes = static_cast<std::size_t>(detail::padded_word_bytes<bits>(columns));
  const std::span<const std::uint32_t> order = layer.order.view();
  for (std::size_t n = 0; n < detail::rounds(rows, columns); ++n) {
    const packed_span<bits> stored(from.weight_packed.data() + n * row_bytes, columns);
    const auto row = detail::row_of<Format>(to, layout, n);
    for (std::size_t j = 0; j < columns; ++j)
      row.set(j, detail::other_code<Format>(stored[order.empty() ? j : order[j]]));
  }
  return layer;
}

/// The same back: `to` gets the layer's tensors, every byte of them; what fills words up is 0. weight_shape and,
/// without an `order`, weight_g_idx may be empty and are not written then. `order`: the input of each column, as the
/// reader gives it. Must not alias the matrix. Errors: errc::shape_mismatch, unsupported; invalid_argument: `order` is
/// no permutation, or there is nowhere to write it; out_of_memory. Nothing is written then.
template <blocked Format>
result<void> write_compressed_tensors_packed(
    const quantized_view<Format>& from, const compressed_tensors_packed_tensors_out<typename Format::scale_type>& to,
    std::span<const std::uint32_t> order = {}) noexcept {
  constexpr int bits = Format::element_bits;
  const std::size_t rows = from.rows();
  const std::size_t columns = from.columns();
  if (const auto fits = detail::check_packed<Format>(rows, columns, to); !fits)
    return fits;
  if (const auto fits = detail::check_order(order, columns); !fits)
    return fits;
  if (!order.empty() && to.weight_g_idx.bytes.empty())
    return error{errc::invalid_argument, "an order of inputs is stored in 'weight_g_idx', which is empty"};

  const quantized_layout<Format>& layout = from.layout();
  for (std::size_t i = 0; i < layout.blocks(); ++i)
    to.weight_scale.set(i, from.scales()[i]);
  if constexpr (Format::has_zero_point) {
    if constexpr (Format::shape == per_tensor) {
      if (layout.blocks() != 0)
        to.weight_zero_point[0] = static_cast<std::byte>((from.zeros()[0].bits() - detail::middle_code<Format>)&0xff);
    } else {
      for (std::byte& each : to.weight_zero_point)
        each = std::byte{0};
      const auto zeros = detail::zero_codes<bits>(to.weight_zero_point, rows, layout.block_columns());
      for (std::size_t n = 0; n < detail::rounds(layout.block_rows(), layout.block_columns()); ++n)
        for (std::size_t g = 0; g < layout.block_columns(); ++g)
          zeros.set(n, g, from.zeros()[n * layout.block_columns() + g].bits());
    }
  }
  for (std::byte& each : to.weight_packed)
    each = std::byte{0};
  const std::size_t row_bytes = static_cast<std::size_t>(detail::padded_word_bytes<bits>(columns));
  for (std::size_t n = 0; n < detail::rounds(rows, columns); ++n) {
    const packed_span<bits, bit_order::low_first, std::byte> stored(to.weight_packed.data() + n * row_bytes, columns);
    const auto row = from.row_codes(n);
    for (std::size_t j = 0; j < columns; ++j)
      stored.set(order.empty() ? j : order[j], detail::other_code<Format>(row[j]));
  }
  if (!to.weight_shape.bytes.empty()) {
    to.weight_shape.set(0, static_cast<std::int64_t>(rows));
    to.weight_shape.set(1, static_cast<std::int64_t>(columns));
  }
  if (!to.weight_g_idx.bytes.empty())
    for (std::size_t j = 0; j < columns; ++j)
      to.weight_g_idx.set(order.empty() ? j : order[j], static_cast<std::int32_t>(layout.block_of_column(j)));
  return {};
}

FEWBITS_NAMESPACE_END
