// What the kernels of simd/quantize_core.inl are given: where a matrix and its streams lie, how a block gets its scale
// and turned into a plan, and the reference for what they do not decide.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/matrix/layout.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/streams.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/simd/block_data.hpp>
#include <fewbits/simd/convert.hpp>
#include <fewbits/simd/kernels.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {
FEWBITS_BASELINE_BEGIN

template <block_source T>
constexpr T number_of_code(std::uint64_t code) noexcept {
  if constexpr (native_floating_point<T>)
    return std::bit_cast<T>(static_cast<typename native_float<T>::bits_type>(code));
  else
    return T::from_bits(static_cast<typename T::bits_type>(code));
}

/// The zero point of a block by min_max_scale, from its depth: false near a tie.
constexpr bool zero_of_quotient(double steps_down, int& zero) noexcept {
  if (!(steps_down < 1024))
    return false;
  const double up = steps_down + 0.5;
  const int rounded = static_cast<int>(up);
  const double past_tie = up - rounded;
  zero = rounded;
  return past_tie > 0x1p-30 && past_tie < 1 - 0x1p-30;
}

/// Of a rule that chooses among scales, how many; and by what the largest magnitude is multiplied for each.
template <class Rule>
inline constexpr std::size_t candidate_count = [] {
  if constexpr (requires { Rule::largest_goes_to.size(); })
    return Rule::largest_goes_to.size();
  else
    return std::size_t{0};
}();
template <class Rule>
constexpr std::array<float, candidate_count<Rule>> inverse_targets_of(double tensor) noexcept {
  std::array<float, candidate_count<Rule>> inverses{};
  if constexpr (candidate_count<Rule> != 0)
    for (std::size_t k = 0; k < inverses.size(); ++k)
      inverses[k] = static_cast<float>(1.0 / (tensor * static_cast<double>(Rule::largest_goes_to[k])));
  return inverses;
}

/// Quantising: `Reference` quantises block (i, j) by the constexpr functions, or gives its parameters.
template <blocked Format, block_source Source, class How, class Reference>
struct quantize_job {
  using format = Format;
  using source_type = Source;
  using element = typename Format::element_type;
  using scale_type = typename Format::scale_type;
  using rule_type = std::remove_cvref_t<decltype(How::rule)>;
  static constexpr float_format source = source_format<Source>();
  using block_rule = block_rule_of<rule_type, Format>;
  static constexpr rule_input input = input_of<rule_type, Format>();
  /// A power of two divides exactly. Codes of codebooks are found from float32, which takes a multiplication.
  static constexpr bool halves = is_power_type<scale_type> && !Format::has_tensor_scale && !Format::has_zero_point &&
                                 !Format::has_minimum && narrowing_of<element, element_encoding>() != narrowing::ladder;
  static constexpr bool plans_in_lanes = lanes_plan<Format, block_rule, Source>;
  static constexpr bool finds_on_grid = simd::finds_on_grid<element> && !Format::has_minimum && !Format::has_zero_point;
  static constexpr bool drops_zero_sign =
      has_negative_zero<element>() && !std::remove_cvref_t<decltype(How::zero_sign)>::keeps;

  const Source* values;
  std::size_t row_stride, column_stride;
  quantized_layout<Format> layout;
  std::byte* codes;
  std::size_t row_code_bytes;
  bool codes_are_zero, streams;  ///< past the caches
  const quantized_streams_out<Format>& to;
  const How& how;
  const Reference& reference;
  double tensor;  ///< normal and positive; 1 without a tensor scale
  float tensor_float;
  double exact_inverse_divisor;
  float divisor, inverse_divisor;                                 ///< of the rule's quotient
  scale_type* scales;                                             ///< null where they are packed
  std::array<float, candidate_count<rule_type>> inverse_targets;  ///< of the largest magnitude's quotients

  [[nodiscard]] bool quantize_by_reference(std::size_t i, std::size_t j) const noexcept {
    return reference.quantize(i, j);
  }

