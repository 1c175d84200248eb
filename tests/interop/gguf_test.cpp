// Foreign GGUF files: what the format allows is read, what it forbids gets its sentence, and no bytes at all make the
// reader crash or read past its span (run under ASan and UBSan).
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/gguf.hpp>

#include "gguf_bytes.hpp"
#include "support/planted.hpp"

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

using fewbits::errc;
using fewbits::gguf;
using fewbits::gguf_type;
using fewbits::gguf_value_type;
using fewbits_test::array;
using fewbits_test::broken_gguf_promise;
using fewbits_test::broken_promise;
using fewbits_test::entry;
using fewbits_test::exact_gguf;
using fewbits_test::gguf_file;
using fewbits_test::number;
using fewbits_test::pair;
using fewbits_test::text;

std::uint64_t hostile_files = 0;
std::uint64_t hostile_files_accepted = 0;

class printed_count : public testing::Environment {
  void TearDown() override {
    std::printf("gguf: visited %llu hostile files, of which %llu still kept every rule\n",
                static_cast<unsigned long long>(hostile_files),
                static_cast<unsigned long long>(hostile_files_accepted));
  }
};
const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new printed_count);

// Parses a file nobody vouches for: it is read whole and right, or refused with a sentence.
bool visit(std::string_view bytes) {
  const exact_gguf file(bytes);
  const auto read = gguf::parse(file.view());
  const char* const broken = read ? broken_promise(*read, file.view()) : broken_gguf_promise(read.error());
  ++hostile_files;
  hostile_files_accepted += read.has_value() ? 1u : 0u;
  if (broken != nullptr)
    ADD_FAILURE() << "promise: " << broken << "\nfile: " << testing::PrintToString(bytes);
  return read.has_value();
}

constexpr std::uint32_t u32 = 4, boolean = 7, string = 8;
constexpr std::uint32_t f32 = 0, q4_0 = 2, q8_0 = 8;

// Each branch of the reader is one flip away.
std::string sample_file() {
  return gguf_file(
      {pair("general.architecture", string, text("toy")), pair("yes", boolean, number(1, 1)),
       array("tokens", string, 2, text("a") + text("bc")), array("numbers", 3, 2, number(0xfffe0001, 4))},
      {entry("w", {32, 2}, q4_0, 32), entry("b", {5}, f32, 0), entry("none", {0, 3}, f32, 64), entry("s", {}, f32, 96)},
      100);
}

std::string fixture(const char* name) {
  std::ifstream stream(std::string(FEWBITS_FIXTURES "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(Gguf, ReadsTensorsAndMetadata) {
  const exact_gguf file(sample_file());
  const auto read = gguf::parse(file.view());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(broken_promise(*read, file.view()), nullptr);
  EXPECT_EQ(read->version(), 3u);
  EXPECT_EQ(read->alignment(), 32u);
  ASSERT_EQ(read->tensors().size(), 4u);

  const auto& w = read->tensors()[0];
  EXPECT_EQ(w.name, "w");
  EXPECT_EQ(w.type, gguf_type::q4_0);
  EXPECT_EQ((std::vector<std::uint64_t>{w.shape.begin(), w.shape.end()}), (std::vector<std::uint64_t>{2, 32}));
  EXPECT_EQ(w.bytes.size(), fewbits_test::planted() ? 35u : 36u);
  EXPECT_EQ(std::to_integer<int>(w.bytes[0]), 32);
  EXPECT_EQ(read->file_offset(0), file.view().size() - 68);
  EXPECT_TRUE(read->tensors()[2].bytes.empty());
  EXPECT_EQ(read->tensors()[3].bytes.size(), 4u);
  EXPECT_EQ(read->find("b")->bytes.size(), 20u);
  const auto none = read->find("c");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message(), "there is no tensor 'c'");

  EXPECT_EQ(read->metadata()[0].key, "general.architecture");
  EXPECT_EQ(read->metadata("general.architecture")->as_string(), "toy");
  EXPECT_EQ(read->metadata("yes")->as_bool(), true);
  EXPECT_FALSE(read->metadata("no"));
  std::vector<std::string> tokens;
  for (const auto& token : read->metadata("tokens")->elements())
    tokens.emplace_back(*token.as_string());
  EXPECT_EQ(tokens, (std::vector<std::string>{"a", "bc"}));
  std::vector<std::int64_t> numbers;
  for (const auto& each : read->metadata("numbers")->elements())
    numbers.push_back(*each.as_signed());
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, -2}));
}

