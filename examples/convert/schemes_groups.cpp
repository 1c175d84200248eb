// uint4 with zero points, in the layouts of AWQ and GPTQ. The rounding is to nearest: neither AWQ's nor GPTQ's own
// search.
#include <fewbits/block/groups.hpp>
#include <fewbits/interop/layouts/awq.hpp>
#include <fewbits/interop/layouts/bitsandbytes.hpp>
#include <fewbits/interop/layouts/gptq.hpp>

#include "quantise.hpp"

namespace convert {
namespace {

using fb::dtype;
using format = fb::uint4_groups<128, fb::fp16>;

std::string refusal(const layer& of) {
  if (of.rows % 8 != 0)
    return "its " + std::to_string(of.rows) + " rows are no multiple of 8";
  return whole_groups(of, 128);
}

std::vector<planned_tensor> plan_awq(const layer& of) {
  return {{of.module + ".qweight", dtype::i32, {of.columns, of.rows / 8}},
          {of.module + ".qzeros", dtype::i32, {of.columns / 128, of.rows / 8}},
          {of.module + ".scales", dtype::f16, {of.columns / 128, of.rows}}};
}
std::vector<planned_tensor> plan_gptq(const layer& of) {
  return {{of.module + ".qweight", dtype::i32, {of.columns / 8, of.rows}},
          {of.module + ".qzeros", dtype::i32, {of.columns / 128, of.rows / 8}},
          {of.module + ".g_idx", dtype::i32, {of.columns}},
          {of.module + ".scales", dtype::f16, {of.columns / 128, of.rows}}};
}

made_layer<format> quantise(const job& what, std::string& problem, const std::vector<planned_tensor>& plan) {
  auto made = quantise_slices<format>(what, problem);
  for (std::size_t i = 0; made && i < plan.size(); ++i) {
    std::size_t size = plan[i].type == dtype::f16 ? 2 : 4;
    for (const std::uint64_t extent : plan[i].shape)
      size *= static_cast<std::size_t>(extent);
    made->add_room(size);
  }
  return made;
}
std::unique_ptr<converted_layer> checked(made_layer<format> made, const fb::result<void>& written,
                                         std::string& problem) {
  if (written)
    return made;
  say(problem, written.error());
  return nullptr;
}

std::unique_ptr<converted_layer> convert_awq(const job& what, std::string& problem) {
  auto made = quantise(what, problem, plan_awq(what.of));
  if (!made)
    return nullptr;
  const fb::awq_tensors_out<> tensors{fb::awq_words<std::byte>(std::span(made->bytes[0])),
                                      fb::awq_words<std::byte>(std::span(made->bytes[1])),
                                      fb::stored_numbers<fb::fp16, std::byte>(std::span(made->bytes[2]))};
  const auto written = fb::write_awq(made->matrix.view(), tensors);
  return checked(std::move(made), written, problem);
}
std::unique_ptr<converted_layer> convert_gptq(const job& what, std::string& problem) {
  auto made = quantise(what, problem, plan_gptq(what.of));
  if (!made)
    return nullptr;
  fb::gptq_tensors_out<4, fb::gptq_version::v1> tensors;
  tensors.qweight.bytes = made->bytes[0];
  tensors.qzeros.words.bytes = made->bytes[1];
  tensors.g_idx.bytes = made->bytes[2];
  tensors.scales.bytes = made->bytes[3];
  const auto written = fb::write_gptq<fb::gptq_version::v1>(made->matrix.view(), tensors);
  return checked(std::move(made), written, problem);
}

std::string awq_config(const std::string& kept) {
  return R"({"quant_method": "awq", "version": "gemm", "bits": 4, "group_size": 128, "zero_point": true,
    "modules_to_not_convert": )" +
         kept + "}";
}
std::string gptq_config(const std::string& kept) {
  return R"({"quant_method": "gptq", "checkpoint_format": "gptq", "bits": 4, "group_size": 128, "desc_act": false,
    "sym": false, "modules_to_not_convert": )" +
         kept + "}";
}

// bitsandbytes' NF4, absmax in float32: no double quantisation.

using nf4_format = fb::bitsandbytes_groups<64>;

std::string nf4_refusal(const layer& of) { return whole_groups(of, 64); }

/// What bitsandbytes keeps of a layer in JSON, as bytes of a tensor.
std::string state_of(const layer& of) {
  const char* const type = of.type == dtype::f16 ? "float16" : of.type == dtype::bfloat16 ? "bfloat16" : "float32";
  return R"({"quant_type": "nf4", "blocksize": 64, "dtype": ")" + std::string(type) + R"(", "shape": [)" +
         std::to_string(of.rows) + ", " + std::to_string(of.columns) + "]}";
}

std::vector<planned_tensor> plan_nf4(const layer& of) {
  return {{of.module + ".weight.absmax", dtype::f32, {of.rows * of.columns / 64}},
          {of.module + ".weight.quant_map", dtype::f32, {16}},
          {of.module + ".weight", dtype::u8, {of.rows * of.columns / 2, 1}},
          {of.module + ".weight.quant_state.bitsandbytes__nf4", dtype::u8, {state_of(of).size()}}};
}

std::unique_ptr<converted_layer> convert_nf4(const job& what, std::string& problem) {
  auto made = quantise_slices<nf4_format>(what, problem);
  if (!made)
    return nullptr;
  std::vector<float> map;
  for (unsigned code = 0; code < 16; ++code)
    map.push_back(static_cast<float>(fb::nf4::from_bits(static_cast<std::uint8_t>(code))));
  made->add_scales();
  made->add_numbers(std::span<const float>(map));
  made->add_codes();
  const std::string state = state_of(what.of);
  std::memcpy(made->add_room(state.size()).data(), state.data(), state.size());
  return made;
}

std::string nf4_config(const std::string& kept) {
  return R"({"quant_method": "bitsandbytes", "load_in_4bit": true, "load_in_8bit": false, "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": false, "bnb_4bit_quant_storage": "uint8", "bnb_4bit_compute_dtype": "bfloat16",
    "llm_int8_skip_modules": )" +
         kept + "}";
}

}  // namespace

void add_int4(schemes& into) {
  const std::vector<policy> policies = {{"min_max", "the group's range on 0 to 15"}};
  into.push_back({"int4_awq", "uint4 with zero points in 128s as AWQ writes it: qweight, qzeros, scales", policies,
                  refusal, plan_awq, convert_awq, awq_config});
  into.push_back({"int4_gptq", "the same as GPTQ (version 1) writes it: qweight, qzeros, scales, g_idx", policies,
                  refusal, plan_gptq, convert_gptq, gptq_config});
}

void add_nf4(schemes& into) {
  into.push_back({"nf4",
                  "NF4 in 64s as bitsandbytes writes it: weight, weight.absmax, weight.quant_map",
                  {{"amax", "amax on 1"}},
                  nf4_refusal,
                  plan_nf4,
                  convert_nf4,
                  nf4_config});
}

}  // namespace convert
