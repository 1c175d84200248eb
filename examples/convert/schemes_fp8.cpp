// FP8: DeepSeek's squares of 128 x 128, and a scale a row as compressed-tensors has it.
#include <fewbits/block/fp8.hpp>

#include "quantise.hpp"

namespace convert {
namespace {

using fb::dtype;

std::string any(const layer&) { return {}; }

std::vector<planned_tensor> plan_block(const layer& of) {
  return {{of.module + ".weight_scale_inv", dtype::f32, {(of.rows + 127) / 128, (of.columns + 127) / 128}},
          {of.module + ".weight", dtype::f8_e4m3, {of.rows, of.columns}}};
}
std::vector<planned_tensor> plan_rows(const layer& of) {
  return {{of.module + ".weight_scale", dtype::f32, {of.rows, 1}},
          {of.module + ".weight", dtype::f8_e4m3, {of.rows, of.columns}}};
}

/// Filling at the end of a row is no part of a file: it is taken out in place of a copy.
template <fb::blocked Format>
std::unique_ptr<converted_layer> convert(const job& what, std::string& problem) {
  auto made = quantise_slices<Format>(what, problem);
  if (!made)
    return nullptr;
  made->add_scales();
  const std::size_t columns = made->matrix.columns(), stored = made->matrix.layout().row_code_bytes();
  const auto codes = made->matrix.streams().codes;
  for (std::size_t r = 1; r < made->matrix.rows() && stored != columns; ++r)
    std::memmove(codes.data() + r * columns, codes.data() + r * stored, columns);
  made->pieces.push_back(codes.first(made->matrix.rows() * columns));
  return made;
}

std::string block_config(const std::string& kept) {
  return R"({"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128],
    "modules_to_not_convert": )" +
         kept + "}";
}
std::string rows_config(const std::string& kept) {
  return R"({"quant_method": "compressed-tensors", "format": "float-quantized", "quantization_status": "compressed",
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "symmetric": true,
    "strategy": "channel", "dynamic": false}, "input_activations": {"num_bits": 8, "type": "float", "symmetric": true,
    "strategy": "token", "dynamic": true}}}, "ignore": )" +
         kept + "}";
}

}  // namespace

void add_fp8(schemes& into) {
  const std::vector<policy> policies = {{"amax", "amax on 448"}};
  into.push_back({"fp8_block", "e4m3 in squares of 128 as DeepSeek-V3 has it: weight, weight_scale_inv", policies, any,
                  plan_block, convert<fb::fp8_squares<>>, block_config});
  into.push_back({"fp8_rows", "e4m3 with a scale a row as compressed-tensors has it: weight, weight_scale", policies,
                  any, plan_rows, convert<fb::fp8_rows<>>, rows_config});
}

}  // namespace convert
