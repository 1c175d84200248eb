// Elements by their distance from the middle of the alphabet: level = centre + scale x offset of the element, so that a
// box of scales and centres moves all levels about alike.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

class element_offsets {
 public:
  constexpr explicit element_offsets(const alphabet& elements_of_type) noexcept : elements_(elements_of_type) {}

  constexpr void use(const alphabet& elements) noexcept {
    elements_ = elements;
    count_ = elements_.size();
    const double first = scaled_double(elements_[0], 0);
    const double last = scaled_double(elements_[count_ - 1], 0);
    middle_ = (first + last) / 2;
    reach_ = 0;
    narrowest_ = last - first;
    for (std::size_t k = 0; k < count_; ++k) {
      offset_[k] = scaled_double(elements_[k], 0) - middle_;
      reach_ = (std::max)(reach_, magnitude(offset_[k]));
      if (k != 0) {
        midpoint_[k - 1] = (offset_[k - 1] + offset_[k]) / 2;
        narrowest_ = (std::min)(narrowest_, offset_[k] - offset_[k - 1]);
      }
    }
  }
  /// The elements of the other sign of the scale. Precondition: is_symmetric(), so that the offsets are the same.
  constexpr void turn() noexcept {
    elements_ = elements_.mirrored();
    middle_ = -middle_;
  }

  [[nodiscard]] constexpr const alphabet& elements() const noexcept { return elements_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  /// The mean of the first and the last element.
  [[nodiscard]] constexpr double middle() const noexcept { return middle_; }
  /// Element k less the middle, and the border between elements k and k + 1.
  [[nodiscard]] constexpr double offset(std::size_t k) const noexcept { return offset_[k]; }
  [[nodiscard]] constexpr double midpoint(std::size_t k) const noexcept { return midpoint_[k]; }
  /// The largest offset.
  [[nodiscard]] constexpr double reach() const noexcept { return reach_; }
  /// The least step from one element to the next.
  [[nodiscard]] constexpr double narrowest() const noexcept { return narrowest_; }

  [[nodiscard]] constexpr bool is_symmetric() const noexcept {
    for (std::size_t k = 0; k < count_; ++k)
      if (offset_[k] + offset_[count_ - 1 - k] > 0 || offset_[k] + offset_[count_ - 1 - k] < 0)
        return false;
    return true;
  }
  /// Are the elements evenly spaced, and some left over where the scale is large? Other centres, whole steps away from
  /// the middle one, then only take elements away: what is too dear within half a step of it is too dear everywhere.
  [[nodiscard]] constexpr bool is_even() const noexcept {
    for (std::size_t k = 1; k < count_; ++k)
      if (offset_[k] - offset_[k - 1] > narrowest_)
        return false;
    return count_ > 3;
  }

 private:
  alphabet elements_;
  std::size_t count_ = 0;
  double middle_ = 0;
  double reach_ = 0;
  double narrowest_ = 0;
  std::array<double, alphabet::max_size> offset_;
  std::array<double, alphabet::max_size> midpoint_;
};

/// Weighted sums over values x and offsets b: the error is a quadratic of them.
struct offset_sums {
  double w, b, bb, x, bx;

  constexpr void add(const block_sample& each, double offset) noexcept {
    const double wb = each.weight * offset;
    w += each.weight;
    b += wb;
    bb += wb * offset;
    x += each.weight * each.magnitude;
    bx += wb * each.magnitude;
  }
};

}  // namespace detail

FEWBITS_NAMESPACE_END
