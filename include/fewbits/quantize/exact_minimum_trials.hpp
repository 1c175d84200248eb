// Pairs tried one at a time: numbers of the two grids as doubles of the normalised block, the error of a pair, and the
// best minimum for given elements. What counts is kept in best_pair.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_minimum_block.hpp>
#include <fewbits/quantize/exact_minimum_candidates.hpp>
#include <fewbits/quantize/exact_minimum_grid.hpp>
#include <fewbits/quantize/exact_minimum_levels.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

struct number_range {
  std::uint64_t first;
  std::uint64_t last;
};

/// The last number from low to high whose value is at most v, else the first number.
template <class ValueOf>
constexpr std::uint64_t last_up_to(std::uint64_t low, std::uint64_t high, double v, const ValueOf& value_of) noexcept {
  while (low < high) {
    const std::uint64_t number = high - (high - low) / 2;
    if (value_of(number) <= v)
      low = number;
    else
      high = number - 1;
  }
  return low;
}

template <block_source T, scale_grid Scales, minimum_grid Minimums>
class pair_trials {
 public:
  constexpr pair_trials(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                        std::span<block_sample> room_for_samples, const alphabet& elements_of_type,
                        const Scales& scales_to_try, const Minimums& minimums_to_try) noexcept
      : block_(values_to_encode, weights_or_none, room_for_samples),
        levels_(elements_of_type),
        scales_(scales_to_try),
        minimums_(minimums_to_try),
        best_(values_to_encode, weights_or_none, elements_of_type, scales_to_try, minimums_to_try) {}

  [[nodiscard]] constexpr const pair_block<T>& block() const noexcept { return block_; }
  [[nodiscard]] constexpr const element_offsets& levels() const noexcept { return levels_; }
  [[nodiscard]] constexpr const Scales& scales() const noexcept { return scales_; }
  [[nodiscard]] constexpr const Minimums& minimums() const noexcept { return minimums_; }
  [[nodiscard]] constexpr const best_pair<T, Scales, Minimums>& best() const noexcept { return best_; }

  /// The elements of all pairs from now on; with `both_signs` their mirror images too, which must have the same
  /// offsets.
  constexpr void use(const alphabet& elements) noexcept { levels_.use(elements); }
  constexpr void serve_both_signs(bool both_signs) noexcept { turns_ = both_signs; }
  [[nodiscard]] constexpr bool serves_both_signs() const noexcept { return turns_; }
  /// Calls `act` for each sign of the scale that is served.
  template <class Act>
  constexpr void for_each_sign(const Act& act) noexcept {
    act();
    if (turns_) {
      levels_.turn();
      act();
      levels_.turn();
    }
  }

  // ---- numbers of the grids

  [[nodiscard]] constexpr double unit_of(std::uint64_t number) const noexcept {
    return scaled_double(scales_.unit(number), -block_.shift());
  }
  /// Not yet taken from the lowest value.
  [[nodiscard]] constexpr double minimum_of(std::uint64_t number) const noexcept {
    return scaled_double(minimums_.value(number), -block_.shift());
  }
  [[nodiscard]] constexpr std::uint64_t last_scale_up_to(double v) const noexcept {
    return last_up_to(scales_.first(), scales_.last(), v, [this](std::uint64_t n) noexcept { return unit_of(n); });
  }
  /// The numbers of all minimums from `low` to `high`, as they stand to the lowest value, and one more at either end.
  [[nodiscard]] constexpr number_range minimums_around(double low, double high) const noexcept {
    const double slack = 0x1p-50 * (magnitude(low) + magnitude(high) + magnitude(block_.origin()));
    const auto value_of = [this](std::uint64_t n) noexcept { return minimum_of(n); };
    const std::uint64_t first =
        last_up_to(minimums_.first(), minimums_.last(), low + block_.origin() - slack, value_of);
    const std::uint64_t last = last_up_to(first, minimums_.last(), high + block_.origin() + slack, value_of);
    return {first, last < minimums_.last() ? last + 1 : last};
  }

  // ---- one pair

