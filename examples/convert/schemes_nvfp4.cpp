// NVFP4 in the layouts of ModelOpt and compressed-tensors: the same codes and scales under other names, and the
// tensor's scale as a multiplier or as a divisor.
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/interop/layouts/global_scale.hpp>
#include <fewbits/quantize/search_scale.hpp>

#include "quantise.hpp"

namespace convert {
namespace {

using fb::dtype;

std::string refusal(const layer& of) { return whole_groups(of, 16); }

std::vector<planned_tensor> plan_modelopt(const layer& of) {
  return {{of.module + ".weight_scale_2", dtype::f32, {}},
          {of.module + ".weight", dtype::u8, {of.rows, of.columns / 2}},
          {of.module + ".weight_scale", dtype::f8_e4m3, {of.rows, of.columns / 16}}};
}
std::vector<planned_tensor> plan_compressed_tensors(const layer& of) {
  return {{of.module + ".weight_global_scale", dtype::f32, {1}},
          {of.module + ".weight_packed", dtype::u8, {of.rows, of.columns / 2}},
          {of.module + ".weight_scale", dtype::f8_e4m3, {of.rows, of.columns / 16}}};
}

made_layer<fb::nvfp4> quantise(const job& what, std::string& problem) {
  if (what.policy == "four_over_six")
    return quantise_whole<fb::nvfp4>(what, problem, fb::four_over_six);
  return quantise_whole<fb::nvfp4>(what, problem);
}

std::unique_ptr<converted_layer> convert_modelopt(const job& what, std::string& problem) {
  auto made = quantise(what, problem);
  if (!made)
    return nullptr;
  fb::store_scale(fb::scale_multiplier(made->matrix.tensor_scale()), made->add_room(4)).value();
  made->add_codes();
  made->add_scales();
  return made;
}
std::unique_ptr<converted_layer> convert_compressed_tensors(const job& what, std::string& problem) {
  auto made = quantise(what, problem);
  if (!made)
    return nullptr;
  const auto divisor = fb::rounded_divisor(fb::scale_multiplier(made->matrix.tensor_scale()));
  if (!divisor) {
    say(problem, divisor.error());
    return nullptr;
  }
  fb::store_scale(*divisor, made->add_room(4)).value();
  made->add_codes();
  made->add_scales();
  return made;
}

std::string modelopt_config(const std::string& kept) {
  return R"({"quant_method": "modelopt", "quant_algo": "W4A16_NVFP4", "config_groups": {"group_0": {"targets": ["Linear"],
    "weights": {"dynamic": false, "num_bits": 4, "type": "float", "group_size": 16}}}, "ignore": )" +
         kept + R"(, "producer": {"name": "fewbits", "version": "0.1.0"}})";
}
std::string modelopt_second_config(const std::string& kept) {
  return R"({"producer": {"name": "fewbits", "version": "0.1.0"},
 "quantization": {"quant_algo": "W4A16_NVFP4", "kv_cache_quant_algo": null, "group_size": 16, "exclude_modules": )" +
         kept + "}}\n";
}
std::string compressed_tensors_config(const std::string& kept) {
  return R"({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "quantization_status": "compressed",
    "config_groups": {"group_0": {"targets": ["Linear"], "format": "nvfp4-pack-quantized", "weights": {"num_bits": 4,
    "type": "float", "symmetric": true, "strategy": "tensor_group", "group_size": 16, "dynamic": false,
    "scale_dtype": "torch.float8_e4m3fn", "zp_dtype": "torch.float8_e4m3fn"}}}, "ignore": )" +
         kept + "}";
}

}  // namespace

void add_nvfp4(schemes& into) {
  const std::vector<policy> policies = {{"static", "amax on 6 x 448"},
                                        {"four_over_six", "each block's amax on 4 or 6, whichever errs less"}};
  into.push_back({"nvfp4_modelopt", "NVFP4 as ModelOpt writes it: weight, weight_scale, weight_scale_2", policies,
                  refusal, plan_modelopt, convert_modelopt, modelopt_config, modelopt_second_config});
  into.push_back({"nvfp4_compressed_tensors",
                  "NVFP4 as compressed-tensors writes it: weight_packed, weight_scale, weight_global_scale", policies,
                  refusal, plan_compressed_tensors, convert_compressed_tensors, compressed_tensors_config});
}

}  // namespace convert
