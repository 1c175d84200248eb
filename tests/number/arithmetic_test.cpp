// Every pair of every format of up to 8 bits through every operator, every triple of the smallest through fma, every
// code through the unary functions, against exact rationals. Source: IEEE 754-2019, sections 5 and 6.
#include <array>
#include <compare>
#include <vector>

#include "exact_arithmetic.hpp"
#include "support.hpp"

namespace {

using namespace fewbits_test;
using oracle::code;
using oracle::table;

// The library's functions on codes, so that loops and messages are compiled once and not once a format.
using binary_function = code (*)(code, code);
using unary_function = code (*)(code);
using ternary_function = code (*)(code, code, code);

template <class T>
T number(code bits) {
  return T::from_bits(static_cast<typename T::bits_type>(bits));
}

std::string call(const table& in, const char* name, code a, code b) {
  return in.name + " " + hex(a) + " " + name + " " + hex(b);
}

// NaN for NaN; every other answer is one code.
void expect(tally& count, const table& in, const char* name, code expected, code got, code a, code b) {
  if (both_nan(in, expected, got)) {
    got = expected;
  }
  count.expect(expected, got, [&] { return call(in, name, a, b); });
}

struct operation {
  const char* name;
  code (*exact)(const table&, code, code);
  binary_function library;
};

template <class T>
std::vector<operation> operations() {
  return {{"+", sum, [](code a, code b) { return code{(number<T>(a) + number<T>(b)).bits()}; }},
          {"-", difference, [](code a, code b) { return code{(number<T>(a) - number<T>(b)).bits()}; }},
          {"*", product, [](code a, code b) { return code{(number<T>(a) * number<T>(b)).bits()}; }},
          {"/", quotient, [](code a, code b) { return code{(number<T>(a) / number<T>(b)).bits()}; }}};
}

void judge_pairs(tally& count, const table& in, const std::vector<operation>& all) {
  const code end = static_cast<code>(in.codes.size());
  const code step = in.bits > 6 ? static_cast<code>(thinning) : 1;
  for (const operation& one : all) {
    for (code a = 0; a < end; ++a) {
      for (code b = a % step; b < end; b += step) {
        expect(count, in, one.name, one.exact(in, a, b), one.library(a, b), a, b);
      }
    }
  }
}

TEST(Arithmetic, EveryPairOfEveryByteSizedFormatIsCorrectlyRounded) {
  tally count{"pairs through + - * /"};
  for_each_type(byte_floats{}, [&]<class T>() { judge_pairs(count, table_of<T>(), operations<T>()); });
}

/// Zeros, subnormals, ends of binades, one and its neighbours, the largest values, Inf and NaN, of both signs.
std::vector<code> corners(const table& in) {
  std::vector<code> found;
  for (const oracle::ladder* side : {&in.positive, &in.negative}) {
    const auto& steps = side->steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool at_an_end = i < 4 || i + 4 >= steps.size();
      const bool power_of_two = steps[i].magnitude.magnitude() == oracle::natural{1};
      const int exponent = steps[i].magnitude.exponent();
      const bool special = power_of_two && (exponent % 8 == 0 || exponent == 1 || exponent == -1);
      if (at_an_end) {
        found.push_back(steps[i].bits);
      } else if (special) {
        found.insert(found.end(), {steps[i - 1].bits, steps[i].bits, steps[i + 1].bits});
      }
    }
  }
  for (const auto& one : {in.nan, in.negative_nan, in.infinity, in.negative_infinity}) {
    if (one) {
      found.push_back(*one);
    }
  }
  return found;
}

void judge_wide_pairs(tally& count, const table& in, const std::vector<operation>& all) {
  const std::vector<code> special = corners(in);
  random_bits random{2026};
  for (const operation& one : all) {
    for (std::size_t i = 0; i < special.size(); i += thinning) {
      for (const code b : special) {
        expect(count, in, one.name, one.exact(in, special[i], b), one.library(special[i], b), special[i], b);
      }
    }
    for (std::size_t i = 0; i < 150000 / thinning; ++i) {
      const std::uint64_t draw = random();
      const code a = static_cast<code>(draw & 0xffff);
      code b = static_cast<code>(draw >> 16 & 0xffff);
      if (i % 3 == 1) {  // close operands: cancellation and halfway sums
        b = (a ^ static_cast<code>(draw >> 40 & 0x87ff)) & 0xffff;
      } else if (i % 3 == 2) {
        b = special[static_cast<std::size_t>(draw >> 32) % special.size()];
      }
      expect(count, in, one.name, one.exact(in, a, b), one.library(a, b), a, b);
    }
  }
}

