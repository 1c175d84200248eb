// GPTQ's checkpoints of 2, 3, 4 and 8 bits: versions 1 and 2 of zero points, and groups in the order of activations
// (act-order, desc_act). Sources: AutoGPTQ 0.7.1, nn_modules/qlinear/qlinear_cuda.py; GPTQModel 5, utils/model.py,
// convert_gptq_v2_to_v1_format_module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/interop/layouts/integer_words.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// How a zero point is stored. A checkpoint's config names it: "gptq" is version 1, "gptq_v2" version 2.
enum class gptq_version : std::uint8_t {
  v1,  ///< word of zero points - 1 at every code, modulo 2^32: see gptq_zeros
  v2,  ///< as it is
};

/// I32 tensors of codes one after the other, down the columns.
template <int Bits, class Byte = const std::byte>
using gptq_words = packed_words<Bits, word_order::sequential, word_axis::along_columns, Byte>;

/// I32 tensor of zero points in one of two versions, which do not convert into each other.
///
/// Version 1 stores a zero point less 1, and writers subtract by words: 0x11111111 from eight nibbles. A zero point of
/// 0 is stored as 15 and borrows 1 from the next nibble. Reading adds by words, which is the exact inverse. Where no
/// zero point is 0, adding by nibbles comes to the same; where one is, programs that add by nibbles see another number
/// next to it. Codes of 3 bits borrow in runs of 32, three words.
template <int Bits, gptq_version Version, class Byte = const std::byte>
struct gptq_zeros {
  using words_type = packed_words<Bits, word_order::sequential, word_axis::along_rows, Byte>;
  static constexpr gptq_version version = Version;

  words_type words{};

  constexpr gptq_zeros() noexcept = default;
  constexpr explicit gptq_zeros(std::span<Byte> bytes_of_words) noexcept : words(bytes_of_words) {}
  constexpr operator gptq_zeros<Bits, Version>() const noexcept requires(!std::is_const_v<Byte>) {
    return gptq_zeros<Bits, Version>{words.bytes};
  }
};

/// The tensors of one layer with K inputs, N outputs and G groups. Scale: fp16, or bf16.
template <int Bits, gptq_version Version, number Scale = fp16, class Byte = const std::byte>
struct gptq_tensors {
  gptq_words<Bits, Byte> qweight;            ///< I32 [K x Bits / 32, N]
  gptq_zeros<Bits, Version, Byte> qzeros;    ///< I32 [G, N x Bits / 32]
  stored_numbers<Scale, Byte> scales;        ///< [G, N]
  stored_numbers<std::int32_t, Byte> g_idx;  ///< I32 [K]: the group of each input; may be empty: k / group
};
template <int Bits, gptq_version Version, number Scale = fp16>
using gptq_tensors_out = gptq_tensors<Bits, Version, Scale, std::byte>;

/// Groups of unsigned integers of any width with zero points of the same width: value = scale x (code - zero point).
template <few_bit_number Element, std::size_t Size, number Scale = fp16>
struct gptq_groups : block_format<Element, Scale, Size, min_max_scale_t, with_zero_point<Element>> {};

/// A layer with its inputs in an order that makes groups contiguous.
template <blocked Format>
struct gptq_matrix {
  quantized_matrix<Format> weights;      ///< [N, K]; column j belongs to input order[j]
  nothrow_array<std::uint32_t> order{};  ///< empty where the inputs keep their order
  std::size_t wrapped_zeros = 0;  ///< zero points of version 1 that took 1 from the next: 0, or 1 after such a one
};

/// Bytes of each tensor.
struct gptq_sizes {
  std::uint64_t qweight;
  std::uint64_t qzeros;
  std::uint64_t scales;
  std::uint64_t g_idx;
};

