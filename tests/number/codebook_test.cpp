// Numbers by table against exact arithmetic: every decision and its neighbours in every rounding, conversions from and
// to every other type, text, limits; and the table of nf4 derived from its construction.
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fewbits/number/hash.hpp>
#include <fewbits/number/text.hpp>

#include "support.hpp"

namespace {

using namespace fewbits_test;
namespace fb = fewbits;
using oracle::code;
using oracle::exact;

using fb::codebook_format;
using unsorted = fb::codebook<codebook_format{.total_bits = 2, .fraction_bits = 1, .entries = {3, -1, 0, -7}}>;
using without_zero =
    fb::codebook<codebook_format{.total_bits = 3, .entries = {-5, -3, -1, 1, 3, 5, 7, 9}}>;  // ties, one of them at 0
using all_positive = fb::codebook<codebook_format{.total_bits = 2, .fraction_bits = 3, .entries = {8, 1, 4, 2}}>;
using all_negative = fb::codebook<codebook_format{.total_bits = 2, .entries = {-1, -9, -4, -2}}>;
using repeating = fb::codebook<codebook_format{.total_bits = 3, .entries = {0, 1, 1, -2, 5, 5, -2, 7}}>;
using switch_bit = fb::codebook<codebook_format{.total_bits = 1, .entries = {0, 1}}>;
using far_apart = fb::codebook<codebook_format{.total_bits = 1, .entries = {0x7fffffff, -0x7fffffff}}>;
using tiny = fb::codebook<codebook_format{
    .total_bits = 4,
    .fraction_bits = 60,
    .entries = {0, 1, 2, 3, 0x7fffffff, 0x7ffffffe, -1, -2, -3, -0x7fffffff, 1000003, -1000003, 5, 7, 11, -13}}>;
using five_bits = fb::codebook<codebook_format{
    .total_bits = 5, .fraction_bits = 7, .entries = {-127, -104, -83, -65, -49, -35,  -22,  -10, 1,   13,  25,
                                                     38,   53,   69,  89,  113, -128, -105, -84, -66, -50, -36,
                                                     -23,  -11,  128, 512, 999, 998,  997,  996, 995, 994}}>;

using codebooks = type_list<fb::nf4, fb::sign1, unsorted, without_zero, all_positive, all_negative, repeating,
                            switch_bit, far_apart, tiny, five_bits>;

/// For what is compiled for every pair of types.
using few_codebooks = type_list<fb::nf4, unsorted, five_bits>;

/// An entry, and the lowest code that has it.
struct entry {
  exact value;
  code bits = 0;
};

/// The different entries of a codebook, ascending, by exact arithmetic.
template <class T>
std::vector<entry> entries_of() {
  std::vector<entry> all;
  for (code c = 0; c < (1u << T::format.total_bits); ++c) {
    const entry one{exact::integer(T::format.entries[c]).scaled(-T::format.fraction_bits), c};
    auto at = all.begin();
    while (at != all.end() && at->value < one.value)
      ++at;
    if (at == all.end() || one.value < at->value)
      all.insert(at, one);
  }
  return all;
}

/// The documented choice: of the two entries around a value, by its sign the near and the far one.
code expected_code(const std::vector<entry>& all, const oracle::number& from, const oracle::rules& by) {
  if (from.is_nan())
    return all.back().bits;
  if (from.is_infinity())
    return from.negative ? all.front().bits : all.back().bits;
  // Below 2^-300 nothing is decided, and the exact sums of the smallest doubles would be wider than the oracle's.
  const exact bottom = exact::power_of_two(-300);
  const exact x = from.value.is_zero() || from.value.absolute() > bottom ? from.value
                  : from.negative                                        ? -bottom
                                                                         : bottom;
  std::size_t above = 0;
  while (above < all.size() && all[above].value <= x)
    ++above;
  if (above == 0)
    return all.front().bits;
  const entry& low = all[above - 1];
  if (above == all.size() || low.value == x)
    return low.bits;
  const entry& high = all[above];
  const entry& near = from.negative ? high : low;
  const entry& far = from.negative ? low : high;
  const exact step = (x - near.value).absolute();
  const exact gap = (far.value - near.value).absolute();
  const bool odd = near.bits % 2 == 1;
  switch (by.mode) {
    case oracle::rounding::toward_zero: return near.bits;
    case oracle::rounding::upward: return high.bits;
    case oracle::rounding::downward: return low.bits;
    case oracle::rounding::to_odd: return odd ? near.bits : far.bits;
    case oracle::rounding::nearest_even:
    case oracle::rounding::nearest_away: {
      const auto side = step.scaled(1) <=> gap;
      const bool away = side > 0 || (side == 0 && (by.mode == oracle::rounding::nearest_away || odd));
      return away ? far.bits : near.bits;
    }
    default: break;
  }
  const std::uint64_t all_draws = std::uint64_t{1} << by.random_count;
  const bool away = by.random_bits + oracle::rounded_fraction(step, exact{}, gap, by.random_count) >= all_draws;
  return away ? far.bits : near.bits;
}

/// Keys of floats or doubles at and beside every entry and midpoint, their quarters, zeros, ends and Inf.
template <class Order>
std::vector<std::int64_t> decision_points(const std::vector<entry>& all) {
  std::vector<std::int64_t> keys{0,  1,  2,  Order::last_key,  Order::last_key - 1,
                                 -1, -2, -3, Order::first_key, Order::first_key + 1};
  const auto add = [&](const exact& value) {
    const std::int64_t key = floor_key<Order>(value.absolute());
    for (std::int64_t each = key - 1; each <= key + 2; ++each)
      if (each >= 0 && each <= Order::last_key)
        keys.push_back(value.negative() ? -each - 1 : each);
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    add(all[i].value);
    if (i + 1 < all.size())
      for (const std::int64_t quarter : {1, 2, 3})
        add(all[i].value + ((all[i + 1].value - all[i].value) * exact::integer(quarter)).scaled(-2));
  }
  for (int exponent = -70; exponent < 40; exponent += 3)
    add(exact::power_of_two(exponent) + exact::power_of_two(exponent - 9));
  return keys;
}

template <class Native, class Order, class T>
void judge_decisions(tally& count, const std::vector<entry>& all) {
  using bits_type = std::conditional_t<sizeof(Native) == 4, std::uint32_t, std::uint64_t>;
  for (const std::int64_t key : decision_points<Order>(all)) {
    const std::uint64_t bits = Order::bits_of(key);
    const oracle::number meaning = Order::value_of(key);
    const auto from = std::bit_cast<Native>(static_cast<bits_type>(bits));
    const auto text = [&](const oracle::rules& by) {
      return std::string(oracle::name_of(by.mode)) + " " + hex(bits) + ", " + std::to_string(T::format.total_bits) +
             " bits, first entry " + std::to_string(T::format.entries[0]);
    };
    for_each_rounding<T>([&](const auto& mode) {
      const oracle::rules by = rules_for(mode, overflow_rule::saturate);
      count.expect(expected_code(all, meaning, by), fb::convert<T>(from, mode.policy).bits(), [&] { return text(by); });
    });
    // A table has no Inf and no NaN: the overflow policies have nothing to choose.
    const code nearest = fb::convert<T>(from).bits();
    count.expect(nearest, fb::convert<T>(from, fb::no_saturate).bits(), [&] { return text({}); });
    count.expect(nearest, fb::convert<T>(from, fb::saturate_finite).bits(), [&] { return text({}); });
  }
}

TEST(Codebook, EveryDecisionAndItsNeighboursInEveryRounding) {
  tally count{"floats and doubles at and beside every entry, midpoint and quarter"};
  for_each_type(codebooks{}, [&]<class T>() {
    const auto all = entries_of<T>();
    judge_decisions<float, oracle::float_order, T>(count, all);
    judge_decisions<double, oracle::double_order, T>(count, all);
  });
}

TEST(Codebook, EveryCodeOfEveryOtherTypeGoesToTheNearestEntry) {
  tally count{"codes of every type into codebooks"};
  for_each_type(few_codebooks{}, [&]<class T>() {
    const auto all = entries_of<T>();
    for_each_type(all_numbers{}, [&]<class From>() {
      const oracle::table& from = table_of<From>();
      for (code c = 0; c<from.codes.size(); c += from.bits> 8 ? 7 : 1) {
        const auto x = From::from_bits(static_cast<typename From::bits_type>(c));
        count.expect(expected_code(all, from.at(c), {}), T{x}.bits(), [&] { return from.name + " " + hex(c); });
      }
    });
    for (int i = -140; i <= 140; ++i) {
      count.expect(expected_code(all, oracle::from(i), {}), T{i}.bits(), [&] { return "int " + std::to_string(i); });
      count.expect(expected_code(all, oracle::from(i), {}), T{static_cast<long double>(i)}.bits(),
                   [&] { return "long double " + std::to_string(i); });
    }
  });
}

TEST(Codebook, EveryEntryIsExactInDoubleAndRoundsOnceIntoEveryOtherType) {
  tally count{"entries into every type"};
  for_each_type(few_codebooks{}, [&]<class T>() {
    for (code c = 0; c < (1u << T::format.total_bits); ++c) {
      const T from = T::from_bits(static_cast<std::uint8_t>(c));
      exact value = exact::integer(T::format.entries[c]).scaled(-T::format.fraction_bits);
      const oracle::number meaning = oracle::number::finite(value);
      const auto text = [&] { return "entry " + std::to_string(T::format.entries[c]); };
      const auto as_double = std::bit_cast<std::uint64_t>(static_cast<double>(from));
      count.expect(exact_bits<oracle::double_order>(meaning), as_double, text);
      count.expect_true(oracle::from(static_cast<long double>(from)).value == value, text);
      count.expect_true(static_cast<bool>(from) == !value.is_zero(), text);
      const auto truncated = static_cast<std::int64_t>(static_cast<double>(from));
      count.expect(static_cast<std::uint64_t>(truncated), static_cast<std::uint64_t>(static_cast<std::int64_t>(from)),
                   text);
      count.expect(value.negative() && !value.is_zero(), signbit(from), text);
      count.expect_true(isfinite(from), text);
      count.expect(c, T::from_bits(static_cast<std::uint8_t>(c | (0xffu << T::format.total_bits))).bits(), text);
      for_each_type(all_numbers{}, [&]<class To>() {
        const oracle::table& to = table_of<To>();
        count.expect(oracle::convert(to, meaning), To{from}.bits(), [&] { return text() + " to " + to.name; });
      });
      for_each_type(few_codebooks{}, [&]<class To>() {
        if constexpr (!std::is_same_v<T, To>)
          count.expect(expected_code(entries_of<To>(), meaning, {}), To{from}.bits(), text);
      });
    }
  });
}

// The zero of a codebook is the entry nearest to 0: code 7 of nf4, whose code 0 is -1.
static_assert(fb::convert<fb::nf4>(std::numeric_limits<float>::quiet_NaN()).bits() == 15);
static_assert(fb::convert<fb::nf4>(std::numeric_limits<float>::quiet_NaN(), fb::nan_to_zero).bits() == 7);
static_assert(fb::convert<fb::nf4>(std::numeric_limits<float>::quiet_NaN(), fb::nan_to_negated_zero).bits() == 7);
static_assert(fb::convert<fb::nf4>(-std::numeric_limits<float>::quiet_NaN(), fb::nan_to_negated_zero).bits() == 7);
static_assert(fb::convert<unsorted>(std::numeric_limits<double>::quiet_NaN(), fb::nan_to_zero).bits() == 2);
static_assert(fb::convert<fb::sign1>(std::numeric_limits<float>::quiet_NaN(), fb::nan_to_zero).bits() == 0);
static_assert(fb::convert<fb::sign1>(std::numeric_limits<float>::quiet_NaN()).bits() == 0);
static_assert(fb::sign1{0.0f}.bits() == 0 && fb::sign1{-0.0f}.bits() == 0 && fb::sign1{-1e-30f}.bits() == 1);

TEST(Codebook, ComparisonIsThatOfTheEntries) {
  tally count{"pairs of codes"};
  for_each_type(codebooks{}, [&]<class T>() {
    for (code a = 0; a < (1u << T::format.total_bits); ++a)
      for (code b = 0; b < (1u << T::format.total_bits); ++b) {
        const auto text = [&] { return "codes " + hex(a) + " and " + hex(b); };
        const T x = T::from_bits(static_cast<std::uint8_t>(a));
        const T y = T::from_bits(static_cast<std::uint8_t>(b));
        const auto expected = T::format.entries[a] <=> T::format.entries[b];
        count.expect_true((x <=> y) == expected && (x == y) == (expected == 0), text);
        count.expect_true(total_order(x, y) == expected && fb::total_order(x, y) == expected, text);
        count.expect_true((fb::min)(x, y) == (y < x ? y : x) && (fb::max)(x, y) == (x < y ? y : x), text);
        count.expect_true(x != y || std::hash<T>{}(x) == std::hash<T>{}(y), text);
      }
  });
}

// What a codebook has no answer to is refused, not a hard error.
template <class T>
concept has_arithmetic = requires(T a) {
  fb::abs(a);
}
|| requires(T a) { fb::sqrt(a); }
|| requires(T a) { fb::fma(a, a, a); }
|| requires(T a) { fb::nextafter(a, a); }
|| requires(T a) { fb::copysign(a, a); }
|| requires(T a) { fb::isnan(a); }
|| requires(T a) { fb::isnormal(a); }
|| requires(T a) { a + a; }
|| requires(T a) { -a; };
static_assert(!has_arithmetic<fb::nf4> && !has_arithmetic<fb::sign1> && has_arithmetic<fb::int4>);

TEST(Codebook, LimitsAreTheEndsOfTheTable) {
  tally count{"limits of codebooks"};
  for_each_type(codebooks{}, [&]<class T>() {
    using limits = std::numeric_limits<T>;
    static_assert(limits::is_specialized && !limits::has_infinity && !limits::has_quiet_NaN && limits::is_bounded);
    const auto all = entries_of<T>();
    const auto text = [] { return std::string("limits"); };
    count.expect(all.front().bits, limits::lowest().bits(), text);
    count.expect(all.back().bits, (limits::max)().bits(), text);
    count.expect(all.front().value < exact{}, limits::is_signed, text);
    code smallest = all.back().bits;
    for (std::size_t i = all.size(); i-- != 0;)
      if (all[i].value > exact{})
        smallest = all[i].bits;
    count.expect(smallest, (limits::min)().bits(), text);
  });
}

template <class T>
std::string text_of(T x) {
  char text[fb::max_text_length];
  const auto end = fb::to_chars(text, text + sizeof text, x);
  EXPECT_EQ(end.ec, std::errc{});
  return {text, end.ptr};
}

TEST(Codebook, TextIsTheShortestThatReadsBack) {
  tally count{"codes to text and back"};
  for_each_type(codebooks{}, [&]<class T>() {
    for (code c = 0; c < (1u << T::format.total_bits); ++c) {
      const T x = T::from_bits(static_cast<std::uint8_t>(c));
      const std::string text = text_of(x);
      T back = T::from_bits(static_cast<std::uint8_t>(c ^ 1));
      const auto read = fb::from_chars(text.data(), text.data() + text.size(), back);
      count.expect_true(read.ec == std::errc{} && back == x, [&] { return "entry " + hex(c) + " is " + text; });
    }
  });
  EXPECT_EQ(text_of(fb::nf4::from_bits(0)), "-1");
  EXPECT_EQ(text_of(fb::nf4::from_bits(1)), "-0.7");
  EXPECT_EQ(text_of(fb::nf4::from_bits(7)), "0");
  EXPECT_EQ(text_of(fb::nf4::from_bits(8)), "0.08");
  EXPECT_EQ(text_of(fb::sign1::from_bits(1)), "-1");
  EXPECT_EQ(text_of(without_zero::from_bits(7)), "9");
  EXPECT_EQ(text_of(unsorted::from_bits(0)), "1");  // the entry 1.5
  fb::nf4 unchanged = fb::nf4::from_bits(3);
  for (const std::string_view beyond : {"1.0000001", "-1.01", "1e30", "inf", "nan"}) {
    EXPECT_EQ(fb::from_chars(beyond.data(), beyond.data() + beyond.size(), unchanged).ec,
              std::errc::result_out_of_range)
        << beyond;
    EXPECT_EQ(unchanged.bits(), 3);
  }
}

// arXiv 2305.14314, appendix E, as float32.
constexpr float of_the_paper[] = {-1.0f,
                                  -0.6961928009986877f,
                                  -0.5250730514526367f,
                                  -0.39491748809814453f,
                                  -0.28444138169288635f,
                                  -0.18477343022823334f,
                                  -0.09105003625154495f,
                                  0.0f,
                                  0.07958029955625534f,
                                  0.16093020141124725f,
                                  0.24611230194568634f,
                                  0.33791524171829224f,
                                  0.44070982933044434f,
                                  0.5626170039176941f,
                                  0.7229568362236023f,
                                  1.0f};

TEST(Nf4, IsTheTableOfThePaper) {
  tally count{"entries of nf4"};
  for (code c = 0; c < 16; ++c) {
    const auto as_float =
        std::bit_cast<std::uint32_t>(static_cast<float>(fb::nf4::from_bits(static_cast<std::uint8_t>(c))));
    count.expect(std::bit_cast<std::uint32_t>(of_the_paper[c]), as_float, [&] { return "code " + hex(c); });
    count.expect(c, fb::nf4{of_the_paper[c]}.bits(), [&] { return "value of code " + hex(c); });
  }
}

/// The quantile of N(0,1), by bisection.
double normal_quantile(double probability) {
  double low = -10;
  double high = 10;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < probability ? low : high) = middle;
  }
  return low;
}

