// Which values a block could not hold: told from the value, for a code alone does not say that it was clamped.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Does rounding take `quotient` + `zero` past the largest or the lowest element? Overflow is judged after rounding, as
/// in conversions: half a step beyond the largest is still its own. A codebook has no step beyond its ends: what lies
/// past them saturates. NaN does not.
template <few_bit_number Element>
[[nodiscard]] constexpr bool quotient_saturates(const unpacked_number& quotient, int zero = 0) noexcept {
  if (quotient.kind != number_class::finite)
    return quotient.kind == number_class::infinite;
  if constexpr (is_minifloat<Element>) {
    if (!Element::format.is_signed && quotient.negative)
      return !Element::format.has_zero() || round_to_unbounded_code<Element::format>(quotient, nearest_even) != 0;
    return round_to_unbounded_code<Element::format>(quotient, nearest_even) > Element::format.max_code();
  } else if constexpr (is_codebook<Element>) {
    return lies_past_ends<Element::format>(quotient);
  } else {
    // Without the clamp, a format of more bits would hold what rounding gives.
    constexpr fixed_format wide{.total_bits = 63, .fraction_bits = Element::format.fraction_bits};
    const std::uint64_t code = pack_code<wide>(quotient);
    const std::int64_t rounded = static_cast<std::int64_t>(code << 1) / 2 + zero;
    return rounded > static_cast<std::int64_t>(Element::format.max_code()) ||
           rounded < -static_cast<std::int64_t>(Element::format.negative_limit());
  }
}
/// Does a value saturate in units of `unit`? Precondition: the unit is finite and not 0.
template <few_bit_number Element, number Value>
[[nodiscard]] constexpr bool saturates(const Value& value_to_encode, const unpacked_number& unit) noexcept {
  return quotient_saturates<Element>(exact_quotient(unpack(value_to_encode), unit));
}
/// Does it in a block? Precondition: the unit is finite and not 0, the offset finite.
template <blocked Format, number Value>
[[nodiscard]] constexpr bool saturates(const Value& value_to_encode, const block_map& map) noexcept {
  unpacked_number numerator = unpack(value_to_encode);
  if constexpr (Format::has_minimum)
    numerator = exact::subtract(numerator, map.offset);
  const unpacked_number quotient = exact_quotient(numerator, map.unit);
  return visit_element<Format>(
      map.shape, [&]<few_bit_number OfBlock>() noexcept { return quotient_saturates<OfBlock>(quotient, map.zero); });
}

/// Is the code the largest or the lowest finite one? Only those can stand for a clamped value.
template <few_bit_number Element>
[[nodiscard]] constexpr bool is_extreme(std::uint64_t code) noexcept {
  if constexpr (is_minifloat<Element>)
    return (code & Element::format.magnitude_mask()) == Element::format.max_code() ||
           (!Element::format.is_signed && code == 0);
  else if constexpr (is_codebook<Element>)
    return code == Element::format.max_code() || code == Element::format.min_code();
  else
    return code == Element::format.max_code() ||
           code == ((0 - Element::format.negative_limit()) & Element::format.code_mask());
}
/// The same of a code in a block.
template <blocked Format>
[[nodiscard]] constexpr bool is_extreme(std::uint64_t code, const block_map& map) noexcept {
  return visit_element<Format>(map.shape, [&]<few_bit_number OfBlock>() noexcept { return is_extreme<OfBlock>(code); });
}

FEWBITS_NAMESPACE_END
