// What becomes of a value that a format cannot hold: too large, infinite, NaN, negative or zero.
// Libraries differ here, so each choice is an argument with a name. Sources: OCP OFP8 1.0 section 5, the CUDA
// math API, IEEE P3109 draft.
#pragma once

#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

struct overflow_kind {};
struct nan_kind {};
struct sign_kind {};

/// Where a value outside the range goes.
enum class out_of_range : std::uint8_t {
  finite,   ///< to the nearest finite value
  special,  ///< to Inf; where there is none, to NaN; where there is none either, to the nearest finite value
};

/// Overflow and Inf give the largest finite value, e5m2 included; NaN stays NaN. A value below an unsigned
/// format's range, or a zero in a format without zero, gives the smallest value.
struct saturate_t {
  using policy_kind = overflow_kind;
  out_of_range overflow = out_of_range::finite;
  out_of_range infinity = out_of_range::finite;
  out_of_range negative = out_of_range::finite;
  out_of_range zero = out_of_range::finite;
};
/// Overflow and Inf give Inf, or NaN where the format has no Inf. A value below an unsigned format's range, or a
/// zero in a format without zero, gives NaN. A format with neither still takes the nearest finite value, and so does
/// every format where the rounding points back into the range (IEEE 754, 7.4).
struct no_saturate_t {
  using policy_kind = overflow_kind;
  out_of_range overflow = out_of_range::special;
  out_of_range infinity = out_of_range::special;
  out_of_range negative = out_of_range::special;
  out_of_range zero = out_of_range::special;
};
/// Finite values saturate, Inf stays Inf or becomes NaN (P3109's SatPropagate).
struct saturate_finite_t {
  using policy_kind = overflow_kind;
  out_of_range overflow = out_of_range::finite;
  out_of_range infinity = out_of_range::special;
  out_of_range negative = out_of_range::finite;
  out_of_range zero = out_of_range::finite;
};
inline constexpr saturate_t saturate{};
inline constexpr no_saturate_t no_saturate{};
inline constexpr saturate_finite_t saturate_finite{};

/// What a NaN policy answers from where the format has no NaN.
struct nan_site {
  bool negative;                     ///< sign of the NaN
  std::uint64_t max_code;            ///< the largest finite value
  std::uint64_t negative_zero_code;  ///< -0, or +0 where there is none
  std::uint64_t zero_code = 0;
};

/// NaN into a format without NaN: the largest finite value, positive whatever the NaN's sign (CUDA).
struct nan_to_max_t {
  using policy_kind = nan_kind;
  [[nodiscard]] constexpr std::uint64_t code(const nan_site& at) const noexcept { return at.max_code; }
};
/// NaN into a format without NaN: +0.
struct nan_to_zero_t {
  using policy_kind = nan_kind;
  [[nodiscard]] constexpr std::uint64_t code(const nan_site& at) const noexcept { return at.zero_code; }
};
/// NaN into a format without NaN: the zero of the opposite sign (ml_dtypes).
struct nan_to_negated_zero_t {
  using policy_kind = nan_kind;
  [[nodiscard]] constexpr std::uint64_t code(const nan_site& at) const noexcept {
    return at.negative ? at.zero_code : at.negative_zero_code;
  }
};
inline constexpr nan_to_max_t nan_to_max{};
inline constexpr nan_to_zero_t nan_to_zero{};
inline constexpr nan_to_negated_zero_t nan_to_negated_zero{};

/// Into an unsigned format: a negative value is out of range (the default), or counts by its magnitude.
struct keep_sign_t {
  using policy_kind = sign_kind;
  static constexpr bool drops_sign = false;
};
struct drop_sign_t {
  using policy_kind = sign_kind;
  static constexpr bool drops_sign = true;
};
inline constexpr keep_sign_t keep_sign{};
inline constexpr drop_sign_t drop_sign{};

template <class P>
concept overflow_policy = std::is_same_v<typename P::policy_kind, overflow_kind> && requires(const P& policy) {
  out_of_range{policy.overflow};
  out_of_range{policy.infinity};
  out_of_range{policy.negative};
  out_of_range{policy.zero};
};
/// A policy with `quiet(format, negative)` also chooses the NaN that is written where there are several.
template <class P>
concept nan_policy = std::is_same_v<typename P::policy_kind, nan_kind> &&
    requires(const P& policy, const nan_site& at) {
  std::uint64_t{policy.code(at)};
};
template <class P>
concept sign_policy = std::is_same_v<typename P::policy_kind, sign_kind> && requires {
  bool{P::drops_sign};
};

FEWBITS_NAMESPACE_END
