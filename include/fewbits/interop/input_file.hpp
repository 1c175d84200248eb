// Opt-in: a file that is read in pieces, so that its size does not matter to memory.
#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#if __has_include(<unistd.h>)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#define FEWBITS_HAS_PREAD 1
#else
#define FEWBITS_HAS_PREAD 0
#endif

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>
#include <fewbits/interop/byte_source.hpp>
#include <fewbits/interop/posix_descriptor.hpp>
#include <fewbits/interop/printable.hpp>
#include <fewbits/interop/system_error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// An open regular file. Where the system has pread, several threads may read at once.
class input_file {
 public:
  /// Errors: errc::not_found; io_failure; invalid_argument: a null path; unsupported: a folder, a pipe, a device.
  static result<input_file> open(const char* path) noexcept;
  /// The same for std::string, and for std::filesystem::path where its characters are char.
  template <class Path>
  requires requires(const Path& path_with_text) {
    { path_with_text.c_str() } -> std::same_as<const char*>;
  }
  static result<input_file> open(const Path& path_with_text) noexcept { return open(path_with_text.c_str()); }

  input_file(input_file&& other_file) noexcept
      : size_(other_file.size_),
#if FEWBITS_HAS_PREAD
        descriptor_(std::exchange(other_file.descriptor_, -1)) {
  }
#else
        stream_(std::exchange(other_file.stream_, nullptr)) {
  }
#endif
  input_file& operator=(input_file&& other) noexcept {
    input_file moved(std::move(other));
    std::swap(size_, moved.size_);
#if FEWBITS_HAS_PREAD
    std::swap(descriptor_, moved.descriptor_);
#else
    std::swap(stream_, moved.stream_);
#endif
    return *this;
  }
  ~input_file() {
#if FEWBITS_HAS_PREAD
    if (descriptor_ >= 0)
      ::close(descriptor_);
#else
    if (stream_ != nullptr)
      std::fclose(stream_);
#endif
  }

  /// Bytes of the file when it was opened.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Fills `out` from byte `first` on. Errors: errc::buffer_too_small: the file ends before; io_failure.
  result<void> read_at(std::uint64_t first, std::span<std::byte> out) const noexcept;

 private:
  input_file() noexcept = default;

  static error failure(std::string_view path, int number) noexcept {
    error why{number == ENOENT ? errc::not_found : errc::io_failure};
    append_quoted(why << "the file ", path);
    if (number == ENOENT)
      return why << " does not exist";
    return append_errno(why << " cannot be opened", number);
  }
  static error past_the_end(std::uint64_t first, std::uint64_t count) noexcept {
    return error{errc::buffer_too_small} << "the file ends before byte " << first << " + " << count;
  }

  std::uint64_t size_ = 0;
#if FEWBITS_HAS_PREAD
  int descriptor_ = -1;
#else
  std::FILE* stream_ = nullptr;
#endif
};

static_assert(byte_source<input_file>);

#if FEWBITS_HAS_PREAD

inline result<input_file> input_file::open(const char* path) noexcept {
  if (path == nullptr)
    return error{errc::invalid_argument, "a file needs a path, and this one is a null pointer"};
  input_file file;
  // Without O_NONBLOCK a pipe without a writer would never return; regular files do not mind it.
  file.descriptor_ = detail::above_standard_streams(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.descriptor_ < 0)
    return failure(path, errno);
  struct ::stat status = {};
  if (::fstat(file.descriptor_, &status) != 0)
    return failure(path, errno);
  if (!S_ISREG(status.st_mode)) {
    error why{errc::unsupported};
    return append_quoted(why << "the file ", path) << " is a folder, a pipe or a device, not a regular file";
  }
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

inline result<void> input_file::read_at(std::uint64_t first, std::span<std::byte> out) const noexcept {
  if (first > size_ || out.size() > size_ - first)
    return past_the_end(first, out.size());
  while (!out.empty()) {
    constexpr std::size_t most = std::size_t{1} << 30;  // Linux reads no more than 2 GiB in one call
    const auto got =
        ::pread(descriptor_, out.data(), out.size() < most ? out.size() : most, static_cast<::off_t>(first));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      error why{errc::io_failure, "a file cannot be read"};
      return append_errno(why, errno);
    }
    if (got == 0)  // cut short since it was opened
      return past_the_end(first, out.size());
    first += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

#else

namespace detail {

#if defined(_WIN32)  // long has 32 bits there
inline bool seek(std::FILE* stream, std::int64_t place, int from) noexcept {
  return ::_fseeki64(stream, place, from) == 0;
}
inline std::int64_t place_of(std::FILE* stream) noexcept { return ::_ftelli64(stream); }
#else
inline bool seek(std::FILE* stream, std::int64_t place, int from) noexcept {
  return place <= (std::numeric_limits<long>::max)() && std::fseek(stream, static_cast<long>(place), from) == 0;
}
inline std::int64_t place_of(std::FILE* stream) noexcept { return std::ftell(stream); }
#endif

}  // namespace detail

inline result<input_file> input_file::open(const char* path) noexcept {
  if (path == nullptr)
    return error{errc::invalid_argument, "a file needs a path, and this one is a null pointer"};
  input_file file;
  file.stream_ = std::fopen(path, "rb");
  if (file.stream_ == nullptr || !detail::seek(file.stream_, 0, SEEK_END))
    return failure(path, errno);
  const std::int64_t end = detail::place_of(file.stream_);
  if (end < 0)
    return failure(path, errno);
  file.size_ = static_cast<std::uint64_t>(end);
  return file;
}

inline result<void> input_file::read_at(std::uint64_t first, std::span<std::byte> out) const noexcept {
  if (first > size_ || out.size() > size_ - first)
    return past_the_end(first, out.size());
  if (!detail::seek(stream_, static_cast<std::int64_t>(first), SEEK_SET) ||
      std::fread(out.data(), 1, out.size(), stream_) != out.size()) {
    error why{errc::io_failure, "a file cannot be read"};
    return append_errno(why, errno);
  }
  return {};
}

#endif

/// A whole small file (a configuration, an index) in memory.
/// Errors: as input_file; errc::unsupported: more than max_bytes; out_of_memory.
[[nodiscard]] inline result<nothrow_array<std::byte>> read_small_file(const char* path,
                                                                      std::uint64_t max_bytes) noexcept {
  const auto file = input_file::open(path);
  if (!file)
    return file.error();
  if (file->size() > max_bytes) {
    error why{errc::unsupported};
    return append_quoted(why << "the file ", path) << " has " << file->size() << " bytes, more than " << max_bytes;
  }
  nothrow_array<std::byte> bytes;
  std::byte chunk[16384];
  for (std::uint64_t first = 0; first < file->size();) {
    const std::uint64_t left = file->size() - first;
    const std::span<std::byte> piece{chunk, left < sizeof chunk ? static_cast<std::size_t>(left) : sizeof chunk};
    const auto read = file->read_at(first, piece);
    if (!read)
      return read.error();
    if (!bytes.append(piece)) {
      error why{errc::out_of_memory};
      return append_quoted(why << "memory is exhausted while reading the file ", path);
    }
    first += piece.size();
  }
  return bytes;
}

FEWBITS_NAMESPACE_END
