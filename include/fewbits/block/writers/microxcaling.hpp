// What Microsoft's microxcaling, the emulator beside OCP MX 1.0, makes of a block: its CPU path, round "nearest".
// Source: microsoft/microxcaling, mx/mx_ops.py and mx/elemwise_ops.py; the rule in words: tests/golden/BLOCKS.md.
#pragma once

#include <algorithm>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/writers/stepwise.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The floor rule with two roundings of float32 in it: log2f, so that an amax a few units below a large power of two
/// gets the next scale, and |x| + 0.5 before truncation. Ties go away from zero. -0 becomes +0; a negative value
/// rounded to zero stays negative. A block of zeros has the scale of 2^-126. Inf or NaN poison the block; in mxint8 an
/// amax of FLT_MAX does, too.
struct microxcaling_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    static_assert(Format::scale_type::format.mantissa_bits == 0, "microxcaling's scales are powers of two: use ue8m0");
    return scale_of<Format>(floor_of_rounded_log2(stepwise(amax)));
  }
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type zero_block_scale(no_tensor_scale) const noexcept {
    return scale_of<Format>(-126);
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::uint8_t element_code(const unpacked_number& x,
                                                    const block_parameters<Format>& parameters,
                                                    no_tensor_scale) const noexcept {
    using element = typename Format::element_type;
    const stepwise scaled = stepwise(x) / stepwise(unpack(parameters.scale));
    int lowest = -element_fraction_bits<element>();  // the exponent of the unit in which x is counted
    if constexpr (is_minifloat<element>)
      if (!scaled.is_zero())
        lowest += (std::max)(floor_of_rounded_log2(scaled.magnitude()), element::format.min_exponent());
    const stepwise moved = scaled.magnitude() * stepwise::power_of_two(-lowest) + stepwise(0.5f);
    const unpacked_number counted = moved.exact();
    std::uint64_t steps = counted.exponent < 0 ? 0 : counted.significand >> (63 - (std::min)(counted.exponent, 63));
    if constexpr (!is_minifloat<element>)
      steps = (std::min)(steps, static_cast<std::uint64_t>(element::format.max_code()));
    const bool negative = scaled.is_negative() && !scaled.is_zero();
    return static_cast<std::uint8_t>(pack_code<element::format>(make_unpacked(negative, steps, lowest)));
  }

 private:
  template <class Element>
  static constexpr int element_fraction_bits() noexcept {
    if constexpr (is_minifloat<Element>)
      return Element::format.mantissa_bits;
    else
      return Element::format.fraction_bits;
  }
  template <blocked Format>
  static constexpr typename Format::scale_type scale_of(int log2_of_amax) noexcept {
    const int power = log2_of_amax - largest<typename Format::element_type>.exponent;
    if (power > 127)  // log2f of the largest floats is 128, and mxint8 subtracts nothing from it
      return make_number<typename Format::scale_type>({.kind = number_class::nan});
    return make_number<typename Format::scale_type>(make_unpacked(false, 1, power));
  }
};
inline constexpr microxcaling_t microxcaling{};

FEWBITS_NAMESPACE_END