  /// By a quotient in double precision, or the step in a binade; false where that does not decide.
  [[nodiscard]] bool find_quickly(const block_facts& facts, block_parameters<Format>& found) const noexcept {
    if constexpr (binade_steps_of<Format, block_rule>.usable && source.mantissa_bits <= 23) {
      constexpr binade_steps steps = binade_steps_of<Format, block_rule>;
      const auto bits = static_cast<std::uint32_t>(direct_binary32(facts.amax));
      if (bits < 1u << 23)
        return false;
      const int code = steps.base - 127 + static_cast<int>((bits + ((1u << 23) - steps.threshold)) >> 23);
      constexpr int last = static_cast<int>(scale_type::format.max_code());
      found.scale = scale_type::from_bits(static_cast<typename scale_type::bits_type>(code < 0      ? 0
                                                                                      : code > last ? last
                                                                                                    : code));
      return true;
    } else if constexpr (is_quotient_rule<Format, block_rule> && takes_quotients<scale_type>) {
      if constexpr (input == rule_input::range) {
        if constexpr (Format::has_zero_point) {
          const double depth = double_of_code<source>(facts.below);
          const double range = double_of_code<source>(facts.above) + depth;
          int steps_down = 0;
          if (!scale_of_quotient(range * exact_inverse_divisor, found.scale) ||
              !zero_of_quotient(depth / double_of_scale(found.scale), steps_down))
            return false;
          const int zero = steps_down - static_cast<int>(element::format.negative_limit());
          found.zero = make_number<typename Format::zero_type>(
              make_unpacked(zero < 0, static_cast<std::uint64_t>(zero < 0 ? -zero : zero), 0));
          return true;
        } else {
          return false;
        }
      } else {
        const std::uint32_t code = input == rule_input::first_largest ? facts.first_largest : facts.amax;
        return scale_of_quotient(double_of_code<source>(code) * exact_inverse_divisor, found.scale);
      }
    } else {
      return false;
    }
  }
  static constexpr std::uint64_t direct_binary32(std::uint32_t code) noexcept {
    if constexpr (source.mantissa_bits == 23)
      return code;
    else
      return direct::widen<source, binary32_format>(code, operator_encoding);
  }

  /// The scales among which errors decide, and their units, in the window. False where the reference has to.
  template <std::size_t Count>
  [[nodiscard]] bool find_candidates(const block_facts& facts, scale_type (&found)[Count],
                                     double (&units)[Count]) const noexcept {
    if (facts.amax > source.max_code() || facts.amax == 0 || reference.weights_of_errors != nullptr)
      return false;
    const double amax = double_of_code<source>(facts.amax);
    for (std::size_t k = 0; k < Count; ++k) {
      const double target = static_cast<double>(rule_type::largest_goes_to[k]);
      if (!scale_of_quotient(amax / (tensor * target), found[k]))
        found[k] = how.rule.template candidate_scales<Format>(unpack_code<source>(facts.amax), to.tensor_scale)[k];
      units[k] = double_of_scale(found[k]) * tensor;
      const int exponent = exponent_of(units[k]);
      // Errors are compared in the first unit, and values are small multiples of it.
      if (exponent < lowest_unit || exponent > highest_unit || amax > 8 * units[k] || units[k] > 2 * units[0])
        return false;
    }
    return true;
  }

