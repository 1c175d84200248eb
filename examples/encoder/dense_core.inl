// The float32 product's one loop. Included by schemes_float32.cpp inside each instruction set's region, after its data
// sheet.

/// out[r][0 .. 31] = sum over k of in[r][k] x panel[k][0 .. 31]: one chain of fused multiply-adds an output.
template <std::size_t Rows>
void dense_tile(const float* in, std::size_t stride, const float* panel, std::size_t depth, float* out) noexcept {
  floats sums[Rows][2];
  FEWBITS_UNROLL
  for (std::size_t r = 0; r < Rows; ++r)
    sums[r][0] = sums[r][1] = fill_floats(0.0f);
  for (std::size_t k = 0; k < depth; ++k) {
    const floats low = load_floats(panel + k * 32), high = load_floats(panel + k * 32 + 16);
    FEWBITS_UNROLL
    for (std::size_t r = 0; r < Rows; ++r) {
      const floats each = fill_floats(in[r * stride + k]);
      sums[r][0] = multiply_add(each, low, sums[r][0]);
      sums[r][1] = multiply_add(each, high, sums[r][1]);
    }
  }
  FEWBITS_UNROLL
  for (std::size_t r = 0; r < Rows; ++r) {
    store_floats(out + r * 32, sums[r][0]);
    store_floats(out + r * 32 + 16, sums[r][1]);
  }
}

inline constexpr dense_kernels dense{dense_rows, dense_tile<dense_rows>, dense_tile<1>};
