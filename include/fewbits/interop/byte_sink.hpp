// Where a writer of files puts its bytes: a file, memory, a socket of the caller's own.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/base/nothrow_array.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Takes bytes one after the other. write consumes all of them or fails; after a failure the bytes taken so far are
/// of no use, and no further call is made.
template <class Sink>
concept byte_sink = requires(Sink& sink, std::span<const std::byte> bytes) {
  { sink.write(bytes) } -> std::same_as<result<void>>;
};

/// Keeps the bytes in memory.
class memory_sink {
 public:
  /// Errors: errc::out_of_memory; what was written before stays.
  result<void> write(std::span<const std::byte> bytes) noexcept {
    if (!bytes_.append(bytes))
      return error{errc::out_of_memory, "memory is exhausted while a file is written to memory"};
    return {};
  }
  /// What was written. Valid until the next write.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_.view(); }

 private:
  nothrow_array<std::byte> bytes_;
};

static_assert(byte_sink<memory_sink>);

/// A number of 1, 2, 4 or 8 bytes, as files hold them; classes of that size that are plain values count (fp16).
template <class T>
concept stored_number = std::is_trivially_copyable_v<T> &&
    (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

/// Writes the bytes of `values`, each in little-endian order on every host. Floats keep their bits, NaN payloads too.
/// Errors: as the sink's.
template <byte_sink Sink, stored_number T>
[[nodiscard]] result<void> write_little_endian(Sink& sink, std::span<const T> values) {
  if constexpr (std::endian::native == std::endian::little || sizeof(T) == 1) {
    return sink.write(std::as_bytes(values));
  } else {
    constexpr std::size_t most = 4096;
    std::byte turned[most];
    while (!values.empty()) {
      const std::size_t count = values.size() < most / sizeof(T) ? values.size() : most / sizeof(T);
      std::memcpy(turned, values.data(), count * sizeof(T));
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t low = i * sizeof(T), high = low + sizeof(T) - 1; low < high; ++low, --high) {
          const std::byte kept = turned[low];
          turned[low] = turned[high];
          turned[high] = kept;
        }
      const auto written = sink.write({turned, count * sizeof(T)});
      if (!written)
        return written.error();
      values = values.subspan(count);
    }
    return {};
  }
}

FEWBITS_NAMESPACE_END
