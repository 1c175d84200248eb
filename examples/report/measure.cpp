#include "measure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fewbits/gemm.hpp>

#include "random.hpp"

namespace fb = fewbits;

namespace report {

double row::bits_per_weight() const {
  return error.elements == 0 ? 0 : stored_bits / static_cast<double>(error.elements);
}

double row::relative_product_error() const { return product_error == 0 ? 0 : std::sqrt(product_error / product_power); }

void row::add(const row& other) {
  format = other.format;
  policy = other.policy;
  stored_bits += other.stored_bits;
  error += other.error;
  product_power += other.product_power;
  product_error += other.product_error;
  seconds += other.seconds;
}

std::vector<row> best_first(std::vector<row> rows) {
  const auto badness = [](const row& each) {
    return each.error.elements == each.error.poisoned ? HUGE_VAL : each.error.nmse();
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const row& a, const row& b) { return badness(a) < badness(b); });
  return rows;
}

measurement::measurement(const matrix& weights, bool with_products) : weights_(weights), with_products_(with_products) {
  if (!with_products)
    return;
  activations_.resize(activation_rows * weights.columns);
  random_source random(activation_seed);
  for (float& each : activations_)
    each = 0x1p-17f * static_cast<float>(random.normal());
  exact_ = product_with(weights.values.data());
}

std::vector<float> measurement::product_with(const float* weights) const {
  std::vector<float> product(activation_rows * weights_.rows);
  fb::reference_gemm(fb::matrix_view<float>{product.data(), activation_rows, weights_.rows},
                     fb::matrix_view<const float>{activations_.data(), activation_rows, weights_.columns},
                     fb::matrix_view<const float>{weights, weights_.rows, weights_.columns})
      .value();
  return product;
}

bool measurement::measure(const entry& how, row& into, std::string& problem) {
  into = {};
  into.format = how.format;
  into.policy = how.policy;
  if (!how.quantise(weights_, quantised_, problem)) {
    problem = weights_.name + ", " + how.name() + ": " + problem;
    return false;
  }
  into.error = quantised_.error;
  into.seconds = quantised_.seconds;
  into.stored_bits = how.stored_bits(weights_.rows, weights_.columns);
  if (!with_products_) {
    into.product_error = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const std::vector<float> rounded = product_with(quantised_.restored.data());
  for (std::size_t i = 0; i < exact_.size(); ++i) {
    const double was = exact_[i];
    const double error = rounded[i] - was;
    into.product_power += was * was;
    into.product_error += error * error;
  }
  return true;
}

}  // namespace report
