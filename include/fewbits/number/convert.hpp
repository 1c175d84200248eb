// convert<T>(x, policies...): any number to any number with one rounding, policies in any order, at most one of a kind.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook_format.hpp>
#include <fewbits/number/codec.hpp>
#include <fewbits/number/direct.hpp>
#include <fewbits/number/fixed_format.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/number/policies.hpp>
#include <fewbits/number/rounding.hpp>

FEWBITS_NAMESPACE_BEGIN

template <float_format Format>
class minifloat;
template <fixed_format Format>
class fixed_point;
template <codebook_format Format>
class codebook;

template <class T>
inline constexpr bool is_minifloat = false;
template <float_format Format>
inline constexpr bool is_minifloat<minifloat<Format>> = true;
template <class T>
inline constexpr bool is_fixed_point = false;
template <fixed_format Format>
inline constexpr bool is_fixed_point<fixed_point<Format>> = true;
template <class T>
inline constexpr bool is_codebook = false;
template <codebook_format Format>
inline constexpr bool is_codebook<codebook<Format>> = true;

/// One of this library's number types.
template <class T>
concept few_bit_number = is_minifloat<std::remove_cv_t<T>> || is_fixed_point<std::remove_cv_t<T>> ||
    is_codebook<std::remove_cv_t<T>>;
template <class T>
concept number = few_bit_number<T> || native_number<T>;

/// A bundle of policies under one name, which may differ by target format: a system whose bits it reproduces.
/// `encoding_for<Target>()` returns an `encoding`.
struct preset_kind {};

template <class P>
concept policy = requires {
  typename P::policy_kind;
};

namespace detail {

template <class Kind, class... Policies>
inline constexpr int count_of_kind = (0 + ... + (std::is_same_v<typename Policies::policy_kind, Kind> ? 1 : 0));

template <class Kind, class Default>
constexpr Default pick(const Default& fallback) noexcept {
  return fallback;
}
template <class Kind, class Default, class First, class... Rest>
constexpr auto pick(const Default& fallback, const First& first, const Rest&... rest) noexcept {
  if constexpr (std::is_same_v<typename First::policy_kind, Kind>)
    return first;
  else
    return pick<Kind>(fallback, rest...);
}

template <class Rounding, class Overflow, class Nan, class Sign>
constexpr encoding<Rounding, Overflow, Nan, Sign> bundle(Rounding r, Overflow o, Nan n, Sign s) noexcept {
  return {r, o, n, s};
}

template <class Policy>
inline constexpr bool is_known_kind =
    count_of_kind<rounding_kind, Policy> + count_of_kind<overflow_kind, Policy> + count_of_kind<nan_kind, Policy> +
        count_of_kind<sign_kind, Policy> + count_of_kind<preset_kind, Policy> ==
    1;

template <class... Policies>
constexpr void check_policies() noexcept {
  static_assert((true && ... && is_known_kind<Policies>),
                "convert takes rounding, overflow, NaN and sign policies, or a preset: this policy is of another kind");
  static_assert(count_of_kind<rounding_kind, Policies...> <= 1, "two rounding policies: give one of them");
  static_assert(count_of_kind<overflow_kind, Policies...> <= 1,
                "two overflow policies: give one of saturate, no_saturate, saturate_finite");
  static_assert(count_of_kind<nan_kind, Policies...> <= 1,
                "two NaN policies: give one of nan_to_max, nan_to_zero, nan_to_negated_zero");
  static_assert(count_of_kind<sign_kind, Policies...> <= 1, "two sign policies: give one of keep_sign, drop_sign");
  static_assert(count_of_kind<preset_kind, Policies...> == 0 || sizeof...(Policies) == 1,
                "a preset makes every choice by itself: give a preset or policies, not both");
}

/// The encoding that a list of policies asks for; what it leaves open comes from `defaults`.
template <class Target, class Defaults, class... Policies>
constexpr auto choose_encoding(const Defaults& defaults, const Policies&... policies) noexcept {
  check_policies<Policies...>();
  if constexpr (count_of_kind<preset_kind, Policies...> == 1 && sizeof...(Policies) == 1)
    return (policies.template encoding_for<Target>(), ...);
  else
    return bundle(pick<rounding_kind>(defaults.rounding, policies...),
                  pick<overflow_kind>(defaults.overflow, policies...), pick<nan_kind>(defaults.nan, policies...),
                  pick<sign_kind>(defaults.sign, policies...));
}

/// Policies that make no sense for a target are refused in words.
template <class Target, class Rounding>
constexpr void check_target() noexcept {
  if constexpr (requires { Rounding::for_powers_of_two; }) {
    constexpr bool fits = [] {
      if constexpr (is_minifloat<Target>)
        return Target::format.mantissa_bits == 0 && !Target::format.has_zero();
      else
        return false;
    }();
    static_assert(fits,
                  "nearest_geometric rounds to powers of two: use it with a format of nothing else, such as ue8m0");
  }
}

#if FEWBITS_LONG_DOUBLE_DIGITS != 0
/// Exact: the steps multiply by powers of two, and a few-bit number never gets near long double's limits.
constexpr long double pack_long_double(const unpacked_number& x) noexcept {
#if FEWBITS_LONG_DOUBLE_DIGITS == 53
  return static_cast<long double>(pack_native<double>(x));
#else
  if (x.kind != number_class::finite || (x.exponent > -1000 && x.exponent < 1000))
    return static_cast<long double>(pack_native<double>(x));
  unpacked_number scaled = x;
  scaled.exponent = 0;
  long double value = static_cast<long double>(pack_native<double>(scaled));
  const long double step = x.exponent < 0 ? 0.5L : 2.0L;
  for (int n = x.exponent < 0 ? -x.exponent : x.exponent; n != 0; --n)
    value *= step;
  return value;
#endif
}
#endif

/// The code for a number. At run time the direct ways are taken where they apply; they give the same bits.
template <auto Target, class From, class Encoding>
constexpr std::uint64_t encode(const From& x, const Encoding& how) noexcept {
  if constexpr (std::is_same_v<std::remove_const_t<decltype(Target)>, float_format>) {
    if (!std::is_constant_evaluated()) {
      if constexpr (is_minifloat<From>) {
        if constexpr (direct::narrows<From::format, Target>)
          return direct::narrow<From::format, Target>(x.bits(), how);
        else if constexpr (direct::widens<From::format, Target>)
          return direct::widen<From::format, Target>(x.bits(), how);
      } else if constexpr (native_floating_point<From>) {
        using native = native_float<std::remove_cv_t<From>>;
        if constexpr (direct::narrows<native::format, Target>)
          return direct::narrow<native::format, Target>(std::bit_cast<typename native::bits_type>(x), how);
      }
    }
  }
  return pack_code<Target>(unpack(x), how);
}

}  // namespace detail

