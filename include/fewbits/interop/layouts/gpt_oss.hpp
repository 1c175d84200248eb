// gpt-oss: mxfp4 weights of a layer's experts in one pair of tensors. Source: openai/gpt-oss, gpt_oss/torch/weights.py;
// transformers keeps the tensors as <name>_blocks and <name>_scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/interop/layouts/codes_and_scales.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The weights of E experts [N, 32 G]. Pairs of neighbours share a byte, the first in the low half (ggml's mxfp4 splits
/// a block into halves instead). In gate_up_proj even rows belong to the gate and odd ones to the other half.
template <class Byte = const std::byte>
struct gpt_oss_tensors {
  std::span<Byte> blocks;  ///< U8 [E, N, G, 16]
  std::span<Byte> scales;  ///< U8 [E, N, G]: ue8m0
};
using gpt_oss_tensors_out = gpt_oss_tensors<std::byte>;

namespace detail {

/// One expert's part, its sizes checked with those of all.
template <class Byte>
constexpr result<gpt_oss_tensors<Byte>> part_of_expert(std::size_t experts, std::size_t expert, std::size_t rows,
                                                       std::size_t columns, const gpt_oss_tensors<Byte>& all) noexcept {
  if (expert >= experts)
    return error{errc::invalid_argument} << "expert " << expert << " of " << experts << " does not exist";
  if (columns % 32 != 0)
    return error{errc::unsupported} << "gpt-oss has whole blocks only, and " << columns
                                    << " columns are no multiple of 32";
  const auto layout = quantized_layout<mxfp4>::of(rows, columns);
  if (!layout)
    return layout.error();
  const auto codes = checked_multiply(experts, layout->code_bytes());
  const auto scales = checked_multiply(experts, layout->blocks());
  if (!codes || !scales)
    return error{errc::size_overflow} << experts << " experts of " << rows << " x " << columns
                                      << " do not fit the address space";
  if (all.blocks.size() != *codes || all.scales.size() != *scales)
    return error{errc::shape_mismatch} << "'blocks' has " << all.blocks.size() << " bytes and 'scales' "
                                       << all.scales.size() << ", and " << experts << " experts of [" << rows << ", "
                                       << columns << "] take " << *codes << " and " << *scales;
  return gpt_oss_tensors<Byte>{all.blocks.subspan(expert * layout->code_bytes(), layout->code_bytes()),
                               all.scales.subspan(expert * layout->blocks(), layout->blocks())};
}

}  // namespace detail

/// Borrows the weights [rows, columns] = [N, 32 G] of one expert out of `experts`: nothing is copied. For tensors
/// without experts `experts` is 1. Scale ff makes its block NaN, as OCP MX says; the package's own loader multiplies
/// by 2^128 there. Scale 00 is 2^-127. Code 8 is -0.
/// Errors: errc::shape_mismatch: other bytes than E x N x K take; unsupported: K is no multiple of 32;
/// invalid_argument: no such expert; size_overflow.
[[nodiscard]] inline result<quantized_view<mxfp4>> view_gpt_oss(std::size_t experts, std::size_t expert,
                                                                std::size_t rows, std::size_t columns,
                                                                const gpt_oss_tensors<>& from) noexcept {
  const auto part = detail::part_of_expert(experts, expert, rows, columns, from);
  if (!part)
    return part.error();
  return detail::view_codes_and_scales<mxfp4>(rows, columns, {"blocks", part->blocks}, {"scales", part->scales});
}
/// Writes one expert's part; that of the others is left alone. Must not alias the matrix. Errors: as in view_gpt_oss;
/// nothing is written then.
inline result<void> write_gpt_oss(const quantized_view<mxfp4>& from, std::size_t experts, std::size_t expert,
                                  const gpt_oss_tensors_out& to) noexcept {
  const auto part = detail::part_of_expert(experts, expert, from.rows(), from.columns(), to);
  if (!part)
    return part.error();
  return detail::write_codes_and_scales<mxfp4>(from, {"blocks", part->blocks}, {"scales", part->scales});
}

FEWBITS_NAMESPACE_END
