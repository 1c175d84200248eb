// Branch and bound over scale and minimum: boxes of pairs are ruled out by a bound that floating point cannot get
// wrong, and what is left is tried. Theorem, bounds and cost: docs/quantize/exact_scale.md.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_minimum_candidates.hpp>
#include <fewbits/quantize/exact_minimum_grid.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Values are taken from the lowest of them, elements from the middle of the alphabet: value = centre + scale x offset
/// of the element. So a box of scales and centres moves all levels about alike.
template <block_source T, scale_grid Scales, minimum_grid Minimums>
class pair_search {
 public:
  constexpr pair_search(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                        const alphabet& elements_of_type, const Scales& scales, const Minimums& minimums,
                        const search_memory& memory_to_use, std::uint64_t most_visits,
                        std::uint64_t most_tried_by_pair) noexcept
      : values_(values_to_encode),
        weights_(weights_or_none),
        scales_(scales),
        minimums_(minimums),
        memory_(memory_to_use),
        current_(elements_of_type),
        best_(values_to_encode, weights_or_none, elements_of_type, scales, minimums),
        visits_left_(most_visits),
        most_tried_by_pair_(most_tried_by_pair) {
    sort_values();
  }

  /// Is there no value, or none that weighs?
  [[nodiscard]] constexpr bool is_empty() const noexcept { return count_ == 0; }
  /// Have all pairs been ruled out or tried?
  [[nodiscard]] constexpr bool is_proven() const noexcept { return proven_; }
  [[nodiscard]] constexpr const pair_candidate& best() const noexcept { return best_.choice(); }

  /// Tries this pair. It is the one to beat from now on.
  constexpr void meet_pair(const alphabet& elements_of_block, std::uint64_t scale, std::uint64_t minimum) noexcept {
    use(elements_of_block);
    meet(scale, minimum);
  }
  /// Meets every pair with this alphabet that may be better than all met before; with `both_signs` those of negative
  /// scales too.
  constexpr void meet(const alphabet& elements_of_block, bool both_signs = false) noexcept {
    use(elements_of_block);
    // Turned round, evenly spaced elements stand where they stood: one search serves both signs.
    turns_ = both_signs && is_symmetric();
    meet_likely_pairs();
    settled_ = is_settled();
    if (has_few_pairs()) {
      meet_all_pairs();
    } else {
      search_boxes();
      if (!(variance_ - tolerance_of(variance_) > best_.error_at_most()))
        meet_constant_pairs();
    }
    if (both_signs && !turns_)
      meet(elements_of_block.mirrored());
    turns_ = false;
  }

 private:
  /// Scales by their numbers, centres as real numbers.
  struct box {
    std::uint64_t first;
    std::uint64_t last;
    double low;
    double high;
    /// Of evenly spaced elements: one period of centres stands for all, see is_even.
    bool stands_for_all;
  };
  /// A lower bound of the error in a box, and where it is nearly taken.
  struct box_bound {
    double error;
    double scale;
    double centre;
    bool is_certain;   ///< every value has one nearest element
    bool is_constant;  ///< and it is the same for all
  };
  struct sums {
    double w, b, bb, x, bx;
  };
  static constexpr std::uint32_t uncertain = 0xffffffffu;
  static constexpr double floor_of_doubles = 0x1p-900;

  // ---- the block

