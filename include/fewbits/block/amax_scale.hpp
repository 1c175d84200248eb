// Scales that are real numbers: the range of the values over the range of the elements, each one rounding of the exact
// quotient. Sources of the integer rules: docs/block/scale.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The lowest value of an element type: -8 for int4, -448 for e4m3, 0 for unsigned ones.
template <few_bit_number T>
constexpr unpacked_number find_lowest() noexcept {
  if constexpr (is_fixed_point<T>) {
    return make_unpacked(true, T::format.negative_limit(), -T::format.fraction_bits);
  } else if constexpr (is_codebook<T>) {
    return unpack_code<T::format>(T::format.min_code());
  } else {
    unpacked_number x = largest<T>;
    x.negative = true;
    return T::format.is_signed ? x : unpacked_number{};
  }
}
template <few_bit_number T>
inline constexpr unpacked_number lowest = find_lowest<T>();

/// amax / largest element: amax / 7 for int4, amax / 127 for int8, amax / 448 for e4m3, amax for nf4. Symmetric: the
/// lowest integer is hardly ever used. The scale is at least the type's smallest positive number.
struct amax_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    return nonzero_number<typename Format::scale_type>(exact_quotient(amax, largest<typename Format::element_type>));
  }
};

/// amax over the middle of the two ends: amax / 7.5 for int4. The largest values lose up to half a step, all others
/// gain (compressed-tensors).
struct amax_half_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format>
  [[nodiscard]] constexpr typename Format::scale_type block_scale(const unpacked_number& amax,
                                                                  no_tensor_scale) const noexcept {
    using element = typename Format::element_type;
    constexpr unpacked_number reach = exact::subtract(largest<element>, lowest<element>);
    unpacked_number quotient = exact_quotient(amax, reach);
    quotient.exponent += 1;
    return nonzero_number<typename Format::scale_type>(quotient);
  }
};

/// The value of largest magnitude, the first of them, over the lowest element: max / -8 for int4. The scale may be
/// negative; the 16th code is used, and the largest value is exact but for the scale's rounding (ggml's q4_0).
struct signed_max_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    constexpr float_format source = source_format<T>();
    using scale_type = typename Format::scale_type;
    static_assert(source_format<scale_type>().is_signed,
                  "signed_max_scale may be negative: choose a signed scale type");
    static_assert(lowest<typename Format::element_type>.kind == number_class::finite,
                  "signed_max_scale puts the largest value on the lowest element: choose a signed element");
    source_bits<T> found = 0;
    for (std::size_t r = 0; r < values.rows(); ++r)
      for (std::size_t c = 0; c < values.columns(); ++c) {
        const auto code = values.code(r, c);
        const auto magnitude = code & source.magnitude_mask();
        if (magnitude > (found & source.magnitude_mask()) && magnitude <= source.max_code())
          found = code;
      }
    return {
        nonzero_number<scale_type>(exact_quotient(unpack_code<source>(found), lowest<typename Format::element_type>))};
  }
};

/// Asymmetric: the range from the lowest to the largest value, widened to contain 0, over all steps of the element. The
/// zero point is the code nearest to where 0 falls under the rounded scale, so 0 is exact. With a minimum in place of a
/// zero point, it is what brings the lowest value (or 0) to the lowest element, rounded: that value itself for unsigned
/// elements.
struct min_max_scale_t {
  using policy_kind = scale_kind;
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    static_assert(Format::has_zero_point || Format::has_minimum,
                  "min_max_scale is for asymmetric formats: add with_zero_point or with_minimum");
    using element = typename Format::element_type;
    constexpr unpacked_number steps = exact::subtract(largest<element>, lowest<element>);
    const auto [highest, depth] = values.range();
    const auto scale = nonzero_number<typename Format::scale_type>(exact_quotient(exact::add(highest, depth), steps));
    if constexpr (Format::has_minimum) {
      unpacked_number minimum = depth.kind == number_class::zero ? depth : exact::negate(depth);  // +0, not -0
      if constexpr (lowest<element>.kind != number_class::zero)
        minimum = exact::subtract(minimum, exact::multiply(lowest<element>, unpack(scale)));
      return {scale, make_number<typename Format::zero_type>(minimum)};
    } else {
      // lowest element + depth / scale, rounded and clamped
      const unpacked_number place = exact_quotient(depth, unpack(scale));
      constexpr fixed_format wide{.total_bits = 32};
      const auto steps_down = static_cast<std::int64_t>(pack_code<wide>(place));
      const std::int64_t zero = steps_down - static_cast<std::int64_t>(element::format.negative_limit());
      return {scale, make_number<typename Format::zero_type>(
                         make_unpacked(zero < 0, static_cast<std::uint64_t>(zero < 0 ? -zero : zero), 0))};
    }
  }
};

inline constexpr amax_scale_t amax_scale{};
inline constexpr amax_half_scale_t amax_half_scale{};
inline constexpr signed_max_scale_t signed_max_scale{};
inline constexpr min_max_scale_t min_max_scale{};

FEWBITS_NAMESPACE_END