TEST(Arithmetic, SampledAndCornerPairsOfSixteenBitFormatsAreCorrectlyRounded) {
  tally count{"pairs of 16 bits through + - * /"};
  for_each_type(wide_floats{}, [&]<class T>() { judge_wide_pairs(count, table_of<T>(), operations<T>()); });
}

TEST(Arithmetic, CompoundAssignmentIsTheOperator) {
  tally count{"pairs through += -= *= /="};
  for_each_type(byte_floats{}, [&]<class T>() {
    const code end = static_cast<code>(table_of<T>().codes.size());
    for (code a = 0; a < end; ++a) {
      for (code b = a % 5; b < end; b += 5) {
        const T x = number<T>(a);
        const T y = number<T>(b);
        T added = x, subtracted = x, multiplied = x, divided = x;
        added += y;
        subtracted -= y;
        multiplied *= y;
        divided /= y;
        const auto input = [&] { return call(table_of<T>(), "op=", a, b); };
        count.expect((x + y).bits(), added.bits(), input);
        count.expect((x - y).bits(), subtracted.bits(), input);
        count.expect((x * y).bits(), multiplied.bits(), input);
        count.expect((x / y).bits(), divided.bits(), input);
      }
    }
  });
}

template <class T>
ternary_function fma_of() {
  return [](code a, code b, code c) { return code{fma(number<T>(a), number<T>(b), number<T>(c)).bits()}; };
}

void judge_fma(tally& count, const table& in, ternary_function library, code a, code b, code c) {
  const code expected = fused(in, a, b, c);
  code got = library(a, b, c);
  if (both_nan(in, expected, got)) {
    got = expected;
  }
  count.expect(expected, got, [&] { return in.name + " fma " + hex(a) + " " + hex(b) + " " + hex(c); });
}

TEST(Arithmetic, EveryTripleOfTheMxElementsIsFusedWithOneRounding) {
  tally count{"triples of e2m1, e2m3, e3m2 through fma"};
  for_each_type(type_list<fewbits::e2m1, fewbits::e2m3, fewbits::e3m2>{}, [&]<class T>() {
    const table& in = table_of<T>();
    const code end = static_cast<code>(in.codes.size());
    const code step = in.bits > 4 ? static_cast<code>(thinning) : 1;
    for (code a = 0; a < end; ++a) {
      for (code b = 0; b < end; ++b) {
        for (code c = (a + b) % step; c < end; c += step) {
          judge_fma(count, in, fma_of<T>(), a, b, c);
        }
      }
    }
  });
}

TEST(Arithmetic, SampledTriplesOfEveryFormatAreFusedWithOneRounding) {
  tally count{"sampled triples through fma"};
  for_each_type(all_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    const code mask = static_cast<code>(in.codes.size() - 1);
    const std::vector<code> special = corners(in);
    random_bits random{static_cast<std::uint64_t>(in.bits) + 17};
    for (std::size_t i = 0; i < 60000 / thinning; ++i) {
      const std::uint64_t draw = random();
      const code a = static_cast<code>(draw) & mask;
      const code b = static_cast<code>(draw >> 16) & mask;
      code c = static_cast<code>(draw >> 32) & mask;
      if (i % 3 == 1) {  // far below or above the product: the case that a rounding to float in between gets wrong
        c = special[static_cast<std::size_t>(draw >> 48) % special.size()];
      } else if (i % 3 == 2) {  // close to the product with the other sign: cancellation
        c = (product(in, a, b) ^ (in.is_signed ? (mask + 1) / 2 : 0) ^ static_cast<code>(draw >> 60)) & mask;
      }
      judge_fma(count, in, fma_of<T>(), a, b, c);
    }
  });
}

TEST(Arithmetic, EveryCodesSquareRootIsCorrectlyRounded) {
  tally count{"codes through sqrt"};
  for_each_type(all_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    const unary_function library = [](code a) { return code{sqrt(number<T>(a)).bits()}; };
    for (code a = 0; a<in.codes.size(); a += in.bits> 8 ? static_cast<code>(thinning) : 1) {
      expect(count, in, "sqrt", root(in, a), library(a), a, a);
    }
  });
}

