// A file appears whole or not at all, whatever ends the program; and a file is read in pieces as it was written.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/input_file.hpp>
#include <fewbits/interop/output_file.hpp>

#include "../support/planted.hpp"
#include "../support/scratch.hpp"

#if FEWBITS_HAS_POSIX_FILES
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <csignal>
#endif

namespace {

using fewbits::errc;
using fewbits::existing_file;
using fewbits::input_file;
using fewbits::output_file;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// A folder of its own for each test.
class OutputFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fewbits_test::scratch_path("output_file");
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(std::string_view name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string content(std::string_view name) const {
    std::ifstream stream(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  void put(std::string_view name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  std::filesystem::path folder_;
};

TEST_F(OutputFile, AppearsAtCommitWithEveryByte) {
  std::size_t visited = 0;
  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 100000u}) {
    const std::string name = std::to_string(size);
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
      text[i] = static_cast<char>(static_cast<unsigned char>(i * 7 & 0xff));
    auto file = output_file::create(path(name).c_str());
    ASSERT_TRUE(file) << file.error().message();
    for (std::size_t i = 0; i < size; i += 1000) {
      ASSERT_TRUE(file->write(bytes_of(std::string_view(text).substr(i, 1000))));
      EXPECT_FALSE(std::filesystem::exists(path(name)));
    }
    EXPECT_EQ(file->size(), size);
    ASSERT_TRUE(file->commit());
    EXPECT_EQ(content(name), text + (fewbits_test::planted() ? "bug" : ""));
    EXPECT_EQ(files(), ++visited);
    EXPECT_FALSE(file->commit());
    EXPECT_FALSE(file->write(bytes_of("x")));
  }
  std::printf("output_file: visited %zu files\n", visited);
}

TEST_F(OutputFile, LeavesNothingWithoutCommit) {
  {
    auto file = output_file::create(path("a"));
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(bytes_of("half")));
    EXPECT_EQ(files(), 1u);
    output_file moved = std::move(file).value();
    auto other = output_file::create(std::filesystem::path(path("b")));
    ASSERT_TRUE(other);
    EXPECT_EQ(files(), 2u);
    moved = std::move(other).value();
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFile, RefusesAnExistingNameUnlessTold) {
  put("a", "old");
  const auto refused = output_file::create(path("a").c_str());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), errc::invalid_argument);
  EXPECT_NE(refused.error().message().find("exists and was not to be replaced"), std::string_view::npos);
  EXPECT_EQ(content("a"), "old");
  auto file = output_file::create(path("a").c_str(), existing_file::replace);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(bytes_of("new")));
  EXPECT_EQ(content("a"), "old");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(content("a"), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFile, DoesNotReplaceAFileThatCameMeanwhile) {
  auto file = output_file::create(path("a").c_str());
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(bytes_of("mine")));
  put("a", "theirs");
  const auto committed = file->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code(), errc::invalid_argument);
  EXPECT_EQ(content("a"), "theirs");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFile, TwoOfOneNameDoNotMeet) {
  auto first = output_file::create(path("a").c_str(), existing_file::replace);
  auto second = output_file::create(path("a").c_str(), existing_file::replace);
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->write(bytes_of("first")) && second->write(bytes_of("second")));
  ASSERT_TRUE(second->commit());
  EXPECT_EQ(content("a"), "second");
  ASSERT_TRUE(first->commit());
  EXPECT_EQ(content("a"), "first");
}

TEST_F(OutputFile, FlushedFilesWaitForTheirNames) {
  std::vector<output_file> waiting;
  for (const char* name : {"a", "b", "c"}) {
    auto file = output_file::create(path(name));
    ASSERT_TRUE(file && file->write(bytes_of(name)) && file->flush() && file->flush());
    const auto more = file->write(bytes_of("more"));
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code(), errc::invalid_argument);
    waiting.push_back(std::move(file).value());
    EXPECT_FALSE(std::filesystem::exists(path(name)));
  }
  EXPECT_EQ(files(), 3u);
  waiting.pop_back();  // a destructor takes its file away
  EXPECT_EQ(files(), 2u);
  for (auto& file : waiting) {
    ASSERT_TRUE(file.commit());
    EXPECT_FALSE(file.flush());
    EXPECT_FALSE(file.commit());
  }
  EXPECT_EQ(files(), 2u);
  EXPECT_EQ(content("a") + content("b"), "ab");
}

