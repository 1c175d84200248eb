// The scales a search may choose from: the positive numbers of a type times a tensor scale, or a list.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/exact_sum.hpp>

FEWBITS_NAMESPACE_BEGIN

/// An ascending set of units above 0, numbered from first() to last(). `nearest(v)` is the number of the one nearest to
/// v, the lower of two; beyond the ends, the end.
template <class Grid>
concept scale_grid = requires(const Grid& grid, std::uint64_t number, const unpacked_number& v) {
  { grid.first() } -> std::same_as<std::uint64_t>;
  { grid.last() } -> std::same_as<std::uint64_t>;
  { grid.unit(number) } -> std::same_as<unpacked_number>;
  { grid.nearest(v) } -> std::same_as<std::uint64_t>;
};

/// All finite numbers of Scale above 0, times a tensor scale; a number is the scale's code.
/// Preconditions: the tensor scale is finite and above 0 and has at most 32 digits.
template <block_source Scale>
class number_grid {
  static constexpr float_format format = source_format<Scale>();
  static_assert(format.mantissa_bits < 24,
                "the exact search rounds scales of up to 24 digits: use float, or a type with fewer bits, for scales");

 public:
  constexpr explicit number_grid(const unpacked_number& tensor_scale_or_one = detail::unpacked_one) noexcept
      : tensor_scale_(tensor_scale_or_one) {}

  [[nodiscard]] constexpr std::uint64_t first() const noexcept { return format.min_positive_code(); }
  [[nodiscard]] constexpr std::uint64_t last() const noexcept { return format.max_code(); }
  [[nodiscard]] constexpr unpacked_number unit(std::uint64_t number) const noexcept {
    return exact_product(unpack_code<format>(number), tensor_scale_);
  }
  [[nodiscard]] constexpr std::uint64_t nearest(const unpacked_number& v) const noexcept {
    if (v.kind != number_class::finite || v.negative)
      return first();
    const std::uint64_t code = round_to_unbounded_code<format>(exact_quotient(v, tensor_scale_), toward_lower{});
    return (std::min)((std::max)(code, first()), last());
  }

 private:
  /// Nearest, the lower of two.
  struct toward_lower {
    using policy_kind = rounding_kind;
    static constexpr bool accepts_exact = true;
    [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept {
      return at.fraction > half_gap;
    }
  };
  unpacked_number tensor_scale_;
};

/// A list of units, ascending and above 0; a number is the place in the list. The list outlives the grid, and is not
/// empty.
class listed_grid {
 public:
  constexpr explicit listed_grid(std::span<const unpacked_number> ascending_units) noexcept : units_(ascending_units) {}

  [[nodiscard]] constexpr std::uint64_t first() const noexcept { return 0; }
  [[nodiscard]] constexpr std::uint64_t last() const noexcept { return units_.size() - 1; }
  [[nodiscard]] constexpr unpacked_number unit(std::uint64_t number) const noexcept {
    return units_[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] constexpr std::uint64_t nearest(const unpacked_number& v) const noexcept {
    std::size_t low = 0;
    std::size_t high = units_.size() - 1;
    while (low < high) {
      const std::size_t k = low + (high - low) / 2;
      unpacked_number twice_v = v;
      twice_v.exponent += 1;
      exact_sum side;
      side.add(twice_v);
      side.subtract(units_[k]);
      side.subtract(units_[k + 1]);
      if (side.sign() > 0)
        low = k + 1;
      else
        high = k;
    }
    return low;
  }

 private:
  std::span<const unpacked_number> units_;
};

FEWBITS_NAMESPACE_END
