// The last word of the search for a scale: what floating point could not rule out is compared exactly.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_grid.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// A scale that may be the best: number in the grid, which alphabet, and bounds of how much it takes off the power.
struct scale_candidate {
  std::uint64_t number;
  int zero_point;
  bool mirrored;
  double gain_at_least;
  double gain_at_most;

  [[nodiscard]] constexpr bool same_choice(const scale_candidate& other) const noexcept {
    return number == other.number && zero_point == other.zero_point && mirrored == other.mirrored;
  }
  /// The tie rule: smaller magnitude, then positive, then smaller zero point.
  [[nodiscard]] constexpr bool precedes(const scale_candidate& other) const noexcept {
    if (number != other.number)
      return number < other.number;
    if (mirrored != other.mirrored)
      return other.mirrored;
    return zero_point < other.zero_point;
  }
};

/// The candidates that may still be the best, a bounded number of them: where more come, they are compared at once.
template <block_source T, scale_grid Grid>
class candidate_list {
 public:
  constexpr candidate_list(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                           const alphabet& elements_of_type, const Grid& permitted) noexcept
      : values_(values_to_encode), weights_(weights_or_none), elements_(elements_of_type), grid_(permitted) {}

  /// What some scale is known to take off the power; far below zero before the first.
  [[nodiscard]] constexpr double best_gain() const noexcept { return best_gain_; }

  constexpr void meet(const scale_candidate& found) noexcept {
    if (found.gain_at_most < best_gain_)
      return;
    best_gain_ = (std::max)(best_gain_, found.gain_at_least);
    for (std::size_t i = 0; i < count_; ++i)
      if (candidates_[i].same_choice(found)) {
        candidates_[i].gain_at_least = (std::max)(candidates_[i].gain_at_least, found.gain_at_least);
        candidates_[i].gain_at_most = (std::max)(candidates_[i].gain_at_most, found.gain_at_most);
        return;
      }
    if (count_ == candidates_.size())
      drop_the_beaten();
    if (count_ == candidates_.size())
      settle();
    candidates_[count_++] = found;
  }

  /// Precondition: one has been met.
  [[nodiscard]] constexpr scale_candidate best() noexcept {
    settle();
    return candidates_[0];
  }

 private:
  constexpr void drop_the_beaten() noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i)
      if (candidates_[i].gain_at_most >= best_gain_)
        candidates_[kept++] = candidates_[i];
    count_ = kept;
  }

  /// Leaves one candidate, the best, chosen by exact comparison where more than one is left.
  constexpr void settle() noexcept {
    drop_the_beaten();
    for (std::size_t i = 1; i < count_; ++i) {
      const auto order = compare_block_errors<error_norm::squared>(values_, decoder(candidates_[i]),
                                                                   decoder(candidates_[0]), weights_);
      if (order < 0 || (order == 0 && candidates_[i].precedes(candidates_[0])))
        candidates_[0] = candidates_[i];
    }
    count_ = (std::min<std::size_t>)(count_, 1);
  }

  /// Each value's nearest decoded value.
  [[nodiscard]] constexpr auto decoder(const scale_candidate& choice) const noexcept {
    alphabet used = elements_.with_zero_point(choice.zero_point);
    if (choice.mirrored)
      used = used.mirrored();
    return [this, used, unit = grid_.unit(choice.number)](std::size_t i) noexcept {
      const unpacked_number value = unpack_code<source_format<T>()>(source_code(values_[i]));
      return exact_product(used[used.nearest(value, unit)], unit);
    };
  }

  std::span<const T> values_;
  std::span<const float> weights_;
  alphabet elements_;
  Grid grid_;
  double best_gain_ = -0x1p1000;
  std::array<scale_candidate, 32> candidates_{};
  std::size_t count_ = 0;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
