// Counts and extremes that no split, order or tree of merges can change; their byte form, honest and hostile.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/number.hpp>
#include <fewbits/quantize/histogram.hpp>

#include "quantize/calibrate_samples.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::any_bits;
using fewbits_test::bell;
using fewbits_test::by_random_pieces;
using fewbits_test::code_of;
using fewbits_test::float_at;

namespace {

using folded = fb::histogram<5>;
using apart = fb::histogram<5, fb::histogram_signs::apart>;
static_assert(std::is_trivially_copyable_v<folded> && std::is_trivially_copyable_v<fb::min_max_calibrator>);
static_assert(sizeof(fb::histogram<>) < (256u << 10) + 256);

std::uint32_t float_code(const fb::unpacked_number& number) { return code_of(fb::pack_native<float>(number)); }

template <class Calibrator>
std::vector<std::byte> bytes_of(const Calibrator& from) {
  std::vector<std::byte> bytes(from.byte_size());
  EXPECT_EQ(from.write_to(bytes).value(), bytes.size());
  return bytes;
}

TEST(Histogram, EveryBinHoldsItsFirstAndLastFloatAndNoOther) {
  auto counted = std::make_unique<apart>();
  std::uint64_t visited = 0;
  for (std::size_t b = 0; b < apart::finite_bins; ++b) {
    ASSERT_EQ(apart::bin_of_code(apart::first_code(b)), b);
    ASSERT_EQ(apart::bin_of_code(apart::first_code(b + 1) - 1), b);
    ASSERT_EQ(apart::bin_of_code(apart::middle_code(b)), b);
    const std::uint32_t first = std::max(apart::first_code(b), 1u);
    const std::array<float, 4> ends{float_at(first), float_at(first | 0x80000000u),
                                    float_at(apart::first_code(b + 1) - 1), float_at(first | 0x80000000u)};
    counted->add(std::span(ends));
    visited += 4;
  }
  for (std::size_t b = 0; b < apart::bins; ++b) {
    const std::uint64_t expected = b == apart::bin_past_float ? 0u : fewbits_test::planted() && b == 77 ? 3u : 2u;
    ASSERT_EQ(counted->count(b), expected) << "bin " << b << " from bits " << std::hex << apart::first_code(b);
    ASSERT_EQ(counted->count(b, true), b == apart::bin_past_float ? 0u : 2u) << "negative, bin " << b;
  }
  EXPECT_EQ(counted->range().nonzeros(), visited);
  EXPECT_EQ(float_code(counted->range().lowest()),
            code_of(float_at(apart::first_code(apart::finite_bins - 1) | 0x80000000u)));
  EXPECT_EQ(float_code(counted->range().highest()), 0x7f7fffffu);
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(Histogram, AnySplitOrderAndTreeOfMergesGiveTheSameBytes) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const auto values = seed % 2 == 0 ? any_bits(1500, seed) : bell(1500, seed);
    const std::span<const float> all(values);
    auto at_once = std::make_unique<folded>();
    auto signs_at_once = std::make_unique<apart>();
    at_once->add(all);
    signs_at_once->add(all);
    const auto bytes = bytes_of(*at_once);
    const auto sign_bytes = bytes_of(*signs_at_once);
    const auto range_bytes = bytes_of(at_once->range());
    for (std::uint64_t way = 0; way < 6; ++way, ++visited) {
      const auto one = by_random_pieces<folded>(all, seed * 1000 + way);
      ASSERT_TRUE(*one == *at_once) << "seed " << seed << ", way " << way;
      ASSERT_EQ(bytes_of(*one), bytes) << "seed " << seed << ", way " << way;
      ASSERT_EQ(bytes_of(*by_random_pieces<apart>(all, seed * 1000 + way)), sign_bytes) << "seed " << seed;
      ASSERT_EQ(bytes_of(*by_random_pieces<fb::min_max_calibrator>(all, seed * 1000 + way)), range_bytes);
    }
    ASSERT_EQ(signs_at_once->range(), at_once->range());
    for (std::size_t b = 0; b < folded::bins; ++b)
      ASSERT_EQ(at_once->count(b), signs_at_once->count(b) + signs_at_once->count(b, true)) << "bin " << b;
  }
  std::printf("%llu splits\n", static_cast<unsigned long long>(visited));
}

