// std::numeric_limits for every number type. min() is the smallest positive normal number, as for float;
// infinity() and the NaNs of a format without them are zero-initialised values, as for int.
#pragma once

#include <cstdint>
#include <limits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/minifloat.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// floor(n log10(2)) for |n| up to 40,000.
constexpr int floor_log10_of_power_of_two(int n) noexcept {
  constexpr std::int64_t log10_of_2 = 1292913986;  // floor(log10(2) 2^32): log10(2) lies between it and the next
  const std::int64_t product = n * log10_of_2 + (n < 0 ? n : 0);
  return static_cast<int>(product >> 32);
}
constexpr int ceil_log10_of_power_of_two(int n) noexcept { return -floor_log10_of_power_of_two(-n); }

/// The largest n with 10^n <= x, for a finite x > 0. Powers of ten are cut to 60 bits on the way, far more than the
/// 16 significant bits they are compared with.
constexpr int floor_log10(const unpacked_number& x) noexcept {
  const int n = floor_log10_of_power_of_two(x.exponent);  // 10^n <= 2^exponent <= x, and x < 10^(n + 2)
  unpacked_number scaled = x;
  unpacked_number power = make_unpacked(false, 1, 0);
  unpacked_number& grows = n + 1 > 0 ? power : scaled;
  for (int i = n + 1 > 0 ? n + 1 : -(n + 1); i != 0; --i)
    grows = make_unpacked(false, (grows.significand >> 4) * 10, grows.exponent - 63 + 4);
  const bool reaches = power.exponent < scaled.exponent ||
                       (power.exponent == scaled.exponent && power.significand <= scaled.significand);
  return reaches ? n + 1 : n;
}

}  // namespace detail
FEWBITS_NAMESPACE_END

namespace std {

template <fewbits::float_format Format>
class numeric_limits<fewbits::minifloat<Format>> {
  using number = fewbits::minifloat<Format>;
  using bits_type = typename number::bits_type;
  static constexpr number from(std::uint64_t code) noexcept { return number::from_bits(static_cast<bits_type>(code)); }

 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = Format.is_signed;
  static constexpr bool is_integer = false;
  static constexpr bool is_exact = false;
  static constexpr bool has_infinity = Format.has_inf();
  static constexpr bool has_quiet_NaN = Format.has_nan();
  static constexpr bool has_signaling_NaN = Format.nan == fewbits::nan_codes::ieee && Format.mantissa_bits >= 2;
  static constexpr std::float_denorm_style has_denorm = Format.has_subnormals() ? denorm_present : denorm_absent;
  static constexpr bool has_denorm_loss = false;
  static constexpr std::float_round_style round_style = round_to_nearest;
  static constexpr bool is_iec559 = has_signaling_NaN && Format.has_negative_zero();
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr int radix = 2;
  static constexpr int digits = Format.mantissa_bits + 1;
  static constexpr int digits10 = fewbits::detail::floor_log10_of_power_of_two(Format.mantissa_bits);
  static constexpr int max_digits10 = fewbits::detail::ceil_log10_of_power_of_two(digits) + 1;
  static constexpr int min_exponent = Format.min_exponent() + 1;
  static constexpr int max_exponent = Format.max_exponent() + 1;
  static constexpr int min_exponent10 = fewbits::detail::ceil_log10_of_power_of_two(Format.min_exponent());
  static constexpr int max_exponent10 = fewbits::detail::floor_log10(fewbits::unpack_code<Format>(Format.max_code()));
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = false;

