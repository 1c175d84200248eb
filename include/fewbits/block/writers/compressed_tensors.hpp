// What compressed-tensors (llm-compressor, vLLM) makes of nvfp4 and mxfp4 blocks.
// Source: compressed-tensors 0.20.0, quantization/utils/helpers.py, mxfp_utils.py, lifecycle/forward_helpers.py; in
// words: tests/golden/BLOCKS.md.
#pragma once

#include <algorithm>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

/// nvfp4. The tensor's number there is a divisor, (1 / amax_tensor) x 2688 (1 where that is Inf), and the codes depend
/// on its last bit; so the rule is made for one tensor: `compressed_tensors_nvfp4(amax)`. The library's multiplier is
/// its reciprocal. s = e4m3(divisor x (amax / 6)), .125 where that is 0; element = x / (s / divisor), every step
/// rounded to float32, ties to even. -0 becomes +0; a negative value rounded to zero stays negative. Inf and NaN poison
/// the block.
class compressed_tensors_nvfp4_t {
 public:
  using policy_kind = scale_kind;

  /// `tensor_amax`: the tensor's largest magnitude, finite; below 2^-126 it counts as that.
  constexpr explicit compressed_tensors_nvfp4_t(const unpacked_number& tensor_amax) noexcept {
    const stepwise amax =
        clamped(stepwise(tensor_amax), stepwise::power_of_two(-126), stepwise::from_code(0x7f7fffffu));
    divisor_ = stepwise(1.0f) / amax * stepwise(2688.0f);  // so PyTorch divides a Python number by a tensor
    if (divisor_.code == stepwise::infinity)
      divisor_ = stepwise(1.0f);
  }
  /// weight_global_scale.
  [[nodiscard]] constexpr float divisor() const noexcept { return divisor_.value(); }

  template <blocked Format>
  [[nodiscard]] constexpr float tensor_scale(const unpacked_number&) const noexcept {
    return (stepwise(1.0f) / divisor_).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax, float) const noexcept {
    const stepwise wanted = divisor_ * (stepwise(amax) / stepwise(6.0f));
    const auto rounded = make_number<typename Format::scale_type>(wanted.exact());
    return source_code(rounded) != 0 ? rounded : zero_block_scale<Format>(0.0f);
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type zero_block_scale(float) const noexcept {
    return make_number<typename Format::scale_type>(make_unpacked(false, 1, -3));
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters, float) const noexcept {
    return nearest_code_of_signless_zero<typename Format::element_type>(
        stepwise(x) / (stepwise(unpack(parameters.scale)) / divisor_));
  }

 private:
  stepwise divisor_;
};
/// finite_amax(matrix) gives a matrix's `tensor_amax`.
[[nodiscard]] constexpr compressed_tensors_nvfp4_t compressed_tensors_nvfp4(
    const unpacked_number& tensor_amax) noexcept {
  return compressed_tensors_nvfp4_t(tensor_amax);
}
[[nodiscard]] constexpr compressed_tensors_nvfp4_t compressed_tensors_nvfp4(float tensor_amax) noexcept {
  return compressed_tensors_nvfp4_t(unpack(tensor_amax));
}

/// mxfp4: half a unit of e2m1's mantissa is added to amax's bits, then the floor rule. An amax that this carries to Inf
/// gets a NaN scale. Signs of zeros as for nvfp4.
struct compressed_tensors_mxfp4_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    const int field = static_cast<int>((stepwise(amax).code + (1u << 21)) >> 23);
    return Format::scale_type::from_bits(static_cast<std::uint8_t>(
        field == 255 ? 255 : (std::max)(field - largest<typename Format::element_type>.exponent, 0)));
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    return nearest_code_of_signless_zero<typename Format::element_type>(stepwise(x) /
                                                                        stepwise(unpack(parameters.scale)));
  }
};
inline constexpr compressed_tensors_mxfp4_t compressed_tensors_mxfp4{};

FEWBITS_NAMESPACE_END
