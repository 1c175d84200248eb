// What kernels must know of a block format and its scale rule. Scales come from a quotient in double precision where
// that cannot be mistaken, and from the rule itself otherwise, so they are the rule's own to the last bit.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/encoding.hpp>
#include <fewbits/block/power_of_two.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/two_level.hpp>
#include <fewbits/number/direct.hpp>
#include <fewbits/simd/arrays.hpp>
#include <fewbits/simd/codebook_data.hpp>
#include <fewbits/simd/element_data.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// What a rule sees of a block's values.
enum class rule_input {
  amax,           ///< the largest magnitude
  first_largest,  ///< of the values of largest magnitude the first, with its sign
  range,          ///< the largest value and the lowest
  candidates,     ///< all, to choose among scales that amax gives
  values          ///< all
};
/// Of rules that are asked about values: what their answer depends on. A rule of yours that looks at no more may say so
/// in a specialisation; kernels then hand it a block of that value, or of those two.
template <class Rule>
inline constexpr rule_input values_seen_by = rule_input::values;
template <>
inline constexpr rule_input values_seen_by<signed_max_scale_t> = rule_input::first_largest;
template <>
inline constexpr rule_input values_seen_by<min_max_scale_t> = rule_input::range;

/// Rules that bring the largest magnitude to one of a few numbers, whichever has the least error: four_over_six.
template <class Rule, class Format>
inline constexpr bool is_candidate_rule = requires(const Rule& rule, const unpacked_number& amax) {
  Rule::norm;
  Rule::largest_goes_to;
  rule.template candidate_scales<Format>(amax, 1.0f);
};
/// The rule that gives a block's scale from amax and the tensor scale, where a rule names another one.
template <class Rule, class Format>
struct find_block_rule {
  using type = Rule;
};
template <class Rule, class Format>
requires requires { typename Rule::template block_rule<Format>; }
struct find_block_rule<Rule, Format> {
  using type = typename Rule::template block_rule<Format>;
};
template <class Rule, class Format>
using block_rule_of = typename find_block_rule<Rule, Format>::type;

template <class Rule, class Format>
constexpr rule_input input_of() noexcept {
  if constexpr (rule_can_fail<Rule, Format>)
    return rule_input::values;
  else if constexpr (is_candidate_rule<Rule, Format> && Format::has_tensor_scale &&
                     is_minifloat<typename Format::element_type> &&
                     widening_of<typename Format::element_type>() == widening::table)
    return rule_input::candidates;
  else if constexpr (values_rule<Rule, Format>)
    return values_seen_by<Rule>;
  else
    return rule_input::amax;
}

/// Are streams of it packed? matrix/layout.hpp says when.
template <class T>
inline constexpr bool is_packed_width = [] {
  if constexpr (few_bit_number<T>)
    return T::format.bits() <= 6;
  else
    return false;
}();

/// Is a scale a power of two by its type?
template <class Scale>
inline constexpr bool is_power_type = [] {
  if constexpr (is_minifloat<Scale>)
    return Scale::format.mantissa_bits == 0 && !Scale::format.is_signed && !Scale::format.has_zero();
  else
    return false;
}();

/// Rules that give the exponent of amax, or the next one from some mantissa on, plus a constant.
template <class Rule>
inline constexpr bool is_binade_rule = std::is_same_v<Rule, floor_scale_t> || std::is_same_v<Rule, ceil_scale_t> ||
                                       std::is_same_v<Rule, rceil_scale_t> || std::is_same_v<Rule, even_scale_t>;

/// For such a rule: code of the scale = base + exponent of amax, and one more from `threshold` on.
struct binade_steps {
  bool usable = false;
  int base = 0;
  std::uint32_t threshold = 1u << 23;  ///< mantissa of a float32
};
template <class Format, class Rule>
inline constexpr binade_steps binade_steps_of = [] {
  binade_steps steps{};
  if constexpr (is_binade_rule<Rule> && is_power_type<typename Format::scale_type> && !Format::has_tensor_scale) {
    const auto code_at = [](std::uint32_t mantissa) noexcept {
      return static_cast<int>(
          Rule{}.template block_scale<Format>(unpack_code<binary32_format>(127u << 23 | mantissa), {}).bits());
    };
    constexpr std::uint32_t last = (1u << 23) - 1;
    steps.base = code_at(0);
    steps.usable = steps.base > 0 && steps.base + 1 < static_cast<int>(Format::scale_type::format.max_code());
    if (code_at(last) != steps.base) {
      std::uint32_t same = 0, other = last;
      while (other - same > 1) {
        const std::uint32_t middle = same + (other - same) / 2;
        (code_at(middle) == steps.base ? same : other) = middle;
      }
      steps.threshold = other;
    }
  }
  return steps;
}();

