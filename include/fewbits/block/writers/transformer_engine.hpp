// What NVIDIA Transformer Engine makes of nvfp4 and mxfp8 blocks. Sources: transformer-engine 2.20.2,
// pytorch/custom_recipes/reference_nvfp4.py (its own reference of the kernels); transformer-engine-torch 2.20.2,
// common_headers/common/cast/mxfp8/quantize_mxfp8.cuh and util/ptx*.cuh; in words: tests/golden/BLOCKS.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

enum class te_error : std::uint8_t { absolute, squared };

/// nvfp4. Codes depend on the last bit of S = 448 x 6 / amax_tensor (at most FLT_MAX), which the library's multiplier,
/// amax_tensor / 2688, does not hold; so the rule is made for one tensor: `transformer_engine_nvfp4(amax)`.
/// s = e4m3(amax x (S x float(1/6))); element = x times min(1 / (s x (1/S)), FLT_MAX), to nearest even, saturating:
/// under a scale that became 0 everything but zeros grows to the largest element. Zeros get code 0; a negative value
/// rounded to zero stays negative. Inf and NaN poison the block.
class transformer_engine_nvfp4_t {
 public:
  using policy_kind = scale_kind;

  /// `tensor_amax`: the tensor's largest magnitude, finite.
  constexpr explicit transformer_engine_nvfp4_t(const unpacked_number& tensor_amax) noexcept
      : transformer_engine_nvfp4_t(tensor_amax, stepwise(448.0f)) {}

  template <blocked Format>
  [[nodiscard]] constexpr float tensor_scale(const unpacked_number&) const noexcept {
    return (amax_ / reach_).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax, float) const noexcept {
    return make_number<typename Format::scale_type>((stepwise(amax) * scale_multiplier_).exact());
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters, float) const noexcept {
    return nearest_code_of_signless_zero<typename Format::element_type>(stepwise(x) *
                                                                        multiplier(stepwise(unpack(parameters.scale))));
  }

 protected:
  constexpr transformer_engine_nvfp4_t(const unpacked_number& tensor_amax, stepwise largest_scale) noexcept
      : amax_(tensor_amax), reach_(largest_scale * stepwise(6.0f)), encode_(at_most_finite(reach_ / amax_)) {
    if (encode_.is_zero())
      encode_ = stepwise(1.0f);
    decode_ = stepwise(1.0f) / encode_;
    scale_multiplier_ = encode_ * (stepwise(1.0f) / stepwise(6.0f));
  }
  static constexpr stepwise at_most_finite(stepwise x) noexcept {
    return x.code == stepwise::infinity ? stepwise::from_code(stepwise::infinity - 1) : x;
  }
  [[nodiscard]] constexpr stepwise multiplier(stepwise scale_of_block) const noexcept {
    return at_most_finite(stepwise(1.0f) / (scale_of_block * decode_));
  }

  stepwise amax_;
  stepwise reach_;
  stepwise encode_;
  stepwise decode_;
  stepwise scale_multiplier_;
};
/// finite_amax(matrix) gives a matrix's `tensor_amax`.
[[nodiscard]] constexpr transformer_engine_nvfp4_t transformer_engine_nvfp4(
    const unpacked_number& tensor_amax) noexcept {
  return transformer_engine_nvfp4_t(tensor_amax);
}
[[nodiscard]] constexpr transformer_engine_nvfp4_t transformer_engine_nvfp4(float tensor_amax) noexcept {
  return transformer_engine_nvfp4_t(unpack(tensor_amax));
}

