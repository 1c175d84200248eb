// Files that the writer makes: the reader sees what was said, the reference package's fixtures come out byte for byte,
// and what cannot be a file is refused before or while it is written.
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/checkpoint_index.hpp>
#include <fewbits/interop/safetensors.hpp>
#include <fewbits/interop/safetensors_stream.hpp>
#include <fewbits/interop/safetensors_writer.hpp>
#include <fewbits/interop/scheme_config.hpp>

#include "../support/planted.hpp"
#include "safetensors_bytes.hpp"

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
using fewbits::memory_sink;
using fewbits::metadata_entry;
using fewbits::safetensors;
using fewbits::safetensors_layout;
using fewbits::tensor_spec;
using writer = fewbits::safetensors_writer<memory_sink>;
using shape = std::vector<std::uint64_t>;

std::uint64_t files_written = 0;

class printed_count : public testing::Environment {
  void TearDown() override {
    std::printf("safetensors_writer: visited %llu files\n", static_cast<unsigned long long>(files_written));
  }
};
const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new printed_count);

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct named_tensor {
  std::string name;
  dtype type;
  shape extents;
  std::string content;
};

std::vector<tensor_spec> specs_of(const std::vector<named_tensor>& tensors) {
  std::vector<tensor_spec> specs;
  for (const auto& t : tensors)
    specs.push_back({t.name, t.type, t.extents});
  return specs;
}

std::string written(const std::vector<named_tensor>& tensors, const std::vector<metadata_entry>& metadata,
                    std::size_t piece) {
  memory_sink sink;
  auto made = writer::begin(sink, specs_of(tensors), metadata);
  if (!made)
    return "refused: " + std::string(made.error().message());
  for (const auto& t : tensors)
    for (std::size_t i = 0; i < t.content.size(); i += piece)
      if (!made->append(t.name, bytes_of(std::string_view(t.content).substr(i, piece))))
        return "an append failed";
  if (!made->finish())
    return "finish failed";
  EXPECT_EQ(sink.bytes().size(), made->header().file_size());
  ++files_written;
  return text_of(sink.bytes());
}

std::string content_of(std::size_t size, std::mt19937_64& random) {
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(static_cast<unsigned char>(random() & 0xff));
  return text;
}

void expect_read(const std::string& file, const std::vector<named_tensor>& tensors,
                 const std::vector<metadata_entry>& metadata) {
  const fewbits_test::exact_bytes exact(file);
  const auto read = safetensors::parse(exact.view());
  ASSERT_TRUE(read) << read.error().message() << "\n" << file;
  EXPECT_EQ(fewbits_test::broken_promise(*read, exact.view()), nullptr);
  ASSERT_EQ(read->tensors().size(), tensors.size());
  for (const auto& t : tensors) {
    const auto found = read->find(t.name);
    ASSERT_TRUE(found) << t.name;
    EXPECT_EQ(found->type, t.type);
    EXPECT_EQ(shape(found->shape.begin(), found->shape.end()), t.extents);
    EXPECT_EQ(text_of(found->bytes), t.content + (fewbits_test::planted() ? "bug" : ""));
  }
  ASSERT_EQ(read->metadata().size(), metadata.size());
  for (const auto& pair : metadata)
    EXPECT_EQ(read->metadata(pair.key), pair.value);
}

TEST(SafetensorsWriter, WritesEveryDtypeInEveryChunking) {
  std::mt19937_64 random(5);
  std::vector<named_tensor> tensors;
  for (const auto& row : fewbits::dtype_table)
    tensors.push_back({std::string(row.name), row.type, {2, 4}, content_of(row.bits, random)});
  tensors.push_back({"scalar", dtype::f64, {}, content_of(8, random)});
  tensors.push_back({"empty", dtype::f4, {3, 0}, ""});
  tensors.push_back({"", dtype::u8, {1}, "x"});
  const std::vector<metadata_entry> metadata{{"format", "pt"}, {"", "empty key"}};
  const std::string whole = written(tensors, metadata, 1000);
  expect_read(whole, tensors, metadata);
  for (std::size_t piece = 1; piece < 70; ++piece)
    EXPECT_EQ(written(tensors, metadata, piece), whole);
  EXPECT_EQ((whole.find("}}") + 2 + 7) / 8 * 8 % 8, 0u);
}

