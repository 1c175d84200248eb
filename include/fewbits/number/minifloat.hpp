// The one class of small floating-point numbers. Its format is data; nothing here asks for a type's name.
#pragma once

#include <compare>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/arithmetic.hpp>
#include <fewbits/number/convert.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A number in a format of 2 to 16 bits. Trivial, as large as its storage, and usable in constant expressions.
///
/// Constructors round to nearest even and saturate; a NaN into a format without NaN gives the largest finite value.
/// Operators round the exact result to nearest even and do not saturate: overflow gives Inf, NaN where there is no Inf,
/// and the largest finite value where there is neither.
///
/// Everything is explicit: adding fewbits to a program changes no overload resolution.
template <float_format Format>
class minifloat {
  static_assert(is_consistent(Format),
                "this float_format gives a code two meanings or none: see is_consistent in number/float_format.hpp");
  static_assert(Format.bits() >= 2 && Format.bits() <= exact::significant_bits,
                "minifloat holds 2 to 16 bits: use float or double for more");

 public:
  static constexpr float_format format = Format;
  using bits_type = std::conditional_t<(Format.bits() <= 8), std::uint8_t, std::uint16_t>;

  minifloat() = default;

  /// From any number of another type: one rounding to nearest even, saturating.
  template <number From>
  requires(!std::is_same_v<From, minifloat>) constexpr explicit minifloat(const From& from_number) noexcept
      : minifloat(convert<minifloat>(from_number)) {}

  /// The number with this code; bits above the format's are ignored.
  [[nodiscard]] static constexpr minifloat from_bits(bits_type code) noexcept {
    minifloat result{};
    result.bits_ = static_cast<bits_type>(code & Format.code_mask());
    return result;
  }
  [[nodiscard]] constexpr bits_type bits() const noexcept { return bits_; }

  /// To a native number. Floating-point types get the exact value wherever they can hold it (float holds every named
  /// type); integers get the value truncated, the nearest limit when out of range, and 0 for NaN; bool asks for
  /// nonzero.
  template <native_number To>
  [[nodiscard]] constexpr explicit operator To() const noexcept {
    if constexpr (std::is_same_v<To, bool>)
      return unpack(*this).kind != number_class::zero;
    else if constexpr (native_integer<To>)
      return convert<To>(*this, toward_zero);
    else
      return convert<To>(*this);
  }

  [[nodiscard]] friend constexpr minifloat operator+(minifloat a) noexcept { return a; }
  [[nodiscard]] friend constexpr minifloat operator-(minifloat a) noexcept requires(Format.is_signed) {
    // Without -0 the flipped zero would be NaN, and the flipped NaN zero.
    if (!Format.has_negative_zero() && Format.has_zero() && (a.bits_ & Format.magnitude_mask()) == 0)
      return a;
    return from_bits(static_cast<bits_type>(a.bits_ ^ Format.sign_mask()));
  }
  [[nodiscard]] friend constexpr minifloat operator+(minifloat a, minifloat b) noexcept {
    return rounded(exact::add(unpack(a), unpack(b)));
  }
  [[nodiscard]] friend constexpr minifloat operator-(minifloat a, minifloat b) noexcept {
    return rounded(exact::subtract(unpack(a), unpack(b)));
  }
  [[nodiscard]] friend constexpr minifloat operator*(minifloat a, minifloat b) noexcept {
    return rounded(exact::multiply(unpack(a), unpack(b)));
  }
  [[nodiscard]] friend constexpr minifloat operator/(minifloat a, minifloat b) noexcept {
    return rounded(exact::divide(unpack(a), unpack(b)));
  }
  friend constexpr minifloat& operator+=(minifloat& a, minifloat b) noexcept { return a = a + b; }
  friend constexpr minifloat& operator-=(minifloat& a, minifloat b) noexcept { return a = a - b; }
  friend constexpr minifloat& operator*=(minifloat& a, minifloat b) noexcept { return a = a * b; }
  friend constexpr minifloat& operator/=(minifloat& a, minifloat b) noexcept { return a = a / b; }

  /// IEEE comparison: NaN is unordered, -0 equals +0.
  [[nodiscard]] friend constexpr bool operator==(minifloat a, minifloat b) noexcept {
    return !Format.is_nan(a.bits_) && !Format.is_nan(b.bits_) && a.numeric_key() == b.numeric_key();
  }
  [[nodiscard]] friend constexpr std::partial_ordering operator<=>(minifloat a, minifloat b) noexcept {
    if (Format.is_nan(a.bits_) || Format.is_nan(b.bits_))
      return std::partial_ordering::unordered;
    return a.numeric_key() <=> b.numeric_key();
  }
  /// IEEE totalOrder: by sign, then magnitude code, so -NaN < -Inf < ... < -0 < +0 < ... < Inf < NaN. A NaN in the
  /// place of -0 has its sign bit set and comes first.
  [[nodiscard]] friend constexpr std::strong_ordering total_order(minifloat a, minifloat b) noexcept {
    return a.total_key() <=> b.total_key();
  }

