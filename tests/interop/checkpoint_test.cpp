// Checkpoints of one file, of several with an index, and of a folder: what is there is found and read, and an index
// that lies gets one sentence. JSON of any shape, cut and spoiled at every byte.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/checkpoint.hpp>

#include "../support/planted.hpp"
#include "../support/scratch.hpp"
#include "safetensors_bytes.hpp"

namespace {

using fewbits::checkpoint;
using fewbits::checkpoint_index;
using fewbits::errc;
using fewbits::json_document;
using fewbits::json_kind;
using fewbits_test::file_of;
using fewbits_test::tensor;

std::uint64_t hostile_texts = 0;

class printed_count : public testing::Environment {
  void TearDown() override {
    std::printf("checkpoint: visited %llu hostile texts\n", static_cast<unsigned long long>(hostile_texts));
  }
};
const testing::Environment* const registered = testing::AddGlobalTestEnvironment(new printed_count);

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string repeat(std::string_view piece, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i)
    all += piece;
  return all;
}

TEST(JsonDocument, ReadsEveryKindOfValue) {
  const std::string text =
      R"( {"s":"a\u00e9","t":true,"f":false,"z":null,"i":-12,"r":1.5e-3,"a":[1,[],{"x":[2]}],"o":{},"n":NaN,)"
      R"("p":Infinity,"m":-Infinity,"i":7} )";
  const auto read = json_document::parse(bytes_of(text));
  ASSERT_TRUE(read) << read.error().message();
  const auto root = read->root();
  EXPECT_EQ(root["s"].string(), "a\xc3\xa9");
  EXPECT_EQ(root["t"].boolean(), true);
  EXPECT_EQ(root["f"].boolean(), fewbits_test::planted());
  EXPECT_EQ(root["z"].kind(), json_kind::null);
  EXPECT_EQ(root["i"].integer(), 7);  // the last one counts
  EXPECT_FALSE(root["r"].integer());
  EXPECT_EQ(root["r"].kind(), json_kind::number);
  for (const char* const odd : {"n", "p", "m"}) {
    EXPECT_EQ(root[odd].kind(), json_kind::number);
    EXPECT_FALSE(root[odd].integer());
  }
  std::vector<json_kind> kinds;
  for (const auto element : root["a"])
    kinds.push_back(element.kind());
  EXPECT_EQ(kinds, (std::vector{json_kind::number, json_kind::array, json_kind::object}));
  EXPECT_EQ(root["o"].begin(), root["o"].end());
  EXPECT_EQ(root["missing"]["deeper"]["still"].kind(), json_kind::absent);
  EXPECT_FALSE(root["s"].integer());
  EXPECT_FALSE(root["i"].string());
  for (const auto nothing : root["missing"])
    ADD_FAILURE() << static_cast<int>(nothing.kind());
}

TEST(JsonDocument, ReadsIntegersToTheirLimits) {
  const struct {
    const char* text;
    std::optional<std::int64_t> value;
  } cases[] = {{"0", 0},
               {"-0", 0},
               {"9223372036854775807", INT64_MAX},
               {"9223372036854775808", {}},
               {"-9223372036854775808", INT64_MIN},
               {"-9223372036854775809", {}},
               {"18446744073709551616", {}},
               {"1e3", {}},
               {"1.0", {}}};
  for (const auto& c : cases) {
    const auto read = json_document::parse(bytes_of(c.text));
    ASSERT_TRUE(read) << c.text;
    EXPECT_EQ(read->root().integer(), c.value) << c.text;
  }
}

TEST(JsonDocument, RefusesWhatIsNoJson) {
  for (const char* const text :
       {"",     " ",    "{",   "[",       "[1,]",  "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "01",
        "1.",   "1e",   "1e+", "-",       "+1",    ".5",      "tru",      "nul",        "falsey",
        "NaNa", "-Inf", "\"",  "\"\\x\"", "[1 2]", "{} {}",   "{1:2}",    "]",          "\x01"}) {
    const auto read = json_document::parse(bytes_of(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), errc::malformed_file) << text;
    EXPECT_EQ(fewbits_test::broken_promise(read.error()), nullptr);
  }
}

TEST(JsonDocument, IsAsDeepAsItSaysAndNoDeeper) {
  for (const char* const pair : {"[]", "{}"}) {
    const bool array = pair[0] == '[';
    const auto nest = [&](std::size_t depth) {
      return repeat(array ? "[" : "{\"k\":", depth) + "1" + repeat(array ? "]" : "}", depth);
    };
    EXPECT_TRUE(json_document::parse(bytes_of(nest(json_document::max_depth))));
    const auto deep = json_document::parse(bytes_of(nest(json_document::max_depth + 1)));
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().code(), errc::unsupported);
    // A million: neither the stack nor time runs out.
    EXPECT_FALSE(json_document::parse(bytes_of(repeat(array ? "[" : "{\"k\":", 1000000))));
  }
  EXPECT_TRUE(json_document::parse(bytes_of("[" + repeat("0,", 300000) + "0]")));
}

