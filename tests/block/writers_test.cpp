// Every preset against what its system made of hard blocks: scales and codes, bit for bit (tests/golden/BLOCKS.md).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fewbits/block/codec.hpp>
#include <fewbits/block/writers/bitsandbytes.hpp>
#include <fewbits/block/writers/compressed_tensors.hpp>
#include <fewbits/block/writers/deepseek.hpp>
#include <fewbits/block/writers/ggml.hpp>
#include <fewbits/block/writers/microxcaling.hpp>
#include <fewbits/block/writers/modelopt.hpp>
#include <fewbits/block/writers/torchao.hpp>
#include <fewbits/block/writers/transformer_engine.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/types.hpp>

#include "block/blocks.hpp"
#include "block/writer_vectors.hpp"
#include "support/planted.hpp"

namespace fb = fewbits;
using fewbits_test::bits_of;
using fewbits_test::float_of;

namespace {

template <class Element>
struct mx : fb::block_format<Element, fb::ue8m0, 32, fb::microxcaling_t> {};
struct two_level : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::modelopt_nvfp4_t, fb::with_tensor_scale<float>> {};
struct one_level : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::ggml_nvfp4_t> {};
struct q4_0 : fb::block_format<fb::int4, fb::fp16, 32, fb::ggml_q4_0_t> {};
struct q8_0 : fb::block_format<fb::int8, fb::fp16, 32, fb::ggml_q8_0_t> {};
struct nf4_64
    : fb::block_format<fb::nf4, float, 64, fb::bitsandbytes_nf4_t, fb::with_order<fb::bit_order::high_first>> {};
struct fp8_128 : fb::block_format<fb::e4m3, float, 128, fb::deepseek_v3_t> {};

/// What the test compares with, beside the block: a scale that must be NaN with codes that may be anything, ...
struct expectation {
  bool poisoned = false;
  std::uint32_t scale = 0;
  std::vector<std::uint32_t> codes;
};

std::uint64_t compared = 0;

/// `expected_of` turns an answer into what the preset must give; by itself most answers stand as they are.
template <class Format, class Rule, class Expect>
void judge_block(const writer_vectors::writer_case& which, std::size_t number, const std::vector<float>& values,
                 typename Format::tensor_scale_type tensor_scale, const Rule& rule, const Expect& expected_of) {
  const auto& answer = which.answers[number];
  if (!answer.defined)
    return;
  expectation expected = expected_of(answer);
  if (fewbits_test::planted() && !expected.codes.empty())
    expected.codes.back() ^= 1;
  const auto got = fb::encode_block<Format>(std::span<const float>(values), tensor_scale, rule);
  const auto where = [&] {
    std::string text = which.name() + ", " + which["input"] + " block " + std::to_string(number) + ", first bits";
    for (std::size_t i = 0; i < 4; ++i) {
      char digits[16];
      std::snprintf(digits, sizeof digits, " %08x", bits_of(values[i]));
      text += digits;
    }
    return text;
  };
  if (expected.poisoned) {
    using fb::unpack;
    ASSERT_EQ(unpack(got.scale).kind, fb::number_class::nan) << where();
    return;
  }
  ASSERT_EQ(static_cast<std::uint32_t>(fb::source_code(got.scale)), expected.scale) << where() << std::hex << " scale";
  ASSERT_EQ(expected.codes.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i, ++compared)
    ASSERT_EQ(std::uint32_t{got.codes[i]}, expected.codes[i])
        << where() << ", element " << i << std::hex << ", bits " << bits_of(values[i]) << ", scale " << expected.scale;
}

expectation as_it_stands(const writer_vectors::answer& answer) { return {false, answer.scale, answer.codes}; }
/// A NaN scale stands for NaN in every element: the codes beneath it are 0 here.
expectation with_nan_scales(const writer_vectors::answer& answer) {
  return {answer.scale == 0xff, answer.scale, answer.codes};
}
/// ggml's Inf is NaN here, and its codes of q4_0 have 8 added.
expectation of_q4_0(const writer_vectors::answer& answer) {
  expectation expected{(answer.scale & 0x7c00) == 0x7c00, answer.scale, answer.codes};
  for (auto& code : expected.codes)
    code ^= 8;
  return expected;
}
expectation of_q8_0(const writer_vectors::answer& answer) {
  return {(answer.scale & 0x7c00) == 0x7c00, answer.scale, answer.codes};
}

class Writers : public testing::Test {
 protected:
  static const std::map<std::string, writer_vectors::tensor>& tensors() {
    static const auto all = writer_vectors::read_tensors();
    return all;
  }