  /// One rounding of a x b + c.
  [[nodiscard]] friend constexpr minifloat fma(minifloat a, minifloat b, minifloat c) noexcept {
    return rounded(exact::fma(unpack(a), unpack(b), unpack(c)));
  }
  /// sqrt(-0) is -0. A negative number gives NaN; in a format without NaN, the largest finite value.
  [[nodiscard]] friend constexpr minifloat sqrt(minifloat a) noexcept { return rounded(exact::sqrt(unpack(a))); }

  /// Clears the sign. NaN stays NaN, also where its code is a sign bit alone.
  [[nodiscard]] friend constexpr minifloat abs(minifloat a) noexcept {
    if (Format.nan == nan_codes::negative_zero && Format.is_nan(a.bits_))
      return a;
    return from_bits(static_cast<bits_type>(a.bits_ & Format.magnitude_mask()));
  }
  /// The magnitude of `a` with the sign of `b`. Zero and NaN keep their code in formats without -0.
  [[nodiscard]] friend constexpr minifloat copysign(minifloat a, minifloat b) noexcept requires(Format.is_signed) {
    return signbit(a) == signbit(b) || (Format.nan == nan_codes::negative_zero && Format.is_nan(b.bits_)) ? a : -a;
  }
  /// The sign bit of the code. A NaN in the place of -0 has it set.
  [[nodiscard]] friend constexpr bool signbit(minifloat a) noexcept { return Format.is_negative(a.bits_); }

  /// IEEE minimum and maximum: NaN if either is NaN, and -0 < +0.
  [[nodiscard]] friend constexpr minifloat(min)(minifloat a, minifloat b) noexcept {
    if (Format.is_nan(a.bits_) || Format.is_nan(b.bits_))
      return Format.is_nan(a.bits_) ? a : b;
    return b.total_key() < a.total_key() ? b : a;
  }
  [[nodiscard]] friend constexpr minifloat(max)(minifloat a, minifloat b) noexcept {
    if (Format.is_nan(a.bits_) || Format.is_nan(b.bits_))
      return Format.is_nan(a.bits_) ? a : b;
    return a.total_key() < b.total_key() ? b : a;
  }

  /// The neighbour of `from` in the direction of `to`; `to` itself where they are equal; NaN if either is NaN.
  /// Above the largest finite value comes Inf where there is one.
  [[nodiscard]] friend constexpr minifloat nextafter(minifloat from, minifloat to) noexcept {
    if (Format.is_nan(from.bits_) || Format.is_nan(to.bits_))
      return Format.is_nan(from.bits_) ? from : to;
    if (from == to)
      return to;
    const bool up = from < to;
    const std::uint64_t magnitude = from.bits_ & Format.magnitude_mask();
    const auto with_sign = [](std::uint64_t next_magnitude, bool below_zero) noexcept {
      if (below_zero && next_magnitude == 0 && !Format.has_negative_zero() && Format.has_zero())
        below_zero = false;
      return from_bits(static_cast<bits_type>(next_magnitude | (below_zero ? Format.sign_mask() : 0)));
    };
    if (magnitude == 0) {
      if constexpr (Format.has_zero())
        return with_sign(1, !up);
      else if (up == Format.is_negative(from.bits_))
        return with_sign(0, !up);  // across the gap around the missing zero
    }
    const bool outwards = up != Format.is_negative(from.bits_);
    return with_sign(outwards ? magnitude + 1 : magnitude - 1, Format.is_negative(from.bits_));
  }

  /// Only where NaN, or Inf, exists: a format without it has no question to answer.
  [[nodiscard]] friend constexpr bool isnan(minifloat a) noexcept requires(Format.has_nan()) {
    return Format.is_nan(a.bits_);
  }
  [[nodiscard]] friend constexpr bool isinf(minifloat a) noexcept requires(Format.has_inf()) {
    return Format.is_inf(a.bits_);
  }
  [[nodiscard]] friend constexpr bool isfinite(minifloat a) noexcept {
    return !Format.is_nan(a.bits_) && !Format.is_inf(a.bits_);
  }
  /// Neither zero, subnormal, Inf nor NaN.
  [[nodiscard]] friend constexpr bool isnormal(minifloat a) noexcept {
    return isfinite(a) && (a.bits_ & Format.magnitude_mask()) >= Format.min_normal_code();
  }

  /// The exact value, taken apart.
  [[nodiscard]] friend constexpr unpacked_number unpack(minifloat a) noexcept { return unpack_code<Format>(a.bits_); }

 private:
  [[nodiscard]] static constexpr minifloat rounded(const unpacked_number& x) noexcept {
    return from_bits(static_cast<bits_type>(pack_code<Format>(x, operator_encoding)));
  }
  /// Ordered integers: the codes of negative numbers count downwards from -1, or from 0 where -0 equals +0.
  [[nodiscard]] constexpr int total_key() const noexcept {
    if (Format.nan == nan_codes::negative_zero && Format.is_nan(bits_))
      return -2 - static_cast<int>(Format.magnitude_mask());  // below every number
    const int magnitude = static_cast<int>(bits_ & Format.magnitude_mask());
    return Format.is_negative(bits_) ? -1 - magnitude : magnitude;
  }
  [[nodiscard]] constexpr int numeric_key() const noexcept {
    return total_key() + (Format.is_negative(bits_) && Format.has_zero() ? 1 : 0);
  }

  bits_type bits_;
};

FEWBITS_NAMESPACE_END