/// nvfp4, four over six: the block's scale is e4m3(base) or e4m3(1.5 base), base = (amax / 6) x S, S from a largest
/// scale of 256 or 448; the second where its summed error is smaller. Errors are float32 sums in the order of the
/// elements.
template <te_error Error>
class transformer_engine_four_over_six_t : public transformer_engine_nvfp4_t {
 public:
  constexpr explicit transformer_engine_four_over_six_t(const unpacked_number& tensor_amax,
                                                        float largest_scale = 256.0f) noexcept
      : transformer_engine_nvfp4_t(tensor_amax, stepwise(largest_scale)) {}

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              float tensor) const noexcept {
    const stepwise base = largest_magnitude(values) / stepwise(6.0f) * encode_;
    const block_parameters<Format> six{make_number<typename Format::scale_type>(base.exact())};
    const block_parameters<Format> four{make_number<typename Format::scale_type>((base * stepwise(1.5f)).exact())};
    return error<Format>(values, four, tensor) < error<Format>(values, six, tensor) ? four : six;
  }

 private:
  template <blocked Format, block_source T>
  constexpr stepwise error(const block_values<T>& values, const block_parameters<Format>& parameters,
                           float tensor) const noexcept {
    const stepwise scale_of_block(unpack(parameters.scale));
    stepwise sum;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const unpacked_number x = unpack_code<source_format<T>()>(source_code(values[i]));
      const std::uint8_t code = this->template element_code<Format>(x, parameters, tensor);
      const stepwise decoded =
          stepwise(unpack_code<Format::element_type::format>(code)) * scale_of_block * amax_ / reach_;
      const stepwise off = decoded - stepwise(x);
      sum = sum + (Error == te_error::squared ? off * off : off.magnitude());
    }
    return sum;
  }
};
template <te_error Error = te_error::absolute>
[[nodiscard]] constexpr transformer_engine_four_over_six_t<Error> transformer_engine_four_over_six(
    const unpacked_number& tensor_amax, float largest_scale = 256.0f) noexcept {
  return transformer_engine_four_over_six_t<Error>(tensor_amax, largest_scale);
}
template <te_error Error = te_error::absolute>
[[nodiscard]] constexpr transformer_engine_four_over_six_t<Error> transformer_engine_four_over_six(
    float tensor_amax, float largest_scale = 256.0f) noexcept {
  return transformer_engine_four_over_six_t<Error>(unpack(tensor_amax), largest_scale);
}

/// mxfp8, e4m3 or e5m2: the scale is amax x float(1 / largest element), rounded up to a power of two; elements are
/// rounded to nearest even and saturate. NaN has no part in the scale and stays as code 7F; Inf gives scale FE.
struct transformer_engine_mxfp8_t {
  using policy_kind = scale_kind;
  static constexpr bool takes_every_block = true;

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    static_assert(Format::scale_type::format.mantissa_bits == 0, "mxfp8's scales are powers of two: use ue8m0");
    constexpr stepwise reciprocal = stepwise(1.0f) / largest_step<typename Format::element_type>;
    stepwise amax;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const stepwise size = stepwise(unpack_code<source_format<T>()>(source_code(values[i]))).magnitude();
      amax = amax < size ? size : amax;
    }
    const stepwise reach = amax * reciprocal;
    return {reach.is_zero() ? make_number<typename Format::scale_type>({.kind = number_class::zero})
                            : Format::scale_type::from_bits(code_at_or_above(reach))};
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    if (x.kind == number_class::nan)
      return 0x7f;
    return nearest_code<typename Format::element_type>(stepwise(x) *
                                                       stepwise::power_of_two(127 - parameters.scale.bits()));
  }

 private:
  static constexpr std::uint8_t code_at_or_above(stepwise x) noexcept {
    const std::uint32_t field = x.code >> 23;
    const std::uint32_t fraction = x.code & 0x7fffffu;
    if (field == 255)
      return 254;
    const bool up = fraction != 0 && field != 254 && (field != 0 || fraction > 0x400000u);
    return static_cast<std::uint8_t>(field + (up ? 1 : 0));
  }
};
inline constexpr transformer_engine_mxfp8_t transformer_engine_mxfp8{};

FEWBITS_NAMESPACE_END