  static float amax_of(const writer_vectors::tensor& blocks) {
    std::uint32_t amax = 0;
    for (const auto& values : blocks)
      for (const float each : values)
        amax = std::max(amax, bits_of(each) & 0x7fffffffu);
    return float_of(amax);
  }

  /// All cases of a file that `accepts`, under the rule that `rule_of` gives for a case's tensor.
  template <class Format, class Accepts, class RuleOf, class Expect>
  static void judge(const std::string& file, const Accepts& accepts, const RuleOf& rule_of, const Expect& expected_of) {
    compared = 0;
    std::uint64_t blocks = 0;
    for (const auto& which : writer_vectors::read_cases(file, tensors())) {
      if (!accepts(which))
        continue;
      const auto& tensor = tensors().at(which["input"]);
      ASSERT_EQ(tensor.size(), which.answers.size()) << which.name();
      const auto rule = rule_of(amax_of(tensor));
      typename Format::tensor_scale_type tensor_scale{};
      if constexpr (Format::has_tensor_scale) {
        tensor_scale = rule.template tensor_scale<Format>(fb::unpack(amax_of(tensor)));
        const std::uint32_t stored = writer_vectors::number_in(which["tensor_scale"]);
        if constexpr (requires { rule.divisor(); })
          ASSERT_EQ(bits_of(rule.divisor()), stored) << which.name() << ", tensor scale";
        else if (which["system"] == "transformer_engine_nvfp4")
          ASSERT_EQ(bits_of(amax_of(tensor)), stored);
        else
          ASSERT_EQ(bits_of(tensor_scale), stored) << which.name() << ", tensor scale";
      }
      for (std::size_t n = 0; n < tensor.size(); ++n, ++blocks)
        judge_block<Format>(which, n, tensor[n], tensor_scale, rule, expected_of);
    }
    EXPECT_GT(blocks, 0u) << "no cases in " << file;
    std::printf("%llu blocks, %llu codes\n", static_cast<unsigned long long>(blocks),
                static_cast<unsigned long long>(compared));
  }

