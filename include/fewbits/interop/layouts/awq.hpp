// AWQ's int4 checkpoints, the GEMM version: words interleaved for its kernels, outputs along the rows.
// Source: AutoAWQ 0.2.9, awq/modules/linear/gemm.py and awq/utils/packing_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/layouts/integer_words.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// I32 tensors of nibbles in AWQ's order.
template <class Byte = const std::byte>
using awq_words = packed_words<4, word_order::interleaved, word_axis::along_rows, Byte>;

/// The tensors of one layer with K inputs, N outputs and G groups. Scale: fp16 as AutoAWQ writes, or bf16.
template <number Scale = fp16, class Byte = const std::byte>
struct awq_tensors {
  awq_words<Byte> qweight;             ///< I32 [K, N / 8]
  awq_words<Byte> qzeros;              ///< I32 [G, N / 8]
  stored_numbers<Scale, Byte> scales;  ///< [G, N]
};
template <number Scale = fp16>
using awq_tensors_out = awq_tensors<Scale, std::byte>;

/// Bytes of each tensor.
struct awq_sizes {
  std::uint64_t qweight;
  std::uint64_t qzeros;
  std::uint64_t scales;
};

/// What weights [rows, columns] = [N, K] take. Errors: errc::unsupported: N is no multiple of 8, or K none of the
/// group; size_overflow.
template <blocked Format>
[[nodiscard]] constexpr result<awq_sizes> awq_sizes_of(std::size_t rows, std::size_t columns) noexcept {
  detail::check_integer_group_format<Format, 4>();
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (const auto whole_words = detail::check_whole_words<4>("qweight", "outputs", rows); !whole_words)
    return whole_words.error();
  if (Format::shape.columns != whole && columns % Format::shape.columns != 0)
    return error{errc::unsupported} << "AWQ has whole groups only, and " << columns << " inputs are no multiple of "
                                    << Format::shape.columns;
  const std::uint64_t words = rows / 8;
  const std::uint64_t groups = layout->block_columns();
  return awq_sizes{columns * words * 4, groups * words * 4, groups * rows * sizeof(typename Format::scale_type)};
}

namespace detail {

template <blocked Format, class Byte>
constexpr result<void> check_awq(std::size_t rows, std::size_t columns,
                                 const awq_tensors<typename Format::scale_type, Byte>& tensors) noexcept {
  const auto sizes = awq_sizes_of<Format>(rows, columns);
  if (!sizes)
    return sizes.error();
  const std::uint64_t words = rows / 8;
  const std::uint64_t groups = quantized_layout<Format>::unchecked(rows, columns).block_columns();
  if (const auto fits = check_bytes("qweight", tensors.qweight.bytes.size(), columns, words, 4); !fits)
    return fits;
  if (const auto fits = check_bytes("qzeros", tensors.qzeros.bytes.size(), groups, words, 4); !fits)
    return fits;
  return check_bytes("scales", tensors.scales.bytes.size(), groups, rows, sizeof(typename Format::scale_type));
}

}  // namespace detail

/// Weights [rows, columns] = [N, K] out of an AWQ layer. Exact: codes, zero points and scales keep their bits, and a
/// value is scale x (code - zero point) in exact arithmetic, where AWQ's own kernels round it to half precision. The
/// matrix is transposed on the way.
///
/// Format: uint4_groups<Size, Scale>; or int4_groups<Size, Scale>, if every zero point is 8. Size: the group, `whole`
/// for one of -1 (per channel).
/// Scales may be anything: a NaN makes its group NaN, 0 makes it zeros, a negative one counts as it is.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [N, K] takes; unsupported: as in awq_sizes_of, or a
/// zero point other than 8 in a signed format; size_overflow; out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_awq(std::size_t rows, std::size_t columns,
                                                        const awq_tensors<typename Format::scale_type>& from) noexcept {
  if (const auto fits = detail::check_awq<Format>(rows, columns, from); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made.error();
  const quantized_layout<Format>& layout = made->layout();
  const auto to = made->streams();

  const word_codes zeros(from.qzeros, layout.block_columns(), rows);
  for (std::size_t n = 0; n < detail::rounds(layout.block_rows(), layout.block_columns()); ++n)
    for (std::size_t g = 0; g < layout.block_columns(); ++g)
      if (const auto taken = detail::store_zero_point<Format>(layout, to, n, g, zeros(g, n)); !taken)
        return taken.error();
  detail::read_transposed_scales<Format>(from.scales, layout, to);
  const word_codes codes(from.qweight, columns, rows);
  detail::visit_tiles(rows, columns, [&](std::size_t which_output, std::size_t which_input) {
    detail::row_of<Format>(to, layout, which_output)
        .set(which_input, detail::other_code<Format>(codes(which_input, which_output)));
  });
  return made;
}

/// The same back: `to` gets the layer's tensors, every byte of them. Must not alias the matrix.
/// Errors: errc::shape_mismatch, unsupported: as in read_awq; nothing is written then.
template <blocked Format>
result<void> write_awq(const quantized_view<Format>& from,
                       const awq_tensors_out<typename Format::scale_type>& to) noexcept {
  if (const auto fits = detail::check_awq<Format>(from.rows(), from.columns(), to); !fits)
    return fits;
  const std::size_t groups = from.layout().block_columns();
  const word_codes zeros(to.qzeros, groups, from.rows());
  for (std::size_t n = 0; n < detail::rounds(from.layout().block_rows(), groups); ++n)
    for (std::size_t g = 0; g < groups; ++g)
      zeros.set(g, n, detail::zero_point_of<Format>(from, n, g));
  detail::write_transposed_scales<Format>(from, to.scales);
  const word_codes codes(to.qweight, from.columns(), from.rows());
  detail::visit_tiles(from.rows(), from.columns(), [&](std::size_t which_output, std::size_t which_input) {
    codes.set(which_input, which_output, detail::other_code<Format>(from.row_codes(which_output)[which_input]));
  });
  return {};
}

FEWBITS_NAMESPACE_END
