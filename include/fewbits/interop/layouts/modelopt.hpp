// NVIDIA ModelOpt's unified checkpoints (hf_quant_config.json): nvfp4 under a multiplier, fp8, int4 awq.
// Source: nvidia-modelopt 0.47.0, torch/quantization/qtensor/nvfp4_tensor.py, torch/export/quant_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/interop/layouts/codes_and_scales.hpp>
#include <fewbits/interop/layouts/global_scale.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// NVFP4, W4A16_NVFP4, NVFP4_AWQ, W4A8_NVFP4_FP8: one layer [N, K]. weight_scale_2 is a multiplier, and so is
/// input_scale, that of activations: load_scale<scale_multiplier>. With awq the layer has a pre_quant_scale [K] too:
/// its activations are to be multiplied by it, as for int4.
template <class Byte = const std::byte>
struct modelopt_nvfp4_tensors {
  std::span<Byte> weight;        ///< U8 [N, K / 2]: pairs of neighbours, the first in the low half
  std::span<Byte> weight_scale;  ///< F8_E4M3 [N, K / 16], row by row: see swizzled_scales.hpp for other orders
};
using modelopt_nvfp4_tensors_out = modelopt_nvfp4_tensors<std::byte>;

/// Borrows a layer: nothing is copied. value = weight_scale_2 x scale x element. A multiplier of 0, which experts have
/// that calibration never reached, makes every value 0, but in blocks whose scale is NaN, 7f or ff: there the package
/// divided 0 by 0. A scale of 0 makes zeros; code 8 is -0.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [rows, columns] = [N, K] takes; malformed_file: the
/// multiplier is negative, Inf or NaN, or a scale's code is 80 to fe, which no writer makes; unsupported: K is no
/// multiple of 16, or a scale's code is ff: read_modelopt_nvfp4 takes these; size_overflow.
[[nodiscard]] inline result<quantized_view<nvfp4>> view_modelopt_nvfp4(std::size_t rows, std::size_t columns,
                                                                       const modelopt_nvfp4_tensors<>& from,
                                                                       scale_multiplier weight_scale_2) noexcept {
  if (const auto usable = check_global_scale(weight_scale_2); !usable)
    return usable.error();
  return detail::view_codes_and_scales<nvfp4>(rows, columns, {"weight", from.weight},
                                              {"weight_scale", from.weight_scale}, weight_scale_2.value);
}
/// The same as a copy, exact; scale ff becomes 7f, NaN too. Errors: the others; errc::out_of_memory.
[[nodiscard]] inline result<quantized_matrix<nvfp4>> read_modelopt_nvfp4(std::size_t rows, std::size_t columns,
                                                                         const modelopt_nvfp4_tensors<>& from,
                                                                         scale_multiplier weight_scale_2) noexcept {
  if (const auto usable = check_global_scale(weight_scale_2); !usable)
    return usable.error();
  return detail::read_codes_and_scales<nvfp4>(rows, columns, {"weight", from.weight},
                                              {"weight_scale", from.weight_scale}, weight_scale_2.value);
}
/// Writes codes and scales, and gives the multiplier to store as weight_scale_2. Sizes: code_and_scale_sizes_of<nvfp4>.
/// Must not alias the matrix. Errors: errc::shape_mismatch; malformed_file: the tensor scale is negative, Inf or NaN.
/// Nothing is written then.
[[nodiscard]] inline result<scale_multiplier> write_modelopt_nvfp4(const quantized_view<nvfp4>& from,
                                                                   const modelopt_nvfp4_tensors_out& to) noexcept {
  const scale_multiplier multiplier{from.tensor_scale()};
  if (const auto usable = check_global_scale(multiplier); !usable)
    return usable.error();
  if (const auto written =
          detail::write_codes_and_scales<nvfp4>(from, {"weight", to.weight}, {"weight_scale", to.weight_scale});
      !written)
    return written.error();
  return multiplier;
}

/// FP8, FP8_PER_CHANNEL_PER_TOKEN and FP8_PB_WO: one layer [N, K].
template <class Byte = const std::byte>
struct modelopt_fp8_tensors {
  std::span<Byte> weight;                    ///< F8_E4M3 [N, K]
  stored_numbers<float, Byte> weight_scale;  ///< F32 [], [N], or one for each 128 x 128
};
using modelopt_fp8_tensors_out = modelopt_fp8_tensors<std::byte>;

/// Borrows a layer: nothing is copied. weight_scale is a multiplier. Format: fp8_tensor<>, fp8_rows<> or fp8_squares<>.
/// Codes 7f and ff are NaN, 80 is -0. Scales may be anything: NaN makes its block NaN, 0 zeros.
/// Errors: errc::shape_mismatch; size_overflow; unsupported: K ends inside a square, the scales are not aligned to 4
/// bytes, or the machine is big-endian: read_modelopt_fp8 takes all these.
template <blocked Format>
[[nodiscard]] result<quantized_view<Format>> view_modelopt_fp8(std::size_t rows, std::size_t columns,
                                                               const modelopt_fp8_tensors<>& from) noexcept {
  static_assert(std::is_same_v<typename Format::element_type, e4m3>, "ModelOpt's fp8 is e4m3");
  static_assert(std::is_same_v<typename Format::scale_type, float>, "ModelOpt's fp8 has float32 scales");
  return detail::view_codes_and_scales<Format>(rows, columns, {"weight", from.weight},
                                               {"weight_scale", from.weight_scale.bytes});
}
/// The same as a copy, exact. Errors: errc::shape_mismatch, size_overflow, out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_modelopt_fp8(std::size_t rows, std::size_t columns,
                                                                 const modelopt_fp8_tensors<>& from) noexcept {
  static_assert(std::is_same_v<typename Format::element_type, e4m3>, "ModelOpt's fp8 is e4m3");
  static_assert(std::is_same_v<typename Format::scale_type, float>, "ModelOpt's fp8 has float32 scales");
  return detail::read_codes_and_scales<Format>(rows, columns, {"weight", from.weight},
                                               {"weight_scale", from.weight_scale.bytes});
}
/// The other way, every byte; sizes: code_and_scale_sizes_of<Format>. Must not alias the matrix.
/// Errors: errc::shape_mismatch; nothing is written then.
template <blocked Format>
result<void> write_modelopt_fp8(const quantized_view<Format>& from, const modelopt_fp8_tensors_out& to) noexcept {
  static_assert(std::is_same_v<typename Format::element_type, e4m3>, "ModelOpt's fp8 is e4m3");
  static_assert(std::is_same_v<typename Format::scale_type, float>, "ModelOpt's fp8 has float32 scales");
  return detail::write_codes_and_scales<Format>(from, {"weight", to.weight}, {"weight_scale", to.weight_scale.bytes});
}

