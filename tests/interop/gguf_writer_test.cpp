// GGUF files that are written: read back as they were meant, refused where a reader would refuse them, and their blocks
// those of the reference package where a preset copies its rules.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/writers/ggml.hpp>
#include <fewbits/interop/gguf_blocks.hpp>
#include <fewbits/interop/gguf_writer.hpp>
#include <fewbits/matrix/quantize.hpp>

#include "gguf_bytes.hpp"
#include "support/planted.hpp"

#ifndef FEWBITS_FIXTURES
#define FEWBITS_FIXTURES "tests/interop/fixtures"
#endif

namespace {

namespace fb = fewbits;
using fb::errc;
using fb::gguf_metadata;
using fb::gguf_spec;
using fb::gguf_type;
using fb::memory_sink;
using writer = fb::gguf_writer<memory_sink>;

std::uint64_t visited = 0;

class printed_count : public testing::Environment {
  void TearDown() override {
    std::printf("gguf_writer: visited %llu bytes and calls\n", static_cast<unsigned long long>(visited));
  }
};
const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new printed_count);

constexpr std::uint64_t shape_5[] = {5};
constexpr std::uint64_t shape_2x32[] = {2, 32};
constexpr std::uint64_t shape_none[] = {3, 0};

std::vector<std::byte> counting(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>(i & 0xff);
  return bytes;
}

TEST(GgufWriter, WritesTheBytesOfTheFormat) {
  gguf_metadata metadata;
  metadata.add("general.architecture", "toy");
  metadata.add("yes", true);
  memory_sink sink;
  const gguf_spec specs[] = {{"b", gguf_type::f32, shape_5}, {"w", gguf_type::q4_0, shape_2x32}};
  auto made = writer::begin(sink, specs, metadata);
  ASSERT_TRUE(made) << made.error().message();
  const auto data = counting(68);
  ASSERT_TRUE(made->append("b", std::span(data).first(20)));
  ASSERT_TRUE(made->append("w", std::span(data).subspan(32, 30)));
  ASSERT_TRUE(made->append("w", std::span(data).subspan(62, 6)));
  ASSERT_TRUE(made->finish());

  using namespace fewbits_test;
  std::string wanted = gguf_file({pair("general.architecture", 8, text("toy")), pair("yes", 7, number(1, 1))},
                                 {entry("b", {5}, 0, 0), entry("w", {32, 2}, 2, 32)}, 96);
  std::fill(wanted.end() - 76, wanted.end() - 64, '\0');
  std::fill(wanted.end() - 28, wanted.end(), planted() ? '\1' : '\0');
  const exact_gguf bytes(wanted);
  EXPECT_TRUE(std::equal(sink.bytes().begin(), sink.bytes().end(), bytes.view().begin(), bytes.view().end()));
  EXPECT_EQ(made->header().file_bytes(), wanted.size());
  visited += wanted.size();
}

