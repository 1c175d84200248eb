// compressed-tensors' few-bit floats: nvfp4 under a divisor, mx, and elements of a whole byte.
// Source: compressed-tensors 0.20.0, compressors/nvfp4, mxfp4, mxfp6, mxfp8, naive_quantized.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/interop/layouts/codes_and_scales.hpp>
#include <fewbits/interop/layouts/global_scale.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// nvfp4 whose tensor scale is a divisor: value = scale x element / divisor. Borrows. The divisor stays what the file
/// says, because most divisors have no float32 reciprocal.
class nvfp4_under_divisor {
 public:
  /// `undivided_weights` has a tensor scale of 1.
  /// Errors: errc::malformed_file: see check_global_scale; invalid_argument: another tensor scale.
  [[nodiscard]] static constexpr result<nvfp4_under_divisor> over(const quantized_view<nvfp4>& undivided_weights,
                                                                  scale_divisor stored) noexcept {
    if (const auto usable = check_global_scale(stored); !usable)
      return usable.error();
    if (source_code(undivided_weights.tensor_scale()) != source_code(1.0f))
      return error{errc::invalid_argument, "weights under a divisor have a multiplier of their own besides"};
    return nvfp4_under_divisor{undivided_weights, stored};
  }

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return undivided_.rows(); }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return undivided_.columns(); }
  /// Scales x elements alone.
  [[nodiscard]] constexpr const quantized_view<nvfp4>& undivided() const noexcept { return undivided_; }
  [[nodiscard]] constexpr scale_divisor divisor() const noexcept { return divisor_; }

  /// The same weights for everything here that takes nvfp4, under rounded_multiplier(divisor()). Where
  /// has_exact_reciprocal(divisor().value) every value is the same; elsewhere each is off by at most 2^-24 of itself
  /// before its own rounding, all in one direction. Errors: as in rounded_multiplier.
  [[nodiscard]] constexpr result<quantized_view<nvfp4>> with_rounded_multiplier() const noexcept {
    const auto multiplier = rounded_multiplier(divisor_);
    if (!multiplier)
      return multiplier.error();
    quantized_streams<nvfp4> streams = undivided_.streams();
    streams.tensor_scale = multiplier->value;
    return quantized_view<nvfp4>{undivided_.layout(), streams};
  }

  /// Values of a row from a column on: the exact quotients, each rounded once to float32.
  /// Precondition: column + out.size() <= columns().
  constexpr void decode(std::size_t row, std::size_t column, std::span<float> out) const noexcept {
    const auto codes = undivided_.row_codes(row);
    const unpacked_number under = unpack(divisor_.value);
    std::array<float, 16> alphabet{};
    std::size_t block = static_cast<std::size_t>(-1);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (const std::size_t j = (column + i) / 16; j != block) {
        block = j;
        const unpacked_number over = unpack(undivided_.block_scale(row, j));
        for (std::size_t code = 0; code < 16; ++code)
          alphabet[code] =
              pack_native<float>(exact_quotient(exact::multiply(over, unpack_code<e2m1::format>(code)), under));
      }
      out[i] = alphabet[codes[column + i]];
    }
  }

 private:
  constexpr nvfp4_under_divisor(const quantized_view<nvfp4>& undivided_weights, scale_divisor stored) noexcept
      : undivided_(undivided_weights), divisor_(stored) {}

  quantized_view<nvfp4> undivided_;
  scale_divisor divisor_;
};

/// Packed weights hold a multiplier, so this does not compile: say so, where overloads would only fail to fit.
template <std::same_as<nvfp4_under_divisor> Weights>
void prepack(const Weights&) noexcept {
  static_assert(!std::same_as<Weights, nvfp4_under_divisor>,
                "products need a multiplier: prepack(*weights.with_rounded_multiplier())");
}
/// Nor does a product, on either side.
template <class Out, class Activations, class Weights, class... Options>
requires(std::same_as<Weights, nvfp4_under_divisor> ||
         std::same_as<Activations, nvfp4_under_divisor>) result<void> gemm(const Out&, const Activations&,
                                                                           const Weights&, const Options&...)
noexcept {
  static_assert(!std::same_as<Weights, nvfp4_under_divisor>,
                "products need a multiplier: gemm(out, activations, *weights.with_rounded_multiplier())");
  static_assert(!std::same_as<Activations, nvfp4_under_divisor>,
                "products need a multiplier: gemm(out, *activations.with_rounded_multiplier(), weights)");
  return {};
}

