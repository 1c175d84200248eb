// The short ways of direct.hpp against the reference, between formats that nobody names: every code of every pair.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>

#include <fewbits/number.hpp>

#include "support/planted.hpp"

namespace {

using namespace fewbits;

constexpr float_format unsigned_ieee{.exponent_bits = 5,
                                     .mantissa_bits = 6,
                                     .bias = 15,
                                     .is_signed = false,
                                     .nan = nan_codes::ieee,
                                     .inf = inf_codes::ieee,
                                     .zero = zero_codes::positive};
constexpr float_format ieee_without_zero{.exponent_bits = 5,
                                         .mantissa_bits = 2,
                                         .bias = 15,
                                         .is_signed = true,
                                         .nan = nan_codes::ieee,
                                         .inf = inf_codes::ieee,
                                         .zero = zero_codes::none};
constexpr float_format wide_without_zero{.exponent_bits = 6,
                                         .mantissa_bits = 5,
                                         .bias = 31,
                                         .is_signed = true,
                                         .nan = nan_codes::ieee,
                                         .inf = inf_codes::ieee,
                                         .zero = zero_codes::none};

template <float_format... Formats>
struct formats {};

using odd_formats = formats<unsigned_ieee, ieee_without_zero, wide_without_zero, ieee_format(5, 4), ieee_format(4, 3),
                            ieee_format(6, 7), ieee_format(5, 10), ieee_format(8, 7), ieee_format(2, 3),
                            finite_format(3, 2), finite_format(1, 2), fn_format(4, 3), fnuz_format(5, 2),
                            unsigned_format(5, 3), finite_format(8, 3), p3109_format(7, 1), p3109_format(12, 5)>;

std::size_t visited = 0;
std::size_t wrong = 0;

/// A rounding policy of a user's, who relies on what rounding_site promises.
struct strict_t {
  using policy_kind = rounding_kind;
  constexpr bool away_from_zero(const rounding_site& at) const noexcept { return ~0ull / at.fraction < 3; }
};

template <float_format From, float_format To, class Rounding, class Overflow, class Sign>
void compare_with(const Rounding& rounding, const Overflow& overflow, const Sign& sign) {
  using source = minifloat<From>;
  const encoding<Rounding, Overflow, nan_to_max_t, Sign> how{rounding, overflow, {}, sign};
  for (std::uint64_t code = 0; code <= From.code_mask(); ++code) {
    const auto x = source::from_bits(static_cast<typename source::bits_type>(code));
    const std::uint64_t got = convert<minifloat<To>>(x, rounding, overflow, sign).bits();
    const std::uint64_t expected = pack_code<To>(unpack_code<From>(code), how) ^ (fewbits_test::planted() ? 1 : 0);
    ++visited;
    if (got != expected && ++wrong <= 8)
      ADD_FAILURE() << "E" << From.exponent_bits << "M" << From.mantissa_bits << " to E" << To.exponent_bits << "M"
                    << To.mantissa_bits << std::hex << ": code " << code << " expected " << expected << " got " << got;
  }
}

template <float_format From, float_format... To>
void from_one(formats<To...>) {
  (compare_with<From, To>(nearest_even, saturate, keep_sign), ...);
  (compare_with<From, To>(toward_zero, no_saturate, drop_sign), ...);
  (compare_with<From, To>(strict_t{}, no_saturate, keep_sign), ...);
}

template <float_format... From>
void from_each(formats<From...> all) {
  (from_one<From>(all), ...);
}

TEST(Direct, EveryPairOfOddFormatsGivesTheReferencesCode) {
  from_each(odd_formats{});
  std::printf("visited %zu conversions, %zu wrong\n", visited, wrong);
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
