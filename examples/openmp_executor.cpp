// OpenMP's threads as the executor of a product. Without OpenMP it says so and multiplies on one thread.
#include <cstddef>
#include <cstdio>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <fewbits/fewbits.hpp>

namespace fb = fewbits;

struct openmp_executor {
#if defined(_OPENMP)
  static std::size_t concurrency() { return static_cast<std::size_t>(omp_get_max_threads()); }
#else
  static std::size_t concurrency() { return 1; }
#endif
  template <class Part>
  void parallel_for(std::size_t count, const Part& part) const {
    [[maybe_unused]] const auto parts = static_cast<std::ptrdiff_t>(count);
#if defined(_OPENMP)
#pragma omp parallel for schedule(static, 1)
#endif
    for (std::ptrdiff_t i = 0; i < parts; ++i)
      part(static_cast<std::size_t>(i));
  }
};

int main() {
  const std::size_t rows = 8, outputs = 512, depth = 1024;
  std::vector<float> weights(outputs * depth), activations(rows * depth, 1.0f), out(rows * outputs);
  for (std::size_t i = 0; i != weights.size(); ++i)
    weights[i] = static_cast<float>(i % 7) - 3.0f;
  const auto packed =
      fb::prepack(*fb::quantize<fb::mxfp4>(fb::matrix_view<const float>(weights.data(), outputs, depth)));

#if !defined(_OPENMP)
  std::puts("skipped: this compiler was not asked for OpenMP (-fopenmp), so one thread multiplies");
#endif
  const openmp_executor threads;
  if (!packed || !fb::gemm(fb::matrix_view<float>(out.data(), rows, outputs),
                           fb::matrix_view<const float>(activations.data(), rows, depth), *packed, fb::on(threads)))
    return 1;
  std::printf("%zu threads, first output %g\n", openmp_executor::concurrency(), static_cast<double>(out[0]));
  return 0;
}
