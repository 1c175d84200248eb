// Every bf16, every fp16, and every code of every format into every other. One rounding from the exact value.
// Source: testing.md 2 and 3.
#include <bit>

#include "source_batch.hpp"

namespace {

using namespace fewbits_test;

// All inputs of a 16-bit source, walked against the oracle's run list.
template <class Order>
void judge_runs(tally& count, const table& to, const oracle::rules& by, overflow_rule overflow,
                const std::vector<code>& got, const std::string& title) {
  const std::vector<oracle::run> runs = runs_by_decision<Order>(to, by, overflow);
  oracle::run_cursor walk{runs};
  for (std::int64_t key = Order::first_key; key <= Order::last_key; ++key) {
    const std::uint64_t bits = Order::bits_of(key);
    count.expect(walk.at(key), got[bits], [&] { return title + hex(bits); });
  }
  for (const std::uint64_t sign : {std::uint64_t{0}, Order::sign_bit}) {
    const code expected = expected_code(to, oracle::number::nan(sign != 0), by, overflow);
    for (std::uint64_t bits = Order::infinity + 1; bits < Order::sign_bit; ++bits) {
      count.expect(expected, got[bits | sign], [&] { return title + "NaN " + hex(bits | sign); });
    }
  }
}

template <class Source, class Order>
void judge_sixteen_bit_source(const char* source) {
  tally count{std::string("every ") + source + " into every format"};
  std::vector<Source> inputs;
  for (code c = 0; c < 65536; ++c) {
    inputs.push_back(number<Source>(c));
  }
  for_each_type(all_floats{}, [&]<class T>() {
    const table& to = table_of<T>();
    const auto judge_mode = [&](const auto& mode, const auto& overflow) {
      if (to.bits > 8 && thinning != 1) {
        return;
      }
      judge_runs<Order>(count, to, rules_for(mode, overflow.rule), overflow.rule,
                        converted<T>(inputs, mode.policy, overflow.policy),
                        describe(to, mode, overflow.rule) + ", " + source + " ");
    };
    if constexpr (!std::is_same_v<T, Source>) {
      for_each_telling_policy(judge_mode);
      judge_mode(rounding_case<fewbits::nearest_away_t>{{}, oracle::rounding::nearest_away},
                 overflow_case<fewbits::saturate_t>{{}, overflow_rule::saturate});
      judge_mode(rounding_case<fewbits::upward_t>{{}, oracle::rounding::upward},
                 overflow_case<fewbits::no_saturate_t>{{}, overflow_rule::no_saturate});
      judge_mode(rounding_case<fewbits::downward_t>{{}, oracle::rounding::downward},
                 overflow_case<fewbits::saturate_finite_t>{{}, overflow_rule::saturate_finite});
    }
  });
}

TEST(FormatConversion, EveryBf16RoundsOnce) { judge_sixteen_bit_source<fewbits::bf16, oracle::bf16_order>("bf16"); }
TEST(FormatConversion, EveryFp16RoundsOnce) { judge_sixteen_bit_source<fewbits::fp16, oracle::fp16_order>("fp16"); }

TEST(FormatConversion, EveryCodeOfEveryFormatIntoEveryOther) {
  tally count{"codes of every format into every other"};
  for_each_type(all_numbers{}, [&]<class From>() {
    const table& from = table_of<From>();
    std::vector<From> inputs;
    std::vector<oracle::number> meanings;
    for (code c = 0; c<from.codes.size(); c += from.bits> 8 ? static_cast<code>(11 * thinning) : 1) {
      inputs.push_back(number<From>(c));
      meanings.push_back(from.at(c));
    }
    for_each_type(all_numbers{}, [&]<class To>() {
      if constexpr (!std::is_same_v<From, To>) {
        const table& to = table_of<To>();
        judge(count, to, meanings, {}, overflow_rule::saturate, constructed<To>(inputs),
              from.name + " to " + to.name + " ");
      }
    });
  });
}

// Widening takes a short way at run time: it must heed the policies where Inf and NaN meet them.
TEST(FormatConversion, WideningHeedsThePolicies) {
  tally count{"codes out to bf16, fp16, float and double by policy"};
  for_each_type(byte_floats{}, [&]<class From>() {
    const table& from = table_of<From>();
    std::vector<From> inputs;
    for (code c = 0; c < from.codes.size(); ++c) {
      inputs.push_back(number<From>(c));
    }
    judge_by_policies<fewbits::bf16>(count, inputs, from.codes, from.name.c_str());
    judge_by_policies<fewbits::fp16>(count, inputs, from.codes, from.name.c_str());
    for (code c = 0; c < from.codes.size(); ++c) {
      const auto input = [&] { return from.name + " " + hex(c) + " saturating to a native type"; };
      oracle::number meaning = from.at(c);
      std::uint64_t as_float = exact_bits<oracle::float_order>(meaning);
      std::uint64_t as_double = exact_bits<oracle::double_order>(meaning);
      const std::uint64_t step = meaning.is_infinity() ? 1 : 0;  // the largest finite value stands one below Inf
      count.expect(as_float - step, std::bit_cast<std::uint32_t>(fewbits::convert<float>(inputs[c], fewbits::saturate)),
                   input);
      count.expect(as_double - step,
                   std::bit_cast<std::uint64_t>(fewbits::convert<double>(inputs[c], fewbits::saturate)), input);
      count.expect(as_float, std::bit_cast<std::uint32_t>(fewbits::convert<float>(inputs[c], fewbits::saturate_finite)),
                   input);
    }
  });
}

TEST(FormatConversion, EveryCodeConvertsToItself) {
  tally count{"codes into their own format"};
  for_each_type(all_numbers{}, [&]<class T>() {
    const table& in = table_of<T>();
    for (code c = 0; c < in.codes.size(); ++c) {
      // A NaN becomes the quiet NaN of its sign, and a code that is never written becomes the lowest value.
      const code expected = oracle::convert(in, in.at(c), {.on_overflow = oracle::overflow::no_saturate});
      count.expect(expected, fewbits::convert<T>(number<T>(c), fewbits::no_saturate).bits(),
                   [&] { return in.name + " " + hex(c) + " to itself"; });
      if (in.at(c).is_finite() && c != in.unwritten) {
        count.expect(c, expected, [&] { return in.name + " " + hex(c) + " is its own rounding"; });
      }
    }
  });
}

}  // namespace