TEST(MinMaxCalibrator, ExtremesAndCountsAreThoseOfASortedList) {
  std::uint64_t visited = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::vector<float> values = any_bits(1 + seed % 40, seed);
    if (seed % 4 == 0)  // one sign only
      for (float& each : values)
        each = float_at((code_of(each) & 0x7fffffffu) | (seed % 8 == 0 ? 0x80000000u : 0u));
    std::vector<std::int64_t> keys;  // ordered as the values: no floating-point comparison
    std::uint64_t zeros = 0, nans = 0, infinities = 0;
    for (const float each : values) {
      const std::uint32_t magnitude = code_of(each) & 0x7fffffffu;
      zeros += magnitude == 0;
      infinities += magnitude == 0x7f800000u;
      nans += magnitude > 0x7f800000u;
      if (magnitude < 0x7f800000u)
        keys.push_back((code_of(each) >> 31) != 0 ? -std::int64_t{magnitude} : std::int64_t{magnitude});
    }
    std::sort(keys.begin(), keys.end());
    fb::min_max_calibrator got;
    got.add(std::span(values));
    const auto code = [](std::int64_t key) {
      return static_cast<std::uint32_t>(key < 0 ? -key : key) | (key < 0 ? 0x80000000u : 0u);
    };
    ASSERT_EQ(float_code(got.lowest()), keys.empty() ? 0u : code(keys.front())) << "seed " << seed;
    ASSERT_EQ(float_code(got.highest()), keys.empty() ? 0u : code(keys.back())) << "seed " << seed;
    const std::int64_t amax = keys.empty() ? 0 : std::max(std::abs(keys.front()), std::abs(keys.back()));
    ASSERT_EQ(float_code(got.amax()), code(amax)) << "seed " << seed;
    ASSERT_EQ(got.zeros(), zeros);
    ASSERT_EQ(got.nonzeros(), keys.size() - zeros);
    ASSERT_EQ(got.infinities(), infinities);
    ASSERT_EQ(got.nans(), nans);
    visited += values.size();
  }
  std::printf("%llu values\n", static_cast<unsigned long long>(visited));
}

TEST(MinMaxCalibrator, ManyTypesAndMatricesAreReadByTheirValues) {
  fb::min_max_calibrator got;
  const std::array<fb::bf16, 3> halves{fb::bf16{-2.0f}, fb::bf16{0.5f}, fb::bf16{0.0f}};
  got.add(std::span(halves));
  const std::array<fb::e4m3fnuz, 2> fnuz{fb::e4m3fnuz{1.0f}, fb::e4m3fnuz::from_bits(0x80)};  // the second is NaN
  got.add(std::span(fnuz));
  const std::array<fb::ue8m0, 2> powers{fb::ue8m0{4.0f}, fb::ue8m0::from_bits(0xff)};
  got.add(std::span(powers));
  EXPECT_EQ(got.nans(), 2u);
  EXPECT_EQ(got.zeros(), 1u);
  EXPECT_EQ(float_code(got.highest()), code_of(4.0f));
  EXPECT_EQ(float_code(got.lowest()), code_of(-2.0f));

  const auto values = bell(6 * 100, 5);
  const fb::matrix_view<const float> matrix{values.data(), 6, 100};
  auto rows = std::make_unique<folded>();
  auto columns = std::make_unique<folded>();
  auto list = std::make_unique<folded>();
  rows->add(matrix);
  columns->add(matrix.transposed());
  list->add(std::span(values));
  EXPECT_TRUE(*rows == *list);
  EXPECT_TRUE(*columns == *list);
  rows->add(fb::matrix_view<const float>{nullptr, std::numeric_limits<std::size_t>::max(), 0});
  EXPECT_TRUE(*rows == *list);
}

TEST(Histogram, DoublesOutsideFloatAreCountedAtTheEndsAndKeepTheirExtremes) {
  const auto power = [](int exponent) { return fb::pack_native<double>(fb::make_unpacked(false, 1, exponent)); };
  const std::array<double, 6> values{power(1000), power(-1000), power(128),
                                     3.4e38,      -power(-160), power(0) + power(-40)};
  auto got = std::make_unique<folded>();
  got->add(std::span(values));
  EXPECT_EQ(got->count(folded::bin_past_float), 2u);
  EXPECT_EQ(got->count(0), 2u);
  EXPECT_EQ(got->count(folded::bin_of_code(code_of(1.0f))), 1u);
  EXPECT_EQ(got->count(folded::finite_bins - 1), 1u);
  EXPECT_EQ(got->range().highest().exponent, 1000);
  EXPECT_EQ(got->range().lowest().exponent, -160);
  auto read = std::make_unique<folded>();
  EXPECT_TRUE(read->read_from(bytes_of(*got)).has_value());
  EXPECT_TRUE(*read == *got);
}

TEST(Histogram, CountsStopAtTheLargestInsteadOfWrapping) {
  auto counted = std::make_unique<folded>();
  const std::array<float, 2> values{1.0f, 0.0f};
  counted->add(std::span(values));
  for (int i = 0; i < 70; ++i) {
    const auto copy = std::make_unique<folded>(*counted);
    counted->merge(*copy);
  }
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(counted->count(folded::bin_of_code(code_of(1.0f))), most);
  EXPECT_EQ(counted->range().nonzeros(), most);
  EXPECT_EQ(counted->range().zeros(), most);
  EXPECT_FALSE(std::make_unique<folded>()->read_from(bytes_of(*counted)).has_value()) << "no machine counts so far";
}

