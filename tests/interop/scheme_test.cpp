// Every scheme by the tensors its writers store, and by the words of its configuration; and that neither a shape nor a
// configuration makes the recogniser do anything but answer.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/interop/scheme_config.hpp>
#include <fewbits/interop/scheme_tensors.hpp>

#include "../support/planted.hpp"

namespace {

using fewbits::dtype;
using fewbits::errc;
using fewbits::granularity;
using fewbits::layer_part;
using fewbits::layer_scheme;
using fewbits::quantization_config;
using fewbits::weight_storage;
using shape = std::vector<std::uint64_t>;

struct part {
  std::string_view name;
  dtype type;
  shape extents;
};

layer_scheme recognise(const std::vector<part>& parts) {
  std::vector<layer_part> given;
  for (const auto& p : parts)
    given.push_back({p.name, p.type, p.extents});
  return fewbits::recognise_layer(given);
}

TEST(Scheme, IsToldFromTheTensorsOfALayer) {
  const struct {
    const char* what;
    std::vector<part> parts;
    weight_storage kind;
    granularity scales;
    std::uint32_t bits;
    std::uint64_t group;
    std::uint64_t weights;
  } cases[] = {
      {"a plain linear layer",
       {{"weight", dtype::bfloat16, {8, 256}}, {"bias", dtype::bfloat16, {8}}},
       weight_storage::plain,
       granularity::unknown,
       16,
       0,
       2048},
      {"a parameter alone", {{"", dtype::f32, {7}}}, weight_storage::plain, granularity::unknown, 32, 0, 7},
      {"a table of bytes", {{"weight", dtype::u8, {4, 4}}}, weight_storage::plain, granularity::unknown, 8, 0, 16},
      {"fp8 whose scale is missing",
       {{"weight", dtype::f8_e4m3, {4, 4}}},
       weight_storage::unknown,
       granularity::unknown,
       8,
       0,
       16},
      {"compressed-tensors int4",
       {{"weight_packed", dtype::i32, {8, 32}},
        {"weight_scale", dtype::bfloat16, {8, 2}},
        {"weight_shape", dtype::i64, {2}}},
       weight_storage::ct_pack,
       granularity::group,
       0,
       0,
       0},
      {"compressed-tensors int8",
       {{"weight", dtype::i8, {8, 256}}, {"weight_scale", dtype::bfloat16, {8, 1}}},
       weight_storage::ct_int,
       granularity::row,
       8,
       256,
       2048},
      {"compressed-tensors nvfp4",
       {{"weight_packed", dtype::u8, {8, 128}},
        {"weight_scale", dtype::f8_e4m3, {8, 16}},
        {"weight_global_scale", dtype::f32, {1}},
        {"input_global_scale", dtype::f32, {1}}},
       weight_storage::ct_nvfp4,
       granularity::group,
       4,
       16,
       2048},
      {"compressed-tensors mxfp4",
       {{"weight_packed", dtype::u8, {8, 128}}, {"weight_scale", dtype::u8, {8, 8}}},
       weight_storage::ct_mxfp4,
       granularity::group,
       4,
       32,
       2048},
      {"compressed-tensors mxfp6",
       {{"weight_packed", dtype::u8, {8, 192}}, {"weight_scale", dtype::u8, {8, 8}}},
       weight_storage::ct_mxfp6,
       granularity::group,
       6,
       32,
       2048},
      {"scales that fit neither MX type",
       {{"weight_packed", dtype::u8, {8, 160}}, {"weight_scale", dtype::u8, {8, 8}}},
       weight_storage::unknown,
       granularity::unknown,
       0,
       0,
       0},
      {"ModelOpt nvfp4",
       {{"weight", dtype::u8, {8, 128}},
        {"weight_scale", dtype::f8_e4m3, {8, 16}},
        {"weight_scale_2", dtype::f32, {}},
        {"input_scale", dtype::f32, {}}},
       weight_storage::modelopt_nvfp4,
       granularity::group,
       4,
       16,
       2048},
      {"ModelOpt int4",
       {{"weight", dtype::u8, {4, 256}}, {"weight_scale", dtype::f32, {8, 2}}, {"pre_quant_scale", dtype::f16, {256}}},
       weight_storage::modelopt_int4,
       granularity::group,
       4,
       128,
       2048},
      {"fp8 of a tensor",
       {{"weight", dtype::f8_e4m3, {8, 256}}, {"weight_scale", dtype::f32, {}}},
       weight_storage::fp8,
       granularity::tensor,
       8,
       0,
       2048},
      {"fp8 of rows",
       {{"weight", dtype::f8_e4m3, {8, 256}}, {"weight_scale", dtype::bfloat16, {8, 1}}},
       weight_storage::fp8,
       granularity::row,
       8,
       256,
       2048},
      {"fp8 of rows, scales as a vector",
       {{"weight", dtype::f8_e4m3, {8, 256}}, {"weight_scale", dtype::f32, {8}}},
       weight_storage::fp8,
       granularity::row,
       8,
       256,
       2048},
      {"DeepSeek",
       {{"weight", dtype::f8_e4m3, {576, 300}}, {"weight_scale_inv", dtype::f32, {5, 3}}},
       weight_storage::fp8_inverse,
       granularity::block,
       8,
       0,
       172800},
      {"mxfp8",
       {{"weight", dtype::f8_e4m3, {8, 256}}, {"weight_scale", dtype::u8, {8, 8}}},
       weight_storage::mxfp8,
       granularity::group,
       8,
       32,
       2048},
      {"gpt-oss",
       {{"blocks", dtype::u8, {2, 8, 8, 16}}, {"scales", dtype::u8, {2, 8, 8}}},
       weight_storage::gpt_oss_mxfp4,
       granularity::group,
       4,
       32,
       4096},
      {"GPTQ",
       {{"qweight", dtype::i32, {32, 64}},
        {"qzeros", dtype::i32, {2, 8}},
        {"scales", dtype::f16, {2, 64}},
        {"g_idx", dtype::i32, {256}}},
       weight_storage::gptq,
       granularity::group,
       4,
       128,
       16384},
      {"GPTQ of 3 bits",
       {{"qweight", dtype::i32, {24, 64}}, {"qzeros", dtype::i32, {1, 6}}, {"scales", dtype::f16, {1, 64}}},
       weight_storage::gptq,
       granularity::row,
       3,
       256,
       16384},
      {"AWQ",
       {{"qweight", dtype::i32, {256, 8}}, {"qzeros", dtype::i32, {2, 8}}, {"scales", dtype::f16, {2, 64}}},
       weight_storage::awq,
       granularity::group,
       4,
       128,
       16384},
      {"bitsandbytes nf4",
       {{"weight", dtype::u8, {1024, 1}},
        {"weight.absmax", dtype::u8, {32}},
        {"weight.quant_map", dtype::f32, {16}},
        {"weight.nested_absmax", dtype::f32, {1}},
        {"weight.nested_quant_map", dtype::f32, {256}},
        {"weight.quant_state.bitsandbytes__nf4", dtype::u8, {90}}},
       weight_storage::bnb_nf4,
       granularity::group,
       4,
       64,
       2048},
      {"bitsandbytes fp4",
       {{"weight", dtype::u8, {1024, 1}},
        {"weight.absmax", dtype::f32, {32}},
        {"weight.quant_state.bitsandbytes__fp4", dtype::u8, {80}}},
       weight_storage::bnb_fp4,
       granularity::group,
       4,
       64,
       2048},
      {"bitsandbytes int8",
       {{"weight", dtype::i8, {8, 256}}, {"SCB", dtype::f32, {8}}},
       weight_storage::bnb_int8,
       granularity::row,
       8,
       0,
       2048},
      {"HQQ",
       {{"W_q", dtype::u8, {32, 64}}, {"scale", dtype::f16, {64, 1}}, {"zero", dtype::f16, {64, 1}}},
       weight_storage::hqq,
       granularity::unknown,
       0,
       0,
       0},
      {"torchao",
       {{"_weight_qdata", dtype::i8, {8, 128}}, {"_weight_scale", dtype::bfloat16, {8, 4}}},
       weight_storage::torchao,
       granularity::unknown,
       0,
       0,
       0},
  };
  std::size_t visited = 0;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    for (std::size_t turn = 0; turn < c.parts.size(); ++turn) {  // in any order
      std::vector<part> parts = c.parts;
      std::rotate(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(turn), parts.end());
      const layer_scheme got = recognise(parts);
      EXPECT_EQ(to_string(got.kind), to_string(c.kind));
      EXPECT_EQ(to_string(got.scales), to_string(c.scales));
      EXPECT_EQ(got.bits, c.bits + (fewbits_test::planted() ? 1 : 0));
      EXPECT_EQ(got.group_size, c.group);
      EXPECT_EQ(got.weights, c.weights);
      ++visited;
    }
  }
  const layer_scheme deep = recognise(cases[15].parts);
  EXPECT_EQ(deep.block_rows, 128u);
  EXPECT_EQ(deep.block_columns, 128u);
  std::printf("scheme: visited %zu orders of %zu schemes\n", visited, std::size(cases));
}

