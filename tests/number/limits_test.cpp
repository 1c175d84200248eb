// std::numeric_limits of every type, each field derived anew from the oracle's table of values by the definitions of
// the C++ standard ([numeric.limits.members]), and of every P3109 format of up to 8 bits.
#include <limits>
#include <optional>

#include "support.hpp"

namespace {

using namespace fewbits_test;
using oracle::code;
using oracle::exact;
using oracle::natural;
using oracle::table;

int top_of(const exact& x) { return x.magnitude().bit_length() - 1 + x.exponent(); }

/// 10^n as numerator / denominator, compared with x > 0.
std::strong_ordering compare_with_power_of_ten(const exact& x, int n) {
  exact power = exact::power_of_two(0);
  for (int i = n < 0 ? -n : n; i != 0; --i) {
    power = power * exact::integer(10);
  }
  return n >= 0 ? x.compare_magnitude(power) : (x * power).compare_magnitude(exact::power_of_two(0));
}
int floor_log10(const exact& x) {
  int n = -60;
  while (compare_with_power_of_ten(x, n + 1) >= 0) {
    ++n;
  }
  return n;
}
int ceil_log10(const exact& x) {
  const int n = floor_log10(x);
  return compare_with_power_of_ten(x, n) == 0 ? n : n + 1;
}

/// What a table of values says about itself.
struct facts {
  code max = 0, lowest = 0, min = 0, denorm_min = 0;
  exact epsilon;
  int digits = 0, digits10 = 0, max_digits10 = 0;
  int min_exponent = 0, max_exponent = 0, min_exponent10 = 0, max_exponent10 = 0;
  bool has_subnormals = false;
};

facts facts_of(const table& in) {
  facts known;
  const auto& steps = in.positive.steps;
  const std::size_t first = in.zero ? 1 : 0;
  const auto next_of = [&](std::size_t i) {
    return i + 1 < steps.size() ? steps[i + 1].magnitude : in.positive.beyond;
  };
  known.max = in.largest();
  known.lowest = in.lowest();
  known.denorm_min = steps[first].bits;
  const exact one = exact::power_of_two(0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].magnitude == one) {
      known.epsilon = next_of(i) - one;
    }
  }
  std::size_t normal = first;
  while (steps[normal].magnitude.magnitude() != natural{1} ||
         next_of(normal) - steps[normal].magnitude != steps[normal].magnitude * known.epsilon) {
    ++normal;
  }
  known.min = steps[normal].bits;
  known.has_subnormals = normal != first;
  known.digits = 1 - top_of(known.epsilon);
  known.digits10 = floor_log10(exact::power_of_two(known.digits - 1));
  known.max_digits10 = ceil_log10(exact::power_of_two(known.digits)) + 1;
  known.min_exponent = top_of(steps[normal].magnitude) + 1;
  known.max_exponent = top_of(steps.back().magnitude) + 1;
  known.min_exponent10 = ceil_log10(steps[normal].magnitude);
  known.max_exponent10 = floor_log10(steps.back().magnitude);
  return known;
}

template <class T>
void judge_float_limits(tally& count, const table& in) {
  using limits = std::numeric_limits<T>;
  const facts known = facts_of(in);
  const auto expect = [&](const char* field, auto expected, auto got) {
    count.expect(static_cast<std::uint64_t>(expected), static_cast<std::uint64_t>(got),
                 [&] { return "numeric_limits<" + in.name + ">::" + field; });
  };
  expect("is_specialized", true, limits::is_specialized);
  expect("is_signed", in.is_signed, limits::is_signed);
  expect("is_integer", false, limits::is_integer);
  expect("is_exact", false, limits::is_exact);
  expect("is_bounded", true, limits::is_bounded);
  expect("is_modulo", false, limits::is_modulo);
  expect("radix", 2, limits::radix);
  expect("has_infinity", in.infinity.has_value(), limits::has_infinity);
  expect("has_quiet_NaN", in.nan.has_value(), limits::has_quiet_NaN);
  expect("has_signaling_NaN", in.infinity && in.negative_nan && in.negative_zero, limits::has_signaling_NaN);
  expect("has_denorm", known.has_subnormals ? std::denorm_present : std::denorm_absent, limits::has_denorm);
  expect("is_iec559", in.infinity && in.negative_nan && in.negative_zero, limits::is_iec559);
  expect("round_style", std::round_to_nearest, limits::round_style);
  expect("traps", false, limits::traps);
  expect("digits", known.digits, limits::digits);
  expect("digits10", known.digits10, limits::digits10);
  expect("max_digits10", known.max_digits10, limits::max_digits10);
  expect("min_exponent", known.min_exponent, limits::min_exponent);
  expect("max_exponent", known.max_exponent, limits::max_exponent);
  expect("min_exponent10", known.min_exponent10, limits::min_exponent10);
  expect("max_exponent10", known.max_exponent10, limits::max_exponent10);

  constexpr T max = limits::max();  // each of them a constant expression
  constexpr T lowest = limits::lowest();
  constexpr T min = limits::min();
  constexpr T denorm_min = limits::denorm_min();
  constexpr T epsilon = limits::epsilon();
  constexpr T round_error = limits::round_error();
  constexpr T infinity = limits::infinity();
  constexpr T quiet = limits::quiet_NaN();
  constexpr T signaling = limits::signaling_NaN();
  expect("max()", known.max, max.bits());
  expect("lowest()", known.lowest, lowest.bits());
  expect("min()", known.min, min.bits());
  expect("denorm_min()", known.denorm_min, denorm_min.bits());
  expect("epsilon()", oracle::convert(in, oracle::number::finite(known.epsilon)), epsilon.bits());
  count.expect_true(in.at(epsilon.bits()).value == known.epsilon, [&] { return in.name + " holds its epsilon"; });
  expect("round_error()", oracle::convert(in, oracle::from(0.5)), round_error.bits());
  expect("infinity()", in.infinity.value_or(0), infinity.bits());
  expect("quiet_NaN()", in.nan.value_or(0), quiet.bits());
  expect("signaling_NaN()", limits::has_signaling_NaN ? *in.infinity + 1 : 0, signaling.bits());
}