TEST(GgufWriter, EveryKindOfMetadataComesBack) {
  gguf_metadata metadata;
  metadata.add("u8", std::uint8_t{255});
  metadata.add("i8", std::int8_t{-128});
  metadata.add("u16", std::uint16_t{65535});
  metadata.add("i16", std::int16_t{-2});
  metadata.add("u32", std::uint32_t{0xfffffffe});
  metadata.add("i32", -3);
  metadata.add("u64", std::numeric_limits<std::uint64_t>::max());
  metadata.add("i64", std::numeric_limits<std::int64_t>::min());
  metadata.add("f32", -0.0f);
  metadata.add("f64", 0.1);
  metadata.add("bool", false);
  metadata.add("string", std::string("\xc3\xa4"));
  const std::array<std::int16_t, 3> numbers{1, -2, 3};
  metadata.add_array("numbers", std::span<const std::int16_t>(numbers));
  const std::array<bool, 2> truths{true, false};
  metadata.add_array("truths", std::span<const bool>(truths));
  const std::array<std::string_view, 2> texts{"", "bc"};
  metadata.add_array("texts", std::span<const std::string_view>(texts));
  metadata.add("general.alignment", std::uint32_t{128});
  memory_sink sink;
  ASSERT_TRUE(writer::begin(sink, {}, metadata));
  const auto read = fb::gguf::parse(sink.bytes());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->alignment(), 128u);
  EXPECT_EQ(read->metadata("u8")->as_unsigned(), 255u);
  EXPECT_EQ(read->metadata("i8")->as_signed(), -128);
  EXPECT_EQ(read->metadata("u16")->as_unsigned(), 65535u);
  EXPECT_EQ(read->metadata("i16")->as_signed(), -2);
  EXPECT_EQ(read->metadata("u32")->as_unsigned(), 0xfffffffeu);
  EXPECT_EQ(read->metadata("i32")->as_signed(), -3);
  EXPECT_EQ(read->metadata("u64")->as_unsigned(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(read->metadata("i64")->as_signed(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read->metadata("f32")->as_double(), 0.0);
  EXPECT_EQ(read->metadata("f64")->as_double(), 0.1);
  EXPECT_EQ(read->metadata("bool")->as_bool(), false);
  EXPECT_EQ(read->metadata("string")->as_string(), "\xc3\xa4");
  EXPECT_EQ(read->metadata("numbers")->size(), 3u);
  EXPECT_EQ(read->metadata("truths")->element_type(), fb::gguf_value_type::boolean);
  EXPECT_EQ(read->metadata("texts")->bytes().size(), 18u);

  gguf_metadata copied;  // from one file to another
  for (const fb::gguf_entry& each : read->metadata())
    copied.add(each.key, each.value);
  EXPECT_EQ(copied.alignment(), 128u);
  EXPECT_TRUE(
      std::equal(copied.bytes().begin(), copied.bytes().end(), metadata.bytes().begin(), metadata.bytes().end()));
}

TEST(GgufWriter, RefusesWhatNoReaderTakes) {
  const std::string long_name(64, 'n');
  const std::uint64_t five[] = {1, 1, 1, 1, 1}, odd[] = {33}, huge[] = {std::uint64_t{1} << 40, std::uint64_t{1} << 40};
  const std::uint64_t large[] = {std::uint64_t{1} << 60};
  const struct {
    std::vector<gguf_spec> specs;
    errc code;
    const char* sentence;
  } refused[] = {
      {{{"", gguf_type::f32, shape_5}}, errc::invalid_argument, "tensor '': a name has 1 to 63 bytes, and this 0"},
      {{{long_name, gguf_type::f32, shape_5}},
       errc::invalid_argument,
       "tensor 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...': a name has 1 to 63 bytes, and this 64"},
      {{{"w", gguf_type::f32, five}}, errc::invalid_argument, "tensor 'w': its shape has 5 extents, and at most 4 fit"},
      {{{"w", static_cast<gguf_type>(4), shape_5}}, errc::invalid_argument, "tensor 'w': no type has the number 4"},
      {{{"w", gguf_type::q8_0, odd}},
       errc::shape_mismatch,
       "tensor 'w': its rows have 33 elements, which are no whole blocks of Q8_0"},
      {{{"w", gguf_type::f32, huge}}, errc::size_overflow, "tensor 'w': its shape does not fit 63 bits"},
      {{{"v", gguf_type::f32, large}, {"w", gguf_type::f32, large}},
       errc::size_overflow,
       "tensor 'v': the file would not fit 63 bits"},
      {{{"w", gguf_type::f32, shape_5}, {"w", gguf_type::f32, shape_5}},
       errc::invalid_argument,
       "tensor 'w': the name occurs twice"},
  };
  for (const auto& each : refused) {
    memory_sink sink;
    const auto made = writer::begin(sink, each.specs);
    ASSERT_FALSE(made) << each.sentence;
    EXPECT_EQ(made.error().message(), each.sentence);
    EXPECT_EQ(made.error().code(), each.code);
    EXPECT_TRUE(sink.bytes().empty());
    ++visited;
  }
  const auto sentence_of = [](const auto& fill) {
    gguf_metadata metadata;
    fill(metadata);
    const auto made = fb::gguf_header::make({}, metadata);
    return made ? std::string() : std::string(made.error().message());
  };
  EXPECT_EQ(sentence_of([](gguf_metadata& m) { m.add("", 1); }), "key '': a key has 1 to 65535 bytes");
  EXPECT_EQ(sentence_of([](gguf_metadata& m) {
              m.add("k", 1);
              m.add("k", 2);
            }),
            "key 'k': the name occurs twice");
  const std::string alignment =
      "key 'general.alignment': an alignment is a std::uint32_t, a power of two from 8 to 65536";
  EXPECT_EQ(sentence_of([](gguf_metadata& m) { m.add("general.alignment", std::uint32_t{4}); }), alignment);
  EXPECT_EQ(sentence_of([](gguf_metadata& m) { m.add("general.alignment", std::uint32_t{1} << 17); }), alignment);
  EXPECT_EQ(sentence_of([](gguf_metadata& m) { m.add("general.alignment", std::uint64_t{32}); }), alignment);
  EXPECT_EQ(sentence_of([](gguf_metadata& m) { m.add("general.alignment", "32"); }), alignment);
}

TEST(GgufWriter, HoldsEveryTensorToItsTurnAndSize) {
  memory_sink sink;
  const gguf_spec specs[] = {
      {"a", gguf_type::f32, shape_5}, {"none", gguf_type::f16, shape_none}, {"b", gguf_type::f32, shape_5}};
  auto made = writer::begin(sink, specs);
  ASSERT_TRUE(made);
  const std::array<float, 5> values{1, 2, 3, 4, 5};
  const std::span<const float> all(values);
  EXPECT_EQ(made->append_values("b", all).error().message(),
            "tensor 'b': it is the turn of 'a', which has 0 of its 20 bytes");
  EXPECT_EQ(made->append_values("c", all).error().code(), errc::invalid_argument);
  ASSERT_TRUE(made->append_values("a", all.first(2)));
  EXPECT_EQ(made->append_values("a", all).error().message(), "tensor 'a': it has 20 bytes, and 20 were given after 8");
  ASSERT_TRUE(made->append_values("a", all.subspan(2)));
  EXPECT_EQ(made->append_values("a", all.first(1)).error().code(), errc::shape_mismatch);
  ASSERT_TRUE(made->append_values("b", all.first(4)));
  EXPECT_EQ(made->append_values("a", all.first(0)).error().code(), errc::invalid_argument);
  EXPECT_EQ(made->finish().error().message(), "tensor 'b': it has 16 of its 20 bytes");
  ASSERT_TRUE(made->append_values("b", all.last(1)));
  ASSERT_TRUE(made->finish());
  EXPECT_EQ(made->finish().error().code(), errc::invalid_argument);
  EXPECT_EQ(made->append_values("b", all.first(0)).error().code(), errc::invalid_argument);
  const auto read = fb::gguf::parse(sink.bytes());
  ASSERT_TRUE(read) << read.error().message();
  std::array<float, 5> back{};
  ASSERT_TRUE(fb::dequantize_gguf(*read->find("b"), back));
  EXPECT_EQ(back, values);
}

// Takes so many writes, then fails.
struct failing_sink {
  int writes_left;
  fb::result<void> write(std::span<const std::byte>) {
    if (writes_left-- == 0)
      return fb::error{errc::io_failure, "the disk is full"};
    return {};
  }
};

TEST(GgufWriter, FailsWithItsSink) {
  const auto data = counting(20);
  const gguf_spec specs[] = {{"a", gguf_type::f32, shape_5}};
  for (int writes = 0; writes < 4; ++writes, ++visited) {
    failing_sink sink{writes};
    auto made = fb::gguf_writer<failing_sink>::begin(sink, specs);
    ASSERT_EQ(made.has_value(), writes > 0);
    if (!made) {
      EXPECT_EQ(made.error().code(), errc::io_failure);
      continue;
    }
    const auto appended = made->append("a", data);  // the header, the bytes, the filling
    ASSERT_EQ(appended.has_value(), writes == 3);
    EXPECT_EQ(made->finish().has_value(), writes == 3);
  }
}

std::string fixture(const char* name) {
  std::ifstream stream(std::string(FEWBITS_FIXTURES "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

template <class F, class Rule>
void expect_blocks(const fb::gguf& file, const char* name, const Rule& rule) {
  const auto source = file.find("source");
  const auto wanted = file.find(name);
  ASSERT_TRUE(source && wanted) << name;
  std::vector<float> values(source->shape[0] * source->shape[1]);
  ASSERT_TRUE(fb::dequantize_gguf(*source, values));
  const auto coded =
      fb::quantize<F>(fb::matrix_view<const float>(values.data(), source->shape[0], source->shape[1]), rule);
  ASSERT_TRUE(coded);
  std::vector<std::byte> blocks(wanted->bytes.size());
  const auto written = fb::write_gguf(coded->view(), wanted->type, blocks);
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_TRUE(std::equal(blocks.begin(), blocks.end(), wanted->bytes.begin())) << name;
  visited += blocks.size();
}

TEST(GgufWriter, PresetsGiveTheBlocksOfTheReferencePackage) {
  const fewbits_test::exact_gguf file(fixture("blocks_32.gguf"));
  const auto read = fb::gguf::parse(file.view());
  ASSERT_TRUE(read);
  expect_blocks<fb::int4_groups<32, fb::fp16>>(*read, "Q4_0.of_source", fb::ggml_q4_0);
  expect_blocks<fb::int8_groups<32, fb::fp16>>(*read, "Q8_0.of_source", fb::ggml_q8_0);
  expect_blocks<fb::mxfp4>(*read, "MXFP4.of_source", fb::ggml_mxfp4);
}

}  // namespace