/// Bytes of a histogram whose signs are apart, with every kind of value.
std::vector<std::byte> honest_bytes() {
  auto counted = std::make_unique<apart>();
  const auto values = bell(40, 3);
  counted->add(std::span(values));
  const std::array<float, 3> others{0.0f, float_at(0x7f800000u), float_at(0x7fc00000u)};
  counted->add(std::span(others));
  return bytes_of(*counted);
}

TEST(HistogramBytes, TheFormIsAsDocumented) {
  auto counted = std::make_unique<folded>();
  const std::array<float, 3> values{1.5f, 1.5f, -0.0f};
  counted->add(std::span(values));
  const auto bytes = bytes_of(*counted);
  ASSERT_EQ(bytes.size(), 16u + 72 + 12);
  const std::array<unsigned, 24> head{'f', 'e', 'w', 'b', 'h', 's', 't', 1,   5,   0,   0,   0,
                                      1,   0,   0,   0,   'f', 'e', 'w', 'b', 'm', 'm', 'x', 1};
  for (std::size_t i = 0; i < head.size(); ++i)
    EXPECT_EQ(std::to_integer<unsigned>(bytes[i]), head[i]) << "byte " << i;
  EXPECT_EQ(std::to_integer<unsigned>(bytes[24]), 1u);          // zeros
  EXPECT_EQ(std::to_integer<unsigned>(bytes[32]), 2u);          // nonzeros
  EXPECT_EQ(std::to_integer<unsigned>(bytes[72 + 7]), 0xc0u);   // highest: the significand's top byte
  EXPECT_EQ(std::to_integer<unsigned>(bytes[72 + 11]), 0x80u);  // exponent 0 + 2^31
  EXPECT_EQ(std::to_integer<unsigned>(bytes[72 + 12]), 1u);
  const std::size_t bin = (127u << 5) + 16;
  EXPECT_EQ(std::to_integer<unsigned>(bytes[88]) + 256 * std::to_integer<unsigned>(bytes[89]), bin);
  EXPECT_EQ(std::to_integer<unsigned>(bytes[92]), 2u);
  std::vector<std::byte> small(bytes.size() - 1, std::byte{7});
  const auto refused = counted->write_to(small);
  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), fb::errc::buffer_too_small);
  EXPECT_TRUE(std::all_of(small.begin(), small.end(), [](std::byte each) { return each == std::byte{7}; }));
  std::array<std::byte, 71> short_range{};
  EXPECT_FALSE(counted->range().write_to(short_range).has_value());
}

TEST(HistogramBytes, CutAnywhereOrLongerTheyAreRefusedAndTheStateStays) {
  const auto bytes = honest_bytes();
  auto state = std::make_unique<apart>();
  const std::array<float, 1> one{1.0f};
  state->add(std::span(one));
  const auto before = std::make_unique<apart>(*state);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(state->read_from(std::span(bytes).first(size)).has_value()) << size << " bytes";
    ASSERT_TRUE(*state == *before) << size << " bytes";
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(state->read_from(longer).has_value());
  const auto range_bytes = bytes_of(state->range());
  fb::min_max_calibrator range;
  for (std::size_t size = 0; size < range_bytes.size(); ++size)
    ASSERT_FALSE(range.read_from(std::span(range_bytes).first(size)).has_value()) << size << " bytes";
  EXPECT_TRUE(range.read_from(range_bytes).has_value());
  EXPECT_EQ(range, state->range());
  EXPECT_TRUE(state->read_from(bytes).has_value());
  EXPECT_EQ(bytes_of(*state), bytes);
  std::printf("%zu cuts\n", bytes.size() + range_bytes.size());
}

TEST(HistogramBytes, EveryByteSetToAnyValueIsRefusedOrReadAndWrittenAsItIs) {
  const auto bytes = honest_bytes();
  auto state = std::make_unique<apart>();
  std::uint64_t visited = 0;
  std::uint64_t accepted = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (unsigned value = at < 120 ? 0 : 1; value < 256; value += at < 120 ? 1 : 51, ++visited) {
      auto changed = bytes;
      changed[at] = static_cast<std::byte>(value);
      if (!state->read_from(changed).has_value())
        continue;
      ++accepted;
      ASSERT_EQ(bytes_of(*state), changed) << "byte " << at << " set to " << value;
      std::uint64_t total = 0;
      for (std::size_t b = 0; b < apart::bins; ++b)
        total += state->count(b) + state->count(b, true);
      ASSERT_EQ(total, state->range().nonzeros()) << "byte " << at << " set to " << value;
    }
  std::printf("%llu changes, %llu of them well-formed\n", static_cast<unsigned long long>(visited),
              static_cast<unsigned long long>(accepted));
}

