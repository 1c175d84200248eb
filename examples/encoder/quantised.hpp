// A linear layer on gemm, with prepacked weights of any block format. Included by schemes_*.cpp alone: each use is
// a set of kernels.
#pragma once

#include <optional>
#include <utility>

#include <fewbits/gemm/gemm.hpp>
#include <fewbits/matrix/quantize.hpp>
#include <fewbits/quantize/search_scale.hpp>

#include "linear.hpp"

namespace encoder {

struct gelu_t {
  float operator()(float sum) const { return gelu(sum); }
};

template <fewbits::blocked Format>
class quantised_linear final : public linear {
 public:
  quantised_linear(fewbits::packed_weights<Format> weights, std::vector<float> bias, std::size_t stored_bytes)
      : weights_(std::move(weights)), bias_(std::move(bias)), stored_bytes_(stored_bytes) {}

  bool run(const matrix& out, const const_matrix& in, after what, fewbits::thread_pool& pool) const override {
    if (what == after::gelu)
      return static_cast<bool>(
          fewbits::gemm(out, in, weights_, fewbits::bias(bias_), fewbits::activation(gelu_t{}), fewbits::on(pool)));
    return static_cast<bool>(fewbits::gemm(out, in, weights_, fewbits::bias(bias_), fewbits::on(pool)));
  }
  std::size_t stored_bytes() const override { return stored_bytes_; }

 private:
  fewbits::packed_weights<Format> weights_;
  std::vector<float> bias_;
  std::size_t stored_bytes_;
};

template <fewbits::blocked Format, auto... Policies>
std::unique_ptr<linear> make_quantised(const const_matrix& weights, std::vector<float> bias, std::string& problem) {
  const auto quantised = fewbits::quantize<Format>(weights, Policies...);
  if (!quantised) {
    problem = std::string(quantised.error().message());
    return nullptr;
  }
  auto packed = fewbits::prepack(*quantised);
  if (!packed) {
    problem = std::string(packed.error().message());
    return nullptr;
  }
  return std::make_unique<quantised_linear<Format>>(std::move(*packed), std::move(bias),
                                                    quantised->layout().stored_bytes());
}

}  // namespace encoder
