// Where a search for scale and minimum may end: the largest scale worth a look, and blocks whose best pair is known to
// be of no larger scale. Proofs: items 9 and 11 of docs/quantize/exact_scale.md.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_minimum_block.hpp>
#include <fewbits/quantize/exact_minimum_candidates.hpp>
#include <fewbits/quantize/exact_minimum_levels.hpp>
#include <fewbits/quantize/exact_minimum_trials.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Values in two groups whose levels are at least `gap` apart: is every division of the values dearer than `allowed`?
template <block_source T>
[[nodiscard]] constexpr bool is_too_wide(const pair_block<T>& block, double gap, double allowed) noexcept {
  double w = 0;
  double wx = 0;
  for (std::size_t i = 0; i + 1 < block.size(); ++i) {
    w += block[i].weight;
    wx += block[i].weight * block[i].magnitude;
    const double others = block.weight() - w;
    // What the means of the groups differ by; of a group that hardly weighs, all that it can be.
    const bool is_clear = others > block.weight() * 0x1p-20 && w > block.weight() * 0x1p-20;
    const double difference = is_clear ? (block.mean() * block.weight() - wx) / others - wx / w : block.range();
    // within the groups: variance - w others / weight difference^2
    const double both = w * ((std::max)(others, 0.0) / block.weight());
    const double within = block.variance() - both * difference * difference;
    const double apart = gap - difference;
    if (!(apart > 0) || !((within + both * apart * apart) * (1 - 0x1p-30) - block.variance() * 0x1p-40 > allowed))
      return false;
  }
  return true;
}

/// Above this scale at most one element serves all values, or two at a cost that is too high.
template <class Pairs>
[[nodiscard]] constexpr double largest_useful_scale(const Pairs& pairs) noexcept {
  const auto& block = pairs.block();
  const double allowed = pairs.best().error_at_most() * (1 + 0x1p-30) + block.tolerance_of(block.variance());
  double gap = block.range() * (1 + 0x1p-30);
  for (int i = 0; i < 400 && !is_too_wide(block, gap, allowed); ++i)
    gap *= 1.5;
  return gap / pairs.levels().narrowest() * (1 + 0x1p-30);
}

/// The exponent of the lowest digit; of 0 a large one.
constexpr int lowest_digit(const unpacked_number& x) noexcept {
  return x.kind == number_class::finite ? x.exponent - 63 + std::countr_zero(x.significand) : 1 << 20;
}
/// Every decoded value is a multiple of 2 to this: the first two numbers of a grid of numbers, floating point or
/// evenly spaced, give what all are multiples of.
template <class Pairs>
[[nodiscard]] constexpr int lowest_digit_of_decoded_values(const Pairs& pairs) noexcept {
  const auto& scales = pairs.scales();
  const auto& minimums = pairs.minimums();
  const unpacked_number unit = scales.unit(scales.first());
  int of_scales = lowest_digit(unit);
  if (scales.first() < scales.last())
    of_scales = (std::min)(of_scales, lowest_digit(exact::subtract(scales.unit(scales.first() + 1), unit)));
  int of_elements = 1 << 20;
  for (std::size_t k = 0; k < pairs.levels().size(); ++k)
    of_elements = (std::min)(of_elements, lowest_digit(pairs.levels().elements()[k]));
  int of_minimums = 1 << 20;
  const std::uint64_t zero =
      last_up_to(minimums.first(), minimums.last(), 0.0, [&](std::uint64_t n) noexcept { return pairs.minimum_of(n); });
  const std::uint64_t first = zero > minimums.first() + 2 ? zero - 2 : minimums.first();
  for (std::uint64_t number = first; number <= minimums.last() && number - first < 5; ++number) {
    of_minimums = (std::min)(of_minimums, lowest_digit(minimums.value(number)));
    if (number > first)
      of_minimums =
          (std::min)(of_minimums, lowest_digit(exact::subtract(minimums.value(number), minimums.value(number - 1))));
  }
  return (std::min)(of_scales + of_elements, of_minimums);
}

/// Is no pair of a larger scale better than the best one? So where all values are exact; and where the scale is the
/// smallest one and no value lies further from its level than from any multiple of what all decoded values are
/// multiples of.
template <class Pairs>
[[nodiscard]] constexpr bool is_settled(const Pairs& pairs) noexcept {
  if (pairs.best().is_perfect())
    return true;
  const auto& block = pairs.block();
  const element_offsets& levels = pairs.levels();
  const pair_candidate& found = pairs.best().choice();
  const int digit = lowest_digit_of_decoded_values(pairs) - 1 - block.shift();
  if (found.scale != pairs.scales().first() || found.mirrored != levels.elements().is_mirrored() || digit < -900)
    return false;
  const double half = digit > 300 ? 0x1p300 : std::bit_cast<double>(static_cast<std::uint64_t>(digit + 1023) << 52);
  const double s = pairs.unit_of(found.scale);
  const double m = pairs.minimum_of(found.minimum) - block.origin();
  const double centre = m + s * levels.middle();
  const double off = 0x1p-48 * (block.range() + magnitude(m) + s * (magnitude(levels.middle()) + levels.reach()));
  std::size_t k = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const double x = block[i].magnitude;
    while (k + 1 < levels.size() && x > centre + s * levels.midpoint(k))
      ++k;
    if (!(magnitude(x - centre - s * levels.offset(k)) + off < half))
      return false;
  }
  return true;
}

}  // namespace detail

FEWBITS_NAMESPACE_END