// The code of a number with the sign given; zero and NaN have one code where there is no -0.
code with_sign(const table& in, code a, bool negative) {
  const code sign_bit = in.is_signed ? code{1} << (in.bits - 1) : 0;
  const oracle::number& x = in.at(a);
  const bool has_no_sign =
      (x.is_nan() && !in.negative_nan) || (x.is_finite() && x.value.is_zero() && !in.negative_zero);
  return has_no_sign ? a : (a & ~sign_bit) | (negative ? sign_bit : 0);
}

TEST(Arithmetic, AbsNegationAndPlusChangeTheSignAlone) {
  tally count{"codes through abs, -x, +x, signbit"};
  for_each_type(all_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    const code sign_bit = in.is_signed ? code{1} << (in.bits - 1) : 0;
    for (code a = 0; a < in.codes.size(); ++a) {
      const T x = number<T>(a);
      const bool negative = (a & sign_bit) != 0;
      count.expect(with_sign(in, a, false), abs(x).bits(), [&] { return in.name + " abs " + hex(a); });
      count.expect(a, (+x).bits(), [&] { return in.name + " + " + hex(a); });
      count.expect(negative, signbit(x), [&] { return in.name + " signbit " + hex(a); });
      if constexpr (T::format.is_signed) {
        count.expect(with_sign(in, a, !negative), (-x).bits(), [&] { return in.name + " - " + hex(a); });
      }
    }
  });
}

TEST(Arithmetic, ClassificationFollowsTheTable) {
  tally count{"codes through isnan, isinf, isfinite, isnormal"};
  for_each_type(all_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    // Normal numbers are those as far from their outer neighbour as precision says: from the first binade of full
    // precision on. Below it every gap is the same.
    const auto& steps = in.positive.steps;
    const std::size_t first = in.zero ? 1 : 0;
    std::size_t normal = first;
    while ((steps[normal + 1].magnitude - steps[normal].magnitude).scaled(T::format.mantissa_bits) !=
           oracle::exact::power_of_two(steps[normal].magnitude.magnitude().bit_length() - 1 +
                                       steps[normal].magnitude.exponent())) {
      ++normal;
    }
    const oracle::exact smallest_normal = steps[normal].magnitude;
    for (code a = 0; a < in.codes.size(); ++a) {
      const T x = number<T>(a);
      const oracle::number& meaning = in.at(a);
      if constexpr (T::format.has_nan()) {
        count.expect(meaning.is_nan(), isnan(x), [&] { return in.name + " isnan " + hex(a); });
      }
      if constexpr (T::format.has_inf()) {
        count.expect(meaning.is_infinity(), isinf(x), [&] { return in.name + " isinf " + hex(a); });
      }
      count.expect(meaning.is_finite(), isfinite(x), [&] { return in.name + " isfinite " + hex(a); });
      const bool is_normal = meaning.is_finite() && meaning.value.compare_magnitude(smallest_normal) >= 0;
      count.expect(is_normal, isnormal(x), [&] { return in.name + " isnormal " + hex(a); });
    }
    count.expect_true(T::format.has_nan() == in.nan.has_value() && T::format.has_inf() == in.infinity.has_value(),
                      [&] { return in.name + ": isnan or isinf exists without a reason"; });
  });
}

template <class Ordering>
int as_int(Ordering order) {
  return order < 0 ? -1 : order > 0 ? 1 : order == 0 ? 0 : 2;
}

