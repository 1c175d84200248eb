// Formats that no standard names, chosen where short ways through a conversion could go wrong: a range beyond the
// source's, finite numbers where the source keeps Inf and NaN, no zero but a mantissa, odd biases. Source:
// float_format.hpp.
#include <string>

#include "conversion_batch.hpp"

namespace {

using namespace fewbits_test;
using fewbits::float_format;
using fewbits::minifloat;
using oracle::code;
using oracle::table;

// A format's table from the same fields, by the oracle's code formula.
template <float_format Format>
table table_for(std::string name) {
  oracle::specials special;
  const code sign = static_cast<code>(Format.sign_mask());
  const code top = static_cast<code>(Format.magnitude_mask());
  if (Format.nan == fewbits::nan_codes::top) {
    special.emplace_back(top, oracle::number::nan());
    if (Format.is_signed) {
      special.emplace_back(top | sign, oracle::number::nan(true));
    }
  }
  if (Format.nan == fewbits::nan_codes::negative_zero) {
    special.emplace_back(sign, oracle::number::nan());
  }
  table made = oracle::make_table({std::move(name), Format.bits(), Format.mantissa_bits, Format.bias, Format.is_signed,
                                   Format.zero != fewbits::zero_codes::none},
                                  special);
  if (Format.nan == fewbits::nan_codes::top) {
    made.nan = top;
    if (Format.is_signed) {
      made.negative_nan = top | sign;
    }
  }
  if (Format.nan == fewbits::nan_codes::negative_zero) {
    made.nan = sign;
  }
  return made;
}

constexpr float_format biased(int exponent_bits, int mantissa_bits, int bias) {
  float_format format = fewbits::finite_format(exponent_bits, mantissa_bits);
  format.bias = bias;
  return format;
}
constexpr float_format no_zero{.exponent_bits = 4,
                               .mantissa_bits = 2,
                               .bias = 7,
                               .is_signed = false,
                               .nan = fewbits::nan_codes::top,
                               .zero = fewbits::zero_codes::none};
constexpr float_format no_zero_wide{.exponent_bits = 8,
                                    .mantissa_bits = 3,
                                    .bias = 100,
                                    .is_signed = false,
                                    .nan = fewbits::nan_codes::top,
                                    .zero = fewbits::zero_codes::none};

struct as_float {
  using native = float;
  using order = oracle::float_order;
  static constexpr const char* name = "float";
  static float from(std::uint64_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); }
};
struct as_double {
  using native = double;
  using order = oracle::double_order;
  static constexpr const char* name = "double";
  static double from(std::uint64_t bits) { return std::bit_cast<double>(bits); }
};
struct as_fp16 {
  using order = oracle::fp16_order;
  static constexpr const char* name = "fp16";
  static fewbits::fp16 from(std::uint64_t bits) { return fewbits::fp16::from_bits(static_cast<std::uint16_t>(bits)); }
};
struct as_bf16 {
  using order = oracle::bf16_order;
  static constexpr const char* name = "bf16";
  static fewbits::bf16 from(std::uint64_t bits) { return fewbits::bf16::from_bits(static_cast<std::uint16_t>(bits)); }
};

template <class T, class Source, class Rounding, class Overflow>
void judge(tally& count, const table& to, const rounding_case<Rounding>& mode,
           const overflow_case<Overflow>& overflow) {
  using order = typename Source::order;
  const std::size_t stride = to.bits > 8 ? 5 : 1;
  batch all{describe(to, mode, overflow.rule) + ", " + Source::name + " ",
            inputs_for<order>(to, rules_for(mode, overflow.rule), 500 / thinning, stride),
            {},
            {},
            {}};
  const fewbits::encoding<Rounding, Overflow> how{.rounding = mode.policy, .overflow = overflow.policy};
  using fewbits::unpack;
  for (const std::uint64_t bits : all.inputs) {
    const auto x = Source::from(bits);
    const oracle::number meaning = order::value_of(order::key_of(bits));
    all.expected.push_back(expected_code(to, meaning, rules_for(mode, overflow.rule), overflow.rule));
    all.direct.push_back(fewbits::convert<T>(x, mode.policy, overflow.policy).bits());
    all.reference.push_back(static_cast<code>(reference<T>(unpack(x), how)));
  }
  compare(count, all);
}

template <class T>
void judge_back(tally& count, const table& from) {
  for (code c = 0; c < from.codes.size(); ++c) {
    const T x = T::from_bits(static_cast<typename T::bits_type>(c));
    const auto input = [&] { return from.name + " " + hex(c) + " out to fp16, bf16, e4m3"; };
    count.expect(oracle::convert(table_of<fewbits::fp16>(), from.at(c)), fewbits::fp16{x}.bits(), input);
    count.expect(oracle::convert(table_of<fewbits::bf16>(), from.at(c)), fewbits::bf16{x}.bits(), input);
    count.expect(oracle::convert(table_of<fewbits::e4m3>(), from.at(c)), fewbits::e4m3{x}.bits(), input);
  }
}

template <float_format Format>
void judge_format(tally& count, const char* name) {
  using number = minifloat<Format>;
  const table to = table_for<Format>(name);
  const auto by_source = [&]<class Source>() {
    judge<number, Source>(count, to, rounding_case<fewbits::nearest_even_t>{{}, oracle::rounding::nearest_even},
                          overflow_case<fewbits::saturate_t>{{}, overflow_rule::saturate});
    judge<number, Source>(count, to, rounding_case<fewbits::upward_t>{{}, oracle::rounding::upward},
                          overflow_case<fewbits::no_saturate_t>{{}, overflow_rule::no_saturate});
    judge<number, Source>(count, to, rounding_case<fewbits::to_odd_t>{{}, oracle::rounding::to_odd},
                          overflow_case<fewbits::saturate_finite_t>{{}, overflow_rule::saturate_finite});
  };
  by_source.template operator()<as_float>();
  by_source.template operator()<as_double>();
  by_source.template operator()<as_fp16>();
  by_source.template operator()<as_bf16>();
  judge_back<number>(count, to);
}

TEST(UserFormats, OddFormatsConvertFromEverySource) {
  tally count{"inputs into odd formats"};
  judge_format<fewbits::finite_format(8, 3)>(count, "finite 8.3");  // Inf and NaN of float are numbers here
  judge_format<fewbits::finite_format(8, 5)>(count, "finite 8.5");
  judge_format<fewbits::finite_format(5, 2)>(count, "finite 5.2");  // and of fp16 here
  judge_format<fewbits::unsigned_format(8, 3)>(count, "unsigned 8.3");
  judge_format<biased(5, 2, 5)>(count, "finite 5.2 bias 5");      // up to 2^26
  judge_format<biased(5, 2, 30)>(count, "finite 5.2 bias 30");    // below fp16's subnormals
  judge_format<biased(2, 1, -3)>(count, "finite 2.1 bias -3");    // no number below 8
  judge_format<biased(3, 2, 140)>(count, "finite 3.2 bias 140");  // all below float's smallest normal
  judge_format<biased(1, 6, 0)>(count, "finite 1.6 bias 0");
  judge_format<biased(12, 1, 2047)>(count, "finite 12.1");  // beyond double
  judge_format<fewbits::fnuz_format(8, 3)>(count, "fnuz 8.3");
  judge_format<no_zero>(count, "unsigned 4.2 without zero");
  judge_format<no_zero_wide>(count, "unsigned 8.3 bias 100 without zero");
}

}  // namespace
