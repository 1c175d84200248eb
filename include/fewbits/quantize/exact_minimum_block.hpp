// A block as the search for scale and minimum sees it: normalised doubles, taken from the lowest value, ascending.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

namespace detail {

/// What is below this is lost where subnormals are flushed: it is added to every bound.
inline constexpr double floor_of_doubles = 0x1p-900;

/// Values divided by 2^shift, less the lowest of them, each with its weight divided by a power of two. Values that
/// weigh nothing are left out.
template <block_source T>
class pair_block {
 public:
  constexpr pair_block(std::span<const T> values_to_encode, std::span<const float> weights_or_none,
                       std::span<block_sample> room_for_samples) noexcept
      : values_(values_to_encode), weights_(weights_or_none), samples_(room_for_samples) {
    sort_values();
    sum_values();
  }

  /// How many values weigh.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr const block_sample& operator[](std::size_t i) const noexcept { return samples_[i]; }
  [[nodiscard]] constexpr int shift() const noexcept { return shift_; }
  /// The lowest value.
  [[nodiscard]] constexpr double origin() const noexcept { return origin_; }
  /// The highest value less the lowest.
  [[nodiscard]] constexpr double range() const noexcept { return range_; }
  /// The sum of the weights, and the weighted mean and sum of squares about it.
  [[nodiscard]] constexpr double weight() const noexcept { return weight_; }
  [[nodiscard]] constexpr double mean() const noexcept { return mean_; }
  [[nodiscard]] constexpr double variance() const noexcept { return variance_; }
  /// What a sum over the block may be off by, relative to the sum of its terms' magnitudes.
  [[nodiscard]] constexpr double rounding() const noexcept { return rounding_; }
  /// Of an error summed in doubles: its own rounding, and that of the values' differences from the lowest.
  [[nodiscard]] constexpr double tolerance_of(double error) const noexcept {
    return rounding_ * (error + weight_ * range_ * range_ * 0x1p-40) + floor_of_doubles;
  }

  // The block as it was given, those that do not weigh with it.
  [[nodiscard]] constexpr std::size_t size_with_weightless() const noexcept { return values_.size(); }
  [[nodiscard]] constexpr bool weighs(std::size_t i) const noexcept {
    return weight_at(i).kind == number_class::finite && !weight_at(i).negative;
  }
  [[nodiscard]] constexpr unpacked_number value_at(std::size_t i) const noexcept {
    return unpack_code<source_format<T>()>(source_code(values_[i]));
  }
  [[nodiscard]] constexpr unpacked_number weight_at(std::size_t i) const noexcept {
    return weights_.empty() ? unpacked_one : unpack(weights_[i]);
  }

 private:
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
        samples_[count_++] = {x, scaled_double(weight_at(i), -top_weight.value)};
      }
    origin_ = lowest;
    for (std::size_t i = 0; i < count_; ++i)
      samples_[i].magnitude -= origin_;
    std::sort(samples_.data(), samples_.data() + count_,
              [](const block_sample& a, const block_sample& b) noexcept { return a.magnitude < b.magnitude; });
  }
  constexpr void sum_values() noexcept {
    if (count_ == 0)
      return;
    range_ = samples_[count_ - 1].magnitude;
    rounding_ = (static_cast<double>(count_) + 16) * 0x1p-50;
    double sum = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      weight_ += samples_[i].weight;
      sum += samples_[i].weight * samples_[i].magnitude;
    }
    mean_ = sum / weight_;
    for (std::size_t i = 0; i < count_; ++i) {
      const double r = samples_[i].magnitude - mean_;
      variance_ += samples_[i].weight * r * r;
    }
  }

  std::span<const T> values_;
  std::span<const float> weights_;
  std::span<block_sample> samples_;
  std::size_t count_ = 0;
  int shift_ = 0;
  double origin_ = 0;
  double range_ = 0;
  double weight_ = 0;
  double mean_ = 0;
  double variance_ = 0;
  double rounding_ = 0;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
