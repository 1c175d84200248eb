// How a value between two codes chooses one. A rounding policy is an object with one function; a user's own
// policy is a struct with the same two members. Source of the directions: IEEE 754-2019, section 4.3.
#pragma once

#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What a rounding policy may look at, and all it may depend on, for it can be asked twice: the value lies strictly
/// between a code and the next one away from zero.
struct rounding_site {
  bool negative;           ///< sign of the value
  std::uint64_t code;      ///< magnitude of the code toward zero
  std::uint64_t fraction;  ///< distance from that code in units of 2^-64 of the gap, never 0; its lowest bit is sticky

  [[nodiscard]] constexpr bool odd() const noexcept { return (code & 1) != 0; }
};

/// Tags that say which choice a policy makes; `convert` takes at most one policy of a kind.
struct rounding_kind {};

inline constexpr std::uint64_t half_gap = 1ull << 63;

/// To the nearest code; a tie goes to the code whose lowest bit is 0.
struct nearest_even_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept {
    // Not || and &&: every second value would be a mispredicted branch.
    return (static_cast<int>(at.fraction > half_gap) |
            (static_cast<int>(at.fraction == half_gap) & static_cast<int>(at.odd()))) != 0;
  }
};
/// To the nearest code; a tie goes away from zero.
struct nearest_away_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept {
    return at.fraction >= half_gap;
  }
};
/// Truncation. Overflow gives the largest finite value (IEEE 754, 7.4), as it does for the directed modes inwards.
struct toward_zero_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site&) const noexcept { return false; }
  [[nodiscard]] constexpr bool overflows_to_finite(bool /*negative*/) const noexcept { return true; }
};
/// Toward +Inf.
struct upward_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept { return !at.negative; }
  [[nodiscard]] constexpr bool overflows_to_finite(bool negative) const noexcept { return negative; }
};
/// Toward -Inf.
struct downward_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept { return at.negative; }
  [[nodiscard]] constexpr bool overflows_to_finite(bool negative) const noexcept { return !negative; }
};
/// To the neighbour with an odd code: a later rounding to fewer bits is then as good as one rounding.
struct to_odd_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept { return !at.odd(); }
};
/// Nearest on a logarithmic scale, for formats without a mantissa: up from sqrt(2) on.
struct nearest_geometric_t {
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;
  static constexpr bool for_powers_of_two = true;
  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept {
    // floor((sqrt(2) - 1) * 2^64). sqrt(2) is irrational, so no value ties with it.
    return at.fraction > 0x6a09e667f3bcc908ull;
  }
};

/// Away from zero with a probability equal to the distance, by the caller's random bits (1 to 32 of them, uniform).
/// The distance is rounded to a multiple of 2^-count, to nearest even: representable distances are unbiased,
/// and the errors of the others cancel over a symmetric set. More bits make them smaller.
class stochastic_t {
 public:
  using policy_kind = rounding_kind;
  static constexpr bool accepts_exact = true;

  constexpr stochastic_t(std::uint32_t random_bits, int count) noexcept
      : count_(count < 1    ? 1
               : count > 32 ? 32
                            : count),
        draw_(random_bits & ((1ull << count_) - 1)) {}

  [[nodiscard]] constexpr bool away_from_zero(const rounding_site& at) const noexcept {
    const std::uint64_t kept = at.fraction >> (64 - count_);
    const std::uint64_t rest = at.fraction << count_;
    const std::uint64_t threshold = kept + (rest > half_gap || (rest == half_gap && (kept & 1) != 0) ? 1 : 0);
    return draw_ >= (1ull << count_) - threshold;
  }

 private:
  int count_;
  std::uint64_t draw_;
};

inline constexpr nearest_even_t nearest_even{};
inline constexpr nearest_away_t nearest_away{};
inline constexpr toward_zero_t toward_zero{};
inline constexpr upward_t upward{};
inline constexpr downward_t downward{};
inline constexpr to_odd_t to_odd{};
inline constexpr nearest_geometric_t nearest_geometric{};

/// Stochastic rounding with `count` random bits, 1 to 32; bits above `count` are ignored.
/// A count outside that range is clamped to it.
template <class Bits>
requires std::is_integral_v<Bits>
[[nodiscard]] constexpr stochastic_t stochastic(Bits random_bits, int count = 32) noexcept {
  return {static_cast<std::uint32_t>(random_bits), count};
}

/// Something with `away_from_zero(rounding_site)` and `policy_kind = rounding_kind`.
template <class P>
concept rounding_policy = requires(const P& policy, const rounding_site& at) {
  requires std::is_same_v<typename P::policy_kind, rounding_kind>;
  { policy.away_from_zero(at) }
  noexcept;
};

template <class P>
constexpr bool overflows_to_finite(const P& policy, bool negative) noexcept {
  if constexpr (requires { policy.overflows_to_finite(negative); })
    return policy.overflows_to_finite(negative);
  else
    return false;
}

FEWBITS_NAMESPACE_END
