// GGUF's Q4_0 and Q8_0, and MXFP4, which GGUF and compressed-tensors share.
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/interop/gguf/transcode.hpp>

#include "quantise.hpp"

namespace convert {
namespace {

using fb::dtype;

/// Replaces a quantised matrix by the blocks of a GGUF tensor.
template <fb::blocked Format>
std::unique_ptr<converted_layer> as_gguf(made_layer<Format> made, fb::gguf_type type, std::string& problem) {
  if (!made)
    return nullptr;
  const std::uint64_t shape[] = {made->matrix.rows(), made->matrix.columns()};
  const auto size = fb::gguf_bytes(type, shape);
  const auto done = size ? fb::write_gguf(made->matrix.view(), type, made->add_room(static_cast<std::size_t>(*size)))
                         : fb::result<void>(fb::error{fb::errc::size_overflow, "it does not fit a GGUF tensor"});
  if (!done) {
    say(problem, done.error());
    return nullptr;
  }
  return made;
}

std::string refusal(const layer& of) { return whole_groups(of, 32); }
std::vector<planned_tensor> plan_mxfp4(const layer& of) {
  return {{of.module + ".weight_packed", dtype::u8, {of.rows, of.columns / 2}},
          {of.module + ".weight_scale", dtype::u8, {of.rows, of.columns / 32}}};
}

made_layer<fb::mxfp4> quantise_mxfp4(const job& what, std::string& problem) {
  if (what.policy == "even")
    return quantise_slices<fb::mxfp4>(what, problem, fb::even_scale);
  return quantise_slices<fb::mxfp4>(what, problem);
}

std::unique_ptr<converted_layer> convert_mxfp4(const job& what, std::string& problem) {
  auto made = quantise_mxfp4(what, problem);
  if (made) {
    made->add_codes();
    made->add_scales();
  }
  return made;
}
std::unique_ptr<converted_layer> convert_gguf_mxfp4(const job& what, std::string& problem) {
  return as_gguf(quantise_mxfp4(what, problem), fb::gguf_type::mxfp4, problem);
}

std::string mxfp4_config(const std::string& kept) {
  return R"({"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized", "quantization_status": "compressed",
    "config_groups": {"group_0": {"targets": ["Linear"], "format": "mxfp4-pack-quantized", "weights": {"num_bits": 4,
    "type": "float", "symmetric": true, "strategy": "group", "group_size": 32, "dynamic": false,
    "scale_dtype": "torch.uint8", "zp_dtype": "torch.uint8"}}}, "ignore": )" +
         kept + "}";
}

std::unique_ptr<converted_layer> convert_q4_0(const job& what, std::string& problem) {
  return as_gguf(quantise_slices<fb::int4_groups<32, fb::fp16>>(what, problem), fb::gguf_type::q4_0, problem);
}
std::unique_ptr<converted_layer> convert_q8_0(const job& what, std::string& problem) {
  return as_gguf(quantise_slices<fb::int8_groups<32, fb::fp16>>(what, problem), fb::gguf_type::q8_0, problem);
}

}  // namespace

void add_mxfp4(schemes& into) {
  const std::vector<policy> policies = {{"floor", "the OCP rule"}, {"even", "amax rounded to e2m1's mantissa first"}};
  into.push_back({"mxfp4", "MXFP4 as compressed-tensors writes it: weight_packed, weight_scale", policies, refusal,
                  plan_mxfp4, convert_mxfp4, mxfp4_config});
  into.push_back({"gguf_mxfp4", "GGUF, MXFP4", policies, refusal, nullptr, convert_gguf_mxfp4, nullptr, nullptr,
                  fb::gguf_type::mxfp4});
}

void add_gguf(schemes& into) {
  into.push_back({"gguf_q4_0",
                  "GGUF, Q4_0",
                  {{"signed_max", "the value of largest magnitude on -8"}},
                  refusal,
                  nullptr,
                  convert_q4_0,
                  nullptr,
                  nullptr,
                  fb::gguf_type::q4_0});
  into.push_back({"gguf_q8_0",
                  "GGUF, Q8_0",
                  {{"amax", "amax on 127"}},
                  refusal,
                  nullptr,
                  convert_q8_0,
                  nullptr,
                  nullptr,
                  fb::gguf_type::q8_0});
}

}  // namespace convert