TEST(Scheme, AnswersForEveryShape) {
  constexpr std::array<std::string_view, 18> names{"weight",
                                                   "weight_packed",
                                                   "weight_scale",
                                                   "weight_scale_2",
                                                   "weight_scale_inv",
                                                   "weight_global_scale",
                                                   "qweight",
                                                   "qzeros",
                                                   "scales",
                                                   "blocks",
                                                   "weight.absmax",
                                                   "SCB",
                                                   "W_q",
                                                   "_weight_qdata",
                                                   "weight_zero_point",
                                                   "bias",
                                                   "g_idx",
                                                   ""};
  constexpr std::array<std::uint64_t, 10> extents{
      0, 1, 2, 3, 8, 16, 1u << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}};
  std::mt19937_64 random(9);
  for (int round = 0; round < 100000; ++round) {
    std::vector<part> parts;
    for (std::size_t count = random() % 5; count > 0; --count) {
      part p{names[random() % names.size()], fewbits::dtype_table[random() % fewbits::dtype_table.size()].type, {}};
      for (std::size_t rank = random() % 4; rank > 0; --rank)
        p.extents.push_back(extents[random() % extents.size()]);
      parts.push_back(p);
    }
    const layer_scheme got = recognise(parts);
    ASSERT_NE(to_string(got.kind), "");
  }
}