/// Converts between any two number types, of which at least one is fewbits'. One rounding from the exact value.
///
/// Policies, in any order, at most one of a kind:
/// - rounding: nearest_even (default), nearest_away, toward_zero, upward, downward, to_odd, stochastic(bits, count),
///   nearest_geometric;
/// - overflow: saturate (default into a few-bit type), no_saturate (default into a native type), saturate_finite;
/// - NaN into a format without NaN: nan_to_max (default), nan_to_zero, nan_to_negated_zero;
/// - a negative value into an unsigned format: keep_sign (default: out of range), drop_sign;
/// - or one preset: ocp, cuda, torch, ml_dtypes.
///
/// Overflow is judged after rounding; toward_zero and the directed modes pointing inwards then give the largest
/// finite value (IEEE 754, 7.4). -0 stays -0 where the format has it and becomes +0 elsewhere. Into a native integer
/// a value out of range gives the nearest integer and NaN gives 0. NaN payloads are not kept.
template <number To, number From, policy... Policies>
requires few_bit_number<To> || few_bit_number<From>
[[nodiscard]] constexpr To convert(const From& x, Policies... policies) noexcept {
  using target = std::remove_cv_t<To>;
  if constexpr (few_bit_number<To>) {
    const auto how = detail::choose_encoding<target>(saturating_encoding, policies...);
    detail::check_target<target, std::remove_cv_t<decltype(how.rounding)>>();
    return target::from_bits(static_cast<typename target::bits_type>(detail::encode<target::format>(x, how)));
  } else if constexpr (native_floating_point<To>) {
    const auto how = detail::choose_encoding<target>(operator_encoding, policies...);
    detail::check_target<target, std::remove_cv_t<decltype(how.rounding)>>();
    using native = native_float<target>;
    return std::bit_cast<target>(static_cast<typename native::bits_type>(detail::encode<native::format>(x, how)));
  } else if constexpr (native_integer<To>) {
    static_assert(sizeof(To) <= 8, "integers of more than 64 bits are not a target: convert to 64 bits and widen");
    constexpr encoding<nearest_even_t, saturate_t, nan_to_zero_t> defaults{};
    const auto how = detail::choose_encoding<target>(defaults, policies...);
    detail::check_target<target, std::remove_cv_t<decltype(how.rounding)>>();
    constexpr fixed_format integer{.total_bits = sizeof(To) * 8, .is_signed = static_cast<target>(-1) < target{0}};
    return static_cast<target>(detail::encode<integer>(x, how));
  } else {
    static_assert(sizeof...(Policies) == 0, "widening to long double is exact: it takes no policy");
    return detail::pack_long_double(unpack(x));
  }
}

FEWBITS_NAMESPACE_END