TEST(Limits, EveryFieldOfEveryNamedFormatFollowsFromItsValues) {
  tally count{"fields of numeric_limits"};
  for_each_type(all_floats{}, [&]<class T>() { judge_float_limits<T>(count, table_of<T>()); });
}

TEST(Limits, QualifiedTypesHaveTheSameLimits) {
  static_assert(std::numeric_limits<const fewbits::e4m3>::max().bits() == 0x7E);
  static_assert(std::numeric_limits<volatile fewbits::e4m3>::digits == 4);
  static_assert(std::numeric_limits<const volatile fewbits::int4>::is_integer);
}

template <int K, int P>
void judge_p3109(tally& count) {
  using fewbits::domain;
  using fewbits::signedness;
  if constexpr (P < K) {
    judge_float_limits<fewbits::binary<K, P, signedness::is_signed, domain::extended>>(count,
                                                                                       oracle::p3109(K, P, true, true));
    judge_float_limits<fewbits::binary<K, P, signedness::is_signed, domain::finite>>(count,
                                                                                     oracle::p3109(K, P, true, false));
  }
  if constexpr (K - P <= 6) {  // past that the exponents leave the width of the oracle's powers of ten
    judge_float_limits<fewbits::binary<K, P, signedness::is_unsigned, domain::extended>>(
        count, oracle::p3109(K, P, false, true));
    judge_float_limits<fewbits::binary<K, P, signedness::is_unsigned, domain::finite>>(
        count, oracle::p3109(K, P, false, false));
  }
}

TEST(Limits, EveryFieldOfP3109FormatsFollowsFromTheirValues) {
  tally count{"fields of numeric_limits of P3109 formats of 3, 4, 6 and 8 bits"};
  const auto of_width = [&]<int K, int... P>(std::integer_sequence<int, P...>) { (judge_p3109<K, P + 1>(count), ...); };
  of_width.template operator()<3>(std::make_integer_sequence<int, 3>{});
  of_width.template operator()<4>(std::make_integer_sequence<int, 4>{});
  of_width.template operator()<6>(std::make_integer_sequence<int, 6>{});
  of_width.template operator()<8>(std::make_integer_sequence<int, 8>{});
}

TEST(Limits, EveryFieldOfEverySmallIntegerFollowsFromItsValues) {
  tally count{"fields of numeric_limits of small integers"};
  for_each_type(small_integers{}, [&]<class T>() {
    using limits = std::numeric_limits<T>;
    const table& in = table_of<T>();
    const bool is_integer = in.name != "mxint8";
    const auto expect = [&](const char* field, auto expected, auto got) {
      count.expect(static_cast<std::uint64_t>(expected), static_cast<std::uint64_t>(got),
                   [&] { return "numeric_limits<" + in.name + ">::" + field; });
    };
    const int digits = in.bits - (in.is_signed ? 1 : 0);
    expect("is_specialized", true, limits::is_specialized);
    expect("is_signed", in.is_signed, limits::is_signed);
    expect("is_integer", is_integer, limits::is_integer);
    expect("is_exact", true, limits::is_exact);
    expect("is_bounded", true, limits::is_bounded);
    expect("is_modulo", false, limits::is_modulo);
    expect("radix", 2, limits::radix);
    expect("has_infinity", false, limits::has_infinity);
    expect("has_quiet_NaN", false, limits::has_quiet_NaN);
    expect("has_signaling_NaN", false, limits::has_signaling_NaN);
    expect("has_denorm", std::denorm_absent, limits::has_denorm);
    expect("is_iec559", false, limits::is_iec559);
    expect("digits", digits, limits::digits);
    expect("digits10", floor_log10(exact::power_of_two(digits)), limits::digits10);
    expect("max()", in.largest(), limits::max().bits());
    expect("lowest()", in.lowest(), limits::lowest().bits());
    expect("min()", is_integer ? in.lowest() : 1, limits::min().bits());
    expect("epsilon()", is_integer ? 0 : 1, limits::epsilon().bits());
    expect("infinity()", 0, limits::infinity().bits());
    expect("quiet_NaN()", 0, limits::quiet_NaN().bits());
  });
}

}  // namespace
