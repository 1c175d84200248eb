// Numbers as a file stores them: little-endian bytes of one type, aligned to nothing. The type travels with the bytes,
// because half precision and bfloat16 have the same length and no check of sizes tells them apart.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/exact_scaling.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Number: fp16, bf16, float, any few-bit type of whole bytes, or an integer. Byte is std::byte or const std::byte.
/// Borrows; copying it copies no number. Every code comes through bit for bit, NaN payloads too.
template <number Number, class Byte = const std::byte>
struct stored_numbers {
  static_assert(std::is_same_v<std::remove_const_t<Byte>, std::byte>, "stored numbers lie in std::byte");
  using value_type = Number;

  std::span<Byte> bytes{};

  constexpr stored_numbers() noexcept = default;
  constexpr explicit stored_numbers(std::span<Byte> bytes_of_numbers) noexcept : bytes(bytes_of_numbers) {}
  constexpr operator stored_numbers<Number>() const noexcept requires(!std::is_const_v<Byte>) {
    return stored_numbers<Number>{bytes};
  }

  /// Whole numbers in the bytes.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return bytes.size() / sizeof(Number); }

  /// Precondition: i < size().
  [[nodiscard]] constexpr Number operator[](std::size_t i) const noexcept {
    std::uint64_t code = 0;
    for (std::size_t b = 0; b < sizeof(Number); ++b)
      code |= static_cast<std::uint64_t>(bytes[i * sizeof(Number) + b]) << (8 * b);
    if constexpr (native_floating_point<Number>)
      return std::bit_cast<Number>(static_cast<typename native_float<Number>::bits_type>(code));
    else if constexpr (native_integer<Number>)
      return static_cast<Number>(code);
    else
      return Number::from_bits(static_cast<typename Number::bits_type>(code));
  }
  constexpr void set(std::size_t i, const Number& number_to_store) const noexcept requires(!std::is_const_v<Byte>) {
    std::uint64_t code = 0;
    if constexpr (native_integer<Number>)
      code = static_cast<std::uint64_t>(number_to_store);
    else
      code = source_code(number_to_store);
    for (std::size_t b = 0; b < sizeof(Number); ++b)
      bytes[i * sizeof(Number) + b] = static_cast<std::byte>(code >> (8 * b) & 0xff);
  }
};

namespace detail {

/// How often to go round an outer loop. A file may say [2^58, 0], which takes no bytes: a loop over its rows would not
/// end, though there is nothing in them.
constexpr std::size_t rounds(std::size_t outer, std::size_t inner) noexcept { return inner == 0 ? 0 : outer; }

/// A foreign tensor must have exactly the bytes that its shape says: a longer one has another shape.
constexpr result<void> check_bytes(std::string_view name, std::uint64_t bytes, std::uint64_t rows,
                                   std::uint64_t columns, std::uint64_t bytes_each) noexcept {
  if (bytes != rows * columns * bytes_each)
    return error{errc::shape_mismatch} << "'" << name << "' has " << bytes << " bytes, and [" << rows << ", " << columns
                                       << "] of " << bytes_each << (bytes_each == 1 ? " byte" : " bytes")
                                       << " each take " << rows * columns * bytes_each;
  return {};
}

/// The same for packed codes that fill whole bytes together: the sentence has the extents that the caller gave.
constexpr result<void> check_code_bytes(std::string_view name, std::uint64_t bytes, std::uint64_t rows,
                                        std::uint64_t columns, std::uint64_t bits_each) noexcept {
  const std::uint64_t codes = rows * columns;
  const std::uint64_t wanted = codes / 8 * bits_each + codes % 8 * bits_each / 8;
  if (bytes != wanted)
    return error{errc::shape_mismatch} << "'" << name << "' has " << bytes << " bytes, and [" << rows << ", " << columns
                                       << "] of " << bits_each << " bits each take " << wanted;
  return {};
}

}  // namespace detail

FEWBITS_NAMESPACE_END
