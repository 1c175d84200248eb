// Every named type of the library beside its table in the oracle, and every rounding and overflow policy beside its
// rule there. Types and tables meet by name and by nothing else. No GoogleTest here: the certificate uses it too.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include <fewbits/number.hpp>

#include "oracle/thresholds.hpp"

namespace fewbits_test {

template <class... Ts>
struct type_list {};

using byte_floats = type_list<fewbits::e4m3, fewbits::e4m3_ieee, fewbits::e4m3fnuz, fewbits::e4m3b11fnuz, fewbits::e5m2,
                              fewbits::e5m2fnuz, fewbits::e3m4, fewbits::e2m1, fewbits::e2m3, fewbits::e3m2,
                              fewbits::ue8m0, fewbits::ue4m3, fewbits::ue5m3>;
using wide_floats = type_list<fewbits::bf16, fewbits::fp16>;
using small_integers = type_list<fewbits::int4, fewbits::uint4, fewbits::int2, fewbits::uint2, fewbits::mxint8,
                                 fewbits::int8, fewbits::uint8, fewbits::uint6, fewbits::ternary>;

template <class... As, class... Bs>
constexpr type_list<As..., Bs...> join(type_list<As...>, type_list<Bs...>) {
  return {};
}

using all_floats = decltype(join(byte_floats{}, wide_floats{}));
using all_numbers = decltype(join(all_floats{}, small_integers{}));

/// Calls visit.operator()<T>() for each type of the list.
template <class... Ts, class Visit>
void for_each_type(type_list<Ts...>, Visit&& visit) {
  (visit.template operator()<Ts>(), ...);
}

template <class T>
struct in_oracle;
#define FEWBITS_TEST_TYPE(name)                             \
  template <>                                               \
  struct in_oracle<fewbits::name> {                         \
    static oracle::table table() { return oracle::name(); } \
  };
FEWBITS_TEST_TYPE(e4m3)
FEWBITS_TEST_TYPE(e4m3_ieee)
FEWBITS_TEST_TYPE(e4m3fnuz)
FEWBITS_TEST_TYPE(e4m3b11fnuz)
FEWBITS_TEST_TYPE(e5m2)
FEWBITS_TEST_TYPE(e5m2fnuz)
FEWBITS_TEST_TYPE(e3m4)
FEWBITS_TEST_TYPE(e2m1)
FEWBITS_TEST_TYPE(e2m3)
FEWBITS_TEST_TYPE(e3m2)
FEWBITS_TEST_TYPE(ue8m0)
FEWBITS_TEST_TYPE(ue4m3)
FEWBITS_TEST_TYPE(ue5m3)
FEWBITS_TEST_TYPE(bf16)
FEWBITS_TEST_TYPE(fp16)
FEWBITS_TEST_TYPE(int4)
FEWBITS_TEST_TYPE(uint4)
FEWBITS_TEST_TYPE(int2)
FEWBITS_TEST_TYPE(uint2)
FEWBITS_TEST_TYPE(mxint8)
FEWBITS_TEST_TYPE(int8)
FEWBITS_TEST_TYPE(uint8)
FEWBITS_TEST_TYPE(uint6)
FEWBITS_TEST_TYPE(ternary)
#undef FEWBITS_TEST_TYPE

template <class T>
const oracle::table& table_of() {
  static const oracle::table made = in_oracle<T>::table();
  return made;
}

/// The oracle knows two overflow policies; the third is the first with the second's answer to infinities.
enum class overflow_rule : std::uint8_t { saturate, no_saturate, saturate_finite };

template <class Policy>
struct rounding_case {
  Policy policy;
  oracle::rounding mode;
  std::uint32_t random_bits = 0;
  int random_count = 0;
};
template <class Policy>
struct overflow_case {
  Policy policy;
  overflow_rule rule;
};

inline const char* name_of(overflow_rule rule) {
  constexpr const char* names[] = {"saturate", "no_saturate", "saturate_finite"};
  return names[static_cast<std::size_t>(rule)];
}

template <class Policy>
oracle::rules rules_for(const rounding_case<Policy>& mode, overflow_rule overflow) {
  oracle::rules by;
  by.mode = mode.mode;
  by.on_overflow = overflow == overflow_rule::no_saturate ? oracle::overflow::no_saturate : oracle::overflow::saturate;
  by.random_bits = mode.random_bits;
  by.random_count = mode.random_count;
  return by;
}

/// What a number becomes. An infinity that the format has a sign for stays special under saturate_finite;
/// -Inf into an unsigned format is a value below its range, as every negative value is.
template <oracle::comparable_value Value>
oracle::code expected_code(const oracle::table& to, const oracle::basic_number<Value>& from, oracle::rules by,
                           overflow_rule overflow) {
  const bool keeps_sign = by.on_sign == oracle::sign_into::keep;
  if (overflow == overflow_rule::saturate_finite && from.is_infinity() &&
      (to.is_signed || !from.negative || !keeps_sign)) {
    by.on_overflow = oracle::overflow::no_saturate;
  }
  return oracle::convert(to, from, by);
}

/// The roundings that need no random bits; nearest_geometric where the format has no mantissa.
template <class T, class Visit>
void for_each_plain_rounding(Visit&& visit) {
  visit(rounding_case<fewbits::nearest_even_t>{fewbits::nearest_even, oracle::rounding::nearest_even});
  visit(rounding_case<fewbits::nearest_away_t>{fewbits::nearest_away, oracle::rounding::nearest_away});
  visit(rounding_case<fewbits::toward_zero_t>{fewbits::toward_zero, oracle::rounding::toward_zero});
  visit(rounding_case<fewbits::upward_t>{fewbits::upward, oracle::rounding::upward});
  visit(rounding_case<fewbits::downward_t>{fewbits::downward, oracle::rounding::downward});
  visit(rounding_case<fewbits::to_odd_t>{fewbits::to_odd, oracle::rounding::to_odd});
  if constexpr (fewbits::is_minifloat<T>) {
    if constexpr (T::format.mantissa_bits == 0) {
      visit(
          rounding_case<fewbits::nearest_geometric_t>{fewbits::nearest_geometric, oracle::rounding::nearest_geometric});
    }
  }
}

/// Stochastic rounding with a few draws of a few widths. Bits above the count are garbage on purpose.
template <class Visit>
void for_each_stochastic(Visit&& visit) {
  for (const int count : {1, 2, 7, 32}) {
    const std::uint32_t all = static_cast<std::uint32_t>((std::uint64_t{1} << count) - 1);
    for (const std::uint32_t draw : {0x00000000u, 0x5A5A5A5Bu, 0xFFFFFFFFu}) {
      const rounding_case<fewbits::stochastic_t> one{fewbits::stochastic(draw | (0xA5000000u & ~all), count),
                                                     oracle::rounding::stochastic, draw & all, count};
      visit(one);
    }
  }
}

template <class T, class Visit>
void for_each_rounding(Visit&& visit) {
  for_each_plain_rounding<T>(visit);
  for_each_stochastic(visit);
}

template <class Visit>
void for_each_overflow(Visit&& visit) {
  visit(overflow_case<fewbits::saturate_t>{fewbits::saturate, overflow_rule::saturate});
  visit(overflow_case<fewbits::no_saturate_t>{fewbits::no_saturate, overflow_rule::no_saturate});
  visit(overflow_case<fewbits::saturate_finite_t>{fewbits::saturate_finite, overflow_rule::saturate_finite});
}

template <class Policy>
std::string describe(const oracle::table& to, const rounding_case<Policy>& mode, overflow_rule overflow) {
  char text[96];  // not "a" + std::string: g++ 12 warns of an overlap there is not (its bug 105651)
  if (mode.random_count == 0) {
    std::snprintf(text, sizeof text, "%s %s %s", to.name.c_str(), oracle::name_of(mode.mode), name_of(overflow));
  } else {
    std::snprintf(text, sizeof text, "%s %s(%u, %d) %s", to.name.c_str(), oracle::name_of(mode.mode), mode.random_bits,
                  mode.random_count, name_of(overflow));
  }
  return text;
}

}  // namespace fewbits_test
