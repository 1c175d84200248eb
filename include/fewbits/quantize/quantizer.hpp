// A quantiser as a value: a format with its scaling policy, statistics and other choices, made once and used for many
// matrices.
#pragma once

#include <tuple>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/encoding.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/matrix/report.hpp>

FEWBITS_NAMESPACE_BEGIN

/// What quantize<Format>(matrix, policies...) does, as an object. Policies are held by value; an importance borrows its
/// weights. Made by quantizer_for<Format>(policies...).
template <blocked Format, policy... Policies>
class quantizer {
 public:
  using format = Format;

  constexpr explicit quantizer(const Policies&... chosen_policies) noexcept : policies_(chosen_policies...) {
    static_cast<void>(sizeof(detail::choose_block_encoding<Format>(chosen_policies...)));  // says now what does not fit
  }

  /// Errors: those of quantize.
  template <class T>
  requires block_source<std::remove_cv_t<T>>
  [[nodiscard]] result<quantized_matrix<Format>> operator()(const matrix_view<T>& matrix) const noexcept {
    return std::apply([&](const Policies&... each_policy) noexcept { return quantize<Format>(matrix, each_policy...); },
                      policies_);
  }
  /// The same with what it lost. Errors: those of quantize_with_report.
  template <class T>
  requires block_source<std::remove_cv_t<T>>
  [[nodiscard]] result<quantized_with_report<Format>> with_report(const matrix_view<T>& matrix,
                                                                  const error_parts& parts = {}) const noexcept {
    return std::apply(
        [&](const Policies&... each_policy) noexcept {
          return quantize_with_report<Format>(matrix, parts, each_policy...);
        },
        policies_);
  }

 private:
  std::tuple<Policies...> policies_;
};

/// `const auto to_fp8 = fb::quantizer_for<fb::fp8_tensor<>>(fb::fixed_range(calibrator.amax()));`
template <blocked Format, policy... Policies>
[[nodiscard]] constexpr quantizer<Format, Policies...> quantizer_for(const Policies&... policies) noexcept {
  return quantizer<Format, Policies...>(policies...);
}

FEWBITS_NAMESPACE_END
