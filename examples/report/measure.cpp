#include "measure.hpp"

#include <chrono>
#include <cmath>

#include <fewbits/block.hpp>
#include <fewbits/gemm.hpp>
#include <fewbits/matrix.hpp>
#include <fewbits/number.hpp>

#include "random.hpp"

namespace fb = fewbits;

namespace report {
namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) { return std::chrono::duration<double>(clock::now() - start).count(); }

/// The random product of one matrix, made once and compared with every format's.
class product_check {
 public:
  explicit product_check(const matrix& weights)
      : rows_(weights.rows),
        depth_(weights.columns),
        activations_(activation_rows * depth_),
        exact_(activation_rows * rows_),
        rounded_(activation_rows * rows_) {
    random_source random(activation_seed);
    for (float& each : activations_)
      each = 0x1p-17f * static_cast<float>(random.normal());
    fb::reference_gemm(output(exact_), inputs(), weights.view()).value();
  }

  template <class Weights>
  void fill(row& into, const Weights& weights) {
    fb::reference_gemm(output(rounded_), inputs(), weights).value();
    for (std::size_t i = 0; i < exact_.size(); ++i) {
      const double was = exact_[i];
      const double error = rounded_[i] - was;
      into.product_power += was * was;
      into.product_error += error * error;
    }
  }

 private:
  fb::matrix_view<float> output(std::vector<float>& values) const { return {values.data(), activation_rows, rows_}; }
  fb::matrix_view<const float> inputs() const { return {activations_.data(), activation_rows, depth_}; }

  std::size_t rows_;
  std::size_t depth_;
  std::vector<float> activations_;
  std::vector<float> exact_;
  std::vector<float> rounded_;
};

template <fb::blocked Format>
bool measure_blocks(const char* name, const matrix& weights, product_check& product, std::vector<row>& rows,
                    std::string& problem) {
  row made;
  made.format = name;
  const auto start = clock::now();
  const auto quantized = fb::quantize<Format>(weights.view());
  made.seconds = seconds_since(start);
  if (!quantized) {
    problem = weights.name + ": " + std::string(quantized.error().message());
    return false;
  }
  made.stored_bits = quantized->bits_per_weight() * static_cast<double>(weights.values.size());
  made.error = *fb::compare(weights.view(), *quantized);
  product.fill(made, *quantized);
  rows.push_back(made);
  return true;
}

/// Every weight by itself, over one float32 scale for the matrix (amax / largest element) or over none.
template <fb::few_bit_number Element, bool Scaled>
void measure_elements(const char* name, const matrix& weights, product_check& product, std::vector<row>& rows) {
  row made;
  made.format = name;
  std::vector<Element> codes(weights.values.size());
  const auto start = clock::now();
  float scale = 1;
  if constexpr (Scaled) {
    const auto amax = fb::finite_amax(weights.view());
    if (amax.kind != fb::number_class::zero)
      scale = fb::make_number<float>(fb::exact_quotient(amax, fb::largest<Element>));
    if (fb::source_code(scale) == 0)
      scale = 0x1p-149f;
  }
  const fb::unpacked_number divisor = fb::unpack(scale);
  for (std::size_t i = 0; i < codes.size(); ++i)
    if constexpr (Scaled)
      codes[i] = fb::make_number<Element>(fb::exact_quotient(fb::unpack(weights.values[i]), divisor));
    else
      codes[i] = Element{weights.values[i]};
  made.seconds = seconds_since(start);

  std::vector<float> restored(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    restored[i] =
        Scaled ? fb::pack_native<float>(fb::exact::multiply(unpack(codes[i]), divisor)) : static_cast<float>(codes[i]);
    made.error.add(weights.values[i], restored[i]);
    if (fb::unpack(weights.values[i]).kind == fb::number_class::finite && fb::is_extreme<Element>(codes[i].bits()) &&
        fb::saturates<Element>(weights.values[i], divisor))
      ++made.error.saturated;
  }
  made.stored_bits = static_cast<double>(codes.size()) * Element::format.bits() + (Scaled ? 32 : 0);
  product.fill(made, fb::matrix_view<const float>{restored.data(), weights.rows, weights.columns});
  rows.push_back(made);
}

}  // namespace

double row::bits_per_weight() const {
  return error.elements == 0 ? 0 : stored_bits / static_cast<double>(error.elements);
}

double row::relative_product_error() const { return product_error == 0 ? 0 : std::sqrt(product_error / product_power); }

void row::add(const row& other) {
  format = other.format;
  stored_bits += other.stored_bits;
  error.elements += other.error.elements;
  error.saturated += other.error.saturated;
  error.underflowed += other.error.underflowed;
  error.poisoned += other.error.poisoned;
  error.power += other.error.power;
  error.squared_error += other.error.squared_error;
  error.largest_error = std::fmax(error.largest_error, other.error.largest_error);
  product_power += other.product_power;
  product_error += other.product_error;
  seconds += other.seconds;
}

bool measure(const matrix& weights, std::vector<row>& rows, std::string& problem) {
  rows.clear();
  product_check product(weights);
  measure_elements<fb::fp16, false>("fp16", weights, product, rows);
  measure_elements<fb::bf16, false>("bf16", weights, product, rows);
  measure_elements<fb::e4m3, true>("e4m3 tensor", weights, product, rows);
  measure_elements<fb::e5m2, true>("e5m2 tensor", weights, product, rows);
  return measure_blocks<fb::nvfp4>("nvfp4", weights, product, rows, problem) &&
         measure_blocks<fb::mxfp4>("mxfp4", weights, product, rows, problem);
}

}  // namespace report
