// What a quantised matrix must be: its blocks cut out, copied and encoded alone, element by element. Nothing of matrix/
// takes part.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <fewbits/block.hpp>

namespace fewbits_test {

/// A plain matrix of values in row order, the source of every stored form.
template <class T>
struct plain_matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<T> values;

  const T& operator()(std::size_t r, std::size_t c) const { return values[r * columns + c]; }
  T& operator()(std::size_t r, std::size_t c) { return values[r * columns + c]; }

  plain_matrix transposed() const {
    plain_matrix other{columns, rows, std::vector<T>(values.size())};
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c)
        other(c, r) = (*this)(r, c);
    return other;
  }
};

/// Everything a quantised matrix holds, without layout.
template <class Format>
struct modelled_matrix {
  std::size_t block_rows = 0;
  std::size_t block_columns = 0;
  std::size_t super_columns = 0;
  typename Format::tensor_scale_type tensor_scale = Format::unit_tensor_scale();
  std::vector<fewbits::block_parameters<Format>> parameters;
  std::vector<typename Format::super_type> supers;
  std::vector<std::uint8_t> codes;              // an element each, in row order
  std::vector<fewbits::unpacked_number> exact;  // values, exact or with a sticky bit
};

template <class T>
bool is_finite_value(const T& x) {
  constexpr auto format = fewbits::source_format<T>();
  return (fewbits::source_code(x) & format.magnitude_mask()) <= format.max_code();
}
template <class T>
bool is_zero_value(const T& x) {
  return (fewbits::source_code(x) & fewbits::source_format<T>().magnitude_mask()) == 0;
}

/// Of the finite values. Codes are ordered as the magnitudes they stand for.
template <class T>
fewbits::unpacked_number largest_magnitude(const std::vector<T>& values) {
  constexpr auto format = fewbits::source_format<T>();
  std::uint64_t found = 0;
  for (const T& x : values)
    if (is_finite_value(x))
      found = (std::max)(found, std::uint64_t{fewbits::source_code(x)} & format.magnitude_mask());
  return fewbits::unpack_code<format>(found);
}

/// Rounding to nearest at every position.
struct nearest_everywhere {
  constexpr fewbits::nearest_even_t operator()(std::size_t, std::size_t) const { return {}; }
};

template <class Format, class T, class Rounding = nearest_everywhere>
modelled_matrix<Format> model_of(const plain_matrix<T>& from, const Rounding& rounding_at = {}) {
  using element = typename Format::element_type;
  const typename Format::default_rule rule{};
  modelled_matrix<Format> made;
  if (from.rows == 0 || from.columns == 0)
    return made;
  const std::size_t height = Format::shape.rows == fewbits::whole ? from.rows : Format::shape.rows;
  const std::size_t width = Format::shape.columns == fewbits::whole ? from.columns : Format::shape.columns;
  const std::size_t step = width * Format::super_count;
  made.block_rows = (from.rows + height - 1) / height;
  made.block_columns = (from.columns + width - 1) / width;
  made.super_columns = Format::has_super_scale ? (from.columns + step - 1) / step : 0;
  made.codes.resize(from.values.size());
  made.exact.resize(from.values.size());

  if constexpr (Format::has_tensor_scale) {
    if (const auto amax = largest_magnitude(from.values); amax.kind != fewbits::number_class::zero)
      made.tensor_scale = rule.template tensor_scale<Format>(amax);
  } else if constexpr (Format::has_tensor_offset) {
    made.tensor_scale = rule.template tensor_scale_of<Format>(
        fewbits::block_values<T>(from.values.data(), 1, from.values.size(), from.values.size()));
  }

  for (std::size_t top = 0; top < from.rows; top += height)
    for (std::size_t left = 0; left < from.columns; left += step) {
      const std::size_t rows = (std::min)(height, from.rows - top);
      const std::size_t columns = (std::min)(step, from.columns - left);
      std::vector<T> alone;
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
          alone.push_back(from(top + r, left + c));
      const fewbits::block_values<T> values(alone.data(), rows, columns, columns);
      const bool poisoned = std::any_of(alone.begin(), alone.end(), [](const T& x) { return !is_finite_value(x); });
      const bool zero = std::all_of(alone.begin(), alone.end(), [](const T& x) { return is_zero_value(x); });

      fewbits::super_block_parameters<Format> chosen{};
      if (poisoned) {
        if constexpr (Format::has_super_scale)
          chosen.super.scale = fewbits::make_number<decltype(chosen.super.scale)>({.kind = fewbits::number_class::nan});
        else
          chosen.blocks[0].scale =
              fewbits::make_number<typename Format::scale_type>({.kind = fewbits::number_class::nan});
      } else if (zero) {
        for (auto& each : chosen.blocks)
          each.scale = fewbits::make_number<typename Format::scale_type>({.kind = fewbits::number_class::zero});
      } else if constexpr (Format::has_super_scale) {
        chosen = rule.template super_parameters<Format>(values, made.tensor_scale);
      } else if constexpr (requires { rule.template parameters<Format>(values, made.tensor_scale); }) {
        chosen.blocks[0] = rule.template parameters<Format>(values, made.tensor_scale);
      } else {
        chosen.blocks[0].scale = rule.template block_scale<Format>(largest_magnitude(alone), made.tensor_scale);
      }

      if constexpr (Format::has_super_scale)
        made.supers.push_back(chosen.super);
      for (std::size_t b = 0; b * width < columns; ++b) {
        made.parameters.push_back(chosen.blocks[b]);
        const auto map = fewbits::map_of<Format>(chosen.blocks[b], chosen.super, made.tensor_scale);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t c = b * width; c < (std::min)(columns, (b + 1) * width); ++c) {
            const T& x = alone[r * columns + c];
            std::uint8_t code = 0;
            if (poisoned) {
              code = 0;
            } else if (map.unit.kind == fewbits::number_class::finite) {
              const auto rounding = rounding_at(top + r, left + c);
              code = fewbits::encode_element<Format>(
                  fewbits::unpack_code<fewbits::source_format<T>()>(fewbits::source_code(x)), map, rounding);
            } else if constexpr (Format::has_zero_point) {
              code = chosen.blocks[b].zero.bits();
            } else if constexpr (fewbits::is_minifloat<element>) {
              const bool negative = fewbits::source_format<T>().is_negative(fewbits::source_code(x));
              code = static_cast<std::uint8_t>(negative ? element::format.sign_mask() : 0);
            } else {
              code = element{0.0f}.bits();
            }
            const std::size_t at = (top + r) * from.columns + left + c;
            made.codes[at] = code;
            made.exact[at] = fewbits::element_value<Format>(code, map);
          }
      }
    }
  return made;
}

}  // namespace fewbits_test
