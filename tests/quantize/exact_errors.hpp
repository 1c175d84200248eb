// The error of a block under given scales by exact rational arithmetic, each value on the element nearest to it: what
// rules that minimise an error are held against.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fewbits/block.hpp>

#include "block/block_oracle.hpp"
#include "block/blocks.hpp"

namespace fewbits_test {

using oracle::exact;

inline exact exact_of(const fewbits::unpacked_number& x) {
  if (x.kind == fewbits::number_class::zero)
    return {};
  return exact{x.negative, oracle::natural{x.significand}, x.exponent - 63};
}

/// The distinct values of an element type, ascending; those of one shape where a format has shapes.
template <fewbits::blocked Format>
std::vector<exact> element_values(std::size_t shape = 0) {
  using element = typename Format::element_type;
  std::vector<exact> all;
  for (std::uint64_t code = 0; code < std::uint64_t{1} << Format::element_bits; ++code) {
    if constexpr (fewbits::is_fixed_point<element>)
      if (element::format.symmetric && code == element::format.sign_mask())
        continue;
    const auto value = fewbits::unpack_code<element::format>(code | shape << Format::element_bits);
    if (value.kind == fewbits::number_class::zero || value.kind == fewbits::number_class::finite)
      all.push_back(exact_of(value));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

enum class sum_of { squares, distances, largest };

/// What a value's weight is; 1 where there are no weights.
inline exact weight_at(std::span<const float> weights, std::size_t i) {
  return weights.empty() ? exact::integer(1) : oracle::from(weights[i]).value;
}

/// The error of the values where elements are these, times the unit; nothing where it is larger than `limit`.
inline std::optional<exact> error_on_grid(std::span<const exact> values, std::span<const float> weights,
                                          std::span<const exact> ascending_elements, const exact& unit,
                                          const std::optional<exact>& limit = {}, sum_of norm = sum_of::squares) {
  std::vector<exact> grid;
  for (const exact& each : ascending_elements)
    grid.push_back(each * unit);
  if (unit.negative())
    std::reverse(grid.begin(), grid.end());
  exact sum{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto above = std::lower_bound(grid.begin(), grid.end(), values[i]);
    exact distance = above == grid.end() ? (values[i] - grid.back()) : (*above - values[i]);
    if (above != grid.end() && above != grid.begin()) {
      const exact below = values[i] - *(above - 1);
      distance = below < distance ? below : distance;
    }
    const exact weight = weight_at(weights, i);
    if (norm == sum_of::squares)
      sum = sum + weight * distance * distance;
    else if (norm == sum_of::distances)
      sum = sum + weight * distance;
    else if (weight * distance > sum)
      sum = weight * distance;
    if (limit && sum > *limit)
      return {};
  }
  return sum;
}

template <class T>
std::vector<exact> exact_values(std::span<const T> values) {
  std::vector<exact> all;
  for (const T& each : values)
    all.push_back(exact_of(fewbits::unpack(each)));
  return all;
}

/// The squared error of codes that were chosen, whatever they are.
template <fewbits::blocked Format, class T, class Codes>
exact error_of_codes(std::span<const T> values, std::span<const float> weights, const Codes& codes,
                     const fewbits::block_map& map) {
  exact sum{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const exact distance =
        exact_of(fewbits::unpack(values[i])) - exact_of(fewbits::element_value<Format>(static_cast<std::uint8_t>(codes[i]), map));
    sum = sum + weight_at(weights, i) * distance * distance;
  }
  return sum;
}

/// Hard blocks of finite values, one of `stride`, some of whose exponents no sum of squares can hold left out.
inline std::vector<std::vector<float>> finite_hard_blocks(std::size_t size, std::size_t stride) {
  std::vector<std::vector<float>> kept;
  std::size_t number = 0;
  for (auto& block : hard_blocks(size)) {
    bool any = false;
    for (float& each : block) {
      if (!oracle::is_finite_float(each))
        each = float_of(0x7f7fffffu);
      any = any || (bits_of(each) & 0x7fffffffu) != 0;
    }
    if (number++ % stride == 0 && any)
      kept.push_back(block);
  }
  return kept;
}

inline std::string show_bits(std::span<const float> values) {
  std::string text;
  constexpr const char* digits = "0123456789abcdef";
  for (const float each : values) {
    text += ' ';
    for (int shift = 28; shift >= 0; shift -= 4)
      text += digits[bits_of(each) >> shift & 15];
  }
  return text;
}

}  // namespace fewbits_test