TEST(Scheme, SplitsNamesBeforeTheirRole) {
  const struct {
    std::string_view name, layer, part;
  } cases[] = {
      {"model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj", "weight"},
      {"a.weight_scale", "a", "weight_scale"},
      {"a.weight.absmax", "a", "weight.absmax"},
      {"a.weight.quant_state.bitsandbytes__nf4", "a", "weight.quant_state.bitsandbytes__nf4"},
      {"a.experts.gate_up_proj_blocks", "a.experts.gate_up_proj", "blocks"},
      {"a.experts.gate_up_proj_scales", "a.experts.gate_up_proj", "scales"},
      {"a.scales", "a", "scales"},
      {"a._weight_qdata", "a", "_weight_qdata"},
      {"a.nbits", "a", "nbits"},
      {"weight", "weight", ""},
      {".weight", ".weight", ""},
      {"a.A_log", "a.A_log", ""},
      {"aweight", "aweight", ""},
      {"", "", ""},
  };
  for (const auto& c : cases) {
    const auto split = fewbits::split_layer(c.name);
    EXPECT_EQ(split.layer, c.layer) << c.name;
    EXPECT_EQ(split.part, c.part) << c.name;
  }
}

TEST(Scheme, PatternsNameLayers) {
  const struct {
    const char* pattern;
    const char* layer;
    bool names;
  } cases[] = {
      {"lm_head", "lm_head", true},
      {"lm_head", "model.lm_head", true},
      {"lm_head", "my_lm_head", false},
      {"model.layers.0", "model.layers.0.mlp.up_proj", true},
      {"model.layers.0", "model.layers.01.mlp", false},
      {"model.layers.0*", "model.layers.0.mlp", true},
      {"*gate", "a.mlp.gate", true},
      {"*gate", "a.mlp.gate_proj", false},
      {"*.layers.?.mlp*", "model.layers.3.mlp.up", true},
      {"*.layers.?.mlp*", "model.layers.33.mlp.up", false},
      {"re:.*lm_head", "model.lm_head", true},
      {"re:.*gate$", "a.mlp.gate", true},
      {"re:.*gate$", "a.mlp.gate_proj", false},
      {"re:.*mlp\\.gate$", "a.mlp.gate", true},
      {"re:.*mlp\\.gate$", "a.mlpxgate", false},
      {"re:vision.*", "vision_tower.a", true},
      {"re:vision", "vision_tower.a", true},
      {"re:vision", "a.vision", false},
      {"re:^a.b", "axb", true},
      {"re:.*layers.(0|1)", "model.layers.0", false},  // not understood, and said so
      {"", "a", false},
      {"", "", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(fewbits::pattern_names(c.pattern, c.layer), c.names) << c.pattern << " " << c.layer;
  for (const char* const odd :
       {"re:(a|b)", "re:[0-9]", "re:a+", "re:a*", "re:\\d", "re:\\", "re:a^", "re:$a", "re:*", "re:\\.*"})
    EXPECT_FALSE(fewbits::pattern_is_understood(odd)) << odd;
  for (const char* const plain : {"(a|b)", "re:", "re:^.*\\.a$", "re:a.*b.*c"})
    EXPECT_TRUE(fewbits::pattern_is_understood(plain)) << plain;
  // Many runs do not take exponential time.
  std::string runs = "re:";
  for (int i = 0; i < 1300; ++i)
    runs += ".*a";
  EXPECT_TRUE(fewbits::pattern_is_understood(runs + "$"));
  EXPECT_FALSE(fewbits::pattern_names(runs + "$", std::string(1299, 'a')));
  EXPECT_TRUE(fewbits::pattern_names(runs + "$", std::string(1300, 'a')));
}

TEST(Scheme, PatternsAndNamesHaveLimits) {
  using fewbits::max_layer_bytes;
  using fewbits::max_pattern_bytes;
  const std::string longest(max_pattern_bytes, 'a');
  EXPECT_TRUE(fewbits::pattern_names(longest, longest));
  EXPECT_TRUE(fewbits::pattern_is_understood(longest));
  EXPECT_FALSE(fewbits::pattern_names(longest + "a", longest + "a"));
  EXPECT_FALSE(fewbits::pattern_is_understood(longest + "a"));
  EXPECT_TRUE(fewbits::pattern_names("*", std::string(max_layer_bytes, 'a')));
  EXPECT_FALSE(fewbits::pattern_names("*", std::string(max_layer_bytes + 1, 'a')));
}

// The configuration borrows from the text.
quantization_config config_of(std::string_view text) {
  auto read = quantization_config::parse(std::as_bytes(std::span(text.data(), text.size())));
  EXPECT_TRUE(read) << read.error().message();
  return std::move(read).value();
}

TEST(SchemeConfig, ReadsEveryMethod) {
  const struct {
    const char* text;
    const char* method;
    const char* format;
    weight_storage kind;
    std::uint32_t bits;
    granularity scales;
    std::uint64_t group;
  } cases[] = {
      {R"({"model_type":"llama","time_step_limit":[0.0,Infinity]})", "", "", weight_storage::plain, 0,
       granularity::unknown, 0},
      {R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":128,"desc_act":true,"sym":true}})",
       "gptq", "gptq", weight_storage::gptq, 4, granularity::group, 128},
      {R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":-1,"checkpoint_format":"gptq_v2"}})",
       "gptq", "gptq_v2", weight_storage::gptq_v2, 4, granularity::row, 0},
      {R"({"quantization_config":{"quant_method":"gptq","bits":8,"group_size":64,"checkpoint_format":"marlin"}})",
       "gptq", "marlin", weight_storage::gptq_marlin, 8, granularity::group, 64},
      {R"({"bits":4,"group_size":32,"desc_act":false,"sym":false})", "gptq", "gptq", weight_storage::gptq, 4,
       granularity::group, 32},
      {R"({"quantization_config":{"quant_method":"awq","bits":4,"group_size":128,"version":"gemm","zero_point":true}})",
       "awq", "gemm", weight_storage::awq, 4, granularity::group, 128},
      {R"({"zero_point":true,"q_group_size":128,"w_bit":4,"version":"GEMM"})", "awq", "GEMM", weight_storage::awq, 4,
       granularity::group, 128},
      {R"({"quantization_config":{"quant_method":"awq","bits":4,"group_size":128,"version":"gemv"}})", "awq", "gemv",
       weight_storage::unknown, 4, granularity::group, 128},
      {R"({"quantization_config":{"quant_method":"fp8","fmt":"e4m3","weight_block_size":[128,64]}})", "fp8", "e4m3",
       weight_storage::fp8_inverse, 8, granularity::block, 0},
      {R"({"quantization_config":{"quant_method":"fp8","weight_block_size":null,"activation_scheme":"static"}})", "fp8",
       "", weight_storage::fp8, 8, granularity::tensor, 0},
      {R"({"quantization_config":{"quant_method":"mxfp4","modules_to_not_convert":["lm_head"]}})", "mxfp4", "",
       weight_storage::gpt_oss_mxfp4, 4, granularity::group, 32},
      {R"({"quantization_config":{"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"nf4"}})",
       "bitsandbytes", "nf4", weight_storage::bnb_nf4, 4, granularity::group, 0},
      {R"({"quantization_config":{"quant_method":"bitsandbytes","load_in_8bit":true}})", "bitsandbytes", "",
       weight_storage::bnb_int8, 8, granularity::row, 0},
      {R"({"quantization_config":{"quant_method":"hqq","quant_config":{"weight_quant_params":{"nbits":4,"group_size":64}}}})",
       "hqq", "", weight_storage::hqq, 4, granularity::group, 64},
      {R"({"quantization_config":{"quant_method":"torchao","quant_type":{"default":{"_type":"Int4WeightOnlyConfig","_data":{"group_size":32}}}}})",
       "torchao", "Int4WeightOnlyConfig", weight_storage::torchao, 0, granularity::group, 32},
      {R"({"quantization_config":{"quant_method":"modelopt","quant_algo":"NVFP4"}})", "modelopt", "NVFP4",
       weight_storage::modelopt_nvfp4, 4, granularity::group, 16},
      {R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"fp8","exclude_modules":["lm_head"]}})",
       "modelopt", "fp8", weight_storage::fp8, 8, granularity::tensor, 0},
      {R"({"quantization":{"quant_algo":"W4A16_AWQ","group_size":128}})", "modelopt", "W4A16_AWQ",
       weight_storage::modelopt_int4, 4, granularity::group, 128},
      {R"({"quantization_config":{"quant_method":"aqlm"}})", "aqlm", "", weight_storage::unknown, 0,
       granularity::unknown, 0},
      {R"({"text_config":{"quantization_config":{"quant_method":"awq","bits":4,"group_size":64}}})", "awq", "gemm",
       weight_storage::awq, 4, granularity::group, 64},
      {R"({"quantization_config":{"quant_method":7,"bits":"four","group_size":{}}})", "", "", weight_storage::unknown,
       0, granularity::unknown, 0},
  };
  std::size_t visited = 0;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto config = config_of(c.text);
    EXPECT_EQ(config.method(), c.method);
    EXPECT_EQ(config.format(), c.format);
    EXPECT_EQ(to_string(config.scheme().kind), to_string(c.kind));
    EXPECT_EQ(config.scheme().bits, c.bits);
    EXPECT_EQ(to_string(config.scheme().scales), to_string(c.scales));
    EXPECT_EQ(config.scheme().group_size, c.group);
    ++visited;
  }
  std::printf("scheme: visited %zu configurations\n", visited);
}

