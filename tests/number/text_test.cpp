// Text: what is written reads back as the same code, nothing shorter would, and what is read is rounded once. Judged
// against digits made here by long arithmetic, and, for the nearest of the shortest, by trying every shorter string.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>

#include <fewbits/number/hash.hpp>
#include <fewbits/number/literals.hpp>
#include <fewbits/number/text.hpp>

#include "number/all_types.hpp"
#include "support/planted.hpp"

namespace {

using namespace fewbits_test;
using namespace fewbits::literals;
namespace fb = fewbits;

template <class T>
std::string text_of(T number) {
  char buffer[fb::max_text_length];
  const auto end = fb::to_chars(buffer, buffer + sizeof buffer, number);
  EXPECT_EQ(end.ec, std::errc{});
  return {buffer, end.ptr};
}

template <class T>
struct reading {
  T number;
  std::errc error;
  std::size_t length;
};
template <class T>
reading<T> read(std::string_view text, std::chars_format format = std::chars_format::general) {
  T number = T::from_bits(1);
  const auto end = fb::from_chars(text.data(), text.data() + text.size(), number, format);
  return {number, end.ec, static_cast<std::size_t>(end.ptr - text.data())};
}

/// Adds 1 to decimal digits, ignoring a point.
std::string incremented(std::string digits) {
  for (std::size_t i = digits.size(); i-- > 0;) {
    if (digits[i] == '.')
      continue;
    if (digits[i]++ != '9')
      return digits;
    digits[i] = '0';
  }
  return "1" + digits;
}

/// magnitude x 2^exponent in full, by doubling and halving decimal digits.
std::string decimal_expansion(std::uint64_t magnitude, int exponent) {
  std::string whole = std::to_string(magnitude);
  for (; exponent > 0; --exponent) {
    int carry = 0;
    for (std::size_t i = whole.size(); i-- > 0;) {
      const int doubled = (whole[i] - '0') * 2 + carry;
      whole[i] = static_cast<char>('0' + doubled % 10);
      carry = doubled / 10;
    }
    if (carry != 0)
      whole.insert(0, 1, '1');
  }
  if (exponent == 0)
    return whole;
  const std::size_t point = whole.size();
  whole += std::string(static_cast<std::size_t>(-exponent), '0');
  for (int i = exponent; i < 0; ++i) {
    int rest = 0;
    for (char& digit : whole) {
      const int value = rest * 10 + (digit - '0');
      digit = static_cast<char>('0' + value / 2);
      rest = value % 2;
    }
  }
  return whole.insert(point, 1, '.');
}

/// Every code of the 8-bit types, and steps of 7 through the 16-bit ones.
template <class T, class Visit>
void for_each_code(Visit&& visit) {
  const std::uint64_t step = T::format.bits() > 8 ? 7 : 1;
  for (std::uint64_t code = 0; code <= T::format.code_mask(); code += step)
    visit(T::from_bits(static_cast<typename T::bits_type>(code)));
}

TEST(Text, EveryNumberReadsBackAsItself) {
  std::size_t visited = 0;
  for_each_type(all_numbers{}, [&]<class T>() {
    for_each_code<T>([&](T number) {
      const std::string text = text_of(number);
      const auto back = read<T>(text);
      ++visited;
      ASSERT_EQ(back.error, std::errc{}) << table_of<T>().name << " " << text;
      ASSERT_EQ(back.length, text.size()) << table_of<T>().name << " " << text;
      if (unpack(number).kind != fb::number_class::nan)
        ASSERT_EQ(unsigned{back.number.bits()}, unsigned{number.bits()} ^ (planted() ? 1U : 0U))
            << table_of<T>().name << " " << text;
      else
        ASSERT_EQ(unpack(back.number).kind, fb::number_class::nan) << table_of<T>().name << " " << text;
    });
  });
  std::printf("visited %zu codes\n", visited);
}

TEST(Text, ExactDigitsAndMidpointsAreReadWithOneRounding) {
  std::size_t visited = 0;
  for_each_type(all_floats{}, [&]<class T>() {
    constexpr fb::float_format format = T::format;
    const std::uint64_t step = format.bits() > 8 ? 61 : 1;
    for (std::uint64_t code = format.has_zero() ? 1 : 0; code < format.max_code(); code += step) {
      const auto low = T::from_bits(static_cast<typename T::bits_type>(code));
      const auto high = T::from_bits(static_cast<typename T::bits_type>(code + 1));
      const auto even = (code & 1) == 0 ? low : high;
      // Both in units of the lower one's last place, halved so that the midpoint is whole.
      const auto a = unpack(low);
      const auto b = unpack(high);
      const int unit = a.exponent - format.mantissa_bits - 1 - 16;
      const auto in_units = [&](const fb::unpacked_number& x) {
        const int up = x.exponent - 63 - unit;
        return up >= 0 ? x.significand << up : x.significand >> -up;
      };
      const std::uint64_t middle = (in_units(a) + in_units(b)) / 2;
      const std::string exact = decimal_expansion(in_units(a), unit);
      const std::string tie = decimal_expansion(middle, unit);
      const bool has_point = tie.find('.') != std::string::npos;
      const std::string above = tie + (has_point ? "" : ".") + "00000000000000000000000000000000000000000000000001";
      const std::string below = decimal_expansion(middle - 1, unit) + (has_point ? "9999" : ".9999");
      EXPECT_EQ(read<T>(exact).number, low) << table_of<T>().name << " " << exact;
      EXPECT_EQ(read<T>(tie).number, even) << table_of<T>().name << " " << tie;
      EXPECT_EQ(read<T>(above).number, high) << table_of<T>().name << " " << above;
      EXPECT_EQ(read<T>(below).number, low) << table_of<T>().name << " " << below;
      visited += 4;
    }
  });
  std::printf("visited %zu texts\n", visited);
}

/// Is there a shorter way to write the digits, or the same length nearer to the value?
TEST(Text, NoShorterDigitsWouldDo) {
  std::size_t visited = 0;
  for_each_type(byte_floats{}, [&]<class T>() {
    for_each_code<T>([&](T number) {
      if (unpack(number).kind != fb::number_class::finite || unpack(number).negative)
        return;
      const auto x = unpack(number);
      const std::string exact = decimal_expansion(x.significand >> 48, x.exponent - 15);
      std::string digits;
      for (const char c : exact)
        if (c != '.' && (c != '0' || !digits.empty()))
          digits += c;
      const std::size_t point = exact.find('.') == std::string::npos ? exact.size() : exact.find('.');
      std::size_t zeros = 0;
      for (const char c : exact) {
        if (c != '0' && c != '.')
          break;
        zeros += c == '0' ? 1 : 0;
      }
      const int first = static_cast<int>(point) - static_cast<int>(zeros) - 1;
      std::size_t shortest = 0;
      for (std::size_t count = 1; shortest == 0; ++count) {
        std::string cut = digits.substr(0, count);
        cut.resize(count, '0');
        for (const std::string& candidate : {cut, incremented(cut)}) {
          const auto back = read<T>(candidate + "e" + std::to_string(first - static_cast<int>(count) + 1));
          if (back.error == std::errc{} && back.number == number)
            shortest = count;
        }
      }
      const std::string text = text_of(number);
      // Length of the shortest scientific text; a fixed text may match it but not exceed it.
      const int magnitude = first < 0 ? -first : first;
      const std::size_t limit = shortest + (shortest > 1 ? 1 : 0) + (magnitude > 99 ? 5 : 4);
      EXPECT_LE(text.size(), limit) << table_of<T>().name << " " << text << " for " << exact;
      ++visited;
    });
  });
  std::printf("visited %zu numbers\n", visited);
}

TEST(Text, LooksAsPeopleWriteIt) {
  EXPECT_EQ(text_of(0.3_e4m3), "0.3");
  EXPECT_EQ(text_of(-448_e4m3), "-448");
  EXPECT_EQ(text_of(fb::e5m2{57344}), "57344");
  EXPECT_EQ(text_of(fb::ue8m0::from_bits(0)), "6e-39");
  EXPECT_EQ(text_of(fb::fp16{65504}), "65504");
  EXPECT_EQ(text_of(fb::mxint8::from_bits(0x80)), "-2");
  EXPECT_EQ(text_of(fb::int4{-8}), "-8");
  EXPECT_EQ(text_of(fb::e5m2::from_bits(0xfc)), "-inf");
  EXPECT_EQ(text_of(fb::e4m3::from_bits(0x7f)), "nan");
  EXPECT_EQ(text_of(-fb::e2m1{0.0}), "-0");
}

TEST(Text, ShortBuffersAreRefused) {
  char buffer[3];
  const auto end = fb::to_chars(buffer, buffer + 3, fb::e5m2{57344});
  EXPECT_EQ(end.ec, std::errc::value_too_large);
  EXPECT_EQ(end.ptr, buffer + 3);
}

TEST(Text, ReadsWhatStdFromCharsReads) {
  EXPECT_EQ(read<fb::e4m3>("1.5e1xyz").length, 5U);
  EXPECT_EQ(read<fb::e4m3>("1.5e1xyz").number, fb::e4m3{15});
  EXPECT_EQ(read<fb::e4m3>("1e").length, 1U);
  EXPECT_EQ(read<fb::e4m3>("1e+").length, 1U);
  EXPECT_EQ(read<fb::e4m3>(".5").number, fb::e4m3{0.5});
  EXPECT_EQ(read<fb::e4m3>("5.").number, fb::e4m3{5});
  EXPECT_EQ(read<fb::e4m3>("-INFINITYx").error, std::errc::result_out_of_range);
  EXPECT_EQ(read<fb::e5m2>("-INFINITYx").length, 9U);
  EXPECT_EQ(read<fb::e4m3>("NaN(abc_1)").length, 10U);
  EXPECT_EQ(read<fb::e4m3>("nan(").length, 3U);
  EXPECT_EQ(read<fb::fp16>("1.8p3", std::chars_format::hex).number, fb::fp16{12});
  EXPECT_EQ(read<fb::fp16>("1.5e3", std::chars_format::fixed).length, 3U);
  EXPECT_EQ(read<fb::fp16>("1.5", std::chars_format::scientific).error, std::errc::invalid_argument);
  for (const char* nothing : {"", "-", "+1", " 1", ".", "e5", "x", "-."})
    EXPECT_EQ(read<fb::e4m3>(nothing).error, std::errc::invalid_argument) << nothing;
}

TEST(Text, OutOfRangeLeavesTheNumberAlone) {
  for (const char* text : {"464.0000000000000000000001", "1e999999999999", "-1e9", "inf"}) {
    const auto back = read<fb::e4m3>(text);
    EXPECT_EQ(back.error, std::errc::result_out_of_range) << text;
    EXPECT_EQ(back.number.bits(), 1) << text;
  }
  EXPECT_EQ(read<fb::e4m3>("464").number, fb::e4m3{448});
  EXPECT_EQ(read<fb::e2m1>("nan").error, std::errc::result_out_of_range);
  EXPECT_EQ(read<fb::ue8m0>("0").error, std::errc::result_out_of_range);
  EXPECT_EQ(read<fb::ue4m3>("-1").error, std::errc::result_out_of_range);
  EXPECT_EQ(read<fb::ue4m3>("-0").error, std::errc{});
  EXPECT_EQ(read<fb::int4>("8").error, std::errc::result_out_of_range);
  EXPECT_EQ(read<fb::int4>("-8").number, fb::int4{-8});
  EXPECT_EQ(read<fb::e4m3>("1e-999999999999").number.bits(), 0);
  EXPECT_EQ(read<fb::e4m3>("-1e-99").number.bits(), 0x80);
}

TEST(Text, StreamsHonourTheWidth) {
  std::ostringstream out;
  out.width(6);
  out.fill('*');
  out << 1.5_e4m3 << ' ' << 3_int4;
  EXPECT_EQ(out.str(), "***1.5 3");
}

TEST(Text, WideFormatsKeepTheirRange) {
  using widest = fb::binary<15, 1>;  // 2^-8191 to 2^8190
  std::size_t visited = 0;
  for (const unsigned code : {1U, 2U, 77U, 8191U, 8192U, 8193U, 12345U, 16381U, 16382U}) {
    const auto number = widest::from_bits(static_cast<std::uint16_t>(code));
    EXPECT_EQ(read<widest>(text_of(number)).number, number) << text_of(number);
    ++visited;
  }
  std::printf("visited %zu numbers\n", visited);
}

#if defined(__cpp_lib_format)
TEST(Text, FormatsShortestOrAsDouble) {
  EXPECT_EQ(std::format("{} {:>5} {:.3f}", 0.3_e4m3, 2_e2m1, 0.3_e4m3), "0.3     2 0.312");
}
#endif

TEST(Literals, AreReadExactlyAndRoundedOnce) {
  // One double away from a tie, and seen as the tie by a double: 1.0625 + 2^-60.
  static_assert(1.06250000000000000086736173798840354720596224069595_e4m3 == fb::e4m3{1.125});
  static_assert(1.0625_e4m3 == fb::e4m3{1});
  static_assert(0x1.11p0_e4m3 == fb::e4m3{1.125} && 0x1.1p0_e4m3 == fb::e4m3{1});
  static_assert(0b101_fp16 == fb::fp16{5} && 1'024_bf16 == fb::bf16{1024} && 7_int4 == fb::int4{7});
  static_assert(-0.5_mxint8 == fb::mxint8{-0.5} && 464_e4m3 == fb::e4m3{448});
}

TEST(Hash, AgreesWithEquality) {
  std::size_t visited = 0;
  for_each_type(byte_floats{}, [&]<class T>() {
    std::unordered_set<T> seen;
    for_each_code<T>([&](T a) {
      for_each_code<T>([&](T b) {
        ++visited;
        if (a == b) {
          EXPECT_EQ(std::hash<T>{}(a), std::hash<T>{}(b)) << table_of<T>().name;
        }
      });
      seen.insert(a);
    });
    EXPECT_GT(seen.size(), 7U);
  });
  std::printf("visited %zu pairs\n", visited);
}

}  // namespace
