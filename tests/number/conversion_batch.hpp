// One source type into every format by every policy: inputs, the oracle's answers, and the library's two ways.
#pragma once

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace fewbits_test {

/// Inputs of one (format, rounding, overflow) with the oracle's answers and the library's two.
struct batch {
  std::string title;
  std::vector<std::uint64_t> inputs;
  std::vector<oracle::code> expected;
  std::vector<oracle::code> direct;     // convert, which takes short ways at run time
  std::vector<oracle::code> reference;  // pack_code(unpack(x))
};

// Only what depends on a format's type is a template of it: the rest is compiled once.
template <class Order>
[[gnu::noinline]] batch prepare(const oracle::table& to, const oracle::rules& by, overflow_rule overflow,
                                std::string title) {
  const bool main_mode = by.mode == oracle::rounding::nearest_even && overflow == overflow_rule::saturate;
  const std::size_t stride = to.bits <= 8 ? 1 : main_mode && thinning == 1 ? 7 : 509;
  const std::size_t samples = (by.random_count != 0 ? 100 : main_mode ? 20000 : 500) / thinning;
  batch made{std::move(title), inputs_for<Order>(to, by, samples, stride), {}, {}, {}};
  made.expected.reserve(made.inputs.size());
  for (const std::uint64_t bits : made.inputs) {
    made.expected.push_back(expected_code(to, Order::value_of(Order::key_of(bits)), by, overflow));
  }
  made.direct.resize(made.inputs.size());
  made.reference.resize(made.inputs.size());
  return made;
}

[[gnu::noinline]] inline void compare(tally& count, const batch& all) {
  for (std::size_t i = 0; i < all.inputs.size(); ++i) {
    count.expect(all.expected[i], all.direct[i], [&] { return all.title + hex(all.inputs[i]); });
    count.expect(all.expected[i], all.reference[i], [&] { return all.title + hex(all.inputs[i]) + " by reference"; });
  }
}

template <class T, class How>
[[gnu::noinline]] std::uint64_t reference(const fewbits::unpacked_number& x, const How& how) {
  return fewbits::pack_code<T::format>(x, how);
}

template <class T, class Native, class Rounding, class Overflow>
[[gnu::noinline]] void encode(batch& all, Rounding rounding, Overflow overflow) {
  using bits_type = typename fewbits::native_float<Native>::bits_type;
  const fewbits::encoding<Rounding, Overflow> how{.rounding = rounding, .overflow = overflow};
  for (std::size_t i = 0; i < all.inputs.size(); ++i) {
    const Native x = std::bit_cast<Native>(static_cast<bits_type>(all.inputs[i]));
    all.direct[i] = fewbits::convert<T>(x, rounding, overflow).bits();
    all.reference[i] = static_cast<oracle::code>(reference<T>(fewbits::unpack(x), how));
  }
}

template <class Native, class Order>
void judge_all(const char* source) {
  tally count{std::string(source) + " into every format by every policy"};
  for_each_type(all_floats{}, [&]<class T>() {
    for_each_rounding<T>([&](const auto& mode) {
      for_each_overflow([&](const auto& overflow) {
        const oracle::table& to = table_of<T>();
        batch all = prepare<Order>(to, rules_for(mode, overflow.rule), overflow.rule,
                                   describe(to, mode, overflow.rule) + ", " + source + " ");
        encode<T, Native>(all, mode.policy, overflow.policy);
        compare(count, all);
      });
    });
  });
}

}  // namespace fewbits_test