  /// The candidate of least error for values in a row. False where the reference has to. An element is the nearest, so
  /// its error is the least of all elements'. The nearest element times the unit, and its difference from the value,
  /// fit a double, and what is farther off rounds to no less: the largest error is exact. Sums are not, and near ties
  /// of them are left.
  [[nodiscard]] bool choose_by_doubles(const Source* from, std::size_t count, const block_facts& facts,
                                       scale_type& chosen) const noexcept {
    constexpr auto norm = rule_type::norm;
    constexpr auto magnitudes = static_cast<std::size_t>(element::format.max_code()) + 1;
    constexpr std::size_t candidates = candidate_count<rule_type>;
    if constexpr (!element::format.is_signed || unit_digits < Format >> 36 || magnitudes > 8) {
      return false;
    } else {
      scale_type found[candidates];
      double units[candidates];
      if (count > 64 || !find_candidates(facts, found, units))
        return false;
      std::size_t best = 0;
      double least = 0;
      for (std::size_t k = 0; k < candidates; ++k) {
        double error = 0;
        for (std::size_t i = 0; i < count; ++i) {
          const double value = double_of_code<source>(source_code(from[i]) & source.magnitude_mask());
          double distance = value;  // from 0
          for (std::size_t c = 1; c < magnitudes; ++c) {
            const double element_value = static_cast<double>(std::bit_cast<float>(float_bits_of<element>(c)));
            const double signed_distance = value - element_value * units[k];
            const double other = signed_distance < 0 ? -signed_distance : signed_distance;
            distance = other < distance ? other : distance;
          }
          if constexpr (norm == error_norm::largest)
            error = distance > error ? distance : error;
          else
            error += norm == error_norm::squared ? distance * distance : distance;
        }
        const double tolerance = norm == error_norm::largest ? 0.0 : 0x1p-44 * (error + least);
        if (k == 0 || error < least - tolerance) {
          best = k;
          least = error;
        } else if (norm != error_norm::largest && !(error > least + tolerance)) {
          return false;
        }
      }
      chosen = found[best];
      return true;
    }
  }

  /// Chooses and stores the parameters of block (i, j). False where the reference has to.
  [[nodiscard]] bool plan(std::size_t i, std::size_t j, const block_facts& facts, block_plan& made) const noexcept {
    if (facts.amax > source.max_code() || facts.amax == 0)
      return false;
    block_parameters<Format> found{};
    if (!find_quickly(facts, found)) {
      if constexpr (input == rule_input::amax) {
        found.scale = how.rule.template block_scale<Format>(unpack_code<source>(facts.amax), to.tensor_scale);
      } else if constexpr (input == rule_input::first_largest) {
        const Source one = number_of_code<Source>(facts.first_largest);
        found = how.rule.template parameters<Format>(block_values<Source>(&one, 1), to.tensor_scale);
      } else if constexpr (input == rule_input::range) {
        const Source ends[2] = {number_of_code<Source>(facts.above),
                                number_of_code<Source>(facts.below | source.sign_mask())};
        found = how.rule.template parameters<Format>(block_values<Source>(ends, 2), to.tensor_scale);
      } else if (!reference.choose(i, j, found)) {
        return false;
      }
    }
    if (!plan_unit(facts, found, made))
      return false;
    const std::size_t at = i * layout.block_columns() + j;
    store_parameter(to.scales, at, found.scale);
    if constexpr (fewbits::detail::is_stored<typename Format::zero_type>)
      store_parameter(to.zeros, at, found.zero);
    return true;
  }

  [[nodiscard]] bool plan_unit(const block_facts& facts, const block_parameters<Format>& found,
                               block_plan& made) const noexcept {
    if constexpr (halves) {
      if (found.scale.bits() > scale_type::format.max_code())
        return false;
      const int halvings = static_cast<int>(found.scale.bits()) - scale_type::format.bias;
      if (halvings < lowest_halvings<element> || halvings > 126 ||
          exponent_of(double_of_code<source>(facts.amax)) - halvings > 19)
        return false;
      made.inverse_low = static_cast<float>(std::bit_cast<double>(static_cast<std::uint64_t>(1023 - halvings) << 52));
    } else {
      const double unit = double_of_scale(found.scale) * tensor;
      const int exponent = exponent_of(unit);
      if (exponent < lowest_unit || exponent > highest_unit)
        return false;
      int top = exponent_of(double_of_code<source>(facts.amax));
      if constexpr (Format::has_minimum) {
        const unpacked_number offset = unpack(found.zero);
        if (offset.kind == number_class::nan || offset.kind == number_class::infinite || offset.exponent > 120 ||
            (offset.kind == number_class::finite && offset.exponent < -100) || offset.significand << 24 != 0)
          return false;
        made.offset = static_cast<float>(double_of(offset));
        top = top > offset.exponent ? top + 1 : offset.exponent + 1;
        if (top > 120)
          return false;
      }
      if (top - exponent > 19)  // such a quotient saturates; kernels take those below 2^21
        return false;
      if (finds_on_grid && double_of_code<source>(facts.amax) >
                               static_cast<double>(highest_quotient<element>) * (unit < 0 ? -unit : unit))
        return false;
      const double inverse = 1.0 / unit;
      made.set_inverses(static_cast<float>(inverse * static_cast<double>(just_below_one)),
                        static_cast<float>(inverse * static_cast<double>(just_above_one)),
                        is_minifloat<element> && has_sign<scale_type>);
      if constexpr (Format::has_zero_point)
        made.zero = static_cast<int>(found.zero);
    }
    return true;
  }

