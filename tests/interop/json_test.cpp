// The JSON subset by itself: UTF-8 over every byte sequence that decides, numbers at the edge of 64 bits, and
// positions of errors. Whole headers are tested with the reader of safetensors.
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/json.hpp>

#include "../support/planted.hpp"

namespace {

using fewbits::json_reader;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// Decodes by arithmetic alone, then asks what a code point may be: no table of lead and second bytes.
std::size_t oracle_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  if (length == 0 || text.size() < length)
    return 0;
  std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2)
      return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  static const std::uint32_t least[] = {0, 0, 0x80, 0x800, fewbits_test::planted() ? 0x11000u : 0x10000u};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code >= least[length] && code <= 0x10ffff && !surrogate ? length : 0;
}

TEST(Json, KnowsTheLengthOfEveryUtf8Sequence) {
  std::uint64_t visited = 0;
  const unsigned char edges[] = {0x00, 0x22, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
  std::string text(4, '\0');
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second)
      for (const unsigned char third : edges)
        for (const unsigned char fourth : edges) {
          text[0] = static_cast<char>(static_cast<unsigned char>(first));
          text[1] = static_cast<char>(static_cast<unsigned char>(second));
          text[2] = static_cast<char>(third);
          text[3] = static_cast<char>(fourth);
          for (std::size_t size = 1; size <= 4; ++size) {
            const std::string_view cut(text.data(), size);
            ASSERT_EQ(fewbits::utf8_length(cut), oracle_length(cut)) << testing::PrintToString(cut);
            ++visited;
          }
        }
  EXPECT_EQ(fewbits::utf8_length(""), 0u);
  std::printf("json: visited %llu UTF-8 sequences\n", static_cast<unsigned long long>(visited));
}

TEST(Json, ReadsNumbersUpToTheLastOf64Bits) {
  const std::uint64_t numbers[] = {
      0, 1, 9, 10, 4294967295, 4294967296, 9223372036854775808u, 18446744073709551614u, 18446744073709551615u};
  for (const std::uint64_t number : numbers) {
    const std::string text = " " + std::to_string(number);
    json_reader json(bytes_of(text));
    std::uint64_t read = 77;
    ASSERT_TRUE(json.unsigned_integer(read)) << text;
    EXPECT_EQ(read, number);
    EXPECT_TRUE(json.end());
  }
  for (std::uint64_t last = 6; last <= 9; ++last) {
    const std::string text = "1844674407370955161" + std::to_string(last);
    json_reader json(bytes_of(text));
    std::uint64_t read = 77;
    EXPECT_FALSE(json.unsigned_integer(read)) << text;
    EXPECT_EQ(json.reason(), "a number exceeds 2^64 - 1");
    EXPECT_EQ(read, 77u);
  }
}

TEST(Json, ViewsStringsWithoutEscapesAndCopiesOthers) {
  const std::string_view text = R"( "plain" "\u0041b\n" "cd\u00e9" )";
  json_reader json(bytes_of(text));
  std::string_view plain, copied, second;
  ASSERT_TRUE(json.string(plain) && json.string(copied) && json.string(second) && json.end());
  EXPECT_EQ(plain.data(), text.data() + 2);
  EXPECT_EQ(plain, "plain");
  EXPECT_EQ(copied, "Ab\n");
  EXPECT_EQ(second, "cd\xc3\xa9");
  const auto copies = json.take_copies();
  EXPECT_EQ(copied.data(), copies.data());
}

TEST(Json, WalksObjectsAndArraysOfTheCallersDepth) {
  const std::string_view text = R"({"a":[1,2,[3]],"b":[]})";
  json_reader json(bytes_of(text));
  std::string seen;
  const bool read = json.object([&](std::string_view key) {
    seen += key;
    int count = 0;
    return json.array([&] {
      std::uint64_t number = 0;
      if (++count == 3)
        return json.array([&] { return json.unsigned_integer(number); });
      seen += "#";
      return json.unsigned_integer(number);
    });
  });
  EXPECT_TRUE(read && json.end());
  EXPECT_EQ(seen, "a##b");
}

TEST(Json, StopsWhereTheCallerStops) {
  const std::string_view text = R"({"a":1,"b":2})";
  json_reader json(bytes_of(text));
  std::vector<std::string> keys;
  EXPECT_FALSE(json.object([&](std::string_view key) {
    keys.emplace_back(key);
    return false;
  }));
  EXPECT_EQ(keys, std::vector<std::string>{"a"});
  EXPECT_TRUE(json.reason().empty());
  EXPECT_EQ(json.position(), 5u);
}

}  // namespace
