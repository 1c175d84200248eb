// A file's bytes, mapped and read: the same, and the same errors.
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <fewbits/interop/file.hpp>
#include <fewbits/interop/safetensors.hpp>

#include "../support/planted.hpp"
#include "../support/scratch.hpp"

namespace {

using fewbits::errc;
using fewbits::mapped_file;

std::string_view text_of(const mapped_file& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::string write_file(const char* name, const std::string& content) {
  const std::string path = fewbits_test::scratch_path("file", name).string();
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(File, GivesTheSameBytesMappedAndRead) {
  std::size_t visited = 0;
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 16383u, 16384u, 16385u, 100000u}) {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
      content[i] = static_cast<char>(static_cast<unsigned char>((i * 7 + i / 256) & 0xff));
    const std::string path = write_file("content", content);
    const auto mapped = mapped_file::open(path);
    const auto read = mapped_file::read(path.c_str());
    ASSERT_TRUE(mapped && read) << size;
    EXPECT_EQ(text_of(*mapped), content.substr(0, content.size() - (fewbits_test::planted() && size > 9 ? 1 : 0)));
    EXPECT_EQ(text_of(*read), content);
    std::remove(path.c_str());
    ++visited;
  }
  std::printf("file: visited %zu files\n", visited);
}

TEST(File, SaysThatAFileIsMissing) {
  for (const auto& opened : {mapped_file::open, mapped_file::read}) {
    const auto none = opened("fewbits_no_such_file");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), errc::not_found);
    EXPECT_EQ(none.error().message(), "the file 'fewbits_no_such_file' does not exist");
  }
}

TEST(File, SaysThatADirectoryCannotBeRead) {
  for (const auto& opened : {mapped_file::open, mapped_file::read}) {
    const auto none = opened(".");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), errc::io_failure);
    EXPECT_EQ(none.error().message().substr(0, 24), "the file '.' cannot be r");
  }
}

TEST(File, KeepsItsBytesWhereTheyAreWhenMoved) {
  const std::string path = write_file("moved", "{}{}{}");
  for (const auto& opened : {mapped_file::open, mapped_file::read}) {
    auto first = opened(path.c_str());
    ASSERT_TRUE(first);
    const auto bytes = first->bytes();
    mapped_file second = std::move(first).value();
    EXPECT_EQ(second.bytes().data(), bytes.data());
    auto third = opened(path.c_str());
    ASSERT_TRUE(third);
    *third = std::move(second);
    EXPECT_EQ(third->bytes().data(), bytes.data());
    EXPECT_EQ(text_of(*third), "{}{}{}");
  }
  std::remove(path.c_str());
}

TEST(File, FeedsTheReaderOfSafetensors) {
  const std::string path = write_file("model", std::string("\2\0\0\0\0\0\0\0{}", 10));
  const auto file = mapped_file::open(path.c_str());
  ASSERT_TRUE(file);
  EXPECT_TRUE(fewbits::safetensors::parse(file->bytes()));
  std::remove(path.c_str());
}

}  // namespace