TEST(SchemeConfig, ReadsCompressedTensorsByGroupAndIgnoreList) {
  const auto config =
      config_of(R"({"quantization_config":{"quant_method":"compressed-tensors","format":"mixed-precision",
    "ignore":["lm_head","re:.*mlp.gate$"],"config_groups":{
      "group_0":{"targets":["re:.*experts.*"],"format":"nvfp4-pack-quantized","weights":{"num_bits":4,"type":"float",
        "symmetric":true,"group_size":16,"strategy":"tensor_group"}},
      "group_1":{"targets":["Linear"],"format":"float-quantized","weights":{"num_bits":8,"type":"float","symmetric":true,
        "strategy":"block","block_structure":[128,64],"actorder":null}},
      "group_2":{"targets":["Linear"],"format":"pack-quantized","weights":{"num_bits":4,"type":"int"}}}}})");
  EXPECT_EQ(config.ignored().size(), 2u);
  EXPECT_EQ(config.scheme_of("lm_head").kind, weight_storage::plain);
  EXPECT_EQ(config.scheme_of("m.mlp.gate").kind, weight_storage::plain);
  EXPECT_EQ(config.scheme_of("m.experts.3.up").kind, weight_storage::ct_nvfp4);
  const auto rest = config.scheme_of("m.q_proj");
  EXPECT_EQ(rest.kind, weight_storage::fp8);
  EXPECT_EQ(rest.block_rows, 128u);
  EXPECT_EQ(rest.block_columns, 64u);
  const auto packed =
      config_of(R"({"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized",
    "config_groups":{"group_0":{"targets":["model.a"],"weights":{"num_bits":4,"type":"int","symmetric":false,
    "group_size":32,"strategy":"group","actorder":"group"}}}}})");
  EXPECT_EQ(packed.scheme_of("model.b").kind, weight_storage::plain);  // no group names it
  const auto a = packed.scheme_of("model.a.q");
  EXPECT_EQ(a.kind, weight_storage::ct_pack);
  EXPECT_EQ(a.symmetric, false);
  EXPECT_EQ(a.reordered, true);
}

