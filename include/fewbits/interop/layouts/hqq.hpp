// HQQ's checkpoints of 2, 4 and 8 bits with groups along the rows (axis = 1): codes far apart in one byte, scales and
// zero points that are real numbers. Source: hqq 0.2.8, hqq/core/bitpack.py and quantize.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/amax_scale.hpp>
#include <fewbits/block/exact_sum.hpp>
#include <fewbits/interop/layouts/integer_words.hpp>
#include <fewbits/number/arithmetic.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The tensor `W_q`, U8: groups as rows [R, group], R = N K / group; with 4 bits byte (i, j) holds code j of group i in
/// its high half and that of group i + R / 2 in its low half. With 2 bits four quarters, the first highest.
template <class Byte = const std::byte>
struct hqq_codes {
  std::span<Byte> bytes{};
  constexpr hqq_codes() noexcept = default;
  constexpr explicit hqq_codes(std::span<Byte> bytes_of_codes) noexcept : bytes(bytes_of_codes) {}
};

/// The tensors of one layer. Meta: the type of `scale` and `zero`, fp16, bf16 or float. Scales are multipliers.
template <number Meta = fp16, class Byte = const std::byte>
struct hqq_tensors {
  hqq_codes<Byte> codes;             ///< `W_q`
  stored_numbers<Meta, Byte> scale;  ///< [R, 1]
  stored_numbers<Meta, Byte> zero;   ///< [R, 1]: value = scale x (code - zero), zero any real number
};
template <number Meta = fp16>
using hqq_tensors_out = hqq_tensors<Meta, std::byte>;

/// Groups with a real zero point z, as value = scale x code + minimum: the minimum is -z x scale in float32.
template <few_bit_number Element, std::size_t Size, number Scale = fp16>
struct hqq_groups : block_format<Element, Scale, Size, min_max_scale_t, with_minimum<float>> {};

/// A layer, and how many of its minimums float32 could not hold exactly.
template <blocked Format>
struct hqq_matrix {
  quantized_matrix<Format> weights;
  std::size_t rounded_minimums = 0;
};

namespace detail {

template <blocked Format, class Byte>
constexpr result<void> check_hqq(std::size_t rows, std::size_t columns,
                                 const hqq_tensors<typename Format::scale_type, Byte>& tensors) noexcept {
  using element = typename Format::element_type;
  constexpr std::size_t size = Format::shape.columns;
  static_assert(
      is_integer<element>() && Format::shape.rows == 1 && size != whole && !Format::has_super_scale &&
          (Format::has_minimum ? !element::format.is_signed : is_integer_group_format<Format>()),
      "HQQ has groups of integers along a row: choose uint4_groups, int4_groups or hqq_groups of a fixed size");
  static_assert(Format::element_bits == 2 || Format::element_bits == 4 || Format::element_bits == 8,
                "codes of 2, 4 and 8 bits share bytes this way");
  constexpr std::size_t parts = 8 / Format::element_bits;
  const auto layout = quantized_layout<Format>::of(rows, columns);
  if (!layout)
    return layout.error();
  if (columns % size != 0 || layout->blocks() % parts != 0)
    return error{errc::unsupported} << "HQQ has groups of " << std::uint64_t{size}
                                    << " that fill rows, and a multiple of " << std::uint64_t{parts}
                                    << " of them, which [" << rows << ", " << columns << "] has not";
  constexpr std::uint64_t bytes_each = sizeof(typename Format::scale_type);
  if (const auto fits = check_bytes("W_q", tensors.codes.bytes.size(), layout->blocks() / parts, size, 1); !fits)
    return fits;
  if (const auto fits = check_bytes("scale", tensors.scale.bytes.size(), layout->blocks(), 1, bytes_each); !fits)
    return fits;
  return check_bytes("zero", tensors.zero.bytes.size(), layout->blocks(), 1, bytes_each);
}

constexpr bool is_zero_or_finite(const unpacked_number& x) noexcept {
  return x.kind == number_class::finite || x.kind == number_class::zero;
}
/// Has rounding changed a number?
constexpr bool is_other_number(const unpacked_number& rounded, const unpacked_number& before) noexcept {
  return is_zero_or_finite(before) ? !is_zero_or_finite(rounded) || compare_values(rounded, before) != 0
                                   : rounded.kind != before.kind;
}

/// Byte and shift of an element.
template <int Bits>
struct hqq_place {
  std::size_t byte;
  int shift;
  constexpr hqq_place(std::size_t element_number, std::size_t element_count) noexcept {
    constexpr std::size_t parts = 8 / Bits;
    const std::size_t part = element_count / parts;
    byte = element_number % part;
    shift = static_cast<int>((parts - 1 - element_number / part) * static_cast<std::size_t>(Bits));
  }
};

}  // namespace detail

