// Layouts that are this library's own under other names: rows of codes, low bits first, and rows of scales. What the
// adapters of nvfp4, mx and fp8 share: sizes, borrowing, copying.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/layouts/stored_numbers.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// A foreign tensor with its name in messages.
template <class Byte>
struct named_bytes {
  std::string_view name;
  std::span<Byte> bytes;

  constexpr operator named_bytes<const std::byte>() const noexcept requires(!std::is_const_v<Byte>) {
    return {name, bytes};
  }
};
using named_input = named_bytes<const std::byte>;
using named_output = named_bytes<std::byte>;

template <blocked Format>
constexpr void check_codes_and_scales_format() noexcept {
  static_assert(!is_stored<typename Format::zero_type> && !Format::has_super_scale && !Format::has_tensor_offset,
                "this layout has codes and scales alone: choose a format without zero points and super-blocks");
  static_assert(Format::order == bit_order::low_first, "this layout's codes are packed low bits first");
}

/// codes [rows, columns x bits / 8] and scales [blocks down, blocks along].
template <blocked Format>
constexpr result<void> check_sizes(std::size_t rows, std::size_t columns, const named_input& codes,
                                   const named_input& scales) noexcept {
  check_codes_and_scales_format<Format>();
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  constexpr auto bits = static_cast<std::uint64_t>(Format::element_bits);
  if (columns % 8 * bits % 8 != 0)
    return error{errc::unsupported} << "'" << codes.name << "': " << columns << " codes of " << bits
                                    << " bits do not fill whole bytes, and a row ends with its byte";
  if (const auto fits = check_code_bytes(codes.name, codes.bytes.size(), rows, columns, bits); !fits)
    return fits;
  return check_bytes(scales.name, scales.bytes.size(), layout->block_rows(), layout->block_columns(),
                     sizeof(typename Format::scale_type));
}

/// A scale of seven bits in a byte whose highest bit is set. PyTorch reads it as negative, hardware ignores the bit.
/// They agree on ff alone, a NaN, which x86 makes of 0 / 0: a copy keeps it as 7f, and a view has no room for the bit.
template <class Scale>
constexpr result<void> check_scale_signs(const named_input& scales, bool copies) noexcept {
  if constexpr (few_bit_number<Scale>)
    if constexpr (Scale::format.bits() == 7)
      for (std::size_t i = 0; i < scales.bytes.size(); ++i) {
        const auto code = std::to_integer<std::uint64_t>(scales.bytes[i]);
        if (code >> 7 == 0 || (code == 255 && copies))
          continue;
        if (code == 255)
          return error{errc::unsupported} << "'" << scales.name << "' has at place " << i
                                          << " a NaN with a sign, code 255: read it as a copy";
        return error{errc::malformed_file} << "'" << scales.name << "' has the negative code " << code << " at place "
                                           << i << ": PyTorch would see its sign and hardware would not";
      }
  return {};
}

/// Numbers of a file as objects, in place.
template <class T>
result<std::span<const T>> borrow_numbers(const named_input& from) noexcept {
  static_assert(!is_packed_parameter<T>, "scales of up to six bits are packed: they are no objects in a file");
  if constexpr (sizeof(T) != 1) {
    if (std::endian::native != std::endian::little)
      return error{errc::unsupported} << "'" << from.name
                                      << "' is little-endian and this machine is not: read it as a copy";
    if (reinterpret_cast<std::uintptr_t>(from.bytes.data()) % alignof(T) != 0)
      return error{errc::unsupported} << "'" << from.name << "' does not begin at a multiple of " << alignof(T)
                                      << " bytes: read it as a copy";
  }
  return std::span<const T>{reinterpret_cast<const T*>(from.bytes.data()), from.bytes.size() / sizeof(T)};
}

