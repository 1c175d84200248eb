// What ggml (llama.cpp) makes of blocks: quantize_row_*_ref of q4_0, q8_0, mxfp4 and nvfp4.
// Source: ggml as in llama-cpp-python 0.3.36, src/ggml-quants.c and ggml-impl.h; in words: tests/golden/BLOCKS.md.
// How the codes lie in a file is another matter: element j and j + n/2 share a byte there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// The nearest e2m1 by float32 errors |element x unit - x|: the first of the smallest, so a tie goes toward zero, and
/// zero is never negative.
template <few_bit_number Element>
constexpr std::uint8_t ggml_nearest_code(stepwise x, stepwise unit) noexcept {
  std::uint8_t best = 0;
  stepwise least = x.magnitude();
  for (unsigned code = 1; code <= Element::format.max_code(); ++code) {
    const stepwise off = (stepwise(unpack_code<Element::format>(code)) * unit - x.magnitude()).magnitude();
    if (off < least) {
      best = static_cast<std::uint8_t>(code);
      least = off;
    }
  }
  return static_cast<std::uint8_t>(best | (best != 0 && x.is_negative() ? Element::format.sign_mask() : 0));
}

/// A coder that multiplies by a rounded reciprocal; 0 where the scale is 0.
constexpr stepwise ggml_reciprocal(stepwise d) noexcept { return d.is_zero() ? stepwise{} : stepwise(1.0f) / d; }

}  // namespace detail

/// q4_0: d = m / -8 for the first value m of the largest magnitude, stored as fp16; element = trunc(x (1/d) + 8.5), at
/// most 15, less 8, where d is not yet rounded to fp16. Every step but the last is rounded to float32. Elements are
/// int4, which ggml stores with 8 added. Past fp16's range d is Inf, and so the block is poisoned here; Inf and NaN
/// poison it too.
struct ggml_q4_0_t {
  using policy_kind = scale_kind;

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    return {Format::scale_type::from_bits(static_cast<typename Format::scale_type::bits_type>(
        pack_code<Format::scale_type::format>(unrounded(values).exact(), operator_encoding)))};
  }
  /// 0 / -8 is -0.
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type zero_block_scale(no_tensor_scale) const noexcept {
    return make_number<typename Format::scale_type>({.kind = number_class::zero, .negative = true});
  }
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr auto element_coder(const block_values<T>& values, const block_parameters<Format>&,
                                             no_tensor_scale) const noexcept {
    const stepwise reciprocal = detail::ggml_reciprocal(unrounded(values));
    return [reciprocal](const unpacked_number& x_of_block) noexcept {
      const unpacked_number moved = (stepwise(x_of_block) * reciprocal + stepwise(8.5f)).exact();
      const bool below_one = moved.kind != number_class::finite || moved.negative || moved.exponent < 0;
      const auto steps = below_one ? 0 : static_cast<int>(moved.significand >> (63 - (std::min)(moved.exponent, 5)));
      return static_cast<std::uint8_t>(((std::min)(steps, 15) - 8) & 15);
    };
  }

 private:
  template <block_source T>
  static constexpr stepwise unrounded(const block_values<T>& values) noexcept {
    stepwise largest_value;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const stepwise x(unpack_code<source_format<T>()>(source_code(values[i])));
      largest_value = largest_value.magnitude() < x.magnitude() ? x : largest_value;
    }
    return largest_value / stepwise(-8.0f);
  }
};
inline constexpr ggml_q4_0_t ggml_q4_0{};

/// q8_0: d = amax / 127, stored as fp16; element = x (1/d), d not yet rounded to fp16, to the nearest integer, ties
/// away from zero. Poisoned as q4_0.
struct ggml_q8_0_t {
  using policy_kind = scale_kind;

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    return {Format::scale_type::from_bits(static_cast<typename Format::scale_type::bits_type>(
        pack_code<Format::scale_type::format>(unrounded(values).exact(), operator_encoding)))};
  }
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr auto element_coder(const block_values<T>& values, const block_parameters<Format>&,
                                             no_tensor_scale) const noexcept {
    const stepwise reciprocal = detail::ggml_reciprocal(unrounded(values));
    return [reciprocal](const unpacked_number& x_of_block) noexcept {
      return static_cast<std::uint8_t>(pack_code<Format::element_type::format>(
          (stepwise(x_of_block) * reciprocal).exact(), encoding<nearest_away_t>{}));
    };
  }

 private:
  template <block_source T>
  static constexpr stepwise unrounded(const block_values<T>& values) noexcept {
    return largest_magnitude(values) / stepwise(127.0f);
  }
};
inline constexpr ggml_q8_0_t ggml_q8_0{};

/// mxfp4: the floor rule with log2f rounded to float32; ties of elements go toward zero and there is no -0. Below
/// 2^-125 ggml casts a negative float to uint8_t, which C leaves undefined: scale code 0 here. Inf and NaN poison the
/// block.
struct ggml_mxfp4_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    const int code = floor_of_rounded_log2(stepwise(amax)) - largest<typename Format::element_type>.exponent + 127;
    return Format::scale_type::from_bits(static_cast<std::uint8_t>((std::max)(code, 0)));
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    return detail::ggml_nearest_code<typename Format::element_type>(stepwise(x), stepwise(unpack(parameters.scale)));
  }
};
inline constexpr ggml_mxfp4_t ggml_mxfp4{};

/// nvfp4, one level: a tensor scale is applied to the values beforehand. The scale is amax / 6 in ue4m3 with ties up,
/// 448 from 248 on, 7 x 2^-9 up to 2^-6; elements as in ggml's mxfp4. Inf and NaN poison the block.
struct ggml_nvfp4_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    return Format::scale_type::from_bits(
        static_cast<typename Format::scale_type::bits_type>(scale_code(stepwise(amax) / stepwise(6.0f))));
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    return detail::ggml_nearest_code<typename Format::element_type>(stepwise(x), stepwise(unpack(parameters.scale)));
  }

 private:
  static constexpr unsigned scale_code(stepwise x) noexcept {
    const int field = static_cast<int>(x.code >> 23) - 127 + 7;
    if (field >= 15)
      return 0x7e;
    if (field <= 0) {
      const unpacked_number moved = (x * stepwise(512.0f) + stepwise(0.5f)).exact();
      return moved.exponent < 0 ? 0 : (std::min)(static_cast<unsigned>(moved.significand >> (63 - moved.exponent)), 7u);
    }
    const unsigned code = (static_cast<unsigned>(field) << 3 | (x.code >> 20 & 7)) + (x.code >> 19 & 1);
    return code >= 15u << 3 ? 0x7e : code;
  }
};
inline constexpr ggml_nvfp4_t ggml_nvfp4{};

FEWBITS_NAMESPACE_END
