// A block scale under a float32 for the whole tensor. Source: NVFP4.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>

FEWBITS_NAMESPACE_BEGIN

/// NVFP4's static two-level rule, each step one rounding of the exact quotient to nearest even:
/// g = amax_tensor / (largest scale x largest element), for nvfp4 448 x 6; then s = amax_block / (largest element x g).
/// Neither becomes 0 for values that are not 0: the smallest positive float32, 2^-149, and the smallest positive scale
/// stand in. A scale past the largest (only where g is subnormal and its rounding coarse) saturates.
struct static_two_level_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  requires(Format::has_tensor_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    constexpr unpacked_number reach =
        exact::multiply(largest<typename Format::scale_type>, largest<typename Format::element_type>);
    static_assert(reach.significand << 32 == 0,
                  "static_two_level divides by 32 bits: choose an element whose largest "
                  "value has fewer significant bits");
    return nonzero_number<float>(exact_quotient(amax, reach));
  }

  template <blocked Format>
  requires(Format::has_tensor_scale) [[nodiscard]] constexpr typename Format::scale_type
      block_scale(const unpacked_number& amax, float tensor) const noexcept {
    static_assert(largest<typename Format::element_type>.significand << 8 == 0,
                  "static_two_level divides by tensor scale x largest element: choose an element whose largest value "
                  "has at most 8 significant bits");
    return nonzero_number<typename Format::scale_type>(
        exact_quotient(amax, exact::multiply(unpack(tensor), largest<typename Format::element_type>)));
  }
};
inline constexpr static_two_level_t static_two_level{};

FEWBITS_NAMESPACE_END
