// Opt-in: a file that appears whole or not at all. Bytes go to a temporary name beside the final one; commit flushes
// them to the disk and renames, so that a kill or a full disk leaves no half file under the final name.
#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#define FEWBITS_HAS_POSIX_FILES 1
#else
#define FEWBITS_HAS_POSIX_FILES 0
#endif

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/byte_sink.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/system_error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What becomes of a file that already has the final name.
enum class existing_file : std::uint8_t {
  refuse,   ///< create and commit fail, and it stays as it is
  replace,  ///< commit puts this file in its place in one step; a symbolic link itself is replaced, not its target
};

/// Owns a file in the making. Without commit its destructor removes the temporary file; a killed process leaves one
/// named "<final name>.tmp<process>-<number>", which nothing reads.
/// Errors carry the system's reason. One thread at a time.
class output_file {
 public:
  /// Creates the temporary file in the final name's folder, with the permissions any file gets (umask).
  /// Errors: errc::invalid_argument: the final name exists and was not to be replaced, or is a folder, or is null or
  /// empty; not_found: no such folder; io_failure; out_of_memory.
  static result<output_file> create(const char* path, existing_file others = existing_file::refuse) noexcept;
  /// The same for std::string, and for std::filesystem::path where its characters are char.
  template <class Path>
  requires requires(const Path& path_with_text) {
    { path_with_text.c_str() } -> std::same_as<const char*>;
  }
  static result<output_file> create(const Path& path_with_text, existing_file others = existing_file::refuse) noexcept {
    return create(path_with_text.c_str(), others);
  }

  output_file(output_file&& other_file) noexcept
      : stream_(std::exchange(other_file.stream_, nullptr)),
        others_(other_file.others_),
        failed_(other_file.failed_),
        size_(other_file.size_),
        final_(std::move(other_file.final_)),
        temporary_(std::move(other_file.temporary_)) {}
  output_file& operator=(output_file&& other) noexcept {
    output_file moved(std::move(other));
    std::swap(stream_, moved.stream_);
    std::swap(others_, moved.others_);
    std::swap(failed_, moved.failed_);
    std::swap(size_, moved.size_);
    std::swap(final_, moved.final_);
    std::swap(temporary_, moved.temporary_);
    return *this;
  }
  ~output_file() { discard(); }

  /// Appends. Errors: errc::io_failure (a full disk shows here or at commit), after which commit fails too;
  /// invalid_argument: after commit.
  result<void> write(std::span<const std::byte> bytes) noexcept {
    if (stream_ == nullptr)
      return closed();
    if (bytes.empty())
      return {};
    errno = 0;
    if (failed_ || std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) {
      failed_ = true;
      return failure("written", errno);
    }
    size_ += bytes.size();
    return {};
  }

  /// Bytes written so far.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Flushes to the disk and gives the file its final name. After an error the temporary file is gone and the final
  /// name is as it was.
  /// Errors: errc::io_failure; invalid_argument: the final name exists by now and was not to be replaced, or commit has
  /// been called before.
  result<void> commit() noexcept;

 private:
  output_file() noexcept = default;

  void discard() noexcept {
    if (stream_ != nullptr) {
      std::fclose(std::exchange(stream_, nullptr));
      std::remove(temporary_.data());
    }
  }

  static error refuse(errc code, std::string_view path, std::string_view sentence) noexcept {
    error why{code};
    append_quoted(why << "the file ", path) << sentence;
    return why;
  }
  static error exists(std::string_view path) noexcept {
    return refuse(errc::invalid_argument, path, " exists and was not to be replaced");
  }
  [[nodiscard]] std::string_view path() const noexcept { return {final_.data(), final_.size() - 1}; }
  [[nodiscard]] error failure(const char* verb, int number) const noexcept {
    error why = refuse(number == ENOENT ? errc::not_found : errc::io_failure, path(), " cannot be ");
    why << verb;
    return append_errno(why, number);
  }
  [[nodiscard]] error closed() const noexcept {
    return error{errc::invalid_argument, "an output file takes no bytes and no commit after its commit"};
  }

  bool name_temporary(std::uint64_t process, std::uint64_t number) noexcept {
    char tail[64] = {};
    const int size = std::snprintf(tail, sizeof tail, ".tmp%llu-%llu", static_cast<unsigned long long>(process),
                                   static_cast<unsigned long long>(number));
    temporary_ = {};
    return size > 0 && temporary_.append(final_.view().first(final_.size() - 1)) &&
           temporary_.append({tail, static_cast<std::size_t>(size) + 1});
  }

  bool open_temporary() noexcept;
  bool rename() noexcept;
  void sync_folder() const noexcept;