/// W4A16_AWQ: one layer [N, K] of signed integers. An awq layer also has pre_quant_scale [K], by which its activations
/// are to be multiplied before the product: the stored weights are those of the layer divided by it, column by column.
template <number Scale = float, class Byte = const std::byte>
struct modelopt_int4_tensors {
  std::span<Byte> weight;                    ///< U8 [N / 2, K]: two outputs a byte, the even one in the low half
  stored_numbers<Scale, Byte> weight_scale;  ///< [N, K / group], a multiplier
};
template <number Scale = float>
using modelopt_int4_tensors_out = modelopt_int4_tensors<Scale, std::byte>;

/// Bytes of the two tensors. Errors: errc::unsupported: an odd number of outputs; size_overflow.
template <blocked Format>
[[nodiscard]] constexpr result<code_and_scale_sizes> modelopt_int4_sizes_of(std::size_t rows,
                                                                            std::size_t columns) noexcept {
  detail::check_codes_and_scales_format<Format>();
  static_assert(std::is_same_v<typename Format::element_type, int4> && Format::shape.rows == 1,
                "ModelOpt's int4 is signed, in groups along a row: choose int4_groups");
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (rows % 2 != 0)
    return error{errc::unsupported} << "'weight' has two outputs a byte, and there are " << rows;
  return code_and_scale_sizes{std::uint64_t{rows / 2} * columns,
                              std::uint64_t{layout->blocks()} * sizeof(typename Format::scale_type)};
}

namespace detail {

template <blocked Format, class Byte>
constexpr result<void> check_modelopt_int4(
    std::size_t rows, std::size_t columns,
    const modelopt_int4_tensors<typename Format::scale_type, Byte>& tensors) noexcept {
  const auto sizes = modelopt_int4_sizes_of<Format>(rows, columns);
  if (!sizes)
    return sizes.error();
  if (const auto fits = check_code_bytes("weight", tensors.weight.size(), rows, columns, 4); !fits)
    return fits;
  const auto layout = quantized_layout<Format>::unchecked(rows, columns);
  return check_bytes("weight_scale", tensors.weight_scale.bytes.size(), layout.block_rows(), layout.block_columns(),
                     sizeof(typename Format::scale_type));
}

}  // namespace detail

/// Weights [rows, columns] = [N, K] out of an int4 layer. Exact: codes and scales keep their bits. Format:
/// int4_groups<Size, Scale>. Scales may be anything: NaN makes a group NaN, 0 zeros.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [N, K] takes; unsupported: N is odd; size_overflow;
/// out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_modelopt_int4(
    std::size_t rows, std::size_t columns, const modelopt_int4_tensors<typename Format::scale_type>& from) noexcept {
  if (const auto fits = detail::check_modelopt_int4<Format>(rows, columns, from); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made;
  const auto to = made->streams();
  const std::size_t row_bytes = made->layout().row_code_bytes();
  for (std::size_t n = 0; n < detail::rounds(rows, columns); ++n) {
    const packed_codes_out<Format> row(to.codes.data() + n * row_bytes, made->layout().padded_columns());
    for (std::size_t k = 0; k < columns; ++k)
      row.set(k, std::to_integer<unsigned>(from.weight[n / 2 * columns + k]) >> (n % 2 * 4) & 15u);
  }
  for (std::size_t i = 0; i < made->layout().blocks(); ++i)
    store_parameter(to.scales, i, from.weight_scale[i]);
  return made;
}
/// The other way, every byte. Must not alias the matrix. Errors: errc::shape_mismatch, unsupported; nothing is written
/// then.
template <blocked Format>
result<void> write_modelopt_int4(const quantized_view<Format>& from,
                                 const modelopt_int4_tensors_out<typename Format::scale_type>& to) noexcept {
  const std::size_t columns = from.columns();
  if (const auto fits = detail::check_modelopt_int4<Format>(from.rows(), columns, to); !fits)
    return fits;
  for (std::size_t n = 0; n < detail::rounds(from.rows(), columns); n += 2) {
    const auto even = from.row_codes(n);
    const auto odd = from.row_codes(n + 1);
    for (std::size_t k = 0; k < columns; ++k)
      to.weight[n / 2 * columns + k] = static_cast<std::byte>(even[k] | odd[k] << 4);
  }
  for (std::size_t i = 0; i < from.layout().blocks(); ++i)
    to.weight_scale.set(i, from.scales()[i]);
  return {};
}

FEWBITS_NAMESPACE_END