  /// Lanes whose quotient lies too near a boundary.
  FEWBITS_NOINLINE void encode_exactly(const Source* from, std::uint32_t lanes, std::size_t at,
                                       std::uint32_t* piece) const noexcept {
    block_parameters<Format> found{.scale = to.scales[at]};
    if constexpr (fewbits::detail::is_stored<typename Format::zero_type>)
      found.zero = to.zeros[at];
    const block_map map = map_of<Format>(found, {}, to.tensor_scale);
    for (; lanes != 0; lanes &= lanes - 1) {
      const auto lane = static_cast<std::size_t>(std::countr_zero(lanes));
      piece[lane] = encode_element<Format>(unpack_code<source>(source_code(from[lane])), map);
    }
  }
};

template <class Source>
struct amax_job {
  using source_type = Source;
  const Source* values;
  std::size_t rows, columns, row_stride, column_stride;
};

template <blocked Format>
struct dequantize_job {
  using format = Format;
  const quantized_view<Format>& from;
  quantized_layout<Format> layout;
  const std::byte* codes;
  std::size_t row_code_bytes, rows, columns;
  float* out;
  std::size_t row_stride, column_stride;
  bool streams;
  float tensor;                               ///< in the window of units; 1 without a tensor scale
  const typename Format::scale_type* scales;  ///< null where they are packed

  /// False where the unit or the offset is zero, not finite, or outside the window.
  [[nodiscard]] bool plan(std::size_t i, std::size_t j, decode_plan& made) const noexcept {
    double unit = 0;
    if constexpr (Format::has_super_scale || Format::has_tensor_offset || Format::has_minimum ||
                  !has_float_scales<typename Format::scale_type>) {
      const block_map map = from.map_of_block(i, j);
      unit = double_of(map.unit);
      if (map.offset.kind == number_class::nan || map.offset.kind == number_class::infinite)
        return false;
      if (map.offset.kind == number_class::finite) {
        if (map.offset.exponent < lowest_unit || map.offset.exponent > highest_unit ||
            map.offset.significand << 24 != 0)
          return false;
      }
      made.offset_bits = std::bit_cast<std::uint32_t>(static_cast<float>(double_of(map.offset)));
      if (map.offset.kind == number_class::zero)
        made.offset_bits = static_cast<std::uint32_t>(map.offset.negative ? 1 : 0) << 31;
      if (map.unit.kind != number_class::finite)
        return false;
      made.zero = map.zero;
      made.shape = map.shape;
    } else {
      const auto parameters = from.parameters_of(i, j);
      unit = double_of_scale(parameters.scale);
      if constexpr (Format::has_zero_point)
        made.zero = static_cast<int>(parameters.zero);
      else if constexpr (Format::has_shapes)
        made.shape = parameters.zero.bits();
    }
    const int exponent = exponent_of(unit);
    if (exponent < lowest_unit || exponent > highest_unit)
      return false;
    made.unit = static_cast<float>(unit);
    return true;
  }
  void decode_by_reference(std::size_t row, std::size_t column, std::size_t count, float* to) const noexcept {
    from.decode(row, column, std::span<float>(to, count));
  }
};

template <class Job>
bool run_quantize([[maybe_unused]] const Job& job, [[maybe_unused]] bool& failed) noexcept {
  FEWBITS_RUN_KERNEL(quantize_blocks(job, failed))
  return false;
}
template <class Job>
bool run_finite_amax([[maybe_unused]] const Job& job, [[maybe_unused]] std::uint64_t& amax) noexcept {
  FEWBITS_RUN_KERNEL(find_finite_amax(job, amax))
  return false;
}
template <class Job>
bool run_dequantize([[maybe_unused]] const Job& job) noexcept {
  FEWBITS_RUN_KERNEL(dequantize_blocks(job))
  return false;
}
/// Asked once a call: kernels round to nearest as the machine does.
inline bool machine_rounds_to_nearest() noexcept {
  bool yes = false;
  const auto ask = [&]() noexcept {
    FEWBITS_RUN_KERNEL(ask_rounding(yes))
    return false;
  };
  return ask() && yes;
}

