// FP8 (or any element) under real scales: one a tensor, a row, a piece of a row, a square. Sources: OCP OFP8 1.0 for
// the elements; DeepSeek-V3, arXiv 2412.19437, section 3.3, for 1 x 128 and 128 x 128.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/power_of_two.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

template <class Scale>
struct rule_for_scale {
  using type = amax_scale_t;
};
template <>
struct rule_for_scale<ue8m0> {
  using type = rceil_scale_t;
};

}  // namespace detail

/// Element x Scale over a shape, amax on the largest element. Scale: float, fp16, bf16; or ue8m0, rounded up.
template <few_bit_number Element, block_shape Shape, number Scale = float>
struct scaled_format : block_format<Element, Scale, Shape, typename detail::rule_for_scale<Scale>::type> {};

template <few_bit_number Element = e4m3, number Scale = float>
struct fp8_tensor : scaled_format<Element, per_tensor, Scale> {};
/// One scale an output channel of weights, or a token of activations.
template <few_bit_number Element = e4m3, number Scale = float>
struct fp8_rows : scaled_format<Element, per_row, Scale> {};
/// DeepSeek's activations: 1 x 128.
template <few_bit_number Element = e4m3, number Scale = float>
struct fp8_groups : scaled_format<Element, 128, Scale> {};
/// DeepSeek's weights: 128 x 128.
template <few_bit_number Element = e4m3, number Scale = float>
struct fp8_squares : scaled_format<Element, block_shape{128, 128}, Scale> {};

FEWBITS_NAMESPACE_END
