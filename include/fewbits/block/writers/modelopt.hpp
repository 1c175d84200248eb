// What NVIDIA ModelOpt makes of an nvfp4 block: NVFP4QTensor.quantize.
// Source: nvidia-modelopt 0.47.0, torch/quantization/qtensor/nvfp4_tensor.py; in words: tests/golden/BLOCKS.md.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

/// g = amax_tensor / 2688, the stored multiplier; s = e4m3(amax / (6 g)) in [2^-9, 448], 1 for a block of zeros;
/// element = x / (s g), every step rounded to float32, ties to even. -0 becomes +0; a negative value rounded to zero
/// stays negative. Inf and NaN poison the block.
struct modelopt_nvfp4_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    return (stepwise(amax) / stepwise(2688.0f)).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  float tensor) const noexcept {
    const stepwise wanted = stepwise(amax) / (stepwise(6.0f) * stepwise(tensor));
    if (wanted.is_zero())
      return zero_block_scale<Format>(tensor);
    return make_number<typename Format::scale_type>(
        clamped(wanted, stepwise::power_of_two(-9), stepwise(448.0f)).exact());
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type zero_block_scale(float) const noexcept {
    return make_number<typename Format::scale_type>(make_unpacked(false, 1, 0));
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    float tensor) const noexcept {
    return nearest_code_of_signless_zero<typename Format::element_type>(
        stepwise(x) / (stepwise(unpack(parameters.scale)) * stepwise(tensor)));
  }
};
inline constexpr modelopt_nvfp4_t modelopt_nvfp4{};

FEWBITS_NAMESPACE_END
