// The range whose quantisation error over the data is smallest, from a grid below the largest magnitude. Source of the
// grid and of the norm 2.4: the quantiser of GPTQ (Frantar et al., arXiv 2210.17323): p = 1 - i / 100, down to .2.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/quantize/calibrate_numbers.hpp>
#include <fewbits/quantize/histogram.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Candidates are amax x k / steps for k = steps down to `lowest`, each rounded to float32; errors count by their
/// power norm_tenths / 10. Out-of-range numbers are clamped: steps to 1..1024, lowest to 1..steps and to at least an
/// eighth of steps, norm_tenths to 10..40.
struct mse_grid {
  int steps = 100;
  int lowest = 20;       ///< GPTQ stops one step before, at 21
  int norm_tenths = 20;  ///< 10: absolute error, 20: squared, 24: GPTQ's

  friend constexpr bool operator==(const mse_grid&, const mse_grid&) noexcept = default;

  [[nodiscard]] constexpr mse_grid clamped() const noexcept {
    const auto within = [](int at_least, int number, int at_most) noexcept {
      return number < at_least ? at_least : number > at_most ? at_most : number;
    };
    const int kept_steps = within(1, steps, 1024);
    return {kept_steps, within((kept_steps + 7) / 8, lowest, kept_steps), within(10, norm_tenths, 40)};
  }
};

namespace detail {

/// magnitude x 2^exponent, without trailing zeros.
struct plain_integer {
  std::uint64_t magnitude;
  int exponent;
};
constexpr plain_integer plain(const unpacked_number& number) noexcept {
  if (number.kind == number_class::zero)
    return {0, 0};
  const int zeros = std::countr_zero(number.significand);
  return {number.significand >> zeros, number.exponent - 63 + zeros};
}

/// The error of one value under a range: |value - element x range / largest|, times the largest element's mantissa (1
/// to below 2), so that it is an integer times a power of two. Exact.
template <few_bit_number Element>
class range_error {
  static constexpr unpacked_number top = largest<Element>;
  static constexpr plain_integer top_mantissa{plain(top).magnitude, plain(top).exponent - top.exponent};
  static_assert(top.kind == number_class::finite && !top.negative, "an element needs a value above 0");
  static_assert(std::bit_width(top_mantissa.magnitude) <= 32,
                "the largest element needs more than 32 bits: its errors would not fit an integer of 64");

 public:
  /// `code` is that of a positive finite float32: the range.
  constexpr explicit range_error(std::uint32_t code) noexcept
      : range_(unpack_code<binary32_format>(code)), range_integer_(plain(range_)) {}

  /// The error of the value with this float32 magnitude code. A magnitude of 0 is an exact hit.
  [[nodiscard]] constexpr plain_integer operator()(std::uint32_t magnitude_code, bool is_negative) const noexcept {
    const plain_integer value = plain(unpack_code<binary32_format>(magnitude_code));
    if (value.magnitude == 0)
      return value;
    const plain_integer wanted{value.magnitude * top_mantissa.magnitude, value.exponent + top_mantissa.exponent};
    // The element: value x largest / range, rounded as quantisers round.
    const unpacked_number quotient =
        exact_quotient(make_unpacked(is_negative, wanted.magnitude, wanted.exponent + top.exponent), range_);
    const unpacked_number element = unpack_code<Element::format>(pack_code<Element::format>(quotient));
    plain_integer got = plain(element);
    if (got.magnitude == 0)
      return wanted;
    got = {got.magnitude * range_integer_.magnitude, got.exponent + range_integer_.exponent - top.exponent};
    // A value and its element are of one order of magnitude, or the element saturates at an eighth of it or more. Only
    // a codebook or a format without zero can be further off: then the larger of the two is the error.
    const int ahead =
        wanted.exponent - std::countl_zero(wanted.magnitude) - got.exponent + std::countl_zero(got.magnitude);
    if (ahead > 6 || ahead < -6)
      return ahead > 0 ? wanted : got;
    const int lowest = wanted.exponent < got.exponent ? wanted.exponent : got.exponent;
    const std::uint64_t a = wanted.magnitude << (wanted.exponent - lowest);
    const std::uint64_t b = got.magnitude << (got.exponent - lowest);
    const bool same_sign = element.negative == is_negative;
    return {same_sign ? (a > b ? a - b : b - a) : a + b, lowest};
  }

