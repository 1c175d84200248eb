// A few candidates for a block's scale, and the one with the least error. Errors are compared exactly, so a tie is a
// tie. Sources: OCP MX's neighbours of the floor rule; "Four over six", arXiv 2512.02010, and Transformer Engine's
// variants.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/block_map.hpp>
#include <fewbits/block/block_values.hpp>
#include <fewbits/block/power_of_two.hpp>
#include <fewbits/block/scale.hpp>
#include <fewbits/quantize/block_sample.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// The first of the scales under which the block's error is least, elements being the nearest ones.
template <error_norm Norm, blocked Format, block_source T, std::size_t Count>
constexpr typename Format::scale_type best_scale(
    const block_values<T>& values, const typename Format::tensor_scale_type& tensor_scale,
    const std::array<typename Format::scale_type, Count>& scales) noexcept {
  static_assert(searches_on_the_stack<Format>, "this rule looks at blocks of a fixed size, up to 1024 values");
  using decoded_values = std::array<unpacked_number, Format::size>;
  const block_sample_array<T, Format::size> sample(values);
  const auto decode_with = [&](const typename Format::scale_type& candidate_scale) noexcept {
    decoded_values decoded{};
    const block_map map = map_of<Format>({.scale = candidate_scale}, {}, tensor_scale);
    for (std::size_t i = 0; i < sample.values().size(); ++i)
      if (map.unit.kind == number_class::finite)
        decoded[i] = element_value<Format>(encode_element<Format>(unpack(sample.values()[i]), map), map);
    return decoded;
  };
  std::size_t best = 0;
  decoded_values decoded_best = decode_with(scales[0]);
  for (std::size_t k = 1; k < Count; ++k) {
    const decoded_values decoded = decode_with(scales[k]);
    const auto order = compare_block_errors<Norm>(
        sample.values(), [&](std::size_t i) noexcept { return decoded[i]; },
        [&](std::size_t i) noexcept { return decoded_best[i]; }, sample.weights());
    if (order < 0) {
      best = k;
      decoded_best = decoded;
    }
  }
  return scales[best];
}

}  // namespace detail

/// The power of two of the floor rule, the one below it or the one above it: whichever has the least squared error.
/// Ties go to floor, then to the one below.
template <error_norm Norm = error_norm::squared>
struct search_scale_t {
  using policy_kind = scale_kind;

  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              no_tensor_scale) const noexcept {
    const unpacked_number amax = unpack_code<source_format<T>()>(values.largest_finite_code());
    const int floor = amax.exponent - largest<typename Format::element_type>.exponent;
    return {.scale = detail::best_scale<Norm, Format, T, 3>(
                values, {},
                {detail::power_scale<Format>(floor), detail::power_scale<Format>(floor - 1),
                 detail::power_scale<Format>(floor + 1)})};
  }
};

/// NVFP4: the block's largest magnitude goes to 6 or to 4, whichever has the smaller error; ties go to 6. The tensor
/// scale leaves room for the larger scale: amax / (256 x 6) in place of 448 x 6. Scales are rounded to nearest even.
template <error_norm Norm = error_norm::squared>
struct four_over_six_t {
  using policy_kind = scale_kind;

  // What kernels go by: the least error by this norm decides among scales that bring the largest magnitude to these.
  static constexpr error_norm norm = Norm;
  static constexpr std::array<std::uint64_t, 2> largest_goes_to{6, 4};

  template <blocked Format>
  [[nodiscard]] constexpr float tensor_scale(const unpacked_number& amax) const noexcept {
    constexpr unpacked_number reach =
        exact::multiply(make_unpacked(false, 256, 0), largest<typename Format::element_type>);
    return nonzero_number<float>(exact_quotient(amax, reach));
  }
  template <blocked Format>
  [[nodiscard]] constexpr std::array<typename Format::scale_type, 2> candidate_scales(const unpacked_number& amax,
                                                                                      float tensor) const noexcept {
    const auto scale_to = [&](std::uint64_t target) noexcept {
      return nonzero_number<typename Format::scale_type>(
          exact_quotient(amax, exact::multiply(unpack(tensor), make_unpacked(false, target, 0))));
    };
    return {scale_to(largest_goes_to[0]), scale_to(largest_goes_to[1])};
  }
  template <blocked Format, block_source T>
  [[nodiscard]] constexpr block_parameters<Format> parameters(const block_values<T>& values,
                                                              float tensor) const noexcept {
    static_assert(largest<typename Format::element_type>.exponent == 2, "four over six is for e2m1 elements");
    const unpacked_number amax = unpack_code<source_format<T>()>(values.largest_finite_code());
    return {.scale = detail::best_scale<Norm, Format, T, 2>(values, tensor, candidate_scales<Format>(amax, tensor))};
  }
};

inline constexpr search_scale_t<> search_scale{};
inline constexpr four_over_six_t<error_norm::squared> four_over_six{};
inline constexpr four_over_six_t<error_norm::absolute> four_over_six_absolute{};
inline constexpr four_over_six_t<error_norm::largest> four_over_six_largest{};

FEWBITS_NAMESPACE_END
