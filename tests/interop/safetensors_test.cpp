// Foreign files: what the format allows is read, what it forbids gets its sentence, and no bytes at all make the
// reader crash or read past its span (run under ASan and UBSan).
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/safetensors.hpp>

#include "../support/planted.hpp"
#include "safetensors_bytes.hpp"

#ifndef FEWBITS_FIXTURES
#define FEWBITS_FIXTURES "tests/interop/fixtures"
#endif

namespace {

// Nothrow allocations left before one fails; negative: all succeed.
int allocations_left = -1;

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (allocations_left == 0)
    return nullptr;
  if (allocations_left > 0)
    --allocations_left;
  try {
    return ::operator new(size);
  } catch (...) {
    return nullptr;
  }
}

namespace {

using fewbits::dtype;
using fewbits::errc;
using fewbits::safetensors;
using fewbits_test::broken_promise;
using fewbits_test::exact_bytes;
using fewbits_test::file_of;
using fewbits_test::file_with_length;
using fewbits_test::tensor;

std::uint64_t hostile_files = 0;
std::uint64_t hostile_files_accepted = 0;

class printed_count : public testing::Environment {
  void TearDown() override {
    std::printf("safetensors: visited %llu hostile files, of which %llu still kept every rule\n",
                static_cast<unsigned long long>(hostile_files),
                static_cast<unsigned long long>(hostile_files_accepted));
  }
};
const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new printed_count);

// Parses a file nobody vouches for: it is read whole and right, or refused with a sentence.
void visit(std::string_view text) {
  const exact_bytes file(text);
  const auto read = safetensors::parse(file.view());
  const char* const broken = read ? broken_promise(*read, file.view()) : broken_promise(read.error());
  ++hostile_files;
  hostile_files_accepted += read.has_value() ? 1u : 0u;
  if (broken != nullptr)
    ADD_FAILURE() << "promise: " << broken << "\nfile: " << testing::PrintToString(text);
}

// Three tensors out of order, an escape, metadata, padding: each branch of the reader is one flip away.
std::string sample_file() {
  return file_of(
      "{"
      R"("__metadata__":{"format":"pt","n\u00e9":"\ud83d\ude00"},)" +
          tensor(R"(b\u0041)", "F32", "[2,1]", 6, 14) + "," + tensor("a", "F4", "[3,4]", 0, 6) + "," +
          tensor("e", "I64", "[0,9]", 14, 14) + "," + tensor("s", "BF16", "[]", 14, 16) + "}  ",
      16);
}

std::string repeat(std::string_view piece, int count) {
  std::string all;
  for (int i = 0; i < count; ++i)
    all += piece;
  return all;
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirBytes) {
  const exact_bytes file(sample_file());
  const auto read = safetensors::parse(file.view());
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->tensors().size(), 4u);
  EXPECT_EQ(broken_promise(*read, file.view()), nullptr);

  const auto& a = read->tensors()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.type, dtype::f4);
  EXPECT_EQ((std::vector<std::uint64_t>{a.shape.begin(), a.shape.end()}), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(a.bytes.size(), 6u);
  EXPECT_EQ(a.bytes.data(), file.view().last(16).data());
  EXPECT_EQ(read->tensors()[1].name, "bA");
  EXPECT_EQ(std::to_integer<int>(read->tensors()[1].bytes[0]), 6);
  EXPECT_EQ(read->tensors()[2].name, "e");
  EXPECT_TRUE(read->tensors()[2].bytes.empty());
  EXPECT_EQ(read->tensors()[3].name, "s");
  EXPECT_TRUE(read->tensors()[3].shape.empty());
}

TEST(Safetensors, FindsATensorByNameOrSaysThereIsNone) {
  const exact_bytes file(sample_file());
  const auto read = safetensors::parse(file.view());
  ASSERT_TRUE(read);
  for (const std::string_view name : {"a", "bA", "e", "s"})
    EXPECT_EQ(read->find(name).value().name, name);
  for (const std::string_view name : {"", "A", "b", "c", "z", "__metadata__"}) {
    const auto none = read->find(name);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), errc::not_found);
    EXPECT_EQ(none.error().message(), "there is no tensor '" + std::string(name) + "'");
  }
}

TEST(Safetensors, ReadsMetadataSortedByKey) {
  const exact_bytes file(file_of(R"({"__metadata__":{"z":"1","a":"","m\"":"\\\/\b\f\n\r\t"}})"));
  const auto read = safetensors::parse(file.view());
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->metadata().size(), 3u);
  EXPECT_EQ(read->metadata()[0].key, "a");
  EXPECT_EQ(read->metadata("z"), "1");
  EXPECT_EQ(read->metadata("a"), "");
  EXPECT_EQ(read->metadata("m\""), "\\/\b\f\n\r\t");
  EXPECT_FALSE(read->metadata("b"));
  EXPECT_FALSE(read->metadata("zz"));
  EXPECT_TRUE(read->tensors().empty());
}

