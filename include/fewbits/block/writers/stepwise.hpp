// float32 arithmetic step by step, each step rounded once, in integers: what presets use to copy the roundings of other
// writers' programs, whatever this program's compiler flags are. Source of the operations: IEEE 754-2019, section 5.4.
#pragma once

#include <bit>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/number/arithmetic.hpp>
#include <fewbits/number/codec.hpp>
#include <fewbits/number/native.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A float32 as its code. Operators round once to nearest even; overflow gives Inf, subnormals are kept; a NaN result
/// is the canonical one, its sign kept from no operand.
struct stepwise {
  static constexpr std::uint32_t infinity = 0x7f800000u;

  std::uint32_t code = 0;

  constexpr stepwise() noexcept = default;
  /// Rounds once.
  constexpr explicit stepwise(const unpacked_number& exact_value) noexcept
      : code(static_cast<std::uint32_t>(pack_code<binary32_format>(exact_value, operator_encoding))) {}
  /// The same float.
  constexpr explicit stepwise(float number_to_take) noexcept : code(std::bit_cast<std::uint32_t>(number_to_take)) {}
  [[nodiscard]] static constexpr stepwise from_code(std::uint32_t bits) noexcept {
    stepwise made;
    made.code = bits;
    return made;
  }
  /// 2^power, for -149 <= power <= 127.
  [[nodiscard]] static constexpr stepwise power_of_two(int power) noexcept {
    return stepwise(make_unpacked(false, 1, power));
  }

  [[nodiscard]] constexpr unpacked_number exact() const noexcept { return unpack_code<binary32_format>(code); }
  [[nodiscard]] constexpr float value() const noexcept { return std::bit_cast<float>(code); }
  [[nodiscard]] constexpr bool is_negative() const noexcept { return code >> 31 != 0; }
  [[nodiscard]] constexpr bool is_zero() const noexcept { return code << 1 == 0; }
  [[nodiscard]] constexpr bool is_nan() const noexcept { return code << 1 > 0xff000000u; }
  [[nodiscard]] constexpr stepwise magnitude() const noexcept { return from_code(code & 0x7fffffffu); }
  [[nodiscard]] constexpr stepwise negated() const noexcept { return from_code(code ^ 0x80000000u); }

  friend constexpr stepwise operator*(stepwise a, stepwise b) noexcept {
    return stepwise(exact::multiply(a.exact(), b.exact()));
  }
  friend constexpr stepwise operator/(stepwise a, stepwise b) noexcept {
    return stepwise(exact_quotient(a.exact(), b.exact()));
  }
  friend constexpr stepwise operator+(stepwise a, stepwise b) noexcept {
    return stepwise(exact::add(a.exact(), b.exact()));
  }
  friend constexpr stepwise operator-(stepwise a, stepwise b) noexcept { return a + b.negated(); }
  /// As floats compare: false with NaN, and the two zeros are equal.
  friend constexpr bool operator<(stepwise a, stepwise b) noexcept {
    return !a.is_nan() && !b.is_nan() && a.key() < b.key();
  }

 private:
  [[nodiscard]] constexpr std::int64_t key() const noexcept {
    const auto size = static_cast<std::int64_t>(code & 0x7fffffffu);
    return is_negative() ? -size : size;
  }
};

/// The largest magnitude of a block, rounded to float32; NaN if a value is NaN, as torch.amax gives.
template <block_source T>
constexpr stepwise largest_magnitude(const block_values<T>& values) noexcept {
  return stepwise(unpack_code<source_format<T>()>(values.largest_code()));
}

/// The nearest element, ties to even, Inf and larger values to the largest element. Signs stay, those of zeros too.
template <few_bit_number Element>
constexpr std::uint8_t nearest_code(stepwise x) noexcept {
  return static_cast<std::uint8_t>(pack_code<Element::format>(x.exact()));
}
/// The same for programs that take the sign from x < 0: zeros get code 0, while a negative x that is rounded to zero
/// keeps its sign.
template <few_bit_number Element>
constexpr std::uint8_t nearest_code_of_signless_zero(stepwise x) noexcept {
  return x.is_zero() ? std::uint8_t{0} : nearest_code<Element>(x);
}
/// The largest finite number of a type as a float32.
template <few_bit_number T>
inline constexpr stepwise largest_step{largest<T>};

/// x where it lies between the bounds, else the nearer bound; NaN stays.
constexpr stepwise clamped(stepwise x, stepwise low, stepwise high) noexcept {
  return x < low ? low : high < x ? high : x;
}
constexpr stepwise clamped_to(stepwise x, stepwise bound) noexcept { return clamped(x, bound.negated(), bound); }

namespace detail {

/// How far from 2^k, relative to it and in units of 2^-24, a number may be for its log2, correctly rounded to float32,
/// to be k. `distance` is |k|, or |k| - 1 where the number is on the side of 0's logarithm: the spacing of float32
/// there is 2^(m - 23) for m = floor(log2 distance), half of it is rounded off, and log2(1 + d) = d / ln 2.
constexpr std::uint64_t log2_slack(int distance) noexcept {
  constexpr std::uint64_t ln2_by_128 = 88;  // floor(128 ln 2) = floor(88.72)
  return distance <= 0 ? 0 : ln2_by_128 >> (8 - std::bit_width(static_cast<unsigned>(distance)));
}

}  // namespace detail

/// floor(log2f(x)) for a float32 above 0, with log2f rounded correctly to float32: one too high just below a power of
/// two that is far from 1. So do PyTorch, NumPy and glibc, which agree in this for every power of two.
constexpr int floor_of_rounded_log2(stepwise x) noexcept {
  const unpacked_number parts = x.exact();
  const int next = parts.exponent + 1;
  const std::uint64_t below = (0 - parts.significand) >> 40;  // of 2^next, in units of 2^-24
  const std::uint64_t slack = detail::log2_slack(next > 0 ? next - 1 : -next);
  return below <= slack && parts.significand != 1ull << 63 ? next : parts.exponent;
}

/// ceil(log2f(x)), likewise: one too low just above a power of two that is far from 1.
constexpr int ceil_of_rounded_log2(stepwise x) noexcept {
  const unpacked_number parts = x.exact();
  const std::uint64_t above = (parts.significand - (1ull << 63)) >> 39;
  const int power = parts.exponent;
  return above <= detail::log2_slack(power < 0 ? -power - 1 : power) ? power : power + 1;
}

FEWBITS_NAMESPACE_END