TEST(SchemeConfig, ReadsModelOptByLayer) {
  const auto config = config_of(R"({"quantization":{"quant_algo":"MIXED_PRECISION","kv_cache_quant_algo":"FP8",
    "quantized_layers":{"m.q":{"quant_algo":"FP8"},"m.up":{"quant_algo":"NVFP4","group_size":16}}}})");
  EXPECT_EQ(config.scheme().kind, weight_storage::unknown);
  EXPECT_EQ(config.scheme_of("m.q").kind, weight_storage::fp8);
  EXPECT_EQ(config.scheme_of("m.up").kind, weight_storage::modelopt_nvfp4);
  EXPECT_EQ(config.scheme_of("m.down").kind, weight_storage::plain);
}

TEST(SchemeConfig, ManyPatternsAreThoseOfTheListOneByOne) {
  std::mt19937_64 random(11);
  const auto word = [&](std::string_view letters) {
    std::string made;
    for (std::size_t i = 0, size = random() % 6; i < size; ++i)
      made += letters[random() % letters.size()];
    return made;
  };
  std::size_t visited = 0, named = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> patterns;
    std::string list;
    for (std::size_t i = 0, count = random() % 6; i < count; ++i) {
      patterns.push_back((random() % 4 == 0 ? "re:" : "") + word(random() % 3 == 0 ? "ab.*?" : "ab."));
      list += (i == 0 ? "\"" : ",\"") + patterns.back() + "\"";
    }
    list = R"({"quantization_config":{"quant_method":"fp8","ignore":[)" + list + "]}}";
    const auto ignoring = config_of(list);
    // Each pattern is a group of its own width; the first that names a layer counts.
    std::string text = R"({"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized",)"
                       R"("config_groups":{)";
    for (std::size_t i = 0; i < patterns.size(); ++i)
      text += (i == 0 ? "\"g" : ",\"g") + std::to_string(i) + R"(":{"targets":[")" + patterns[i] +
              R"("],"weights":{"type":"int","num_bits":)" + std::to_string(i + 2) + "}}";
    const auto grouped = config_of(text += "}}}");
    for (int i = 0; i < 40; ++i, ++visited) {
      const std::string layer = word("ab.");
      const auto found = std::find_if(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return fewbits::pattern_names(pattern, layer);
      });
      const bool is_named = found != patterns.end();
      named += is_named ? 1 : 0;
      EXPECT_EQ(ignoring.scheme_of(layer).kind, is_named ? weight_storage::plain : weight_storage::fp8)
          << list << " " << layer;
      EXPECT_EQ(grouped.scheme_of(layer).bits, is_named ? 2 + (found - patterns.begin()) : 0) << list << " " << layer;
    }
  }
  std::printf("scheme: %zu layers, %zu of them named by patterns\n", visited, named);
}