TEST(Safetensors, ViewsOutliveAMoveOfTheReader) {
  const exact_bytes file(sample_file());
  auto read = safetensors::parse(file.view());
  ASSERT_TRUE(read);
  const auto views = read->tensors();
  const safetensors moved = std::move(read).value();
  EXPECT_EQ(moved.tensors().data(), views.data());
  EXPECT_EQ(views[1].name, "bA");
  EXPECT_EQ(views[0].shape[1], 4u);
  EXPECT_EQ(moved.metadata("n\xc3\xa9"), "\xf0\x9f\x98\x80");
}

TEST(Safetensors, ReadsEveryDtypeByItsSizeInBits) {
  for (const auto& row : fewbits::dtype_table) {
    SCOPED_TRACE(row.name);
    // Eight elements are a whole number of bytes for every dtype: as many bytes as one element has bits.
    const std::string header = "{" + tensor("w", row.name, "[2,4]", 0, row.bits) + "}";
    const exact_bytes file(file_of(header, row.bits));
    const auto read = safetensors::parse(file.view());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->tensors()[0].type, row.type);
    EXPECT_EQ(read->tensors()[0].bytes.size(), row.bits);
    EXPECT_FALSE(safetensors::parse(exact_bytes(file_of(header, row.bits - 1)).view()));
    EXPECT_FALSE(safetensors::parse(exact_bytes(file_of(header, row.bits + 1)).view()));
  }
}

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
  const struct {
    const char* what;
    std::string header;
    std::size_t data;
    std::size_t tensors;
  } files[] = {
      {"no tensor", "{}", 0, 0},
      {"padding", "{}      ", 0, 0},
      {"white space between tokens",
       "{ \"a\" :\t{\n\"dtype\": \"U8\" ,\r\"shape\" : [ 2 , 1 ],\"data_offsets\":[0,2 ]}}", 2, 1},
      {"keys in any order", R"({"a":{"data_offsets":[0,2],"shape":[2],"dtype":"U8"}})", 2, 1},
      {"an empty name", "{" + tensor("", "U8", "[1]", 0, 1) + "}", 1, 1},
      {"a name that holds NUL",
       "{" + tensor(R"(\u0000)", "U8", "[1]", 0, 1) + "," + tensor(R"(\u0000\u0000)", "U8", "[1]", 1, 2) + "}", 2, 2},
      {"a scalar", "{" + tensor("s", "F64", "[]", 0, 8) + "}", 8, 1},
      {"empty tensors at one place",
       "{" + tensor("b", "U8", "[0]", 0, 0) + "," + tensor("a", "U8", "[0,3]", 0, 0) + "}", 0, 2},
      {"an empty tensor before the bytes of another",
       "{" + tensor("a", "U8", "[1]", 0, 1) + "," + tensor("z", "U8", "[0]", 0, 0) + "}", 1, 2},
      {"an odd number of nibbles where there are none", "{" + tensor("a", "F4", "[3,0]", 0, 0) + "}", 0, 1},
      {"64 dimensions", "{" + tensor("r", "U8", "[1" + repeat(",1", 63) + "]", 0, 1) + "}", 1, 1},
      {"the longest extent of an empty tensor", "{" + tensor("a", "U8", "[0,2305843009213693951]", 0, 0) + "}", 0, 1},
      {"UTF-8 at each edge",
       "{" +
           tensor("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
                  "U8", "[1]", 0, 1) +
           "}",
       1, 1},
      {"__metadata__ is empty", R"({"__metadata__":{}})", 0, 0},
  };
  for (const auto& f : files) {
    SCOPED_TRACE(f.what);
    const exact_bytes file(file_of(f.header, f.data));
    const auto read = safetensors::parse(file.view());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->tensors().size(), f.tensors);
    EXPECT_EQ(broken_promise(*read, file.view()), nullptr);
  }
}

TEST(Safetensors, OrdersEmptyTensorsAtOnePlaceByName) {
  std::string header = "{";
  for (char name = 'z'; name >= 'a'; --name)
    header += (name == 'z' ? "" : ",") + tensor({&name, 1}, "U8", "[0]", 0, 0);
  const exact_bytes file(file_of(header + "}"));
  const auto read = safetensors::parse(file.view());
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->tensors().size(), 26u);
  for (std::size_t i = 0; i < 26; ++i)
    EXPECT_EQ(read->tensors()[i].name[0], static_cast<char>('a' + i));
}

