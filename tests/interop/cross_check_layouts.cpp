// The program of cross_check_layouts.py: quantises random weights to every layout of docs/interop/layouts.md, and
// writes the layout's tensors and, beside them, the values they stand for as .values in float32.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <fewbits/block/fp8.hpp>
#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/block/nvfp4.hpp>
#include <fewbits/interop/layouts/compressed_tensors.hpp>
#include <fewbits/interop/layouts/deepseek.hpp>
#include <fewbits/interop/layouts/gpt_oss.hpp>
#include <fewbits/interop/layouts/modelopt.hpp>
#include <fewbits/interop/layouts/torchao.hpp>
#include <fewbits/interop/safetensors_writer.hpp>
#include <fewbits/matrix/quantize.hpp>

namespace {

namespace fb = fewbits;
using fb::dtype;

struct stored {
  std::string name;
  dtype type;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;
};
std::deque<stored> output;

[[noreturn]] void stop(const fb::error& why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.message().size()), why.message().data());
  std::exit(1);
}
template <class T>
T demand(fb::result<T>&& made) {
  if (!made)
    stop(made.error());
  return std::move(made).value();
}

/// A tensor to be written, with bytes for its shape.
std::span<std::byte> add(std::string name, dtype type, std::vector<std::uint64_t> shape) {
  std::uint64_t bits = fb::bits_per_element(type);
  for (const std::uint64_t extent : shape)
    bits *= extent;
  output.push_back({std::move(name), type, std::move(shape), std::vector<std::byte>(bits / 8)});
  return output.back().bytes;
}
template <class T>
fb::stored_numbers<T, std::byte> add_numbers(std::string name, dtype type, std::vector<std::uint64_t> shape) {
  return fb::stored_numbers<T, std::byte>{add(std::move(name), type, std::move(shape))};
}
template <class Weights>
void add_values(const std::string& name, const Weights& weights) {
  const auto values = add_numbers<float>(name + ".values", dtype::f32, {weights.rows(), weights.columns()});
  std::vector<float> row(weights.columns());
  for (std::size_t n = 0; n < weights.rows(); ++n) {
    weights.decode(n, 0, row);
    for (std::size_t k = 0; k < row.size(); ++k)
      values.set(n * row.size() + k, row[k]);
  }
}

template <class Format>
fb::quantized_matrix<Format> random_weights(std::size_t rows, std::size_t columns) {
  static std::mt19937_64 random(31);
  std::normal_distribution<float> normal(.1f);
  std::vector<float> values(rows * columns);
  for (float& each : values)
    each = normal(random);
  return demand(fb::quantize<Format>(fb::matrix_view<const float>{values.data(), rows, columns}));
}

template <class Format>
void add_packed(const std::string& name, dtype scale_type, std::size_t rows, std::size_t columns) {
  using scale = typename Format::scale_type;
  const auto weights = random_weights<Format>(rows, columns);
  const auto& layout = weights.layout();
  constexpr std::size_t bits = Format::element_bits;
  fb::compressed_tensors_packed_tensors_out<scale> to;
  to.weight_packed = add(name + ".weight_packed", dtype::i32, {rows, (columns * bits + 31) / 32});
  to.weight_scale =
      add_numbers<scale>(name + ".weight_scale", scale_type,
                         Format::shape == fb::per_tensor ? std::vector<std::uint64_t>{1}
                                                         : std::vector<std::uint64_t>{rows, layout.block_columns()});
  if (Format::has_zero_point) {
    if (Format::shape == fb::per_tensor)
      to.weight_zero_point = add(name + ".weight_zero_point", dtype::i8, {1});
    else
      to.weight_zero_point =
          add(name + ".weight_zero_point", dtype::i32, {(rows * bits + 31) / 32, layout.block_columns()});
  }
  to.weight_shape = add_numbers<std::int64_t>(name + ".weight_shape", dtype::i64, {2});
  demand(fb::write_compressed_tensors_packed(weights.view(), to));
  add_values(name, weights.view());
}

template <class Format>
void add_mx(const std::string& name, std::size_t rows, std::size_t columns) {
  const auto weights = random_weights<Format>(rows, columns);
  const auto codes = add(name + ".weight_packed", dtype::u8, {rows, columns * Format::element_bits / 8});
  const auto scales = add(name + ".weight_scale", dtype::u8, {rows, columns / 32});
  demand(fb::write_compressed_tensors_mx(weights.view(), {codes, scales}));
  add_values(name, weights.view());
}

template <class Format>
void add_naive(const std::string& name, dtype element, dtype scale_type, std::size_t rows, std::size_t columns,
               std::vector<std::uint64_t> scale_shape) {
  const auto weights = random_weights<Format>(rows, columns);
  const auto codes = add(name + ".weight", element, {rows, columns});
  const auto scales = add_numbers<typename Format::scale_type>(name + ".weight_scale", scale_type, scale_shape);
  demand(fb::write_compressed_tensors_naive(weights.view(), {codes, scales}));
  add_values(name, weights.view());
}

