// A multilayer perceptron in NVFP4: weights quantised and packed once, a product a layer, ReLU and bias on the way out.
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include <fewbits/fewbits.hpp>
#include <fewbits/gemm/thread_pool.hpp>

namespace fb = fewbits;
using matrix = fb::matrix_view<float>;

struct layer {
  fb::packed_weights<fb::nvfp4> weights;
  std::vector<float> bias;
};

std::optional<layer> make_layer(std::size_t inputs, std::size_t outputs) {
  std::vector<float> w(outputs * inputs), bias(outputs, 0.01f);
  for (std::size_t i = 0; i < w.size(); ++i)
    w[i] = std::sin(0.7f * static_cast<float>(i * i % 1009)) / std::sqrt(static_cast<float>(inputs));
  const auto quantized = fb::quantize<fb::nvfp4>(matrix(w.data(), outputs, inputs), fb::four_over_six);
  if (!quantized)
    return std::nullopt;
  auto packed = fb::prepack(*quantized);
  if (!packed)
    return std::nullopt;
  return layer{std::move(*packed), std::move(bias)};
}

int main() {
  const std::size_t sizes[] = {784, 256, 128, 10}, batch = 32;
  auto pool = fb::thread_pool::create(2);
  std::vector<float> values(batch * sizes[0]);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::cos(0.05f * static_cast<float>(i));
  for (std::size_t l = 0; pool && l != 3; ++l) {
    const auto each = make_layer(sizes[l], sizes[l + 1]);
    std::vector<float> next(batch * sizes[l + 1]);
    const auto relu = [last = l == 2](float x) { return last || x > 0 ? x : 0.0f; };
    if (!each || !fb::gemm(matrix(next.data(), batch, sizes[l + 1]), matrix(values.data(), batch, sizes[l]),
                           each->weights, fb::bias(each->bias), fb::activation(relu), fb::on(*pool)))
      return 1;
    values = std::move(next);
  }
  std::printf("first row:");
  for (std::size_t i = 0; i < 10; ++i)
    std::printf(" %.3f", static_cast<double>(values[i]));
  std::printf("\n");
  return values.size() == batch * 10 && std::isfinite(values[0]) ? 0 : 1;
}
