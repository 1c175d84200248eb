// What torchao makes of a block, on the CPU in eager mode: to_mx in its four scale modes, and nvfp4_quantize.
// Source: torchao 0.18.0, prototype/mx_formats; the rules in words: tests/golden/BLOCKS.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

/// torchao's ScaleCalculationMode.
enum class torchao_mode : std::uint8_t { floor, ceil, rceil, even };

/// mxfp8, mxfp6 and mxfp4. Elements are rounded to nearest even and saturate, Inf too; -0 stays -0. What differs from
/// the rules' definitions: rceil's log2 is rounded to float32; a block of scale code 0, which means 2^-127, is divided
/// by 2^-126 (rceil: by 1). A block with NaN has a NaN scale; Inf is no reason for one.
template <torchao_mode Mode>
struct torchao_mx_t {
  using policy_kind = scale_kind;
  static constexpr bool takes_every_block = true;

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    static_assert(Format::scale_type::format.mantissa_bits == 0, "torchao's MX scales are powers of two: use ue8m0");
    const stepwise amax = largest_magnitude(values);
    const int code = amax.is_nan() ? 255 : scale_code<typename Format::element_type>(amax);
    return {Format::scale_type::from_bits(static_cast<std::uint8_t>(code))};
  }

  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    using element = typename Format::element_type;
    const int code = parameters.scale.bits();
    if constexpr (Mode == torchao_mode::rceil)
      return nearest_code<element>(stepwise(x) * stepwise::power_of_two(code == 0 ? 0 : 127 - code));
    else
      return nearest_code<element>(stepwise(x) / stepwise::power_of_two((std::max)(code - 127, -126)));
  }

 private:
  template <class Element>
  static constexpr int scale_code(stepwise amax) noexcept {
    if constexpr (Mode == torchao_mode::rceil) {
      const stepwise reach = amax / largest_step<Element>;
      if (reach.code == stepwise::infinity)
        return 254;
      return reach.is_zero() ? 0 : (std::clamp)(ceil_of_rounded_log2(reach), -127, 127) + 127;
    } else {
      std::uint32_t bits = amax.code;
      if (Mode == torchao_mode::even)
        bits = (bits + (1u << (22 - Element::format.mantissa_bits))) & 0xff800000u;
      const int up = Mode == torchao_mode::ceil && (bits & 0x7fffffu) != 0 ? 1 : 0;
      return (std::max)(static_cast<int>(bits >> 23) + up - largest<Element>.exponent, 0);
    }
  }
};
inline constexpr torchao_mx_t<torchao_mode::floor> torchao_floor{};
inline constexpr torchao_mx_t<torchao_mode::ceil> torchao_ceil{};
inline constexpr torchao_mx_t<torchao_mode::rceil> torchao_rceil{};
inline constexpr torchao_mx_t<torchao_mode::even> torchao_even{};

/// nvfp4 with a tensor scale, amax / 2688, or without one where the format has none. Block scales lie in [2^-6, 448],
/// that of zeros included; elements are multiplied by a reciprocal that was rounded twice, and rounded to nearest even.
/// -0 stays -0. Inf and NaN poison the block; torchao lets Inf saturate.
struct torchao_nvfp4_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  requires(Format::has_tensor_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    return (stepwise(amax) / stepwise(2688.0f)).value();
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(
      const unpacked_number& amax, const typename Format::tensor_scale_type& tensor) const noexcept {
    stepwise wanted = stepwise(amax) / largest_step<typename Format::element_type>;
    if constexpr (Format::has_tensor_scale)
      wanted = wanted / stepwise(tensor);
    return make_number<typename Format::scale_type>(
        clamped(wanted, lowest, largest_step<typename Format::scale_type>).exact());
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type zero_block_scale(
      const typename Format::tensor_scale_type&) const noexcept {
    return make_number<typename Format::scale_type>(lowest.exact());
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    const typename Format::tensor_scale_type& tensor) const noexcept {
    stepwise one(1.0f);
    if constexpr (Format::has_tensor_scale)
      one = one / stepwise(tensor);
    return nearest_code<typename Format::element_type>(stepwise(x) * (one / stepwise(unpack(parameters.scale))));
  }

 private:
  static constexpr stepwise lowest = stepwise::power_of_two(-6);  // the smallest normal e4m3
};
inline constexpr torchao_nvfp4_t torchao_nvfp4{};

FEWBITS_NAMESPACE_END