/// A finite number as a double, cut to 53 digits. Normal, whatever the number.
constexpr double double_of(const unpacked_number& x) noexcept {
  if (x.kind != number_class::finite)
    return 0.0;
  return std::bit_cast<double>(static_cast<std::uint64_t>(x.negative ? 1 : 0) << 63 |
                               static_cast<std::uint64_t>(x.exponent + 1023) << 52 | x.significand << 1 >> 12);
}

/// Rules whose scale is a quotient, rounded once and kept from 0: what divides. Empty where it is no such rule.
template <class Format, class Rule>
inline constexpr bool is_quotient_rule =
    std::is_same_v<Rule, amax_scale_t> || std::is_same_v<Rule, amax_half_scale_t> ||
    std::is_same_v<Rule, static_two_level_t> || std::is_same_v<Rule, signed_max_scale_t> ||
    std::is_same_v<Rule, min_max_scale_t>;
template <blocked Format, class Rule>
constexpr double divisor_of([[maybe_unused]] double tensor_scale) noexcept {
  using element = typename Format::element_type;
  const double highest = double_of(largest<element>);
  if constexpr (std::is_same_v<Rule, amax_half_scale_t>)
    return (highest - double_of(lowest<element>)) / 2;
  else if constexpr (std::is_same_v<Rule, static_two_level_t>)
    return highest * tensor_scale;
  else if constexpr (std::is_same_v<Rule, signed_max_scale_t>)
    return double_of(lowest<element>);
  else if constexpr (std::is_same_v<Rule, min_max_scale_t>)
    return highest - double_of(lowest<element>);
  else
    return highest;
}

/// Scale types that a double rounds to.
template <class Scale>
inline constexpr bool takes_quotients = [] {
  if constexpr (block_source<Scale>) {
    constexpr float_format f = source_format<Scale>();
    return f.has_zero() && f.mantissa_bits <= 23 && direct::narrows<binary64_format, f>;
  } else {
    return false;
  }
}();

/// The scale for a quotient that was computed in double precision, off by at most eight units of its last place.
/// Returns false where the exact quotient might round elsewhere, or lies below the normal numbers: near a tie nothing
/// is decided here.
template <block_source Scale>
constexpr bool scale_of_quotient(double quotient, Scale& scale) noexcept {
  constexpr float_format f = source_format<Scale>();
  constexpr std::uint64_t rest_mask = (std::uint64_t{1} << (52 - f.mantissa_bits)) - 1;
  constexpr std::uint64_t half = (rest_mask + 1) / 2;
  const auto bits = std::bit_cast<std::uint64_t>(quotient);
  const int exponent = exponent_of(quotient);
  if ((bits & rest_mask) - (half - 8) <= 16 || exponent < f.min_exponent() || exponent > f.max_exponent())
    return false;
  if (!f.is_signed && (bits >> 63) != 0)
    return false;
  const std::uint64_t code = direct::narrow<binary64_format, f>(bits, saturating_encoding);
  if constexpr (native_floating_point<Scale>)
    scale = std::bit_cast<Scale>(static_cast<typename native_float<Scale>::bits_type>(code));
  else
    scale = Scale::from_bits(static_cast<typename Scale::bits_type>(code));
  return true;
}

/// The values of all codes of a scale type of up to 8 bits.
template <few_bit_number Scale>
inline constexpr std::array<float, 256> scale_values = [] {
  std::array<float, 256> values{};
  for (std::size_t c = 0; c < values.size(); ++c)
    values[c] = pack_native<float>(unpack_code<Scale::format>(c & Scale::format.code_mask()));
  return values;
}();
/// Is every scale of the type a float32?
template <class Scale>
inline constexpr bool has_float_scales = [] {
  if constexpr (native_floating_point<Scale>)
    return source_format<Scale>().bits() <= 32;
  else if constexpr (is_minifloat<Scale>)
    return Scale::format.bits() <= 16 && Scale::format.max_exponent() <= 127 &&
           Scale::format.min_exponent() - Scale::format.mantissa_bits >= -149;
  else
    return Scale::format.bits() <= 16 && (is_fixed_point<Scale> || widens_exactly<Scale>);
}();
template <number Scale>
constexpr double double_of_scale(const Scale& scale) noexcept {
  if constexpr (few_bit_number<Scale>) {
    if constexpr (Scale::format.bits() <= 8)
      return double_of_code<binary32_format>(std::bit_cast<std::uint32_t>(scale_values<Scale>[scale.bits()]));
    else
      return double_of(unpack(scale));
  } else {
    return double_of_code<source_format<Scale>()>(source_code(scale));
  }
}

