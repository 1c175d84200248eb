// Where a streaming reader gets its bytes: a file, memory, a store of the caller's own.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Bytes of a known count, read at any place. read_at fills `out` whole or fails; what `out` holds then is unknown.
template <class Source>
concept byte_source = requires(const Source& source, std::uint64_t first, std::span<std::byte> out) {
  { source.size() } -> std::same_as<std::uint64_t>;
  { source.read_at(first, out) } -> std::same_as<result<void>>;
};

/// Borrowed memory.
class memory_source {
 public:
  explicit memory_source(std::span<const std::byte> file_bytes) noexcept : bytes_(file_bytes) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }

  /// Errors: errc::buffer_too_small: the range reaches past the end.
  result<void> read_at(std::uint64_t first, std::span<std::byte> out) const noexcept {
    if (first > bytes_.size() || out.size() > bytes_.size() - first)
      return error{errc::buffer_too_small} << out.size() << " bytes from " << first << " on reach past the end at "
                                           << bytes_.size();
    if (!out.empty())
      std::memcpy(out.data(), bytes_.data() + first, out.size());
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
};

static_assert(byte_source<memory_source>);

FEWBITS_NAMESPACE_END
