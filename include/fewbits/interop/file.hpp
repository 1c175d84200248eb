// Opt-in: a file's bytes as an owner, mapped where the system can, read otherwise.
#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>
#include <utility>

#if __has_include(<sys/mman.h>)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define FEWBITS_HAS_MMAP 1
#else
#define FEWBITS_HAS_MMAP 0
#endif

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/system_error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Owns the bytes of one file, read-only. Moving keeps their address.
class mapped_file {
 public:
  /// Maps the file: pages load when touched. Where that cannot be (no mmap, a pipe) the file is read.
  /// A mapped file that another process cuts short ends this process at the next touch (SIGBUS), and one it
  /// writes to changes under the views: use read where the file is not yours.
  /// Errors: errc::not_found, io_failure, size_overflow, out_of_memory.
  static result<mapped_file> open(const char* path) noexcept;
  /// The same for std::string, and for std::filesystem::path where its characters are char.
  template <class Path>
  requires requires(const Path& path_with_text) {
    { path_with_text.c_str() } -> std::same_as<const char*>;
  }
  static result<mapped_file> open(const Path& path_with_text) noexcept { return open(path_with_text.c_str()); }

  /// Copies the file into memory: later changes of the file do not matter. Errors: as open.
  static result<mapped_file> read(const char* path) noexcept;

  mapped_file(mapped_file&& other_file) noexcept
      : mapping_(std::exchange(other_file.mapping_, {})), copy_(std::move(other_file.copy_)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    mapped_file moved(std::move(other));
    std::swap(mapping_, moved.mapping_);
    std::swap(copy_, moved.copy_);
    return *this;
  }
  ~mapped_file() {
#if FEWBITS_HAS_MMAP
    if (!mapping_.empty())
      ::munmap(const_cast<std::byte*>(mapping_.data()), mapping_.size());
#endif
  }

  /// The whole file. Valid until this object ends or is assigned to.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return mapping_.empty() ? copy_.view() : mapping_; }

 private:
  mapped_file() noexcept = default;

  static result<mapped_file> read_stream(std::FILE* stream, const char* path) noexcept;  // closes the stream

  static error failure(const char* path, const char* verb, int number) noexcept {
    if (path == nullptr)
      return error{errc::invalid_argument, "a file needs a path, and this one is a null pointer"};
    error why{number == ENOENT ? errc::not_found : errc::io_failure};
    append_quoted(why << "the file ", path) << (number == ENOENT ? " does not exist" : " cannot be ");
    if (number != ENOENT)
      append_errno(why << verb, number);
    return why;
  }

  std::span<const std::byte> mapping_;
  nothrow_array<std::byte> copy_;
};

inline result<mapped_file> mapped_file::read_stream(std::FILE* stream, const char* path) noexcept {
  if (stream == nullptr)
    return failure(path, "opened", errno);
  mapped_file file;
  // Chunks, not a size asked beforehand: a pipe has none, and a file may grow meanwhile.
  std::byte chunk[16384];
  bool fits = true;
  std::size_t count = 0;
  errno = 0;
  while (fits && (count = std::fread(chunk, 1, sizeof chunk, stream)) != 0)
    fits = file.copy_.append({chunk, count});
  const int number = errno;
  const bool broken = std::ferror(stream) != 0;
  std::fclose(stream);
  if (broken)
    return failure(path, "read", number);
  if (!fits) {
    error why{errc::out_of_memory};
    return append_quoted(why << "memory is exhausted while reading the file ", path);
  }
  return file;
}

inline result<mapped_file> mapped_file::read(const char* path) noexcept {
  if (path == nullptr)
    return failure(path, "", 0);
  return read_stream(std::fopen(path, "rb"), path);
}

inline result<mapped_file> mapped_file::open(const char* path) noexcept {
  if (path == nullptr)
    return failure(path, "", 0);
#if FEWBITS_HAS_MMAP
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return failure(path, "opened", errno);
  struct ::stat status = {};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > (std::numeric_limits<std::size_t>::max)()) {
      ::close(descriptor);
      error why{errc::size_overflow};
      return append_quoted(why << "the file ", path) << " is larger than this machine's address space";
    }
    const auto length = static_cast<std::size_t>(size);
    void* const address = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address != MAP_FAILED) {
      ::close(descriptor);
      mapped_file file;
      file.mapping_ = {static_cast<const std::byte*>(address), length};
      return file;
    }
  }
  std::FILE* const stream = ::fdopen(descriptor, "rb");
  if (stream == nullptr)
    ::close(descriptor);
  return read_stream(stream, path);
#else
  return read(path);
#endif
}

FEWBITS_NAMESPACE_END
