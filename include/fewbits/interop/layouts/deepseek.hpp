// DeepSeek's FP8 checkpoints: e4m3 weights and a float32 for each square of 128 x 128.
// Source: deepseek-ai/DeepSeek-V3, inference/kernel.py (weight_dequant: value = code x weight_scale_inv).
#pragma once

#include <cstddef>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/fp8.hpp>
#include <fewbits/interop/layouts/codes_and_scales.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The tensors of one layer [N, K]. weight_scale_inv is a multiplier despite its name: the inverse of the factor that
/// took values into e4m3's range.
template <class Byte = const std::byte>
struct deepseek_fp8_tensors {
  std::span<Byte> weight;                        ///< F8_E4M3 [N, K]
  stored_numbers<float, Byte> weight_scale_inv;  ///< F32 [ceil(N / 128), ceil(K / 128)]
};
using deepseek_fp8_tensors_out = deepseek_fp8_tensors<std::byte>;

/// Borrows a layer: nothing is copied. value = weight_scale_inv x code. Codes 7f and ff are NaN, 80 is -0. A scale may
/// be anything: NaN makes its square NaN, 0 zeros.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [rows, columns] = [N, K] takes; size_overflow;
/// unsupported: K is no multiple of 128, the scales are not aligned to 4 bytes, or the machine is big-endian:
/// read_deepseek_fp8 takes all these.
[[nodiscard]] inline result<quantized_view<fp8_squares<>>> view_deepseek_fp8(
    std::size_t rows, std::size_t columns, const deepseek_fp8_tensors<>& from) noexcept {
  return detail::view_codes_and_scales<fp8_squares<>>(rows, columns, {"weight", from.weight},
                                                      {"weight_scale_inv", from.weight_scale_inv.bytes});
}
/// The same as a copy, exact. Errors: errc::shape_mismatch, size_overflow, out_of_memory.
[[nodiscard]] inline result<quantized_matrix<fp8_squares<>>> read_deepseek_fp8(
    std::size_t rows, std::size_t columns, const deepseek_fp8_tensors<>& from) noexcept {
  return detail::read_codes_and_scales<fp8_squares<>>(rows, columns, {"weight", from.weight},
                                                      {"weight_scale_inv", from.weight_scale_inv.bytes});
}
/// The other way, every byte; sizes: code_and_scale_sizes_of<fp8_squares<>>. Must not alias the matrix.
/// Errors: errc::shape_mismatch; nothing is written then.
inline result<void> write_deepseek_fp8(const quantized_view<fp8_squares<>>& from,
                                       const deepseek_fp8_tensors_out& to) noexcept {
  return detail::write_codes_and_scales<fp8_squares<>>(from, {"weight", to.weight},
                                                       {"weight_scale_inv", to.weight_scale_inv.bytes});
}

FEWBITS_NAMESPACE_END
