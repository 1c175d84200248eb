// Lists of inputs of any source type through conversions, judged by their exact meanings.
#pragma once

#include <string>
#include <vector>

#include "support.hpp"

namespace fewbits_test {

using oracle::code;
using oracle::table;

template <class T>
T number(code bits) {
  return T::from_bits(static_cast<typename T::bits_type>(bits));
}

// Only these two depend on both ends of a conversion; all that judges is compiled once.
template <class T, class Source, class Rounding, class Overflow>
[[gnu::noinline]] std::vector<code> converted(const std::vector<Source>& inputs, Rounding rounding, Overflow overflow) {
  std::vector<code> codes;
  codes.reserve(inputs.size());
  for (const Source& x : inputs) {
    codes.push_back(fewbits::convert<T>(x, rounding, overflow).bits());
  }
  return codes;
}
template <class T, class Source>
[[gnu::noinline]] std::vector<code> constructed(const std::vector<Source>& inputs) {
  std::vector<code> codes;
  codes.reserve(inputs.size());
  for (const Source& x : inputs) {
    codes.push_back(T{x}.bits());
  }
  return codes;
}

/// A dyadic rational in full: -0x1f * 2^3.
inline std::string text_of(const oracle::number& x) {
  if (!x.is_finite()) {
    return std::string(x.negative ? "-" : "+") + (x.is_nan() ? "NaN" : "Inf");
  }
  const oracle::natural high = x.value.magnitude() >> 64;
  const oracle::natural low = x.value.magnitude() - (high << 64);
  return std::string(x.value.negative() ? "-" : "+") + (high.is_zero() ? "" : hex(high.to_uint64()) + ":") +
         hex(low.to_uint64()) + " * 2^" + std::to_string(x.value.exponent());
}

inline void judge(tally& count, const table& to, const std::vector<oracle::number>& inputs, const oracle::rules& by,
                  overflow_rule overflow, const std::vector<code>& got, const std::string& title) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    count.expect(expected_code(to, inputs[i], by, overflow), got[i], [&] { return title + text_of(inputs[i]); });
  }
}

// The policies that differ in kind: enough for sources that share everything behind unpack.
template <class Visit>
void for_each_telling_policy(Visit visit) {
  visit(rounding_case<fewbits::nearest_even_t>{{}, oracle::rounding::nearest_even},
        overflow_case<fewbits::saturate_t>{{}, overflow_rule::saturate});
  visit(rounding_case<fewbits::toward_zero_t>{{}, oracle::rounding::toward_zero},
        overflow_case<fewbits::no_saturate_t>{{}, overflow_rule::no_saturate});
  visit(rounding_case<fewbits::to_odd_t>{{}, oracle::rounding::to_odd},
        overflow_case<fewbits::saturate_finite_t>{{}, overflow_rule::saturate_finite});
  visit(rounding_case<fewbits::stochastic_t>{fewbits::stochastic(0x155, 9), oracle::rounding::stochastic, 0x155, 9},
        overflow_case<fewbits::no_saturate_t>{{}, overflow_rule::no_saturate});
}

template <class T, class Source>
void judge_by_policies(tally& count, const std::vector<Source>& inputs, const std::vector<oracle::number>& meanings,
                       const char* source) {
  const table& to = table_of<T>();
  for_each_telling_policy([&](const auto& mode, const auto& overflow) {
    judge(count, to, meanings, rules_for(mode, overflow.rule), overflow.rule,
          converted<T>(inputs, mode.policy, overflow.policy), describe(to, mode, overflow.rule) + ", " + source + " ");
  });
}

}  // namespace fewbits_test
