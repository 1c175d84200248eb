// The exact optimum of super-blocks whose blocks choose an alphabet and a sign under one shared scale: every scale,
// every alphabet, both signs. Floating point rules out what is worse by more than its rounding can be wrong; the rest
// is compared exactly. The bounds: block/block_error.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/exact_scaling.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/quantize/block_sample.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// One super-block in doubles, divided by a power of two that brings the largest value into [1, 2).
template <blocked Format, block_source T>
class shape_search {
  static constexpr std::size_t block_size = Format::size;
  static constexpr std::size_t blocks = Format::super_count;
  static constexpr std::size_t most = block_size * blocks;
  static constexpr std::size_t shapes = shape_count<Format>;
  static constexpr std::size_t entries = std::size_t{1} << Format::element_bits;
  static constexpr auto table = Format::element_type::format;
  using super_scale_type = decltype(Format::super_type::scale);
  static constexpr auto super_format = source_format<super_scale_type>();

 public:
  constexpr shape_search(std::span<const T> values, std::span<const float> weights, float tensor) noexcept
      : values_(values), weights_(weights), tensor_(tensor) {
    largest_exponent top;
    largest_exponent top_weight;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      top.meet(unpack(values_[i]));
      if (!weights_.empty())
        top_weight.meet(unpack(weights_[i]));
    }
    shift_ = -top.value;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      x_[i] = scaled_double(unpack(values_[i]), shift_);
      w_[i] = weights_.empty() ? 1.0 : scaled_double(unpack(weights_[i]), -top_weight.value);
    }
  }

  constexpr super_block_parameters<Format> best() noexcept {
    std::uint64_t found = super_format.min_positive_code();
    double least = 0x1p1000;
    std::array<double, super_format.max_code() + 1> errors{};
    for (std::uint64_t code = super_format.min_positive_code(); code <= super_format.max_code(); ++code) {
      errors[code] = bound_at(unit_of(code));
      if (errors[code] < least) {
        least = errors[code];
        found = code;
      }
    }
    // From the scale with the lowest bound outwards: a good one early rules the others out by their bounds.
    least = error_at(unit_of(found), 0x1p1000);
    errors[found] = least;
    for (std::uint64_t step = 1; step <= super_format.max_code(); ++step)
      for (const bool up : {true, false}) {
        if (up ? step > super_format.max_code() - found : step > found - super_format.min_positive_code())
          continue;
        const std::uint64_t code = up ? found + step : found - step;
        if (errors[code] > least + tolerance(least))
          continue;
        errors[code] = error_at(unit_of(code), least + tolerance(least));
        least = errors[code] < least ? errors[code] : least;
      }

    super_block_parameters<Format> chosen{};
    bool any = false;
    for (std::uint64_t code = super_format.min_positive_code(); code <= super_format.max_code(); ++code)
      if (errors[code] <= least + tolerance(least)) {
        const auto candidate = parameters_at(code);
        if (!any ||
            compare_block_errors<error_norm::squared>(values_, decoder(candidate), decoder(chosen), weights_) < 0)
          chosen = candidate;
        any = true;
      }
    return chosen;
  }

 private:
  [[nodiscard]] constexpr double tolerance(double error) const noexcept {
    const auto n = static_cast<double>(values_.size());
    return error * (n + 8) * 0x1p-50 + (n + 8) * 0x1p-980;
  }
  [[nodiscard]] constexpr double unit_of(std::uint64_t code) const noexcept {
    return scaled_double(exact_product(unpack_code<super_format>(code), unpack(tensor_)), shift_);
  }
  [[nodiscard]] static constexpr double entry(std::size_t shape, std::size_t code) noexcept {
    constexpr double digit = 1.0 / static_cast<double>(std::uint64_t{1} << table.fraction_bits);
    return table.entries[shape * entries + code] * digit;
  }

  static constexpr std::size_t lanes = 2 * shapes;
  using lane_array = std::array<double, entries * lanes>;
  /// Entry k of shape s is at k x lanes + 2 s, its opposite one after it.
  static constexpr lane_array lane_entries = [] {
    lane_array all{};
    for (std::size_t k = 0; k < entries; ++k)
      for (std::size_t lane = 0; lane < lanes; ++lane)
        all[k * lanes + lane] = lane % 2 == 0 ? entry(lane / 2, k) : -entry(lane / 2, k);
    return all;
  }();
  /// The smallest and the largest magnitude of all entries, and the middle between the smallest and the next.
  struct entry_ends {
    double smallest = 0x1p900;
    double middle = 0;
    double largest = 0;
  };
  static constexpr entry_ends ends = [] {
    entry_ends found{};
    for (const double each : lane_entries) {
      found.smallest = magnitude(each) < found.smallest ? magnitude(each) : found.smallest;
      found.largest = magnitude(each) > found.largest ? magnitude(each) : found.largest;
    }
    double next = found.largest;
    for (const double each : lane_entries)
      next = magnitude(each) > found.smallest && magnitude(each) < next ? magnitude(each) : next;
    found.middle = (found.smallest + next) / 2;
    return found;
  }();

  /// No choice of shapes and signs has a smaller error: values past the largest entry take that one, values nearest to
  /// the smallest take that one, and the rest costs nothing.
  [[nodiscard]] constexpr double bound_at(double unit) const noexcept {
    const double smallest = ends.smallest * unit;
    const double middle = ends.middle * unit;
    const double largest_entry = ends.largest * unit;
    double sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const double x = magnitude(x_[i]);
      const double distance = x > largest_entry ? x - largest_entry : x < middle ? x - smallest : 0;
      sum += w_[i] * (distance * distance);
    }
    return sum;
  }
  /// The error of block `b` in one shape, or anything above `limit` where it is larger.
  [[nodiscard]] constexpr double block_error(std::size_t b, std::size_t shape, double unit,
                                             double limit) const noexcept {
    const std::size_t first = b * block_size;
    const std::size_t last = values_.size() < first + block_size ? values_.size() : first + block_size;
    double sum = 0;
    for (std::size_t i = first; i < last && sum <= limit; ++i) {
      double nearest = 0x1p900;
      for (std::size_t k = 0; k < entries; ++k) {
        const double distance = x_[i] - entry(shape, k) * unit;
        nearest = distance * distance < nearest ? distance * distance : nearest;
      }
      sum += w_[i] * nearest;
    }
    return sum;
  }
  /// The error of all blocks, each in its best shape and sign, or anything above `limit` where it is larger. Shapes and
  /// signs lie side by side, so that compilers work on several at once.
  [[nodiscard]] constexpr double error_at(double unit, double limit) const noexcept {
    lane_array scaled{};
    for (std::size_t k = 0; k < scaled.size(); ++k)
      scaled[k] = lane_entries[k] * unit;
    double sum = 0;
    for (std::size_t b = 0; b * block_size < values_.size() && sum <= limit; ++b) {
      const std::size_t first = b * block_size;
      const std::size_t last = values_.size() < first + block_size ? values_.size() : first + block_size;
      std::array<double, lanes> errors{};
      for (std::size_t i = first; i < last; ++i) {
        const double x = x_[i];
        const double w = w_[i];
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          double nearest = magnitude(x - scaled[lane]);
          for (std::size_t k = 1; k < entries; ++k) {
            const double distance = magnitude(x - scaled[k * lanes + lane]);
            nearest = distance < nearest ? distance : nearest;
          }
          errors[lane] += w * (nearest * nearest);
        }
      }
      double least = errors[0];
      for (const double each : errors)
        least = each < least ? each : least;
      sum += least;
    }
    return sum;
  }

  /// The best shapes and signs under one scale; of equals the first.
  [[nodiscard]] constexpr super_block_parameters<Format> parameters_at(std::uint64_t code) const noexcept {
    using scale_type = typename Format::scale_type;
    using zero_type = typename Format::zero_type;
    super_block_parameters<Format> chosen{};
    chosen.super.scale = make_number<super_scale_type>(unpack_code<super_format>(code));
    for (std::size_t b = 0; b * block_size < values_.size(); ++b) {
      const std::size_t first = b * block_size;
      const std::size_t count = values_.size() - first < block_size ? values_.size() - first : block_size;
      std::array<double, 2 * shapes> errors{};
      double least = 0x1p1000;
      for (std::size_t k = 0; k < errors.size(); ++k) {
        errors[k] = block_error(b, k / 2, k % 2 == 0 ? unit_of(code) : -unit_of(code), 0x1p1000);
        least = errors[k] < least ? errors[k] : least;
      }
      bool any = false;
      for (std::size_t k = 0; k < errors.size(); ++k)
        if (errors[k] <= least + tolerance(least)) {
          const block_parameters<Format> candidate{scale_type::from_bits(static_cast<std::uint8_t>(k % 2)),
                                                   zero_type::from_bits(static_cast<std::uint8_t>(k / 2))};
          const auto part = values_.subspan(first, count);
          if (!any || compare_block_errors<error_norm::squared>(
                          part, block_decoder(part, candidate, chosen.super),
                          block_decoder(part, chosen.blocks[b], chosen.super),
                          weights_.empty() ? weights_ : weights_.subspan(first, count)) < 0)
            chosen.blocks[b] = candidate;
          any = true;
        }
    }
    return chosen;
  }
  [[nodiscard]] constexpr auto block_decoder(std::span<const T> part, const block_parameters<Format>& parameters,
                                             const typename Format::super_type& super) const noexcept {
    return [part, map = map_of<Format>(parameters, super, tensor_)](std::size_t i) noexcept {
      return element_value<Format>(encode_element<Format>(unpack(part[i]), map), map);
    };
  }
  [[nodiscard]] constexpr auto decoder(const super_block_parameters<Format>& parameters) const noexcept {
    return [this, parameters](std::size_t i) noexcept {
      const block_map map = map_of<Format>(parameters.blocks[i / block_size], parameters.super, tensor_);
      return element_value<Format>(encode_element<Format>(unpack(values_[i]), map), map);
    };
  }

  std::span<const T> values_;
  std::span<const float> weights_;
  float tensor_;
  int shift_ = 0;
  std::array<double, most> x_{};
  std::array<double, most> w_{};
};

}  // namespace detail

