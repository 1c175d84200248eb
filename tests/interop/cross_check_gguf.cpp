// The program of cross_check_gguf.py: reads one GGUF file and writes another. Every tensor of blocks goes through a
// quantised matrix and back, with its values in float32 beside it; every F32 tensor whose name begins with "source" is
// quantised to each type that can be.
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <fewbits/block/writers/ggml.hpp>
#include <fewbits/interop/file.hpp>
#include <fewbits/interop/gguf_blocks.hpp>
#include <fewbits/interop/gguf_writer.hpp>
#include <fewbits/matrix/quantize.hpp>

namespace {

namespace fb = fewbits;
using fb::gguf_tensor;
using fb::gguf_type;

struct stored {
  std::string name;
  gguf_type type;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;
};
std::deque<stored> output;

bool complain(const fb::error& why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.message().size()), why.message().data());
  return false;
}

void add_floats(std::string name, std::vector<std::uint64_t> shape, const std::vector<float>& values) {
  stored to{std::move(name), gguf_type::f32, std::move(shape), std::vector<std::byte>(4 * values.size())};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    for (std::size_t b = 0; b < 4; ++b)
      to.bytes[4 * i + b] = static_cast<std::byte>(bits >> (8 * b) & 0xff);
  }
  output.push_back(std::move(to));
}

bool add_values(const stored& of, float scale = 1.0f) {
  const gguf_tensor tensor{of.name, of.type, of.shape, of.bytes};
  const auto extents = fb::extents_of(tensor);
  if (!extents)
    return complain(extents.error());
  std::vector<float> values(extents->rows * extents->columns);
  const auto done = fb::dequantize_gguf(tensor, values, scale);
  if (!done)
    return complain(done.error());
  add_floats(of.name + ".values", of.shape, values);
  return true;
}

template <class F>
bool add_blocks(const fb::quantized_matrix<F>& matrix, std::string name, gguf_type type,
                std::vector<std::uint64_t> shape) {
  stored to{std::move(name), type, std::move(shape), {}};
  to.bytes.resize(static_cast<std::size_t>(*fb::gguf_bytes(type, to.shape)));
  float scale = 1.0f;
  const auto written = [&] {
    if constexpr (F::has_tensor_scale)
      return fb::write_gguf(matrix.view(), type, to.bytes, scale);
    else
      return fb::write_gguf(matrix.view(), type, to.bytes);
  }();
  if (!written)
    return complain(written.error());
  output.push_back(to);
  if constexpr (F::has_tensor_scale)
    add_floats(to.name + ".scale", {1}, {scale});
  return add_values(to, scale);
}

struct one_level : fb::block_format<fb::e2m1, fb::ue4m3, 16, fb::amax_scale_t> {};

template <class F>
bool transcode(const gguf_tensor& tensor) {
  const auto matrix = fb::read_gguf<F>(tensor);
  if (!matrix)
    return complain(matrix.error());
  return add_blocks(*matrix, std::string(tensor.name), tensor.type, {tensor.shape.begin(), tensor.shape.end()});
}

template <class F, class... Rule>
bool quantize(const gguf_tensor& source, const fb::matrix_view<const float>& values, gguf_type type,
              const Rule&... rule) {
  if (values.columns() % fb::gguf_row_of(type)->elements != 0)
    return true;
  const auto matrix = fb::quantize<F>(values, rule...);
  if (!matrix)
    return complain(matrix.error());
  return add_blocks(*matrix, std::string(source.name) + "." + std::string(to_string(type)), type,
                    {source.shape.begin(), source.shape.end()});
}