template <class Format>
void add_torchao(const std::string& name, dtype element, dtype scale_type, std::size_t rows, std::size_t columns) {
  const auto weights = random_weights<Format>(rows, columns);
  const std::size_t along = weights.layout().block_columns();
  for (const bool swizzled : {false, true}) {
    const std::string prefix = name + (swizzled ? "_swizzled" : "");
    const auto codes = add(prefix + ".qdata", element, {rows, columns * Format::element_bits / 8});
    const auto scales = add(prefix + ".scale", scale_type,
                            swizzled ? std::vector<std::uint64_t>{(rows + 127) / 128 * 32, (along + 3) / 4 * 16}
                                     : std::vector<std::uint64_t>{rows, along});
    const auto multiplier = demand(fb::write_torchao(
        weights.view(), {codes, scales}, swizzled ? fb::scale_tiling::tiles_128x4 : fb::scale_tiling::row_major));
    if (Format::has_tensor_scale)
      demand(fb::store_scale(multiplier, add(prefix + ".per_tensor_scale", dtype::f32, {})));
    add_values(prefix, weights.view());
  }
}

void fill() {
  add_packed<fb::int4_groups<32, fb::bf16>>("ct_int4", dtype::bfloat16, 20, 64);
  add_packed<fb::uint4_groups<32, fb::fp16>>("ct_uint4", dtype::f16, 20, 64);
  add_packed<fb::gptq_groups<fb::uint3, fb::whole, float>>("ct_uint3", dtype::f32, 20, 44);
  add_packed<fb::int8_rows<fb::bf16>>("ct_int8", dtype::bfloat16, 6, 22);
  add_mx<fb::mxfp4>("ct_mxfp4", 6, 96);
  add_mx<fb::mxfp6_e2m3>("ct_mxfp6", 6, 96);
  add_naive<fb::mxfp8_e4m3>("ct_mxfp8", dtype::f8_e4m3, dtype::u8, 6, 96, {6, 3});
  add_naive<fb::fp8_rows<fb::e4m3, fb::bf16>>("ct_channel", dtype::f8_e4m3, dtype::bfloat16, 6, 20, {6, 1});
  add_naive<fb::fp8_squares<>>("ct_block", dtype::f8_e4m3, dtype::f32, 200, 130, {2, 2});

  const auto weights = random_weights<fb::nvfp4>(12, 64);
  {
    const auto codes = add("ct_nvfp4.weight_packed", dtype::u8, {12, 32});
    const auto scales = add("ct_nvfp4.weight_scale", dtype::f8_e4m3, {12, 4});
    const auto divisor = demand(fb::write_compressed_tensors_nvfp4(weights.view(), {codes, scales}));
    demand(fb::store_scale(divisor, add("ct_nvfp4.weight_global_scale", dtype::f32, {1})));
    add_values("ct_nvfp4", demand(fb::view_compressed_tensors_nvfp4(12, 64, {codes, scales}, divisor)));
  }
  {
    const auto codes = add("mo_nvfp4.weight", dtype::u8, {12, 32});
    const auto scales = add("mo_nvfp4.weight_scale", dtype::f8_e4m3, {12, 4});
    const auto multiplier = demand(fb::write_modelopt_nvfp4(weights.view(), {codes, scales}));
    demand(fb::store_scale(multiplier, add("mo_nvfp4.weight_scale_2", dtype::f32, {})));
    add_values("mo_nvfp4", weights.view());
  }
  {
    const auto layer = random_weights<fb::int4_groups<32>>(6, 64);
    const auto codes = add("mo_int4.weight", dtype::u8, {3, 64});
    demand(
        fb::write_modelopt_int4(layer.view(), {codes, add_numbers<float>("mo_int4.weight_scale", dtype::f32, {6, 2})}));
    add_values("mo_int4", layer.view());
  }
  add_torchao<fb::mxfp4>("ao_mxfp4", dtype::u8, dtype::f8_e8m0, 130, 64);
  add_torchao<fb::mxfp8_e4m3>("ao_mxfp8", dtype::f8_e4m3, dtype::f8_e8m0, 130, 160);
  add_torchao<fb::nvfp4>("ao_nvfp4", dtype::u8, dtype::f8_e4m3, 130, 80);
  {
    const auto blocks = add("gpt_oss.blocks", dtype::u8, {3, 5, 2, 16});
    const auto scales = add("gpt_oss.scales", dtype::u8, {3, 5, 2});
    for (std::size_t expert = 0; expert < 3; ++expert) {
      const auto layer = random_weights<fb::mxfp4>(5, 64);
      demand(fb::write_gpt_oss(layer.view(), 3, expert, {blocks, scales}));
      add_values("gpt_oss." + std::to_string(expert), layer.view());
    }
  }
  {
    const auto layer = random_weights<fb::fp8_squares<>>(200, 130);
    const auto codes = add("deepseek.weight", dtype::f8_e4m3, {200, 130});
    demand(fb::write_deepseek_fp8(layer.view(),
                                  {codes, add_numbers<float>("deepseek.weight_scale_inv", dtype::f32, {2, 2})}));
    add_values("deepseek", layer.view());
  }
}

void save(const char* path) {
  std::vector<fb::tensor_spec> specs;
  for (const stored& each : output)
    specs.push_back({each.name, each.type, each.shape});
  fb::memory_sink sink;
  auto writer = demand(fb::safetensors_writer<fb::memory_sink>::begin(sink, specs, {}));
  for (const stored& each : output)
    demand(writer.append(each.name, each.bytes));
  demand(writer.finish());
  std::FILE* const stream = std::fopen(path, "wb");
  if (stream == nullptr || std::fwrite(sink.bytes().data(), 1, sink.bytes().size(), stream) != sink.bytes().size() ||
      std::fclose(stream) != 0)
    stop(fb::error{fb::errc::io_failure, "the file could not be written"});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2)
    return 1;
  fill();
  save(arguments[1]);
}
