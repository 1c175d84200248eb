// A codebook's boundaries on a grid of even steps: a number's step says which one boundary it must be compared with,
// so that nothing is searched.
//
// Why codes are right. A value is multiplied once, by a number below the inverse of its block's unit by 2^-21, times
// the grid's factor, and rounded to an integer of at most 2^20. Unit, inverse, the number below it, factor and product
// are each rounded by 2^-24 of themselves, so the product is off by 13 x 2^-24 x 2^20 < 0.82; that integer and the
// boundary's by a half each, and the boundary is the first float32 above the tie, less than 0.13 from it. Integers 3
// and more from the boundary's are on the exact quotient's side of it; the others are left to the reference.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/encoding.hpp>
#include <fewbits/simd/element_data.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// Numbers times `factor`, as integers: a step, (integer >> step_bits) in -16 ... 15, holds at most one boundary.
/// Tables are by step mod 32.
struct rung_grid {
  static constexpr int step_bits = 16;
  static constexpr std::size_t steps = 32;
  /// Integers no farther from a boundary decide nothing: above.
  static constexpr std::uint32_t doubt = 2;
  /// An integer less its step's subtrahend, which wraps round: negative at and above the boundary, and lowest just
  /// there.
  static constexpr std::uint32_t undecided = 0x80000000u + 2 * doubt;

  bool usable = false;
  float reach = 0;  ///< numbers of larger magnitude are not on the grid
  float factor = 1;
  std::array<std::uint32_t, steps> subtrahends{};
  std::array<std::uint32_t, steps> rungs_below{};  ///< the boundary
};

/// The widest grid of a codebook that reaches up to twice its largest magnitude; not usable where boundaries are too
/// close for one.
template <few_bit_number Element, class Encoding>
inline constexpr rung_grid rung_grid_of = [] {
  constexpr code_ladder ladder = ladder_of<Element, Encoding>;
  constexpr std::int32_t step = 1 << rung_grid::step_bits, doubt = rung_grid::doubt;
  std::array<double, 16> boundaries{};
  std::size_t rungs = 1;
  double largest_value = 0;
  for (; rungs < 16 && ladder.boundaries[rungs] != 0x7fffffff; ++rungs)
    boundaries[rungs] = double_of_code<binary32_format>(bits_of_key(ladder.boundaries[rungs]));
  for (std::size_t r = 0; r < rungs; ++r) {
    const double value =
        static_cast<double>(std::bit_cast<float>(float_bits_of<Element>(ladder.codes[r]) & 0x7fffffff));
    largest_value = value > largest_value ? value : largest_value;
  }
  rung_grid grid{};
  if (!(largest_value > 0x1p-30 && largest_value < 0x1p30))
    return grid;
  for (int sixteenths = 32; sixteenths > 16 && !grid.usable; --sixteenths) {
    const double reach = largest_value * sixteenths / 16;
    grid.reach = static_cast<float>(reach * (1 - 0x1p-18));
    grid.factor = static_cast<float>(16 * step / reach);
    constexpr std::uint32_t none = 0x80000000u - (1u << 30);
    grid.subtrahends.fill(none);
    grid.rungs_below = {};
    grid.usable = true;
    for (std::size_t r = 1; r < rungs; ++r) {
      const double scaled = boundaries[r] * static_cast<double>(grid.factor);
      const auto integer = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
      const auto at = static_cast<std::size_t>(integer >> rung_grid::step_bits & 31);
      const std::int32_t in_step = integer & (step - 1);
      // Integers beyond the step's edge must not be in doubt.
      grid.usable = grid.usable && in_step > 2 * doubt && step - in_step > 2 * doubt && grid.subtrahends[at] == none;
      grid.subtrahends[at] = static_cast<std::uint32_t>(integer - doubt) + 0x80000000u;
      grid.rungs_below[at] = static_cast<std::uint32_t>(r - 1);
    }
    // Steps without a boundary are above none of theirs.
    std::uint32_t rung = 0;
    for (std::size_t k = 16; k < 16 + rung_grid::steps; ++k)
      if (grid.subtrahends[k % 32] == none)
        grid.rungs_below[k % 32] = rung - 1;
      else
        rung = grid.rungs_below[k % 32] + 1;
  }
  return grid;
}();
/// Is the code of rung i the code i?
template <few_bit_number Element, class Encoding>
inline constexpr bool rungs_are_codes = [] {
  constexpr code_ladder ladder = ladder_of<Element, Encoding>;
  for (std::size_t r = 0; r < 16; ++r)
    if (ladder.boundaries[r] != 0x7fffffff && ladder.codes[r] != r)
      return false;
  return true;
}();

}  // namespace simd
FEWBITS_NAMESPACE_END