/// nvfp4-pack-quantized: one layer [N, K]. Its weight_global_scale is a divisor: load_scale<scale_divisor>.
template <class Byte = const std::byte>
struct compressed_tensors_nvfp4_tensors {
  std::span<Byte> weight_packed;  ///< U8 [N, K / 2]: pairs of neighbours, the first in the low half
  std::span<Byte> weight_scale;   ///< F8_E4M3 [N, K / 16]
};
using compressed_tensors_nvfp4_tensors_out = compressed_tensors_nvfp4_tensors<std::byte>;

/// Borrows a layer: nothing is copied. A scale of 7f makes its block NaN, 0 makes it zeros; code 8 is -0.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [rows, columns] = [N, K] takes; malformed_file: the
/// divisor is 0, negative, Inf or NaN, or a scale's code is 80 to fe, which no writer makes; unsupported: K is no
/// multiple of 16, or a scale's code is ff, a NaN with a sign: read_compressed_tensors_nvfp4 takes these;
/// size_overflow.
[[nodiscard]] inline result<nvfp4_under_divisor> view_compressed_tensors_nvfp4(
    std::size_t rows, std::size_t columns, const compressed_tensors_nvfp4_tensors<>& from,
    scale_divisor weight_global_scale) noexcept {
  const auto undivided = detail::view_codes_and_scales<nvfp4>(rows, columns, {"weight_packed", from.weight_packed},
                                                              {"weight_scale", from.weight_scale});
  if (!undivided)
    return undivided.error();
  return nvfp4_under_divisor::over(*undivided, weight_global_scale);
}

/// Scales and elements as a copy without the divisor, exact; scale ff becomes 7f, NaN too. For
/// `nvfp4_under_divisor::over(copy.view(), divisor)`. Errors: errc::shape_mismatch, malformed_file: as above;
/// size_overflow; out_of_memory.
[[nodiscard]] inline result<quantized_matrix<nvfp4>> read_compressed_tensors_nvfp4(
    std::size_t rows, std::size_t columns, const compressed_tensors_nvfp4_tensors<>& from) noexcept {
  return detail::read_codes_and_scales<nvfp4>(rows, columns, {"weight_packed", from.weight_packed},
                                              {"weight_scale", from.weight_scale});
}

/// Writes codes and scales, and gives the divisor to store as weight_global_scale: as it was read, or
/// rounded_divisor of the tensor's multiplier, exact where that is a power of two. Must not alias the matrix.
/// Errors: errc::shape_mismatch; malformed_file, unsupported: as in rounded_divisor (a multiplier of 0 has no divisor).
/// Nothing is written then.
[[nodiscard]] inline result<scale_divisor> write_compressed_tensors_nvfp4(
    const nvfp4_under_divisor& from, const compressed_tensors_nvfp4_tensors_out& to) noexcept {
  if (const auto written = detail::write_codes_and_scales<nvfp4>(from.undivided(), {"weight_packed", to.weight_packed},
                                                                 {"weight_scale", to.weight_scale});
      !written)
    return written.error();
  return from.divisor();
}
[[nodiscard]] inline result<scale_divisor> write_compressed_tensors_nvfp4(
    const quantized_view<nvfp4>& from, const compressed_tensors_nvfp4_tensors_out& to) noexcept {
  const auto divisor = rounded_divisor(scale_multiplier{from.tensor_scale()});
  if (!divisor)
    return divisor.error();
  if (const auto written = detail::write_codes_and_scales<nvfp4>(from, {"weight_packed", to.weight_packed},
                                                                 {"weight_scale", to.weight_scale});
      !written)
    return written.error();
  return *divisor;
}

/// mxfp4-pack-quantized and mxfp6-pack-quantized: one layer [N, K].
template <class Byte = const std::byte>
struct compressed_tensors_mx_tensors {
  std::span<Byte> weight_packed;  ///< U8 [N, K bits / 8], low bits first
  std::span<Byte> weight_scale;   ///< U8 [N, K / 32]: ue8m0
};
using compressed_tensors_mx_tensors_out = compressed_tensors_mx_tensors<std::byte>;

