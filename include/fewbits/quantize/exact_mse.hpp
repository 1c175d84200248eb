// The exact optimum as a scale rule: no scale that the format can store, with no zero point or minimum, has a smaller
// squared error, but for minimums that a search has not proven. Theorems and proofs: docs/quantize/exact_scale.md.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/nested.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/block/two_level.hpp>
#include <fewbits/quantize/block_sample.hpp>
#include <fewbits/quantize/exact_minimum.hpp>
#include <fewbits/quantize/exact_minimum_grid.hpp>
#include <fewbits/quantize/exact_scale.hpp>
#include <fewbits/quantize/nested_search.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Least squared error of each block, weighed by an importance if there is one, over every scale of the format's type
/// (both signs where it and the elements have two that differ) and every zero point or minimum. Formats with a tensor
/// scale take it from static_two_level: the optimum is that of each block under it. Under a tensor scale that is no
/// positive number every scale is as good, and the smallest is taken. Inf and NaN that pass have no part in the error.
///
/// In super-blocks, the super scales are those of nested_search (nested_scale where there are no minimums), which are
/// a search's. Under them each block's codes for scale and minimum are the best of all pairs, code 0 of the scale
/// excepted; blocks of zeros keep their codes. Ties as in find_exact_pair; without a minimum, the smallest magnitude of
/// the unit, then +, then the lowest code.
///
/// With minimums that are numbers of their own, a pair takes a millisecond or so (exact_scale.md). It may then be
/// unproven: where a block's values are all but equal and are no numbers of the minimum's type, the search may come to
/// one of its limits, and the block has the best pair of those tried. quantize does not tell; find_exact_pair with the
/// same types does, by is_proven.
/// Blocks of a fixed size up to 1024 values are searched without an allocation; for larger ones memory may run out,
/// which quantize reports.
struct exact_mse_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  requires(Format::has_tensor_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    return static_two_level.tensor_scale<Format>(amax);
  }

  template <blocked Format, block_source T>
  requires(detail::searches_on_the_stack<Format> && !Format::has_super_scale)
      [[nodiscard]] constexpr block_parameters<Format> parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    const detail::block_sample_array<T, Format::size> sample(values);
    exact_scale_buffer<Format::size> buffer;
    return find<Format>(sample.values(), sample.weights(), tensor, buffer);
  }

  template <blocked Format, block_source T>
  requires(!detail::searches_on_the_stack<Format> && !Format::has_super_scale)
      [[nodiscard]] std::optional<block_parameters<Format>> parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    const std::unique_ptr<T[]> gathered(new (std::nothrow) T[values.size()]);
    const std::size_t weighed = detail::has_weights(values) ? values.size() : 0;
    const std::unique_ptr<float[]> weights(new (std::nothrow) float[weighed]);
    exact_scale_heap_buffer buffer;
    if (gathered == nullptr || weights == nullptr || !buffer.reserve(values.size()))
      return std::nullopt;
    detail::gather_values(values, std::span<T>(gathered.get(), values.size()),
                          std::span<float>(weights.get(), weighed));
    return find<Format>(std::span<const T>(gathered.get(), values.size()),
                        std::span<const float>(weights.get(), weighed), tensor, buffer);
  }

  template <blocked Format, block_source T>
  requires(Format::has_super_scale && !Format::has_shapes)
      [[nodiscard]] constexpr super_block_parameters<Format> super_parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    static_assert(Format::size <= detail::most_on_the_stack,
                  "exact_mse takes blocks of up to 1024 values in super-blocks");
    auto found = start_of<Format>().template super_parameters<Format>(values, tensor);
    exact_scale_buffer<Format::size> buffer;
    for (std::size_t b = 0; b * Format::size < values.columns(); ++b) {
      const std::size_t first = b * Format::size;
      const std::size_t left = values.columns() - first;
      const auto of_block = values.columns_from(first, left < Format::size ? left : Format::size);
      if (of_block.largest_finite_code() == 0)
        continue;
      const detail::block_sample_array<T, Format::size> sample(of_block);
      if constexpr (Format::has_minimum)
        improve_pair<Format>(sample.values(), sample.weights(), tensor, found.super, buffer, found.blocks[b]);
      else
        improve_scale<Format>(sample.values(), sample.weights(), tensor, found.super, buffer, found.blocks[b]);
    }
    return found;
  }
  /// The tensor's offset, where there is one, is nested_scale's.
  template <blocked Format, block_source T>
  requires(Format::has_tensor_offset)
      [[nodiscard]] constexpr float tensor_scale_of(const block_values<T>& values) const noexcept {
    return nested_scale.tensor_scale_of<Format>(values);
  }

 private:
  template <blocked Format>
  static constexpr auto start_of() noexcept {
    if constexpr (Format::has_minimum)
      return nested_search;
    else
      return nested_scale;
  }
  template <class Number>
  static constexpr Number number_of_code(std::uint64_t code) noexcept {
    if constexpr (native_floating_point<Number>)
      return std::bit_cast<Number>(static_cast<source_bits<Number>>(code));
    else
      return Number::from_bits(static_cast<typename Number::bits_type>(code));
  }

  /// The best codes under a super-block's scales.
  template <blocked Format, block_source T, class Buffer>
  static constexpr void improve_pair(std::span<const T> values, std::span<const float> weights,
                                     const typename Format::tensor_scale_type& tensor,
                                     const typename Format::super_type& super, Buffer& buffer,
                                     block_parameters<Format>& best) noexcept {
    using scale_type = typename Format::scale_type;
    using minimum_type = typename Format::zero_type;
    unpacked_number unit = unpack(super.scale);
    if constexpr (Format::has_tensor_scale)
      unit = exact::multiply(unit, unpack(tensor));
    if (unit.kind != number_class::finite || unit.negative)
      return;
    const auto find = [&](const auto& minimums) noexcept {
      const auto pair = find_exact_pair_choice(values, alphabet_of<typename Format::element_type>(),
                                               coded_scales<scale_type>(unit), minimums, buffer, {.weights = weights});
      best = {number_of_code<scale_type>(pair.scale), number_of_code<minimum_type>(minimums.code(pair.minimum))};
    };
    if constexpr (Format::has_super_minimum) {
      const unpacked_number of_minimums = unpack(super.minimum);
      if ((of_minimums.kind == number_class::finite && !of_minimums.negative) || of_minimums.kind == number_class::zero)
        find(coded_minimums<minimum_type>(of_minimums));
    } else {
      find(number_minimums<minimum_type>());
    }
  }
  /// The best code of those whose unit is not 0.
  template <blocked Format, block_source T, class Buffer>
  static constexpr void improve_scale(std::span<const T> values, std::span<const float> weights,
                                      const typename Format::tensor_scale_type& tensor,
                                      const typename Format::super_type& super, Buffer& buffer,
                                      block_parameters<Format>& best) noexcept {
    using scale_type = typename Format::scale_type;
    static_assert(scale_type::format.bits() <= 8, "exact_mse tries the scales of super-blocks of up to 8 bits");
    struct coded_unit {
      unpacked_number unit;
      std::uint64_t code;
    };
    block_parameters<Format> start = best;
    bool any = false;
    for (const bool negative : {false, true}) {
      std::array<coded_unit, 256> units{};
      std::array<unpacked_number, 256> ascending{};
      std::size_t count = 0;
      for (std::uint64_t code = 0; code <= scale_type::format.code_mask(); ++code) {
        unpacked_number unit = block_unit<Format>(number_of_code<scale_type>(code), super, tensor);
        if (unit.kind != number_class::finite || unit.negative != negative)
          continue;
        unit.negative = false;
        units[count++] = {unit, code};
      }
      if (count == 0)
        continue;
      std::sort(units.begin(), units.begin() + static_cast<std::ptrdiff_t>(count),
                [](const coded_unit& a, const coded_unit& b) noexcept {
                  const auto order = compare_values(a.unit, b.unit);
                  return order != 0 ? order < 0 : a.code < b.code;
                });
      for (std::size_t i = 0; i < count; ++i)
        ascending[i] = units[i].unit;
      const alphabet elements = alphabet_of<typename Format::element_type>();
      const auto choice =
          find_exact_unit(values, negative ? elements.mirrored() : elements,
                          std::span<const unpacked_number>(ascending).first(count), buffer, {.weights = weights});
      block_parameters<Format> other = start;
      other.scale = number_of_code<scale_type>(units[static_cast<std::size_t>(choice.number)].code);
      const auto decoder = [&](const block_parameters<Format>& parameters) noexcept {
        return [&values, map = map_of<Format>(parameters, super, tensor)](std::size_t i) noexcept {
          return element_value<Format>(encode_element<Format>(unpack(values[i]), map), map);
        };
      };
      if (!any || compare_block_errors<error_norm::squared>(values, decoder(other), decoder(best), weights) < 0)
        best = other;
      any = true;
    }
  }

  /// Does a negative scale reach values that a positive one does not? With zero points, turning the elements round
  /// makes zero point z of lowest + highest - z: nothing that is not there, if that one is there.
  template <blocked Format, few_bit_number Element>
  static constexpr bool mirrors() noexcept {
    if constexpr (!source_format<typename Format::scale_type>().is_signed)
      return false;
    else if constexpr (Format::has_zero_point)
      return first_zero_point<Format> + last_zero_point<Format> !=
             static_cast<int>(Element::format.max_code()) - static_cast<int>(Element::format.negative_limit());
    else
      return !is_symmetric(alphabet_of<Element>());
  }
  template <blocked Format>
  static constexpr int first_zero_point = -static_cast<int>(Format::zero_type::format.negative_limit());
  template <blocked Format>
  static constexpr int last_zero_point = static_cast<int>(Format::zero_type::format.max_code());
  static constexpr bool is_symmetric(const alphabet& elements) noexcept {
    for (std::size_t k = 0; k < elements.size(); ++k)
      if (compare_values(elements[k], exact::negate(elements[elements.size() - 1 - k])) != 0)
        return false;
    return true;
  }

  /// The best scale, and zero point, minimum or shape, shapes being met one after the other; the first of equals wins.
  template <blocked Format, block_source T, class Buffer>
  static constexpr block_parameters<Format> find(std::span<const T> values, std::span<const float> weights,
                                                 const typename Format::tensor_scale_type& tensor,
                                                 Buffer& buffer) noexcept {
    if (unpack(tensor).kind != number_class::finite || unpack(tensor).negative) {
      using scale_type = typename Format::scale_type;
      constexpr auto smallest = source_format<scale_type>().min_positive_code();
      return {.scale = make_number<scale_type>(unpack_code<source_format<scale_type>()>(smallest))};
    }
    if constexpr (Format::has_minimum) {
      pair_choices choices{.weights = weights, .tensor_scale = unpack(tensor)};
      choices.negative_scales = source_format<typename Format::scale_type>().is_signed;
      const auto pair = find_exact_pair<typename Format::scale_type, typename Format::zero_type>(
          values, alphabet_of<typename Format::element_type>(), buffer, choices);
      return {.scale = pair.scale, .zero = pair.minimum};
    } else {
      return find_for_shapes<Format, 0>(values, weights, tensor, buffer);
    }
  }
  template <blocked Format, std::size_t Shape, block_source T, class Buffer>
  static constexpr block_parameters<Format> find_for_shapes(std::span<const T> values, std::span<const float> weights,
                                                            const typename Format::tensor_scale_type& tensor,
                                                            Buffer& buffer) noexcept {
    const auto found = find_for_shape<Format, Shape>(values, weights, tensor, buffer);
    if constexpr (Shape + 1 < detail::shape_count<Format>) {
      const auto other = find_for_shapes<Format, Shape + 1>(values, weights, tensor, buffer);
      const auto decoder = [&](const block_map& map) noexcept {
        return [&values, map](std::size_t i) noexcept {
          return element_value<Format>(encode_element<Format>(unpack(values[i]), map), map);
        };
      };
      const auto order = compare_block_errors<error_norm::squared>(values, decoder(map_of<Format>(found, {}, tensor)),
                                                                   decoder(map_of<Format>(other, {}, tensor)), weights);
      return order <= 0 ? found : other;
    } else {
      return found;
    }
  }
  template <blocked Format, std::size_t Shape, block_source T, class Buffer>
  static constexpr block_parameters<Format> find_for_shape(std::span<const T> values, std::span<const float> weights,
                                                           const typename Format::tensor_scale_type& tensor,
                                                           Buffer& buffer) noexcept {
    using element = block_element<Format, Shape>;
    constexpr bool both_signs = mirrors<Format, element>();
    scale_choices choices{.weights = weights, .tensor_scale = unpack(tensor), .negative_scales = both_signs};
    if constexpr (Format::has_zero_point) {
      choices.first_zero_point = first_zero_point<Format>;
      choices.last_zero_point = last_zero_point<Format>;
    }
    const auto best = find_exact_scale<typename Format::scale_type>(values, alphabet_of<element>(), buffer, choices);
    block_parameters<Format> found{.scale = best.scale};
    if constexpr (Format::has_zero_point)
      found.zero = Format::zero_type::from_bits(static_cast<std::uint8_t>(best.zero_point));
    else if constexpr (Format::has_shapes)
      found.zero = Format::zero_type::from_bits(static_cast<std::uint8_t>(Shape));
    return found;
  }
};
inline constexpr exact_mse_t exact_mse{};

FEWBITS_NAMESPACE_END
