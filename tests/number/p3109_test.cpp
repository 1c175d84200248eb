// IEEE P3109: every K from 3 to 15, every precision, signed and unsigned, finite and extended. Every code of every
// format is decoded; formats of up to 8 bits are encoded at every threshold. Source: IEEE P3109 interim report.
#include <bit>
#include <utility>

#include "conversion_batch.hpp"

namespace {

using namespace fewbits_test;
using fewbits::domain;
using fewbits::signedness;
using oracle::code;
using oracle::table;

oracle::number meaning_of(const fewbits::unpacked_number& x) {
  switch (x.kind) {
    case fewbits::number_class::nan: return oracle::number::nan(x.negative);
    case fewbits::number_class::infinite: return oracle::number::infinity(x.negative);
    case fewbits::number_class::zero: return oracle::number::finite(oracle::exact{x.negative, oracle::natural{}, 0});
    default: return oracle::number::finite(oracle::exact{x.negative, oracle::natural{x.significand}, x.exponent - 63});
  }
}

void judge_decode(tally& count, const table& in, fewbits::unpacked_number (*library)(code)) {
  for (code c = 0; c<in.codes.size(); c += in.bits> 10 ? static_cast<code>(thinning) : 1) {
    const oracle::number got = meaning_of(library(c));
    const oracle::number& expected = in.at(c);
    const bool same = got.what == expected.what && got.negative == expected.negative && got.value == expected.value;
    count.expect_true(same, [&] {
      return in.name + " code " + hex(c) + ": expected " + std::to_string(expected.value.to_double()) + ", got " +
             std::to_string(got.value.to_double());
    });
  }
  count.expect_true(in.codes.size() == std::size_t{1} << in.bits, [&] { return in.name + " has all codes"; });
}

template <int K, int P, signedness Sign, domain Values>
void decode_one(tally& count) {
  constexpr fewbits::float_format format = fewbits::p3109_format(K, P, Sign, Values);
  static_assert(fewbits::is_consistent(format));
  static_assert(format.bits() == K);
  static_assert(std::is_same_v<fewbits::binary<K, P, Sign, Values>, fewbits::minifloat<format>>);
  judge_decode(count, oracle::p3109(K, P, Sign == signedness::is_signed, Values == domain::extended),
               [](code c) { return fewbits::unpack_code<fewbits::p3109_format(K, P, Sign, Values)>(c); });
}

template <int K, int P, signedness Sign, domain Values>
void encode_one(tally& count) {
  using number = fewbits::binary<K, P, Sign, Values>;
  const table to = oracle::p3109(K, P, Sign == signedness::is_signed, Values == domain::extended);
  const auto judge_mode = [&](const auto& mode, const auto& overflow) {
    batch all = prepare<oracle::double_order>(to, rules_for(mode, overflow.rule), overflow.rule,
                                              describe(to, mode, overflow.rule) + ", double ");
    encode<number, double>(all, mode.policy, overflow.policy);
    compare(count, all);
  };
  judge_mode(rounding_case<fewbits::nearest_even_t>{{}, oracle::rounding::nearest_even},
             overflow_case<fewbits::no_saturate_t>{{}, overflow_rule::no_saturate});
  judge_mode(rounding_case<fewbits::toward_zero_t>{{}, oracle::rounding::toward_zero},
             overflow_case<fewbits::saturate_finite_t>{{}, overflow_rule::saturate_finite});
}

/// Calls visit.operator()<K, P, signedness, domain>() for every format of K bits.
template <int K, class Visit>
void for_each_of_width(Visit visit) {
  const auto each = [&]<int... Less>(std::integer_sequence<int, Less...>) {
    const auto of_precision = [&]<int P>() {
      if constexpr (P < K) {
        visit.template operator()<K, P, signedness::is_signed, domain::extended>();
        visit.template operator()<K, P, signedness::is_signed, domain::finite>();
      }
      visit.template operator()<K, P, signedness::is_unsigned, domain::extended>();
      visit.template operator()<K, P, signedness::is_unsigned, domain::finite>();
    };
    (of_precision.template operator()<Less + 1>(), ...);
  };
  each(std::make_integer_sequence<int, K>{});
}

template <int... From3>
void decode_widths(tally& count, std::integer_sequence<int, From3...>) {
  (for_each_of_width<From3 + 3>(
       [&]<int K, int P, signedness Sign, domain Values>() { decode_one<K, P, Sign, Values>(count); }),
   ...);
}

TEST(P3109, EveryCodeOfEveryFormatDecodesExactly) {
  tally count{"codes of 442 formats of 3 to 15 bits, decoded"};
  decode_widths(count, std::make_integer_sequence<int, 13>{});
}

TEST(P3109, ThresholdsOfSmallFormatsRoundOnce) {
  tally count{"doubles into formats of 3, 4, 5, 6 and 8 bits"};
  const auto encode_format = [&]<int K, int P, signedness Sign, domain Values>() {
    encode_one<K, P, Sign, Values>(count);
  };
  for_each_of_width<3>(encode_format);
  for_each_of_width<4>(encode_format);
  for_each_of_width<5>(encode_format);
  for_each_of_width<6>(encode_format);
  for_each_of_width<8>(encode_format);
}

TEST(P3109, WideFormatsComeBackFromTheirOwnValues) {
  tally count{"codes of 15-bit formats there and back"};
  const auto round_trip = [&]<int P>() {
    constexpr fewbits::float_format format = fewbits::p3109_format(15, P);
    for (code c = 0; c < (code{1} << 15); c += 3) {
      const code back =
          static_cast<code>(fewbits::pack_code<format>(fewbits::unpack_code<format>(c), fewbits::operator_encoding));
      count.expect(c, back, [&] { return "binary15p" + std::to_string(P) + " " + hex(c); });
    }
  };
  round_trip.template operator()<1>();
  round_trip.template operator()<4>();
  round_trip.template operator()<8>();
  round_trip.template operator()<14>();
}

TEST(P3109, NanIsTheOnlyOddOneOut) {
  using binary8p3 = fewbits::binary<8, 3>;
  static_assert(isnan(binary8p3::from_bits(0x80)));
  static_assert(isinf(binary8p3::from_bits(0x7F)) && isinf(binary8p3::from_bits(0xFF)));
  static_assert(!isnan(binary8p3::from_bits(0x00)) && !isnan(binary8p3::from_bits(0x81)));
  static_assert((-binary8p3{0.0f}).bits() == 0);
  static_assert(isnan(-binary8p3::from_bits(0x80)));
}

}  // namespace
