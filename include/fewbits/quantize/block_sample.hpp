// A block's values side by side, with their weights: what a search over scales works on.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// Blocks of a fixed size up to this many values are searched without an allocation, at compile time too.
inline constexpr std::size_t most_on_the_stack = 1024;
template <blocked Format>
inline constexpr bool searches_on_the_stack = Format::shape.is_fixed() && Format::size* Format::super_count
                                                                              <= most_on_the_stack;

template <block_source T>
constexpr void gather_values(const block_values<T>& from, std::span<T> values, std::span<float> weights) noexcept {
  std::size_t i = 0;
  for (std::size_t r = 0; r < from.rows(); ++r)
    for (std::size_t c = 0; c < from.columns(); ++c, ++i) {
      values[i] = from(r, c);
      if (from.has_importance())
        weights[i] = from.importance(i);
    }
}

/// Up to Size values of a block.
template <block_source T, std::size_t Size>
class block_sample_array {
 public:
  constexpr explicit block_sample_array(const block_values<T>& from) noexcept
      : size_(from.size()), weighed_(from.has_importance()) {
    gather_values(from, std::span<T>(values_), std::span<float>(weights_));
  }
  [[nodiscard]] constexpr std::span<const T> values() const noexcept { return {values_.data(), size_}; }
  /// Empty where every value weighs the same.
  [[nodiscard]] constexpr std::span<const float> weights() const noexcept {
    return {weights_.data(), weighed_ ? size_ : 0};
  }

 private:
  std::array<T, Size> values_{};
  std::array<float, Size> weights_{};
  std::size_t size_;
  bool weighed_;
};

}  // namespace detail

FEWBITS_NAMESPACE_END