TEST(SafetensorsWriter, EscapesEveryCharacter) {
  std::vector<named_tensor> tensors;
  std::vector<std::string> values;
  for (unsigned code = 0; code < 0x80; ++code)
    tensors.push_back({std::string(1, static_cast<char>(code)), dtype::u8, {1}, "v"});
  for (const char* const wide :
       {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"})
    tensors.push_back({wide, dtype::u8, {1}, "w"});
  values.reserve(tensors.size());
  std::vector<metadata_entry> metadata;
  for (const auto& t : tensors) {
    values.push_back(t.name + "\"" + t.name);
    metadata.push_back({t.name, values.back()});
  }
  expect_read(written(tensors, metadata, 9), tensors, metadata);
}

TEST(SafetensorsWriter, WritesRandomFilesThatTheReaderSeesAlike) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<named_tensor> tensors;
    const std::size_t count = random() % 6;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& row = fewbits::dtype_table[random() % fewbits::dtype_table.size()];
      named_tensor t{"t" + std::to_string(i * 7 % 6), row.type, {}, ""};
      std::uint64_t elements = 8;
      t.extents.push_back(8);
      for (std::size_t r = random() % 3; r > 0; --r) {
        t.extents.push_back(random() % 4);
        elements *= t.extents.back();
      }
      t.content = content_of(elements * row.bits / 8, random);
      tensors.push_back(t);
    }
    const std::vector<metadata_entry> metadata(round % 2 == 0 ? 0 : 1, {"k", "v"});
    const std::string file = written(tensors, metadata, 1 + random() % 40);
    expect_read(file, tensors, metadata);
    EXPECT_EQ(file, written(tensors, metadata, 1000));
  }
}

// serde_json's spelling and the package's order: a file that passes through is the same file.
TEST(SafetensorsWriter, WritesTheReferencePackagesFilesByteForByte) {
  std::size_t visited = 0;
  for (const char* const name : {"floats", "integers", "narrow", "sixes", "shapes"}) {
    SCOPED_TRACE(name);
    std::ifstream stream("tests/interop/fixtures/" + std::string(name) + ".safetensors", std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const auto read = safetensors::parse(bytes_of(file));
    ASSERT_TRUE(read);
    std::vector<tensor_spec> specs;
    for (const auto& t : read->tensors())
      specs.push_back({t.name, t.type, t.shape});
    std::mt19937_64 random(3);
    std::ranges::shuffle(specs, random);
    fewbits::sort_as_reference(specs);
    if (std::string_view(name) == "sixes")  // written by hand in order of names: the package writes no F6
      std::ranges::sort(specs, {}, &tensor_spec::name);
    memory_sink sink;
    auto made = writer::begin(sink, specs, read->metadata());
    ASSERT_TRUE(made);
    for (const auto& spec : specs)
      ASSERT_TRUE(made->append(spec.name, read->find(spec.name)->bytes));
    ASSERT_TRUE(made->finish());
    EXPECT_EQ(text_of(sink.bytes()), file);
    ++visited;
    ++files_written;
  }
  std::printf("safetensors_writer: reproduced %zu fixtures\n", visited);
}

TEST(SafetensorsWriter, TurnsNumbersLittleEndian) {
  memory_sink sink;
  const shape three{3};
  const std::vector<tensor_spec> specs{{"f", dtype::f32, three}, {"h", dtype::u16, three}, {"b", dtype::i8, three}};
  auto made = writer::begin(sink, specs);
  ASSERT_TRUE(made);
  const std::size_t header = sink.bytes().size();
  EXPECT_EQ(header % 8, 0u);
  const std::array<float, 3> floats{1.0f, -2.5f, 0.0f};
  const std::array<std::uint16_t, 3> halves{0x1234, 0, 0xffff};
  const std::array<std::int8_t, 3> bytes{1, -1, 0};
  ASSERT_TRUE(made->append_values<float>("f", floats));
  ASSERT_TRUE(made->append_values<std::uint16_t>("h", halves));
  ASSERT_TRUE(made->append_values<std::int8_t>("b", bytes));
  ASSERT_TRUE(made->finish());
  EXPECT_EQ(text_of(sink.bytes().subspan(header)),
            std::string("\0\0\x80\x3f\0\0\x20\xc0\0\0\0\0\x34\x12\0\0\xff\xff\x01\xff\0", 21));
}

TEST(SafetensorsWriter, RefusesWhatIsNoFile) {
  const std::uint64_t huge = std::uint64_t{1} << 32;
  const shape wraps{huge, huge};
  const shape wraps_beside_nothing{huge, huge, 0};
  const shape most{std::uint64_t{1} << 60};
  const shape odd{3};
  const shape one{1};
  const shape deep(65, 1);
  const struct {
    std::vector<tensor_spec> specs;
    std::vector<metadata_entry> metadata;
    errc code;
    const char* sentence;
  } cases[] = {
      {{{"w", dtype::f32, wraps}}, {}, errc::size_overflow, "tensor 'w': shape does not fit 64 bits"},
      {{{"w", dtype::u8, wraps_beside_nothing}}, {}, errc::size_overflow, "tensor 'w': shape does not fit 64 bits"},
      {{{"w", dtype::f4, odd}},
       {},
       errc::malformed_file,
       "tensor 'w': shape takes 12 bits of F4, which is no whole number of bytes"},
      {{{"a", dtype::u8, one}, {"b", dtype::u8, one}, {"a", dtype::f32, one}},
       {},
       errc::invalid_argument,
       "tensor 'a': the name occurs twice"},
      {{{"__metadata__", dtype::u8, one}},
       {},
       errc::invalid_argument,
       "tensor '__metadata__': the format keeps this name for metadata"},
      {{{"\xff", dtype::u8, one}}, {}, errc::invalid_argument, "tensor '?': the name is not UTF-8"},
      {{{"\xe2\x82", dtype::u8, one}},
       {},
       errc::invalid_argument,
       "tensor '?"
       "?': the name is not UTF-8"},
      {{{"w", dtype::u8, deep}}, {}, errc::unsupported, "tensor 'w': shape has more than 64 dimensions"},
      {{{"w", static_cast<dtype>(99), one}}, {}, errc::unsupported, "tensor 'w': its dtype is outside the enumeration"},
      {{}, {{"k", "1"}, {"l", "2"}, {"k", "3"}}, errc::invalid_argument, "metadata 'k' occurs twice"},
      {{}, {{"k", "\x80"}}, errc::invalid_argument, "metadata 'k' is not UTF-8"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.sentence);
    memory_sink sink;
    const auto made = writer::begin(sink, c.specs, c.metadata);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), c.code);
    EXPECT_EQ(made.error().message(), c.sentence);
    EXPECT_TRUE(sink.bytes().empty());
  }
  std::vector<std::string> names;
  std::vector<tensor_spec> many;
  for (int i = 0; i < 17; ++i)
    names.push_back("t" + std::to_string(i));
  for (const auto& name : names)
    many.push_back({name, dtype::u8, most});
  const auto sum = safetensors_layout::make(many);
  ASSERT_FALSE(sum);
  EXPECT_EQ(sum.error().message(), "tensor 't15': with it the file exceeds 2^64 bytes");
}