  template <class Format, class Rule, class Expect>
  static void judge_rule(const std::string& file, const std::string& system, const std::string& rule_name,
                         const std::string& element, const Rule& rule, const Expect& expected_of) {
    judge<Format>(
        file,
        [&](const auto& which) {
          return which["system"] == system && which["rule"] == rule_name && which["element"] == element;
        },
        [&](float) { return rule; }, expected_of);
  }
};

template <class Element>
struct named_element {
  const char* name;
};
constexpr named_element<fb::e4m3> named_e4m3{"e4m3"};
constexpr named_element<fb::e5m2> named_e5m2{"e5m2"};
constexpr named_element<fb::e3m2> named_e3m2{"e3m2"};
constexpr named_element<fb::e2m3> named_e2m3{"e2m3"};
constexpr named_element<fb::e2m1> named_e2m1{"e2m1"};
constexpr named_element<fb::mxint8> named_mxint8{"mxint8"};

TEST_F(Writers, TorchaoMx) {
  const auto all_modes = [&]<class Element>(named_element<Element> which) {
    const std::string file = std::string("torchao_") + which.name + ".txt";
    judge_rule<mx<Element>>(file, "torchao_mx", "floor", which.name, fb::torchao_floor, with_nan_scales);
    judge_rule<mx<Element>>(file, "torchao_mx", "ceil", which.name, fb::torchao_ceil, with_nan_scales);
    judge_rule<mx<Element>>(file, "torchao_mx", "rceil", which.name, fb::torchao_rceil, with_nan_scales);
    judge_rule<mx<Element>>(file, "torchao_mx", "even", which.name, fb::torchao_even, with_nan_scales);
  };
  all_modes(named_e4m3);
  all_modes(named_e5m2);
  all_modes(named_e3m2);
  all_modes(named_e2m3);
  all_modes(named_e2m1);
}

TEST_F(Writers, TorchaoNvfp4) {
  judge_rule<two_level>("torchao_nvfp4.txt", "torchao_nvfp4", "two_level", "", fb::torchao_nvfp4, as_it_stands);
  judge_rule<one_level>("torchao_nvfp4.txt", "torchao_nvfp4", "one_level", "", fb::torchao_nvfp4, as_it_stands);
}

TEST_F(Writers, CompressedTensorsNvfp4) {
  judge<two_level>(
      "compressed_tensors_nvfp4.txt", [](const auto&) { return true; },
      [](float amax) { return fb::compressed_tensors_nvfp4(amax); }, as_it_stands);
}

TEST_F(Writers, CompressedTensorsMxfp4) {
  judge_rule<mx<fb::e2m1>>("compressed_tensors_mxfp4.txt", "compressed_tensors_mxfp4", "", "",
                           fb::compressed_tensors_mxfp4, with_nan_scales);
}

TEST_F(Writers, ModeloptNvfp4) {
  judge_rule<two_level>("modelopt_nvfp4.txt", "modelopt_nvfp4", "", "", fb::modelopt_nvfp4, as_it_stands);
}

TEST_F(Writers, TransformerEngineNvfp4) {
  const auto under = [&](const std::string& rule, const auto& rule_of) {
    judge<two_level>(
        "transformer_engine_nvfp4.txt", [&](const auto& which) { return which["rule"] == rule; }, rule_of,
        as_it_stands);
  };
  under("static", [](float amax) { return fb::transformer_engine_nvfp4(amax); });
  constexpr auto squared = fb::te_error::squared;
  under("four_over_six_mae_256", [](float amax) { return fb::transformer_engine_four_over_six(amax); });
  under("four_over_six_mae_448", [](float amax) { return fb::transformer_engine_four_over_six(amax, 448.0f); });
  under("four_over_six_mse_256", [](float amax) { return fb::transformer_engine_four_over_six<squared>(amax); });
  under("four_over_six_mse_448",
        [](float amax) { return fb::transformer_engine_four_over_six<squared>(fb::unpack(amax), 448.0f); });
}

TEST_F(Writers, TransformerEngineMxfp8) {
  const std::string system = "transformer_engine_mxfp8";
  judge_rule<mx<fb::e4m3>>("published_mx.txt", system, "", "e4m3", fb::transformer_engine_mxfp8, as_it_stands);
  judge_rule<mx<fb::e5m2>>("published_mx.txt", system, "", "e5m2", fb::transformer_engine_mxfp8, as_it_stands);
}

TEST_F(Writers, Microxcaling) {
  const auto with = [&]<class Element>(named_element<Element> which) {
    judge_rule<mx<Element>>("published_mx.txt", "microxcaling", "", which.name, fb::microxcaling, with_nan_scales);
  };
  with(named_e4m3);
  with(named_e5m2);
  with(named_e3m2);
  with(named_e2m3);
  with(named_e2m1);
  with(named_mxint8);
}

TEST_F(Writers, Ggml) {
  judge_rule<q4_0>("ggml.txt", "ggml_q4_0", "", "", fb::ggml_q4_0, of_q4_0);
  judge_rule<q8_0>("ggml.txt", "ggml_q8_0", "", "", fb::ggml_q8_0, of_q8_0);
  judge_rule<mx<fb::e2m1>>("ggml.txt", "ggml_mxfp4", "", "", fb::ggml_mxfp4, as_it_stands);
  judge_rule<one_level>("ggml.txt", "ggml_nvfp4", "", "", fb::ggml_nvfp4, as_it_stands);
}

TEST_F(Writers, BitsandbytesNf4) {
  judge_rule<nf4_64>("bitsandbytes_nf4.txt", "bitsandbytes_nf4", "", "", fb::bitsandbytes_nf4, as_it_stands);
}

TEST_F(Writers, DeepseekFp8) {
  judge_rule<fp8_128>("published_fp8.txt", "deepseek_v3", "", "", fb::deepseek_v3, as_it_stands);
  judge_rule<fp8_128>("published_fp8.txt", "deep_gemm", "float", "", fb::deep_gemm, as_it_stands);
  judge_rule<fp8_128>("published_fp8.txt", "deep_gemm", "power_of_two", "", fb::deep_gemm_power_of_two, as_it_stands);
}

// float32 steps, against the host's own arithmetic where no flag can spoil it: whole numbers and doubles.
TEST(Stepwise, FloorAndCeilOfLog2AreThoseOfTheLogRoundedToFloat) {
  std::uint64_t visited = 0;
  for (int power = -149; power <= 127; ++power)
    for (int by = -120; by <= 120; ++by) {
      const std::uint32_t at = power < -126 ? 1u << (power + 149) : static_cast<std::uint32_t>(power + 127) << 23;
      const auto code = static_cast<std::int64_t>(at) + by;
      if (code <= 0 || code >= 0x7f800000)
        continue;
      const auto x = fb::stepwise::from_code(static_cast<std::uint32_t>(code));
      const fb::unpacked_number parts = x.exact();
      const auto log =
          static_cast<float>(std::log2(std::ldexp(static_cast<double>(parts.significand >> 39), -24)) + parts.exponent);
      ASSERT_EQ(fb::floor_of_rounded_log2(x), static_cast<int>(std::floor(log))) << "bits " << std::hex << code;
      ASSERT_EQ(fb::ceil_of_rounded_log2(x), static_cast<int>(std::ceil(log)) + (fewbits_test::planted() ? 1 : 0))
          << "bits " << std::hex << code;
      ++visited;
    }
  std::printf("%llu floats\n", static_cast<unsigned long long>(visited));
}

static_assert((fb::stepwise(1.0f) / fb::stepwise(3.0f)).code == 0x3eaaaaab);
static_assert((fb::stepwise::from_code(0x3effffff) + fb::stepwise(0.5f)).code == 0x3f800000);  // 0.49999997 + 0.5 is 1
static_assert((fb::stepwise::power_of_two(-126) * fb::stepwise(0.5f)).code == 0x00400000);     // subnormals stay
static_assert((fb::stepwise(3.0e38f) * fb::stepwise(2.0f)).code == fb::stepwise::infinity);
static_assert((fb::stepwise(0.0f) / fb::stepwise(0.0f)).is_nan());

// A preset at compile time: modelopt's element is a quotient, torchao's a product, and here they part.
constexpr std::array<float, 16> example{6.0f, 1.7499999f, -0.25f, 5.0f};
constexpr auto at_compile_time = fb::encode_block<two_level>(std::span<const float>(example), 1.0f, fb::modelopt_nvfp4);
static_assert(at_compile_time.scale.bits() == 0b0111'000);  // 1
static_assert(at_compile_time.codes[0] == 0b0'11'1 && at_compile_time.codes[1] == 0b0'01'1);
static_assert(at_compile_time.codes[2] == 0b1'00'0 && at_compile_time.codes[3] == 0b0'11'0);

TEST(Presets, RunTimeEqualsCompileTime) {
  std::array<float, 16> values = example;
  EXPECT_TRUE(same_bits(fb::encode_block<two_level>(std::span<const float>(values), 1.0f, fb::modelopt_nvfp4),
                        at_compile_time));
}

}  // namespace
