// The first walk: floats -> blocks -> a product, and what it cost.
#include <cmath>
#include <cstdio>
#include <vector>

#include <fewbits/fewbits.hpp>

namespace fb = fewbits;

int main() {
  // Weights [N, K] = [64, 200]: 200 is no multiple of 16, so each row ends in a shorter block.
  constexpr std::size_t rows = 4, columns = 64, depth = 200;
  std::vector<float> weights(columns * depth);
  std::vector<float> activations(rows * depth);
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = std::sin(0.37f * static_cast<float>(i)) / 16.0f;
  for (std::size_t i = 0; i < activations.size(); ++i)
    activations[i] = std::cos(0.11f * static_cast<float>(i));
  const fb::matrix_view<const float> w(weights.data(), columns, depth);
  const fb::matrix_view<const float> a(activations.data(), rows, depth);

  const auto quantized = fb::quantize<fb::nvfp4>(w);
  if (!quantized) {
    std::printf("%.*s\n", static_cast<int>(quantized.error().message().size()), quantized.error().message().data());
    return 1;
  }
  const auto cost = fb::compare(w, *quantized);
  std::printf("%.3f bits a weight, %.1f dB\n", quantized->bits_per_weight(), cost->sqnr_db());

  std::vector<float> out(rows * columns);
  std::vector<float> exact(rows * columns);
  const fb::matrix_view<float> product(out.data(), rows, columns);
  if (!fb::reference_gemm(product, a, *quantized) ||
      !fb::reference_gemm(fb::matrix_view<float>(exact.data(), rows, columns), a, w))
    return 1;
  double error = 0, power = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    error += std::pow(out[i] - exact[i], 2);
    power += std::pow(exact[i], 2);
  }
  std::printf("the product is off by %.1f %%\n", 100 * std::sqrt(error / power));

  // A wrong shape is a value, and nothing has been written.
  const auto refused = fb::reference_gemm(fb::matrix_view<float>(out.data(), rows, 63), a, *quantized);
  return cost->sqnr_db() > 18 && !refused && refused.error().code() == fb::errc::shape_mismatch ? 0 : 1;
}
