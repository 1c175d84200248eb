// DeepSeek's fp8 blocks: e4m3 with a float32 scale for 1 x 128 activations and 128 x 128 weights.
// Sources: deepseek-ai/DeepSeek-V3, inference/kernel.py (with IEEE division: Triton's own may be 2 ulp off);
// deepseek-ai/DeepGEMM, deep_gemm/utils/math.py; in words: tests/golden/BLOCKS.md.
#pragma once

#include <algorithm>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

/// DeepSeek-V3's act_quant: s = amax / 448, element = x / s, both rounded to float32, then to the nearest e4m3,
/// saturating. A block of zeros has scale 0 and, 0 / 0, NaN elements: the writer's own flaw, which deep_gemm mends.
struct deepseek_v3_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    return (stepwise(amax) / largest_step<typename Format::element_type>).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    return nearest_code<typename Format::element_type>(stepwise(x) / stepwise(parameters.scale));
  }
};
inline constexpr deepseek_v3_t deepseek_v3{};

/// DeepGEMM's casts: amax is at least 1e-4, s = amax / 448, element = x times the rounded 1 / s. PowerOfTwo: s is then
/// raised to a power of two (use_ue8m0), from 2^-126 to 2^127.
template <bool PowerOfTwo>
struct deep_gemm_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    constexpr stepwise least(1e-4f);
    const stepwise given(amax);
    const stepwise scale = (given < least ? least : given) / largest_step<typename Format::element_type>;
    if (!PowerOfTwo)
      return scale.value();
    const std::uint32_t field = (scale.code >> 23) + ((scale.code & 0x7fffffu) != 0 ? 1 : 0);
    return stepwise::from_code((std::clamp)(field, 1u, 254u) << 23).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type zero_block_scale(no_tensor_scale none) const noexcept {
    return block_scale<Format>({.kind = number_class::zero}, none);
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    return nearest_code<typename Format::element_type>(stepwise(x) * (stepwise(1.0f) / stepwise(parameters.scale)));
  }
};
inline constexpr deep_gemm_t<false> deep_gemm{};
inline constexpr deep_gemm_t<true> deep_gemm_power_of_two{};

FEWBITS_NAMESPACE_END
