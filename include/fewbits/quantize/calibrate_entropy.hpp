// The range that loses least information: the smallest Kullback-Leibler divergence of the clipped data from its
// quantised picture. Sources: S. Migacz, "8-bit inference with TensorRT", GTC 2017; NVIDIA's pytorch-quantization.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/quantize/calibrate_mse.hpp>
#include <fewbits/quantize/calibrate_numbers.hpp>
#include <fewbits/quantize/histogram.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Mantissa bits that give the highest binade 16 bins for each magnitude of the element there, as 2048 bins give 128
/// levels: 10 for int8, 6 for int4, 7 for e4m3.
template <few_bit_number Element>
constexpr int entropy_mantissa_bits() noexcept {
  if constexpr (is_minifloat<Element>)
    return (std::min)(Element::format.mantissa_bits + 4, 12);
  else if constexpr (is_fixed_point<Element>)
    return (std::min)(static_cast<int>(std::bit_width(Element::format.max_code())) + 3, 12);
  else
    return Element::format.bits() + 3;
}

namespace detail {

/// A histogram with folded signs, clipped lower and lower, for one element type. All that is compared is
/// (N x KL + a constant) x 2^40, as a signed integer of 192 bits.
template <few_bit_number Element, int MantissaBits>
class divergence {
  using spread_type = histogram<MantissaBits>;
  using sum_type = wide_sum<3>;
  static constexpr int depth = 24;  // binades below amax that are told apart; the rest is one bin

 public:
  constexpr explicit divergence(const spread_type& of) noexcept
      : spread_(of), top_code_(range_code(of.range().amax())) {
    lowest_exponent_ =
        (std::max)(unpack_code<binary32_format>(top_code_).exponent - depth, binary32_format.min_exponent());
    first_bin_ = static_cast<std::size_t>(lowest_exponent_ + binary32_format.bias) << MantissaBits;
    for (std::size_t b = 0; b < first_bin_; ++b)
      tiny_count_ = add_saturating(tiny_count_, of.count(b));
    clip_ = (std::max)(highest_clip(), first_bin_);
    inside_ = tiny_count_;
    if (tiny_count_ != 0)
      add_entropy(tiny_count_, MantissaBits, entropy_);
    for (std::size_t b = first_bin_; b < clip_; ++b)
      if (const std::uint64_t count = of.count(b); count != 0) {
        inside_ = add_saturating(inside_, count);
        add_entropy(count, width_bits(b), entropy_);
      }
    beyond_ = of.count(spread_type::bin_past_float);
  }

  /// The bin after that of amax, and the lowest clip that is tried: amax / 16.
  [[nodiscard]] constexpr std::size_t highest_clip() const noexcept {
    return (std::min)(spread_type::bin_of_code(top_code_), spread_type::finite_bins - 1) + 1;
  }
  [[nodiscard]] constexpr std::size_t lowest_clip() const noexcept {
    const std::size_t below = std::size_t{4} << MantissaBits;
    const std::size_t high = highest_clip();
    return (std::max)(high > below ? high - below : 0, first_bin_ + 1);
  }
  /// The range that stands for clipping at the lower edge of a bin.
  [[nodiscard]] constexpr std::uint32_t clip_code(std::size_t clip) const noexcept {
    return (std::min)(spread_type::first_code(clip), top_code_);
  }

  /// What is compared, if the values below the edge are quantised with the range that ends there and those beyond are
  /// added to the last bin that is not empty. False: no value lies below the edge.
  /// Precondition: first_bin <= clip, and no clip before was lower.
  [[nodiscard]] constexpr bool lower_to(std::size_t clip, sum_type& out) noexcept {
    for (; clip_ > clip; --clip_)
      if (const std::uint64_t count = spread_.count(clip_ - 1); count != 0) {
        inside_ -= count;
        beyond_ = add_saturating(beyond_, count);
        sum_type one;
        add_entropy(count, width_bits(clip_ - 1), one);
        entropy_.subtract(one);
      }
    if (inside_ == 0)
      return false;
    const unpacked_number range = unpack_code<binary32_format>(clip_code(clip));
    sum_type sum = entropy_;
    group current;
    bin last{};
    const auto take = [&](const bin& each, std::uint32_t middle_code) noexcept {
      const std::uint64_t level = level_of(middle_code, range);
      if (current.count != 0 && level != current.level) {
        close(current, current.count, sum);
        current = {};
      }
      current.level = level;
      current.count = add_saturating(current.count, each.count);
      current.width += std::uint64_t{1} << each.width_bits;
      last = each;
    };
    if (tiny_count_ != 0)
      take({tiny_count_, MantissaBits}, tiny_code());
    for (std::size_t b = first_bin_; b < clip; ++b)
      if (const std::uint64_t count = spread_.count(b); count != 0)
        take({count, width_bits(b)}, spread_type::middle_code(b));
    if (last.count == 0)  // counts that stopped at 2^64 - 1 do not add up
      return false;
    sum_type without_tail;
    add_entropy(last.count, last.width_bits, without_tail);
    sum.subtract(without_tail);
    add_entropy(add_saturating(last.count, beyond_), last.width_bits, sum);
    close(current, add_saturating(current.count, beyond_), sum);
    sum.add(multiply_wide(add_saturating(inside_, beyond_), log2_fixed(inside_)));
    out = sum;
    return true;
  }