/// Least squared error of each super-block, weighed by an importance if there is one, over every super scale, and every
/// shape and sign of its blocks. Ties go to the smaller scale, the lower shape, the positive sign. The tensor scale
/// brings the largest value to the largest scale times the largest entry; under one that is no positive number all
/// parameters are 0. Inf and NaN that pass have no part in the error.
struct exact_shapes_t {
  using policy_kind = scale_kind;

  template <blocked Format>
  requires(Format::has_tensor_scale&& Format::has_super_scale)
      [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    constexpr unpacked_number reach = exact::multiply(largest<decltype(Format::super_type::scale)>,
                                                      largest_magnitude<typename Format::element_type>());
    return nonzero_number<float>(exact_quotient(amax, reach));
  }

  template <blocked Format, block_source T>
  requires(Format::has_shapes&& Format::has_super_scale)
      [[nodiscard]] constexpr super_block_parameters<Format> super_parameters(const block_values<T>& values,
                                                                              float tensor) const noexcept {
    static_assert(std::is_same_v<typename Format::scale_type, sign1>,
                  "exact_shapes searches blocks that store a sign and a shape: give the format sign1 for a scale");
    static_assert(Format::size * Format::super_count <= detail::most_on_the_stack);
    if (unpack(tensor).kind != number_class::finite || unpack(tensor).negative)
      return {};
    const detail::block_sample_array<T, Format::size * Format::super_count> sample(values);
    return detail::shape_search<Format, T>(sample.values(), sample.weights(), tensor).best();
  }

 private:
  template <few_bit_number Element>
  static constexpr unpacked_number largest_magnitude() noexcept {
    unpacked_number low = unpack_code<Element::format>(Element::format.min_code());
    low.negative = false;
    return compare_values(low, largest<Element>) < 0 ? largest<Element> : low;
  }
};
inline constexpr exact_shapes_t exact_shapes{};

FEWBITS_NAMESPACE_END
