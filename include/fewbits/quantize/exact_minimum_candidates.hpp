// The best pair of scale and minimum met so far: floating point with its own error bound first, exact sums last.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_minimum_grid.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// Numbers in their grids, which alphabet, and the error in doubles with what it may be off by.
struct pair_candidate {
  std::uint64_t scale;
  std::uint64_t minimum;
  bool mirrored;
  double error;
  double tolerance;
};

template <block_source T, scale_grid Scales, minimum_grid Minimums>
class best_pair {
 public:
  constexpr best_pair(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                      const alphabet& elements_of_type, const Scales& scales, const Minimums& minimums) noexcept
      : values_(values_to_encode),
        weights_(weights_or_none),
        elements_(elements_of_type),
        scales_(scales),
        minimums_(minimums) {}

  [[nodiscard]] constexpr bool any() const noexcept { return any_; }
  /// What the least error known is at most. Precondition of this and what follows: any().
  [[nodiscard]] constexpr double error_at_most() const noexcept { return best_.error + best_.tolerance; }
  [[nodiscard]] constexpr const pair_candidate& choice() const noexcept { return best_; }
  /// Is every value exact?
  [[nodiscard]] constexpr bool is_perfect() const noexcept { return perfect_; }

  constexpr void meet(const pair_candidate& found) noexcept {
    if (any_) {
      if (found.error - found.tolerance > best_.error + best_.tolerance)
        return;
      if (found.scale == best_.scale && found.minimum == best_.minimum && found.mirrored == best_.mirrored)
        return;
      if (found.error + found.tolerance >= best_.error - best_.tolerance) {
        const auto order = compare(found, best_);
        if (order > 0 || (order == 0 && !precedes(found, best_)))
          return;
      }
    }
    best_ = found;
    any_ = true;
    perfect_ = found.error <= 2 * found.tolerance && fits(found);
  }

 private:
  /// The tie rule: smaller magnitude of the scale, then +, then smaller magnitude of the minimum, then +.
  [[nodiscard]] constexpr bool precedes(const pair_candidate& a, const pair_candidate& b) const noexcept {
    if (a.scale != b.scale)
      return a.scale < b.scale;
    if (a.mirrored != b.mirrored)
      return b.mirrored;
    unpacked_number first = minimums_.value(a.minimum);
    unpacked_number second = minimums_.value(b.minimum);
    first.negative = false;
    second.negative = false;
    const auto order = compare_values(first, second);
    return order != 0 ? order < 0 : a.minimum > b.minimum;
  }

  struct pair_values {
    alphabet elements;
    unpacked_number scale;
    unpacked_number minimum;

    /// The element nearest to x, exactly.
    [[nodiscard]] constexpr unpacked_number nearest(const unpacked_number& x) const noexcept {
      std::size_t low = 0;
      std::size_t high = elements.size() - 1;
      unpacked_number twice_x = x;
      twice_x.exponent += 1;
      unpacked_number twice_minimum = minimum;
      twice_minimum.exponent += 1;
      while (low < high) {
        const std::size_t k = low + (high - low) / 2;
        exact_sum side;
        side.add(twice_x);
        side.subtract(twice_minimum);
        side.subtract(elements[k], scale);
        side.subtract(elements[k + 1], scale);
        if (side.sign() > 0)
          low = k + 1;
        else
          high = k;
      }
      return elements[low];
    }
  };
  [[nodiscard]] constexpr pair_values values_of(const pair_candidate& pair) const noexcept {
    return {pair.mirrored ? elements_.mirrored() : elements_, scales_.unit(pair.scale), minimums_.value(pair.minimum)};
  }
  [[nodiscard]] constexpr unpacked_number value_at(std::size_t i) const noexcept {
    return unpack_code<source_format<T>()>(source_code(values_[i]));
  }
  [[nodiscard]] constexpr unpacked_number weight_at(std::size_t i) const noexcept {
    return weights_.empty() ? unpacked_one : unpack(weights_[i]);
  }

  /// E(a) <=> E(b): (x - v)^2 - x^2 = v^2 - 2 x v with v = minimum + scale x element, all terms apart.
  [[nodiscard]] constexpr std::strong_ordering compare(const pair_candidate& a,
                                                       const pair_candidate& b) const noexcept {
    exact_sum difference;
    const pair_values pairs[2] = {values_of(a), values_of(b)};
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const unpacked_number w = weight_at(i);
      if (w.kind != number_class::finite)
        continue;
      const unpacked_number x = value_at(i);
      for (std::size_t side = 0; side < 2; ++side) {
        const unpacked_number s = pairs[side].scale;
        const unpacked_number m = pairs[side].minimum;
        const unpacked_number t = pairs[side].nearest(x);
        unpacked_number twice_m = m;
        unpacked_number less_twice_x = exact::negate(x);
        twice_m.exponent += 1;
        less_twice_x.exponent += 1;
        unpacked_number signed_w = w;
        signed_w.negative = side != 0;
        difference.add(signed_w, s, s, t, t);
        difference.add(signed_w, m, m);
        difference.add(signed_w, twice_m, s, t);
        difference.add(signed_w, less_twice_x, m);
        difference.add(signed_w, less_twice_x, s, t);
      }
    }
    return difference.sign();
  }
  [[nodiscard]] constexpr bool fits(const pair_candidate& pair) const noexcept {
    const pair_values of = values_of(pair);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (weight_at(i).kind != number_class::finite)
        continue;
      exact_sum rest;
      rest.add(value_at(i));
      rest.subtract(of.minimum);
      rest.subtract(of.scale, of.nearest(value_at(i)));
      if (rest.sign() != 0)
        return false;
    }
    return true;
  }

  std::span<const T> values_;
  std::span<const float> weights_;
  alphabet elements_;
  Scales scales_;
  Minimums minimums_;
  pair_candidate best_{};
  bool any_ = false;
  bool perfect_ = false;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