/// Borrows a layer: nothing is copied. Format: mxfp4, or mxfp6_e2m3. Scale ff makes its block NaN, as OCP MX says (the
/// package computes 2^128, Inf in bfloat16); 00 is 2^-127. Code 8 (or 20) is -0.
/// Errors: errc::shape_mismatch; unsupported: K is no multiple of 32; size_overflow.
template <blocked Format>
[[nodiscard]] result<quantized_view<Format>> view_compressed_tensors_mx(
    std::size_t rows, std::size_t columns, const compressed_tensors_mx_tensors<>& from) noexcept {
  static_assert(Format::shape == block_shape{32} && std::is_same_v<typename Format::scale_type, ue8m0>,
                "mx has 32 elements under an ue8m0: choose mxfp4 or mxfp6_e2m3");
  return detail::view_codes_and_scales<Format>(rows, columns, {"weight_packed", from.weight_packed},
                                               {"weight_scale", from.weight_scale});
}
/// The other way, every byte; sizes: code_and_scale_sizes_of<Format>. Must not alias the matrix.
/// Errors: errc::shape_mismatch, unsupported; nothing is written then.
template <blocked Format>
result<void> write_compressed_tensors_mx(const quantized_view<Format>& from,
                                         const compressed_tensors_mx_tensors_out& to) noexcept {
  static_assert(Format::shape == block_shape{32} && std::is_same_v<typename Format::scale_type, ue8m0>,
                "mx has 32 elements under an ue8m0: choose mxfp4 or mxfp6_e2m3");
  return detail::write_codes_and_scales<Format>(from, {"weight_packed", to.weight_packed},
                                                {"weight_scale", to.weight_scale});
}

/// naive-quantized, float-quantized, int-quantized and mxfp8-quantized: a byte a weight, symmetric. One layer [N, K].
template <number Scale, class Byte = const std::byte>
struct compressed_tensors_naive_tensors {
  std::span<Byte> weight;                    ///< F8_E4M3 or I8 [N, K]
  stored_numbers<Scale, Byte> weight_scale;  ///< [1], [N, 1], [N, K / group] or [ceil(N / rows), ceil(K / columns)]
};
template <number Scale>
using compressed_tensors_naive_tensors_out = compressed_tensors_naive_tensors<Scale, std::byte>;

/// Borrows a layer: nothing is copied. weight_scale is a multiplier. The strategy is the format: "tensor" is
/// fp8_tensor<e4m3, Scale>, "channel" fp8_rows, "block" fp8_squares, "group" fp8_groups or a scaled_format of another
/// size, mxfp8 is mxfp8_e4m3; with int8 elements int8_tensor, int8_rows, int8_groups. Scale is the tensor's type:
/// writers store the model's own, mostly bf16. Scales may be anything: NaN makes a block NaN, 0 zeros. Elements: 7f and
/// ff of e4m3 are NaN, 80 is -0.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [rows, columns] = [N, K] takes; size_overflow;
/// unsupported: K ends inside a block, the scales are not aligned to their size, or the machine is big-endian:
/// read_compressed_tensors_naive takes all these.
template <blocked Format>
[[nodiscard]] result<quantized_view<Format>> view_compressed_tensors_naive(
    std::size_t rows, std::size_t columns,
    const compressed_tensors_naive_tensors<typename Format::scale_type>& from) noexcept {
  static_assert(Format::element_bits == 8, "these tensors hold a byte a weight: choose e4m3 or int8 elements");
  return detail::view_codes_and_scales<Format>(rows, columns, {"weight", from.weight},
                                               {"weight_scale", from.weight_scale.bytes});
}
/// The same as a copy, exact. Errors: errc::shape_mismatch, size_overflow, out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_compressed_tensors_naive(
    std::size_t rows, std::size_t columns,
    const compressed_tensors_naive_tensors<typename Format::scale_type>& from) noexcept {
  static_assert(Format::element_bits == 8, "these tensors hold a byte a weight: choose e4m3 or int8 elements");
  return detail::read_codes_and_scales<Format>(rows, columns, {"weight", from.weight},
                                               {"weight_scale", from.weight_scale.bytes});
}
/// The other way, every byte; sizes: code_and_scale_sizes_of<Format>. Must not alias the matrix.
/// Errors: errc::shape_mismatch; nothing is written then.
template <blocked Format>
result<void> write_compressed_tensors_naive(
    const quantized_view<Format>& from,
    const compressed_tensors_naive_tensors_out<typename Format::scale_type>& to) noexcept {
  static_assert(Format::element_bits == 8, "these tensors hold a byte a weight: choose e4m3 or int8 elements");
  return detail::write_codes_and_scales<Format>(from, {"weight", to.weight}, {"weight_scale", to.weight_scale.bytes});
}

FEWBITS_NAMESPACE_END