/// What a scan of a block finds, as codes of the source type.
struct block_facts {
  std::uint32_t amax = 0;           ///< the largest magnitude; past the largest number with Inf or NaN
  std::uint32_t first_largest = 0;  ///< for rule_input::first_largest, sign included
  std::uint32_t above = 0;          ///< for rule_input::range: the largest value and 0
  std::uint32_t below = 0;          ///< the magnitude of the lowest value, or 0
};
/// How kernels encode a block, and decode one.
struct block_plan {
  std::size_t at = 0;      ///< which block, among the scales
  float inverse_low = 0;   ///< of the unit, or a little below it
  float inverse_high = 0;  ///< a little above it
  std::uint32_t sign = 0;  ///< of the unit, where elements are rounded without theirs
  float offset = 0;
  int zero = 0;

  /// With the sign taken out of both where `by_magnitude`.
  constexpr void set_inverses(float low, float high, bool by_magnitude) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(low);
    sign = by_magnitude ? bits & 0x80000000u : 0;
    inverse_low = std::bit_cast<float>(bits ^ sign);
    inverse_high = std::bit_cast<float>(std::bit_cast<std::uint32_t>(high) ^ sign);
  }
  [[nodiscard]] constexpr float signed_low() const noexcept {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(inverse_low) ^ sign);
  }
  [[nodiscard]] constexpr float signed_high() const noexcept {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(inverse_high) ^ sign);
  }
};
/// 1 -+ 2^-21.
inline constexpr float just_below_one = 0x1.fffff0p-1f, just_above_one = 0x1.000008p0f;
struct decode_plan {
  float unit = 0;                 ///< without the tensor scale
  std::uint32_t offset_bits = 0;  ///< not a float: -ffast-math would lose the sign of a zero
  int zero = 0;
  std::size_t shape = 0;
};

/// The encoding of elements in blocks.
using element_encoding = encoding<nearest_even_t, saturate_finite_t>;

/// The lowest exponent that a boundary between codes of an element may have, zero apart: quotients below it are far
/// from every boundary.
inline constexpr int lowest_boundary = -41;
/// Exponents of the units that kernels take: no product of a unit, its inverse, an element or what is left of a unit
/// past 24 digits meets float32's ends, so that flushing subnormals changes nothing.
inline constexpr int lowest_unit = -60, highest_unit = 60;

/// Is a code of a codebook found on a rung_grid?
template <few_bit_number Element>
inline constexpr bool finds_on_grid = [] {
  if constexpr (is_codebook<Element>)
    return rung_grid_of<Element, element_encoding>.usable;
  else
    return false;
}();
/// Larger quotients are not rounded by kernels. Those of minifloats and integers saturate.
template <few_bit_number Element>
inline constexpr float highest_quotient = [] {
  float highest = 0x1p20f;
  if constexpr (finds_on_grid<Element>)
    highest = rung_grid_of<Element, element_encoding>.reach;
  return highest;
}();

template <few_bit_number Element>
inline constexpr bool has_moderate_range = [] {
  constexpr auto f = Element::format;
  if constexpr (is_minifloat<Element>)
    return f.has_zero() && f.min_exponent() - f.mantissa_bits > lowest_boundary && f.max_exponent() <= 40;
  else
    return f.fraction_bits <= 40;
}();

template <class Scale>
inline constexpr bool has_sign = [] {
  if constexpr (block_source<Scale>)
    return source_format<Scale>().is_signed;
  else
    return true;
}();
/// The lowest power of two as a unit under which float32's subnormals are far below every element, and its inverse is
/// no Inf.
template <few_bit_number Element>
inline constexpr int lowest_halvings = [] {
  if constexpr (is_minifloat<Element>)
    return -126 - Element::format.min_exponent() + Element::format.mantissa_bits + 2;
  else
    return -126 + (is_fixed_point<Element> ? static_cast<int>(Element::format.fraction_bits) : 0) + 2;
}();

