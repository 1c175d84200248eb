// The sweep over breakpoints that finds the scale of least squared error. Theorem, proof and error analysis:
// docs/quantize/exact_scale.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_candidates.hpp>
#include <fewbits/quantize/exact_grid.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Of a fixed assignment of elements a_i to values: sum of w x a, and sum of w a^2. Its error at scale s is
/// power - s (2 product - s square).
struct assignment_sums {
  double product;
  double square;
  [[nodiscard]] constexpr double gain(double s) const noexcept { return s * (2 * product - s * square); }
};

template <block_source T, scale_grid Grid>
class scale_search {
 public:
  constexpr scale_search(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                         const alphabet& elements_of_type, const Grid& permitted,
                         const search_memory& memory_to_use) noexcept
      : values_(values_to_encode),
        weights_(weights_or_none),
        grid_(permitted),
        memory_(memory_to_use),
        current_(elements_of_type),
        candidates_(values_to_encode, weights_or_none, elements_of_type, permitted) {
    block_.build(values_, weights_, memory_);
    // The additions behind a sum of tails; see the error analysis in the docs.
    additions_ = summed_at_once + values_.size() / summed_at_once + elements_of_type.size();
    relative_tolerance_ = tolerance_after(0);
  }

  [[nodiscard]] constexpr bool all_zero() const noexcept { return block_.all_zero; }

  /// Meets every scale of the grid with this alphabet that may be better than all met before.
  constexpr void meet(const alphabet& elements_of_block) noexcept {
    current_ = elements_of_block;
    sides_[0].build(current_, false);
    sides_[1].build(current_, true);
    nearest_to_zero_ = (std::min)(magnitude(sides_[0].start), magnitude(sides_[1].start));
    power_that_matters_ = 0;
    for (std::size_t side = 0; side < 2; ++side)
      if (sides_[side].matters())
        power_that_matters_ += block_.sides[side].tails[0].wxx;

    if (candidates_.best_gain() <= 0) {  // no scale is known to beat "all is 0": the smallest one must not be forgotten
      const double smallest = unit_of(grid_.first());
      meet_number(grid_.first(), evaluate(smallest));
      meet_likely_scales();
    }
    double low = 0;
    double high = 0;
    if (!find_window(low, high))
      return;
    const std::uint64_t first = neighbour(grid_.nearest(to_number(low)), -1);
    const std::uint64_t last = neighbour(grid_.nearest(to_number(high)), 1);
    const std::size_t midpoints = (std::max)(sides_[0].count, sides_[1].count);
    if (last - first <= 16 || last - first <= values_.size() * midpoints / 8) {
      for (std::uint64_t number = first; number <= last; ++number)
        meet_number(number, evaluate(unit_of(number)));
    } else {
      sweep(low, high);
    }
  }

  /// The best choice. Precondition: not all_zero(), and an alphabet has been met.
  [[nodiscard]] constexpr scale_candidate best() noexcept { return candidates_.best(); }

 private:
  using ranks_type = std::array<std::array<std::uint32_t, alphabet::max_size>, 2>;  // per side and midpoint

  static constexpr double slightly_more = 1 + 0x1p-40;
  static constexpr double slightly_less = 1 - 0x1p-40;

  // ---- numbers of the grid and doubles of the normalised block

  [[nodiscard]] constexpr double unit_of(std::uint64_t number) const noexcept {
    return scaled_double(grid_.unit(number), -block_.shift);
  }
  [[nodiscard]] constexpr unpacked_number to_number(double scale) const noexcept {
    unpacked_number v = unpack(scale);
    v.exponent += block_.shift;
    return v;
  }
  [[nodiscard]] constexpr std::uint64_t neighbour(std::uint64_t number, int step) const noexcept {
    if (step < 0)
      return number > grid_.first() ? number - 1 : number;
    return number < grid_.last() ? number + 1 : number;
  }

  /// Of any sum, where the sweep has moved this many values since it last took the sums afresh.
  [[nodiscard]] constexpr double tolerance_after(std::size_t moves) const noexcept {
    return (static_cast<double>(additions_ + 3 * moves) + 16) * 0x1p-48;
  }

  // ---- sums of the assignment that is nearest at one scale