  constexpr void meet(std::uint64_t scale, std::uint64_t minimum) noexcept {
    const double s = unit_of(scale);
    const double m = minimum_of(minimum) - block_.origin();
    const double centre = m + s * levels_.middle();
    const double farthest_level = s * (magnitude(levels_.middle()) + levels_.reach());
    // The tolerance is below a thousandth of an error that is not the rounding's own.
    const double give_up =
        best_.any()
            ? best_.error_at_most() * 1.01 +
                  block_.weight() *
                      square(0x1p-36 * (block_.range() + magnitude(m) + magnitude(block_.origin()) + farthest_level))
            : 0x1p800;
    double error = 0;
    double distances = 0;
    std::size_t k = 0;
    for (std::size_t i = 0; i < block_.size(); ++i) {
      const block_sample& each = block_[i];
      while (k + 1 < levels_.size() && each.magnitude > centre + s * levels_.midpoint(k))
        ++k;
      const double r = magnitude(each.magnitude - centre - s * levels_.offset(k));
      error += each.weight * r * r;
      distances += each.weight * r;
      if (error > give_up)
        return;
    }
    const double off = 0x1p-50 * (block_.range() + magnitude(m) + magnitude(block_.origin()) * 0x1p-3 + farthest_level);
    const double tolerance =
        block_.rounding() * error + 4 * off * distances + 4 * off * off * block_.weight() + floor_of_doubles;
    best_.meet({scale, minimum, levels_.elements().is_mirrored(), error, tolerance});
  }

  /// With these elements for the values, the best minimums for one scale: the nearest to where the error is least.
  /// `element_of(i)` is the element of value i of the block as it was given.
  template <class ElementOf>
  constexpr void meet_best_minimum(std::uint64_t scale, double best_centre, const ElementOf& element_of) noexcept {
    const double s = unit_of(scale);
    const double m = best_centre - s * levels_.middle();
    const double off = rounding_of_best_minimum(s, m);
    number_range around = minimums_around(m - off, m + off);
    if (around.last - around.first > 4) {
      // Dense minimums, as floats are next to 0. E(lower) - E(upper) is (upper - lower) times
      // sum of w (2 x - 2 s a - lower - upper).
      while (around.first < around.last) {
        const std::uint64_t number = around.first + (around.last - around.first) / 2;
        if (slope_between(scale, number, element_of) > 0)
          around.first = number + 1;
        else
          around.last = number;
      }
      around.last = around.first < minimums_.last() ? around.first + 1 : around.first;  // which may be as near
    }
    for (std::uint64_t number = around.first; number <= around.last; ++number)
      meet(scale, number);
  }
  /// What the doubles of a best minimum m may be off by.
  [[nodiscard]] constexpr double rounding_of_best_minimum(double s, double m) const noexcept {
    return block_.rounding() * 8 *
           (block_.range() + magnitude(m) + s * (magnitude(levels_.middle()) + levels_.reach()));
  }

  constexpr void meet_all() noexcept {
    for_each_sign([this]() noexcept {
      for (std::uint64_t scale = scales_.first(); scale <= scales_.last(); ++scale)
        for (std::uint64_t minimum = minimums_.first(); minimum <= minimums_.last(); ++minimum)
          meet(scale, minimum);
    });
  }

 private:
  static constexpr double square(double v) noexcept { return v * v; }

  /// The sign of E(number) - E(number + 1).
  template <class ElementOf>
  [[nodiscard]] constexpr auto slope_between(std::uint64_t scale, std::uint64_t number,
                                             const ElementOf& element_of) const noexcept {
    unpacked_number twice_scale = scales_.unit(scale);
    twice_scale.exponent += 1;
    exact_sum slope;
    for (std::size_t i = 0; i < block_.size_with_weightless(); ++i) {
      if (!block_.weighs(i))
        continue;
      const unpacked_number w = block_.weight_at(i);
      unpacked_number twice_x = block_.value_at(i);
      twice_x.exponent += 1;
      slope.add(w, twice_x);
      slope.subtract(w, twice_scale, levels_.elements()[element_of(i)]);
      slope.subtract(w, minimums_.value(number));
      slope.subtract(w, minimums_.value(number + 1));
    }
    return slope.sign();
  }

  pair_block<T> block_;
  element_offsets levels_;
  Scales scales_;
  Minimums minimums_;
  best_pair<T, Scales, Minimums> best_;
  bool turns_ = false;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
