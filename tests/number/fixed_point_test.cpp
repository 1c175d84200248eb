// int4, uint4, int2, uint2 and the MX int8 element: every code, every pair through every operator, and conversion from
// floating point at every threshold. Sources: OCP MX 1.0 section 5.3.4, two's complement.
#include <bit>
#include <compare>
#include <optional>
#include <type_traits>

#include "conversion_batch.hpp"
#include "exact_arithmetic.hpp"

namespace {

using namespace fewbits_test;
using oracle::code;
using oracle::table;

template <class T>
T number(code bits) {
  return T::from_bits(static_cast<typename T::bits_type>(bits));
}

template <class Native, class Order>
void judge_fixed(const char* source) {
  tally count{std::string(source) + " into every small integer by every policy"};
  for_each_type(small_integers{}, [&]<class T>() {
    for_each_rounding<T>([&](const auto& mode) {
      for_each_overflow([&](const auto& overflow) {
        const table& to = table_of<T>();
        batch all = prepare<Order>(to, rules_for(mode, overflow.rule), overflow.rule,
                                   describe(to, mode, overflow.rule) + ", " + source + " ");
        encode<T, Native>(all, mode.policy, overflow.policy);
        compare(count, all);
      });
    });
  });
}

TEST(FixedPoint, FloatsRoundOnceAndClamp) { judge_fixed<float, oracle::float_order>("float"); }
TEST(FixedPoint, DoublesRoundOnceAndClamp) { judge_fixed<double, oracle::double_order>("double"); }

TEST(FixedPoint, ADroppedSignLeavesTheMagnitude) {
  static_assert(fewbits::convert<fewbits::uint4>(-3.0f, fewbits::drop_sign).bits() == 3);
  static_assert(fewbits::convert<fewbits::uint4>(-3.0f).bits() == 0);
  static_assert(fewbits::convert<fewbits::int4>(-3.0f, fewbits::drop_sign).bits() == 0xD);
}

oracle::rules rules_of_operators(const table& in, bool division) {
  oracle::rules by;
  if (division && in.name != "mxint8") {
    by.mode = oracle::rounding::toward_zero;
  }
  return by;
}

code exact_quotient(const table& in, code a, code b) {
  const oracle::exact& x = in.at(a).value;
  const oracle::exact& y = in.at(b).value;
  const oracle::rules by = rules_of_operators(in, true);
  if (y.is_zero()) {
    return x.is_zero() ? in.largest() : oracle::convert(in, oracle::number::infinity(x.negative()), by);
  }
  if (x.is_zero()) {
    return *in.zero;
  }
  return oracle::convert(in, oracle::basic_number<oracle::quotient>::finite({x, y}), by);
}

TEST(FixedPoint, EveryPairIsExactRoundedAndClamped) {
  tally count{"pairs through + - * / and comparisons"};
  for_each_type(small_integers{}, [&]<class T>() {
    const table& in = table_of<T>();
    const code end = static_cast<code>(in.codes.size());
    const code step = in.bits > 4 ? static_cast<code>(thinning) : 1;
    for (code a = 0; a < end; ++a) {
      for (code b = a % step; b < end; b += step) {
        const T x = number<T>(a);
        const T y = number<T>(b);
        const oracle::exact& p = in.at(a).value;
        const oracle::exact& q = in.at(b).value;
        const auto expect = [&](const char* name, code expected, code got) {
          count.expect(expected, got, [&] { return in.name + " " + hex(a) + " " + name + " " + hex(b); });
        };
        const auto rounded_value = [&](const oracle::exact& value) {
          return oracle::convert(in, oracle::number::finite(value), rules_of_operators(in, false));
        };
        expect("+", rounded_value(p + q), (x + y).bits());
        expect("-", rounded_value(p - q), (x - y).bits());
        expect("*", rounded_value(p * q), (x * y).bits());
        expect("/", exact_quotient(in, a, b), (x / y).bits());
        T added = x, subtracted = x, multiplied = x, divided = x;
        added += y;
        subtracted -= y;
        multiplied *= y;
        divided /= y;
        expect("+=", (x + y).bits(), added.bits());
        expect("-=", (x - y).bits(), subtracted.bits());
        expect("*=", (x * y).bits(), multiplied.bits());
        expect("/=", (x / y).bits(), divided.bits());
        expect("==", p == q, x == y);
        expect("!=", p != q, x != y);
        expect("<", p < q, x < y);
        expect("<=", p <= q, x <= y);
        expect(">", p > q, x > y);
        expect(">=", p >= q, x >= y);
        expect("<=>", (p <=> q) == (x <=> y), true);
        expect("min", p <= q ? a : b, min(x, y).bits());
        expect("max", p >= q ? a : b, max(x, y).bits());
      }
    }
  });
}

TEST(FixedPoint, EveryCodeNegatesAndHasAMagnitude) {
  tally count{"codes through -x, +x, abs"};
  for_each_type(small_integers{}, [&]<class T>() {
    const table& in = table_of<T>();
    for (code a = 0; a < in.codes.size(); ++a) {
      const oracle::exact& p = in.at(a).value;
      const auto input = [&] { return in.name + " unary " + hex(a); };
      count.expect(a, (+number<T>(a)).bits(), input);
      count.expect(oracle::convert(in, oracle::number::finite(p.absolute())), abs(number<T>(a)).bits(), input);
      if constexpr (T::format.is_signed) {
        count.expect(oracle::convert(in, oracle::number::finite(-p)), (-number<T>(a)).bits(), input);
      }
    }
  });
}

TEST(FixedPoint, TheUnusedCodeOfMxint8ReadsAsMinusTwoAndIsNeverWritten) {
  using fewbits::mxint8;
  static_assert(static_cast<float>(mxint8::from_bits(0x80)) == -2.0f);
  static_assert(mxint8{-2.0f}.bits() == 0x81);
  static_assert(mxint8{-1e30f}.bits() == 0x81);
  static_assert(mxint8{1e30f}.bits() == 0x7F);
  static_assert(fewbits::convert<mxint8>(-2.0f, fewbits::downward).bits() == 0x81);
}

}  // namespace
