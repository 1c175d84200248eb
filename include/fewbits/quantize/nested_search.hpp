// Better codes for the scales and minimums of super-blocks: from the ranges' codes down the squared error, step by
// step. Not claimed to be the optimum: it is the best within one step of both codes, under super scales that are
// refitted once. exact_mse takes the super scales from here and finds the best codes under them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/nested.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/quantize/block_sample.hpp>

FEWBITS_NAMESPACE_BEGIN

/// For super-blocks with unsigned codes for scales and minimums, such as nested_uint4. Starts where nested_scale ends;
/// moves one block's two codes by 4, 2 and 1 as long as that lowers its error, weighed by an importance if there is
/// one; then stretches the super scales to the largest codes in use, and moves again. Errors are compared exactly, so
/// the result is the same everywhere.
struct nested_search_t {
  using policy_kind = scale_kind;

  template <blocked Format, block_source T>
  requires(Format::has_minimum&& Format::has_super_scale)
      [[nodiscard]] constexpr super_block_parameters<Format> super_parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    static_assert(Format::size <= detail::most_on_the_stack);
    auto found = nested_scale.super_parameters<Format>(values, tensor);
    descend<Format>(values, tensor, found);
    refit<Format>(found);
    descend<Format>(values, tensor, found);
    return found;
  }

 private:
  template <blocked Format, block_source T>
  static constexpr void descend(const block_values<T>& values, const typename Format::tensor_scale_type& tensor,
                                super_block_parameters<Format>& found) noexcept {
    for (std::size_t b = 0; b * Format::size < values.columns(); ++b) {
      const std::size_t first = b * Format::size;
      const std::size_t left = values.columns() - first;
      const detail::block_sample_array<T, Format::size> sample(
          values.columns_from(first, left < Format::size ? left : Format::size));
      descend_block<Format>(sample.values(), sample.weights(), tensor, found.super, found.blocks[b]);
    }
  }

  template <blocked Format, block_source T>
  static constexpr void descend_block(std::span<const T> values, std::span<const float> weights,
                                      const typename Format::tensor_scale_type& tensor,
                                      const typename Format::super_type& super,
                                      block_parameters<Format>& best) noexcept {
    using scale_type = typename Format::scale_type;
    using minimum_type = typename Format::zero_type;
    using decoded_values = std::array<unpacked_number, Format::size>;
    const auto decode_with = [&](const block_parameters<Format>& parameters) noexcept {
      decoded_values decoded{};
      const block_map map = map_of<Format>(parameters, super, tensor);
      for (std::size_t i = 0; i < values.size(); ++i)
        decoded[i] = map.unit.kind == number_class::finite
                         ? element_value<Format>(encode_element<Format>(unpack(values[i]), map), map)
                         : map.offset;
      return decoded;
    };
    decoded_values decoded_best = decode_with(best);
    for (const int step : {4, 2, 1})
      for (bool moved = true; moved;) {
        moved = false;
        for (const int of_scale : {-1, 0, 1})
          for (const int of_minimum : {-1, 0, 1}) {
            const int scale = best.scale.bits() + of_scale * step;
            const int minimum = best.zero.bits() + of_minimum * step;
            if ((of_scale == 0 && of_minimum == 0) || scale < 1 || minimum < 0 ||
                scale > static_cast<int>(scale_type::format.max_code()) ||
                minimum > static_cast<int>(minimum_type::format.max_code()))
              continue;
            const block_parameters<Format> candidate{scale_type::from_bits(static_cast<std::uint8_t>(scale)),
                                                     minimum_type::from_bits(static_cast<std::uint8_t>(minimum))};
            const decoded_values decoded = decode_with(candidate);
            if (compare_block_errors<error_norm::squared>(
                    values, [&](std::size_t i) noexcept { return decoded[i]; },
                    [&](std::size_t i) noexcept { return decoded_best[i]; }, weights) < 0) {
              best = candidate;
              decoded_best = decoded;
              moved = true;
            }
          }
      }
  }

  /// Super scales under which the largest codes in use are the largest there are; the blocks' codes follow.
  template <blocked Format>
  static constexpr void refit(super_block_parameters<Format>& found) noexcept {
    std::uint64_t scale = 0;
    std::uint64_t minimum = 0;
    for (const auto& each : found.blocks) {
      scale = each.scale.bits() > scale ? each.scale.bits() : scale;
      minimum = each.zero.bits() > minimum ? each.zero.bits() : minimum;
    }
    const auto old = found.super;
    found.super.scale = stretched<typename Format::scale_type>(old.scale, scale);
    found.super.minimum = stretched<typename Format::zero_type>(old.minimum, minimum);
    for (auto& each : found.blocks) {
      each.scale = follow(each.scale, old.scale, found.super.scale);
      each.zero = follow(each.zero, old.minimum, found.super.minimum);
    }
  }
  template <few_bit_number Code, block_source Super>
  static constexpr Super stretched(const Super& super, std::uint64_t largest_in_use) noexcept {
    const unpacked_number product = exact::multiply(unpack(super), make_unpacked(false, largest_in_use, 0));
    return product.kind == number_class::finite ? nonzero_number<Super>(exact_quotient(product, largest<Code>)) : super;
  }
  template <few_bit_number Code, block_source Super>
  static constexpr Code follow(const Code& code, const Super& old, const Super& fresh) noexcept {
    if (code.bits() == 0 || unpack(fresh).kind != number_class::finite)
      return code;
    const Code moved = make_number<Code>(exact_quotient(exact::multiply(unpack(code), unpack(old)), unpack(fresh)));
    return moved.bits() == 0 ? Code::from_bits(1) : moved;
  }
};
inline constexpr nested_search_t nested_search{};

FEWBITS_NAMESPACE_END