TEST_F(OutputFile, TakesNamesAsLongAsTheSystemDoes) {
  // The cut must not end inside a character.
  for (std::size_t lead = 0; lead < 3; ++lead) {
    std::string name(lead, 'n');
    while (name.size() + 3 <= 255)
      name += "\xe2\x82\xac";
    auto file = output_file::create(path(name));
    ASSERT_TRUE(file) << file.error().message();
    const std::string left = std::filesystem::directory_iterator(folder_)->path().filename().string();
    const std::size_t cut = left.find(".tmp");
    ASSERT_NE(cut, std::string::npos);
    EXPECT_EQ((cut - lead) % 3, 0u) << cut;
    ASSERT_TRUE(file->write(bytes_of("x")) && file->commit());
    EXPECT_EQ(content(name), "x");
    std::filesystem::remove(path(name));
  }
}

TEST_F(OutputFile, NamesTheReason) {
  const auto folder = output_file::create(folder_.string().c_str(), existing_file::replace);
  ASSERT_FALSE(folder);
  EXPECT_TRUE(folder.error().message().ends_with(" is a folder"));
  const auto nowhere = output_file::create(path("no/such/folder").c_str());
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code(), errc::not_found);
#if FEWBITS_HAS_POSIX_FILES
  EXPECT_TRUE(nowhere.error().message().ends_with("cannot be created: No such file or directory (errno 2)"))
      << nowhere.error().message();
#endif
  EXPECT_FALSE(output_file::create(nullptr));
  EXPECT_FALSE(output_file::create(""));
}

#if FEWBITS_HAS_POSIX_FILES

