// Branch and bound over scale and minimum: boxes of pairs are ruled out by a bound that floating point cannot get
// wrong, and what is left is tried. Theorem, bounds and cost: docs/quantize/exact_scale.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_minimum_block.hpp>
#include <fewbits/quantize/exact_minimum_bounds.hpp>
#include <fewbits/quantize/exact_minimum_candidates.hpp>
#include <fewbits/quantize/exact_minimum_grid.hpp>
#include <fewbits/quantize/exact_minimum_levels.hpp>
#include <fewbits/quantize/exact_minimum_limits.hpp>
#include <fewbits/quantize/exact_minimum_line.hpp>
#include <fewbits/quantize/exact_minimum_starts.hpp>
#include <fewbits/quantize/exact_minimum_trials.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

template <block_source T, scale_grid Scales, minimum_grid Minimums>
class pair_search {
 public:
  constexpr pair_search(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                        const alphabet& elements_of_type, const Scales& scales, const Minimums& minimums,
                        const search_memory& memory_to_use, std::uint64_t most_visits,
                        std::uint64_t most_tried_by_pair) noexcept
      : pairs_(values_to_encode, weights_or_none, memory_to_use.samples, elements_of_type, scales, minimums),
        bounds_(memory_to_use.breakpoints),
        budget_{most_visits},
        most_tried_by_pair_(most_tried_by_pair),
        lowest_minimum_(pairs_.minimum_of(minimums.first()) - pairs_.block().origin()),
        highest_minimum_(pairs_.minimum_of(minimums.last()) - pairs_.block().origin()) {}

  /// Is there no value, or none that weighs?
  [[nodiscard]] constexpr bool is_empty() const noexcept { return block().size() == 0; }
  /// Have all pairs been ruled out or tried?
  [[nodiscard]] constexpr bool is_proven() const noexcept { return budget_.is_proven; }
  [[nodiscard]] constexpr const pair_candidate& best() const noexcept { return pairs_.best().choice(); }

  /// Tries this pair. It is the one to beat from now on.
  constexpr void meet_pair(const alphabet& elements_of_block, std::uint64_t scale, std::uint64_t minimum) noexcept {
    pairs_.use(elements_of_block);
    pairs_.meet(scale, minimum);
  }
  /// Meets every pair with this alphabet that may be better than all met before; with `both_signs` those of negative
  /// scales too.
  constexpr void meet(const alphabet& elements_of_block, bool both_signs = false) noexcept {
    pairs_.use(elements_of_block);
    // Turned round, evenly spaced elements stand where they stood: one search serves both signs.
    const bool turns = both_signs && levels().is_symmetric();
    pairs_.serve_both_signs(turns);
    meet_likely_pairs(pairs_);
    settled_ = is_settled(pairs_);
    if (has_few_pairs()) {
      pairs_.meet_all();
    } else {
      search_boxes();
      if (!(block().variance() - block().tolerance_of(block().variance()) > pairs_.best().error_at_most()))
        pairs_.for_each_sign([this]() noexcept { search_constant_pairs(); });
    }
    pairs_.serve_both_signs(false);
    if (both_signs && !turns)
      meet(elements_of_block.mirrored());
  }

 private:
  /// Scales by their numbers, centres as real numbers.
  struct box {
    std::uint64_t first;
    std::uint64_t last;
    double low;
    double high;
    /// Of evenly spaced elements: one period of centres stands for all, see element_offsets::is_even.
    bool stands_for_all;
  };
  /// What centres and scales are worth a look.
  struct search_limits {
    double beyond;  ///< no level may be so far from the values
    std::uint64_t last_ordinary;
    std::uint64_t last;
  };

  [[nodiscard]] constexpr const pair_block<T>& block() const noexcept { return pairs_.block(); }
  [[nodiscard]] constexpr const element_offsets& levels() const noexcept { return pairs_.levels(); }
  [[nodiscard]] constexpr double unit_of(std::uint64_t number) const noexcept { return pairs_.unit_of(number); }

  /// So codes under the scales of a super-block.
  [[nodiscard]] constexpr bool has_few_pairs() const noexcept {
    const std::uint64_t minimums = pairs_.minimums().last() - pairs_.minimums().first() + 1;
    return pairs_.scales().last() - pairs_.scales().first() < most_tried_by_pair_ / minimums;
  }

