// In the place of cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ...): C = alpha A B^T + beta C, where B is NVFP4
// weights, packed once. A program that calls a BLAS with constant weights changes one line a layer.
#include <cmath>
#include <cstdio>
#include <vector>

#include <fewbits/fewbits.hpp>

namespace fb = fewbits;

/// m x n outputs of depth k; lda and ldc are the distances from row to row. Returns false where shapes disagree.
bool sgemm_nvfp4(std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
                 const fb::packed_weights<fb::nvfp4>& b, float beta, float* c, std::size_t ldc) {
  const fb::matrix_view<float> out(c, m, n, ldc);
  const fb::matrix_view<const float> activations(a, m, k, lda);
  const auto scaled = fb::activation([alpha](float sum) { return alpha * sum; });
  if (beta == 0)  // BLAS: C is not read
    return static_cast<bool>(alpha == 1 ? fb::gemm(out, activations, b) : fb::gemm(out, activations, b, scaled));
  // alpha (A B^T + beta / alpha C): the addend comes before the activation.
  return static_cast<bool>(alpha == 1 ? fb::gemm(out, activations, b, fb::plus(out, beta))
                                      : fb::gemm(out, activations, b, fb::plus(out, beta / alpha), scaled));
}

int main() {
  const std::size_t m = 5, n = 48, k = 200, lda = 208, ldc = 64;
  std::vector<float> a(m * lda), b(n * k), c(m * ldc, 1.0f);
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] = std::cos(0.7f * static_cast<float>(i % lda));
  for (std::size_t i = 0; i < b.size(); ++i)
    b[i] = std::cos(0.7f * static_cast<float>(i));
  const fb::matrix_view<const float> weights(b.data(), n, k);
  const auto packed = fb::prepack(*fb::quantize<fb::nvfp4>(weights));
  if (!packed || !sgemm_nvfp4(m, n, k, 2.0f, a.data(), lda, *packed, 0.5f, c.data(), ldc))
    return 1;

  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double exact = 0.5;
      for (std::size_t l = 0; l < k; ++l)
        exact += 2.0 * static_cast<double>(a[i * lda + l]) * static_cast<double>(b[j * k + l]);
      worst = std::fmax(worst, std::abs(exact - static_cast<double>(c[i * ldc + j])));
      largest = std::fmax(largest, std::abs(exact));
    }
  std::printf("largest output %.1f, largest error of 4-bit weights %.2f\n", largest, worst);
  const bool beyond_is_untouched = c[n] == 1.0f && c[ldc - 1] == 1.0f;
  return worst < 0.05 * largest && beyond_is_untouched ? 0 : 1;
}
