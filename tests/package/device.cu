// The types and conversions in device code: constexpr functions, so --expt-relaxed-constexpr is all they need.
#include <fewbits/number.hpp>

namespace fb = fewbits;

template <class T>
__global__ void convert_all(const float* input, typename T::bits_type* codes, float* back, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count)
    return;
  const T number = fb::convert<T>(input[i], fb::toward_zero, fb::no_saturate);
  codes[i] = (number + T{1.0f}).bits();
  back[i] = static_cast<float>(fma(number, number, number));
}

template __global__ void convert_all<fb::e4m3>(const float*, std::uint8_t*, float*, int);
template __global__ void convert_all<fb::e5m2fnuz>(const float*, std::uint8_t*, float*, int);
template __global__ void convert_all<fb::e2m1>(const float*, std::uint8_t*, float*, int);
template __global__ void convert_all<fb::ue8m0>(const float*, std::uint8_t*, float*, int);
template __global__ void convert_all<fb::bf16>(const float*, std::uint16_t*, float*, int);
template __global__ void convert_all<fb::binary<7, 3>>(const float*, std::uint8_t*, float*, int);
