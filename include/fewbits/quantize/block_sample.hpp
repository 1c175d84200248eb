// A block's values side by side, with their weights: what a search over scales works on.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// Blocks of a fixed size up to this many values are searched without an allocation, at compile time too.
inline constexpr std::size_t most_on_the_stack = 1024;
template <blocked Format>
inline constexpr bool searches_on_the_stack = Format::shape.is_fixed() && Format::size* Format::super_count
                                                                              <= most_on_the_stack;

/// Do weights differ? Inf and NaN, which a block may hold where they pass, have no part in a search: they weigh 0.
template <block_source T>
constexpr bool has_weights(const block_values<T>& from) noexcept {
  return from.has_importance() || from.largest_code() > source_format<T>().max_code();
}

/// `weights` is empty where has_weights is false.
template <block_source T>
constexpr void gather_values(const block_values<T>& from, std::span<T> values, std::span<float> weights) noexcept {
  constexpr float_format source = source_format<T>();
  std::size_t i = 0;
  for (std::size_t r = 0; r < from.rows(); ++r)
    for (std::size_t c = 0; c < from.columns(); ++c, ++i) {
      const bool finite = (from.code(r, c) & source.magnitude_mask()) <= source.max_code();
      values[i] = finite ? from(r, c) : T{};
      if (!weights.empty())
        weights[i] = finite ? from.importance(i) : 0.0f;
    }
}

/// Up to Size values of a block.
template <block_source T, std::size_t Size>
class block_sample_array {
 public:
  constexpr explicit block_sample_array(const block_values<T>& from) noexcept
      : size_(from.size()), weighed_(has_weights(from)) {
    gather_values(from, std::span<T>(values_), weighed_ ? std::span<float>(weights_) : std::span<float>());
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