TEST(Safetensors, DecodesEveryUnicodeEscape) {
  std::uint32_t visited = 0;
  for (std::uint32_t code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 61) {
    if (code >= 0xd800 && code <= 0xdfff)
      continue;
    char escaped[16];
    if (code < 0x10000)
      std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
    else
      std::snprintf(escaped, sizeof escaped, "\\u%04X\\u%04X", 0xd800 + ((code - 0x10000) >> 10),
                    0xdc00 + (code & 0x3ff));
    const exact_bytes file(file_of(R"({"__metadata__":{")" + std::string(escaped) + R"(":""}})"));
    const auto read = safetensors::parse(file.view());
    ASSERT_TRUE(read) << escaped << read.error().message();
    const std::string_view text = read->metadata()[0].key;
    ASSERT_EQ(fewbits::utf8_length(text), text.size()) << escaped;
    const auto bits = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    std::uint32_t decoded = text.size() == 1 ? bits(0) : bits(0) & (0x7fu >> text.size());
    for (std::size_t i = 1; i < text.size(); ++i)
      decoded = decoded << 6 | (bits(i) & 0x3f);
    ASSERT_EQ(decoded, code);
    ++visited;
  }
  std::printf("safetensors: decoded %u escapes\n", visited);
}

struct hostile {
  const char* what;
  std::string file;
  errc code;
  std::string sentence;
};