/// What weights [rows, columns] = [N, K] take. K may be no multiple of the group: the last group is smaller then.
/// Errors: errc::unsupported: N or K codes do not fill whole words of 32 bits, or K exceeds an int32; size_overflow.
template <blocked Format>
[[nodiscard]] constexpr result<gptq_sizes> gptq_sizes_of(std::size_t rows, std::size_t columns) noexcept {
  constexpr int bits = Format::element_bits;
  detail::check_integer_group_format<Format, bits>();
  static_assert(bits == 2 || bits == 3 || bits == 4 || bits == 8, "GPTQ has codes of 2, 3, 4 and 8 bits");
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (columns > static_cast<std::uint64_t>((std::numeric_limits<std::int32_t>::max)()))
    return error{errc::unsupported} << "'g_idx' counts inputs in 32 bits, and there are " << columns;
  if (const auto whole_words = detail::check_whole_words<bits>("qweight", "inputs", columns); !whole_words)
    return whole_words.error();
  if (const auto whole_words = detail::check_whole_words<bits>("qzeros", "outputs", rows); !whole_words)
    return whole_words.error();
  const std::uint64_t groups = layout->block_columns();
  return gptq_sizes{words_of_codes<bits>(columns) * rows * 4, words_of_codes<bits>(rows) * groups * 4,
                    groups * rows * sizeof(typename Format::scale_type), columns * std::uint64_t{4}};
}

namespace detail {

template <blocked Format, gptq_version Version, class Byte>
constexpr result<void> check_gptq(
    std::size_t rows, std::size_t columns,
    const gptq_tensors<Format::element_bits, Version, typename Format::scale_type, Byte>& tensors) noexcept {
  constexpr int bits = Format::element_bits;
  const auto sizes = gptq_sizes_of<Format>(rows, columns);
  if (!sizes)
    return sizes.error();
  const std::uint64_t groups = quantized_layout<Format>::unchecked(rows, columns).block_columns();
  if (const auto fits = check_bytes("qweight", tensors.qweight.bytes.size(), words_of_codes<bits>(columns), rows, 4);
      !fits)
    return fits;
  if (const auto fits = check_bytes("qzeros", tensors.qzeros.words.bytes.size(), groups, words_of_codes<bits>(rows), 4);
      !fits)
    return fits;
  if (!tensors.g_idx.bytes.empty())
    if (const auto fits = check_bytes("g_idx", tensors.g_idx.bytes.size(), 1, columns, 4); !fits)
      return fits;
  return check_bytes("scales", tensors.scales.bytes.size(), groups, rows, sizeof(typename Format::scale_type));
}

/// Zero points that a borrow runs through: a word's, or the 32 of three words.
template <int Bits>
inline constexpr std::size_t codes_of_a_borrow = Bits == 3 ? 32 : 32 / Bits;

/// Inputs in the order of their groups; left empty where that is their own order.
template <blocked Format>
result<void> sort_by_group(const stored_numbers<std::int32_t>& g_idx, const quantized_layout<Format>& layout,
                           nothrow_array<std::uint32_t>& order) noexcept {
  bool in_order = true;
  for (std::size_t k = 0; k < g_idx.size(); ++k) {
    const std::int32_t group = g_idx[k];
    if (group < 0 || static_cast<std::size_t>(group) >= layout.block_columns())
      return error{errc::malformed_file} << "'g_idx' puts input " << k << " into group " << (group < 0 ? "-" : "")
                                         << static_cast<std::uint64_t>(group < 0 ? -std::int64_t{group} : group)
                                         << ", and there are " << layout.block_columns() << " groups";
    in_order = in_order && static_cast<std::size_t>(group) == layout.block_of_column(k);
  }
  if (in_order)
    return {};
  nothrow_array<std::uint32_t> taken;
  if (!order.reserve(layout.columns()) || !taken.reserve(layout.block_columns()))
    return error{errc::out_of_memory} << "no memory for the order of " << layout.columns() << " inputs";
  for (std::size_t k = 0; k < layout.columns(); ++k)
    static_cast<void>(order.push_back(0));
  for (std::size_t g = 0; g < layout.block_columns(); ++g)
    static_cast<void>(taken.push_back(0));
  for (std::size_t k = 0; k < layout.columns(); ++k) {
    const auto group = static_cast<std::size_t>(g_idx[k]);
    const std::size_t size = layout.columns_in_block(group);
    if (taken.data()[group] == size)
      return error{errc::unsupported} << "'g_idx' puts more than " << size << " inputs into group " << group
                                      << ", so no order of inputs makes its groups blocks";
    order.data()[layout.first_column(group) + taken.data()[group]++] = static_cast<std::uint32_t>(k);
  }
  return {};
}

inline result<void> check_order(std::span<const std::uint32_t> order, std::size_t columns) noexcept {
  if (order.empty())
    return {};
  if (order.size() != columns)
    return error{errc::shape_mismatch} << "an order of " << order.size() << " inputs for " << columns << " columns";
  nothrow_array<std::uint8_t> seen;
  if (!seen.reserve(columns))
    return error{errc::out_of_memory} << "no memory to check the order of " << columns << " inputs";
  for (std::size_t k = 0; k < columns; ++k)
    static_cast<void>(seen.push_back(0));
  for (const std::uint32_t input : order) {
    if (input >= columns || seen.data()[input] != 0)
      return error{errc::invalid_argument} << "the order of inputs names " << std::uint64_t{input}
                                           << (input >= columns ? ", which is none of them" : " twice");
    seen.data()[input] = 1;
  }
  return {};
}

}  // namespace detail