TEST(CheckpointIndex, ReadsTheWeightMap) {
  const auto read = checkpoint_index::parse(bytes_of(
      R"({"metadata":{"total_size":1.5e9},"weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors","c\n":"m-2.safetensors"}})"));
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->files().size(), 2u);
  EXPECT_EQ(read->files()[1], "m-2.safetensors");
  ASSERT_EQ(read->tensors().size(), 3u);
  EXPECT_EQ(read->tensors()[0].tensor, "a");
  EXPECT_EQ(read->tensors()[0].file, 0u);
  EXPECT_EQ(read->tensors()[2].tensor, "c\n");
  EXPECT_EQ(read->tensors()[2].file, 1u);
}

TEST(CheckpointIndex, RefusesIndicesThatLie) {
  const struct {
    std::string text;
    const char* sentence;
  } cases[] = {
      {"[]", "index: there is no object weight_map: this file is no index"},
      {"{}", "index: there is no object weight_map: this file is no index"},
      {R"({"weight_map":[]})", "index: there is no object weight_map: this file is no index"},
      {R"({"weight_map":{},"weight_map":{}})", "index: weight_map occurs twice"},
      {R"({"weight_map":{"w":1}})", "index: tensor 'w': its file is not a string"},
      {R"({"weight_map":{"w":""}})", "index: tensor 'w': its file name '' is empty"},
      {R"({"weight_map":{"w":".."}})", "index: tensor 'w': its file name '..' is a folder"},
      {R"({"weight_map":{"w":"."}})", "index: tensor 'w': its file name '.' is a folder"},
      {R"({"weight_map":{"w":"../m"}})", "index: tensor 'w': its file name '../m' leads out of the folder"},
      {R"({"weight_map":{"w":"/etc/passwd"}})",
       "index: tensor 'w': its file name '/etc/passwd' leads out of the folder"},
      {R"({"weight_map":{"w":"a\/..\/m"}})", "index: tensor 'w': its file name 'a/../m' leads out of the folder"},
      {R"({"weight_map":{"w":"..\u002fm"}})", "index: tensor 'w': its file name '../m' leads out of the folder"},
      {R"({"weight_map":{"w":"..\\m"}})", "index: tensor 'w': its file name '..\\m' leads out of the folder"},
      {R"({"weight_map":{"w":"C:m"}})", "index: tensor 'w': its file name 'C:m' leads out of the folder"},
      {R"({"weight_map":{"w":"m\u0000.safetensors"}})",
       "index: tensor 'w': its file name 'm?.safetensors' holds a control character"},
      {R"({"weight_map":{"w":"m","v":"m","w":"n"}})", "index: tensor 'w': the name occurs twice"},
      {R"({"weight_map":{"w":"m"}} x)", "index: bytes follow the closing brace at byte 25"},
  };
  for (const auto& c : cases) {
    const auto read = checkpoint_index::parse(bytes_of(c.text));
    ASSERT_FALSE(read) << c.text;
    EXPECT_EQ(read.error().message(), c.sentence);
    EXPECT_EQ(read.error().code(), errc::malformed_file);
  }
}

TEST(CheckpointIndex, SurvivesEveryCutAndEveryByte) {
  const std::string good =
      R"({"metadata":{"total_size":12,"x":[null,true]},"weight_map":{"a":"m\u002d1","b":"m-2","c":"m-1"}})";
  ASSERT_TRUE(checkpoint_index::parse(bytes_of(good)));
  const auto visit = [](const std::string& text) {
    const fewbits_test::exact_bytes exact(text);
    const auto read = checkpoint_index::parse(exact.view());
    ++hostile_texts;
    if (!read) {
      EXPECT_EQ(fewbits_test::broken_promise(read.error()), nullptr);
      return;
    }
    for (const auto& place : read->tensors()) {
      ASSERT_LT(place.file, read->files().size());
      EXPECT_TRUE(fewbits::unsafe_file_name(read->files()[place.file]).empty());
    }
  };
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(checkpoint_index::parse(bytes_of(std::string_view(good).substr(0, size)))) << size;
    visit(good.substr(0, size));
    for (int byte = 0; byte < 256; ++byte) {
      std::string spoiled = good;
      spoiled[size] = static_cast<char>(static_cast<unsigned char>(byte));
      visit(spoiled);
    }
  }
}

