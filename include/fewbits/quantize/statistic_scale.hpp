// A statistic of the block's own values in the place of its largest magnitude: percentile, MSE grid, entropy. For
// blocks of many values: a row, a tensor. What lies beyond saturates. The statistics: docs/quantize/calibrate.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/quantize/block_sample.hpp>
#include <fewbits/quantize/calibrate_entropy.hpp>
#include <fewbits/quantize/calibrate_mse.hpp>
#include <fewbits/quantize/calibrate_percentile.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// The rule that turns a range into a scale: the format's own if it looks at a largest magnitude alone.
template <blocked Format>
using range_rule =
    std::conditional_t<amax_rule<typename Format::default_rule, Format>, typename Format::default_rule, amax_scale_t>;

/// A range of magnitudes says nothing about a zero point, a minimum or a shape.
template <blocked Format>
inline constexpr bool has_scale_alone = !Format::has_zero_point && !Format::has_minimum && !Format::has_shapes;

/// Of a statistic `amax_of<Element>(values, out)`, which returns false where memory is exhausted, if it can be.
template <class Statistic, bool NeverFails>
class statistic_rule {
 public:
  using policy_kind = scale_kind;

  template <blocked Format>
  requires(Format::has_tensor_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    return range_rule<Format>{}.template tensor_scale<Format>(amax);
  }

  template <blocked Format, block_source T>
  requires(has_scale_alone<Format>&& searches_on_the_stack<Format>&& NeverFails)
      [[nodiscard]] constexpr block_parameters<Format> parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    std::array<T, Format::size> all{};
    gather(values, std::span<T>(all));
    return *find<Format>(std::span<const T>(all.data(), values.size()), values, tensor);
  }
  template <blocked Format, block_source T>
  requires(has_scale_alone<Format> && !(searches_on_the_stack<Format> && NeverFails))
      [[nodiscard]] std::optional<block_parameters<Format>> parameters(
          const block_values<T>& values, const typename Format::tensor_scale_type& tensor) const noexcept {
    const std::unique_ptr<T[]> gathered(new (std::nothrow) T[values.size()]);
    if (gathered == nullptr)
      return std::nullopt;
    const std::span<T> all(gathered.get(), values.size());
    gather(values, all);
    return find<Format>(std::span<const T>(all), values, tensor);
  }

 private:
  /// Inf and NaN among them: statistics pass over them.
  template <block_source T>
  static constexpr void gather(const block_values<T>& values, std::span<T> all) noexcept {
    for (std::size_t i = 0, r = 0; r < values.rows(); ++r)
      for (std::size_t c = 0; c < values.columns(); ++c, ++i)
        all[i] = values(r, c);
  }
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr std::optional<block_parameters<Format>> find(
      std::span<const T> sample, const block_values<T>& values,
      const typename Format::tensor_scale_type& tensor) const noexcept {
    float range = 0;
    if (!static_cast<const Statistic&>(*this).template amax_of<typename Format::element_type>(sample, range))
      return std::nullopt;
    unpacked_number amax = unpack(range);
    if (amax.kind != number_class::finite)  // no value, or none but 0, below the percentile
      amax = unpack_code<source_format<T>()>(values.largest_finite_code());
    return block_parameters<Format>{.scale = range_rule<Format>{}.template block_scale<Format>(amax, tensor)};
  }
};

}  // namespace detail

/// The magnitude that so many of the block's values do not pass, in parts per million.
struct percentile_scale : detail::statistic_rule<percentile_scale, true> {
  std::uint32_t parts_per_million;

  constexpr explicit percentile_scale(std::uint32_t parts = default_parts_per_million) noexcept
      : parts_per_million(parts) {}
  template <few_bit_number Element, block_source T>
  constexpr bool amax_of(std::span<const T> values, float& out) const noexcept {
    out = percentile_amax(values, parts_per_million);
    return true;
  }
};

/// The range of a grid with the smallest sum of error^norm.
struct mse_grid_scale : detail::statistic_rule<mse_grid_scale, true> {
  mse_grid grid;

  constexpr explicit mse_grid_scale(const mse_grid& grid_of_ranges = {}) noexcept : grid(grid_of_ranges) {}
  template <few_bit_number Element, block_source T>
  constexpr bool amax_of(std::span<const T> values, float& out) const noexcept {
    out = mse_amax<Element>(values, grid);
    return true;
  }
};

/// The range with the smallest KL divergence from the values' histogram, which takes memory from the heap.
struct entropy_scale : detail::statistic_rule<entropy_scale, false> {
  template <few_bit_number Element, block_source T>
  bool amax_of(std::span<const T> values, float& out) const noexcept {
    const std::unique_ptr<entropy_calibrator<Element>> spread(new (std::nothrow) entropy_calibrator<Element>());
    if (spread == nullptr)
      return false;
    spread->add(values);
    out = spread->amax();
    return true;
  }
};

FEWBITS_NAMESPACE_END