 private:
  struct bin {
    std::uint64_t count;
    int width_bits;  // its width is 2^width_bits of the narrowest bin told apart
  };
  struct group {
    std::uint64_t level = 0;
    std::uint64_t count = 0;
    std::uint64_t width = 0;  // at most 25 x 2^12 bins of 2^24 units: far from 2^64
  };

  [[nodiscard]] constexpr int width_bits(std::size_t bin_index) const noexcept {
    return static_cast<int>(bin_index >> MantissaBits) - binary32_format.bias - lowest_exponent_;
  }
  // Half of 2^lowest_exponent, where a value that is not told apart stands.
  [[nodiscard]] constexpr std::uint32_t tiny_code() const noexcept {
    return static_cast<std::uint32_t>(pack_code<binary32_format>(make_unpacked(false, 1, lowest_exponent_ - 1)));
  }
  [[nodiscard]] static constexpr std::uint64_t level_of(std::uint32_t code, const unpacked_number& range) noexcept {
    const plain_integer value = plain(unpack_code<binary32_format>(code));
    const plain_integer top = plain(largest<Element>);
    return pack_code<Element::format>(
        exact_quotient(make_unpacked(false, value.magnitude * top.magnitude, value.exponent + top.exponent), range));
  }
  // P log2(P / width)
  static constexpr void add_entropy(std::uint64_t count, int width_in_bits, sum_type& sum) noexcept {
    sum.add(multiply_wide(count, log2_fixed(count)));
    sum.subtract(multiply_wide(count, static_cast<std::uint64_t>(width_in_bits) << log2_fraction_bits));
  }
  // - sum of P log2(Q / width), Q being the group's own count spread over the width of its bins that are not empty
  static constexpr void close(const group& of, std::uint64_t count_with_tail, sum_type& sum) noexcept {
    sum.subtract(multiply_wide(count_with_tail, log2_fixed(of.count)));
    sum.add(multiply_wide(count_with_tail, log2_fixed(of.width)));
  }

  const spread_type& spread_;
  std::uint32_t top_code_;
  int lowest_exponent_ = 0;
  std::size_t first_bin_ = 0;
  std::uint64_t tiny_count_ = 0;
  std::size_t clip_ = 0;  // bins below it are inside
  std::uint64_t inside_ = 0;
  std::uint64_t beyond_ = 0;
  sum_type entropy_{};  // of the bins inside
};

}  // namespace detail

/// The range with the smallest Kullback-Leibler divergence KL(P || Q) among bin edges from amax down to amax / 16, at
/// most 128 a binade. P: the histogram up to the edge, what lies beyond added to its last bin that is not empty. Q: the
/// counts up to the edge, summed over all bins whose middle rounds to the same element, and spread again over those of
/// them that are not empty, by width. Equal divergences go to the larger range. The range at the top is amax itself.
///
/// Logarithms are log2_fixed's, sums exact integers of 192 bits: the choice is the same everywhere.
/// A positive finite float32; 0 where every finite value is 0 or there are none.
///
/// Unlike NVIDIA's calibrators: bins are equal within a binade, not over the whole range, so their edges do not depend
/// on the first batch; levels are the element's own values, so e4m3 and e2m1 have a divergence too; counts are spread
/// by width, which is by number where widths are equal; exact zeros are left out, for they cost nothing; magnitudes
/// below amax x 2^-24 share a bin.
template <few_bit_number Element, int MantissaBits>
[[nodiscard]] constexpr float entropy_amax(const histogram<MantissaBits>& spread) noexcept {
  if (spread.range().nonzeros() == 0)
    return 0.0f;
  detail::divergence<Element, MantissaBits> of(spread);
  constexpr std::size_t stride = MantissaBits > 7 ? std::size_t{1} << (MantissaBits - 7) : 1;
  std::uint32_t best = detail::range_code(spread.range().amax());
  wide_sum<3> smallest{};
  bool any = false;
  for (std::size_t clip = of.highest_clip(); clip >= of.lowest_clip(); clip = (clip - 1) / stride * stride) {
    wide_sum<3> sum{};
    if (!of.lower_to(clip, sum))
      break;
    if (!any || sum < smallest) {
      best = of.clip_code(clip);
      smallest = sum;
      any = true;
    }
  }
  return detail::float_of_code(best);
}

/// Entropy calibration: add pieces, merge, ask. With 10 mantissa bits, int8's, it takes 2 MiB.
template <few_bit_number Element, int MantissaBits = entropy_mantissa_bits<Element>()>
class entropy_calibrator : public histogram<MantissaBits> {
 public:
  [[nodiscard]] constexpr float amax() const noexcept { return entropy_amax<Element>(*this); }
};

FEWBITS_NAMESPACE_END