std::vector<hostile> hostile_kinds() {
  const auto one = [](std::string_view type, std::string_view shape, std::uint64_t begin, std::uint64_t end) {
    return "{" + tensor("w", type, shape, begin, end) + "}";
  };
  const auto entry = [](std::string_view value) { return R"({"w":)" + std::string(value) + "}"; };
  const auto shape = [](std::string_view value) {
    return R"({"w":{"dtype":"U8","shape":)" + std::string(value) + R"(,"data_offsets":[0,1]}})";
  };
  const auto offsets = [](std::string_view value) {
    return R"({"w":{"dtype":"U8","shape":[1],"data_offsets":)" + std::string(value) + "}}";
  };
  const auto named = [](std::string_view name) { return "{" + tensor(name, "U8", "[1]", 0, 1) + "}"; };
  const errc bad = errc::malformed_file;
  const errc cut = errc::buffer_too_small;

  // A product that wraps to zero bytes: the file that a reader without checked arithmetic takes for empty.
  const std::string wrapped = fewbits_test::planted() ? one("F4", "[0]", 0, 0) : one("U8", "[4294967296,4294967296]", 0, 0);

  return {
      // The length
      {"an empty file", "", cut, "the file has 0 bytes, too few for a header length"},
      {"a GGUF file", std::string("GGUF\3\0\0\0\0\0\0\0", 12), errc::malformed_file,
       "it begins with \"GGUF\": it is a GGUF file, not a safetensors file"},
      {"half a length", std::string(7, '\1'), cut, "the file has 7 bytes, too few for a header length"},
      {"an empty header", file_of(""), bad, "the header does not begin with '{'"},
      {"a header past the file", file_with_length(3, "{}", 0), cut,
       "the file is cut short: its header needs 3 bytes and 2 follow"},
      {"a header past the limit", file_with_length(100'000'001, "{}", 0), bad,
       "the header length of 100000001 bytes exceeds the format's limit of 100000000"},
      {"the limit in a short file", file_with_length(100'000'000, "{}", 0), cut,
       "the file is cut short: its header needs 100000000 bytes and 2 follow"},
      {"a big-endian length", std::string("\0\0\0\0\0\0\0\2{}", 10), bad,
       "the header length of 144115188075855872 bytes exceeds the format's limit of 100000000"},
      {"a length that wraps when 8 is added", file_with_length(~0ull, "{}", 0), bad,
       "the header length of 18446744073709551615 bytes exceeds the format's limit of 100000000"},
      // The JSON
      {"an array", file_of("[]"), bad, "the header does not begin with '{'"},
      {"a string", file_of("\"a\""), bad, "the header does not begin with '{'"},
      {"leading white space", file_of(" {}"), bad, "the header does not begin with '{'"},
      {"a byte order mark", file_of("\xef\xbb\xbf{}"), bad, "the header does not begin with '{'"},
      {"an open object", file_of("{"), bad, "header: the text ends too soon at byte 1 of the header"},
      {"an open name", file_of("{\"a"), bad, "header: the text ends too soon at byte 3 of the header"},
      {"an open escape", file_of("{\"a\\"), bad, "header: a string does not end at byte 3 of the header"},
      {"a name without quotes", file_of("{a:1}"), bad, "header: expected a string at byte 1 of the header"},
      {"a name in single quotes", file_of("{'a':1}"), bad, "header: expected a string at byte 1 of the header"},
      {"no colon", file_of("{\"w\" {}}"), bad, "header: expected ':' after a key at byte 5 of the header"},
      {"no comma", file_of("{\"__metadata__\":{} \"w\":{}}"), bad,
       "header: expected ',' or '}' in an object at byte 19 of the header"},
      {"a comma before the brace", file_of("{\"__metadata__\":{},}"), bad,
       "header: expected a string at byte 19 of the header"},
      {"a fault behind a tensor", file_of("{" + tensor("w", "U8", "[1]", 0, 1) + ",1}", 1), bad,
       "header: expected a string at byte 53 of the header"},
      {"a comment", file_of("{/**/}"), bad, "header: expected a string at byte 1 of the header"},
      {"text after the object", file_of("{}{}"), bad, "header: bytes follow the closing brace at byte 2 of the header"},
      {"NUL as padding", file_of(std::string("{}\0\0", 4)), bad,
       "header: bytes follow the closing brace at byte 2 of the header"},
      {"deep nesting of objects", file_of(repeat("{\"a\":", 200'000)), errc::unsupported,
       "tensor 'a': unknown key 'a'"},
      {"deep nesting of arrays", file_of(shape(repeat("[", 200'000))), bad,
       "tensor 'w': expected an unsigned integer at byte 28 of the header"},
      {"deep nesting in metadata", file_of(R"({"__metadata__":)" + repeat("{\"a\":", 200'000)), bad,
       "header: expected a string at byte 21 of the header"},
      // Strings
      {"a control byte", file_of(named("a\nb")), bad, "header: a string holds a control byte at byte 3 of the header"},
      {"the last control byte", file_of(named("\x1f")), bad,
       "header: a string holds a control byte at byte 2 of the header"},
      {"NUL in a string", file_of(named(std::string_view("\0", 1))), bad,
       "header: a string holds a control byte at byte 2 of the header"},
      {"an unknown escape", file_of(named("\\x41")), bad,
       "header: a string holds an unknown escape at byte 2 of the header"},
      {"three digits", file_of(named("\\u004")), bad,
       "header: an escape is not four hexadecimal digits at byte 2 of the header"},
      {"three digits at the end", file_of("{\"\\u004"), bad,
       "header: an escape is not four hexadecimal digits at byte 2 of the header"},
      {"no digits", file_of("{\"\\u"), bad, "header: an escape is not four hexadecimal digits at byte 2 of the header"},
      {"digits that are none", file_of(named("\\u00g0")), bad,
       "header: an escape is not four hexadecimal digits at byte 2 of the header"},
      {"a sign among digits", file_of(named("\\u+041")), bad,
       "header: an escape is not four hexadecimal digits at byte 2 of the header"},
      {"a high surrogate alone", file_of(named("\\ud83d")), bad,
       "header: a string holds half a surrogate pair at byte 8 of the header"},
      {"a high surrogate and a letter", file_of(named("\\ud83dxu0041")), bad,
       "header: a string holds half a surrogate pair at byte 8 of the header"},
      {"two high surrogates", file_of(named("\\ud83d\\ud83d")), bad,
       "header: a string holds half a surrogate pair at byte 14 of the header"},
      {"a low surrogate alone", file_of(named("\\ude00")), bad,
       "header: a string holds half a surrogate pair at byte 8 of the header"},
      {"the last low surrogate alone", file_of(named("\\udfff")), bad,
       "header: a string holds half a surrogate pair at byte 8 of the header"},
      {"a continuation byte alone", file_of(named("\x80")), bad,
       "header: a string is not UTF-8 at byte 2 of the header"},
      {"an overlong slash", file_of(named("\xc0\xaf")), bad, "header: a string is not UTF-8 at byte 2 of the header"},
      {"an overlong three", file_of(named("\xe0\x9f\xbf")), bad,
       "header: a string is not UTF-8 at byte 2 of the header"},
      {"an overlong four", file_of(named("\xf0\x8f\xbf\xbf")), bad,
       "header: a string is not UTF-8 at byte 2 of the header"},
      {"a surrogate in UTF-8", file_of(named("\xed\xa0\x80")), bad,
       "header: a string is not UTF-8 at byte 2 of the header"},
      {"a code point past the last", file_of(named("\xf4\x90\x80\x80")), bad,
       "header: a string is not UTF-8 at byte 2 of the header"},
      {"a byte no UTF-8 has", file_of(named("\xff")), bad, "header: a string is not UTF-8 at byte 2 of the header"},
      {"a cut character", file_of("{\"\xe2\x82"), bad, "header: a string is not UTF-8 at byte 2 of the header"},
      // Metadata
      {"metadata that is null", file_of(R"({"__metadata__":null})"), bad,
       "header: expected an object at byte 16 of the header"},
      {"metadata that holds a number", file_of(R"({"__metadata__":{"a":1}})"), bad,
       "header: expected a string at byte 21 of the header"},
      {"metadata twice", file_of(R"({"__metadata__":{},"\u005f_metadata__":{}})"), bad,
       "header: __metadata__ occurs twice"},
      {"a metadata key twice", file_of(R"({"__metadata__":{"a":"1","b":"2","a":"1"}})"), bad,
       "metadata 'a' occurs twice"},
      // The keys of a tensor
      {"a tensor that is an array", file_of(entry(R"(["U8",[1],[0,1]])"), 1), bad,
       "tensor 'w': expected an object at byte 5 of the header"},
      {"a tensor that is null", file_of(entry("null")), bad, "tensor 'w': expected an object at byte 5 of the header"},
      {"no key", file_of(entry("{}")), bad, "tensor 'w': dtype is missing"},
      {"no dtype", file_of(entry(R"({"shape":[1],"data_offsets":[0,1]})"), 1), bad, "tensor 'w': dtype is missing"},
      {"no shape", file_of(entry(R"({"dtype":"U8","data_offsets":[0,1]})"), 1), bad, "tensor 'w': shape is missing"},
      {"no data_offsets", file_of(entry(R"({"dtype":"U8","shape":[1]})"), 1), bad,
       "tensor 'w': data_offsets is missing"},
      {"an unknown key", file_of(entry(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]})"), 1),
       errc::unsupported, "tensor 'w': unknown key 'strides'"},
      {"dtype twice", file_of(entry(R"({"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]})"), 1), bad,
       "tensor 'w': dtype occurs twice"},
      {"shape twice", file_of(entry(R"({"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]})"), 1), bad,
       "tensor 'w': shape occurs twice"},
      {"data_offsets twice",
       file_of(entry(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]})"), 1), bad,
       "tensor 'w': data_offsets occurs twice"},
      // The dtype
      {"an unknown dtype", file_of(one("F7", "[1]", 0, 1), 1), errc::unsupported, "tensor 'w': unknown dtype 'F7'"},
      {"a dtype in small letters", file_of(one("u8", "[1]", 0, 1), 1), errc::unsupported,
       "tensor 'w': unknown dtype 'u8'"},
      {"the start of a dtype", file_of(one("F8_E4M3F", "[1]", 0, 1), 1), errc::unsupported,
       "tensor 'w': unknown dtype 'F8_E4M3F'"},
      {"no dtype's name", file_of(one("", "[1]", 0, 1), 1), errc::unsupported, "tensor 'w': unknown dtype ''"},
      {"a dtype that is a number", file_of(entry(R"({"dtype":8,"shape":[1],"data_offsets":[0,1]})"), 1), bad,
       "tensor 'w': expected a string at byte 14 of the header"},
      // Numbers
      {"a shape that is a number", file_of(shape("1"), 1), bad,
       "tensor 'w': expected an array at byte 27 of the header"},
      {"a negative extent", file_of(shape("[-1]"), 1), bad,
       "tensor 'w': a number is negative at byte 28 of the header"},
      {"a fraction", file_of(shape("[1.0]"), 1), bad,
       "tensor 'w': a number has a fraction or an exponent at byte 28 of the header"},
      {"an exponent", file_of(shape("[1e0]"), 1), bad,
       "tensor 'w': a number has a fraction or an exponent at byte 28 of the header"},
      {"a large exponent", file_of(shape("[1E400]"), 1), bad,
       "tensor 'w': a number has a fraction or an exponent at byte 28 of the header"},
      {"a leading zero", file_of(shape("[01]"), 1), bad,
       "tensor 'w': a number has a leading zero at byte 28 of the header"},
      {"a plus sign", file_of(shape("[+1]"), 1), bad,
       "tensor 'w': expected an unsigned integer at byte 28 of the header"},
      {"hexadecimal digits", file_of(shape("[0x1]"), 1), bad,
       "tensor 'w': expected ',' or ']' in an array at byte 29 of the header"},
      {"a string for a number", file_of(shape("[\"1\"]"), 1), bad,
       "tensor 'w': expected an unsigned integer at byte 28 of the header"},
      {"not a number", file_of(shape("[NaN]"), 1), bad,
       "tensor 'w': expected an unsigned integer at byte 28 of the header"},
      {"2^64", file_of(shape("[18446744073709551616]"), 1), bad,
       "tensor 'w': a number exceeds 2^64 - 1 at byte 28 of the header"},
      {"2^64 + 9, which wraps by addition", file_of(shape("[18446744073709551625]"), 1), bad,
       "tensor 'w': a number exceeds 2^64 - 1 at byte 28 of the header"},
      {"a thousand digits", file_of(shape("[" + std::string(1000, '9') + "]"), 1), bad,
       "tensor 'w': a number exceeds 2^64 - 1 at byte 28 of the header"},
      {"a comma alone", file_of(shape("[,]"), 1), bad,
       "tensor 'w': expected an unsigned integer at byte 28 of the header"},
      {"a comma before the bracket", file_of(shape("[1,]"), 1), bad,
       "tensor 'w': expected an unsigned integer at byte 30 of the header"},
      {"an open array", file_of(R"({"w":{"shape":[1)"), bad,
       "tensor 'w': the text ends too soon at byte 16 of the header"},
      // Shapes
      {"65 dimensions", file_of(shape("[1" + repeat(",1", 64) + "]"), 1), errc::unsupported,
       "tensor 'w': shape has more than 64 dimensions"},
      {"2^32 x 2^32, which wraps to 0", file_of(wrapped), errc::size_overflow,
       "tensor 'w': shape does not fit 64 bits"},
      {"the same behind a zero", file_of(one("U8", "[0,4294967296,4294967296]", 0, 0)), errc::size_overflow,
       "tensor 'w': shape does not fit 64 bits"},
      {"the same before a zero", file_of(one("U8", "[4294967296,4294967296,0]", 0, 0)), errc::size_overflow,
       "tensor 'w': shape does not fit 64 bits"},
      {"bits that wrap though elements fit", file_of(one("F64", "[2305843009213693952]", 0, 0)), errc::size_overflow,
       "tensor 'w': shape does not fit 64 bits"},
      {"bits that wrap to the right size", file_of(one("U8", "[2305843009213693953]", 0, 1), 1), errc::size_overflow,
       "tensor 'w': shape does not fit 64 bits"},
      {"three nibbles", file_of(one("F4", "[3]", 0, 2), 2), bad,
       "tensor 'w': shape takes 12 bits of F4, which is no whole number of bytes"},
      {"two sixes", file_of(one("F6_E2M3", "[2]", 0, 2), 2), bad,
       "tensor 'w': shape takes 12 bits of F6_E2M3, which is no whole number of bytes"},
      {"a scalar of six bits", file_of(one("F6_E3M2", "[]", 0, 1), 1), bad,
       "tensor 'w': shape takes 6 bits of F6_E3M2, which is no whole number of bytes"},
      {"a shape larger than its span", file_of(one("F32", "[2]", 0, 7), 7), bad,
       "tensor 'w': shape takes 8 bytes of F32, but data_offsets span 7"},
      {"a shape smaller than its span", file_of(one("F32", "[2]", 0, 9), 9), bad,
       "tensor 'w': shape takes 8 bytes of F32, but data_offsets span 9"},
      {"an empty shape with a span", file_of(one("F32", "[2,0]", 0, 8), 8), bad,
       "tensor 'w': shape takes 0 bytes of F32, but data_offsets span 8"},
      {"a scalar without a span", file_of(one("F32", "[]", 0, 0)), bad,
       "tensor 'w': shape takes 4 bytes of F32, but data_offsets span 0"},
      // Offsets
      {"offsets that are a number", file_of(offsets("1"), 1), bad,
       "tensor 'w': expected an array at byte 46 of the header"},
      {"no offset", file_of(offsets("[]"), 1), bad, "tensor 'w': data_offsets holds 0 numbers, not 2"},
      {"one offset", file_of(offsets("[0]"), 1), bad, "tensor 'w': data_offsets holds 1 numbers, not 2"},
      {"three offsets", file_of(offsets("[0,1,1]"), 1), bad, "tensor 'w': data_offsets holds 3 numbers, not 2"},
      {"a negative offset", file_of(offsets("[-1,0]"), 1), bad,
       "tensor 'w': a number is negative at byte 47 of the header"},
      {"an end before its begin", file_of(offsets("[2,1]"), 1), bad,
       "tensor 'w': data_offsets begin at 2, after their end at 1"},
      {"a span that wraps to the right size", file_of(offsets("[18446744073709551615,0]"), 1), bad,
       "tensor 'w': data_offsets begin at 18446744073709551615, after their end at 0"},
      {"offsets at the end of 64 bits", file_of(offsets("[18446744073709551614,18446744073709551615]"), 1), bad,
       "tensor 'w': begins at byte 18446744073709551614, but no tensor holds the bytes from 0"},
      {"data that are missing", file_of(one("U8", "[1]", 0, 1)), cut,
       "the file is cut short: its tensors need 1 bytes and 0 follow the header"},
      {"far more data than the file has", file_of(one("U8", "[1152921504606846976]", 0, 1152921504606846976), 5), cut,
       "the file is cut short: its tensors need 1152921504606846976 bytes and 5 follow the header"},
      {"data after the last tensor", file_of(one("U8", "[1]", 0, 1), 3), bad, "2 bytes follow the last tensor"},
      {"data without a tensor", file_of("{}", 1), bad, "1 bytes follow the last tensor"},
      {"a hole at the front", file_of(one("U8", "[1]", 1, 2), 2), bad,
       "tensor 'w': begins at byte 1, but no tensor holds the bytes from 0"},
      {"a hole in the middle",
       file_of("{" + tensor("a", "U8", "[1]", 0, 1) + "," + tensor("b", "U8", "[1]", 2, 3) + "}", 3), bad,
       "tensor 'b': begins at byte 2, but no tensor holds the bytes from 1"},
      {"tensors that overlap",
       file_of("{" + tensor("a", "U8", "[2]", 0, 2) + "," + tensor("b", "U8", "[2]", 1, 3) + "}", 3), bad,
       "tensor 'b': begins at byte 1, inside 'a'"},
      {"two tensors in one place",
       file_of("{" + tensor("b", "U8", "[2]", 0, 2) + "," + tensor("a", "U8", "[2]", 0, 2) + "}", 2), bad,
       "tensor 'b': begins at byte 0, inside 'a'"},
      {"an empty tensor inside another",
       file_of("{" + tensor("a", "U8", "[2]", 0, 2) + "," + tensor("e", "U8", "[0]", 1, 1) + "}", 2), bad,
       "tensor 'e': begins at byte 1, inside 'a'"},
      {"an empty tensor past the end",
       file_of("{" + tensor("a", "U8", "[2]", 0, 2) + "," + tensor("e", "U8", "[0]", 3, 3) + "}", 2), bad,
       "tensor 'e': begins at byte 3, but no tensor holds the bytes from 2"},
      // Names
      {"a name twice", file_of("{" + tensor("w", "U8", "[4]", 0, 4) + "," + tensor("w", "F32", "[1]", 0, 4) + "}", 4),
       bad, "tensor 'w': the name occurs twice"},
      {"a name twice, far apart",
       file_of("{" + tensor("w", "U8", "[1]", 0, 1) + "," + tensor("a", "U8", "[1]", 1, 2) + "," +
                   tensor("w", "U8", "[1]", 2, 3) + "}",
               3),
       bad, "tensor 'w': the name occurs twice"},
      {"a name twice, once escaped",
       file_of("{" + tensor("w", "U8", "[1]", 0, 1) + "," + tensor("\\u0077", "U8", "[1]", 1, 2) + "}", 2), bad,
       "tensor 'w': the name occurs twice"},
      {"a name that commands a terminal", file_of("{" + tensor("\\u001b[31m\xc3\xa9", "U8", "[1]", 0, 2) + "}", 2), bad,
       "tensor '?[31m?\?': shape takes 1 bytes of U8, but data_offsets span 2"},
      {"a name of a thousand letters", file_of("{" + tensor(std::string(1000, 'x'), "U8", "[1]", 0, 2) + "}", 2), bad,
       "tensor '" + std::string(57, 'x') + "...': shape takes 1 bytes of U8, but data_offsets span 2"},
  };
}

TEST(Safetensors, RefusesEachHostileKindWithItsSentence) {
  for (const hostile& kind : hostile_kinds()) {
    SCOPED_TRACE(kind.what);
    visit(kind.file);
    const exact_bytes file(kind.file);
    const auto read = safetensors::parse(file.view());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), kind.code);
    EXPECT_EQ(read.error().message(), kind.sentence);
  }
}

TEST(Safetensors, RefusesAFileCutAtAnyByteAsCutShort) {
  const std::string whole = sample_file();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    visit(whole.substr(0, size));
    const exact_bytes file(whole.substr(0, size));
    const auto read = safetensors::parse(file.view());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), errc::buffer_too_small) << read.error().message();
  }
  EXPECT_FALSE(safetensors::parse(exact_bytes(whole + '\0').view()));
}