  static constexpr number(min)() noexcept { return from(Format.min_normal_code()); }
  static constexpr number(max)() noexcept { return from(Format.max_code()); }
  /// -max() where there is a sign, else the smallest value: 0, or the lowest power of two of ue8m0.
  static constexpr number lowest() noexcept {
    return from(Format.is_signed ? Format.max_code() | Format.sign_mask() : 0);
  }
  static constexpr number epsilon() noexcept {
    return from(fewbits::pack_code<Format>(fewbits::make_unpacked(false, 1, -Format.mantissa_bits)));
  }
  static constexpr number round_error() noexcept { return number{0.5}; }
  static constexpr number infinity() noexcept { return has_infinity ? from(Format.inf_code()) : number{}; }
  static constexpr number quiet_NaN() noexcept { return has_quiet_NaN ? from(Format.nan_code()) : number{}; }
  /// Nothing here signals; the code is for those who hand it on.
  static constexpr number signaling_NaN() noexcept {
    return has_signaling_NaN ? from(Format.inf_code() + 1) : number{};
  }
  /// The smallest positive number, which is min() where there are no subnormals.
  static constexpr number denorm_min() noexcept { return from(Format.min_positive_code()); }
};

template <fewbits::fixed_format Format>
class numeric_limits<fewbits::fixed_point<Format>> {
  using number = fewbits::fixed_point<Format>;
  static constexpr number from(std::uint64_t code) noexcept {
    return number::from_bits(static_cast<typename number::bits_type>(code));
  }

 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = Format.is_signed;
  static constexpr bool is_integer = Format.fraction_bits == 0;
  static constexpr bool is_exact = true;
  static constexpr bool has_infinity = false;
  static constexpr bool has_quiet_NaN = false;
  static constexpr bool has_signaling_NaN = false;
  static constexpr std::float_denorm_style has_denorm = denorm_absent;
  static constexpr bool has_denorm_loss = false;
  static constexpr std::float_round_style round_style = is_integer ? round_toward_zero : round_to_nearest;
  static constexpr bool is_iec559 = false;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr int radix = 2;
  static constexpr int digits = Format.total_bits - (Format.is_signed ? 1 : 0);
  static constexpr int digits10 = fewbits::detail::floor_log10_of_power_of_two(digits);
  static constexpr int max_digits10 = is_integer ? 0 : fewbits::detail::ceil_log10_of_power_of_two(digits) + 1;
  static constexpr int min_exponent = 0;
  static constexpr int max_exponent = 0;
  static constexpr int min_exponent10 = 0;
  static constexpr int max_exponent10 = 0;
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = false;

  /// Integers: the lowest value. Fractions: the smallest positive step.
  static constexpr number(min)() noexcept { return is_integer ? lowest() : from(1); }
  static constexpr number(max)() noexcept { return from(Format.max_code()); }
  /// The lowest value that encoding writes: -127/64 for mxint8, whose code 80 stays unused.
  static constexpr number lowest() noexcept { return from((0 - Format.negative_limit()) & Format.code_mask()); }
  static constexpr number epsilon() noexcept { return is_integer ? from(0) : from(1); }
  static constexpr number round_error() noexcept { return is_integer ? from(0) : number{0.5}; }
  static constexpr number infinity() noexcept { return number{}; }
  static constexpr number quiet_NaN() noexcept { return number{}; }
  static constexpr number signaling_NaN() noexcept { return number{}; }
  static constexpr number denorm_min() noexcept { return from(is_integer ? 0 : 1); }
};

/// A table has ends and nothing that digits or an epsilon could describe: those are 0, as for a type that is not
/// arithmetic.
template <fewbits::codebook_format Format>
class numeric_limits<fewbits::codebook<Format>> {
  using number = fewbits::codebook<Format>;
  static constexpr number from(std::uint64_t code) noexcept {
    return number::from_bits(static_cast<typename number::bits_type>(code));
  }

 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = Format.entries[Format.min_code()] < 0;
  static constexpr bool is_integer = false;
  static constexpr bool is_exact = true;
  static constexpr bool has_infinity = false;
  static constexpr bool has_quiet_NaN = false;
  static constexpr bool has_signaling_NaN = false;
  static constexpr std::float_denorm_style has_denorm = denorm_absent;
  static constexpr bool has_denorm_loss = false;
  static constexpr std::float_round_style round_style = round_to_nearest;
  static constexpr bool is_iec559 = false;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr int radix = 2;
  static constexpr int digits = 0;
  static constexpr int digits10 = 0;
  static constexpr int max_digits10 = 0;
  static constexpr int min_exponent = 0;
  static constexpr int max_exponent = 0;
  static constexpr int min_exponent10 = 0;
  static constexpr int max_exponent10 = 0;
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = false;

  /// The smallest positive entry, or the largest of all if none is positive.
  static constexpr number(min)() noexcept {
    std::uint64_t best = Format.max_code();
    for (std::uint64_t c = 0; c < Format.size(); ++c)
      best = Format.entries[c] > 0 && Format.entries[c] < Format.entries[best] ? c : best;
    return from(best);
  }
  static constexpr number(max)() noexcept { return from(Format.max_code()); }
  static constexpr number lowest() noexcept { return from(Format.min_code()); }
  static constexpr number epsilon() noexcept { return number{}; }
  static constexpr number round_error() noexcept { return number{}; }
  static constexpr number infinity() noexcept { return number{}; }
  static constexpr number quiet_NaN() noexcept { return number{}; }
  static constexpr number signaling_NaN() noexcept { return number{}; }
  static constexpr number denorm_min() noexcept { return (min)(); }
};

}  // namespace std