TEST(SchemeConfig, ManyNamesTimesManyLayersTakeNoTime) {
  // One by one these were 4e8 comparisons each.
  constexpr int count = 20000;
  std::string ignore, layers, targets;
  for (int i = 0; i < count; ++i) {
    const std::string name = "\"model.layers.0.mlp.experts." + std::to_string(2 * i) + ".up\"";
    ignore += (i == 0 ? "" : ",") + name;
    layers += (i == 0 ? "" : ",") + name + R"(:{"quant_algo":"FP8"})";
  }
  layers = R"({"quantization":{"quant_algo":"MIXED_PRECISION","quantized_layers":{)" + layers +
           R"(,"twice":{"quant_algo":"FP8"},"twice":{"quant_algo":"NVFP4","group_size":16}}}})";
  targets =
      R"({"quantization_config":{"quant_method":"compressed-tensors","format":"float-quantized","config_groups":{)"
      R"("g":{"weights":{"type":"float","num_bits":8},"targets":[)" +
      ignore + "]}}}}";
  ignore = R"({"quantization_config":{"quant_method":"fp8","ignore":[)" + ignore + "]}}";
  const auto ignoring = config_of(ignore);
  const auto modelopt = config_of(layers);
  const auto grouped = config_of(targets);
  for (int i = 0; i < 2 * count; ++i) {
    const std::string layer = "model.layers.0.mlp.experts." + std::to_string(i) + ".up";
    const bool is_even = i % 2 == 0;
    ASSERT_EQ(ignoring.scheme_of(layer).kind, is_even ? weight_storage::plain : weight_storage::fp8) << layer;
    ASSERT_EQ(modelopt.scheme_of(layer).kind, is_even ? weight_storage::fp8 : weight_storage::plain) << layer;
    ASSERT_EQ(grouped.scheme_of(layer).kind, is_even ? weight_storage::fp8 : weight_storage::plain) << layer;
  }
  EXPECT_EQ(modelopt.scheme_of("twice").kind, weight_storage::modelopt_nvfp4);  // the last of two counts
}

