// Small integers (int4, uint4, int2, uint2) and binary fractions (the MX int8 element) as one class.
#pragma once

#include <compare>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/arithmetic.hpp>
#include <fewbits/number/convert.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A number code x 2^-fraction_bits of up to 8 bits, one a byte; packed storage is a matter of blocks.
///
/// Constructors round to nearest even and saturate; NaN gives the largest value. Operators compute the exact result,
/// round it (to nearest even; quotients of integers toward zero, as in C++) and clamp it to the range: no operator
/// wraps, and division by zero gives a limit, or the largest value for 0 / 0.
template <fixed_format Format>
class fixed_point {
  static_assert(is_consistent(Format),
                "a fixed_format has 1 to 64 bits, 2 and up if signed, and symmetric means signed");
  static_assert(Format.total_bits <= 8, "fixed_point holds at most 8 bits: use a native integer for more");

 public:
  static constexpr fixed_format format = Format;
  using bits_type = std::uint8_t;

  fixed_point() = default;

  template <number From>
  requires(!std::is_same_v<From, fixed_point>) constexpr explicit fixed_point(const From& from_number) noexcept
      : fixed_point(convert<fixed_point>(from_number)) {}

  /// The number with this code; bits above the format's are ignored.
  [[nodiscard]] static constexpr fixed_point from_bits(bits_type code) noexcept {
    fixed_point result{};
    result.bits_ = static_cast<bits_type>(code & Format.code_mask());
    return result;
  }
  /// The code, two's complement, in the low bits; the bits above are 0.
  [[nodiscard]] constexpr bits_type bits() const noexcept { return bits_; }

  /// To a native number: exact in floating-point types, truncated in integers; bool asks for nonzero.
  template <native_number To>
  [[nodiscard]] constexpr explicit operator To() const noexcept {
    if constexpr (std::is_same_v<To, bool>)
      return bits_ != 0;
    else if constexpr (native_integer<To>)
      return convert<To>(*this, toward_zero);
    else
      return convert<To>(*this);
  }

  [[nodiscard]] friend constexpr fixed_point operator+(fixed_point a) noexcept { return a; }
  [[nodiscard]] friend constexpr fixed_point operator-(fixed_point a) noexcept requires(Format.is_signed) {
    return rounded(exact::negate(unpack(a)));
  }
  [[nodiscard]] friend constexpr fixed_point operator+(fixed_point a, fixed_point b) noexcept {
    return rounded(exact::add(unpack(a), unpack(b)));
  }
  [[nodiscard]] friend constexpr fixed_point operator-(fixed_point a, fixed_point b) noexcept {
    return rounded(exact::subtract(unpack(a), unpack(b)));
  }
  [[nodiscard]] friend constexpr fixed_point operator*(fixed_point a, fixed_point b) noexcept {
    return rounded(exact::multiply(unpack(a), unpack(b)));
  }
  [[nodiscard]] friend constexpr fixed_point operator/(fixed_point a, fixed_point b) noexcept {
    if constexpr (Format.fraction_bits == 0)
      return rounded(exact::divide(unpack(a), unpack(b)), toward_zero);
    else
      return rounded(exact::divide(unpack(a), unpack(b)));
  }
  friend constexpr fixed_point& operator+=(fixed_point& a, fixed_point b) noexcept { return a = a + b; }
  friend constexpr fixed_point& operator-=(fixed_point& a, fixed_point b) noexcept { return a = a - b; }
  friend constexpr fixed_point& operator*=(fixed_point& a, fixed_point b) noexcept { return a = a * b; }
  friend constexpr fixed_point& operator/=(fixed_point& a, fixed_point b) noexcept { return a = a / b; }

  [[nodiscard]] friend constexpr bool operator==(fixed_point, fixed_point) noexcept = default;
  [[nodiscard]] friend constexpr std::strong_ordering operator<=>(fixed_point a, fixed_point b) noexcept {
    return a.key() <=> b.key();
  }

  /// The order of the values: the same as <=>.
  [[nodiscard]] friend constexpr std::strong_ordering total_order(fixed_point a, fixed_point b) noexcept {
    return a <=> b;
  }

  /// One rounding of a x b + c, clamped.
  [[nodiscard]] friend constexpr fixed_point fma(fixed_point a, fixed_point b, fixed_point c) noexcept {
    return rounded(exact::fma(unpack(a), unpack(b), unpack(c)));
  }
  /// To nearest even. A negative number gives the largest value.
  [[nodiscard]] friend constexpr fixed_point sqrt(fixed_point a) noexcept { return rounded(exact::sqrt(unpack(a))); }
  /// The magnitude of `a`, clamped, with the sign of `b`; 0 counts as positive.
  [[nodiscard]] friend constexpr fixed_point copysign(fixed_point a, fixed_point b) noexcept
      requires(Format.is_signed) {
    return signbit(a) == signbit(b) ? a : -a;
  }
  [[nodiscard]] friend constexpr bool signbit(fixed_point a) noexcept { return a.key() < 0; }
  [[nodiscard]] friend constexpr bool isfinite(fixed_point) noexcept { return true; }
  /// The neighbour of `from` in the direction of `to`, or `to` itself where they are equal.
  [[nodiscard]] friend constexpr fixed_point nextafter(fixed_point from, fixed_point to) noexcept {
    const int step = from < to ? 1 : to < from ? -1 : 0;
    return from_bits(static_cast<bits_type>(from.key() + step));
  }

  /// Clamped: the magnitude of the lowest integer is the largest one.
  [[nodiscard]] friend constexpr fixed_point abs(fixed_point a) noexcept {
    unpacked_number x = unpack(a);
    x.negative = false;
    return rounded(x);
  }
  [[nodiscard]] friend constexpr fixed_point(min)(fixed_point a, fixed_point b) noexcept { return b < a ? b : a; }
  [[nodiscard]] friend constexpr fixed_point(max)(fixed_point a, fixed_point b) noexcept { return a < b ? b : a; }

  /// The exact value, taken apart.
  [[nodiscard]] friend constexpr unpacked_number unpack(fixed_point a) noexcept { return unpack_code<Format>(a.bits_); }

 private:
  template <rounding_policy Rounding = nearest_even_t>
  [[nodiscard]] static constexpr fixed_point rounded(const unpacked_number& x, Rounding rounding = {}) noexcept {
    return from_bits(static_cast<bits_type>(pack_code<Format>(x, encoding<Rounding>{.rounding = rounding})));
  }
  /// The signed value of the code.
  [[nodiscard]] constexpr int key() const noexcept {
    const int sign = static_cast<int>(Format.sign_mask());
    return (bits_ ^ sign) - sign;
  }

  bits_type bits_;
};

FEWBITS_NAMESPACE_END