/// Weights [rows, columns] out of an HQQ layer quantised with axis = 1.
///
/// Format uint4_groups<Size, Meta> (or another width; or int4_groups where every zero is the middle code): exact, and
/// every zero must be an integer that is a code, as round_zero = True makes them.
/// Format hqq_groups<uint4, Size, Meta>: any zeros. Exact with Meta fp16 and, but for products outside float32's normal
/// range, bf16: zero x scale fits a float32. With Meta float the minimum is rounded once, to within 2^-24 of itself;
/// `rounded_minimums` counts the groups. A NaN or Inf among scale and zero makes its group NaN.
/// Values are those of exact arithmetic; hqq itself rounds the difference and the product to its compute type.
/// Errors: errc::shape_mismatch: a tensor has other bytes than [rows, columns] takes; unsupported: groups that do not
/// fill the rows, an odd number of them, or a zero that the format cannot hold; size_overflow; out_of_memory.
template <blocked Format>
[[nodiscard]] result<hqq_matrix<Format>> read_hqq(std::size_t rows, std::size_t columns,
                                                  const hqq_tensors<typename Format::scale_type>& from) noexcept {
  constexpr int bits = Format::element_bits;
  if (const auto fits = detail::check_hqq<Format>(rows, columns, from); !fits)
    return fits.error();
  auto made = quantized_matrix<Format>::create(rows, columns);
  if (!made)
    return made.error();
  hqq_matrix<Format> layer{std::move(*made)};
  const quantized_layout<Format>& layout = layer.weights.layout();
  const auto to = layer.weights.streams();
  for (std::size_t b = 0; b < layout.blocks(); ++b) {
    const unpacked_number zero = unpack(from.zero[b]);
    store_parameter(to.scales, b, from.scale[b]);
    if constexpr (Format::has_minimum) {
      const unpacked_number product = exact::negate(exact::multiply(zero, unpack(from.scale[b])));
      const float minimum = pack_native<float>(product);
      layer.rounded_minimums += detail::is_other_number(unpack(minimum), product) ? 1u : 0u;
      store_parameter(to.zeros, b, minimum);
    } else {
      const auto code = make_number<fixed_point<fixed_format{.total_bits = bits, .is_signed = false}>>(zero);
      if (detail::is_other_number(unpack(code), zero) || zero.kind == number_class::nan)
        return error{errc::unsupported} << "the zero point of group " << b << " is none of 0 to "
                                        << std::uint64_t{(1u << bits) - 1} << ": read hqq_groups";
      if (const auto taken = detail::store_zero_point<Format>(layout, to, b / layout.block_columns(),
                                                              b % layout.block_columns(), code.bits());
          !taken)
        return taken.error();
    }
  }
  for (std::size_t n = 0; n < detail::rounds(rows, columns); ++n) {
    const auto row = detail::row_of<Format>(to, layout, n);
    for (std::size_t k = 0; k < columns; ++k) {
      const detail::hqq_place<bits> at(n * columns + k, rows * columns);
      const unsigned code = std::to_integer<unsigned>(from.codes.bytes[at.byte]) >> at.shift & ((1u << bits) - 1);
      if constexpr (Format::has_minimum)
        row.set(k, code);
      else
        row.set(k, detail::other_code<Format>(code));
    }
  }
  return layer;
}

/// The same back, for formats with zero points (and signed ones, whose zero point is the middle code), exactly: every
/// code is a number of Meta. Formats with minimums have no zero point to write: minimum / scale would be rounded.
/// Must not alias the matrix. Errors: errc::shape_mismatch, unsupported: as in read_hqq; nothing is written then.
template <blocked Format>
requires(!Format::has_minimum) result<void> write_hqq(const quantized_view<Format>& from,
                                                      const hqq_tensors_out<typename Format::scale_type>& to)
noexcept {
  constexpr int bits = Format::element_bits;
  const std::size_t elements = from.rows() * from.columns();
  if (const auto fits = detail::check_hqq<Format>(from.rows(), from.columns(), to); !fits)
    return fits;
  const std::size_t across = from.layout().block_columns();
  for (std::size_t b = 0; b < from.layout().blocks(); ++b) {
    to.scale.set(b, from.scales()[b]);
    const std::uint64_t zero = detail::zero_point_of<Format>(from, b / across, b % across);
    to.zero.set(b, make_number<typename Format::scale_type>(make_unpacked(false, zero, 0)));
  }
  for (std::size_t n = 0; n < detail::rounds(from.rows(), from.columns()); ++n) {
    const auto row = from.row_codes(n);
    for (std::size_t k = 0; k < from.columns(); ++k) {
      const detail::hqq_place<bits> at(n * from.columns() + k, elements);
      std::byte& byte = to.codes.bytes[at.byte];
      byte = detail::merge_bits(byte, ((1u << bits) - 1) << at.shift, detail::other_code<Format>(row[k]) << at.shift);
    }
  }
  return {};
}

FEWBITS_NAMESPACE_END
