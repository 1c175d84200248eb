// The reference: weights as float32, a plain product of panels. It borrows the lanes of the library's kernels, so that
// the speed of few bits is not compared with a loop that no compiler has turned into vectors.
#include <algorithm>
#include <utility>

#include <fewbits/simd/kernels.hpp>
#include <fewbits/simd/scalar.hpp>

#include "linear.hpp"

namespace encoder {

using dense_tile_function = void (*)(const float* in, std::size_t stride, const float* panel, std::size_t depth,
                                     float* out) noexcept;
struct dense_kernels {
  std::size_t rows;
  dense_tile_function tile, row;
};

}  // namespace encoder

#define ENCODER_DENSE(name, rows)      \
  namespace encoder::name {            \
  using namespace fewbits::simd::name; \
  inline constexpr std::size_t dense_rows = rows;
#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX2_BEGIN
ENCODER_DENSE(avx2, 3)
#include "dense_core.inl"
}
FEWBITS_TARGET_END
FEWBITS_TARGET_AVX512_BEGIN
ENCODER_DENSE(avx512, 14)
#include "dense_core.inl"
}
FEWBITS_TARGET_END
#elif FEWBITS_SIMD_NEON
FEWBITS_TARGET_NEON_BEGIN
ENCODER_DENSE(neon, 2)
#include "dense_core.inl"
}
FEWBITS_TARGET_END
#endif
ENCODER_DENSE(scalar, 2)
#include "dense_core.inl"
}

namespace encoder {
namespace {

dense_kernels kernels_in_force() {
  switch (fewbits::active_isa()) {
#if FEWBITS_SIMD_X86
    case fewbits::isa::amx:
    case fewbits::isa::avx512: return avx512::dense;
    case fewbits::isa::avx2: return avx2::dense;
#elif FEWBITS_SIMD_NEON
    case fewbits::isa::neon: return neon::dense;
#endif
    default: return scalar::dense;
  }
}

constexpr std::size_t panel = 32;

class float32_linear final : public linear {
 public:
  float32_linear(const const_matrix& weights, std::vector<float> bias)
      : bias_(std::move(bias)),
        outputs_(weights.rows()),
        depth_(weights.columns()),
        panels_((outputs_ + panel - 1) / panel * panel * depth_) {
    for (std::size_t n = 0; n < outputs_; ++n)
      for (std::size_t k = 0; k < depth_; ++k)
        panels_[(n / panel * depth_ + k) * panel + n % panel] = weights(n, k);
  }

  bool run(const matrix& out, const const_matrix& in, after what, fewbits::thread_pool& pool) const override {
    const dense_kernels kernels = kernels_in_force();
    pool.parallel_for((outputs_ + panel - 1) / panel, [&](std::size_t p) noexcept {
      float tile[16 * panel];
      for (std::size_t r = 0; r < in.rows();) {
        const bool full = in.rows() - r >= kernels.rows;
        const std::size_t rows = full ? kernels.rows : 1;
        (full ? kernels.tile : kernels.row)(&in(r, 0), in.row_stride_elements(), &panels_[p * panel * depth_], depth_,
                                            tile);
        for (std::size_t i = 0; i < rows; ++i, ++r)
          for (std::size_t n = p * panel; n < (std::min)(outputs_, (p + 1) * panel); ++n) {
            const float sum = tile[i * panel + n % panel] + bias_[n];
            out(r, n) = what == after::gelu ? gelu(sum) : sum;
          }
      }
    });
    return true;
  }
  std::size_t stored_bytes() const override { return outputs_ * depth_ * sizeof(float); }

 private:
  std::vector<float> bias_;
  std::size_t outputs_, depth_;
  std::vector<float> panels_;  // 32 outputs side by side, input after input
};

std::unique_ptr<linear> make_float32(const const_matrix& weights, std::vector<float> bias, std::string&) {
  return std::make_unique<float32_linear>(weights, std::move(bias));
}

}  // namespace

void add_float32(schemes& into) { into.push_back({"float32", "as the file has them", make_float32}); }

schemes all_schemes() {
  schemes all;
  add_float32(all);
  add_fp4(all);
  add_integers(all);
  add_fp8(all);
  return all;
}

}  // namespace encoder