TEST(Safetensors, RefusesAHeaderCutAtAnyByte) {
  const std::string whole = sample_file();
  const std::string header = whole.substr(8, whole.size() - 8 - 16);
  const std::size_t object = header.find_last_of('}') + 1;
  for (std::size_t size = 0; size < object; ++size) {
    SCOPED_TRACE(size);
    const std::string cut = file_of(header.substr(0, size), 16);
    visit(cut);
    EXPECT_FALSE(safetensors::parse(exact_bytes(cut).view()));
  }
  EXPECT_TRUE(safetensors::parse(exact_bytes(file_of(header.substr(0, object), 16)).view()));
}

TEST(Safetensors, SurvivesEveryValueOfEveryByte) {
  std::string file = sample_file();
  for (char& byte : file) {
    const char kept = byte;
    for (int value = 0; value < 256; ++value) {
      byte = static_cast<char>(static_cast<unsigned char>(value));
      if (byte != kept)
        visit(file);
    }
    byte = kept;
  }
}

TEST(Safetensors, SurvivesTheLossAndTheDoublingOfAnyRun) {
  const std::string file = sample_file();
  for (std::size_t first = 0; first < file.size(); ++first)
    for (std::size_t length = 1; length <= 40 && first + length <= file.size(); ++length) {
      std::string changed = file;
      changed.erase(first, length);
      visit(changed);
      changed = file;
      changed.insert(first, file, first, length);
      visit(changed);
      // The same with a header length that fits, so that the damage reaches the JSON reader.
      if (first >= 8 && first + length <= file.size() - 16) {
        std::string header = file.substr(8, file.size() - 8 - 16);
        header.erase(first - 8, length);
        visit(file_of(header, 16));
      }
    }
}

