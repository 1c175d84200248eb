// From an element to its value: what a block's scales, zero point and minimum come to, exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/number/codebook.hpp>

FEWBITS_NAMESPACE_BEGIN

/// value = unit x (element - zero) + offset. The unit has at most 32 significant bits, the offset too.
struct block_map {
  unpacked_number unit{};
  unpacked_number offset{};  ///< of kind zero where there is no minimum
  int zero = 0;
  std::size_t shape = 0;  ///< which alphabet, where a block chooses one
};

namespace detail {

/// The entries of one shape as a codebook of their own.
template <codebook_format Whole, int Bits, std::size_t Shape>
constexpr codebook_format part_of_codebook() noexcept {
  codebook_format part{.total_bits = Bits, .fraction_bits = Whole.fraction_bits};
  for (std::size_t c = 0; c < part.size(); ++c)
    part.entries[c] = Whole.entries[Shape * part.size() + c];
  return part;
}
template <class Format, std::size_t Shape>
struct element_of_shape {
  using type = typename Format::element_type;
};
template <class Format, std::size_t Shape>
requires(Format::has_shapes) struct element_of_shape<Format, Shape> {
  using type = codebook<part_of_codebook<Format::element_type::format, Format::element_bits, Shape>()>;
};
template <class Format>
inline constexpr std::size_t shape_count =
    std::size_t{1} << (Format::element_type::format.bits() - Format::element_bits);

}  // namespace detail

/// The element type of a block of this shape, a codebook; without shapes the format's own.
template <blocked Format, std::size_t Shape = 0>
using block_element = typename detail::element_of_shape<Format, Shape>::type;

/// Calls `visitor.template operator()<block_element>()` for the element type of a block.
template <blocked Format, std::size_t Shape = 0, class Visitor>
constexpr decltype(auto) visit_element(std::size_t shape, const Visitor& visitor) noexcept {
  if constexpr (Shape + 1 < detail::shape_count<Format>)
    if (shape != Shape)
      return visit_element<Format, Shape + 1>(shape, visitor);
  return visitor.template operator()<block_element<Format, Shape>>();
}

/// super scale x scale (+ tensor offset) x tensor scale, exact but for the sum with an offset, which is a float32.
template <blocked Format>
constexpr unpacked_number block_unit(const typename Format::scale_type& scale, const typename Format::super_type& super,
                                     const typename Format::tensor_scale_type& tensor_scale) noexcept {
  constexpr int digits = [] {
    int sum = detail::significant_digits<typename Format::scale_type>();
    if constexpr (Format::has_super_scale)
      sum += detail::significant_digits<decltype(Format::super_type::scale)>();
    return sum;
  }();
  static_assert(digits + (Format::has_tensor_scale ? 24 : 0) <= 32,
                "the scales' product must be exact in 32 bits: choose scale types of fewer significant bits (8 beside "
                "a float tensor scale)");
  unpacked_number unit = unpack(scale);
  if constexpr (Format::has_super_scale)
    unit = exact::multiply(unit, unpack(super.scale));
  if constexpr (Format::has_tensor_scale)
    unit = exact::multiply(unit, unpack(tensor_scale));
  if constexpr (Format::has_tensor_offset)
    unit = unpack(make_number<float>(exact::add(unit, unpack(tensor_scale))));
  return unit;
}
template <blocked Format>
requires(!Format::has_super_scale) constexpr unpacked_number
    block_unit(const typename Format::scale_type& scale,
               const typename Format::tensor_scale_type& tensor_scale) noexcept {
  return block_unit<Format>(scale, {}, tensor_scale);
}

template <blocked Format>
constexpr block_map map_of(const block_parameters<Format>& parameters, const typename Format::super_type& super,
                           const typename Format::tensor_scale_type& tensor_scale) noexcept {
  block_map map{.unit = block_unit<Format>(parameters.scale, super, tensor_scale)};
  if constexpr (Format::has_zero_point) {
    map.zero = static_cast<int>(parameters.zero);
  } else if constexpr (Format::has_shapes) {
    map.shape = parameters.zero.bits();
  } else if constexpr (Format::has_minimum) {
    map.offset = unpack(parameters.zero);
    if constexpr (Format::has_super_minimum)
      map.offset = exact::negate(exact::multiply(map.offset, unpack(super.minimum)));
  }
  return map;
}

