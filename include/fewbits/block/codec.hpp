// Encoding and decoding one block: the constexpr reference that every fast path must equal bit for bit.
// An element's code is the correctly rounded exact quotient value / (tensor scale x scale); no quotient is ever stored.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

/// tensor scale x scale, exact: the value of one unit of the block's elements.
template <blocked Format>
constexpr unpacked_number block_unit(const typename Format::scale_type& scale,
                                     const typename Format::tensor_scale_type& tensor_scale) noexcept {
  constexpr int scale_digits = source_format<typename Format::scale_type>().mantissa_bits + 1;
  static_assert(scale_digits + (Format::has_tensor_scale ? 24 : 0) <= 32,
                "scale x tensor scale must be exact in 32 bits: choose a scale type of at most 8 significant bits, or "
                "drop the tensor scale");
  if constexpr (Format::has_tensor_scale)
    return exact::multiply(unpack(scale), unpack(tensor_scale));
  else
    return unpack(scale);
}

/// The code of value / unit, rounded once to nearest even; past the largest element it saturates.
/// Precondition: `unit` is finite and above 0.
template <few_bit_number Element>
constexpr std::uint8_t encode_element(const unpacked_number& value_to_encode, const unpacked_number& unit) noexcept {
  return static_cast<std::uint8_t>(pack_code<Element::format>(exact_quotient(value_to_encode, unit)));
}

template <few_bit_number Element>
constexpr bool has_negative_zero() noexcept {
  if constexpr (is_minifloat<Element>)
    return Element::format.has_negative_zero();
  else
    return false;
}

/// For a few magnitudes counting boundaries is faster than dividing.
template <few_bit_number Element>
constexpr bool has_few_magnitudes() noexcept {
  if constexpr (has_negative_zero<Element>())
    return Element::format.max_code() < 16;
  else
    return false;
}

/// Where an element's code changes, as codes of the source type: a division-free encode_element. The boundary between
/// the magnitudes c and c + 1 is unit x midpoint, exact in 64 bits; what is kept is the smallest source code that goes
/// to c + 1. Comparing it with a value's code decides exactly, ties included.
template <few_bit_number Element, block_source T>
class element_boundaries {
  static_assert(is_minifloat<Element>, "boundaries are for floating-point elements");
  static constexpr float_format element = Element::format;
  static constexpr float_format source = source_format<T>();

 public:
  static constexpr std::size_t count = static_cast<std::size_t>(element.max_code());

  /// Precondition: the unit is finite and above 0.
  constexpr explicit element_boundaries(const unpacked_number& unit_of_block) noexcept {
    for (std::size_t c = 0; c < count; ++c) {
      const unpacked_number boundary = exact::multiply(unit_of_block, midpoints[c]);
      // A tie goes to the even code: up to c + 1 where c is odd. The source's codes are taken to go on past its
      // largest, so a boundary out there is above every value.
      const std::uint64_t first = (c & 1) != 0 ? round_to_unbounded_code<source>(boundary, upward)
                                               : round_to_unbounded_code<source>(boundary, toward_zero) + 1;
      first_[c] = static_cast<source_bits<T>>(first);
    }
  }

  /// The element code for a finite source code. The sign stays, that of zero too.
  [[nodiscard]] constexpr std::uint8_t encode(source_bits<T> code) const noexcept {
    const auto magnitude = static_cast<source_bits<T>>(code & source.magnitude_mask());
    source_bits<T> passed = 0;
    for (std::size_t c = 0; c < count; ++c)
      passed = static_cast<source_bits<T>>(passed + (magnitude >= first_[c] ? 1 : 0));
    return static_cast<std::uint8_t>(passed | (source.is_negative(code) ? element.sign_mask() : 0));
  }

 private:
  // (value of c + value of c + 1) / 2
  static constexpr std::array<unpacked_number, count> find_midpoints() noexcept {
    std::array<unpacked_number, count> between{};
    for (std::size_t c = 0; c < count; ++c) {
      between[c] = exact::add(unpack_code<element>(c), unpack_code<element>(c + 1));
      between[c].exponent -= 1;
    }
    return between;
  }
  static constexpr std::array<unpacked_number, count> midpoints = find_midpoints();

  std::array<source_bits<T>, count> first_{};
};

namespace detail {

template <blocked Format>
constexpr void store_codes(const std::array<std::uint8_t, Format::size>& from,
                           const packed_codes_out<Format>& codes) noexcept {
  if constexpr (Format::element_bits == 4) {
    constexpr int first = Format::order == bit_order::low_first ? 0 : 4;
    const auto bytes = codes.bytes();
    for (std::size_t j = 0; j < Format::size / 2; ++j)
      bytes[j] = static_cast<std::byte>(from[2 * j] << first | from[2 * j + 1] << (4 - first));
  } else {
    for (std::size_t i = 0; i < Format::size; ++i)
      codes.set(i, from[i]);
  }
}

}  // namespace detail