/// Weights [rows, columns] = [N, K] out of a GPTQ layer. Exact: codes, zero points and scales keep their bits; a value
/// is scale x (code - zero point) in exact arithmetic. The matrix is transposed on the way.
///
/// With act-order the groups of `g_idx` are scattered over the inputs. They become blocks when the inputs are put in
/// the order of their groups, and those of a group in their own: column j of the result is input order[j]. Products
/// then need activations in the same order: see permute_columns.
///
/// Format: uint4_groups<Size, Scale>, or gptq_groups<uint3, Size, Scale> and so on for other widths; or signed integers
/// (int4_groups), if every zero point is the middle code. Size: the group, `whole` for one of -1 (per channel).
/// Scales may be anything: a NaN makes its group NaN, 0 makes it zeros, a negative one counts as it is.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [N, K] takes; malformed_file: g_idx names a group that
/// does not exist; unsupported: as in gptq_sizes_of, groups of g_idx that are not of the format's size (all zeros too,
/// which some programs take for "no g_idx": leave it out then), or a zero point that a signed format has not;
/// size_overflow; out_of_memory.
template <blocked Format, gptq_version Version>
[[nodiscard]] result<gptq_matrix<Format>> read_gptq(
    std::size_t rows, std::size_t columns,
    const gptq_tensors<Format::element_bits, Version, typename Format::scale_type>& from) noexcept {
  constexpr int bits = Format::element_bits;
  if (const auto fits = detail::check_gptq<Format, Version>(rows, columns, from); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made.error();
  gptq_matrix<Format> layer{std::move(*made)};
  const quantized_layout<Format>& layout = layer.weights.layout();
  const auto to = layer.weights.streams();
  if (const auto sorted = detail::sort_by_group<Format>(from.g_idx, layout, layer.order); !sorted)
    return sorted.error();

  const word_codes zeros(from.qzeros.words, layout.block_columns(), rows);
  for (std::size_t g = 0; g < detail::rounds(layout.block_columns(), rows); ++g) {
    unsigned carry = 0;
    for (std::size_t n = 0; n < rows; ++n) {
      unsigned zero = zeros(g, n);
      if constexpr (Version == gptq_version::v1) {
        if (n % detail::codes_of_a_borrow<bits> == 0)
          carry = 0;
        zero += 1 + carry;
        carry = zero >> bits;
        zero &= (1u << bits) - 1;
        layer.wrapped_zeros += carry;
      }
      if (const auto taken = detail::store_zero_point<Format>(layout, to, n, g, zero); !taken)
        return taken.error();
    }
  }
  detail::read_transposed_scales<Format>(from.scales, layout, to);
  const word_codes codes(from.qweight, columns, rows);
  const std::span<const std::uint32_t> order = layer.order.view();
  detail::visit_tiles(columns, rows, [&](std::size_t which_column, std::size_t which_output) {
    const std::size_t which_input = order.empty() ? which_column : order[which_column];
    detail::row_of<Format>(to, layout, which_output)
        .set(which_column, detail::other_code<Format>(codes(which_input, which_output)));
  });
  return layer;
}

/// The same back: `to` gets the layer's tensors, every byte of them. `order`: the input of each column, as read_gptq
/// gives it; empty: as they are. `to.g_idx` may be empty unless there is an order. Must not alias the matrix.
/// Errors: errc::shape_mismatch, unsupported: as in read_gptq; invalid_argument: `order` is no permutation, or there
/// is nowhere to write it; out_of_memory. Nothing is written then.
template <gptq_version Version, blocked Format>
result<void> write_gptq(const quantized_view<Format>& from,
                        const gptq_tensors_out<Format::element_bits, Version, typename Format::scale_type>& to,
                        std::span<const std::uint32_t> order = {}) noexcept {
  constexpr int bits = Format::element_bits;
  const std::size_t rows = from.rows();
  const std::size_t columns = from.columns();
  if (const auto fits = detail::check_gptq<Format, Version>(rows, columns, to); !fits)
    return fits;
  if (const auto fits = detail::check_order(order, columns); !fits)
    return fits;
  if (!order.empty() && to.g_idx.bytes.empty())
    return error{errc::invalid_argument} << "an order of inputs is stored in 'g_idx', which is empty";

  const std::size_t groups = from.layout().block_columns();
  const word_codes zeros(to.qzeros.words, groups, rows);
  for (std::size_t g = 0; g < detail::rounds(groups, rows); ++g) {
    unsigned borrow = 0;
    for (std::size_t n = 0; n < rows; ++n) {
      unsigned zero = detail::zero_point_of<Format>(from, n, g);
      if constexpr (Version == gptq_version::v1) {
        if (n % detail::codes_of_a_borrow<bits> == 0)
          borrow = 0;
        const unsigned taken = 1 + borrow;
        borrow = zero < taken ? 1 : 0;
        zero -= taken;
      }
      zeros.set(g, n, zero);
    }
  }
  detail::write_transposed_scales<Format>(from, to.scales);
  const word_codes codes(to.qweight, columns, rows);
  detail::visit_tiles(columns, rows, [&](std::size_t which_column, std::size_t which_output) {
    const std::size_t which_input = order.empty() ? which_column : order[which_column];
    codes.set(which_input, which_output, detail::other_code<Format>(from.row_codes(which_output)[which_column]));
  });
  if (!to.g_idx.bytes.empty())
    for (std::size_t j = 0; j < columns; ++j)
      to.g_idx.set(order.empty() ? j : order[j], static_cast<std::int32_t>(from.layout().block_of_column(j)));
  return {};
}

/// to(r, j) = from(r, order[j]): activations [rows, K] in the order of a gptq_matrix, so that a product with its
/// weights is the layer's. An empty order copies. `to` must not alias `from`. Errors: errc::shape_mismatch: `to` has
/// another shape, or `order` another length; invalid_argument: `order` names a column that does not exist. Nothing is
/// written then.
template <class T>
constexpr result<void> permute_columns(const matrix_view<const T>& from, std::span<const std::uint32_t> order,
                                       const std::type_identity_t<matrix_view<T>>& to) noexcept {
  if (to.rows() != from.rows() || to.columns() != from.columns() || (!order.empty() && order.size() != from.columns()))
    return error{errc::shape_mismatch} << "[" << from.rows() << ", " << from.columns() << "] in an order of "
                                       << order.size() << " columns does not fit [" << to.rows() << ", " << to.columns()
                                       << "]";
  for (const std::uint32_t column : order)
    if (column >= from.columns())
      return error{errc::invalid_argument} << "the order names column " << std::uint64_t{column} << " of "
                                           << from.columns();
  for (std::size_t r = 0; r < detail::rounds(from.rows(), from.columns()); ++r)
    for (std::size_t j = 0; j < from.columns(); ++j)
      to(r, j) = from(r, order.empty() ? j : order[j]);
  return {};
}

FEWBITS_NAMESPACE_END
