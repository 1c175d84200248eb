// A range that leaves out the largest few of the values. Source of the default: NVIDIA's pytorch-quantization and
// TensorRT, 99.99 percent of the magnitudes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/quantize/histogram.hpp>

FEWBITS_NAMESPACE_BEGIN

/// 99.99 percent, as integers count it.
inline constexpr std::uint32_t default_parts_per_million = 999'900;

/// How many of `total` values are at least that share of them: ceil(total x parts / 10^6), 1 at least. More than 10^6
/// parts count as 10^6.
constexpr std::uint64_t percentile_rank(std::uint64_t total, std::uint32_t parts_per_million) noexcept {
  constexpr std::uint64_t million = 1'000'000;
  const std::uint64_t parts = (std::min<std::uint64_t>)(parts_per_million, million);
  const std::uint64_t rank = total / million * parts + (total % million * parts + million - 1) / million;
  return (std::max<std::uint64_t>)(rank, 1);
}

/// The smallest edge of the histogram's bins that at least `parts_per_million` of the finite values, zeros included, do
/// not pass in magnitude; or the largest magnitude, if that is smaller. The exact percentile lies in the bin below that
/// edge: the answer is at least it, and larger by at most one bin, 2^-mantissa_bits of it.
/// A float32, kept among the positive finite ones; 0 where the percentile is 0 or there are no values.
template <int MantissaBits, histogram_signs Signs>
[[nodiscard]] constexpr float percentile_amax(const histogram<MantissaBits, Signs>& spread,
                                              std::uint32_t parts_per_million = default_parts_per_million) noexcept {
  using spread_type = histogram<MantissaBits, Signs>;
  const min_max_calibrator& range = spread.range();
  const std::uint64_t rank = percentile_rank(add_saturating(range.zeros(), range.nonzeros()), parts_per_million);
  std::uint64_t seen = range.zeros();
  if (seen >= rank || range.nonzeros() == 0)
    return 0.0f;
  const std::uint32_t top = detail::range_code(range.amax());
  for (std::size_t b = 0; b < spread_type::finite_bins; ++b) {
    seen = add_saturating(seen, spread.count(b));
    if constexpr (Signs == histogram_signs::apart)
      seen = add_saturating(seen, spread.count(b, true));
    if (seen >= rank)
      return detail::float_of_code((std::min)(spread_type::first_code(b + 1), top));
  }
  return detail::float_of_code(top);
}

/// The same of a few values at hand, exact: the smallest magnitude among them that is enough. No memory; 31 passes.
/// Doubles count as the float32 nearer zero.
template <class T, std::size_t Extent>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] constexpr float percentile_amax(std::span<T, Extent> values,
                                              std::uint32_t parts_per_million = default_parts_per_million) noexcept {
  const auto passed = [&](std::uint32_t code, bool count_all) noexcept {
    std::uint64_t found = 0;
    for (const auto& each : values) {
      const unpacked_number number = unpack(each);
      if (number.kind == number_class::zero || number.kind == number_class::finite)
        found += count_all || detail::calibration_code(number) <= code ? 1u : 0u;
    }
    return found;
  };
  const std::uint64_t total = passed(0, true);
  if (total == 0)
    return 0.0f;
  const std::uint64_t rank = percentile_rank(total, parts_per_million);
  std::uint32_t low = 0;
  auto high = static_cast<std::uint32_t>(binary32_format.max_code());
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (passed(middle, false) >= rank)
      high = middle;
    else
      low = middle + 1;
  }
  return detail::float_of_code(low);
}

/// For formats with a zero point: `highest` is the smallest edge that at least that share of the finite values do not
/// pass, `lowest` the largest edge that as large a share do not fall below; each within the exact extremes. Both 0
/// without finite values. Past float32's range stands its largest value.
template <int MantissaBits>
[[nodiscard]] constexpr signed_range percentile_range(
    const histogram<MantissaBits, histogram_signs::apart>& spread,
    std::uint32_t parts_per_million = default_parts_per_million) noexcept {
  using spread_type = histogram<MantissaBits, histogram_signs::apart>;
  const min_max_calibrator& range = spread.range();
  const std::uint64_t total = add_saturating(range.zeros(), range.nonzeros());
  if (total == 0)
    return {0.0f, 0.0f};
  const std::uint64_t rank = percentile_rank(total, parts_per_million);
  // Walks from the far end of one side, over zero, to the far end of the other, and gives the bin's outer edge.
  const auto edge = [&](bool goes_down) noexcept -> float {
    const bool positive_sign = goes_down;  // the sign bit of values on the side where the walk ends
    const auto with_sign = [](std::uint32_t code, bool is_negative) noexcept {
      return detail::float_of_code(code | (is_negative && code != 0 ? 0x80000000u : 0u));
    };
    const auto outermost = [&](const unpacked_number& extreme) noexcept {
      return extreme.kind == number_class::zero ? 0u : detail::range_code(extreme);
    };
    const unpacked_number end = goes_down ? range.lowest() : range.highest();
    std::uint64_t seen = 0;
    for (std::size_t b = spread_type::bins; b-- != 0;) {
      seen = add_saturating(seen, spread.count(b, !positive_sign));
      if (seen >= rank) {
        std::uint32_t code =
            (std::min)(spread_type::first_code(b), static_cast<std::uint32_t>(binary32_format.max_code()));
        if (end.kind == number_class::finite && end.negative != positive_sign)
          code = (std::max)(code, outermost(end));  // every value lies on this side
        return with_sign(code, !positive_sign);
      }
    }
    seen = add_saturating(seen, range.zeros());
    if (seen >= rank)
      return 0.0f;
    for (std::size_t b = 0; b < spread_type::finite_bins; ++b) {
      seen = add_saturating(seen, spread.count(b, positive_sign));
      if (seen >= rank)
        return with_sign((std::min)(spread_type::first_code(b + 1), outermost(end)), positive_sign);
    }
    return with_sign(outermost(end), positive_sign);
  };
  return {edge(true), edge(false)};
}

/// Percentile calibration: add pieces, merge, ask. The resolution is the histogram's.
template <int MantissaBits = 7>
class percentile_calibrator : public histogram<MantissaBits> {
 public:
  [[nodiscard]] constexpr float amax(std::uint32_t parts_per_million = default_parts_per_million) const noexcept {
    return percentile_amax(*this, parts_per_million);
  }
};

FEWBITS_NAMESPACE_END