  [[nodiscard]] constexpr search_limits limits() const noexcept {
    const double range = block().range();
    search_limits found{range * 0x1p-10, 0, pairs_.last_scale_up_to(largest_useful_scale(pairs_))};
    while (!(found.beyond * found.beyond * block().weight() * (1 - 0x1p-30) > pairs_.best().error_at_most()))
      found.beyond *= 2;
    found.last_ordinary = found.last;
    if (levels().is_even() && found.beyond <= range) {
      // All values within half a step of some element, the centre being half a step from theirs at most.
      const double roomy = range / (levels().narrowest() * static_cast<double>(levels().size() - 2)) * (1 + 0x1p-20);
      found.last_ordinary = (std::min)(found.last, pairs_.last_scale_up_to(roomy));
    }
    return found;
  }
  [[nodiscard]] constexpr double lowest_centre(double beyond, std::uint64_t scale) const noexcept {
    return -beyond - unit_of(scale) * levels().reach();
  }
  [[nodiscard]] constexpr double highest_centre(double beyond, std::uint64_t scale) const noexcept {
    return block().range() + beyond + unit_of(scale) * levels().reach();
  }

  constexpr void search_boxes() noexcept {
    if (!(block().range() > 0))
      return;  // equal values: one element serves them all
    const search_limits to = limits();
    depth_ = 0;
    if (to.last_ordinary < to.last)
      push(
          {to.last_ordinary + 1, to.last, lowest_centre(to.beyond, to.last), highest_centre(to.beyond, to.last), true});
    push({pairs_.scales().first(), to.last_ordinary, lowest_centre(to.beyond, to.last_ordinary),
          highest_centre(to.beyond, to.last_ordinary), false});
    while (depth_ != 0) {
      box next = boxes_[--depth_];
      if (!narrow(next))
        continue;
      if (depth_ + 2 > boxes_.size())
        budget_.is_proven = false;
      if (depth_ + 2 > boxes_.size() || !budget_.spend(block().size()))
        return;
      const double allowed = pairs_.best().error_at_most();
      const box_bound found =
          bounds_.find(block(), levels(), {unit_of(next.first), unit_of(next.last), next.low, next.high}, 0.0, allowed);
      if (found.error > allowed || found.is_constant)
        continue;  // constant ones are tried by themselves
      if (next.stands_for_all &&
          (found.is_certain || next.high - next.low < unit_of(next.first) * levels().narrowest() / 8)) {
        if (!push_every_step(next, to.beyond)) {
          budget_.is_proven = false;
          return;
        }
        continue;
      }
      if (found.is_certain && next.last - next.first <= 1) {
        for (std::uint64_t number = next.first; number <= next.last; ++number)
          pairs_.for_each_sign([this, number]() noexcept { meet_certain(number); });
        continue;
      }
      if (!meet_few_pairs(next))
        divide(next, found);
    }
  }
  constexpr void push(const box& more) noexcept { boxes_[depth_++] = more; }

  /// Leaves out what is known not to be worth a look; false where that is all of the box.
  constexpr bool narrow(box& next) const noexcept {
    if (settled_ || pairs_.best().is_perfect()) {  // what is as good has a smaller scale, or the same
      const std::uint64_t limit = pairs_.best().choice().scale;
      if (next.first > limit)
        return false;
      next.last = (std::min)(next.last, limit);
    }
    if (next.stands_for_all) {
      const double half = unit_of(next.last) * levels().narrowest() * 0.5 * (1 + 0x1p-20);
      next.low = (std::max)(next.low, block().range() / 2 - half);
      next.high = (std::min)(next.high, block().range() / 2 + half);
    } else {
      // Centres that some minimum reaches.
      const double away1 = unit_of(next.first) * levels().middle();
      const double away2 = unit_of(next.last) * levels().middle();
      double down = (std::min)(away1, away2);
      double up = (std::max)(away1, away2);
      if (pairs_.serves_both_signs()) {
        up = magnitude(away2);
        down = -up;
      }
      const double off = 0x1p-48 * (block().range() + magnitude(block().origin()) + magnitude(away2));
      next.low = (std::max)(next.low, lowest_minimum_ + down - off - 0x1p-48 * magnitude(lowest_minimum_));
      next.high = (std::min)(next.high, highest_minimum_ + up + off + 0x1p-48 * magnitude(highest_minimum_));
    }
    return next.low <= next.high;
  }

  /// In place of a box that stands for all, one for each step that leaves levels near the values; false where there is
  /// no room for them.
  constexpr bool push_every_step(const box& of, double beyond) noexcept {
    const double step1 = unit_of(of.first) * levels().narrowest();
    const double step2 = unit_of(of.last) * levels().narrowest();
    const double all_steps = step2 * static_cast<double>(levels().size());
    const double off = 0x1p-48 * (block().range() + all_steps);
    const double most = (block().range() + beyond + all_steps) / step1 + 2;
    if (!(most < static_cast<double>(boxes_.size() - depth_) / 2 - 2))
      return false;
    const int steps_at_most = static_cast<int>(most);
    for (int j = -steps_at_most; j <= steps_at_most; ++j) {
      const double steps = j;
      const box moved{of.first, of.last, of.low + steps * (steps < 0 ? step2 : step1) - off,
                      of.high + steps * (steps < 0 ? step1 : step2) + off, false};
      if (moved.high >= lowest_centre(beyond, of.last) && moved.low <= highest_centre(beyond, of.last))
        push(moved);
    }
    return true;
  }

