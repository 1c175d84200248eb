// Packed codes over foreign bytes, checked. Apart from block/packed.hpp, which does without <fewbits/base/error.hpp>
// and its cost.
#pragma once

#include <cstddef>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/packed.hpp>

FEWBITS_NAMESPACE_BEGIN

template <int Bits, bit_order Order, class Byte>
constexpr result<packed_span<Bits, Order, Byte>> packed_span<Bits, Order, Byte>::over(std::span<Byte> bytes,
                                                                                      std::size_t code_count) noexcept {
  // packed_bytes wraps for no count, so this needs no checked product.
  const std::size_t wanted = packed_bytes<Bits>(code_count);
  if (bytes.size() < wanted)
    return error{errc::buffer_too_small} << code_count << " codes of " << std::uint64_t{Bits} << " bits need " << wanted
                                         << " bytes, and the buffer has " << bytes.size();
  return packed_span{bytes.data(), code_count};
}

FEWBITS_NAMESPACE_END
