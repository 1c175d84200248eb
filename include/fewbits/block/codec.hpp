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
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/element_boundaries.hpp>
#include <fewbits/block/encoding.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

// Values are encoded in pieces of a row: enough for a block of the usual sizes, few enough for the stack.
inline constexpr std::size_t piece_size = 64;

template <blocked Format>
constexpr void store_codes(std::span<const std::uint8_t> from, const packed_codes_out<Format>& row,
                           std::size_t first) noexcept {
  if constexpr (Format::element_bits == 4) {
    if (row.starts_on_byte() && first % 2 == 0 && from.size() % 2 == 0) {
      constexpr int shift = Format::order == bit_order::low_first ? 0 : 4;
      const auto bytes = row.bytes().subspan(first / 2, from.size() / 2);
      for (std::size_t j = 0; j < bytes.size(); ++j)
        bytes[j] = static_cast<std::byte>(from[2 * j] << shift | from[2 * j + 1] << (4 - shift));
      return;
    }
  }
  for (std::size_t i = 0; i < from.size(); ++i)
    row.set(first + i, from[i]);
}

template <blocked Format>
constexpr typename Format::scale_type zero_scale() noexcept {
  return make_number<typename Format::scale_type>({.kind = number_class::zero});
}

/// The scale that decodes to NaN, in the super-block if only that can say it.
template <blocked Format>
constexpr super_block_parameters<Format> poison() noexcept {
  super_block_parameters<Format> parameters{};
  if constexpr (Format::has_super_scale) {
    using super_type = decltype(parameters.super.scale);
    parameters.super.scale = make_number<super_type>({.kind = number_class::nan});
  } else {
    parameters.blocks[0].scale = make_number<typename Format::scale_type>({.kind = number_class::nan});
  }
  return parameters;
}

template <blocked Format, class Rule>
constexpr super_block_parameters<Format> zero_block(const Rule& rule,
                                                    const typename Format::tensor_scale_type& tensor_scale) noexcept {
  super_block_parameters<Format> parameters{};
  for (auto& each : parameters.blocks) {
    if constexpr (requires { rule.template zero_block_scale<Format>(tensor_scale); })
      each.scale = rule.template zero_block_scale<Format>(tensor_scale);
    else
      each.scale = zero_scale<Format>();
  }
  return parameters;
}

template <class Rule>
inline constexpr bool takes_every_block = false;
template <class Rule>
requires requires { Rule::takes_every_block; }
inline constexpr bool takes_every_block<Rule> = Rule::takes_every_block;

FEWBITS_BASELINE_BEGIN

/// The scales of the blocks in a piece as wide as a super-block, or of one block. Sets `failed` where the rule has run
/// out of memory.
template <blocked Format, block_source T, class Encoding>
constexpr super_block_parameters<Format> choose_parameters(const block_values<T>& values,
                                                           const typename Format::tensor_scale_type& tensor_scale,
                                                           const Encoding& how, bool& failed) noexcept {
  using rule_type = std::remove_cvref_t<decltype(how.rule)>;
  constexpr float_format source = source_format<T>();
  static_assert(
      source.is_signed && source.has_zero() && source.nan != nan_codes::negative_zero,
      "blocks are made of signed values with a zero, whose NaN lies above the numbers: convert others to float");

  std::uint64_t amax = 0;
  if constexpr (!takes_every_block<rule_type>) {
    amax = how.nonfinite.poisons ? values.largest_code() : values.largest_finite_code();
    if (amax > source.max_code())
      return poison<Format>();
    if (amax == 0)
      return zero_block<Format>(how.rule, tensor_scale);
  }
  if constexpr (Format::has_super_scale) {
    return how.rule.template super_parameters<Format>(values, tensor_scale);
  } else {
    super_block_parameters<Format> parameters{};
    if constexpr (rule_can_fail<rule_type, Format>) {
      const auto found = how.rule.template parameters<Format>(values, tensor_scale);
      failed = failed || !found;
      if (found)
        parameters.blocks[0] = *found;
    } else if constexpr (values_rule<rule_type, Format>)
      parameters.blocks[0] = how.rule.template parameters<Format>(values, tensor_scale);
    else
      parameters.blocks[0].scale = how.rule.template block_scale<Format>(unpack_code<source>(amax), tensor_scale);
    return parameters;
  }
}

