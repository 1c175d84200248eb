// torchao's MXTensor and NVFP4Tensor as safetensors files keep them: <name>_qdata, <name>_scale, and a flag in the
// metadata, is_swizzled_scales. Source: torchao 0.18.0, prototype/mx_formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/layouts/codes_and_scales.hpp>
#include <fewbits/interop/layouts/global_scale.hpp>
#include <fewbits/interop/layouts/swizzled_scales.hpp>

FEWBITS_NAMESPACE_BEGIN

/// One tensor [N, K]. That of E experts [E, N, K] is one of E N rows: its tiles run over the experts' borders.
template <class Byte = const std::byte>
struct torchao_tensors {
  std::span<Byte> qdata;  ///< U8 [N, K / 2], the first of a pair in the low half; or F8_E4M3, F8_E5M2 [N, K]
  std::span<Byte>
      scale;  ///< F8_E8M0 [N, K / 32] or F8_E4M3 [N, K / 16]; or its tiles [32 ceil(N / 128), 16 ceil(.. / 4)]
};
using torchao_tensors_out = torchao_tensors<std::byte>;

namespace detail {

template <blocked Format>
constexpr void check_torchao_format() noexcept {
  static_assert((Format::element_bits == 4 || Format::element_bits == 8) && Format::shape.rows == 1 &&
                    Format::shape.is_fixed() && sizeof(typename Format::scale_type) == 1,
                "torchao's tensors here are mxfp4, mxfp8_e4m3, mxfp8_e5m2 and nvfp4");
}
/// mx has no tensor scale.
template <blocked Format>
constexpr typename Format::tensor_scale_type tensor_scale_of([[maybe_unused]] scale_multiplier multiplier) noexcept {
  if constexpr (Format::has_tensor_scale)
    return multiplier.value;
  else
    return {};
}
template <blocked Format>
constexpr result<void> check_torchao_multiplier(scale_multiplier multiplier) noexcept {
  if (const auto usable = check_global_scale(multiplier); !usable)
    return usable;
  if (!Format::has_tensor_scale && !same_bits(multiplier, scale_multiplier{1.0f}))
    return error{errc::invalid_argument, "mx has no tensor scale: leave per_tensor_scale out"};
  return {};
}

}  // namespace detail

/// Borrows a tensor whose scales are not swizzled: nothing is copied. Format: mxfp4, mxfp8_e4m3, mxfp8_e5m2, nvfp4.
/// per_tensor_scale is a multiplier, nvfp4's alone, and may be missing: then it is 1. One of 0 makes zeros.
/// mx scale ff makes its block NaN, 00 is 2^-127; nvfp4 scale 7f NaN. Code 8 (or 80) is -0.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [rows, columns] = [N, K] takes; malformed_file: the
/// multiplier is negative, Inf or NaN, or an nvfp4 scale's code is 80 to fe; unsupported: K is no multiple of the
/// block, or an nvfp4 scale's code is ff; invalid_argument: a multiplier for mx; size_overflow.
template <blocked Format>
[[nodiscard]] result<quantized_view<Format>> view_torchao(std::size_t rows, std::size_t columns,
                                                          const torchao_tensors<>& from,
                                                          scale_multiplier per_tensor_scale = scale_multiplier{
                                                              1.0f}) noexcept {
  detail::check_torchao_format<Format>();
  if (const auto usable = detail::check_torchao_multiplier<Format>(per_tensor_scale); !usable)
    return usable.error();
  return detail::view_codes_and_scales<Format>(rows, columns, {"qdata", from.qdata}, {"scale", from.scale},
                                               detail::tensor_scale_of<Format>(per_tensor_scale));
}

/// The same as a copy, exact, its scales in either order; nvfp4 scale ff becomes 7f, NaN too. Errors: the same but for
/// unsupported; errc::out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_torchao(std::size_t rows, std::size_t columns,
                                                            const torchao_tensors<>& from, scale_tiling tiling,
                                                            scale_multiplier per_tensor_scale = scale_multiplier{
                                                                1.0f}) noexcept {
  detail::check_torchao_format<Format>();
  if (const auto usable = detail::check_torchao_multiplier<Format>(per_tensor_scale); !usable)
    return usable.error();
  const auto tensor_scale = detail::tensor_scale_of<Format>(per_tensor_scale);
  if (tiling == scale_tiling::row_major)
    return detail::read_codes_and_scales<Format>(rows, columns, {"qdata", from.qdata}, {"scale", from.scale},
                                                 tensor_scale);
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (const auto fits =
          detail::check_swizzled("scale", from.scale.size(), layout->block_rows(), layout->block_columns());
      !fits)
    return fits.error();
  const std::unique_ptr<std::byte[]> in_rows(new (std::nothrow) std::byte[layout->blocks()]);
  if (in_rows == nullptr)
    return error{errc::out_of_memory} << "no memory for " << layout->blocks() << " scales";
  const std::span<std::byte> scales{in_rows.get(), layout->blocks()};
  if (const auto done = unswizzle_scales(layout->block_rows(), layout->block_columns(), from.scale, scales); !done)
    return done.error();
  return detail::read_codes_and_scales<Format>(rows, columns, {"qdata", from.qdata}, {"scale", scales}, tensor_scale);
}

/// Writes codes and scales, and gives the multiplier to store as per_tensor_scale; it is 1 for mx, which stores none.
/// What fills swizzled tiles up is 0. Must not alias the matrix.
/// Errors: errc::shape_mismatch, unsupported; malformed_file: the tensor scale is negative, Inf or NaN. Nothing is
/// written then.
template <blocked Format>
[[nodiscard]] result<scale_multiplier> write_torchao(const quantized_view<Format>& from, const torchao_tensors_out& to,
                                                     scale_tiling tiling) noexcept {
  detail::check_torchao_format<Format>();
  scale_multiplier multiplier{1.0f};
  if constexpr (Format::has_tensor_scale)
    multiplier = scale_multiplier{from.tensor_scale()};
  if (const auto usable = check_global_scale(multiplier); !usable)
    return usable.error();
  const std::size_t down = from.layout().block_rows();
  const std::size_t along = from.layout().block_columns();
  if (tiling == scale_tiling::row_major) {
    if (const auto written = detail::write_codes_and_scales<Format>(from, {"qdata", to.qdata}, {"scale", to.scale});
        !written)
      return written.error();
    return multiplier;
  }
  if (const auto fits = detail::check_swizzled("scale", to.scale.size(), down, along); !fits)
    return fits.error();
  // The codes go the common way, with as many bytes of the tiles as there are scales in the place of the scales.
  if (const auto written = detail::write_codes_and_scales<Format>(from, {"qdata", to.qdata},
                                                                  {"scale", to.scale.first(from.layout().blocks())});
      !written)
    return written.error();
  for (std::byte& each : to.scale)
    each = std::byte{0};
  for (std::size_t i = 0; i < detail::rounds(down, along); ++i)
    for (std::size_t j = 0; j < along; ++j)
      to.scale[swizzled_scale_index(i, j, along)] = static_cast<std::byte>(from.scales()[i * along + j].bits());
  return multiplier;
}

FEWBITS_NAMESPACE_END