TEST_F(OutputFile, LeavesNothingWhenTheDiskIsFull) {
  // A limit on a file's size fails as a full disk does: at write or when the last bytes are flushed.
  std::signal(SIGXFSZ, SIG_IGN);
  struct ::rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct ::rlimit tight = before;
  tight.rlim_cur = 10000;
  for (const std::size_t size : {10001u, 100000u}) {
    auto file = output_file::create(path("a").c_str());
    ASSERT_TRUE(file);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    const auto written = file->write(bytes_of(std::string(size, 'x')));
    const auto committed = file->commit();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code(), errc::io_failure);
    const auto& why = written ? committed.error() : written.error();
    EXPECT_TRUE(why.message().find("(errno ") != std::string_view::npos) << why.message();
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(OutputFile, AKilledProcessLeavesNothingUnderTheFinalName) {
  const std::string name = path("a");
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto file = output_file::create(name.c_str());
    if (file && file->write(bytes_of(std::string(100000, 'x'))))
      ::raise(SIGKILL);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(std::filesystem::exists(name));
  ASSERT_EQ(files(), 1u);
  const std::string left = std::filesystem::directory_iterator(folder_)->path().filename().string();
  EXPECT_TRUE(left.starts_with("a.tmp")) << left;
}

TEST_F(OutputFile, ManyFilesWaitWithoutDescriptors) {
  struct ::rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct ::rlimit tight = before;
  tight.rlim_cur = 32;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  std::vector<output_file> waiting;
  for (std::size_t i = 0; i < 100; ++i) {
    auto file = output_file::create(path(std::to_string(i)));
    if (!file || !file->write(bytes_of("x")) || !file->flush())
      break;
    waiting.push_back(std::move(file).value());
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_EQ(waiting.size(), 100u);
  for (auto& file : waiting)
    ASSERT_TRUE(file.commit());
}

TEST_F(OutputFile, DoesNotBecomeAClosedStandardStream) {
  const std::string name = path("a");
  put("in", "input");
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(0);
    ::close(1);
    ::close(2);
    auto file = output_file::create(name);
    const auto input = input_file::open(path("in"));
    const bool open = ::fcntl(0, F_GETFD) >= 0 || ::fcntl(1, F_GETFD) >= 0 || ::fcntl(2, F_GETFD) >= 0;
    static_cast<void>(::write(1, "printed", 7) + ::write(2, "printed", 7));
    ::_exit(file && input && !open && file->write(bytes_of("mine")) && file->commit() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(content("a"), "mine");
}

TEST_F(OutputFile, DoesNotReplaceWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_GE(socket, 0);
  std::vector<std::string> odd{path("pipe"), "/dev/null"};
  struct ::sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path("socket").size() < sizeof address.sun_path) {
    path("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address), 0);
    odd.push_back(path("socket"));
  }
  for (const std::string& name : odd)
    for (const auto others : {existing_file::replace, existing_file::refuse}) {
      const auto file = output_file::create(name, others);
      ASSERT_FALSE(file) << name;
      EXPECT_EQ(file.error().code(), errc::invalid_argument);
      EXPECT_TRUE(file.error().message().ends_with(" is no regular file")) << file.error().message();
    }
  ::close(socket);
  EXPECT_EQ(files(), odd.size() - 1);
}

TEST_F(OutputFile, KeepsThePermissionsOfAReplacedFile) {
  const auto mode_of = [&](std::string_view name) {
    struct ::stat status = {};
    return ::stat(path(name).c_str(), &status) == 0 ? status.st_mode & 07777u : ~0u;
  };
  for (const ::mode_t mode : {0600u, 0640u, 0666u, 0444u}) {
    put("a", "old");
    ASSERT_EQ(::chmod(path("a").c_str(), mode), 0);
    auto file = output_file::create(path("a"), existing_file::replace);
    ASSERT_TRUE(file) << file.error().message();
    for (const auto& each : std::filesystem::directory_iterator(folder_))  // also while it is being written
      EXPECT_EQ(mode_of(each.path().filename().string()), mode);
    ASSERT_TRUE(file->write(bytes_of("new")) && file->commit());
    EXPECT_EQ(mode_of("a"), mode);
    std::filesystem::remove(path("a"));
  }
  const ::mode_t mask = ::umask(0);
  ::umask(mask);
  auto file = output_file::create(path("a"), existing_file::replace);
  ASSERT_TRUE(file && file->commit());
  EXPECT_EQ(mode_of("a"), 0666u & ~mask);
}

TEST_F(OutputFile, ReplacesALinkAndNotItsTarget) {
  put("target", "old");
  std::filesystem::create_symlink("target", folder_ / "link");
  auto file = output_file::create(path("link").c_str(), existing_file::replace);
  ASSERT_TRUE(file && file->write(bytes_of("new")) && file->commit());
  EXPECT_EQ(content("target"), "old");
  EXPECT_EQ(content("link"), "new");
}

TEST_F(OutputFile, InputRefusesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);  // opened naively, it would wait for ever
  for (const std::string& odd : {path("pipe"), folder_.string(), std::string("/dev/null")}) {
    const auto opened = input_file::open(odd.c_str());
    ASSERT_FALSE(opened) << odd;
    EXPECT_EQ(opened.error().code(), errc::unsupported);
    EXPECT_TRUE(opened.error().message().ends_with("is a folder, a pipe or a device, not a regular file"));
  }
}

TEST_F(OutputFile, InputNoticesAFileThatWasCut) {
  put("a", "0123456789");
  const auto file = input_file::open(std::filesystem::path(path("a")));
  ASSERT_TRUE(file);
  std::filesystem::resize_file(path("a"), 5);
  std::byte bytes[10];
  EXPECT_TRUE(file->read_at(0, {bytes, 5}));
  const auto cut = file->read_at(0, bytes);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), errc::buffer_too_small);
}

#endif

TEST_F(OutputFile, InputReadsEveryRange) {
  const std::string text = "0123456789";
  put("a", text);
  auto opened = input_file::open(path("a"));
  ASSERT_TRUE(opened);
  const input_file file = std::move(opened).value();
  EXPECT_EQ(file.size(), text.size());
  for (std::size_t first = 0; first <= 11; ++first)
    for (std::size_t count = 0; count <= 11; ++count) {
      std::vector<std::byte> out(count);
      const auto read = file.read_at(first, out);
      ASSERT_EQ(read.has_value(), first + count <= text.size());
      if (read) {
        EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(out.data()), count), text.substr(first, count));
      }
    }
  EXPECT_FALSE(file.read_at(~std::uint64_t{0}, {}));
  const auto none = input_file::open(path("none").c_str());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), errc::not_found);
  EXPECT_FALSE(input_file::open(nullptr));
  const auto small = fewbits::read_small_file(path("a").c_str(), 10);
  ASSERT_TRUE(small);
  EXPECT_EQ(small->size(), 10u);
  const auto large = fewbits::read_small_file(path("a").c_str(), 9);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code(), errc::unsupported);
}

}  // namespace