TEST(Safetensors, SurvivesASeededSampleOfMutations) {
  constexpr std::uint32_t seed = 20240607;
  const std::string_view words[] = {"{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    ":",
                                    "\"",
                                    "\\",
                                    "\\u",
                                    "\\ud800",
                                    "0",
                                    "1",
                                    "-1",
                                    "1e9",
                                    "1.5",
                                    "4294967296",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "null",
                                    "true",
                                    "\"dtype\":",
                                    "\"shape\":",
                                    "\"data_offsets\":",
                                    "\"__metadata__\":",
                                    "\"F4\"",
                                    "\"U8\"",
                                    " ",
                                    "\xff",
                                    "[0,0]",
                                    "{}"};
  std::mt19937 random(seed);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  const std::string whole = sample_file();
  const std::string original = whole.substr(8, whole.size() - 8 - 16);
  for (int round = 0; round < 60'000; ++round) {
    std::string header = original;
    for (std::size_t edits = 1 + below(4); edits-- > 0 && !header.empty();) {
      const std::size_t at = below(header.size());
      const std::size_t first = below(original.size());
      const std::size_t length = 1 + below(60);
      switch (below(5)) {
        case 0: header[at] = static_cast<char>(static_cast<unsigned char>(below(256))); break;
        case 1: header.erase(at, 1 + length / 5); break;
        case 2: header.insert(at, words[below(std::size(words))]); break;
        case 3: header.insert(at, original, first, length); break;
        default: header.replace(at, 1, std::to_string(below(20))); break;
      }
    }
    visit(file_of(header, below(8) == 0 ? below(20) : 16));
    if (HasFailure()) {
      std::printf("seed %u, round %d\n", seed, round);
      break;
    }
  }
}

