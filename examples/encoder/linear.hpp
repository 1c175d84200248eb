// A linear layer whose weights are kept in one of several schemes; each scheme is compiled in a file of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <fewbits/gemm/thread_pool.hpp>
#include <fewbits/matrix/view.hpp>

namespace encoder {

using matrix = fewbits::matrix_view<float>;
using const_matrix = fewbits::matrix_view<const float>;

/// What happens to a layer's outputs on their way.
enum class after { nothing, gelu };

/// x (1 + erf(x / sqrt 2)) / 2, the form that BERT was trained with. erf is a quotient of polynomials, fitted for this
/// program, off by less than 4e-7: without a branch, so that compilers turn it into vectors.
inline float gelu(float x) {
  const float reached = 0.70710678f * x < -4.0f ? -4.0f : 0.70710678f * x > 4.0f ? 4.0f : 0.70710678f * x;
  const float t = reached * reached;
  const float over =
      ((((1.97483008e-06f * t + 0.000288038265f) * t + 0.00400356012f) * t + 0.0534672237f) * t + 0.196247135f) * t +
      1.12837898f;
  const float under =
      ((((3.74806932e-05f * t + 0.00121633652f) * t + 0.0154442566f) * t + 0.116475653f) * t + 0.507250656f) * t + 1.0f;
  return 0.5f * x * (1.0f + reached * over / under);
}

class linear {
 public:
  linear() = default;
  linear(const linear&) = delete;
  linear& operator=(const linear&) = delete;
  virtual ~linear() = default;
  /// out [rows, outputs] = after(in [rows, inputs] x weights [outputs, inputs] transposed + bias). False where memory
  /// is exhausted.
  virtual bool run(const matrix& out, const const_matrix& in, after what, fewbits::thread_pool& pool) const = 0;
  /// Bytes of the weights as the scheme stores them, scales included, the bias left out.
  virtual std::size_t stored_bytes() const = 0;
};

struct scheme {
  const char* name;
  const char* what;
  /// A null pointer, and `problem` says why, where the weights cannot be kept.
  std::unique_ptr<linear> (*make)(const const_matrix& weights, std::vector<float> bias, std::string& problem);
};
using schemes = std::vector<scheme>;

/// One a file schemes_*.cpp.
void add_float32(schemes&);
void add_fp4(schemes&);
void add_fp8(schemes&);
void add_integers(schemes&);

/// All of them, float32 first.
schemes all_schemes();

}  // namespace encoder