  constexpr void sort_values() noexcept {
    largest_exponent top;
    largest_exponent top_weight;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (weighs(i)) {
        top.meet(value_at(i));
        top_weight.meet(weight_at(i));
      }
    shift_ = top.value;
    double lowest = 0;
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (weighs(i)) {
        const double x = scaled_double(value_at(i), -shift_);
        lowest = count_ == 0 || x < lowest ? x : lowest;
        memory_.samples[count_++] = {x, scaled_double(weight_at(i), -top_weight.value)};
      }
    origin_ = lowest;
    for (std::size_t i = 0; i < count_; ++i)
      memory_.samples[i].magnitude -= origin_;
    std::sort(memory_.samples.data(), memory_.samples.data() + count_,
              [](const block_sample& a, const block_sample& b) noexcept { return a.magnitude < b.magnitude; });
    if (count_ == 0)
      return;
    range_ = memory_.samples[count_ - 1].magnitude;
    rounding_ = (static_cast<double>(count_) + 16) * 0x1p-50;
    double sum = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      weight_ += memory_.samples[i].weight;
      sum += memory_.samples[i].weight * memory_.samples[i].magnitude;
    }
    mean_ = sum / weight_;
    for (std::size_t i = 0; i < count_; ++i) {
      const double r = memory_.samples[i].magnitude - mean_;
      variance_ += memory_.samples[i].weight * r * r;
    }
  }
  [[nodiscard]] constexpr bool weighs(std::size_t i) const noexcept {
    return weight_at(i).kind == number_class::finite && !weight_at(i).negative;
  }
  [[nodiscard]] constexpr unpacked_number value_at(std::size_t i) const noexcept {
    return unpack_code<source_format<T>()>(source_code(values_[i]));
  }
  [[nodiscard]] constexpr unpacked_number weight_at(std::size_t i) const noexcept {
    return weights_.empty() ? unpacked_one : unpack(weights_[i]);
  }
  /// Of an error summed in doubles: its own rounding, and that of the values' differences from the lowest.
  [[nodiscard]] constexpr double tolerance_of(double error) const noexcept {
    return rounding_ * (error + weight_ * range_ * range_ * 0x1p-40) + floor_of_doubles;
  }

  constexpr void use(const alphabet& elements_of_block) noexcept {
    current_ = elements_of_block;
    levels_ = current_.size();
    const double first = scaled_double(current_[0], 0);
    const double last = scaled_double(current_[levels_ - 1], 0);
    middle_ = (first + last) / 2;
    reach_ = 0;
    narrowest_ = last - first;
    for (std::size_t k = 0; k < levels_; ++k) {
      offset_[k] = scaled_double(current_[k], 0) - middle_;
      reach_ = (std::max)(reach_, magnitude(offset_[k]));
      if (k != 0) {
        midpoint_[k - 1] = (offset_[k - 1] + offset_[k]) / 2;
        narrowest_ = (std::min)(narrowest_, offset_[k] - offset_[k - 1]);
      }
    }
  }

  [[nodiscard]] constexpr bool is_symmetric() const noexcept {
    for (std::size_t k = 0; k < levels_; ++k)
      if (offset_[k] + offset_[levels_ - 1 - k] > 0 || offset_[k] + offset_[levels_ - 1 - k] < 0)
        return false;
    return true;
  }
  /// Calls `act` for each sign of the scale. Offsets from the middle are the same for both.
  template <class Act>
  constexpr void for_each_sign(const Act& act) noexcept {
    act();
    if (turns_) {
      current_ = current_.mirrored();
      middle_ = -middle_;
      act();
      current_ = current_.mirrored();
      middle_ = -middle_;
    }
  }

  // ---- numbers of the grids and doubles of the normalised block

  [[nodiscard]] constexpr double unit_of(std::uint64_t number) const noexcept {
    return scaled_double(scales_.unit(number), -shift_);
  }
  [[nodiscard]] constexpr double minimum_of(std::uint64_t number) const noexcept {
    return scaled_double(minimums_.value(number), -shift_);
  }
  /// The last number whose value is at most v, else the first number.
  template <class ValueOf>
  static constexpr std::uint64_t last_up_to(std::uint64_t low, std::uint64_t high, double v,
                                            const ValueOf& value_of) noexcept {
    while (low < high) {
      const std::uint64_t number = high - (high - low) / 2;
      if (value_of(number) <= v)
        low = number;
      else
        high = number - 1;
    }
    return low;
  }
  [[nodiscard]] constexpr std::uint64_t last_scale_up_to(double v) const noexcept {
    return last_up_to(scales_.first(), scales_.last(), v, [this](std::uint64_t n) noexcept { return unit_of(n); });
  }
  struct number_range {
    std::uint64_t first;
    std::uint64_t last;
  };
  /// The numbers of all minimums from `low` to `high`, as they stand to the lowest value, and one more at either end.
  [[nodiscard]] constexpr number_range minimums_around(double low, double high) const noexcept {
    const double slack = 0x1p-50 * (magnitude(low) + magnitude(high) + magnitude(origin_));
    const auto value_of = [this](std::uint64_t n) noexcept { return minimum_of(n); };
    const std::uint64_t first = last_up_to(minimums_.first(), minimums_.last(), low + origin_ - slack, value_of);
    const std::uint64_t last = last_up_to(first, minimums_.last(), high + origin_ + slack, value_of);
    return {first, last < minimums_.last() ? last + 1 : last};
  }

  // ---- one pair

  constexpr void meet(std::uint64_t scale, std::uint64_t minimum) noexcept {
    const double s = unit_of(scale);
    const double m = minimum_of(minimum) - origin_;
    const double centre = m + s * middle_;
    // The tolerance is below a thousandth of an error that is not the rounding's own.
    const double give_up = best_.any() ? best_.error_at_most() * 1.01 +
                                             weight_ * square(0x1p-36 * (range_ + magnitude(m) + magnitude(origin_) +
                                                                         s * (magnitude(middle_) + reach_)))
                                       : 0x1p800;
    double error = 0;
    double distances = 0;
    std::size_t k = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const block_sample& each = memory_.samples[i];
      while (k + 1 < levels_ && each.magnitude > centre + s * midpoint_[k])
        ++k;
      const double r = magnitude(each.magnitude - centre - s * offset_[k]);
      error += each.weight * r * r;
      distances += each.weight * r;
      if (error > give_up)
        return;
    }
    const double off =
        0x1p-50 * (range_ + magnitude(m) + magnitude(origin_) * 0x1p-3 + s * (magnitude(middle_) + reach_));
    const double tolerance = rounding_ * error + 4 * off * distances + 4 * off * off * weight_ + floor_of_doubles;
    best_.meet({scale, minimum, current_.is_mirrored(), error, tolerance});
  }

  /// With these elements for the values, the best minimums for one scale: the nearest to where the error is least.
  /// `element_of(i)` is the element of value i of the block.
  template <class ElementOf>
  constexpr void meet_best_minimum(std::uint64_t scale, double best_centre, const ElementOf& element_of) noexcept {
    const double s = unit_of(scale);
    const double m = best_centre - s * middle_;
    const double off = rounding_ * 8 * (range_ + magnitude(m) + s * (magnitude(middle_) + reach_));
    number_range around = minimums_around(m - off, m + off);
    if (around.last - around.first > 4) {
      // Dense minimums, as floats are next to 0. E(lower) - E(upper) is (upper - lower) times
      // sum of w (2 x - 2 s a - lower - upper).
      while (around.first < around.last) {
        const std::uint64_t number = around.first + (around.last - around.first) / 2;
        unpacked_number twice_scale = scales_.unit(scale);
        twice_scale.exponent += 1;
        exact_sum slope;
        for (std::size_t i = 0; i < values_.size(); ++i) {
          if (!weighs(i))
            continue;
          const unpacked_number w = weight_at(i);
          unpacked_number twice_x = value_at(i);
          twice_x.exponent += 1;
          slope.add(w, twice_x);
          slope.subtract(w, twice_scale, current_[element_of(i)]);
          slope.subtract(w, minimums_.value(number));
          slope.subtract(w, minimums_.value(number + 1));
        }
        if (slope.sign() > 0)
          around.first = number + 1;
        else
          around.last = number;
      }
      around.last = around.first < minimums_.last() ? around.first + 1 : around.first;  // which may be as near
    }
    for (std::uint64_t number = around.first; number <= around.last; ++number)
      meet(scale, number);
  }

  // ---- few pairs: codes under the scales of a super-block

  [[nodiscard]] constexpr bool has_few_pairs() const noexcept {
    const std::uint64_t minimums = minimums_.last() - minimums_.first() + 1;
    return scales_.last() - scales_.first() < most_tried_by_pair_ / minimums;
  }
  constexpr void meet_all_pairs() noexcept {
    for_each_sign([this]() noexcept {
      for (std::uint64_t scale = scales_.first(); scale <= scales_.last(); ++scale)
        for (std::uint64_t minimum = minimums_.first(); minimum <= minimums_.last(); ++minimum)
          meet(scale, minimum);
    });
  }

  // ---- blocks near the smallest numbers there are

  /// The exponent of the lowest digit; of 0 a large one.
  static constexpr int lowest_digit(const unpacked_number& x) noexcept {
    return x.kind == number_class::finite ? x.exponent - 63 + std::countr_zero(x.significand) : 1 << 20;
  }
  /// Every decoded value is a multiple of 2 to this: the first two numbers of a grid of numbers, floating point or
  /// evenly spaced, give what all are multiples of.
  [[nodiscard]] constexpr int lowest_digit_of_decoded_values() const noexcept {
    const unpacked_number unit = scales_.unit(scales_.first());
    int of_scales = lowest_digit(unit);
    if (scales_.first() < scales_.last())
      of_scales = (std::min)(of_scales, lowest_digit(exact::subtract(scales_.unit(scales_.first() + 1), unit)));
    int of_elements = 1 << 20;
    for (std::size_t k = 0; k < levels_; ++k)
      of_elements = (std::min)(of_elements, lowest_digit(current_[k]));
    int of_minimums = 1 << 20;
    const std::uint64_t zero = last_up_to(minimums_.first(), minimums_.last(), 0.0,
                                          [this](std::uint64_t n) noexcept { return minimum_of(n); });
    const std::uint64_t first = zero > minimums_.first() + 2 ? zero - 2 : minimums_.first();
    for (std::uint64_t number = first; number <= minimums_.last() && number - first < 5; ++number) {
      of_minimums = (std::min)(of_minimums, lowest_digit(minimums_.value(number)));
      if (number > first)
        of_minimums = (std::min)(of_minimums,
                                 lowest_digit(exact::subtract(minimums_.value(number), minimums_.value(number - 1))));
    }
    return (std::min)(of_scales + of_elements, of_minimums);
  }
  /// Is no pair of a larger scale better than the best one? So where all values are exact; and where the scale is the
  /// smallest one and no value lies further from its level than from any multiple of what all decoded values are
  /// multiples of.
  [[nodiscard]] constexpr bool is_settled() const noexcept {
    if (best_.is_perfect())
      return true;
    const pair_candidate& found = best_.choice();
    const int digit = lowest_digit_of_decoded_values() - 1 - shift_;
    if (found.scale != scales_.first() || found.mirrored != current_.is_mirrored() || digit < -900)
      return false;
    const double half = digit > 300 ? 0x1p300 : std::bit_cast<double>(static_cast<std::uint64_t>(digit + 1023) << 52);
    const double s = unit_of(found.scale);
    const double m = minimum_of(found.minimum) - origin_;
    const double centre = m + s * middle_;
    const double off = 0x1p-48 * (range_ + magnitude(m) + s * (magnitude(middle_) + reach_));
    std::size_t k = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const double x = memory_.samples[i].magnitude;
      while (k + 1 < levels_ && x > centre + s * midpoint_[k])
        ++k;
      if (!(magnitude(x - centre - s * offset_[k]) + off < half))
        return false;
    }
    return true;
  }

  // ---- a few good pairs to begin with

  constexpr void meet_likely_pairs() noexcept {
    // One value exact, the smallest scale: all that blocks of equal values want.
    const auto at_lowest = minimums_around(0, 0);
    for (std::uint64_t number = at_lowest.first; number <= at_lowest.last && number - at_lowest.first < 4; ++number)
      meet(scales_.first(), number);
    if (!(range_ > 0))
      return;
    for (const double share : {1.0, 0.95, 0.9, 0.85, 0.8, 0.7}) {
      double s = share * range_ / (offset_[levels_ - 1] - offset_[0]);
      double centre = range_ / 2;
      for (int step = 0; step < 5; ++step) {
        const sums all = sums_at(s, centre);
        const double det = all.bb - all.b * (all.b / all.w);
        if (!(det > all.bb * 0x1p-40))
          break;
        s = (all.bx - all.b * (all.x / all.w)) / det;
        centre = (all.x - s * all.b) / all.w;
        if (!(s > 0))
          break;
        const std::uint64_t below = last_scale_up_to(s);
        for (std::uint64_t number = below; number <= below + 1 && number <= scales_.last(); ++number)
          for_each_sign([&]() noexcept {
            const double m = (all.x - unit_of(number) * all.b) / all.w - unit_of(number) * middle_;
            const auto around = minimums_around(m, m);
            for (std::uint64_t each = around.first; each <= around.last && each - around.first < 4; ++each)
              meet(number, each);
          });
      }
    }
  }
  [[nodiscard]] constexpr sums sums_at(double s, double centre) const noexcept {
    sums all{};
    std::size_t k = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const block_sample& each = memory_.samples[i];
      while (k + 1 < levels_ && each.magnitude > centre + s * midpoint_[k])
        ++k;
      add(all, each, offset_[k]);
    }
    return all;
  }
  static constexpr void add(sums& to, const block_sample& each, double b) noexcept {
    const double wb = each.weight * b;
    to.w += each.weight;
    to.b += wb;
    to.bb += wb * b;
    to.x += each.weight * each.magnitude;
    to.bx += wb * each.magnitude;
  }

  // ---- boxes

  /// Where levels may stand for the scales and centres of a box; a little wider than rounding can matter.
  constexpr void lay_levels(const box& of, double s1, double s2, double off) noexcept {
    for (std::size_t k = 0; k < levels_; ++k) {
      const double b = offset_[k] + pivot_;
      level_low_[k] = of.low + (b < 0 ? s2 : s1) * b - off;
      level_high_[k] = of.high + (b < 0 ? s1 : s2) * b + off;
      if (k + 1 < levels_) {
        const double mid = midpoint_[k] + pivot_;
        border_low_[k] = of.low + (mid < 0 ? s2 : s1) * mid - off;
        border_high_[k] = of.high + (mid < 0 ? s1 : s2) * mid + off;
      }
    }
  }

  /// Values with one nearest element in all of the box make a convex quadratic of scale and centre; its least value in
  /// the box is bounded by its tangent plane at any point. All others cost at least their distance from all levels.
  [[nodiscard]] constexpr box_bound find_bound(const box& of, double give_up_above) noexcept {
    const double s1 = unit_of(of.first);
    const double s2 = of.first == of.last ? s1 : unit_of(of.last);
    const double largest_centre = (std::max)(magnitude(of.low), magnitude(of.high));
    const double reach = reach_ + magnitude(pivot_);
    const double off = 0x1p-50 * (range_ + largest_centre + s2 * reach);
    lay_levels(of, s1, s2, off);

    sums certain{};
    double others = 0;
    std::size_t passed = 0;     // borders that lie below the value wherever they stand
    std::size_t reachable = 0;  // and those that may
    box_bound found{0, s1, of.low, true, true};
    for (std::size_t i = 0; i < count_; ++i) {
      const block_sample& each = memory_.samples[i];
      while (passed + 1 < levels_ && each.magnitude > border_high_[passed])
        ++passed;
      while (reachable + 1 < levels_ && each.magnitude >= border_low_[reachable])
        ++reachable;
      if (passed == reachable) {
        memory_.breakpoints[i].sample = static_cast<std::uint32_t>(passed);
        found.is_constant = found.is_constant && passed == memory_.breakpoints[0].sample;
        add(certain, each, offset_[passed] + pivot_);
      } else {
        memory_.breakpoints[i].sample = uncertain;
        found.is_certain = false;
        double distance = range_ + largest_centre + s2 * reach;
        for (std::size_t k = passed; k <= reachable; ++k)
          distance = (std::min)(distance, (std::max)(level_low_[k] - each.magnitude, each.magnitude - level_high_[k]));
        if (distance > 0)
          others += each.weight * distance * distance;
      }
    }
    found.is_constant = found.is_constant && found.is_certain;
    found.error = others * (1 - rounding_) - floor_of_doubles;
    if (!(certain.w > 0) || found.error > give_up_above)
      return found;

    double s = s1;
    double centre = of.low;
    const double det = certain.bb - certain.b * (certain.b / certain.w);
    if (det > certain.bb * 0x1p-40)
      s = clamp((certain.bx - certain.b * (certain.x / certain.w)) / det, s1, s2);
    for (int i = 0; i < 2; ++i) {
      centre = clamp((certain.x - s * certain.b) / certain.w, of.low, of.high);
      if (certain.bb > 0 && s1 < s2)
        s = clamp((certain.bx - centre * certain.b) / certain.bb, s1, s2);
    }
    centre = clamp((certain.x - s * certain.b) / certain.w, of.low, of.high);
    double error = 0;
    double distances = 0;
    double slope = 0;        // half of what the error falls by, along the centre
    double slope_scale = 0;  // and along the scale
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint32_t k = memory_.breakpoints[i].sample;
      if (k == uncertain)
        continue;
      const block_sample& each = memory_.samples[i];
      const double b = offset_[k] + pivot_;
      const double r = each.magnitude - centre - s * b;
      error += each.weight * r * r;
      distances += each.weight * magnitude(r);
      slope += each.weight * r;
      slope_scale += each.weight * r * b;
    }
    const double along_centre = slope > 0 ? of.high - centre : of.low - centre;
    const double along_scale = slope_scale > 0 ? s2 - s : s1 - s;
    const double slope_off = certain.w * off + rounding_ * distances;
    const double tangent = 2 * slope * along_centre + 2 * slope_scale * along_scale;
    const double tangent_off = 2 * slope_off * ((of.high - of.low) + reach * (s2 - s1)) + 0x1p-50 * magnitude(tangent);
    found.error = (others + error) * (1 - rounding_) - 4 * off * distances - tangent - tangent_off - floor_of_doubles;
    found.scale = s;
    found.centre = centre;
    return found;
  }
  static constexpr double square(double v) noexcept { return v * v; }
  static constexpr double clamp(double v, double low, double high) noexcept {
    return v < low ? low : v > high ? high : v;
  }

  /// Above this scale at most one element serves all values, or two at a cost that is too high.
  [[nodiscard]] constexpr double largest_useful_scale() const noexcept {
    const double allowed = best_.error_at_most() * (1 + 0x1p-30) + tolerance_of(variance_);
    double gap = range_ * (1 + 0x1p-30);
    for (int i = 0; i < 400 && !is_too_wide(gap, allowed); ++i)
      gap *= 1.5;
    return gap / narrowest_ * (1 + 0x1p-30);
  }
  /// Values in two groups whose levels are at least `gap` apart: is every division of the values too dear?
  [[nodiscard]] constexpr bool is_too_wide(double gap, double allowed) const noexcept {
    double w = 0;
    double wx = 0;
    for (std::size_t i = 0; i + 1 < count_; ++i) {
      w += memory_.samples[i].weight;
      wx += memory_.samples[i].weight * memory_.samples[i].magnitude;
      const double others = weight_ - w;
      // What the means of the groups differ by; of a group that hardly weighs, all that it can be.
      const bool is_clear = others > weight_ * 0x1p-20 && w > weight_ * 0x1p-20;
      const double difference = is_clear ? (mean_ * weight_ - wx) / others - wx / w : range_;
      // within the groups: variance - w others / weight difference^2
      const double both = w * ((std::max)(others, 0.0) / weight_);
      const double within = variance_ - both * difference * difference;
      const double apart = gap - difference;
      if (!(apart > 0) || !((within + both * apart * apart) * (1 - 0x1p-30) - variance_ * 0x1p-40 > allowed))
        return false;
    }
    return true;
  }

  /// Evenly spaced elements, of which some are left over where the scale is large: other centres, whole steps away from
  /// the middle one, only take elements away. So what is too dear within half a step of it is too dear everywhere.
  [[nodiscard]] constexpr bool is_even() const noexcept {
    for (std::size_t k = 1; k < levels_; ++k)
      if (offset_[k] - offset_[k - 1] > narrowest_)
        return false;
    return levels_ > 3;
  }

  constexpr void search_boxes() noexcept {
    if (!(range_ > 0))
      return;  // equal values: one element serves them all
    const std::uint64_t first = scales_.first();
    const std::uint64_t last = last_scale_up_to(largest_useful_scale());
    double beyond = range_ * 0x1p-10;  // no level may be so far from the values
    while (!(beyond * beyond * weight_ * (1 - 0x1p-30) > best_.error_at_most()))
      beyond *= 2;
    std::uint64_t last_ordinary = last;
    if (is_even() && beyond <= range_) {
      // All values within half a step of some element, the centre being half a step from theirs at most.
      const double roomy = range_ / (narrowest_ * static_cast<double>(levels_ - 2)) * (1 + 0x1p-20);
      last_ordinary = (std::min)(last, last_scale_up_to(roomy));
    }
    const auto lowest_centre = [&](std::uint64_t scale) noexcept { return -beyond - unit_of(scale) * reach_; };
    const auto highest_centre = [&](std::uint64_t scale) noexcept { return range_ + beyond + unit_of(scale) * reach_; };
    std::size_t depth = 0;
    if (last_ordinary < last)
      boxes_[depth++] = {last_ordinary + 1, last, lowest_centre(last), highest_centre(last), true};
    boxes_[depth++] = {first, last_ordinary, lowest_centre(last_ordinary), highest_centre(last_ordinary), false};
    while (depth != 0) {
      box next = boxes_[--depth];
      if (settled_ || best_.is_perfect()) {  // what is as good has a smaller scale, or the same
        const std::uint64_t limit = best_.choice().scale;
        if (next.first > limit)
          continue;
        next.last = (std::min)(next.last, limit);
      }
      if (next.stands_for_all) {
        const double half = unit_of(next.last) * narrowest_ * 0.5 * (1 + 0x1p-20);
        next.low = (std::max)(next.low, range_ / 2 - half);
        next.high = (std::min)(next.high, range_ / 2 + half);
        if (next.low > next.high)
          continue;
      }
      if (visits_left_ < count_ || depth + 2 > boxes_.size()) {
        proven_ = false;
        return;
      }
      visits_left_ -= count_;
      const double allowed = best_.error_at_most();
      const box_bound found = find_bound(next, allowed);
      if (found.error > allowed || found.is_constant)
        continue;  // constant ones are tried by themselves
      if (next.stands_for_all && (found.is_certain || next.high - next.low < unit_of(next.first) * narrowest_ / 8)) {
        // Not too dear: one box for each step that leaves levels near the values.
        const double step1 = unit_of(next.first) * narrowest_;
        const double step2 = unit_of(next.last) * narrowest_;
        const double off = 0x1p-48 * (range_ + step2 * static_cast<double>(levels_));
        const double most = (range_ + beyond + step2 * static_cast<double>(levels_)) / step1 + 2;
        if (!(most < static_cast<double>(boxes_.size() - depth) / 2 - 2)) {
          proven_ = false;
          return;
        }
        const int steps_at_most = static_cast<int>(most);
        for (int j = -steps_at_most; j <= steps_at_most; ++j) {
          const double steps = j;
          const box moved{next.first, next.last, next.low + steps * (steps < 0 ? step2 : step1) - off,
                          next.high + steps * (steps < 0 ? step1 : step2) + off, false};
          if (moved.high >= lowest_centre(next.last) && moved.low <= highest_centre(next.last))
            boxes_[depth++] = moved;
        }
        continue;
      }
      if (found.is_certain && next.last - next.first <= 1) {
        for (std::uint64_t number = next.first; number <= next.last; ++number)
          for_each_sign([this, number]() noexcept { meet_certain(number); });
        continue;
      }
      const double s1 = unit_of(next.first);
      const double s2 = unit_of(next.last);
      const double width = next.high - next.low;
      if (!next.stands_for_all && (s2 - s1) * reach_ + width < s1 * narrowest_ && meet_few_minimums(next))
        continue;
      if (next.first < next.last && (s2 - s1) * reach_ >= width) {
        const std::uint64_t number = next.first + (next.last - next.first) / 2;
        const box lower{next.first, number, next.low, next.high, next.stands_for_all};
        const box upper{number + 1, next.last, next.low, next.high, next.stands_for_all};
        const bool lower_first = found.scale <= unit_of(number);
        boxes_[depth++] = lower_first ? upper : lower;
        boxes_[depth++] = lower_first ? lower : upper;
        continue;
      }
      if (next.first == next.last && !next.stands_for_all) {
        const bool is_point = !(width > 0x1p-48 * (range_ + magnitude(next.low) + s1 * reach_));
        bool is_done = true;
        for_each_sign([&]() noexcept {
          const auto around = minimums_around(next.low - s1 * middle_, next.high - s1 * middle_);
          if (around.last - around.first > 3 && !is_point) {
            is_done = false;
            return;
          }
          if (around.last - around.first > most_at_a_point)
            proven_ = false;
          const std::uint64_t last_here = (std::min)(around.last, around.first + most_at_a_point);
          for (std::uint64_t number = around.first; number <= last_here; ++number)
            meet(next.first, number);
        });
        if (is_done)
          continue;
      }
      const double centre = next.low + width / 2;
      if (!(centre > next.low && centre < next.high)) {
        // No double lies between: halve the scales, of which there is more than one.
        const std::uint64_t number = next.first + (next.last - next.first) / 2;
        boxes_[depth++] = {number + 1, next.last, next.low, next.high, next.stands_for_all};
        boxes_[depth++] = {next.first, number, next.low, next.high, next.stands_for_all};
        continue;
      }
      const box lower{next.first, next.last, next.low, centre, next.stands_for_all};
      const box upper{next.first, next.last, centre, next.high, next.stands_for_all};
      const bool lower_first = found.centre <= centre;
      boxes_[depth++] = lower_first ? upper : lower;
      boxes_[depth++] = lower_first ? lower : upper;
    }
  }

  /// Where minimums are so far apart that few lie in a box, each is taken by itself; false where there are more.
  constexpr bool meet_few_minimums(const box& of) noexcept {
    const double s1 = unit_of(of.first);
    const double s2 = unit_of(of.last);
    const auto minimums_in = [&]() noexcept {
      return minimums_around(of.low - (middle_ < 0 ? s1 : s2) * middle_, of.high - (middle_ < 0 ? s2 : s1) * middle_);
    };
    bool are_few = true;
    for_each_sign([&]() noexcept {
      const auto around = minimums_in();
      are_few = are_few && around.last - around.first <= 3;
    });
    if (are_few)
      for_each_sign([&]() noexcept {
        const auto around = minimums_in();
        for (std::uint64_t number = around.first; number <= around.last; ++number)
          search_scales(of.first, of.last, number);
      });
    return are_few;
  }
  /// All scales from one number to another beside one minimum: boxes whose centre is the minimum itself.
  constexpr void search_scales(std::uint64_t first, std::uint64_t last, std::uint64_t minimum) noexcept {
    const double m = minimum_of(minimum) - origin_;
    pivot_ = middle_;
    std::array<number_range, 72> ranges;
    std::size_t depth = 0;
    ranges[depth++] = {first, last};
    while (depth != 0) {
      number_range next = ranges[--depth];
      if (settled_ || best_.is_perfect()) {
        const std::uint64_t limit = best_.choice().scale;
        if (next.first > limit)
          continue;
        next.last = (std::min)(next.last, limit);
      }
      if (next.first == next.last) {
        meet(next.first, minimum);
        continue;
      }
      if (visits_left_ < count_) {
        proven_ = false;
        break;
      }
      visits_left_ -= count_;
      const double allowed = best_.error_at_most();
      const box_bound found = find_bound({next.first, next.last, m, m, false}, allowed);
      if (found.error > allowed || found.is_constant)
        continue;
      if (found.is_certain) {
        // The error is a parabola of the scale: its best scales are the nearest to where it is least.
        double product = 0;
        double square = 0;
        double size = 0;
        for (std::size_t i = 0; i < count_; ++i) {
          const block_sample& each = memory_.samples[i];
          const double b = offset_[each_element(i)] + pivot_;
          product += each.weight * (each.magnitude - m) * b;
          square += each.weight * b * b;
          size += each.weight * magnitude(b);
        }
        if (square > 0) {
          const double off = rounding_ * 8 * (range_ + magnitude(m)) * (size / square);
          const auto value_of = [this](std::uint64_t n) noexcept { return unit_of(n); };
          const std::uint64_t low = last_up_to(next.first, next.last, product / square - off, value_of);
          std::uint64_t high = last_up_to(next.first, next.last, product / square + off, value_of);
          high = high < next.last ? high + 1 : high;
          if (high - low <= 8) {
            for (std::uint64_t number = low; number <= high; ++number)
              meet(number, minimum);
            continue;
          }
        }
      }
      const std::uint64_t number = next.first + (next.last - next.first) / 2;
      ranges[depth++] = {number + 1, next.last};
      ranges[depth++] = {next.first, number};
    }
    pivot_ = 0;
  }
  [[nodiscard]] constexpr std::size_t each_element(std::size_t i) const noexcept {
    return memory_.breakpoints[i].sample;
  }

  /// The elements that find_bound has just found to be certain, under one of the box's scales.
  constexpr void meet_certain(std::uint64_t scale) noexcept {
    sums all{};
    for (std::size_t i = 0; i < count_; ++i)
      add(all, memory_.samples[i], offset_[each_element(i)]);
    meet_best_minimum(scale, (all.x - unit_of(scale) * all.b) / all.w, [this](std::size_t i) noexcept {
      const double x = scaled_double(value_at(i), -shift_) - origin_;
      std::size_t k = 0;
      while (k + 1 < levels_ && x > border_high_[k])
        ++k;
      return k;
    });
  }

  /// One element for all values, under every scale: no box gets hold of these pairs, which lie along lines.
  constexpr void meet_constant_pairs() noexcept {
    for_each_sign([this]() noexcept { meet_constant_pairs_of_sign(); });
  }
  constexpr void meet_constant_pairs_of_sign() noexcept {
    const std::uint64_t first = scales_.first();
    const std::uint64_t last = settled_ || best_.is_perfect() ? best_.choice().scale : scales_.last();
    if (last - first > most_constant_scales) {
      proven_ = false;
      return;
    }
    for (std::uint64_t scale = first; scale <= last; ++scale)
      for (std::size_t k = 0; k < levels_; ++k) {
        const double s = unit_of(scale);
        const double m = mean_ - s * (middle_ + offset_[k]);
        const double off = rounding_ * 8 * (range_ + magnitude(m) + s * (magnitude(middle_) + reach_));
        const auto around = minimums_around(m - off, m + off);
        double nearest = 0x1p400;
        if (around.last - around.first > 4)
          nearest = 0;
        else
          for (std::uint64_t number = around.first; number <= around.last; ++number)
            nearest = (std::min)(nearest, magnitude(minimum_of(number) - origin_ - m) - off);
        nearest = (std::max)(nearest, 0.0);
        if (!((variance_ + weight_ * nearest * nearest) * (1 - rounding_) - tolerance_of(variance_) >
              best_.error_at_most()))
          meet_best_minimum(scale, mean_ - s * offset_[k], [k](std::size_t) noexcept { return k; });
      }
  }
  static constexpr std::uint64_t most_constant_scales = 65536;
  static constexpr std::uint64_t most_at_a_point = 4096;

  std::span<const T> values_;
  std::span<const float> weights_;
  Scales scales_;
  Minimums minimums_;
  search_memory memory_;  // samples: values from the lowest one, ascending; breakpoints: the elements in a box
  std::size_t count_ = 0;
  int shift_ = 0;
  double origin_ = 0;
  double range_ = 0;
  double weight_ = 0;
  double mean_ = 0;
  double variance_ = 0;
  double rounding_ = 0;

  alphabet current_;
  std::size_t levels_ = 0;
  double middle_ = 0;
  double reach_ = 0;
  double narrowest_ = 0;
  double pivot_ = 0;  // what elements are taken from in place of the middle: middle_ where centres are minimums
  bool turns_ = false;
  bool settled_ = false;
  std::array<double, alphabet::max_size> offset_;
  std::array<double, alphabet::max_size> midpoint_;
  std::array<double, alphabet::max_size> level_low_;
  std::array<double, alphabet::max_size> level_high_;
  std::array<double, alphabet::max_size> border_low_;
  std::array<double, alphabet::max_size> border_high_;
  std::array<box, 768> boxes_;

  best_pair<T, Scales, Minimums> best_;
  std::uint64_t visits_left_;
  std::uint64_t most_tried_by_pair_;
  bool proven_ = true;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