/// Encodes the values of one block under given scales, into codes `first`, `first` + 1, ... of each row of codes.
/// Returns false where the scales can hold nothing, being NaN, Inf or negative by the tensor scale: every code is 0.
template <blocked Format, block_source T, class Encoding, class Rows>
constexpr bool encode_elements(const block_values<T>& values, const block_parameters<Format>& parameters,
                               const typename Format::super_type& super,
                               const typename Format::tensor_scale_type& tensor_scale, const Encoding& how,
                               const Rows& rows_of_codes, std::size_t first) noexcept {
  using element = typename Format::element_type;
  using rule_type = std::remove_cvref_t<decltype(how.rule)>;
  using rounding_type = std::remove_cvref_t<decltype(how.rounding)>;
  constexpr float_format source = source_format<T>();
  constexpr bool codes_one = requires(const rule_type& rule, const unpacked_number& x) {
    rule.template element_code<Format>(x, parameters, tensor_scale);
  };
  constexpr bool codes_block = requires(const rule_type& rule) {
    rule.template element_coder<Format>(values, parameters, tensor_scale);
  };
  constexpr bool own_codes = codes_one || codes_block;
  constexpr bool counts_boundaries = has_few_magnitudes<element>() && !own_codes && !Format::has_minimum &&
                                     std::is_same_v<rounding_type, nearest_even_t>;

  const block_map map = map_of<Format>(parameters, super, tensor_scale);
  bool unusable = map.unit.kind == number_class::nan || map.unit.kind == number_class::infinite ||
                  map.offset.kind == number_class::nan || map.offset.kind == number_class::infinite;
  if constexpr (Format::has_tensor_scale)
    unusable = unusable || unpack(tensor_scale).negative;
  const bool nothing_to_scale = map.unit.kind == number_class::zero && !own_codes;
  const bool exact_ones = !unusable && !nothing_to_scale;

  const auto write = [&](const auto& code_of_value) noexcept {
    std::array<std::uint8_t, piece_size> codes{};
    for (std::size_t r = 0; r < values.rows() && values.columns() != 0; ++r)
      for (std::size_t c = 0; c < values.columns(); c += piece_size) {
        const std::size_t count = (std::min)(piece_size, values.columns() - c);
        for (std::size_t i = 0; i < count; ++i) {
          codes[i] = code_of_value(r, c + i);
          if constexpr (has_negative_zero<element>() && !decltype(how.zero_sign)::keeps)
            codes[i] = codes[i] == element::format.sign_mask() ? std::uint8_t{0} : codes[i];
        }
        store_codes<Format>(std::span<const std::uint8_t>(codes.data(), count), rows_of_codes(r), first + c);
      }
  };

  if (own_codes && !unusable) {
    if constexpr (codes_block) {
      const auto coder = how.rule.template element_coder<Format>(values, parameters, tensor_scale);
      write([&](std::size_t r, std::size_t c) noexcept { return coder(unpack_code<source>(values.code(r, c))); });
    } else if constexpr (codes_one)
      write([&](std::size_t r, std::size_t c) noexcept {
        return how.rule.template element_code<Format>(unpack_code<source>(values.code(r, c)), parameters, tensor_scale);
      });
  } else if (exact_ones) {
    if constexpr (counts_boundaries) {
      const element_boundaries<element, T> boundaries(map.unit);
      write([&](std::size_t r, std::size_t c) noexcept {
        const auto code = values.code(r, c);
        if (!how.nonfinite.poisons && (code & source.magnitude_mask()) > source.max_code())
          return encode_element<Format>(unpack_code<source>(code), map, how.rounding);
        return boundaries.encode(code);
      });
    } else {
      write([&](std::size_t r, std::size_t c) noexcept {
        return encode_element<Format>(unpack_code<source>(values.code(r, c)), map,
                                      how.rounding_at(values.row() + r, values.column() + c));
      });
    }
  } else {
    // The codes of zeros, which keep their sign; a zero point is where they are. Inf and NaN that may pass do.
    write([&](std::size_t r, std::size_t c) noexcept {
      if (!unusable && !how.nonfinite.poisons && (values.code(r, c) & source.magnitude_mask()) > source.max_code()) {
        block_map unscaled = map;
        unscaled.unit = make_unpacked(false, 1, 0);
        return encode_element<Format>(unpack_code<source>(values.code(r, c)), unscaled);
      }
      if constexpr (Format::has_zero_point)
        return unusable ? std::uint8_t{0} : static_cast<std::uint8_t>(map.zero);
      else if constexpr (has_negative_zero<element>())
        return static_cast<std::uint8_t>(
            !unusable && source.is_negative(values.code(r, c)) ? element::format.sign_mask() : 0);
      else
        return unusable ? std::uint8_t{0} : visit_element<Format>(map.shape, []<few_bit_number OfBlock>() noexcept {
          return static_cast<std::uint8_t>(pack_code<OfBlock::format>(unpacked_number{}));
        });
    });
  }
  return !unusable;
}

FEWBITS_BASELINE_END