/// The value of an element, exact in 64 bits or with a sticky bit: it rounds as the exact value does. NaN scales and
/// minimums give NaN; Inf x 0 too.
template <blocked Format>
[[nodiscard]] constexpr unpacked_number element_value(std::uint8_t code, const block_map& map) noexcept {
  using element = typename Format::element_type;
  if constexpr (Format::has_zero_point) {
    const int difference = static_cast<int>(element::from_bits(code)) - map.zero;
    return exact::multiply(
        make_unpacked(difference < 0, static_cast<std::uint64_t>(difference < 0 ? -difference : difference), 0),
        map.unit);
  } else {
    const std::uint64_t whole_code = code | static_cast<std::uint64_t>(map.shape) << Format::element_bits;
    const unpacked_number scaled = exact::multiply(unpack_code<element::format>(whole_code), map.unit);
    if constexpr (Format::has_minimum)
      return exact::add(scaled, map.offset);
    else
      return scaled;
  }
}

/// The same, rounded once to float32. Past float32's range the value is Inf; a zero keeps its sign.
template <blocked Format>
[[nodiscard]] constexpr float decode_element(std::uint8_t code, const block_map& map) noexcept {
  return pack_native<float>(element_value<Format>(code, map));
}

namespace detail {

/// To nearest, 32 bits and a sticky one decide.
template <class Rounding>
constexpr unpacked_number quotient_for(const unpacked_number& a, const unpacked_number& b) noexcept {
  if constexpr (std::is_same_v<Rounding, nearest_even_t>)
    return exact_quotient(a, b);
  else
    return fine_quotient(a, b);
}

}  // namespace detail

/// The code of value / unit, rounded once from the exact quotient, saturating. Inf and NaN go where the element's own
/// conversions take them, Inf to Inf if there is one. Precondition: `unit` is finite and not 0.
template <few_bit_number Element, rounding_policy Rounding = nearest_even_t>
[[nodiscard]] constexpr std::uint8_t encode_element(const unpacked_number& number_to_encode,
                                                    const unpacked_number& unit,
                                                    const Rounding& rounding = {}) noexcept {
  return static_cast<std::uint8_t>(
      pack_code<Element::format>(detail::quotient_for<Rounding>(number_to_encode, unit),
                                 encoding<Rounding, saturate_finite_t>{.rounding = rounding}));
}

/// The same in a block: round((number - offset) / unit) + zero, saturating.
/// Precondition: the unit is finite and not 0, the offset finite.
template <blocked Format, rounding_policy Rounding = nearest_even_t>
[[nodiscard]] constexpr std::uint8_t encode_element(const unpacked_number& number_to_encode, const block_map& map,
                                                    const Rounding& rounding = {}) noexcept {
  using element = typename Format::element_type;
  if constexpr (Format::has_zero_point) {
    const unpacked_number quotient = detail::quotient_for<Rounding>(number_to_encode, map.unit);
    if (quotient.kind == number_class::nan)
      return static_cast<std::uint8_t>(element::format.max_code());
    constexpr fixed_format wide{.total_bits = 32};
    const auto rounded = static_cast<std::int32_t>(pack_code<wide>(quotient, encoding<Rounding>{.rounding = rounding}));
    const std::int64_t moved = std::int64_t{rounded} + map.zero;
    constexpr auto highest = static_cast<std::int64_t>(element::format.max_code());
    constexpr auto lowest = -static_cast<std::int64_t>(element::format.negative_limit());
    const std::int64_t kept = moved < lowest ? lowest : moved > highest ? highest : moved;
    return static_cast<std::uint8_t>(static_cast<std::uint64_t>(kept) & element::format.code_mask());
  } else if constexpr (Format::has_minimum) {
    return encode_element<element>(exact::subtract(number_to_encode, map.offset), map.unit, rounding);
  } else if constexpr (Format::has_shapes) {
    return visit_element<Format>(map.shape, [&]<few_bit_number OfShape>() noexcept {
      return encode_element<OfShape>(number_to_encode, map.unit, rounding);
    });
  } else {
    return encode_element<element>(number_to_encode, map.unit, rounding);
  }
}

FEWBITS_NAMESPACE_END
