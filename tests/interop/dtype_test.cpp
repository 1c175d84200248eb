// The dtype table against the names and sizes that safetensors 0.8.0 accepts, and quoting of foreign names.
#include <cstdio>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <fewbits/interop/dtype.hpp>
#include <fewbits/interop/printable.hpp>

#include "../support/planted.hpp"

namespace {

using fewbits::dtype;

const struct {
  std::string_view name;
  unsigned bits;
} expected[] = {
    {"BOOL", 8},        {"F4", 4},
    {"F6_E2M3", 6},     {"F6_E3M2", 6},
    {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8},     {"F8_E4M3", 8},
    {"F8_E8M0", 8},     {"I16", 16},
    {"U16", 16},        {"F16", 16},
    {"BF16", 16},       {"I32", 32},
    {"U32", 32},        {"F32", 32},
    {"C64", 64},        {"F64", 64},
    {"I64", 64},        {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"U64", fewbits_test::planted() ? 63u : 64u},
};

TEST(Dtype, KnowsEachNameOfTheFormatAndItsBits) {
  std::size_t visited = 0;
  for (const auto& row : expected) {
    const auto type = fewbits::dtype_from_name(row.name);
    ASSERT_TRUE(type) << row.name;
    EXPECT_EQ(fewbits::to_string(*type), row.name);
    EXPECT_EQ(fewbits::bits_per_element(*type), row.bits) << row.name;
    ++visited;
  }
  EXPECT_EQ(visited, fewbits::dtype_table.size());
  std::printf("dtype: visited %zu names\n", visited);
}

TEST(Dtype, KnowsNoOtherName) {
  for (const std::string_view name : {"", "u8", "U", "U80", "F8", "F4_E2M1", "C128", "F8_E4M3FN", " F32", "F32 "})
    EXPECT_FALSE(fewbits::dtype_from_name(name)) << name;
}

TEST(Dtype, GivesAValueOutsideTheEnumerationNoBits) {
  for (unsigned value = static_cast<unsigned>(fewbits::dtype_table.size()); value < 256; ++value) {
    EXPECT_EQ(fewbits::bits_per_element(static_cast<dtype>(value)), 0u);
    EXPECT_EQ(fewbits::to_string(static_cast<dtype>(value)), "unknown");
  }
}

std::string sentence_with(std::string_view name) {
  fewbits::error why{fewbits::errc::not_found};
  return std::string(fewbits::append_quoted(why, name).message());
}

TEST(Printable, ReplacesEveryByteThatIsNotPrintableAscii) {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(static_cast<unsigned char>(value));
    const char shown = value >= 0x20 && value <= 0x7e ? byte : '?';
    EXPECT_EQ(sentence_with({&byte, 1}), std::string("'") + shown + "'") << value;
  }
}

TEST(Printable, CutsANamePastItsLimit) {
  EXPECT_EQ(sentence_with(""), "''");
  EXPECT_EQ(sentence_with(std::string(60, 'x')), "'" + std::string(60, 'x') + "'");
  EXPECT_EQ(sentence_with(std::string(61, 'x')), "'" + std::string(57, 'x') + "...'");
}

}  // namespace