TEST(SchemeConfig, ScalesAloneAreNoLayerOfAnyMethod) {
  // A cache's scales belong to self_attn, which has no weight of its own.
  const auto scales = recognise({{"k_scale", dtype::f32, {1}}, {"v_scale", dtype::f32, {1}}});
  ASSERT_EQ(scales.kind, weight_storage::unknown);
  for (
      const char* const method :
      {R"("quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],)"
       R"("weights":{"num_bits":4,"type":"int"}}})",
       R"("quant_method":"compressed-tensors","format":"nvfp4-pack-quantized","config_groups":{"g":{"targets":["Linear"],)"
       R"("weights":{"num_bits":4,"type":"float","group_size":16}}})",
       R"("quant_method":"gptq","bits":4,"group_size":64)", R"("quant_method":"awq","bits":4,"group_size":64)",
       R"("quant_method":"fp8")", R"("quant_method":"fbgemm_fp8")", R"("quant_method":"mxfp4")",
       R"("quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"nf4")",
       R"("quant_method":"bitsandbytes","load_in_8bit":true)", R"("quant_method":"hqq")", R"("quant_method":"torchao")",
       R"("quant_method":"modelopt","quant_algo":"NVFP4")", R"("quant_method":"modelopt","quant_algo":"FP8")",
       R"("quant_method":"modelopt","quant_algo":"W4A16_AWQ")", R"("quant_method":"of nobody")"}) {
    const std::string text = std::string(R"({"quantization_config":{)") + method + "}}";
    const auto config = config_of(text);
    EXPECT_EQ(config.refine("model.layers.0.self_attn", scales).kind, weight_storage::unknown) << method;
  }
}

