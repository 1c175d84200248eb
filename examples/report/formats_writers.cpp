// Formats as other writers fill them, bit for bit.
#include "entry.hpp"
#include "formats.hpp"
#include "writer_policies.hpp"

namespace fb = fewbits;

namespace report {
namespace {

/// ggml's nvfp4 has no float32 for the tensor.
struct nvfp4_without_tensor_scale : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::ggml_nvfp4_t> {};

}  // namespace

void add_writers(entries& into) {
  using fb::torchao_mode, fb::torchao_mx_t;
  add<fb::mxfp8_e4m3, fb::transformer_engine_mxfp8_t, fb::microxcaling_t, torchao_mx_t<torchao_mode::floor>,
      torchao_mx_t<torchao_mode::rceil>>(into, "mxfp8_e4m3", "32 e4m3 under a power of two");
  add<fb::mxfp4, fb::microxcaling_t, torchao_mx_t<torchao_mode::floor>, torchao_mx_t<torchao_mode::ceil>,
      torchao_mx_t<torchao_mode::rceil>, torchao_mx_t<torchao_mode::even>, fb::compressed_tensors_mxfp4_t,
      fb::ggml_mxfp4_t>(into, "mxfp4", "32 e2m1 under a power of two");
  add<fb::nvfp4, fb::torchao_nvfp4_t, fb::modelopt_nvfp4_t, fb::compressed_tensors_nvfp4_t,
      fb::transformer_engine_nvfp4_t, fb::transformer_engine_four_over_six_t<fb::te_error::absolute>>(
      into, "nvfp4", "16 e2m1 under an e4m3, one float32 a tensor");
  add<fb::int4_groups<32, fb::fp16>, fb::ggml_q4_0_t>(into, "int4_g32_fp16", "32 int4 under an fp16");
  add<fb::int8_groups<32, fb::fp16>, fb::ggml_q8_0_t>(into, "int8_g32_fp16", "32 int8 under an fp16");
  add<nvfp4_without_tensor_scale, fb::ggml_nvfp4_t>(into, "nvfp4_one_level", "16 e2m1 under an e4m3");
  add<fb::nf4_groups<>, fb::bitsandbytes_nf4_t>(into, "nf4_g64", "64 nf4 under a float32");
  add<fb::fp8_groups<>, fb::deepseek_v3_t, fb::deep_gemm_t<false>, fb::deep_gemm_t<true>>(into, "e4m3_groups",
                                                                                          "128 e4m3 under a float32");
  add<fb::fp8_squares<>, fb::deepseek_v3_t, fb::deep_gemm_t<false>, fb::deep_gemm_t<true>>(
      into, "e4m3_squares", "128 x 128 e4m3 under a float32");
}

}  // namespace report
