// What messages show of foreign names: harmless UTF-8 as it is, '?' for every other byte, and never half a character.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <fewbits/interop/printable.hpp>

#include "interop/fit_to_print.hpp"
#include "support/planted.hpp"

namespace {

std::string sentence_with(std::string_view name) {
  fewbits::error why{fewbits::errc::not_found};
  return std::string(fewbits::append_quoted(why, name).message());
}

std::string encoded(std::uint32_t code_point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  const auto tail = [&](unsigned shift) { return byte(0x80 | (code_point >> shift & 0x3f)); };
  if (code_point < 0x80)
    return {byte(code_point)};
  if (code_point < 0x800)
    return {byte(0xc0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000)
    return {byte(0xe0 | code_point >> 12), tail(6), tail(0)};
  return {byte(0xf0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Printable, ShowsEveryHarmlessCharacterAndNoOther) {
  std::uint32_t shown = 0;
  for (std::uint32_t code_point = 0; code_point < 0x120000; ++code_point) {
    const std::string text = encoded(code_point);
    const bool fits = fewbits_test::is_fit_to_print(code_point) != (fewbits_test::planted() && code_point == 0x202e);
    const std::string expected = "a" + (fits ? text : std::string(text.size(), '?')) + "b";
    std::string made = "a" + text + "b";
    fewbits::make_printable(made);
    ASSERT_EQ(made, expected) << std::hex << code_point;
    shown += fits ? 1u : 0u;
  }
  std::printf("printable: %u of %u characters are shown\n", shown, 0x120000u);
}

TEST(Printable, ReplacesEveryByteThatIsNoCharacter) {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(static_cast<unsigned char>(value));
    const char shown = value >= 0x20 && value <= 0x7e ? byte : '?';
    EXPECT_EQ(sentence_with({&byte, 1}), std::string("'") + shown + "'") << value;
  }
  EXPECT_EQ(sentence_with("gr\xc3\xb6\xc3"), "'gr\xc3\xb6?'");            // cut
  EXPECT_EQ(sentence_with("\xc0\xaf \xe0\x80\xaf"), "'\?\? \?\?\?'");          // overlong
  EXPECT_EQ(sentence_with("\xed\xa0\x80\xf4\x90\x80\x80"), "'\?\?\?\?\?\?\?'");  // a surrogate, past the last
  EXPECT_EQ(sentence_with("\xc3x\xb6y"), "'?x?y'");
  EXPECT_EQ(sentence_with("b\x1b[31m\xc2\x9b"), "'b?[31m\?\?'");
  EXPECT_EQ(sentence_with("\xe2\x80\xae"
                          "cod.exe"),
            "'\?\?\?cod.exe'");  // right to left
}

TEST(Printable, CutsANamePastItsLimitBetweenCharacters) {
  EXPECT_EQ(sentence_with(""), "''");
  EXPECT_EQ(sentence_with(std::string(60, 'x')), "'" + std::string(60, 'x') + "'");
  EXPECT_EQ(sentence_with(std::string(61, 'x')), "'" + std::string(57, 'x') + "...'");
  for (const std::uint32_t code_point : {0xe9u, 0x6c34u, 0x1f600u})
    for (std::size_t before = 0; before != 8; ++before) {
      const std::string one = encoded(code_point);
      std::string name(before, 'x');
      while (name.size() <= 60)
        name += one;
      std::string expected(before, 'x');
      while (expected.size() + one.size() <= 57)
        expected += one;
      EXPECT_EQ(sentence_with(name), "'" + expected + "...'") << before;
    }
  // Bytes that follow no beginning are cut anywhere.
  EXPECT_EQ(sentence_with(std::string(100, '\x80')), "'" + std::string(57, '?') + "...'");
  EXPECT_EQ(fewbits::utf8_beginning("\xe6\xb0\xb4\xe6\xb0\xb4", 5), "\xe6\xb0\xb4");
  EXPECT_EQ(fewbits::utf8_beginning("\xe6\xb0\xb4", 2), "");
  EXPECT_EQ(fewbits::utf8_beginning("ab", 1), "a");
  EXPECT_EQ(fewbits::utf8_beginning("ab", 0), "");
}

// A sentence of many names ends where an error has no more room, and not inside a character.
TEST(Printable, ASentenceThatIsCutIsStillUtf8) {
  for (const std::uint32_t code_point : {0xe9u, 0x6c34u, 0x1f600u})
    for (std::size_t before = 0; before != 8; ++before) {
      fewbits::error why{fewbits::errc::not_found};
      why << std::string(before, 'x');
      for (int i = 0; i != 200; ++i)
        why << encoded(code_point);
      const std::string_view text = why.message();
      EXPECT_EQ(text.size(), fewbits::error::capacity);
      EXPECT_TRUE(text.ends_with("..."));
      EXPECT_TRUE(fewbits_test::is_fit_to_print(text)) << text;
    }
}

}  // namespace
