// A floating-point format as a value: how many bits, which bias, and how zero, Inf and NaN are encoded.
// Sources: OCP OFP8 1.0, OCP MX 1.0, IEEE 754-2019, IEEE P3109 draft, arXiv 2209.05433.
#pragma once

#include <cstdint>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Which codes are NaN.
enum class nan_codes : std::uint8_t {
  none,           ///< every code is a number
  ieee,           ///< exponent all ones, mantissa not zero
  top,            ///< the highest magnitude of each sign
  negative_zero,  ///< sign bit alone, the place of -0
};

/// Which codes are infinite.
enum class inf_codes : std::uint8_t {
  none,  ///< none
  ieee,  ///< exponent all ones, mantissa zero
  top,   ///< the highest magnitude of each sign that is not NaN
};

/// Which codes are zero.
enum class zero_codes : std::uint8_t {
  none,      ///< none: the lowest exponent field is an ordinary one, and there are no subnormals
  positive,  ///< code 0 alone
  both,      ///< +0 and -0
};

/// A structural type, so a format can be a template argument. From the most significant bit a code holds
/// a sign (if signed), an exponent field and a mantissa field. Field 0 holds zero and the subnormals,
/// mantissa x 2^(1 - bias - mantissa_bits); field e holds (1 + mantissa x 2^-mantissa_bits) x 2^(e - bias).
struct float_format {
  int exponent_bits = 0;
  int mantissa_bits = 0;
  int bias = 0;
  bool is_signed = true;
  nan_codes nan = nan_codes::none;
  inf_codes inf = inf_codes::none;
  zero_codes zero = zero_codes::both;

  friend constexpr bool operator==(const float_format&, const float_format&) = default;

  /// Bits of a code without its sign, and with it.
  [[nodiscard]] constexpr int magnitude_bits() const noexcept { return exponent_bits + mantissa_bits; }
  [[nodiscard]] constexpr int bits() const noexcept { return magnitude_bits() + (is_signed ? 1 : 0); }

  [[nodiscard]] constexpr std::uint64_t magnitude_mask() const noexcept { return (1ull << magnitude_bits()) - 1; }
  [[nodiscard]] constexpr std::uint64_t mantissa_mask() const noexcept { return (1ull << mantissa_bits) - 1; }
  [[nodiscard]] constexpr std::uint64_t sign_mask() const noexcept { return is_signed ? 1ull << magnitude_bits() : 0; }
  [[nodiscard]] constexpr std::uint64_t code_mask() const noexcept { return magnitude_mask() | sign_mask(); }

  [[nodiscard]] constexpr bool has_nan() const noexcept { return nan != nan_codes::none; }
  [[nodiscard]] constexpr bool has_inf() const noexcept { return inf != inf_codes::none; }
  [[nodiscard]] constexpr bool has_zero() const noexcept { return zero != zero_codes::none; }
  [[nodiscard]] constexpr bool has_negative_zero() const noexcept { return zero == zero_codes::both; }
  [[nodiscard]] constexpr bool has_subnormals() const noexcept { return has_zero() && mantissa_bits > 0; }

  /// The exponent field of the smallest normal number.
  [[nodiscard]] constexpr int lowest_field() const noexcept { return has_zero() ? 1 : 0; }

  /// Magnitude codes. `inf_code` and `nan_code` have no meaning where the format has none;
  /// `nan_code` is the quiet NaN that conversions write, sign included for `nan_codes::negative_zero`.
  [[nodiscard]] constexpr std::uint64_t inf_code() const noexcept {
    if (inf == inf_codes::ieee)
      return magnitude_mask() & ~mantissa_mask();
    return magnitude_mask() - (nan == nan_codes::top ? 1 : 0);
  }
  [[nodiscard]] constexpr std::uint64_t nan_code() const noexcept {
    if (nan == nan_codes::negative_zero)
      return sign_mask();
    if (nan == nan_codes::ieee)
      return inf_code() | (1ull << (mantissa_bits - 1));
    return magnitude_mask();
  }
  [[nodiscard]] constexpr std::uint64_t max_code() const noexcept {
    if (has_inf())
      return inf_code() - 1;
    return magnitude_mask() - (nan == nan_codes::top ? 1 : 0);
  }
  [[nodiscard]] constexpr std::uint64_t min_normal_code() const noexcept {
    return static_cast<std::uint64_t>(lowest_field()) << mantissa_bits;
  }
  /// The smallest positive number: subnormal, or normal where there are no subnormals.
  [[nodiscard]] constexpr std::uint64_t min_positive_code() const noexcept { return has_zero() ? 1 : 0; }