TEST(SafetensorsWriter, RefusesAHeaderPastTheFormatsLimit) {
  // 100 000 001 bytes of text alone, and text that exceeds the limit by its frame.
  for (const std::string& value : {std::string(100'000'000, 'v'), std::string(99'999'999, 'v')}) {
    const std::array<metadata_entry, 1> metadata{{{"k", value}}};
    const auto made = safetensors_layout::make({}, metadata);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), errc::invalid_argument);
    EXPECT_EQ(made.error().message().substr(0, 20), "the header takes 100");
  }
}

TEST(SafetensorsWriter, CountsEachTensorsBytes) {
  memory_sink sink;
  const shape four{4};
  const shape none{0};
  const std::vector<tensor_spec> specs{{"a", dtype::u8, four}, {"e", dtype::u8, none}, {"b", dtype::u8, four}};
  auto made = writer::begin(sink, specs);
  ASSERT_TRUE(made);
  const auto sentence = [](const fewbits::result<void>& r) {
    return r ? std::string() : std::string(r.error().message());
  };
  EXPECT_EQ(sentence(made->append("b", bytes_of("1"))),
            "tensor 'b': it is the turn of 'a', which has 0 of its 4 bytes");
  EXPECT_EQ(sentence(made->append("a", bytes_of("12345"))), "tensor 'a': it has 4 bytes, and 5 were given after 0");
  EXPECT_TRUE(made->append("a", bytes_of("123")));
  EXPECT_EQ(sentence(made->append("a", bytes_of("45"))), "tensor 'a': it has 4 bytes, and 2 were given after 3");
  EXPECT_EQ(sentence(made->finish()), "tensor 'a': it has 3 of its 4 bytes");
  EXPECT_TRUE(made->append("a", bytes_of("4")));
  EXPECT_EQ(sentence(made->append("x", bytes_of("4"))),
            "tensor 'x': it is the turn of 'b', which has 0 of its 4 bytes");
  EXPECT_TRUE(made->append("b", bytes_of("5678")));  // the empty tensor is passed over
  EXPECT_EQ(sentence(made->append("a", bytes_of("9"))),
            "tensor 'a': it has had its turn, or the header does not name it");
  EXPECT_TRUE(made->finish());
  EXPECT_FALSE(made->append("b", {}));
  EXPECT_FALSE(made->finish());
  EXPECT_TRUE(text_of(sink.bytes()).ends_with("12345678"));
}

