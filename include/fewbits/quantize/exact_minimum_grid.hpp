// The minimums, and the scales of super-blocks, that a search for both may choose from, in ascending order.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/quantize/exact_grid.hpp>

FEWBITS_NAMESPACE_BEGIN

/// An ascending set of numbers of either sign, numbered from first() to last().
template <class Grid>
concept minimum_grid = requires(const Grid& grid, std::uint64_t number) {
  { grid.first() } -> std::same_as<std::uint64_t>;
  { grid.last() } -> std::same_as<std::uint64_t>;
  { grid.value(number) } -> std::same_as<unpacked_number>;
};

/// All finite numbers of a floating-point type, 0 once. code() gives the code of a number.
template <block_source Minimum>
class number_minimums {
  static constexpr float_format format = source_format<Minimum>();
  static_assert(format.mantissa_bits < 32, "the exact search takes minimums of up to 32 digits: use float or less");
  static_assert(format.has_zero(), "a minimum is of a type that has a zero");

 public:
  [[nodiscard]] constexpr std::uint64_t first() const noexcept { return 0; }
  [[nodiscard]] constexpr std::uint64_t last() const noexcept { return zero() + format.max_code(); }
  [[nodiscard]] constexpr unpacked_number value(std::uint64_t number) const noexcept {
    return unpack_code<format>(code(number));
  }
  [[nodiscard]] constexpr std::uint64_t code(std::uint64_t number) const noexcept {
    return number < zero() ? (zero() - number) | format.sign_mask() : number - zero();
  }

 private:
  static constexpr std::uint64_t zero() noexcept { return format.is_signed ? format.max_code() : 0; }
};

/// 0 and -code x a super-block's scale of minimums, for all codes of an unsigned integer; 0 alone if that scale is 0.
template <few_bit_number Code>
class coded_minimums {
  static_assert(is_fixed_point<Code>, "the minimums of super-blocks are unsigned integers");
  static_assert(!Code::format.is_signed, "the minimums of super-blocks are unsigned integers");

 public:
  /// Precondition: finite, 0 or above.
  constexpr explicit coded_minimums(const unpacked_number& scale_of_minimums) noexcept : super_(scale_of_minimums) {}

  [[nodiscard]] constexpr std::uint64_t first() const noexcept { return 0; }
  [[nodiscard]] constexpr std::uint64_t last() const noexcept {
    return super_.kind == number_class::finite ? Code::format.max_code() : 0;
  }
  [[nodiscard]] constexpr unpacked_number value(std::uint64_t number) const noexcept {
    const std::uint64_t own_code = code(number);
    if (own_code == 0)
      return {};
    return exact::negate(exact_product(unpack_code<Code::format>(own_code), super_));
  }
  [[nodiscard]] constexpr std::uint64_t code(std::uint64_t number) const noexcept { return last() - number; }

 private:
  unpacked_number super_;
};

/// The codes above 0 of an integer or floating-point type times a super-block's scale; a number is the code.
template <few_bit_number Code>
class coded_scales {
  static_assert(is_fixed_point<Code> || is_minifloat<Code>, "the scales of super-blocks are integers or floats");

 public:
  /// Precondition: finite, above 0.
  constexpr explicit coded_scales(const unpacked_number& super) noexcept : super_(super) {}

  [[nodiscard]] constexpr std::uint64_t first() const noexcept {
    if constexpr (is_minifloat<Code>)
      return Code::format.min_positive_code();
    else
      return 1;
  }
  [[nodiscard]] constexpr std::uint64_t last() const noexcept { return Code::format.max_code(); }
  [[nodiscard]] constexpr unpacked_number unit(std::uint64_t number) const noexcept {
    return exact_product(unpack_code<Code::format>(number), super_);
  }
  /// The number of the unit nearest to v, the lower of two; beyond the ends, the end.
  [[nodiscard]] constexpr std::uint64_t nearest(const unpacked_number& v) const noexcept {
    std::uint64_t low = first();
    std::uint64_t high = last();
    while (low < high) {
      const std::uint64_t k = low + (high - low) / 2;
      unpacked_number twice_v = v;
      twice_v.exponent += 1;
      exact_sum side;
      side.add(twice_v);
      side.subtract(unit(k));
      side.subtract(unit(k + 1));
      if (side.sign() > 0)
        low = k + 1;
      else
        high = k;
    }
    return low;
  }

 private:
  unpacked_number super_;
};

FEWBITS_NAMESPACE_END