  /// Exponents of the largest finite and the smallest normal number, as in 1.x * 2^exponent.
  [[nodiscard]] constexpr int max_exponent() const noexcept {
    return static_cast<int>(max_code() >> mantissa_bits) - bias;
  }
  [[nodiscard]] constexpr int min_exponent() const noexcept { return lowest_field() - bias; }

  [[nodiscard]] constexpr bool is_nan(std::uint64_t code) const noexcept {
    switch (nan) {
      case nan_codes::ieee: return (code & magnitude_mask()) > inf_code();
      case nan_codes::top: return (code & magnitude_mask()) == magnitude_mask();
      case nan_codes::negative_zero: return code == sign_mask();
      default: return false;
    }
  }
  [[nodiscard]] constexpr bool is_inf(std::uint64_t code) const noexcept {
    return has_inf() && (code & magnitude_mask()) == inf_code() && !is_nan(code);
  }
  [[nodiscard]] constexpr bool is_negative(std::uint64_t code) const noexcept { return (code & sign_mask()) != 0; }
};

/// Does every code of the format mean exactly one thing? `minifloat` asserts it.
constexpr bool is_consistent(const float_format& f) noexcept {
  if (f.exponent_bits < 1 || f.exponent_bits > 16 || f.mantissa_bits < 0 || f.mantissa_bits > 46)
    return false;  // so that every mask and shift below fits 64 bits
  if (f.bias < -16384 || f.bias > 16384)
    return false;  // P3109's widest format needs 16384
  if ((f.nan == nan_codes::ieee) != (f.inf == inf_codes::ieee))
    return false;  // exponent all ones is reserved as a whole or not at all
  if (f.nan == nan_codes::ieee && f.mantissa_bits == 0)
    return false;  // no mantissa, no room for a NaN beside Inf
  if (!f.is_signed && (f.zero == zero_codes::both || f.nan == nan_codes::negative_zero))
    return false;
  // A sign bit over zero magnitude is -0, or NaN, or (without zeros) a number: one of them.
  if (f.is_signed && (f.zero == zero_codes::positive) != (f.nan == nan_codes::negative_zero))
    return false;
  if (f.max_code() < f.min_normal_code())
    return false;
  return f.max_exponent() <= 16383;  // the range of the widest long double; the bias keeps the other end
}

/// Formats by family. The bias defaults to 2^(exponent_bits - 1) - 1.
constexpr int ieee_bias(int exponent_bits) noexcept { return (1 << (exponent_bits - 1)) - 1; }

/// IEEE 754 conventions: Inf and NaN share the highest exponent.
constexpr float_format ieee_format(int exponent_bits, int mantissa_bits) noexcept {
  return {exponent_bits,   mantissa_bits,   ieee_bias(exponent_bits), true,
          nan_codes::ieee, inf_codes::ieee, zero_codes::both};
}
/// No Inf, one NaN a sign at the top ("FN"): OCP's e4m3.
constexpr float_format fn_format(int exponent_bits, int mantissa_bits) noexcept {
  return {exponent_bits,  mantissa_bits,   ieee_bias(exponent_bits), true,
          nan_codes::top, inf_codes::none, zero_codes::both};
}
/// No Inf, no -0, one NaN in its place ("FNUZ"). The bias is one higher than IEEE's unless given.
constexpr float_format fnuz_format(int exponent_bits, int mantissa_bits, int bias) noexcept {
  return {exponent_bits, mantissa_bits, bias, true, nan_codes::negative_zero, inf_codes::none, zero_codes::positive};
}
constexpr float_format fnuz_format(int exponent_bits, int mantissa_bits) noexcept {
  return fnuz_format(exponent_bits, mantissa_bits, ieee_bias(exponent_bits) + 1);
}
/// Every code is a number: the MX elements.
constexpr float_format finite_format(int exponent_bits, int mantissa_bits) noexcept {
  return {exponent_bits,   mantissa_bits,   ieee_bias(exponent_bits), true,
          nan_codes::none, inf_codes::none, zero_codes::both};
}
/// No sign, NaN at the top: scales.
constexpr float_format unsigned_format(int exponent_bits, int mantissa_bits) noexcept {
  return {exponent_bits,  mantissa_bits,   ieee_bias(exponent_bits), false,
          nan_codes::top, inf_codes::none, zero_codes::positive};
}

inline constexpr float_format binary32_format = ieee_format(8, 23);
inline constexpr float_format binary64_format = ieee_format(11, 52);

FEWBITS_NAMESPACE_END
