// The names of the rules that copy other writers' bits, one line each.
#pragma once

#include <fewbits/block/writers/bitsandbytes.hpp>
#include <fewbits/block/writers/compressed_tensors.hpp>
#include <fewbits/block/writers/deepseek.hpp>
#include <fewbits/block/writers/ggml.hpp>
#include <fewbits/block/writers/microxcaling.hpp>
#include <fewbits/block/writers/modelopt.hpp>
#include <fewbits/block/writers/torchao.hpp>
#include <fewbits/block/writers/transformer_engine.hpp>

#include "policies.hpp"

namespace report {

// clang-format off
template <> inline constexpr policy_name name_of<fewbits::torchao_mx_t<fewbits::torchao_mode::floor>>{"torchao_floor", "torchao's bits"};
template <> inline constexpr policy_name name_of<fewbits::torchao_mx_t<fewbits::torchao_mode::ceil>>{"torchao_ceil", "torchao's bits"};
template <> inline constexpr policy_name name_of<fewbits::torchao_mx_t<fewbits::torchao_mode::rceil>>{"torchao_rceil", "torchao's bits"};
template <> inline constexpr policy_name name_of<fewbits::torchao_mx_t<fewbits::torchao_mode::even>>{"torchao_even", "torchao's bits"};
template <> inline constexpr policy_name name_of<fewbits::torchao_nvfp4_t>{"torchao", "torchao's bits"};
template <> inline constexpr policy_name name_of<fewbits::modelopt_nvfp4_t>{"modelopt", "ModelOpt's bits"};
template <> inline constexpr policy_name name_of<fewbits::compressed_tensors_nvfp4_t>{"compressed_tensors", "compressed-tensors' bits"};
template <> inline constexpr policy_name name_of<fewbits::compressed_tensors_mxfp4_t>{"compressed_tensors", "compressed-tensors' bits"};
template <> inline constexpr policy_name name_of<fewbits::transformer_engine_nvfp4_t>{"transformer_engine", "Transformer Engine's bits"};
template <> inline constexpr policy_name name_of<fewbits::transformer_engine_four_over_six_t<fewbits::te_error::absolute>>{"transformer_engine_four_over_six", "Transformer Engine's bits"};
template <> inline constexpr policy_name name_of<fewbits::transformer_engine_mxfp8_t>{"transformer_engine", "Transformer Engine's bits"};
template <> inline constexpr policy_name name_of<fewbits::microxcaling_t>{"microxcaling", "microxcaling's bits"};
template <> inline constexpr policy_name name_of<fewbits::ggml_q4_0_t>{"ggml", "ggml's bits"};
template <> inline constexpr policy_name name_of<fewbits::ggml_q8_0_t>{"ggml", "ggml's bits"};
template <> inline constexpr policy_name name_of<fewbits::ggml_mxfp4_t>{"ggml", "ggml's bits"};
template <> inline constexpr policy_name name_of<fewbits::ggml_nvfp4_t>{"ggml", "ggml's bits"};
template <> inline constexpr policy_name name_of<fewbits::bitsandbytes_nf4_t>{"bitsandbytes", "bitsandbytes' bits"};
template <> inline constexpr policy_name name_of<fewbits::deepseek_v3_t>{"deepseek_v3", "DeepSeek-V3's bits"};
template <> inline constexpr policy_name name_of<fewbits::deep_gemm_t<false>>{"deep_gemm", "DeepGEMM's bits"};
template <> inline constexpr policy_name name_of<fewbits::deep_gemm_t<true>>{"deep_gemm_power_of_two", "DeepGEMM's bits"};
// clang-format on

}  // namespace report
