// From a quantised matrix to the layout that products read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/packed_weights.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

FEWBITS_BASELINE_BEGIN
/// A parameter as `Packed`, little-endian.
template <class Packed, class Stored>
inline void store_packed(std::byte* to, const Stored& parameter) noexcept {
  if constexpr (std::is_same_v<Packed, float>)
    store_little<std::uint32_t>(to, std::bit_cast<std::uint32_t>(pack_native<float>(unpack(parameter))));
  else if constexpr (sizeof(Packed) == 1)
    *to = static_cast<std::byte>(parameter.bits());
  else
    store_little<std::uint16_t>(to, parameter.bits());
}
FEWBITS_BASELINE_END

/// Which codes are Inf or NaN.
template <few_bit_number Element>
inline constexpr std::array<bool, 256> is_special_code = [] {
  std::array<bool, 256> special{};
  if constexpr (simd::packing::has_special_codes<Element>())
    for (std::size_t c = 0; c != special.size(); ++c)
      special[c] = Element::format.is_nan(c & Element::format.code_mask()) ||
                   Element::format.is_inf(c & Element::format.code_mask());
  return special;
}();

FEWBITS_BASELINE_BEGIN

/// Codes of up to sixteen rows from `first_row` on, to one panel. Precondition: the panel is zeros.
template <blocked Format>
void pack_panel_codes(const quantized_view<Format>& weights, const simd::packed_layout<Format>& layout,
                      std::size_t first_row, std::byte* panel) noexcept {
  using packed = simd::packed_layout<Format>;
  const std::size_t rows = weights.rows() - first_row < 16 ? weights.rows() - first_row : 16;
  if constexpr (packed::is_dense && Format::order == bit_order::low_first) {
    // A row of codes is the string of bits already.
    const std::size_t stored = weights.layout().row_code_bytes();
    const std::size_t words = layout.groups() * packed::bits;
    const std::size_t whole_words = stored / 4 < words ? stored / 4 : words;
    const std::byte* const from = weights.codes().data() + first_row * stored;
    for (std::size_t w = 0; w != whole_words; ++w)
      for (std::size_t r = 0; r != rows; ++r)
        std::memcpy(panel + (w * 16 + r) * 4, from + r * stored + w * 4, 4);
    if (whole_words != words && stored % 4 != 0)
      for (std::size_t r = 0; r != rows; ++r)
        std::memcpy(panel + (whole_words * 16 + r) * 4, from + r * stored + whole_words * 4, stored % 4);
  } else {
    for (std::size_t r = 0; r != rows; ++r) {
      const auto codes = weights.row_codes(first_row + r);
      for (std::size_t g = 0; g != layout.groups(); ++g) {
        std::uint32_t words[packed::bits] = {};
        const std::size_t first = layout.first_column(g);
        const std::size_t columns = layout.columns_in_group(g);
        for (std::size_t i = 0; i != columns; ++i) {
          const std::uint32_t code = codes[first + i];
          const std::size_t bit = i * packed::bits;
          words[bit / 32] |= code << bit % 32;
          if (bit % 32 + packed::bits > 32)
            words[bit / 32 + 1] |= code >> (32 - bit % 32);
        }
        for (std::size_t w = 0; w != packed::bits; ++w)
          store_little(panel + g * packed::group_bytes + (w * 16 + r) * 4, words[w]);
      }
    }
  }
}

