// What no pair of a box can be better than: a lower bound of the error over a rectangle of scales and centres, wide
// enough for the rounding of its own doubles. Proof: item 7 of docs/quantize/exact_scale.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_minimum_block.hpp>
#include <fewbits/quantize/exact_minimum_levels.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Scales from s1 to s2, centres from low to high.
struct scale_centre_box {
  double s1;
  double s2;
  double low;
  double high;
};

/// A lower bound of the error in a box, and where it is nearly taken.
struct box_bound {
  double error;
  double scale;
  double centre;
  bool is_certain;   ///< every value has one nearest element
  bool is_constant;  ///< and it is the same for all
};

template <block_source T>
class box_bounds {
 public:
  /// `room` has an entry for each value.
  constexpr explicit box_bounds(std::span<breakpoint> room) noexcept : nearest_(room) {}

  /// Values with one nearest element in all of the box make a convex quadratic of scale and centre; its least value in
  /// the box is bounded by its tangent plane at any point. All others cost at least their distance from all levels.
  /// Offsets are taken from `pivot` beyond the middle: the middle itself makes the centre the minimum.
  [[nodiscard]] constexpr box_bound find(const pair_block<T>& block, const element_offsets& levels,
                                         const scale_centre_box& of, double pivot, double give_up_above) noexcept {
    const double largest_centre = (std::max)(magnitude(of.low), magnitude(of.high));
    const double reach = levels.reach() + magnitude(pivot);
    const double farthest = block.range() + largest_centre + of.s2 * reach;
    const double off = 0x1p-50 * farthest;
    lay_levels(levels, of, pivot, off);

    offset_sums certain{};
    double others = 0;
    std::size_t passed = 0;     // borders that lie below the value wherever they stand
    std::size_t reachable = 0;  // and those that may
    box_bound found{0, of.s1, of.low, true, true};
    for (std::size_t i = 0; i < block.size(); ++i) {
      const block_sample& each = block[i];
      while (passed + 1 < levels.size() && each.magnitude > border_high_[passed])
        ++passed;
      while (reachable + 1 < levels.size() && each.magnitude >= border_low_[reachable])
        ++reachable;
      if (passed == reachable) {
        nearest_[i].sample = static_cast<std::uint32_t>(passed);
        found.is_constant = found.is_constant && passed == nearest_[0].sample;
        certain.add(each, levels.offset(passed) + pivot);
      } else {
        nearest_[i].sample = uncertain;
        found.is_certain = false;
        double distance = farthest;
        for (std::size_t k = passed; k <= reachable; ++k)
          distance = (std::min)(distance, (std::max)(level_low_[k] - each.magnitude, each.magnitude - level_high_[k]));
        if (distance > 0)
          others += each.weight * distance * distance;
      }
    }
    found.is_constant = found.is_constant && found.is_certain;
    found.error = others * (1 - block.rounding()) - floor_of_doubles;
    if (certain.w > 0 && !(found.error > give_up_above))
      add_tangent(found, block, levels, of, pivot, certain, others, off);
    return found;
  }

  // Where the last bound is_certain:
  /// the element of value i of the block in order,
  [[nodiscard]] constexpr std::size_t element_of(std::size_t i) const noexcept { return nearest_[i].sample; }
  /// and that of a value x.
  [[nodiscard]] constexpr std::size_t element_at(double x, std::size_t levels) const noexcept {
    std::size_t k = 0;
    while (k + 1 < levels && x > border_high_[k])
      ++k;
    return k;
  }

 private:
  static constexpr std::uint32_t uncertain = 0xffffffffu;

  /// Where levels may stand for the scales and centres of a box; a little wider than rounding can matter.
  constexpr void lay_levels(const element_offsets& levels, const scale_centre_box& of, double pivot,
                            double off) noexcept {
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const double b = levels.offset(k) + pivot;
      level_low_[k] = of.low + (b < 0 ? of.s2 : of.s1) * b - off;
      level_high_[k] = of.high + (b < 0 ? of.s1 : of.s2) * b + off;
      if (k + 1 < levels.size()) {
        const double mid = levels.midpoint(k) + pivot;
        border_low_[k] = of.low + (mid < 0 ? of.s2 : of.s1) * mid - off;
        border_high_[k] = of.high + (mid < 0 ? of.s1 : of.s2) * mid + off;
      }
    }
  }

  /// The least of the tangent plane, at about the least point of the quadratic, over the box.
  constexpr void add_tangent(box_bound& found, const pair_block<T>& block, const element_offsets& levels,
                             const scale_centre_box& of, double pivot, const offset_sums& certain, double others,
                             double off) const noexcept {
    double s = of.s1;
    double centre = of.low;
    const double det = certain.bb - certain.b * (certain.b / certain.w);
    if (det > certain.bb * 0x1p-40)
      s = clamp((certain.bx - certain.b * (certain.x / certain.w)) / det, of.s1, of.s2);
    for (int i = 0; i < 2; ++i) {
      centre = clamp((certain.x - s * certain.b) / certain.w, of.low, of.high);
      if (certain.bb > 0 && of.s1 < of.s2)
        s = clamp((certain.bx - centre * certain.b) / certain.bb, of.s1, of.s2);
    }
    centre = clamp((certain.x - s * certain.b) / certain.w, of.low, of.high);
    double error = 0;
    double distances = 0;
    double slope = 0;        // half of what the error falls by, along the centre
    double slope_scale = 0;  // and along the scale
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::uint32_t k = nearest_[i].sample;
      if (k == uncertain)
        continue;
      const block_sample& each = block[i];
      const double b = levels.offset(k) + pivot;
      const double r = each.magnitude - centre - s * b;
      error += each.weight * r * r;
      distances += each.weight * magnitude(r);
      slope += each.weight * r;
      slope_scale += each.weight * r * b;
    }
    const double along_centre = slope > 0 ? of.high - centre : of.low - centre;
    const double along_scale = slope_scale > 0 ? of.s2 - s : of.s1 - s;
    const double slope_off = certain.w * off + block.rounding() * distances;
    const double tangent = 2 * slope * along_centre + 2 * slope_scale * along_scale;
    const double reach = levels.reach() + magnitude(pivot);
    const double tangent_off =
        2 * slope_off * ((of.high - of.low) + reach * (of.s2 - of.s1)) + 0x1p-50 * magnitude(tangent);
    found.error =
        (others + error) * (1 - block.rounding()) - 4 * off * distances - tangent - tangent_off - floor_of_doubles;
    found.scale = s;
    found.centre = centre;
  }
  static constexpr double clamp(double v, double low, double high) noexcept {
    return v < low ? low : v > high ? high : v;
  }

  std::span<breakpoint> nearest_;  // sample: the element of each value, or uncertain
  std::array<double, alphabet::max_size> level_low_;
  std::array<double, alphabet::max_size> level_high_;
  std::array<double, alphabet::max_size> border_low_;
  std::array<double, alphabet::max_size> border_high_;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