TEST(SchemeConfig, RefinesWhatTensorsDoNotShow) {
  const auto gptq = config_of(
      R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":64,"desc_act":true,"sym":false,"checkpoint_format":"gptq_v2"}})");
  const auto by_tensors =
      recognise({{"qweight", dtype::i32, {32, 64}}, {"qzeros", dtype::i32, {2, 8}}, {"scales", dtype::f16, {2, 64}}});
  const auto refined = gptq.refine("a", by_tensors);
  EXPECT_EQ(refined.kind, weight_storage::gptq_v2);
  EXPECT_EQ(refined.reordered, true);
  EXPECT_EQ(refined.symmetric, false);
  EXPECT_EQ(refined.group_size, 128u);  // the tensors win
  const auto awq = config_of(R"({"quantization_config":{"quant_method":"awq","bits":4,"group_size":64}})");
  EXPECT_EQ(awq.refine("a", by_tensors).kind, weight_storage::gptq);
  EXPECT_EQ(awq.refine("a", {.kind = weight_storage::unknown, .weights = 64}).kind, weight_storage::awq);
  EXPECT_EQ(awq.refine("a", {.kind = weight_storage::unknown}).kind, weight_storage::unknown);  // no weights
  EXPECT_EQ(awq.refine("a", {.kind = weight_storage::plain}).kind, weight_storage::plain);
}

TEST(SchemeConfig, SurvivesEveryCutAndEveryByte) {
  const std::string good =
      R"({"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["re:.*a$","b*"],)"
      R"("config_groups":{"g":{"targets":["Linear",1],"weights":{"num_bits":4,"group_size":-1,"block_structure":[1,2,3]}}}}})";
  std::size_t visited = 0;
  for (std::size_t size = 0; size < good.size(); ++size) {
    const std::string_view cut = std::string_view(good).substr(0, size);
    EXPECT_FALSE(quantization_config::parse(std::as_bytes(std::span(cut.data(), cut.size()))));
    for (int byte = 0; byte < 128; ++byte) {
      std::string spoiled = good;
      spoiled[size] = static_cast<char>(byte);
      const auto read = quantization_config::parse(std::as_bytes(std::span(spoiled.data(), spoiled.size())));
      if (read) {
        static_cast<void>(read->scheme_of("model.a"));
      }
      ++visited;
    }
  }
  EXPECT_EQ(quantization_config::parse(std::as_bytes(std::span("[]", 2))).error().message(),
            "configuration: it is no object");
  std::printf("scheme: visited %zu spoiled configurations\n", visited);
}

}  // namespace