/// Packs rows [first_panel x 16, ...) of a matrix into the streams of `to`, which are zeros and count panels from 0.
template <blocked Format>
void pack_panels(const quantized_view<Format>& weights, std::size_t first_panel, std::size_t last_panel, std::byte* to,
                 const packed_places& places) noexcept {
  using types = simd::packed_types<Format>;
  const simd::packed_layout<Format> layout{weights.rows(), weights.columns()};
  const auto& stored = weights.layout();
  const std::size_t blocks = layout.block_columns();
  for (std::size_t panel = first_panel; panel != last_panel; ++panel) {
    const std::size_t first_row = panel * 16;
    const std::size_t at = panel - first_panel;
    const std::size_t rows = weights.rows() - first_row < 16 ? weights.rows() - first_row : 16;
    pack_panel_codes(weights, layout, first_row, to + places.codes + at * layout.code_bytes_a_panel());
    std::byte* const scales = to + places.scales + at * layout.template parameters_a_panel<typename types::scale>();
    [[maybe_unused]] std::byte* const zeros =
        to + places.zeros + at * layout.template parameters_a_panel<typename types::zero>();
    [[maybe_unused]] std::byte* const supers =
        to + places.supers + at * layout.template supers_a_panel<typename types::super>();
    [[maybe_unused]] std::byte* const super_minimums =
        to + places.super_minimums + at * layout.template supers_a_panel<typename types::super_minimum>();
    for (std::size_t r = 0; r != rows; ++r) {
      const std::size_t i = stored.block_of_row(first_row + r);
      for (std::size_t j = 0; j != blocks; ++j) {
        store_packed<typename types::scale>(scales + (j * 16 + r) * sizeof(typename types::scale),
                                            weights.block_scale(i, j));
        if constexpr (is_stored<typename Format::zero_type>)
          store_packed<typename types::zero>(zeros + (j * 16 + r) * sizeof(typename types::zero),
                                             weights.zeros()[i * blocks + j]);
      }
      if constexpr (Format::has_super_scale)
        for (std::size_t j = 0; j != layout.super_columns(); ++j) {
          const auto super = weights.supers()[i * stored.super_columns() + j];
          store_packed<typename types::super>(supers + (j * 16 + r) * sizeof(typename types::super), super.scale);
          if constexpr (Format::has_super_minimum)
            store_packed<typename types::super_minimum>(
                super_minimums + (j * 16 + r) * sizeof(typename types::super_minimum), super.minimum);
        }
    }
    if constexpr (layout.has_specials) {
      std::uint16_t special_rows = 0;
      for (std::size_t r = 0; r != rows; ++r) {
        const auto codes = weights.row_codes(first_row + r);
        bool special = false;
        for (std::size_t k = 0; k != weights.columns(); ++k)
          special |= is_special_code<typename Format::element_type>[codes[k]];
        special_rows = static_cast<std::uint16_t>(special_rows | (special ? 1u << r : 0u));
      }
      store_little(to + places.specials + at * 2, special_rows);
    }
  }
}

/// Everything of the header but the checksum.
template <blocked Format>
void write_packed_header(std::byte* to, std::size_t rows, std::size_t columns, float tensor_scale,
                         const packed_places& places) noexcept {
  using fields = packed_fields;
  std::memcpy(to, packed_magic.data(), packed_magic.size());
  store_little(to + fields::version, packed_version);
  store_little(to + fields::header, static_cast<std::uint32_t>(packed_places::header));
  store_little(to + fields::rows, static_cast<std::uint64_t>(rows));
  store_little(to + fields::columns, static_cast<std::uint64_t>(columns));
  store_little(to + fields::total, static_cast<std::uint64_t>(places.total));
  store_little(to + fields::tensor, std::bit_cast<std::uint32_t>(tensor_scale));
  for (std::size_t i = 0; i != format_words<Format>.size(); ++i)
    store_little(to + fields::format + 4 * i, format_words<Format>[i]);
}

template <blocked Format>
constexpr float tensor_number([[maybe_unused]] const typename Format::tensor_scale_type& tensor_scale) noexcept {
  if constexpr (Format::has_tensor_scale || Format::has_tensor_offset)
    return tensor_scale;
  else
    return 1.0f;
}

FEWBITS_BASELINE_END
}  // namespace detail

FEWBITS_BASELINE_BEGIN

/// Weights in the layout that products read fastest: about as large as the quantised matrix (rows are filled up to
/// sixteen, columns to 32; scales of two-dimensional blocks are repeated for every row). The original is not needed
/// any more. Errors: errc::size_overflow, out_of_memory.
template <blocked Format>
[[nodiscard]] result<packed_weights<Format>> prepack(const quantized_view<Format>& weights) noexcept {
  const auto places = detail::places_of<Format>(weights.rows(), weights.columns());
  if (!places)
    return error{errc::size_overflow} << "packed weights of " << weights.rows() << " x " << weights.columns()
                                      << " do not fit the address space";
  detail::packed_memory memory;
  if (!memory.allocate(places->total))
    return error{errc::out_of_memory} << "no memory for packed weights of " << weights.rows() << " x "
                                      << weights.columns() << ": " << places->total << " bytes";
  const simd::packed_layout<Format> layout{weights.rows(), weights.columns()};
  detail::write_packed_header<Format>(memory.data(), weights.rows(), weights.columns(),
                                      detail::tensor_number<Format>(weights.tensor_scale()), *places);
  detail::pack_panels(weights, 0, layout.panels(), memory.data(), *places);
  detail::store_little(memory.data() + detail::packed_fields::checksum, detail::packed_checksum(memory.bytes()));
  return packed_weights<Format>{std::move(memory), weights.rows(), weights.columns()};
}
template <blocked Format>
[[nodiscard]] result<packed_weights<Format>> prepack(const quantized_matrix<Format>& weights) noexcept {
  return prepack(weights.view());
}
template <blocked Format, std::size_t Rows, std::size_t Columns>
[[nodiscard]] result<packed_weights<Format>> prepack(
    const fixed_quantized_matrix<Format, Rows, Columns>& weights) noexcept {
  return prepack(weights.view());
}

FEWBITS_BASELINE_END
FEWBITS_NAMESPACE_END
