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
#include <fewbits/interop/posix_descriptor.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/system_error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What becomes of a file that already has the final name.
enum class existing_file : std::uint8_t {
  refuse,   ///< create and commit fail, and it stays as it is
  replace,  ///< commit puts this file in its place in one step, with the permissions of the file that goes; a symbolic
            ///< link itself is replaced, not its target
};

/// Owns a file in the making. Without commit its destructor removes the temporary file; a killed process leaves one
/// named "<final name>.tmp<process>-<number>", which nothing reads; a final name of more than 200 bytes is cut there.
/// Errors carry the system's reason. One thread at a time.
class output_file {
 public:
  /// Creates the temporary file in the final name's folder, with the permissions any file gets (umask) or, where it is
  /// to replace one, with that file's.
  /// Errors: errc::invalid_argument: the final name exists and was not to be replaced, or is a folder, a pipe, a socket
  /// or a device, or is null or empty; not_found: no such folder; io_failure; out_of_memory.
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
        waiting_(std::exchange(other_file.waiting_, false)),
        size_(other_file.size_),
        final_(std::move(other_file.final_)),
        temporary_(std::move(other_file.temporary_)) {}
  output_file& operator=(output_file&& other) noexcept {
    output_file moved(std::move(other));
    std::swap(stream_, moved.stream_);
    std::swap(others_, moved.others_);
    std::swap(failed_, moved.failed_);
    std::swap(waiting_, moved.waiting_);
    std::swap(size_, moved.size_);
    std::swap(final_, moved.final_);
    std::swap(temporary_, moved.temporary_);
    return *this;
  }
  ~output_file() { discard(); }

  /// Appends. Errors: errc::io_failure (a full disk shows here or at flush), after which flush and commit fail too;
  /// invalid_argument: after flush or commit.
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

  /// Brings every byte to the disk and closes the file, which keeps its temporary name: of many files that belong
  /// together, flush all and then commit all, and a full disk leaves none. A file that waits costs no descriptor.
  /// Nothing happens where it has been called before. After an error the temporary file is gone.
  /// Errors: errc::io_failure; invalid_argument: after commit or an error.
  result<void> flush() noexcept;

  /// Gives the file its final name, after flush where that has not been called. After an error the temporary file is
  /// gone and the final name is as it was.
  /// Errors: errc::io_failure; invalid_argument: the final name exists by now and was not to be replaced, or commit has
  /// been called before.
  result<void> commit() noexcept;

 private:
  output_file() noexcept = default;

  void discard() noexcept {
    if (stream_ != nullptr)
      std::fclose(std::exchange(stream_, nullptr));
    else if (!waiting_)
      return;
    waiting_ = false;
    std::remove(temporary_.data());
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
    return error{errc::invalid_argument, "an output file takes no bytes after its flush, and nothing after its commit"};
  }

  bool name_temporary(std::uint64_t process, std::uint64_t number) noexcept {
    char tail[64] = {};
    const int size = std::snprintf(tail, sizeof tail, ".tmp%llu-%llu", static_cast<unsigned long long>(process),
                                   static_cast<unsigned long long>(number));
    // A file system's limit is for the last part of a path: 255 bytes and more. Cut between UTF-8 characters.
    constexpr std::size_t most = 200;
    const std::size_t folder = folder_size();
    std::size_t kept = path().size();
    if (kept - folder > most)
      for (kept = folder + most; kept > folder && (static_cast<unsigned char>(path()[kept]) & 0xc0) == 0x80;)
        --kept;
    temporary_ = {};
    return size > 0 && temporary_.append(path().substr(0, kept)) &&
           temporary_.append({tail, static_cast<std::size_t>(size) + 1});
  }

  // The part of the path up to the last separator, with it.
  [[nodiscard]] std::size_t folder_size() const noexcept {
#if FEWBITS_HAS_POSIX_FILES
    return path().rfind('/') + 1;  // npos + 1 is 0
#else
    return path().find_last_of("/\\:") + 1;
#endif
  }

  // A killed run may have left the first names.
  result<void> create_temporary(std::uint64_t process) noexcept {
    for (std::uint64_t number = 0; number < 1000; ++number) {
      if (!name_temporary(process, number))
        return no_memory(path());
      errno = 0;
      if (open_temporary())
        return {};
      if (errno != EEXIST)
        break;
    }
    return failure("created", errno);
  }
  static error no_memory(std::string_view path) noexcept {
    return refuse(errc::out_of_memory, path, " cannot be created: memory is exhausted");
  }

  bool open_temporary() noexcept;
  bool rename() noexcept;
  void sync_folder() const noexcept;