  [[nodiscard]] constexpr assignment_sums sums_at_ranks() const noexcept {
    assignment_sums sums{0, block_.weight_of_zeros * nearest_to_zero_ * nearest_to_zero_};
    for (std::size_t side = 0; side < 2; ++side) {
      const alphabet_side& steps = sides_[side];
      const tail_sums* const tails = block_.sides[side].tails;
      sums.product += steps.start * tails[0].wx;
      sums.square += steps.start * steps.start * tails[0].w;
      for (std::size_t k = 0; k < steps.count; ++k) {
        const tail_sums& tail = tails[ranks_[side][k]];
        sums.product += steps.step[k] * tail.wx;
        sums.square += steps.square_step[k] * tail.w;
      }
    }
    return sums;
  }
  constexpr void rank_at(double scale) noexcept {
    for (std::size_t side = 0; side < 2; ++side)
      for (std::size_t k = 0; k < sides_[side].count; ++k)
        ranks_[side][k] = static_cast<std::uint32_t>(block_.sides[side].rank(scale * sides_[side].midpoint[k]));
  }
  [[nodiscard]] constexpr assignment_sums evaluate(double scale) noexcept {
    rank_at(scale);
    return sums_at_ranks();
  }

  // ---- candidates

  /// Bounds are for the gain of this assignment at this scale, which the nearest assignment can only raise.
  constexpr void meet_number(std::uint64_t number, const assignment_sums& sums) noexcept {
    const double unit = unit_of(number);
    const double gain = sums.gain(unit);
    const double tolerance = relative_tolerance_ * (power_that_matters_ + unit * unit * sums.square) + 0x1p-900;
    candidates_.meet({number, current_.zero_point(), current_.is_mirrored(), gain - tolerance, gain + tolerance});
  }

  /// The scales nearest to where this assignment's error is least. `inside` lies in its piece.
  constexpr void meet_vertex(const assignment_sums& sums, double inside) noexcept {
    const double vertex = sums.product / sums.square;
    const double gain = sums.product * vertex;
    double error = 0.5;
    if (vertex > 0 && relative_tolerance_ * power_that_matters_ < gain * 0.25)
      error = relative_tolerance_ * (1 + power_that_matters_ / gain);
    std::uint64_t low = grid_.nearest(to_number(vertex * (1 - error)));
    std::uint64_t high = grid_.nearest(to_number(vertex * (1 + error)));
    if (error >= 0.5) {
      low = grid_.first();
      high = grid_.last();
    }
    if (high - low > 3)
      low = high = nearest_to_vertex(inside, low, high);
    for (std::uint64_t number = low; number <= high; ++number)
      meet_number(number, sums);
  }

  /// The same decided exactly, by bisection: E(lower) - E(upper) has the sign of
  /// sum of w a (2 x - (lower + upper) a), negated.
  [[nodiscard]] constexpr std::uint64_t nearest_to_vertex(double inside, std::uint64_t low,
                                                          std::uint64_t high) const noexcept {
    const unpacked_number scale = to_number(inside);
    while (low < high) {
      const std::uint64_t number = low + (high - low) / 2;
      const unpacked_number lower = grid_.unit(number);
      const unpacked_number upper = grid_.unit(number + 1);
      exact_sum slope;
      for (std::size_t i = 0; i < values_.size(); ++i) {
        unpacked_number x = value_at(i);
        const unpacked_number a = current_[current_.nearest(x, scale)];
        const unpacked_number w = weight_at(i);
        x.exponent += 1;
        slope.add(w, a, x);
        slope.subtract(w, a, a, lower);
        slope.subtract(w, a, a, upper);
      }
      if (slope.sign() > 0)
        low = number + 1;
      else
        high = number;
    }
    return low;
  }

  [[nodiscard]] constexpr unpacked_number value_at(std::size_t i) const noexcept {
    return unpack_code<source_format<T>()>(source_code(values_[i]));
  }
  [[nodiscard]] constexpr unpacked_number weight_at(std::size_t i) const noexcept {
    return weights_.empty() ? unpacked_one : unpack(weights_[i]);
  }

  // ---- where to look

