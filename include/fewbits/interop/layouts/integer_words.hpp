// Between groups of integers in matrices of words [K, N] and this library's rows [N, K]: what AWQ's and GPTQ's adapters
// share. Both are affine per group, value = scale x (code - zero point), so nothing is rounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/interop/layouts/packed_words.hpp>
#include <fewbits/interop/layouts/stored_numbers.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

template <blocked Format>
constexpr bool is_integer_group_format() noexcept {
  using element = typename Format::element_type;
  if constexpr (is_integer<element>() && !Format::has_super_scale && !Format::has_minimum && !Format::has_shapes) {
    constexpr bool zero_fits = [] {
      if constexpr (Format::has_zero_point)
        return !element::format.is_signed && Format::zero_type::format.total_bits == element::format.total_bits;
      else
        return element::format.is_signed && !element::format.symmetric;
    }();
    return zero_fits && Format::shape.rows == 1 && std::is_same_v<typename Format::tensor_scale_type, no_tensor_scale>;
  } else {
    return false;
  }
}
template <blocked Format, int Bits>
constexpr void check_integer_group_format() noexcept {
  static_assert(is_integer_group_format<Format>(),
                "this layout has groups of integers along a row: choose unsigned integers with zero points of the same "
                "width (uint4_groups), or signed ones without (int4_groups)");
  static_assert(Format::element_bits == Bits, "the tensors hold codes of another width than the format's elements");
}

/// From our code to the unsigned one of these layouts, and back: signed integers are stored above 2^(bits - 1).
template <blocked Format>
constexpr unsigned other_code(unsigned code) noexcept {
  return Format::has_zero_point ? code : code ^ 1u << (Format::element_bits - 1);
}
/// The zero point of every group of a signed format.
template <blocked Format>
inline constexpr unsigned middle_code = 1u << (Format::element_bits - 1);

template <blocked Format>
constexpr packed_codes_out<Format> row_of(const quantized_streams_out<Format>& to,
                                          const quantized_layout<Format>& layout, std::size_t row) noexcept {
  return {to.codes.data() + row * layout.row_code_bytes(), layout.padded_columns()};
}

/// Calls visitor(i, j) for all i < outer, j < inner, square by square: transposing whole rows would miss the cache. The
/// inner index is best the one that changes words at each step, so that no store waits for the one before.
template <class Visitor>
constexpr void visit_tiles(std::size_t outer, std::size_t inner, const Visitor& visitor) noexcept {
  constexpr std::size_t side = 64;
  for (std::size_t top = 0; top < rounds(outer, inner); top += side)
    for (std::size_t left = 0; left < inner; left += side)
      for (std::size_t i = top; i < outer && i - top < side; ++i)
        for (std::size_t j = left; j < inner && j - left < side; ++j)
          visitor(i, j);
}

/// scales [G, N] to blocks [N, G] and back.
template <blocked Format>
constexpr void read_transposed_scales(const stored_numbers<typename Format::scale_type>& from,
                                      const quantized_layout<Format>& layout,
                                      const quantized_streams_out<Format>& to) noexcept {
  for (std::size_t n = 0; n < rounds(layout.block_rows(), layout.block_columns()); ++n)
    for (std::size_t g = 0; g < layout.block_columns(); ++g)
      store_parameter(to.scales, n * layout.block_columns() + g, from[g * layout.rows() + n]);
}
template <blocked Format>
constexpr void write_transposed_scales(const quantized_view<Format>& from,
                                       const stored_numbers<typename Format::scale_type, std::byte>& to) noexcept {
  for (std::size_t n = 0; n < rounds(from.layout().block_rows(), from.layout().block_columns()); ++n)
    for (std::size_t g = 0; g < from.layout().block_columns(); ++g)
      to.set(g * from.rows() + n, from.block_scale(n, g));
}

/// The zero point of a block as these layouts count.
template <blocked Format>
constexpr unsigned zero_point_of(const quantized_view<Format>& from, std::size_t n, std::size_t g) noexcept {
  if constexpr (Format::has_zero_point)
    return from.parameters_of(n, g).zero.bits();
  else
    return middle_code<Format>;
}

/// Takes a zero point in, or says why a signed format cannot.
template <blocked Format>
constexpr result<void> store_zero_point(const quantized_layout<Format>& layout, const quantized_streams_out<Format>& to,
                                        std::size_t n, std::size_t g, unsigned zero_point_to_store) noexcept {
  if constexpr (Format::has_zero_point) {
    store_parameter(to.zeros, n * layout.block_columns() + g,
                    Format::zero_type::from_bits(static_cast<std::uint8_t>(zero_point_to_store)));
  } else if (zero_point_to_store != middle_code<Format>) {
    return error{errc::unsupported} << "'qzeros' has zero point " << std::uint64_t{zero_point_to_store} << " in group "
                                    << g << " of column " << n << ", and signed elements stand for "
                                    << std::uint64_t{middle_code<Format>} << " alone: read unsigned ones";
  }
  return {};
}

/// Sizes that all these layouts ask for.
template <int Bits>
constexpr result<void> check_whole_words(std::string_view name, std::string_view extent, std::uint64_t codes) noexcept {
  if (!fills_words<Bits>(codes))
    return error{errc::unsupported} << "'" << name << "': " << codes << " " << extent << " of " << std::uint64_t{Bits}
                                    << " bits do not fill whole words of 32";
  return {};
}

}  // namespace detail
FEWBITS_NAMESPACE_END