  /// Two halves, along what moves levels more; the more likely one is on top.
  constexpr void divide(const box& of, const box_bound& found) noexcept {
    const double width = of.high - of.low;
    const double centre = of.low + width / 2;
    const bool has_room = centre > of.low && centre < of.high;  // else no double lies between
    if (of.first < of.last && ((unit_of(of.last) - unit_of(of.first)) * levels().reach() >= width || !has_room)) {
      const std::uint64_t number = of.first + (of.last - of.first) / 2;
      push_both({of.first, number, of.low, of.high, of.stands_for_all},
                {number + 1, of.last, of.low, of.high, of.stands_for_all}, found.scale <= unit_of(number));
    } else {
      push_both({of.first, of.last, of.low, centre, of.stands_for_all},
                {of.first, of.last, centre, of.high, of.stands_for_all}, found.centre <= centre);
    }
  }
  constexpr void push_both(const box& lower, const box& upper, bool lower_first) noexcept {
    push(lower_first ? upper : lower);
    push(lower_first ? lower : upper);
  }

  /// Tries all pairs of a box in which there are few minimums; false where there are more.
  constexpr bool meet_few_pairs(const box& of) noexcept {
    if (of.stands_for_all)
      return false;
    const double s1 = unit_of(of.first);
    const double s2 = unit_of(of.last);
    const double width = of.high - of.low;
    if ((s2 - s1) * levels().reach() + width < s1 * levels().narrowest() && meet_few_minimums(of))
      return true;
    if (of.first != of.last)
      return false;
    const bool is_point = !(width > 0x1p-48 * (block().range() + magnitude(of.low) + s1 * levels().reach()));
    bool is_done = true;
    pairs_.for_each_sign([&]() noexcept {
      const number_range around =
          pairs_.minimums_around(of.low - s1 * levels().middle(), of.high - s1 * levels().middle());
      if (around.last - around.first > 3 && !is_point) {
        is_done = false;
        return;
      }
      if (around.last - around.first > most_at_a_point)
        budget_.is_proven = false;
      const std::uint64_t last_here = (std::min)(around.last, around.first + most_at_a_point);
      for (std::uint64_t number = around.first; number <= last_here; ++number)
        pairs_.meet(of.first, number);
    });
    return is_done;
  }
  /// Where minimums are so far apart that few lie in a box, each is taken by itself; false where there are more.
  constexpr bool meet_few_minimums(const box& of) noexcept {
    const double s1 = unit_of(of.first);
    const double s2 = unit_of(of.last);
    const auto minimums_in = [&]() noexcept {
      const double middle = levels().middle();
      return pairs_.minimums_around(of.low - (middle < 0 ? s1 : s2) * middle,
                                    of.high - (middle < 0 ? s2 : s1) * middle);
    };
    bool are_few = true;
    pairs_.for_each_sign([&]() noexcept {
      const number_range around = minimums_in();
      are_few = are_few && around.last - around.first <= 3;
    });
    if (are_few)
      pairs_.for_each_sign([&]() noexcept {
        const number_range around = minimums_in();
        for (std::uint64_t number = around.first; number <= around.last; ++number)
          search_scales(pairs_, bounds_, budget_, settled_, {of.first, of.last}, number);
      });
    return are_few;
  }

  /// The elements that have just been found to be certain, under one of the box's scales.
  constexpr void meet_certain(std::uint64_t scale) noexcept {
    offset_sums all{};
    for (std::size_t i = 0; i < block().size(); ++i)
      all.add(block()[i], levels().offset(bounds_.element_of(i)));
    pairs_.meet_best_minimum(scale, (all.x - unit_of(scale) * all.b) / all.w, [this](std::size_t i) noexcept {
      return bounds_.element_at(scaled_double(block().value_at(i), -block().shift()) - block().origin(),
                                levels().size());
    });
  }

  constexpr void search_constant_pairs() noexcept {
    const bool is_limited = settled_ || pairs_.best().is_perfect();
    const std::uint64_t last = is_limited ? best().scale : pairs_.scales().last();
    if (last - pairs_.scales().first() > most_constant_scales)
      budget_.is_proven = false;
    else
      meet_constant_pairs(pairs_, last);
  }

  static constexpr std::uint64_t most_constant_scales = 65536;
  static constexpr std::uint64_t most_at_a_point = 4096;

  pair_trials<T, Scales, Minimums> pairs_;
  box_bounds<T> bounds_;
  visit_budget budget_;
  std::uint64_t most_tried_by_pair_;
  double lowest_minimum_;  // taken from the lowest value, as centres are
  double highest_minimum_;
  bool settled_ = false;
  std::array<box, 768> boxes_;
  std::size_t depth_ = 0;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
