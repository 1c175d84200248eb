// Makes entries of the registry from formats and rules. Included by the lists alone: each line there is compiled code.
#pragma once

#include <chrono>
#include <string>
#include <type_traits>
#include <vector>

#include <fewbits/block.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/number.hpp>
#include <fewbits/quantize.hpp>

#include "policies.hpp"
#include "registry.hpp"

namespace report {

class stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point start_ = clock::now();
};

/// A rule as it stands; or made for a tensor, where it asks for the largest magnitude.
template <class Rule>
Rule rule_for(const matrix& weights) {
  if constexpr (std::is_default_constructible_v<Rule>)
    return Rule{};
  else
    return Rule(fewbits::finite_amax(weights.view()));
}

template <fewbits::blocked Format>
double stored_bits(std::size_t rows, std::size_t columns) {
  const auto layout = fewbits::quantized_layout<Format>::of(rows, columns);
  return layout ? 8.0 * static_cast<double>(layout->stored_bytes()) : 0.0;
}

template <fewbits::blocked Format>
void compare_and_restore(const matrix& weights, const fewbits::quantized_matrix<Format>& made, quantised& into) {
  into.error = fewbits::compare(weights.view(), made).value();
  into.restored.resize(weights.values.size());
  fewbits::dequantize(made, fewbits::matrix_view<float>{into.restored.data(), weights.rows, weights.columns}).value();
}

template <fewbits::blocked Format, class Rule>
bool quantise_blocks(const matrix& weights, quantised& into, std::string& problem) {
  const Rule rule = rule_for<Rule>(weights);
  const stopwatch watch;
  const auto made = fewbits::quantize<Format>(weights.view(), rule);
  into.seconds = watch.seconds();
  if (made)
    compare_and_restore(weights, *made, into);
  else
    problem = std::string(made.error().message());
  return made.has_value();
}

/// Every weight by itself, without a scale.
template <fewbits::few_bit_number Number>
bool quantise_numbers(const matrix& weights, quantised& into, std::string&) {
  std::vector<Number> codes(weights.values.size());
  const stopwatch watch;
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] = Number{weights.values[i]};
  into.seconds = watch.seconds();

  into.error = {};
  into.restored.resize(codes.size());
  constexpr fewbits::unpacked_number one = fewbits::make_unpacked(false, 1, 0);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    into.restored[i] = static_cast<float>(codes[i]);
    into.error.add(weights.values[i], into.restored[i]);
    if (fewbits::unpack(weights.values[i]).kind == fewbits::number_class::finite &&
        fewbits::is_extreme<Number>(codes[i].bits()) && fewbits::saturates<Number>(weights.values[i], one))
      ++into.error.saturated;
  }
  return true;
}
template <fewbits::few_bit_number Number>
double stored_bits_of_numbers(std::size_t rows, std::size_t columns) {
  return static_cast<double>(rows) * static_cast<double>(columns) * Number::format.bits();
}

/// The sweep over the breakpoints of 8-bit elements under real scales takes seconds for a million weights.
template <fewbits::blocked Format, class Rule>
inline constexpr bool is_slow = std::is_same_v<Rule, fewbits::exact_mse_t>&& Format::element_bits >= 8;

/// One format with one rule under a name of its own.
template <fewbits::blocked Format, class Rule>
void add(entries& into, const char* format, const char* what, policy_name policy) {
  into.push_back({format, policy.name, what, policy.what, is_slow<Format, Rule>, &stored_bits<Format>,
                  &quantise_blocks<Format, Rule>});
}
/// A format with all its rules.
template <fewbits::blocked Format, class... Rules>
void add(entries& into, const char* format, const char* what) {
  (add<Format, Rules>(into, format, what, name_of<Rules>), ...);
}
/// Numbers without a scale.
template <fewbits::few_bit_number Number>
void add_number(entries& into, const char* format, const char* what) {
  into.push_back({format, "cast", what, "each weight rounded by itself", false, &stored_bits_of_numbers<Number>,
                  &quantise_numbers<Number>});
}

}  // namespace report
