// The names of policies, one line each: a rule of the library, and what it does in a phrase.
#pragma once

#include <fewbits/block.hpp>
#include <fewbits/quantize/exact_mse.hpp>
#include <fewbits/quantize/exact_shapes.hpp>
#include <fewbits/quantize/nested_search.hpp>
#include <fewbits/quantize/search_scale.hpp>
#include <fewbits/quantize/statistic_scale.hpp>

namespace report {

struct policy_name {
  const char* name;
  const char* what;
};

template <class Rule>
inline constexpr policy_name name_of = Rule::without_a_name_in_policies_hpp;

// clang-format off
template <> inline constexpr policy_name name_of<fewbits::floor_scale_t>{"floor", "OCP: floor(log2 amax), less the element's largest exponent"};
template <> inline constexpr policy_name name_of<fewbits::ceil_scale_t>{"ceil", "floor, one more where amax is no power of two"};
template <> inline constexpr policy_name name_of<fewbits::rceil_scale_t>{"rceil", "the least power of two under which nothing saturates"};
template <> inline constexpr policy_name name_of<fewbits::even_scale_t>{"even", "floor of amax rounded to the element's digits"};
template <> inline constexpr policy_name name_of<fewbits::search_scale_t<>>{"search", "floor or a neighbour: the least squared error"};
template <> inline constexpr policy_name name_of<fewbits::exact_mse_t>{"exact", "the least squared error of all scales, zero points and minimums"};
template <> inline constexpr policy_name name_of<fewbits::static_two_level_t>{"static", "two levels from amax, of the tensor and of the block"};
template <> inline constexpr policy_name name_of<fewbits::four_over_six_t<fewbits::error_norm::squared>>{"four_over_six", "amax to 6 or to 4: the smaller squared error"};
template <> inline constexpr policy_name name_of<fewbits::four_over_six_t<fewbits::error_norm::absolute>>{"four_over_six_absolute", "amax to 6 or to 4: the smaller mean error"};
template <> inline constexpr policy_name name_of<fewbits::four_over_six_t<fewbits::error_norm::largest>>{"four_over_six_largest", "amax to 6 or to 4: the smaller largest error"};
template <> inline constexpr policy_name name_of<fewbits::amax_scale_t>{"amax", "amax / largest element"};
template <> inline constexpr policy_name name_of<fewbits::amax_half_scale_t>{"half", "amax / the middle of the two ends: 7.5 for int4"};
template <> inline constexpr policy_name name_of<fewbits::signed_max_scale_t>{"signed_max", "the largest value, with its sign, / the lowest element"};
template <> inline constexpr policy_name name_of<fewbits::min_max_scale_t>{"min_max", "the range of the values / the range of the elements"};
template <> inline constexpr policy_name name_of<fewbits::mean_scale_t>{"mean", "the mean magnitude"};
template <> inline constexpr policy_name name_of<fewbits::nested_scale_t>{"nested", "amax or the range, each level rounded"};
template <> inline constexpr policy_name name_of<fewbits::nested_search_t>{"search", "codes of scales and minimums moved while that lowers the error"};
template <> inline constexpr policy_name name_of<fewbits::exact_shapes_t>{"exact", "the least squared error of all scales, tables and signs"};
template <> inline constexpr policy_name name_of<fewbits::percentile_scale>{"percentile", "amax without the outermost values"};
template <> inline constexpr policy_name name_of<fewbits::mse_grid_scale>{"mse_grid", "the least squared error of a grid of ranges"};
template <> inline constexpr policy_name name_of<fewbits::entropy_scale>{"entropy", "the range of least divergence between the histograms"};
// clang-format on

}  // namespace report