/// Errors: errc::shape_mismatch; size_overflow; malformed_file: check_scale_signs; unsupported: rows that do not end
/// with their block, a scale code of ff, or borrow_numbers.
template <blocked Format>
[[nodiscard]] result<quantized_view<Format>> view_codes_and_scales(
    std::size_t rows, std::size_t columns, const named_input& codes, const named_input& scales,
    const typename Format::tensor_scale_type& tensor_scale = Format::unit_tensor_scale()) noexcept {
  if (const auto fits = check_sizes<Format>(rows, columns, codes, scales); !fits)
    return fits.error();
  if (const auto fits = check_scale_signs<typename Format::scale_type>(scales, false); !fits)
    return fits.error();
  const auto layout = quantized_layout<Format>::unchecked(rows, columns);
  if (layout.padded_columns() != columns)
    return error{errc::unsupported} << "'" << codes.name << "': rows of " << columns
                                    << " columns end inside a block, and fewbits fills up to "
                                    << layout.padded_columns() << ": read it as a copy";
  const auto borrowed = borrow_numbers<typename Format::scale_type>(scales);
  if (!borrowed)
    return borrowed.error();
  return quantized_view<Format>{
      layout, quantized_streams<Format>{.codes = codes.bytes, .scales = *borrowed, .tensor_scale = tensor_scale}};
}

/// Errors: the same without those of borrowing; errc::out_of_memory.
template <blocked Format>
[[nodiscard]] result<quantized_matrix<Format>> read_codes_and_scales(
    std::size_t rows, std::size_t columns, const named_input& codes, const named_input& scales,
    const typename Format::tensor_scale_type& tensor_scale = Format::unit_tensor_scale()) noexcept {
  if (const auto fits = check_sizes<Format>(rows, columns, codes, scales); !fits)
    return fits.error();
  if (const auto fits = check_scale_signs<typename Format::scale_type>(scales, true); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made;
  const auto to = made->streams();
  const std::size_t row_bytes = packed_bytes<Format::element_bits>(columns);
  const std::size_t own_row_bytes = made->layout().row_code_bytes();
  for (std::size_t r = 0; r < rounds(rows, columns); ++r)
    for (std::size_t b = 0; b < row_bytes; ++b)
      to.codes[r * own_row_bytes + b] = codes.bytes[r * row_bytes + b];
  const stored_numbers<typename Format::scale_type> numbers{scales.bytes};
  for (std::size_t i = 0; i < numbers.size(); ++i)
    store_parameter(to.scales, i, numbers[i]);
  to.tensor_scale = tensor_scale;
  return made;
}

/// Writes every byte. Errors: errc::shape_mismatch, unsupported; nothing is written then.
template <blocked Format>
constexpr result<void> write_codes_and_scales(const quantized_view<Format>& from, const named_output& codes,
                                              const named_output& scales) noexcept {
  if (const auto fits = check_sizes<Format>(from.rows(), from.columns(), codes, scales); !fits)
    return fits;
  const std::size_t row_bytes = packed_bytes<Format::element_bits>(from.columns());
  const std::size_t own_row_bytes = from.layout().row_code_bytes();
  for (std::size_t r = 0; r < rounds(from.rows(), from.columns()); ++r)
    for (std::size_t b = 0; b < row_bytes; ++b)
      codes.bytes[r * row_bytes + b] = from.codes()[r * own_row_bytes + b];
  const stored_numbers<typename Format::scale_type, std::byte> numbers{scales.bytes};
  for (std::size_t i = 0; i < from.layout().blocks(); ++i)
    numbers.set(i, from.scales()[i]);
  return {};
}

}  // namespace detail

/// Bytes of the two tensors of such a layout.
struct code_and_scale_sizes {
  std::uint64_t codes;
  std::uint64_t scales;
};
/// What a matrix [rows, columns] takes in every layout of codes and scales: compressed-tensors' and ModelOpt's nvfp4
/// and fp8, mx, gpt-oss, DeepSeek. Errors: errc::size_overflow; unsupported: a row does not fill whole bytes.
template <blocked Format>
[[nodiscard]] constexpr result<code_and_scale_sizes> code_and_scale_sizes_of(std::size_t rows,
                                                                             std::size_t columns) noexcept {
  detail::check_codes_and_scales_format<Format>();
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  constexpr auto bits = static_cast<std::uint64_t>(Format::element_bits);
  if (columns % 8 * bits % 8 != 0)
    return error{errc::unsupported} << columns << " codes of " << bits << " bits do not fill whole bytes";
  return code_and_scale_sizes{std::uint64_t{rows} * packed_bytes<Format::element_bits>(columns),
                              std::uint64_t{layout->blocks()} * sizeof(typename Format::scale_type)};
}

FEWBITS_NAMESPACE_END
