// How many bytes a shape takes: the one product that every reader and writer of tensors must not let wrap.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/dtype.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Bytes of a tensor of that type and shape; a scalar (no extents) has one element, an extent of 0 makes 0 bytes.
/// Errors, as sentences that follow `tensor 'name': `: errc::size_overflow: the product of the extents other than 0,
/// times the bits of an element, does not fit 64 bits (beside a 0, too); malformed_file: types below a byte that fill
/// no whole number of bytes.
[[nodiscard]] constexpr result<std::uint64_t> tensor_size(dtype type, std::span<const std::uint64_t> shape) noexcept {
  std::optional<std::uint64_t> bits = bits_per_element(type);
  bool empty = false;
  for (const std::uint64_t extent : shape) {
    empty = empty || extent == 0;
    if (bits && extent != 0)
      bits = checked_multiply(*bits, extent);
  }
  if (!bits)
    return error{errc::size_overflow} << "shape does not fit 64 bits";
  if (empty)
    return std::uint64_t{0};
  if (*bits % 8 != 0)
    return error{errc::malformed_file} << "shape takes " << *bits << " bits of " << to_string(type)
                                       << ", which is no whole number of bytes";
  return *bits / 8;
}

FEWBITS_NAMESPACE_END
