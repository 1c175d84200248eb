// All scales beside one minimum: boxes without width, in which the best scale of certain elements is the vertex of a
// parabola.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_minimum_block.hpp>
#include <fewbits/quantize/exact_minimum_bounds.hpp>
#include <fewbits/quantize/exact_minimum_levels.hpp>
#include <fewbits/quantize/exact_minimum_trials.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// How many visits of a value are left, and whether they have been enough so far.
struct visit_budget {
  std::uint64_t left;
  bool is_proven = true;

  [[nodiscard]] constexpr bool spend(std::uint64_t visits) noexcept {
    is_proven = is_proven && visits <= left;
    if (visits > left)
      return false;
    left -= visits;
    return true;
  }
};

/// Tries the scales that may be the best between two numbers for the elements that `bounds` has just found certain;
/// false where they are too many.
template <class Pairs, class Bounds>
constexpr bool meet_best_scales(Pairs& pairs, const Bounds& bounds, const number_range& between,
                                std::uint64_t minimum) noexcept {
  const auto& block = pairs.block();
  const double m = pairs.minimum_of(minimum) - block.origin();
  double product = 0;
  double square = 0;
  double size = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const block_sample& each = block[i];
    const double b = pairs.levels().offset(bounds.element_of(i)) + pairs.levels().middle();
    product += each.weight * (each.magnitude - m) * b;
    square += each.weight * b * b;
    size += each.weight * magnitude(b);
  }
  if (!(square > 0))
    return false;
  const double off = block.rounding() * 8 * (block.range() + magnitude(m)) * (size / square);
  const auto value_of = [&](std::uint64_t n) noexcept { return pairs.unit_of(n); };
  const std::uint64_t low = last_up_to(between.first, between.last, product / square - off, value_of);
  std::uint64_t high = last_up_to(between.first, between.last, product / square + off, value_of);
  high = high < between.last ? high + 1 : high;
  if (high - low > 8)
    return false;
  for (std::uint64_t number = low; number <= high; ++number)
    pairs.meet(number, minimum);
  return true;
}

/// Meets every pair of this minimum and a scale of `scales` that may be better than the best one. With `settled` no
/// larger scale than the best one's is.
template <class Pairs, class Bounds>
constexpr void search_scales(Pairs& pairs, Bounds& bounds, visit_budget& budget, bool settled,
                             const number_range& scales, std::uint64_t minimum) noexcept {
  const auto& block = pairs.block();
  const double m = pairs.minimum_of(minimum) - block.origin();
  std::array<number_range, 72> ranges;
  std::size_t depth = 0;
  ranges[depth++] = scales;
  while (depth != 0) {
    number_range next = ranges[--depth];
    if (settled || pairs.best().is_perfect()) {
      const std::uint64_t limit = pairs.best().choice().scale;
      if (next.first > limit)
        continue;
      next.last = (std::min)(next.last, limit);
    }
    if (next.first == next.last) {
      pairs.meet(next.first, minimum);
      continue;
    }
    if (!budget.spend(block.size()))
      return;
    const double allowed = pairs.best().error_at_most();
    const box_bound found =
        bounds.find(block, pairs.levels(), {pairs.unit_of(next.first), pairs.unit_of(next.last), m, m},
                    pairs.levels().middle(), allowed);
    if (found.error > allowed || found.is_constant)
      continue;  // constant ones are tried by themselves
    if (found.is_certain && meet_best_scales(pairs, bounds, next, minimum))
      continue;
    const std::uint64_t number = next.first + (next.last - next.first) / 2;
    ranges[depth++] = {number + 1, next.last};
    ranges[depth++] = {next.first, number};
  }
}

}  // namespace detail

FEWBITS_NAMESPACE_END