template <class T>
void judge_comparisons(tally& count, const table& in, code a, code b) {
  const T x = number<T>(a);
  const T y = number<T>(b);
  const auto by_value = compared(in.at(a), in.at(b));
  const int order = by_value ? as_int(*by_value) : 2;
  const auto expect_int = [&](const char* name, int expected, int got) {
    count.expect(static_cast<std::uint64_t>(expected + 1), static_cast<std::uint64_t>(got + 1),
                 [&] { return call(in, name, a, b); });
  };
  expect_int("<=>", order, as_int(x <=> y));
  expect_int("==", order == 0, x == y);
  expect_int("!=", order != 0, x != y);
  expect_int("<", order == -1, x < y);
  expect_int("<=", order == -1 || order == 0, x <= y);
  expect_int(">", order == 1, x > y);
  expect_int(">=", order == 1 || order == 0, x >= y);

  const int total = as_int(total_order(in, a, b));
  expect_int("total_order", total, as_int(total_order(x, y)));

  // IEEE 754-2019 minimum and maximum: NaN wins, -0 < +0.
  const code nan = in.at(a).is_nan() ? a : b;
  const code least = order == 2 ? nan : total <= 0 ? a : b;
  const code most = order == 2 ? nan : total >= 0 ? a : b;
  expect(count, in, "min", least, min(x, y).bits(), a, b);
  expect(count, in, "max", most, max(x, y).bits(), a, b);
}

// nextUp and nextDown of IEEE 754, 5.3.1: the nearest value on one side; of two zeros the one with the sign it came
// from. Nothing past the ends.
std::optional<code> neighbour(const table& in, code from, bool up) {
  std::optional<code> best;
  for (code c = 0; c < in.codes.size(); ++c) {
    const auto order = compared(in.at(from), in.at(c));
    if (!order || *order != (up ? std::strong_ordering::less : std::strong_ordering::greater)) {
      continue;
    }
    const auto closer = best ? *compared(in.at(c), in.at(*best)) : std::strong_ordering::equal;
    if (!best || closer == *order || (closer == 0 && in.at(c).negative == in.at(from).negative)) {
      best = c;
    }
  }
  return best;
}

TEST(Arithmetic, NextafterStepsToTheNeighbouringValue) {
  tally count{"pairs through nextafter"};
  for_each_type(byte_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    const code end = static_cast<code>(in.codes.size());
    for (code from = 0; from < end; ++from) {
      const bool is_nan = in.at(from).is_nan();
      const auto above = is_nan ? from : neighbour(in, from, true);
      const auto below = is_nan ? from : neighbour(in, from, false);
      for (code to = from % thinning; to < end; to += static_cast<code>(thinning)) {
        const auto order = compared(in.at(from), in.at(to));
        const code expected = !order ? (is_nan ? from : to) : *order == 0 ? to : *order < 0 ? *above : *below;
        expect(count, in, "nextafter", expected, nextafter(number<T>(from), number<T>(to)).bits(), from, to);
      }
    }
  });
}

TEST(Arithmetic, CopysignTakesTheMagnitudeOfOneAndTheSignOfTheOther) {
  tally count{"pairs through copysign"};
  for_each_type(byte_floats{}, [&]<class T>() {
    if constexpr (T::format.is_signed) {
      const table& in = table_of<T>();
      const code end = static_cast<code>(in.codes.size());
      for (code a = 0; a < end; ++a) {
        for (code b = 0; b < end; ++b) {
          const bool b_has_sign = !in.at(b).is_nan() || in.negative_nan;
          const code expected = b_has_sign ? with_sign(in, a, (b & end / 2) != 0) : a;
          count.expect(expected, copysign(number<T>(a), number<T>(b)).bits(),
                       [&] { return call(in, "copysign", a, b); });
        }
      }
    }
  });
}

TEST(Arithmetic, EveryPairComparesByValueAndByTotalOrder) {
  tally count{"pairs through == != < <= > >= <=> total_order min max"};
  for_each_type(byte_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    const code end = static_cast<code>(in.codes.size());
    for (code a = 0; a < end; ++a) {
      for (code b = a % thinning; b < end; b += static_cast<code>(thinning)) {
        judge_comparisons<T>(count, in, a, b);
      }
    }
  });
  for_each_type(wide_floats{}, [&]<class T>() {
    const table& in = table_of<T>();
    random_bits random{5};
    for (std::size_t i = 0; i < 30000 / thinning; ++i) {
      const std::uint64_t draw = random();
      const code a = static_cast<code>(draw & 0xffff);
      const code b = i % 2 == 0 ? static_cast<code>(draw >> 16 & 0xffff) : a ^ static_cast<code>(draw >> 16 & 0x8003);
      judge_comparisons<T>(count, in, a, b);
    }
    for (const code a : corners(in)) {
      for (const code b : corners(in)) {
        judge_comparisons<T>(count, in, a, b);
      }
    }
  });
}

}  // namespace