struct failing_sink {
  int writes_left;
  fewbits::result<void> write(std::span<const std::byte>) {
    if (writes_left-- > 0)
      return {};
    return fewbits::error{errc::io_failure, "the disk is full"};
  }
};

TEST(SafetensorsWriter, StopsWhereItsSinkFails) {
  const shape two{2};
  const std::vector<tensor_spec> specs{{"a", dtype::u8, two}};
  failing_sink none{0};
  const auto refused = fewbits::safetensors_writer<failing_sink>::begin(none, specs);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "the disk is full");
  failing_sink one{1};
  auto made = fewbits::safetensors_writer<failing_sink>::begin(one, specs);
  ASSERT_TRUE(made);
  const auto failed = made->append("a", bytes_of("12"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), errc::io_failure);
  EXPECT_FALSE(made->append("a", bytes_of("12")));
  EXPECT_FALSE(made->finish());
}

TEST(SafetensorsStream, ReadsOneTensorAtATime) {
  std::mt19937_64 random(2);
  const std::vector<named_tensor> tensors{{"a", dtype::f32, {2, 3}, content_of(24, random)},
                                          {"\n", dtype::u8, {5}, content_of(5, random)}};
  const std::string file = written(tensors, {}, 100);
  using stream = fewbits::safetensors_stream<fewbits::memory_source>;
  const auto read = stream::open(fewbits::memory_source(bytes_of(file)));
  ASSERT_TRUE(read) << read.error().message();
  for (const auto& t : tensors) {
    const auto entry = read->find(t.name);
    ASSERT_TRUE(entry);
    std::vector<std::byte> bytes(entry->size);
    ASSERT_TRUE(read->read(*entry, bytes));
    EXPECT_EQ(text_of(bytes), t.content);
    for (std::size_t first = 0; first <= t.content.size(); ++first) {
      std::vector<std::byte> tail(t.content.size() - first);
      ASSERT_TRUE(read->read(*entry, tail, first));
      EXPECT_EQ(text_of(tail), t.content.substr(first));
      tail.emplace_back();
      EXPECT_FALSE(read->read(*entry, tail, first));
    }
    std::byte one[1];
    EXPECT_FALSE(read->read(*entry, one, entry->size + 1));
    EXPECT_FALSE(read->read(*entry, one, ~std::uint64_t{0}));
  }
  // Cut at every byte: the same refusal as in memory.
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto cut = bytes_of(std::string_view(file).substr(0, size));
    const auto streamed = stream::open(fewbits::memory_source(cut));
    const auto parsed = safetensors::parse(cut);
    ASSERT_FALSE(streamed);
    EXPECT_EQ(streamed.error().message(), parsed.error().message());
  }
}

// Lets each allocation fail in turn, until all succeed: errc::out_of_memory each time, and nothing else.
template <class Act>
void expect_survival(const char* what, const Act& act) {
  SCOPED_TRACE(what);
  int failed = 0;
  for (bool done = false; !done; ++failed) {
    ASSERT_LT(failed, 1000);
    allocations_left = failed;
    const errc code = act();
    allocations_left = -1;
    done = code == errc::invalid_argument;  // what act returns for success
    if (!done) {
      ASSERT_EQ(to_string(code), to_string(errc::out_of_memory)) << failed;
    }
  }
  EXPECT_GT(failed, 2);
}

TEST(SafetensorsWriter, SurvivesExhaustedMemory) {
  const shape two{2};
  const std::vector<tensor_spec> specs{{"a\n", dtype::u8, two}, {"b", dtype::f32, {}}};
  const std::vector<metadata_entry> metadata{{"k", "v"}};
  const auto code_of = [](const auto& r) { return r ? errc::invalid_argument : r.error().code(); };
  expect_survival("layout", [&] { return code_of(safetensors_layout::make(specs, metadata)); });
  const std::string file = written({{"a\n", dtype::u8, {2}, "12"}, {"b", dtype::f32, {}, "1234"}}, metadata, 9);
  using stream = fewbits::safetensors_stream<fewbits::memory_source>;
  expect_survival("stream", [&] { return code_of(stream::open(fewbits::memory_source(bytes_of(file)))); });
  const std::string index = R"({"metadata":{},"weight_map":{"a\n":"m-1","b":"m-2"}})";
  expect_survival("index", [&] { return code_of(fewbits::checkpoint_index::parse(bytes_of(index))); });
  const std::string config = R"({"quantization_config":{"quant_method":"awq","modules_to_not_convert":["a","b\t"]}})";
  expect_survival("configuration", [&] { return code_of(fewbits::quantization_config::parse(bytes_of(config))); });
}

}  // namespace