 private:
  unpacked_number range_;
  plain_integer range_integer_;
};

/// A sum of count x error^norm, of errors between 2^-208 and 2^130: 26 words hold 2^64 of them. Exact for whole norms;
/// otherwise each power is rounded as power_fixed says, and the sum of the powers is exact.
class error_sum {
 public:
  constexpr void add(const plain_integer& error, std::uint64_t count, int norm_tenths) noexcept {
    if (error.magnitude == 0)
      return;
    if (norm_tenths == 10) {
      add_product(error.magnitude, count, error.exponent);
    } else if (norm_tenths == 20) {
      const wide_product square = multiply_wide(error.magnitude, error.magnitude);
      add_product(square.low, count, 2 * error.exponent);
      add_product(square.high, count, 2 * error.exponent + 64);
    } else {
      const unpacked_number power = power_fixed(error.magnitude, error.exponent, norm_tenths);
      add_product(power.significand, count, power.exponent - 63);
    }
  }
  friend constexpr auto operator<=>(const error_sum&, const error_sum&) noexcept = default;

 private:
  static constexpr int lowest_bit = -896;

  constexpr void add_product(std::uint64_t a, std::uint64_t b, int exponent) noexcept {
    sum_.add(multiply_wide(a, b), static_cast<std::size_t>(exponent - lowest_bit));
  }

  wide_sum<26> sum_{};
};

/// `for_each(visit)` calls visit(magnitude_code, is_negative, count) for each sample, any number of times, in any
/// order.
template <few_bit_number Element, class ForEachSample>
constexpr std::uint32_t best_range_code(const unpacked_number& amax, const mse_grid& wanted_grid,
                                        const ForEachSample& for_each) noexcept {
  const mse_grid grid = wanted_grid.clamped();
  const unpacked_number top = unpack_code<binary32_format>(range_code(amax));
  const unpacked_number steps = make_unpacked(false, static_cast<std::uint64_t>(grid.steps), 0);
  std::uint32_t best = 0;
  error_sum smallest;
  for (int k = grid.steps; k >= grid.lowest; --k) {
    const unpacked_number part = exact::multiply(top, make_unpacked(false, static_cast<std::uint64_t>(k), 0));
    const auto code = static_cast<std::uint32_t>(pack_code<binary32_format>(exact_quotient(part, steps)));
    if (code == 0)
      break;
    const range_error<Element> error(code);
    error_sum sum;
    for_each([&](std::uint32_t magnitude_code, bool is_negative, std::uint64_t count) noexcept {
      sum.add(error(magnitude_code, is_negative), count, grid.norm_tenths);
    });
    if (best == 0 || sum < smallest) {
      best = code;
      smallest = sum;
    }
  }
  return best;
}

}  // namespace detail

/// The range, among the grid's, with the smallest sum of |value - its element x range / largest element|^norm, elements
/// being rounded to nearest even and saturated. Values are the middles of the histogram's bins; with signs folded all
/// count as positive. Equal sums go to the larger range. For norms 1 and 2 the sums are exact integers, for others the
/// same integers everywhere: the choice cannot depend on order, machine or flags.
///
/// A positive finite float32; 0 where every finite value is 0 or there are none. Zeros, Inf and NaN cost nothing.
/// About 50 ns a candidate and bin that is not empty.
template <few_bit_number Element, int MantissaBits, histogram_signs Signs>
[[nodiscard]] constexpr float mse_amax(const histogram<MantissaBits, Signs>& spread,
                                       const mse_grid& grid = {}) noexcept {
  if (spread.range().nonzeros() == 0)
    return 0.0f;
  return detail::float_of_code(detail::best_range_code<Element>(
      spread.range().amax(), grid, [&](const auto& visit) noexcept { spread.for_each_sample(visit); }));
}

/// The same over the values themselves; doubles count as the float32 nearer zero, Inf and NaN are passed over.
template <few_bit_number Element, class T, std::size_t Extent>
requires block_source<std::remove_cv_t<T>>
[[nodiscard]] constexpr float mse_amax(std::span<T, Extent> values, const mse_grid& grid = {}) noexcept {
  min_max_calibrator range;
  range.add(values);
  if (range.nonzeros() == 0)
    return 0.0f;
  constexpr auto largest_code = static_cast<std::uint32_t>(binary32_format.max_code());
  return detail::float_of_code(detail::best_range_code<Element>(range.amax(), grid, [&](const auto& visit) noexcept {
    for (const auto& each : values) {
      const unpacked_number number = unpack(each);
      if (number.kind == number_class::finite) {
        const std::uint32_t code = detail::calibration_code(number);
        visit(code < largest_code ? code : largest_code, number.negative, std::uint64_t{1});
      }
    }
  }));
}

/// MSE calibration: add pieces, merge, ask. int4 and its like, whose range is wider below 0, want signs apart.
template <few_bit_number Element, int MantissaBits = 7, histogram_signs Signs = histogram_signs::folded>
class mse_calibrator : public histogram<MantissaBits, Signs> {
 public:
  [[nodiscard]] constexpr float amax(const mse_grid& grid = {}) const noexcept {
    return mse_amax<Element>(*this, grid);
  }
};

FEWBITS_NAMESPACE_END
