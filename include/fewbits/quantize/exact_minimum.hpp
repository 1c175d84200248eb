// The best scale and minimum there are: of all pairs a format can store, the one with the least squared error of a
// block, weighted or not, found exactly. Theorem, proof and cost: docs/quantize/exact_scale.md.
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
#include <fewbits/quantize/exact_minimum_grid.hpp>
#include <fewbits/quantize/exact_minimum_search.hpp>
#include <fewbits/quantize/exact_samples.hpp>

FEWBITS_NAMESPACE_BEGIN

/// How a search for a pair weighs errors, and how long it may take.
struct pair_choices {
  /// Importance: empty (all are 1), or one float for each value, finite, 0 or above.
  std::span<const float> weights{};
  /// The decoded value is element x scale x tensor scale + minimum. Finite, above 0.
  unpacked_number tensor_scale = detail::unpacked_one;
  /// Also try negative scales.
  bool negative_scales = false;
  /// Boxes of pairs times values that may be looked at, for all signs together: half a minute's worth or more. What is
  /// found when they are used up is the best of what was tried, and is_proven is false.
  std::uint64_t most_visits = std::uint64_t{1} << 30;
  /// Where there are no more pairs than this, each is tried. The result is the same.
  std::uint64_t most_tried_by_pair = 8192;
};

/// The best pair by its places in two grids.
struct exact_pair_choice {
  std::uint64_t scale;
  std::uint64_t minimum;
  bool negative;
  bool is_proven;
};

/// Searches any scale_grid of units and any minimum_grid; `start`, if given, is tried first. Preconditions and result
/// as in find_exact_pair; options.tensor_scale is the grid's affair and is not used.
template <block_source T, scale_grid Scales, minimum_grid Minimums, class Buffer>
constexpr exact_pair_choice find_exact_pair_choice(std::span<const T> values, const alphabet& elements,
                                                   const Scales& scales, const Minimums& minimums, Buffer& buffer,
                                                   const pair_choices& options = {},
                                                   const exact_pair_choice* start = nullptr) noexcept {
  detail::pair_search<T, Scales, Minimums> search(values, options.weights, elements, scales, minimums, buffer.memory(),
                                                  options.most_visits, options.most_tried_by_pair);
  if (search.is_empty()) {
    // Nothing weighs: all pairs are as good. The first minimum of least magnitude is 0 where the grid has it.
    std::uint64_t least = minimums.first();
    for (std::uint64_t step = std::uint64_t{1} << 63; step != 0; step /= 2)
      if (step <= minimums.last() - least) {
        const unpacked_number there = minimums.value(least + step);
        if (there.negative || there.kind == number_class::zero)
          least += step;
      }
    return {scales.first(), least, false, true};
  }
  if (start != nullptr)
    search.meet_pair(start->negative ? elements.mirrored() : elements, start->scale, start->minimum);
  search.meet(elements, options.negative_scales);
  return {search.best().scale, search.best().minimum, search.best().mirrored, search.is_proven()};
}

/// A scale and its minimum.
template <block_source Scale, block_source Minimum>
struct exact_pair {
  Scale scale;
  Minimum minimum;
  /// Has every other pair been ruled out? False where the search has come to most_visits or to one of its own limits
  /// ("Where it gives up" in docs/quantize/exact_scale.md); the pair is then the best of what was tried.
  bool is_proven;
};

/// The scale and minimum with the least sum of w (x - v)^2, where v is the decoded value nearest to x: element x scale
/// x tensor scale + minimum, before any rounding. All positive finite numbers of Scale are permitted, with
/// `negative_scales` their negatives too, and all finite numbers of Minimum. The result does not depend on rounding,
/// compiler flags or machine. Among equal errors the smallest magnitude of the scale wins, then the positive scale,
/// then the smallest magnitude of the minimum, then the positive minimum.
///
/// Preconditions: values are finite; `buffer` has room for values.size(); for double values, magnitudes other than 0
/// are at least 2^-500 and below 2^500.
/// Cost: some hundred to some thousand boxes for a block of weights, a visit to every value for each. It grows where
/// the values lie so close together that the numbers of Scale and Minimum hardly tell them apart.
template <block_source Scale, block_source Minimum, block_source T, class Buffer>
constexpr exact_pair<Scale, Minimum> find_exact_pair(std::span<const T> values, const alphabet& elements,
                                                     Buffer& buffer, const pair_choices& options = {}) noexcept {
  const number_minimums<Minimum> minimums;
  const exact_pair_choice best =
      find_exact_pair_choice(values, elements, number_grid<Scale>(options.tensor_scale), minimums, buffer, options);
  const auto made = []<block_source Number>(std::uint64_t code, const Number*) noexcept {
    if constexpr (native_floating_point<Number>)
      return std::bit_cast<Number>(static_cast<source_bits<Number>>(code));
    else
      return Number::from_bits(static_cast<source_bits<Number>>(code));
  };
  const std::uint64_t sign = best.negative ? source_format<Scale>().sign_mask() : 0;
  return {made(best.scale | sign, static_cast<const Scale*>(nullptr)),
          made(minimums.code(best.minimum), static_cast<const Minimum*>(nullptr)), best.is_proven};
}

FEWBITS_NAMESPACE_END
