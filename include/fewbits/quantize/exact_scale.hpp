// The best scale there is: of all scales a format permits, the one with the least squared error of a block, weighted or
// not, found exactly. Theorem, proof and cost: docs/quantize/exact_scale.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/quantize/exact_alphabet.hpp>
#include <fewbits/quantize/exact_grid.hpp>
#include <fewbits/quantize/exact_samples.hpp>
#include <fewbits/quantize/exact_sweep.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What a search may choose from and how it weighs errors.
struct scale_choices {
  /// Importance: empty (all are 1), or one float for each value, finite, 0 or above.
  std::span<const float> weights{};
  /// The decoded value is (element - zero point) x scale x tensor scale. Finite, above 0.
  unpacked_number tensor_scale = detail::unpacked_one;
  /// Zero points to try, both ends included. Others than 0 need elements that are integers.
  int first_zero_point = 0;
  int last_zero_point = 0;
  /// Also try negative scales, which turn an alphabet such as -8 .. 7 around.
  bool negative_scales = false;
};

/// The best number of a grid, for grids of any kind.
struct exact_choice {
  std::uint64_t number;
  int zero_point;
  bool negative;
};

/// Searches any grid of units: see scale_grid.
/// Preconditions and result as in find_exact_scale; options.tensor_scale is the grid's affair and is not used.
template <block_source T, scale_grid Grid, class Buffer>
constexpr exact_choice find_exact_choice(std::span<const T> values, const alphabet& elements, const Grid& grid,
                                         Buffer& buffer, const scale_choices& options = {}) noexcept {
  detail::scale_search<T, Grid> search(values, options.weights, elements, grid, buffer.memory());
  if (search.all_zero())
    return {grid.first(), options.first_zero_point, false};
  // From the middle outwards: a good zero point early makes the others quick to rule out.
  const int count = options.last_zero_point - options.first_zero_point + 1;
  int z = options.first_zero_point + (count - 1) / 2;
  for (int i = 1; i <= count; ++i) {
    search.meet(elements.with_zero_point(z));
    if (options.negative_scales)
      search.meet(elements.with_zero_point(z).mirrored());
    z += i % 2 != 0 ? i : -i;
  }
  const auto best = search.best();
  return {best.number, best.zero_point, best.mirrored};
}

/// A scale and its zero point.
template <block_source Scale>
struct exact_scale {
  Scale scale;
  int zero_point;
};

/// The scale (and zero point, and sign) with the least sum of w (x - v)^2, where v is the decoded value nearest to x:
/// (element - zero point) x scale x tensor scale. All positive finite numbers of Scale are permitted, and nothing else;
/// so a block of tiny values gets the best scale that there is. The result is exact: it does not depend on rounding,
/// compiler flags or machine. Among equal errors the smallest magnitude of the scale wins, then the positive scale,
/// then the smallest zero point; so a block of zeros, or of weights 0, gets the smallest scale.
///
/// Preconditions: values are finite; `buffer` has room for values.size(); for double values, magnitudes other than 0
/// and decoded values are at least 2^-1100 and below 2^1024; the digits of tensor scale x scale x element fit 64 bits.
/// Cost: O(b log b), b being the number of breakpoints in the range worth a look, for each zero point.
template <block_source Scale, block_source T, class Buffer>
constexpr exact_scale<Scale> find_exact_scale(std::span<const T> values, const alphabet& elements, Buffer& buffer,
                                              const scale_choices& options = {}) noexcept {
  constexpr float_format format = source_format<Scale>();
  const exact_choice best =
      find_exact_choice(values, elements, number_grid<Scale>(options.tensor_scale), buffer, options);
  const std::uint64_t code = best.number | (best.negative ? format.sign_mask() : 0);
  if constexpr (native_floating_point<Scale>)
    return {std::bit_cast<Scale>(static_cast<source_bits<Scale>>(code)), best.zero_point};
  else
    return {Scale::from_bits(static_cast<source_bits<Scale>>(code)), best.zero_point};
}

/// One scale of a list, for scales that are no type's: a few sixty-fourths of a super-block's scale, say.
/// Gives its place in the list; the list is not empty, ascending, above 0. Else as find_exact_scale.
template <block_source T, class Buffer>
constexpr exact_choice find_exact_unit(std::span<const T> values, const alphabet& elements,
                                       std::span<const unpacked_number> ascending_units, Buffer& buffer,
                                       const scale_choices& options = {}) noexcept {
  return find_exact_choice(values, elements, listed_grid(ascending_units), buffer, options);
}

FEWBITS_NAMESPACE_END
