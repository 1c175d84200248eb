// The exact optimum as a scale rule: no scale that the format can store, and no zero point, has a smaller squared
// error. Theorem and proof: docs/quantize/exact_scale.md.
#pragma once

#include <cstddef>
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
#include <fewbits/block/scale.hpp>
#include <fewbits/block/two_level.hpp>
#include <fewbits/quantize/block_sample.hpp>
#include <fewbits/quantize/exact_scale.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Least squared error of each block, weighed by an importance if there is one, over every scale of the format's type
/// (both signs where it and the elements have two that differ) and every zero point. Formats with a tensor scale take
/// it from static_two_level: the optimum is that of each block under it. Under a tensor scale that is no positive
/// number every scale is as good, and the smallest is taken. Inf and NaN that pass have no part in the error.
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
  requires(detail::searches_on_the_stack<Format> && !Format::has_minimum)
      [[nodiscard]] constexpr block_parameters<Format> parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    const detail::block_sample_array<T, Format::size> sample(values);
    exact_scale_buffer<Format::size> buffer;
    return find<Format>(sample.values(), sample.weights(), tensor, buffer);
  }

  template <blocked Format, block_source T>
  requires(!detail::searches_on_the_stack<Format> && !Format::has_minimum)
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

 private:
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

  /// The best scale, zero point and shape, shapes being met one after the other; the first of equals wins.
  template <blocked Format, std::size_t Shape = 0, block_source T, class Buffer>
  static constexpr block_parameters<Format> find(std::span<const T> values, std::span<const float> weights,
                                                 const typename Format::tensor_scale_type& tensor,
                                                 Buffer& buffer) noexcept {
    if (unpack(tensor).kind != number_class::finite || unpack(tensor).negative) {
      using scale_type = typename Format::scale_type;
      constexpr auto smallest = source_format<scale_type>().min_positive_code();
      return {.scale = make_number<scale_type>(unpack_code<source_format<scale_type>()>(smallest))};
    }
    const auto found = find_for_shape<Format, Shape>(values, weights, tensor, buffer);
    if constexpr (Shape + 1 < detail::shape_count<Format>) {
      const auto other = find<Format, Shape + 1>(values, weights, tensor, buffer);
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