  std::FILE* stream_ = nullptr;
  existing_file others_ = existing_file::refuse;
  bool failed_ = false;
  bool waiting_ = false;  // flushed and closed, with the temporary name
#if FEWBITS_HAS_POSIX_FILES
  ::mode_t mode_ = 0666;  // the permissions to ask for
  bool keeps_mode_ = false;
#endif
  std::uint64_t size_ = 0;
  nothrow_array<char> final_;      // with the closing NUL, as temporary_
  nothrow_array<char> temporary_;  //
};

static_assert(byte_sink<output_file>);

#if FEWBITS_HAS_POSIX_FILES

inline bool output_file::open_temporary() noexcept {
  const int opened = ::open(temporary_.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_);
  if (opened < 0)
    return false;
  const int descriptor = detail::above_standard_streams(opened);
  // umask may have taken bits that the replaced file had. Where they cannot be given the file stays narrower.
  if (keeps_mode_ && descriptor >= 0)
    static_cast<void>(::fchmod(descriptor, mode_));
  stream_ = descriptor < 0 ? nullptr : ::fdopen(descriptor, "wb");
  if (stream_ != nullptr)
    return true;
  const int number = errno;
  if (descriptor >= 0)
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
  if (!file.final_.append({path, std::string_view{path}.size() + 1}))
    return no_memory(path);
  struct ::stat status = {};
  if (::lstat(path, &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return refuse(errc::invalid_argument, path, " is a folder");
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode))
      return refuse(errc::invalid_argument, path, " is no regular file");
    if (others == existing_file::refuse)
      return exists(path);
    if (S_ISREG(status.st_mode)) {
      file.mode_ = status.st_mode & 0777;
      file.keeps_mode_ = true;
    }
  }
  if (const auto created = file.create_temporary(static_cast<std::uint64_t>(::getpid())); !created)
    return created.error();
  return file;
}

#else

inline bool output_file::open_temporary() noexcept {
  stream_ = std::fopen(temporary_.data(), "wbx");
  return stream_ != nullptr;
}
inline bool output_file::rename() noexcept {
  bool is_there = false;
  if (std::FILE* const other = std::fopen(final_.data(), "rb")) {
    std::fclose(other);
    is_there = true;
  }
  if (is_there && others_ == existing_file::refuse) {
    errno = EEXIST;
    return false;
  }
  if (std::rename(temporary_.data(), final_.data()) == 0)
    return true;
  if (!is_there)
    return false;
  // A rename that does not replace: the other file steps aside, and comes back should this one not get its name.
  nothrow_array<char> aside;
  if (!aside.append(std::string_view{temporary_.data(), temporary_.size() - 1}) || !aside.append({"-old", 5}))
    return false;
  if (std::rename(final_.data(), aside.data()) != 0)
    return false;
  if (std::rename(temporary_.data(), final_.data()) == 0) {
    std::remove(aside.data());
    return true;
  }
  const int number = errno;
  std::rename(aside.data(), final_.data());
  errno = number;
  return false;
}
inline void output_file::sync_folder() const noexcept {}

inline result<output_file> output_file::create(const char* path, existing_file others) noexcept {
  if (path == nullptr || *path == '\0')
    return error{errc::invalid_argument, "a file to be written needs a path"};
  output_file file;
  file.others_ = others;
  if (!file.final_.append({path, std::string_view{path}.size() + 1}))
    return no_memory(path);
  if (std::FILE* const other = std::fopen(path, "rb")) {
    std::fclose(other);
    if (others == existing_file::refuse)
      return exists(path);
  }
  if (const auto created = file.create_temporary(0); !created)
    return created.error();
  return file;
}

#endif

inline result<void> output_file::flush() noexcept {
  if (waiting_)
    return {};
  if (stream_ == nullptr)
    return closed();
  errno = 0;
  bool stored = !failed_ && std::fflush(stream_) == 0;
#if FEWBITS_HAS_POSIX_FILES
  stored = stored && ::fsync(::fileno(stream_)) == 0;
#endif
  int number = errno;
  if (std::fclose(std::exchange(stream_, nullptr)) != 0 && stored) {
    number = errno;
    stored = false;
  }
  waiting_ = true;
  if (stored)
    return {};
  discard();
  return failure("written", number);
}

inline result<void> output_file::commit() noexcept {
  if (const auto stored = flush(); !stored)
    return stored;
  waiting_ = false;
  errno = 0;
  if (!rename()) {
    const int number = errno;
    std::remove(temporary_.data());
    return number == EEXIST && others_ == existing_file::refuse ? exists(path()) : failure("renamed", number);
  }
  sync_folder();
  return {};
}

FEWBITS_NAMESPACE_END
