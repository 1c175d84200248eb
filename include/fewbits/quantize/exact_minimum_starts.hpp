// Pairs that are tried outside of all boxes: likely ones to begin with, so that bounds have something to beat, and
// those under which one element serves all values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_minimum_block.hpp>
#include <fewbits/quantize/exact_minimum_levels.hpp>
#include <fewbits/quantize/exact_minimum_trials.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// The sums of each value with the element nearest to it.
template <block_source T>
[[nodiscard]] constexpr offset_sums sums_at(const pair_block<T>& block, const element_offsets& levels, double s,
                                            double centre) noexcept {
  offset_sums all{};
  std::size_t k = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    while (k + 1 < levels.size() && block[i].magnitude > centre + s * levels.midpoint(k))
      ++k;
    all.add(block[i], levels.offset(k));
  }
  return all;
}

/// From some clipped ranges, elements and pairs are fitted to each other in turn.
template <class Pairs>
constexpr void meet_likely_pairs(Pairs& pairs) noexcept {
  const auto& block = pairs.block();
  const element_offsets& levels = pairs.levels();
  // One value exact, the smallest scale: all that blocks of equal values want.
  const number_range at_lowest = pairs.minimums_around(0, 0);
  for (std::uint64_t number = at_lowest.first; number <= at_lowest.last && number - at_lowest.first < 4; ++number)
    pairs.meet(pairs.scales().first(), number);
  if (!(block.range() > 0))
    return;
  for (const double share : {1.0, 0.95, 0.9, 0.85, 0.8, 0.7}) {
    double s = share * block.range() / (levels.offset(levels.size() - 1) - levels.offset(0));
    double centre = block.range() / 2;
    for (int step = 0; step < 5; ++step) {
      const offset_sums all = sums_at(block, levels, s, centre);
      const double det = all.bb - all.b * (all.b / all.w);
      if (!(det > all.bb * 0x1p-40))
        break;
      s = (all.bx - all.b * (all.x / all.w)) / det;
      centre = (all.x - s * all.b) / all.w;
      if (!(s > 0))
        break;
      const std::uint64_t below = pairs.last_scale_up_to(s);
      for (std::uint64_t number = below; number <= below + 1 && number <= pairs.scales().last(); ++number)
        pairs.for_each_sign([&]() noexcept {
          const double unit = pairs.unit_of(number);
          const double m = (all.x - unit * all.b) / all.w - unit * levels.middle();
          const number_range around = pairs.minimums_around(m, m);
          for (std::uint64_t each = around.first; each <= around.last && each - around.first < 4; ++each)
            pairs.meet(number, each);
        });
    }
  }
}

/// One element for all values, under every scale up to `last`: no box gets hold of these pairs, which lie along lines.
template <class Pairs>
constexpr void meet_constant_pairs(Pairs& pairs, std::uint64_t last) noexcept {
  const auto& block = pairs.block();
  const element_offsets& levels = pairs.levels();
  for (std::uint64_t scale = pairs.scales().first(); scale <= last; ++scale)
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const double s = pairs.unit_of(scale);
      const double m = block.mean() - s * (levels.middle() + levels.offset(k));
      const double off = pairs.rounding_of_best_minimum(s, m);
      const number_range around = pairs.minimums_around(m - off, m + off);
      double nearest = 0;
      if (around.last - around.first <= 4) {
        nearest = 0x1p400;
        for (std::uint64_t number = around.first; number <= around.last; ++number)
          nearest = (std::min)(nearest, magnitude(pairs.minimum_of(number) - block.origin() - m) - off);
        nearest = (std::max)(nearest, 0.0);
      }
      if (!((block.variance() + block.weight() * nearest * nearest) * (1 - block.rounding()) -
                block.tolerance_of(block.variance()) >
            pairs.best().error_at_most()))
        pairs.meet_best_minimum(scale, block.mean() - s * levels.offset(k), [k](std::size_t) noexcept { return k; });
    }
}

}  // namespace detail

FEWBITS_NAMESPACE_END