/// The element type as it stands in a code, and that of a block without a choice of alphabets.
template <class Format, class Source, class How>
inline constexpr bool lanes_quantize = [] {
  using element = typename Format::element_type;
  using rule_type = std::remove_cvref_t<decltype(How::rule)>;
  if constexpr (!lanes_read<Source> || !block_source<Source> || Format::has_super_scale || Format::has_shapes ||
                Format::has_tensor_offset || !has_float_scales<typename Format::scale_type> ||
                !std::is_same_v<std::remove_cvref_t<decltype(How::rounding)>, nearest_even_t> ||
                !std::remove_cvref_t<decltype(How::nonfinite)>::poisons) {
    return false;
  } else {
    constexpr bool own_codes =
        requires(const rule_type& rule, const unpacked_number& x, const block_parameters<Format>& parameters,
                 const typename Format::tensor_scale_type& tensor_scale) {
      rule.template element_code<Format>(x, parameters, tensor_scale);
    }
    || requires(const rule_type& rule, const block_values<Source>& values, const block_parameters<Format>& parameters,
                const typename Format::tensor_scale_type& tensor_scale) {
      rule.template element_coder<Format>(values, parameters, tensor_scale);
    };
    constexpr bool every_block = requires { rule_type::takes_every_block; };
    return !own_codes && !every_block && has_moderate_range<element> &&
           narrowing_of<element, element_encoding>() != narrowing::one_by_one &&
           (!Format::has_zero_point || is_fixed_point<element>)&&(Format::shape.columns == whole ||
                                                                  Format::shape.columns >= 8);
  }
}();

/// Digits of a block's unit.
template <class Format>
inline constexpr int unit_digits = [] {
  int digits = fewbits::detail::significant_digits<typename Format::scale_type>();
  if constexpr (Format::has_super_scale)
    digits += fewbits::detail::significant_digits<decltype(Format::super_type::scale)>();
  return Format::has_tensor_offset ? 24 : digits + (Format::has_tensor_scale ? 24 : 0);
}();

/// Can lanes decode it? Values are unit x (element - zero) + offset with one rounding. Under a tensor scale, scale x
/// element must be exact.
template <class Format>
inline constexpr bool lanes_dequantize = [] {
  using element = typename Format::element_type;
  if constexpr (!widens_exactly<element> || !has_moderate_range<element>)
    return false;
  else if constexpr (Format::shape.columns * static_cast<std::size_t>(Format::element_bits) % 8 != 0)
    return false;  // blocks that begin inside a byte
  else if constexpr (Format::has_tensor_scale)
    return unit_digits<Format> - 24 + fewbits::detail::significant_digits<element>() <= 24 && !Format::has_zero_point &&
           !Format::has_minimum;
  else
    return unit_digits<Format> <= 24;
}();

/// Are scales found, and inverted, for sixteen blocks at once?
template <class Format, class Rule, class Source>
inline constexpr bool lanes_plan = [] {
  using scale_type = typename Format::scale_type;
  if constexpr (Format::has_zero_point || Format::has_minimum || is_packed_width<scale_type>)
    return false;
  else if constexpr (is_power_type<scale_type>)
    return binade_steps_of<Format, Rule>.usable && scale_type::format.bits() <= 8 && !Format::has_tensor_scale &&
           narrowing_of<typename Format::element_type, element_encoding>() != narrowing::ladder;
  else if constexpr (!is_quotient_rule<Format, Rule> || input_of<Rule, Format>() == rule_input::range)
    return false;
  else if constexpr (std::is_same_v<scale_type, float>)
    // One division by a float32 is the quotient rounded once.
    return !Format::has_tensor_scale &&
           static_cast<double>(static_cast<float>(divisor_of<Format, Rule>(1))) == divisor_of<Format, Rule>(1);
  else
    return takes_quotients<scale_type> && lanes_read<scale_type> && lanes_write<scale_type, encoding<>>;
}();
/// Are sixteen scales read at once?
template <class Format>
inline constexpr bool lanes_read_scales = [] {
  using scale_type = typename Format::scale_type;
  if constexpr (Format::has_super_scale || Format::has_tensor_offset || Format::has_minimum || Format::has_zero_point ||
                Format::has_shapes || is_packed_width<scale_type>)
    return false;
  else if constexpr (is_power_type<scale_type>)
    return scale_type::format.bits() == 8 && scale_type::format.bias == 127;
  else
    return lanes_read<scale_type>;
}();

}  // namespace simd
FEWBITS_NAMESPACE_END