TEST(Safetensors, ReportsExhaustedMemoryAtEachAllocation) {
  // Enough tensors, extents and metadata to make each array grow more than once.
  std::string header = R"({"__metadata__":{"k\u0041":"v")";
  for (int i = 0; i < 40; ++i)
    header += ",\"k" + std::to_string(i) + "\":\"v\"";
  header += "}";
  for (int i = 0; i < 40; ++i)
    header +=
        "," + tensor("t" + std::to_string(i), "U8", "[1,1]", static_cast<unsigned>(i), static_cast<unsigned>(i + 1));
  const exact_bytes file(file_of(header + "}", 40));
  int failures = 0;
  for (;; ++failures) {
    allocations_left = failures;
    const auto read = safetensors::parse(file.view());
    allocations_left = -1;
    if (read)
      break;
    ASSERT_EQ(read.error().code(), errc::out_of_memory) << failures;
    ASSERT_EQ(read.error().message(), "memory is exhausted while reading the header");
  }
  EXPECT_GE(failures, 10);
}

TEST(Safetensors, ReadsFilesOfTheReferencePackage) {
  const struct {
    const char* name;
    std::size_t tensors;
  } fixtures[] = {{"floats", 5}, {"integers", 9}, {"narrow", 6}, {"sixes", 2}, {"shapes", 5}, {"metadata", 1}};
  for (const auto& fixture : fixtures) {
    SCOPED_TRACE(fixture.name);
    std::ifstream stream(std::string(FEWBITS_FIXTURES "/") + fixture.name + ".safetensors", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    ASSERT_FALSE(text.empty());
    const exact_bytes file(text);
    const auto read = safetensors::parse(file.view());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(broken_promise(*read, file.view()), nullptr);
    EXPECT_EQ(read->tensors().size(), fixture.tensors);
    // write_fixtures.py fills each tensor with the bytes h, h + 1, h + 2, ... where h is the sum of its name's bytes.
    for (const auto& t : read->tensors()) {
      unsigned next = 0;
      for (const char c : t.name)
        next += static_cast<unsigned char>(c);
      for (const std::byte b : t.bytes)
        ASSERT_EQ(std::to_integer<unsigned>(b), next++ & 0xff) << t.name;
    }
    for (std::size_t size = 0; size < text.size(); ++size)
      visit(std::string_view(text).substr(0, size));
  }
}

}  // namespace
