// OpenBLAS: sgemm, and sbgemm (bf16) where the build has it. Weights as stored; it packs them in every call.
#include <cblas.h>

#include <cstdint>
#include <vector>

#include "native.hpp"

// Not in every build, and then not in cblas.h either.
extern "C" void cblas_sbgemm(enum CBLAS_ORDER, enum CBLAS_TRANSPOSE, enum CBLAS_TRANSPOSE, blasint, blasint, blasint,
                             float, const bfloat16*, blasint, const bfloat16*, blasint, float, float*, blasint)
    __attribute__((weak));

int main(int, char** arguments) {
  const int threads = std::atoi(arguments[1]);
  openblas_set_num_threads(threads);
  const std::size_t size = static_cast<std::size_t>(n * k);
  std::vector<float> out(static_cast<std::size_t>(512 * n));
  {
    const std::size_t copies = (dram_bytes + size * 4 - 1) / (size * 4);
    std::vector<float> weights(size * copies, 0.75f), activations(static_cast<std::size_t>(512 * k), 1.25f);
    for (const long rows : every_rows)
      report("float32", threads, rows, size * 4, copies, "float32", [&](std::size_t i) {
        if (rows == 1)
          cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, weights.data() + i * size, k, activations.data(), 1, 0,
                      out.data(), 1);
        else
          cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(rows), n, k, 1, activations.data(),
                      k, weights.data() + i * size, k, 0, out.data(), n);
      });
  }
  if (cblas_sbgemm == nullptr) {
    std::printf("bf16 1 0 0 bf16\n");
    return 0;
  }
  const std::size_t copies = (dram_bytes + size * 2 - 1) / (size * 2);
  std::vector<bfloat16> weights(size * copies, 0x3f40), activations(static_cast<std::size_t>(512 * k), 0x3fa0);
  for (const long rows : every_rows)
    report("bf16", threads, rows, size * 2, copies, "bf16", [&](std::size_t i) {
      cblas_sbgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(rows), n, k, 1, activations.data(), k,
                   weights.data() + i * size, k, 0, out.data(), n);
    });
}