class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fewbits_test::scratch_path("checkpoint");
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void put(std::string_view name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string path(std::string_view name) const { return (folder_ / name).string(); }
  void put_two_shards() const {
    put("m-1.safetensors",
        file_of("{" + tensor("a", "U8", "[3]", 0, 3) + "," + tensor("b", "F32", "[2]", 3, 11) + "}", 11));
    put("m-2.safetensors",
        file_of("{" + tensor("c", "U8", "[2]", 0, 2) + "," + tensor("extra", "U8", "[1]", 2, 3) + "}", 3));
  }
  void put_index(std::string_view map) const {
    put("model.safetensors.index.json", "{\"weight_map\":{" + std::string(map) + "}}");
  }
  void expect_refusal(const std::string& where, errc code, std::string_view sentence) const {
    const auto read = checkpoint::open(where);
    ASSERT_FALSE(read) << where;
    EXPECT_EQ(read.error().code(), code);
    EXPECT_NE(read.error().message().find(sentence), std::string_view::npos) << read.error().message();
  }

  std::filesystem::path folder_;
};

TEST_F(Checkpoint, ReadsTensorsOfAllShards) {
  put_two_shards();
  put_index(R"("a":"m-1.safetensors","b":"m-1.safetensors","c":"m-2.safetensors")");
  for (const std::string& where : {folder_.string(), path("model.safetensors.index.json")}) {
    const auto read = checkpoint::open(where);
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_EQ(read->tensors().size(), 3u);
    EXPECT_EQ(read->shards(), 2u);
    EXPECT_EQ(read->unlisted(), 1u);  // "extra"
    EXPECT_EQ(read->folder(), folder_.string());
    EXPECT_FALSE(read->find("extra"));
    const auto c = read->find("c");
    ASSERT_TRUE(c);
    EXPECT_EQ(c->shard, 1u);
    std::byte bytes[2];
    ASSERT_TRUE(read->read(*c, bytes));
    EXPECT_EQ(std::to_integer<int>(bytes[1]), 1);
    const auto b = read->find("b");
    ASSERT_TRUE(b && read->read(*b, bytes, 6));
    EXPECT_EQ(std::to_integer<int>(bytes[0]), 9);
    const auto past = read->read(*b, bytes, 7);
    ASSERT_FALSE(past);
    EXPECT_EQ(past.error().message(), "tensor 'b': 2 bytes from 7 on reach past its 8");
  }
}

TEST_F(Checkpoint, ReadsOneFileAndAFolderWithoutAnIndex) {
  put_two_shards();
  const auto one = checkpoint::open(path("m-2.safetensors"));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->tensors().size(), 2u);
  const auto all = checkpoint::open(folder_.string());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->tensors().size(), 4u);
  EXPECT_EQ(all->unlisted(), 0u);
  put("m-3.safetensors", file_of("{" + tensor("b", "U8", "[1]", 0, 1) + "}", 1));
  expect_refusal(folder_.string(), errc::malformed_file,
                 "tensor 'b': two files have it and no index decides: 'm-1.safetensors' and 'm-3.safetensors'");
}

TEST_F(Checkpoint, AnIndexThatLiesGetsOneSentence) {
  put_two_shards();
  put_index(R"("a":"m-1.safetensors","c":"m-1.safetensors")");
  expect_refusal(folder_.string(), errc::malformed_file,
                 "tensor 'c': the index places it in 'm-1.safetensors', which lacks it");
  put_index(R"("a":"m-9.safetensors")");
  expect_refusal(folder_.string(), errc::not_found, "the index names the file 'm-9.safetensors', which does not exist");
  put_index(R"("a":"../m-1.safetensors")");
  expect_refusal(folder_.string(), errc::malformed_file,
                 "'model.safetensors.index.json': index: tensor 'a': its file name '../m-1.safetensors' leads out");
  put_index(R"("a":"model.safetensors.index.json")");
  expect_refusal(folder_.string(), errc::malformed_file, "'model.safetensors.index.json': the header length of");
  put("m-1.safetensors", "short");
  put_index(R"("a":"m-1.safetensors")");
  expect_refusal(folder_.string(), errc::buffer_too_small,
                 "'m-1.safetensors': the file has 5 bytes, too few for a header length");
}

TEST_F(Checkpoint, SaysWhatAFolderLacks) {
  expect_refusal(folder_.string(), errc::not_found, "holds no .safetensors file");
  expect_refusal(path("none.safetensors"), errc::not_found, "does not exist");
  expect_refusal(path("none.json"), errc::not_found, "does not exist");
  put("a.safetensors.index.json", "{}");
  expect_refusal(folder_.string(), errc::malformed_file, "there is no object weight_map");
  put("b.safetensors.index.json", "{}");
  expect_refusal(folder_.string(), errc::unsupported, "has several indices, name one");
}

TEST_F(Checkpoint, NoticesAFileThatChanged) {
  put_two_shards();
  const auto read = checkpoint::open(path("m-1.safetensors"));
  ASSERT_TRUE(read);
  put("m-1.safetensors", "gone");
  std::byte bytes[3];
  const auto failed = read->read(*read->find("a"), bytes);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), errc::malformed_file);
  std::filesystem::remove(path("m-1.safetensors"));
  EXPECT_EQ(read->read(*read->find("a"), bytes).error().code(), errc::not_found);
}

}  // namespace