  std::FILE* stream_ = nullptr;
  existing_file others_ = existing_file::refuse;
  bool failed_ = false;
  std::uint64_t size_ = 0;
  nothrow_array<char> final_;      // with the closing NUL, as temporary_
  nothrow_array<char> temporary_;  //
};

static_assert(byte_sink<output_file>);

#if FEWBITS_HAS_POSIX_FILES

inline bool output_file::open_temporary() noexcept {
  const int descriptor = ::open(temporary_.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return false;
  stream_ = ::fdopen(descriptor, "wb");
  if (stream_ != nullptr)
    return true;
  const int number = errno;
  ::close(descriptor);
  ::unlink(temporary_.data());
  errno = number;
  return false;
}

inline bool output_file::rename() noexcept {
  if (others_ == existing_file::replace)
    return ::rename(temporary_.data(), final_.data()) == 0;
  // link fails where the name exists: no other process's file is lost between a test and a rename.
  if (::link(temporary_.data(), final_.data()) == 0) {
    ::unlink(temporary_.data());
    return true;
  }
  if (errno == EEXIST)
    return false;
  // No hard links on this file system: the test and the rename are two steps.
  struct ::stat status = {};
  if (::lstat(final_.data(), &status) == 0) {
    errno = EEXIST;
    return false;
  }
  return ::rename(temporary_.data(), final_.data()) == 0;
}

// Makes the name itself durable. Systems that cannot sync a folder lose nothing but that.
inline void output_file::sync_folder() const noexcept {
  nothrow_array<char> folder;
  const std::size_t slash = path().rfind('/');
  const std::string_view name = slash == std::string_view::npos ? "." : slash == 0 ? "/" : path().substr(0, slash);
  if (!folder.append(name) || !folder.push_back('\0'))
    return;
  const int descriptor = ::open(folder.data(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return;
  static_cast<void>(::fsync(descriptor));
  ::close(descriptor);
}

inline result<output_file> output_file::create(const char* path, existing_file others) noexcept {
  if (path == nullptr || *path == '\0')
    return error{errc::invalid_argument, "a file to be written needs a path"};
  output_file file;
  file.others_ = others;
  const error no_memory = refuse(errc::out_of_memory, path, " cannot be created: memory is exhausted");
  if (!file.final_.append({path, std::string_view{path}.size() + 1}))
    return no_memory;
  struct ::stat status = {};
  if (::lstat(path, &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return refuse(errc::invalid_argument, path, " is a folder");
    if (others == existing_file::refuse)
      return exists(path);
  }
  const auto process = static_cast<std::uint64_t>(::getpid());
  for (std::uint64_t number = 0; number < 1000; ++number) {
    if (!file.name_temporary(process, number))
      return no_memory;
    if (file.open_temporary())
      return file;
    if (errno != EEXIST)
      break;
  }
  return file.failure("created", errno);
}

#else

inline bool output_file::open_temporary() noexcept {
  stream_ = std::fopen(temporary_.data(), "wbx");
  return stream_ != nullptr;
}
inline bool output_file::rename() noexcept {
  if (std::FILE* const other = std::fopen(final_.data(), "rb")) {
    std::fclose(other);
    if (others_ == existing_file::refuse) {
      errno = EEXIST;
      return false;
    }
    std::remove(final_.data());  // where rename does not replace, two steps are all there is
  }
  return std::rename(temporary_.data(), final_.data()) == 0;
}
inline void output_file::sync_folder() const noexcept {}

inline result<output_file> output_file::create(const char* path, existing_file others) noexcept {
  if (path == nullptr || *path == '\0')
    return error{errc::invalid_argument, "a file to be written needs a path"};
  output_file file;
  file.others_ = others;
  if (!file.final_.append({path, std::string_view{path}.size() + 1}) || !file.name_temporary(0, 0))
    return refuse(errc::out_of_memory, path, " cannot be created: memory is exhausted");
  if (std::FILE* const other = std::fopen(path, "rb")) {
    std::fclose(other);
    if (others == existing_file::refuse)
      return exists(path);
  }
  if (!file.open_temporary())
    return file.failure("created", errno);
  return file;
}

#endif

inline result<void> output_file::commit() noexcept {
  if (stream_ == nullptr)
    return closed();
  errno = 0;
  bool stored = !failed_ && std::fflush(stream_) == 0;
#if FEWBITS_HAS_POSIX_FILES
  stored = stored && ::fsync(::fileno(stream_)) == 0;
#endif
  int number = errno;
  if (!stored) {
    discard();
    return failure("written", number);
  }
  std::fclose(std::exchange(stream_, nullptr));  // every byte is on the disk already
  errno = 0;
  if (!rename()) {
    number = errno;
    std::remove(temporary_.data());
    return number == EEXIST && others_ == existing_file::refuse ? exists(path()) : failure("renamed", number);
  }
  sync_folder();
  return {};
}

FEWBITS_NAMESPACE_END