  /// A few scales near which the best one often lies, improved once: what they gain makes the window small.
  constexpr void meet_likely_scales() noexcept {
    double whole = 0;  // the smallest scale at which no value lies beyond the outermost elements
    for (std::size_t side = 0; side < 2; ++side) {
      const side_samples& samples = block_.sides[side];
      if (samples.size != 0 && sides_[side].reach > 0)
        whole = (std::max)(whole, samples.samples[samples.size - 1].magnitude / sides_[side].reach);
    }
    if (!(whole > 0))
      return;
    for (const double share : {1.0, 0.85, 0.7, 0.55}) {
      const assignment_sums sums = evaluate(whole * share);
      if (sums.product > 0) {
        const std::uint64_t number = grid_.nearest(to_number(sums.product / sums.square));
        meet_number(number, evaluate(unit_of(number)));
      }
    }
  }

  /// Below some scale what lies beyond the outermost elements costs too much; above some scale what rounds to 0 does.
  /// Both costs are monotone. Also cut to the grid. False where nothing is left.
  constexpr bool find_window(double& low, double& high) const noexcept {
    const double slack = 2 * relative_tolerance_ * block_.power;
    const double allowed = block_.power - candidates_.best_gain() + slack;
    const auto too_small = [&](double scale) noexcept {
      double cost = 0;
      for (std::size_t side = 0; side < 2; ++side)
        cost += block_.sides[side].beyond(scale * sides_[side].reach);
      return cost - slack > allowed;
    };
    const auto too_large = [&](double scale) noexcept {
      double cost = 0;
      for (std::size_t side = 0; side < 2; ++side)
        if (!(magnitude(sides_[side].start) > 0))
          cost += sides_[side].count == 0 ? block_.sides[side].tails[0].wxx
                                          : block_.sides[side].within(scale * sides_[side].midpoint[0] * slightly_less);
      return cost - slack > allowed;
    };
    low = unit_of(grid_.first()) * slightly_less;
    high = unit_of(grid_.last()) * slightly_more;
    // Above the largest breakpoint lies one piece. Where it is all zeros, a scale just above stands for the whole of
    // it; else its least error is at most at the largest value over the element next to zero, and the nearest scale of
    // the grid at most at twice that.
    double outermost = 0;
    for (std::size_t side = 0; side < 2; ++side) {
      if (block_.sides[side].size == 0)
        continue;
      const double largest_value = block_.sides[side].samples[block_.sides[side].size - 1].magnitude;
      if (sides_[side].count != 0)
        outermost = (std::max)(outermost, largest_value / sides_[side].midpoint[0]);
      if (magnitude(sides_[side].start) > 0)
        outermost = (std::max)(outermost, 2 * largest_value / magnitude(sides_[side].start));
    }
    high = (std::min)(high, (std::max)(outermost, low) * (1 + 0x1p-20));
    if (too_small(high) || too_large(low))
      return false;
    if (too_small(low))
      low = bisect(low, high, too_small);
    if (too_large(high))
      high = bisect(high, low, too_large);
    return low < high;
  }
  /// Between a scale that is ruled out and one that is not: one that is ruled out, nearer to the other.
  template <class Ruled>
  static constexpr double bisect(double out, double in, const Ruled& is_ruled_out) noexcept {
    // At most 24 steps, and no finer than a thirty-second: what is left costs less than looking closer.
    for (int i = 0; i < 24 && magnitude(in - out) > in * 0x1p-5; ++i) {
      // Far apart, by powers of two; near each other, by halves.
      double middle = out + (in - out) / 2;
      if (out < in / 16)
        middle = out < in / 4096 ? in / 1024 : in / 8;
      else if (in < out / 16)
        middle = in < out / 4096 ? in * 1024 : in * 8;
      (is_ruled_out(middle) ? out : in) = middle;
    }
    return out;
  }

  // ---- the sweep