/// The code of the largest finite magnitude; false where there are no lanes for it.
template <class Source>
bool find_amax_by_lanes(const matrix_view<Source>& values, std::uint64_t& amax) noexcept {
  using source_type = std::remove_cv_t<Source>;
  if constexpr (lanes_read<source_type> && block_source<source_type>) {
    if (values.columns() == 0 || values.rows() == 0)
      return false;
    return run_finite_amax(amax_job<source_type>{values.data(), values.rows(), values.columns(),
                                                 values.row_stride_elements(), values.column_stride_elements()},
                           amax);
  } else {
    return false;
  }
}

template <class T>
constexpr T* objects_of(const std::span<T>& stream) noexcept {
  return stream.data();
}
template <class T, bit_order Order, class Byte>
constexpr std::conditional_t<std::is_const_v<Byte>, const T*, T*> objects_of(
    const packed_numbers_span<T, Order, Byte>&) noexcept {
  return nullptr;
}

/// A tensor scale that kernels can multiply by.
template <blocked Format>
bool tensor_factor([[maybe_unused]] const typename Format::tensor_scale_type& tensor_scale, double& factor) noexcept {
  factor = 1;
  if constexpr (Format::has_tensor_scale) {
    factor = double_of_code<binary32_format>(source_code(tensor_scale));
    return factor > 0 && exponent_of(factor) >= -100 && exponent_of(factor) <= 100;
  } else {
    return true;
  }
}

/// Quantises by kernels what they can, with the tensor scale in to.tensor_scale. False where they cannot begin.
template <blocked Format, class Source, class How, class Reference>
bool quantize_by_lanes(const matrix_view<Source>& values, const quantized_layout<Format>& layout,
                       const quantized_streams_out<Format>& to, const How& how, const Reference& reference,
                       bool codes_are_zero, bool& failed) noexcept {
  using source_type = std::remove_cv_t<Source>;
  using job_type = quantize_job<Format, source_type, How, Reference>;
  double tensor = 1;
  if (values.rows() == 0 || values.columns() == 0 || !tensor_factor<Format>(to.tensor_scale, tensor) ||
      !machine_rounds_to_nearest())
    return false;
  const double divisor = divisor_of<Format, typename job_type::block_rule>(tensor);
  return run_quantize(job_type{values.data(), values.row_stride_elements(), values.column_stride_elements(), layout,
                               to.codes.data(), layout.row_code_bytes(), codes_are_zero,
                               values.rows() * values.columns() * sizeof(Source) >= streaming_bytes, to, how, reference,
                               tensor, static_cast<float>(tensor), 1.0 / divisor, static_cast<float>(divisor),
                               static_cast<float>(1.0 / divisor), objects_of(to.scales),
                               inverse_targets_of<typename job_type::rule_type>(tensor)},
                      failed);
}

/// The same for values. False where nothing is done.
template <blocked Format>
bool dequantize_by_lanes(const quantized_view<Format>& from, const matrix_view<float>& out) noexcept {
  double tensor = 1;
  if (from.rows() == 0 || from.columns() == 0 || !tensor_factor<Format>(from.tensor_scale(), tensor) ||
      exponent_of(tensor) < lowest_unit / 2 || exponent_of(tensor) > highest_unit / 2 || !machine_rounds_to_nearest())
    return false;
  return run_dequantize(dequantize_job<Format>{from, from.layout(), from.codes().data(), from.layout().row_code_bytes(),
                                               from.rows(), from.columns(), out.data(), out.row_stride_elements(),
                                               out.column_stride_elements(),
                                               from.rows() * from.columns() * sizeof(float) >= streaming_bytes,
                                               static_cast<float>(tensor), objects_of(from.scales())});
}

FEWBITS_BASELINE_END
}  // namespace simd
FEWBITS_NAMESPACE_END