TEST(Gguf, ReadsWhatTheReferencePackageWrites) {
  const exact_gguf file(fixture("metadata.gguf"));
  const auto read = gguf::parse(file.view());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(broken_promise(*read, file.view()), nullptr);
  EXPECT_EQ(read->alignment(), 64u);
  const auto number_at = [&](const char* key) { return *read->metadata(key); };
  EXPECT_EQ(number_at("one.uint8.1").as_unsigned(), 255u);
  EXPECT_EQ(number_at("one.int8.0").as_signed(), -128);
  EXPECT_EQ(number_at("one.int8.0").as_unsigned(), std::nullopt);
  EXPECT_EQ(number_at("one.int8.1").as_unsigned(), 127u);
  EXPECT_EQ(number_at("one.uint16.1").as_signed(), 65535);
  EXPECT_EQ(number_at("one.int16.0").as_signed(), -32768);
  EXPECT_EQ(number_at("one.uint32.1").as_unsigned(), 0xffffffffu);
  EXPECT_EQ(number_at("one.int32.0").as_signed(), std::int64_t{std::numeric_limits<std::int32_t>::min()});
  EXPECT_EQ(number_at("one.uint64.1").as_unsigned(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(number_at("one.uint64.1").as_signed(), std::nullopt);
  EXPECT_EQ(number_at("one.int64.0").as_signed(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(number_at("one.float32.0").as_double(), -1.5);
  EXPECT_EQ(number_at("one.float32.0").as_signed(), std::nullopt);
  EXPECT_EQ(number_at("one.float64.0").as_double(), 0.1);
  EXPECT_EQ(number_at("one.bool.1").as_bool(), false);
  EXPECT_EQ(number_at("one.string.0").as_string(), "");
  EXPECT_EQ(number_at("one.string.1").as_string(), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  for (const char* const kind : {"uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32",
                                 "float64", "bool", "string"}) {
    const auto all = read->metadata(std::string("all.") + kind);
    ASSERT_TRUE(all && all->is_array() && all->size() == 2) << kind;
    int i = 0;
    for (const auto& each : all->elements()) {
      const auto one = read->metadata(std::string("one.") + kind + "." + std::to_string(i++));
      ASSERT_TRUE(one) << kind;
      EXPECT_EQ(each.type(), one->type());
      EXPECT_TRUE(std::equal(each.bytes().begin(), each.bytes().end(), one->bytes().begin(), one->bytes().end()))
          << kind;
    }
  }
  const auto deep = read->find("deep");
  ASSERT_TRUE(deep);
  EXPECT_EQ((std::vector<std::uint64_t>{deep->shape.begin(), deep->shape.end()}),
            (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(read->find("experts")->bytes.size(), 108u);
}

TEST(Gguf, NamesWhatAFileBreaks) {
  constexpr std::uint64_t huge = std::uint64_t{1} << 62;
  const auto one = [](const std::string& pair_bytes) { return gguf_file({pair_bytes}, {}); };
  const auto tensor = [](const std::string& row, std::size_t data = 0) { return gguf_file({}, {row}, data); };
  const std::string head = "GGUF" + number(3, 4);
  const struct {
    std::string file;
    errc code;
    const char* sentence;
  } files[] = {
      {"", errc::buffer_too_small, "the file does not begin with GGUF"},
      {"GGU", errc::buffer_too_small, "the file does not begin with GGUF"},
      {"GGUG" + number(3, 20), errc::malformed_file, "the file does not begin with GGUF"},
      {"GGUF" + number(1, 20), errc::unsupported, "the file is of GGUF version 1: versions 2 and 3 are read"},
      {"GGUF" + number(4, 20), errc::unsupported, "the file is of GGUF version 4: versions 2 and 3 are read"},
      {"GGUF" + number(0x03000000, 20), errc::unsupported,
       "the file is big-endian, or its version is 0: little-endian files are read"},
      {head + number(huge, 8) + number(0, 8), errc::buffer_too_small,
       "header: 4611686018427387904 tensors do not fit the 0 bytes that follow"},
      {head + number(0, 8) + number(~std::uint64_t{0}, 8) + number(0, 64), errc::buffer_too_small,
       "header: 18446744073709551615 keys do not fit the 64 bytes that follow"},
      {head + number(0, 8), errc::buffer_too_small, "header: the file ends inside its number of keys"},
      {one(pair("", u32, number(1, 4))), errc::malformed_file, "key 0: the key is empty"},
      {one(number(huge, 8) + number(0, 20)), errc::unsupported,
       "key 0: the key has 4611686018427387904 bytes, and at most 65535 are read"},
      {one(number(60000, 8) + number(0, 20)), errc::buffer_too_small, "key 0: the file ends inside the key"},
      {one(pair("k", 13, number(0, 8))), errc::unsupported, "key 'k': no type has the number 13"},
      {one(pair("k", u32, "abc")), errc::buffer_too_small, "key 'k': the file ends inside a value"},
      {one(pair("k", boolean, number(2, 1))), errc::malformed_file, "key 'k': a bool is neither 0 nor 1"},
      {one(array("k", boolean, 3, number(0x000201, 3))), errc::malformed_file, "key 'k': a bool is neither 0 nor 1"},
      {one(pair("k", string, number(~std::uint64_t{0}, 8))), errc::buffer_too_small,
       "key 'k': the file ends inside a string"},
      {one(array("k", string, 2, text("a") + number(9, 8))), errc::buffer_too_small,
       "key 'k': the file ends inside a string"},
      {one(array("k", 9, 1, number(0, 20))), errc::unsupported, "key 'k': it is an array of arrays"},
      {one(array("k", 77, 1, number(0, 20))), errc::unsupported, "key 'k': no type has the number 77"},
      {one(array("k", 10, huge, number(0, 8))), errc::unsupported,
       "key 'k': an array of 4611686018427387904 elements, and at most 1073741824 are read"},
      {one(array("k", 10, 1u << 29, number(0, 8))), errc::buffer_too_small, "key 'k': the file ends inside an array"},
      {one(array("k", string, 1u << 29, number(0, 8))), errc::buffer_too_small,
       "key 'k': the file ends inside an array"},
      {gguf_file({pair("k", u32, number(1, 4)), pair("j", u32, number(1, 4)), pair("k", u32, number(2, 4))}, {}),
       errc::malformed_file, "key 'k': the name occurs twice"},
      {one(pair("general.alignment", u32, number(0, 4))), errc::malformed_file,
       "key 'general.alignment': an alignment of 0 is no power of two"},
      {one(pair("general.alignment", u32, number(48, 4))), errc::malformed_file,
       "key 'general.alignment': an alignment of 48 is no power of two"},
      {one(pair("general.alignment", 10, number(32, 8))), errc::malformed_file,
       "key 'general.alignment': it is of type u64, not u32"},
      {one(pair("a\nb\x80", 13, "")), errc::unsupported, "key 'a?b?': no type has the number 13"},
      {tensor(number(70000, 8) + number(0, 20)), errc::unsupported,
       "tensor 0: the name has 70000 bytes, and at most 65535 are read"},
      {tensor(entry("w", {1, 1, 1, 1, 1}, f32, 0), 4), errc::unsupported,
       "tensor 'w': its rank is 5, and at most 4 is read"},
      {tensor(entry("w", {1}, 4, 0), 4), errc::unsupported, "tensor 'w': no type has the number 4"},
      {tensor(entry("w", {1}, 0xffffffff, 0), 4), errc::unsupported, "tensor 'w': no type has the number 4294967295"},
      {tensor(entry("w", {33}, q8_0, 0), 400), errc::malformed_file,
       "tensor 'w': its rows have 33 elements, which are no whole blocks of Q8_0"},
      {tensor(entry("w", {}, q8_0, 0), 400), errc::malformed_file,
       "tensor 'w': its rows have 1 elements, which are no whole blocks of Q8_0"},
      {tensor(entry("w", {huge, 4}, f32, 0), 400), errc::size_overflow, "tensor 'w': its shape does not fit 63 bits"},
      {tensor(entry("w", {std::uint64_t{1} << 32, std::uint64_t{1} << 32}, f32, 0)), errc::size_overflow,
       "tensor 'w': its shape does not fit 63 bits"},
      {tensor(entry("w", {0, std::uint64_t{1} << 32, std::uint64_t{1} << 32}, f32, 0)), errc::size_overflow,
       "tensor 'w': its shape does not fit 63 bits"},
      {tensor(entry("w", {256, std::uint64_t{1} << 55}, 34, 0)), errc::size_overflow,
       "tensor 'w': its shape does not fit 63 bits"},
      {gguf_file({pair("general.alignment", u32, number(1, 4))}, {entry("w", {3}, 24, 0), entry("v", {3}, 24, 2)}, 5,
                 1),
       errc::malformed_file, "tensor 'v': it begins at byte 125 of the file, inside 'w'"},
      {one(pair(std::string(65536, 'k'), u32, number(1, 4))), errc::unsupported,
       "key 0: the key has 65536 bytes, and at most 65535 are read"},
      {tensor(entry("w", {huge / 2, 1}, f32, 0)), errc::size_overflow, "tensor 'w': its shape does not fit 63 bits"},
      {tensor(entry("w", {4}, f32, 0), 15), errc::buffer_too_small,
       "tensor 'w': it needs 16 bytes from byte 0 of the data on, and there are 15"},
      {tensor(entry("w", {4}, f32, ~std::uint64_t{31}), 64), errc::buffer_too_small,
       "tensor 'w': it needs 16 bytes from byte 18446744073709551584 of the data on, and there are 64"},
      {tensor(entry("w", {4}, f32, 4), 64), errc::malformed_file,
       "tensor 'w': it begins at byte 4 of the data, no multiple of the alignment of 32"},
      {gguf_file({}, {entry("w", {4}, f32, 0), entry("v", {1}, f32, 0)}, 64), errc::malformed_file,
       "tensor 'v': it begins at byte 96 of the file, inside 'w'"},
      {gguf_file({}, {entry("w", {4}, f32, 32), entry("v", {9}, f32, 0)}, 64), errc::malformed_file,
       "tensor 'w': it begins at byte 128 of the file, inside 'v'"},
      {gguf_file({}, {entry("w", {4}, f32, 0), entry("w", {1}, f32, 32)}, 64), errc::malformed_file,
       "tensor 'w': the name occurs twice"},
  };
  for (const auto& each : files) {
    SCOPED_TRACE(each.sentence);
    EXPECT_FALSE(visit(each.file));
    const exact_gguf file(each.file);
    const auto read = gguf::parse(file.view());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message(), each.sentence);
    EXPECT_EQ(read.error().code(), each.code);
  }
}

TEST(Gguf, AcceptsWhatTheFormatAllows) {
  EXPECT_TRUE(visit(gguf_file({}, {})));
  EXPECT_TRUE(visit(gguf_file({}, {}, 0, 32, 2)));
  EXPECT_TRUE(visit(gguf_file({pair(std::string(65535, 'k'), u32, number(1, 4))}, {})));
  EXPECT_TRUE(visit(gguf_file({pair("general.alignment", u32, number(1, 4))},
                              {entry("w", {3}, 24, 0), entry("v", {3}, 24, 3)}, 6, 1)));
  EXPECT_TRUE(visit(gguf_file({}, {}, 77)));  // bytes that nothing names
  EXPECT_TRUE(visit(gguf_file({}, {entry("later", {8}, f32, 64), entry("first", {1}, f32, 0)}, 96)));
  EXPECT_TRUE(visit(gguf_file({pair("general.alignment", u32, number(1, 4))},
                              {entry("a", {1}, f32, 0), entry("b", {1}, f32, 4)}, 8, 1)));
  EXPECT_TRUE(visit(gguf_file({array("none", u32, 0, ""), array("no texts", string, 0, "")}, {})));
  EXPECT_TRUE(visit(gguf_file({}, {entry("", {1, 1, 1, 1}, f32, 0)}, 4)));
  EXPECT_TRUE(visit(gguf_file({}, {entry("none", {0}, q8_0, 0), entry("one", {1}, f32, 0)}, 4)));
}

TEST(Gguf, ReadsEveryTypeByItsSize) {
  for (const auto& row : fewbits::gguf_type_table) {
    SCOPED_TRACE(row.name);
    const auto file_of = [&](std::size_t data) {
      return gguf_file({}, {entry("w", {2 * row.elements, 3}, static_cast<std::uint32_t>(row.type), 0)}, data);
    };
    EXPECT_TRUE(visit(file_of(6 * row.bytes)));
    EXPECT_FALSE(visit(file_of(6 * row.bytes - 1)));
    EXPECT_EQ(fewbits::gguf_type_from_name(row.name), row.type);
    EXPECT_EQ(to_string(row.type), row.name);
  }
  EXPECT_EQ(to_string(static_cast<gguf_type>(5)), "unknown");
  EXPECT_FALSE(fewbits::gguf_type_from_name("q4_0"));
}

TEST(Gguf, SurvivesEveryCutAndEveryByte) {
  const std::string file = sample_file();
  for (std::size_t size = 0; size < file.size(); ++size)
    EXPECT_FALSE(visit(file.substr(0, size))) << size;
  const std::size_t header = file.size() - 100;
  for (std::size_t at = 0; at < header; ++at)
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = file;
      changed[at] = static_cast<char>(static_cast<unsigned char>(byte));
      visit(changed);
    }
}

TEST(Gguf, SaysWhereTensorsAreThatAreNotInMemory) {
  const std::string file = sample_file();
  const std::size_t header = file.size() - 100;
  const exact_gguf whole(file), beginning(std::string_view(file).substr(0, header)), part(file.substr(0, header + 32));
  const auto read = gguf::parse_header(beginning.view(), file.size());
  ASSERT_TRUE(read) << read.error().message();
  const auto all = gguf::parse(whole.view());
  ASSERT_TRUE(all);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read->file_offset(i), all->file_offset(i));
    EXPECT_TRUE(read->tensors()[i].bytes.empty());
  }
  const auto half = gguf::parse_header(part.view(), file.size());
  ASSERT_TRUE(half);
  EXPECT_EQ(half->tensors()[1].bytes.size(), 20u);
  EXPECT_TRUE(half->tensors()[0].bytes.empty());
  EXPECT_FALSE(gguf::parse_header(beginning.view(), file.size() - 1));
  // Who does not know how long the table is reads more until it is enough.
  const std::size_t table = file.find(text("s")) + 9 + 4 + 4 + 8;
  for (std::size_t size = 0; size < table; ++size) {
    const exact_gguf cut(std::string_view(file).substr(0, size));
    const auto too_short = gguf::parse_header(cut.view(), file.size());
    ASSERT_FALSE(too_short) << size;
    EXPECT_EQ(too_short.error().code(), errc::buffer_too_small) << too_short.error().message();
  }
  EXPECT_TRUE(gguf::parse_header(exact_gguf(std::string_view(file).substr(0, table)).view(), file.size()));
  EXPECT_EQ(gguf::parse_header(whole.view(), header).error().code(), errc::invalid_argument);
}

TEST(Gguf, SaysThatMemoryIsExhausted) {
  const exact_gguf file(sample_file());
  int failures = 0;
  for (;; ++failures) {
    allocations_left = failures;
    const auto read = gguf::parse(file.view());
    allocations_left = -1;
    if (read)
      break;
    EXPECT_EQ(read.error().code(), errc::out_of_memory);
    ASSERT_LT(failures, 100);
  }
  EXPECT_GT(failures, 5);
}

TEST(Gguf, ViewsOutliveAMoveOfTheReader) {
  const exact_gguf file(sample_file());
  auto read = gguf::parse(file.view());
  ASSERT_TRUE(read);
  const auto views = read->tensors();
  const gguf moved = std::move(read).value();
  EXPECT_EQ(moved.tensors().data(), views.data());
  EXPECT_EQ(views[0].shape[1], 32u);
}

}  // namespace