TEST(HistogramBytes, ContradictionsAreRefusedInWords) {
  const auto bytes = honest_bytes();
  auto state = std::make_unique<apart>();
  const auto with = [&](std::size_t at, unsigned value) {
    auto changed = bytes;
    changed[at] = static_cast<std::byte>(value);
    return state->read_from(changed);
  };
  EXPECT_EQ(with(0, 'F').error().code(), fb::errc::malformed_file);
  EXPECT_EQ(with(7, 2).error().code(), fb::errc::unsupported);
  EXPECT_EQ(with(8, 6).error().code(), fb::errc::shape_mismatch);
  EXPECT_EQ(with(9, 0).error().code(), fb::errc::shape_mismatch);
  EXPECT_EQ(with(15, 0xff).error().code(), fb::errc::malformed_file);  // 2^32 entries
  EXPECT_EQ(with(31, 0xff).error().code(), fb::errc::malformed_file);  // 2^63 zeros
  EXPECT_EQ(with(32, 1).error().code(), fb::errc::malformed_file);     // fewer values than in the bins
  EXPECT_EQ(with(88, 0xff).error().code(), fb::errc::malformed_file);  // entries out of order
  EXPECT_EQ(with(63, 0).error().code(), fb::errc::malformed_file);     // a significand without its highest bit
  EXPECT_EQ(with(69, 0).error().code(), fb::errc::malformed_file);     // the lowest value turned positive
  {  // an entry of 0 values, its values given to the entry after it
    auto changed = bytes;
    changed[88 + 4] = std::byte{0};
    changed[88 + 12 + 4] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[88 + 4]) +
                                                  std::to_integer<unsigned>(bytes[88 + 12 + 4]));
    EXPECT_EQ(state->read_from(changed).error().code(), fb::errc::malformed_file);
  }
  {  // the last entry one bin too far: the lowest value is not there
    auto changed = bytes;
    std::byte& bin = changed[changed.size() - 12];
    bin = static_cast<std::byte>(std::to_integer<unsigned>(bin) + 1);
    EXPECT_EQ(state->read_from(changed).error().code(), fb::errc::malformed_file);
  }
  auto folded_state = std::make_unique<folded>();
  EXPECT_EQ(folded_state->read_from(bytes).error().code(), fb::errc::shape_mismatch);
  std::mt19937_64 random(9);
  for (int i = 0; i < 3000; ++i) {
    auto noise = bytes;
    for (int hits = 0; hits < 1 + i % 5; ++hits)
      noise[random() % noise.size()] = static_cast<std::byte>(random());
    if (state->read_from(noise).has_value()) {
      ASSERT_EQ(bytes_of(*state), noise) << "round " << i;
    }
  }
}

TEST(MinMaxCalibratorBytes, ARangeThatContradictsItsCountsIsRefused) {
  fb::min_max_calibrator two;
  const std::array<float, 2> values{1.0f, 2.0f};
  two.add(std::span(values));
  const auto bytes = bytes_of(two);
  fb::min_max_calibrator state;
  auto changed = bytes;
  changed[16] = std::byte{1};  // one value, and two extremes
  EXPECT_EQ(state.read_from(changed).error().code(), fb::errc::malformed_file);
  changed = bytes;
  changed[8] = std::byte{1};  // a zero below the lowest value
  EXPECT_EQ(state.read_from(changed).error().code(), fb::errc::malformed_file);
  changed = bytes;
  for (std::size_t i = 40; i < 56; ++i)
    changed[i] = i == 51 ? std::byte{0x80} : std::byte{0};  // lowest: 0, and no zero was counted
  EXPECT_EQ(state.read_from(changed).error().code(), fb::errc::malformed_file);
  changed[8] = std::byte{1};
  EXPECT_TRUE(state.read_from(changed).has_value());
  EXPECT_EQ(state.lowest().kind, fb::number_class::zero);
  changed = bytes;
  std::swap_ranges(changed.begin() + 40, changed.begin() + 56, changed.begin() + 56);  // lowest above highest
  EXPECT_EQ(state.read_from(changed).error().code(), fb::errc::malformed_file);
}

constexpr auto at_compile_time = [] {
  fb::histogram<0> counted;
  const std::array<float, 4> values{1.0f, -1.5f, 3.0f, 0.0f};
  counted.add(std::span(values));
  return counted;
}();
static_assert(at_compile_time.count(127) == 2 && at_compile_time.count(128) == 1);
static_assert(at_compile_time.range().zeros() == 1);

}  // namespace