TEST(Nf4, FollowsFromTheQuantilesOfTheNormalDistribution) {
  tally count{"entries of nf4 from quantiles"};
  constexpr double offset = 0.9677083;
  const double largest = normal_quantile(offset);
  for (int c = 0; c < 16; ++c) {
    // Eight steps up from 0, seven down: linspace(offset, 0.5, 9) and linspace(offset, 0.5, 8).
    const double expected = c >= 7 ? normal_quantile(0.5 + (offset - 0.5) * (c - 7) / 8) / largest
                                   : -normal_quantile(0.5 + (offset - 0.5) * (7 - c) / 7) / largest;
    const auto entry_of_code = static_cast<double>(fb::nf4::from_bits(static_cast<std::uint8_t>(c)));
    count.expect_true(std::fabs(entry_of_code - expected) < 2e-7, [&] {
      return "code " + std::to_string(c) + ": " + std::to_string(entry_of_code) + " for " + std::to_string(expected);
    });
  }
}

/// A digest of what conversions answer, the same in the compiler and in the program.
template <class T>
constexpr std::uint64_t digest(std::uint32_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::uint32_t bits = seed; bits < 0xff800000u - 0xffff7fu; bits += 0xffff7fu) {
    const float x = std::bit_cast<float>(bits);
    hash = (hash ^ T{x}.bits()) * 0x100000001b3u;
    hash = (hash ^ fb::convert<T>(x, fb::downward).bits()) * 0x100000001b3u;
    hash = (hash ^ fb::convert<T>(x, fb::stochastic(bits * 2654435761u, 32)).bits()) * 0x100000001b3u;
  }
  return hash;
}

TEST(Codebook, RunTimeEqualsCompileTime) {
  volatile std::uint32_t seed = 5;
  tally count{"digests"};
  for_each_type(type_list<fb::nf4, unsorted, repeating>{}, [&]<class T>() {
    constexpr std::uint64_t of_compiler = digest<T>(5);
    count.expect(of_compiler, digest<T>(seed), [] { return std::string("digest"); });
  });
}

}  // namespace