bool quantize_all(const gguf_tensor& source) {
  const auto extents = fb::extents_of(source);
  if (!extents)
    return complain(extents.error());
  std::vector<float> floats(extents->rows * extents->columns);
  if (!fb::dequantize_gguf(source, floats))
    return false;
  const fb::matrix_view<const float> values(floats.data(), extents->rows, extents->columns);
  return quantize<fb::int4_groups<32, fb::fp16>>(source, values, gguf_type::q4_0, fb::ggml_q4_0) &&
         quantize<fb::int8_groups<32, fb::fp16>>(source, values, gguf_type::q8_0, fb::ggml_q8_0) &&
         quantize<fb::mxfp4>(source, values, gguf_type::mxfp4, fb::ggml_mxfp4) &&
         quantize<fb::nvfp4>(source, values, gguf_type::nvfp4) &&
         quantize<fb::uint4_minimum_groups<32, fb::fp16>>(source, values, gguf_type::q4_1) &&
         quantize<fb::int5_groups<32, fb::fp16>>(source, values, gguf_type::q5_0) &&
         quantize<fb::uint5_minimum_groups<32, fb::fp16>>(source, values, gguf_type::q5_1) &&
         quantize<fb::iq4_groups<32, fb::fp16>>(source, values, gguf_type::iq4_nl) &&
         quantize<fb::nested_uint2>(source, values, gguf_type::q2_k) &&
         quantize<fb::nested_int3>(source, values, gguf_type::q3_k) &&
         quantize<fb::nested_uint4>(source, values, gguf_type::q4_k) &&
         quantize<fb::nested_uint5>(source, values, gguf_type::q5_k) &&
         quantize<fb::nested_int6>(source, values, gguf_type::q6_k) &&
         quantize<fb::nested_iq4>(source, values, gguf_type::iq4_xs) &&
         quantize<fb::ternary_groups<256, fb::fp16>>(source, values, gguf_type::tq1_0) &&
         quantize<fb::ternary_groups<256, fb::fp16>>(source, values, gguf_type::tq2_0);
}

bool take(const gguf_tensor& tensor) {
  switch (tensor.type) {
    case gguf_type::q4_0: return transcode<fb::int4_groups<32, fb::fp16>>(tensor);
    case gguf_type::q4_1: return transcode<fb::uint4_minimum_groups<32, fb::fp16>>(tensor);
    case gguf_type::q5_0: return transcode<fb::int5_groups<32, fb::fp16>>(tensor);
    case gguf_type::q5_1: return transcode<fb::uint5_minimum_groups<32, fb::fp16>>(tensor);
    case gguf_type::q8_0: return transcode<fb::int8_groups<32, fb::fp16>>(tensor);
    case gguf_type::iq4_nl: return transcode<fb::iq4_groups<32, fb::fp16>>(tensor);
    case gguf_type::q2_k: return transcode<fb::nested_uint2>(tensor);
    case gguf_type::q3_k: return transcode<fb::nested_int3>(tensor);
    case gguf_type::q4_k: return transcode<fb::nested_uint4>(tensor);
    case gguf_type::q5_k: return transcode<fb::nested_uint5>(tensor);
    case gguf_type::q6_k: return transcode<fb::nested_int6>(tensor);
    case gguf_type::iq4_xs: return transcode<fb::nested_iq4>(tensor);
    case gguf_type::tq1_0:
    case gguf_type::tq2_0: return transcode<fb::ternary_groups<256, fb::fp16>>(tensor);
    case gguf_type::mxfp4: return transcode<fb::mxfp4>(tensor);
    case gguf_type::nvfp4: return transcode<one_level>(tensor);
    default: break;
  }
  output.push_back({std::string(tensor.name),
                    tensor.type,
                    {tensor.shape.begin(), tensor.shape.end()},
                    {tensor.bytes.begin(), tensor.bytes.end()}});
  if (tensor.name.starts_with("source"))
    return quantize_all(tensor);
  return tensor.type == gguf_type::f32 || add_values(stored(output.back()));
}

bool run(const char* from, const char* to) {
  const auto file = fb::mapped_file::open(from);
  if (!file)
    return complain(file.error());
  const auto read = fb::gguf::parse(file->bytes());
  if (!read)
    return complain(read.error());
  for (const gguf_tensor& tensor : read->tensors())
    if (!take(tensor))
      return false;
  fb::gguf_metadata metadata;
  for (const fb::gguf_entry& each : read->metadata())
    metadata.add(each.key, each.value);
  std::vector<fb::gguf_spec> specs;
  for (const stored& each : output)
    specs.push_back({each.name, each.type, each.shape});
  fb::memory_sink sink;
  auto writer = fb::gguf_writer<fb::memory_sink>::begin(sink, specs, metadata);
  if (!writer)
    return complain(writer.error());
  for (const stored& each : output)
    if (const auto written = writer->append(each.name, each.bytes); !written)
      return complain(written.error());
  if (const auto finished = writer->finish(); !finished)
    return complain(finished.error());
  std::FILE* const stream = std::fopen(to, "wb");
  if (stream == nullptr)
    return false;
  const bool whole_file = std::fwrite(sink.bytes().data(), 1, sink.bytes().size(), stream) == sink.bytes().size();
  return std::fclose(stream) == 0 && whole_file;
}

}  // namespace

int main(int count, char** arguments) { return count == 3 && run(arguments[1], arguments[2]) ? 0 : 1; }