/// Encodes up to Format::size values into `codes` and returns the block's scale. Every code is written: those past the
/// values get code 0.
///
/// - Zero block: scale 0, or the smallest scale where the type has no zero (ue8m0: 2^-127). -0 keeps its sign.
/// - Inf or NaN among the values: the scale is NaN and every code 0, so the block decodes to NaN. A block of elements
///   without Inf has no other way to say so. A NaN, Inf or negative tensor scale does the same.
/// - A scale outside its type's range is clamped by the rule; elements past the largest then saturate, and elements
///   below half the smallest become zeros that keep their sign.
///
/// Preconditions: values.size() <= Format::size; codes.size() == Format::size; no aliasing.
template <blocked Format, block_source T, class Rule = typename Format::default_rule>
constexpr typename Format::scale_type encode_block_into(std::span<const T> values,
                                                        const packed_codes_out<Format>& codes,
                                                        const typename Format::tensor_scale_type& tensor_scale,
                                                        const Rule& rule = {}) noexcept {
  static_assert(scale_rule<Rule, Format>, "this scale rule does not fit the format: see scale_rule in block/scale.hpp");
  using element = typename Format::element_type;
  using scale_type = typename Format::scale_type;
  constexpr float_format source = source_format<T>();
  static_assert(
      source.is_signed && source.has_zero() && source.nan != nan_codes::negative_zero,
      "blocks are made of signed values with a zero, whose NaN lies above the numbers: convert others to float");

  // Past the values stands +0, whose code is 0: every loop below runs over a whole block.
  std::array<source_bits<T>, Format::size> sources{};
  for (std::size_t i = 0; i < (std::min)(values.size(), Format::size); ++i)
    sources[i] = source_code(values[i]);
  std::uint64_t amax = 0;
  for (const auto code : sources)
    amax = (std::max<std::uint64_t>)(amax, code & source.magnitude_mask());

  scale_type scale = make_number<scale_type>({.kind = number_class::zero});
  unpacked_number unit{};
  bool poisoned = amax > source.max_code();
  if (!poisoned && amax != 0) {
    scale = rule.template block_scale<Format>(unpack_code<source>(amax), tensor_scale);
    unit = block_unit<Format>(scale, tensor_scale);
    poisoned = unit.kind == number_class::nan || unit.kind == number_class::infinite || unit.negative;
  }
  std::array<std::uint8_t, Format::size> element_codes{};
  if (poisoned) {
    scale = make_number<scale_type>({.kind = number_class::nan});
  } else if (unit.kind == number_class::zero) {
    if constexpr (has_negative_zero<element>())
      for (std::size_t i = 0; i < Format::size; ++i)
        element_codes[i] = static_cast<std::uint8_t>(source.is_negative(sources[i]) ? element::format.sign_mask() : 0);
  } else if constexpr (has_few_magnitudes<element>()) {
    const element_boundaries<element, T> boundaries(unit);
    for (std::size_t i = 0; i < Format::size; ++i)
      element_codes[i] = boundaries.encode(sources[i]);
  } else {
    for (std::size_t i = 0; i < Format::size; ++i)
      element_codes[i] = encode_element<element>(unpack_code<source>(sources[i]), unit);
  }
  detail::store_codes<Format>(element_codes, codes);
  return scale;
}

/// One block by itself. Same rules as encode_block_into.
template <blocked Format, block_source T, class Rule = typename Format::default_rule>
[[nodiscard]] constexpr block<Format> encode_block(
    std::span<const T> values, const typename Format::tensor_scale_type& tensor_scale = Format::unit_tensor_scale(),
    const Rule& rule = {}) noexcept {
  block<Format> result{};
  result.scale = encode_block_into<Format>(values, result.codes.view(), tensor_scale, rule);
  return result;
}

/// element x scale x tensor scale, rounded once to float32. A NaN scale gives NaN; past float32's range the value is
/// Inf; a zero keeps its sign.
template <blocked Format>
[[nodiscard]] constexpr float decode_element(std::uint8_t code, const unpacked_number& unit) noexcept {
  return pack_native<float>(exact::multiply(unpack_code<Format::element_type::format>(code), unit));
}

/// Decodes the first out.size() elements of a block. Precondition: out.size() <= codes.size().
template <blocked Format>
constexpr void decode_block_into(const packed_codes<Format>& codes, const typename Format::scale_type& scale,
                                 const typename Format::tensor_scale_type& tensor_scale,
                                 std::span<float> out) noexcept {
  const unpacked_number unit = block_unit<Format>(scale, tensor_scale);
  if constexpr (Format::element_bits <= 4) {
    std::array<float, (1u << Format::element_bits)> alphabet{};
    for (std::size_t code = 0; code < alphabet.size(); ++code)
      alphabet[code] = decode_element<Format>(static_cast<std::uint8_t>(code), unit);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = alphabet[codes[i]];
  } else {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = decode_element<Format>(codes[i], unit);
  }
}

/// One block by itself.
template <blocked Format>
constexpr void decode_block(
    const block<Format>& from, std::span<float> out,
    const typename Format::tensor_scale_type& tensor_scale = Format::unit_tensor_scale()) noexcept {
  decode_block_into<Format>(from.codes.view(), from.scale, tensor_scale, out);
}

FEWBITS_NAMESPACE_END
