// Answers of NVIDIA's own conversion functions, on the host: a filter from raw inputs to codes, one byte each.
// Use: cuda_vectors <float|double|half|bf16> <e4m3|e5m2|e2m3|e3m2|e2m1|e8m0> <satfinite|nosat> <nearest|zero|posinf>
// Source: cuda_fp8.h, cuda_fp6.h, cuda_fp4.h. fp6 and fp4 always saturate; fp8 always rounds to nearest.
#include <cuda_fp4.h>
#include <cuda_fp6.h>
#include <cuda_fp8.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

struct choice {
  std::string target;
  __nv_saturation_t saturation;
  cudaRoundMode rounding;
};

template <typename Source>
struct converters;

template <>
struct converters<float> {
  static unsigned fp8(float x, __nv_saturation_t s, __nv_fp8_interpretation_t t) {
    return __nv_cvt_float_to_fp8(x, s, t);
  }
  static unsigned fp6(float x, __nv_fp6_interpretation_t t, cudaRoundMode r) { return __nv_cvt_float_to_fp6(x, t, r); }
  static unsigned fp4(float x, cudaRoundMode r) { return __nv_cvt_float_to_fp4(x, __NV_E2M1, r); }
  static unsigned e8m0(float x, __nv_saturation_t s, cudaRoundMode r) { return __nv_cvt_float_to_e8m0(x, s, r); }
};

template <>
struct converters<double> {
  static unsigned fp8(double x, __nv_saturation_t s, __nv_fp8_interpretation_t t) {
    return __nv_cvt_double_to_fp8(x, s, t);
  }
  static unsigned fp6(double x, __nv_fp6_interpretation_t t, cudaRoundMode r) {
    return __nv_cvt_double_to_fp6(x, t, r);
  }
  static unsigned fp4(double x, cudaRoundMode r) { return __nv_cvt_double_to_fp4(x, __NV_E2M1, r); }
  static unsigned e8m0(double x, __nv_saturation_t s, cudaRoundMode r) { return __nv_cvt_double_to_e8m0(x, s, r); }
};

template <>
struct converters<__half_raw> {
  static unsigned fp8(__half_raw x, __nv_saturation_t s, __nv_fp8_interpretation_t t) {
    return __nv_cvt_halfraw_to_fp8(x, s, t);
  }
  static unsigned fp6(__half_raw x, __nv_fp6_interpretation_t t, cudaRoundMode r) {
    return __nv_cvt_halfraw_to_fp6(x, t, r);
  }
  static unsigned fp4(__half_raw x, cudaRoundMode r) { return __nv_cvt_halfraw_to_fp4(x, __NV_E2M1, r); }
  static unsigned e8m0(__half_raw x, __nv_saturation_t s, cudaRoundMode r) {
    return __nv_cvt_float_to_e8m0(static_cast<float>(__half(x)), s, r);
  }
};

template <>
struct converters<__nv_bfloat16_raw> {
  static unsigned fp8(__nv_bfloat16_raw x, __nv_saturation_t s, __nv_fp8_interpretation_t t) {
    return __nv_cvt_bfloat16raw_to_fp8(x, s, t);
  }
  static unsigned fp6(__nv_bfloat16_raw x, __nv_fp6_interpretation_t t, cudaRoundMode r) {
    return __nv_cvt_bfloat16raw_to_fp6(x, t, r);
  }
  static unsigned fp4(__nv_bfloat16_raw x, cudaRoundMode r) { return __nv_cvt_bfloat16raw_to_fp4(x, __NV_E2M1, r); }
  static unsigned e8m0(__nv_bfloat16_raw x, __nv_saturation_t s, cudaRoundMode r) {
    return __nv_cvt_bfloat16raw_to_e8m0(x, s, r);
  }
};

template <typename Source>
unsigned convert(Source x, const choice& by) {
  using cvt = converters<Source>;
  if (by.target == "e4m3" || by.target == "e5m2") {
    return cvt::fp8(x, by.saturation, by.target == "e4m3" ? __NV_E4M3 : __NV_E5M2);
  }
  if (by.target == "e2m3" || by.target == "e3m2") {
    return cvt::fp6(x, by.target == "e2m3" ? __NV_E2M3 : __NV_E3M2, by.rounding);
  }
  return by.target == "e2m1" ? cvt::fp4(x, by.rounding) : cvt::e8m0(x, by.saturation, by.rounding);
}

template <typename Source>
int filter(const choice& by) {
  Source inputs[4096];
  unsigned char codes[4096];
  for (std::size_t count; (count = std::fread(inputs, sizeof(Source), 4096, stdin)) != 0;) {
    for (std::size_t i = 0; i < count; ++i) {
      codes[i] = static_cast<unsigned char>(convert(inputs[i], by));
    }
    std::fwrite(codes, 1, count, stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "use: cuda_vectors <source> <target> <satfinite|nosat> <nearest|zero|posinf>\n");
    return 2;
  }
  const std::string source = argv[1];
  const std::string rounding = argv[4];
  const choice by{argv[2], std::strcmp(argv[3], "nosat") == 0 ? __NV_NOSAT : __NV_SATFINITE,
                  rounding == "zero"     ? cudaRoundZero
                  : rounding == "posinf" ? cudaRoundPosInf
                                         : cudaRoundNearest};
  if (source == "float")
    return filter<float>(by);
  if (source == "double")
    return filter<double>(by);
  if (source == "half")
    return filter<__half_raw>(by);
  return filter<__nv_bfloat16_raw>(by);
}