  /// Scales fall from `high` to `low`; each breakpoint moves one value to its next element. The range is cut into parts
  /// of as many breakpoints as memory has room for. Room for 2 n is enough to go on: at most n lie at one scale.
  constexpr void sweep(double low, double high) noexcept {
    rank_at(low);
    const ranks_type ranks_below = ranks_;
    rank_at(high);
    const ranks_type ranks_at_high = ranks_;
    ranks_ = ranks_below;
    const std::size_t room = memory_.breakpoints.size();
    const std::size_t part = (std::min<std::size_t>)(room, 2048);  // short ones have smaller errors
    const double parts = static_cast<double>(count_between(ranks_at_high)) / static_cast<double>(part);
    ranks_ = ranks_at_high;
    double stride = (1 / low - 1 / high) * (parts > 0.99 ? 0.75 / parts : 1.0);
    double top = high;
    double last_key = high;
    double cluster_top = high;
    bool in_cluster = false;
    std::size_t count_before = 0;
    assignment_sums sums{};
    do {
      sums = sums_at_ranks();  // afresh in each part, so that errors do not pile up
      const ranks_type ranks_above = ranks_;
      // Between two scales evenly spaced elements have breakpoints as their reciprocals differ. It is but a guess.
      double bottom = 1 / (1 / top + stride);
      bottom = bottom > low ? bottom : low;
      std::size_t needed = (rank_at(bottom), count_between(ranks_above));
      while (needed > room || (needed > part && top - bottom > top * 0x1p-30)) {
        bottom += (top - bottom) / 2;
        needed = (rank_at(bottom), count_between(ranks_above));
      }
      const double filling = static_cast<double>(needed + 1) / static_cast<double>(part);
      stride = (1 / bottom - 1 / top) * (0.75 / (std::max)(filling, 0.25));
      const std::size_t count = gather(ranks_above);
      relative_tolerance_ = tolerance_after(count + count_before);  // a cluster may have begun in the part before
      count_before = count;

      for (std::size_t j = 0; j < count; ++j) {
        const breakpoint& each = memory_.breakpoints[j];
        if (each.scale < last_key * (1 - 0x1p-49)) {
          meet_piece(sums, each.scale, last_key, in_cluster ? cluster_top : 0);
          cluster_top = each.scale;
          in_cluster = false;
        } else {
          in_cluster = true;  // too near to the last one to know which comes first
        }
        last_key = each.scale;
        const block_sample& sample = block_.sides[each.side].samples[each.sample];
        sums.product += sample.weight * sample.magnitude * sides_[each.side].step[each.midpoint];
        sums.square += sample.weight * sides_[each.side].square_step[each.midpoint];
      }
      top = bottom;
    } while (top > low);
    meet_piece(sums, low, last_key, in_cluster ? cluster_top : 0);
    relative_tolerance_ = tolerance_after(0);
  }

  [[nodiscard]] constexpr std::size_t count_between(const ranks_type& ranks_above) const noexcept {
    std::size_t count = 0;
    for (std::size_t side = 0; side < 2; ++side)
      for (std::size_t k = 0; k < sides_[side].count; ++k)
        count += ranks_above[side][k] - ranks_[side][k];
    return count;
  }
  /// The breakpoints between two sets of ranks, falling.
  constexpr std::size_t gather(const ranks_type& ranks_above) noexcept {
    std::size_t count = 0;
    for (std::size_t side = 0; side < 2; ++side)
      for (std::size_t k = 0; k < sides_[side].count; ++k)
        for (std::uint32_t i = ranks_[side][k]; i < ranks_above[side][k]; ++i)
          memory_.breakpoints[count++] = {block_.sides[side].samples[i].magnitude / sides_[side].midpoint[k], i,
                                          static_cast<std::uint16_t>(k), static_cast<std::uint16_t>(side)};
    std::sort(memory_.breakpoints.data(), memory_.breakpoints.data() + count,
              [](const breakpoint& a, const breakpoint& b) noexcept { return a.scale > b.scale; });
    return count;
  }
  /// One piece of the error, a parabola. If it may hold the best scale, so may the cluster of breakpoints above it.
  constexpr void meet_piece(const assignment_sums& sums, double low, double high, double cluster_top) noexcept {
    if (!(sums.square > 0))
      return;
    const double gain = sums.product * (sums.product / sums.square);
    if (gain + relative_tolerance_ * power_that_matters_ < candidates_.best_gain())
      return;
    meet_vertex(sums, low + (high - low) / 2);
    if (cluster_top > 0) {
      const std::uint64_t last = neighbour(grid_.nearest(to_number(cluster_top)), 1);
      for (std::uint64_t number = neighbour(grid_.nearest(to_number(high)), -1); number <= last; ++number)
        meet_number(number, sums);
    }
  }

  std::span<const T> values_;
  std::span<const float> weights_;
  Grid grid_;
  search_memory memory_;
  sorted_block block_{};
  std::size_t additions_ = 0;
  double relative_tolerance_ = 0;

  alphabet current_;
  std::array<alphabet_side, 2> sides_{};
  ranks_type ranks_{};
  double nearest_to_zero_ = 0;
  double power_that_matters_ = 0;

  candidate_list<T, Grid> candidates_;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