/// Rows of codes that are one packed span: a block by itself.
template <blocked Format>
struct rows_in_one {
  packed_codes_out<Format> codes;
  std::size_t columns;

  constexpr packed_codes_out<Format> operator()(std::size_t r) const noexcept {
    return codes.subspan(r * columns, columns);
  }
};

}  // namespace detail

FEWBITS_BASELINE_BEGIN

/// Encodes up to Format::size values into `codes`, row after row of a full block, and returns its parameters. Every
/// code is written: those past the values get code 0.
///
/// - Zero block: scale 0, or the smallest scale where the type has no zero (ue8m0: 2^-127), unless the rule says
///   otherwise. -0 keeps its sign, unless the policies drop it.
/// - Inf or NaN among the values: the scale is NaN and every code 0, so the block decodes to NaN; or see
///   pass_nonfinite. A NaN, Inf or negative tensor scale does the same.
/// - A scale outside its type's range is clamped by the rule; elements past the largest then saturate, and elements
///   below half the smallest become zeros that keep their sign.
///
/// Preconditions: values.size() <= Format::size; codes.size() == Format::size; no aliasing. Where a block has several
/// rows and not all its values are given, they count as one row.
template <blocked Format, block_source T, policy... Policies>
requires(Format::shape.is_fixed() && !Format::has_super_scale) constexpr block_parameters<Format> encode_block_into(
    std::span<const T> values, const packed_codes_out<Format>& codes,
    const typename Format::tensor_scale_type& tensor_scale, const Policies&... policies) noexcept {
  const auto how = detail::choose_block_encoding<Format>(policies...);
  static_assert(!rule_can_fail<std::remove_cvref_t<decltype(how.rule)>, Format>,
                "this rule may run out of memory for blocks of this size: use quantize, which reports it");
  static_assert(detail::count_of_kind<importance_kind, Policies...> == 0,
                "an importance belongs to the columns of a matrix: quantise a matrix_view to use one");
  // Past the values stands +0, which is in no scale's way.
  std::array<T, Format::size> all{};
  for (std::size_t i = 0; i < (std::min)(values.size(), Format::size); ++i)
    all[i] = values[i];
  const bool full = values.size() >= Format::size;
  const std::size_t rows = full ? Format::shape.rows : 1;
  const std::size_t columns = full ? Format::shape.columns : values.size();
  const block_values<T> given(all.data(), rows, columns, columns);
  bool failed = false;
  auto parameters = detail::choose_parameters<Format>(given, tensor_scale, how, failed).blocks[0];
  for (std::size_t i = values.size(); i < Format::size; ++i)
    codes.set(i, 0);
  if (!detail::encode_elements<Format>(given, parameters, {}, tensor_scale, how,
                                       detail::rows_in_one<Format>{codes, full ? columns : Format::size}, 0))
    parameters = detail::poison<Format>().blocks[0];
  return parameters;
}

/// One block by itself. Same rules as encode_block_into.
template <blocked Format, block_source T, policy... Policies>
[[nodiscard]] constexpr block<Format> encode_block(
    std::span<const T> values, const typename Format::tensor_scale_type& tensor_scale = Format::unit_tensor_scale(),
    const Policies&... policies) noexcept {
  block<Format> result{};
  const auto parameters = encode_block_into<Format>(values, result.codes.view(), tensor_scale, policies...);
  result.scale = parameters.scale;
  result.zero = parameters.zero;
  return result;
}

/// Decodes codes `first`, `first` + 1, ... of a row, all of one block, rounding each value once to float32.
/// Precondition: first + out.size() <= codes.size().
template <blocked Format>
constexpr void decode_elements(const packed_codes<Format>& codes, std::size_t first, const block_map& map,
                               std::span<float> out) noexcept {
  constexpr std::size_t alphabet_size = std::size_t{1} << Format::element_bits;
  if (alphabet_size <= 16 && out.size() >= alphabet_size / 2) {
    std::array<float, 16> alphabet{};
    for (std::size_t code = 0; code < alphabet_size; ++code)
      alphabet[code] = decode_element<Format>(static_cast<std::uint8_t>(code), map);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = alphabet[codes[first + i] & 15u];
  } else {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = decode_element<Format>(codes[first + i], map);
  }
}

/// The first out.size() values of a block by itself, in row order. Precondition: out.size() <= Format::size.
template <blocked Format>
constexpr void decode_block(
    const block<Format>& from, std::span<float> out,
    const typename Format::tensor_scale_type& tensor_scale = Format::unit_tensor_scale()) noexcept {
  decode_elements<Format>(from.codes.view(), 0, map_of<Format>({from.scale, from.zero}, {}, tensor_scale), out);
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
