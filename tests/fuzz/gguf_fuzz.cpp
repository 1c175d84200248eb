// Feeds any bytes to the reader of GGUF, checks what it promises of files it accepts and refuses, decodes the tensors,
// and writes what it has read: the same tensors must come back.
//   clang++ -std=c++20 -Iinclude -Itests -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/gguf_fuzz.cpp -o fuzz
//   ./fuzz -dict=tests/fuzz/gguf.dict new_corpus tests/fuzz/corpus/gguf
// With -DFEWBITS_FUZZ_REPLAY any compiler builds a program that replays files: see replay.hpp.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fewbits/interop/gguf_blocks.hpp>
#include <fewbits/interop/gguf_writer.hpp>

#include "../interop/gguf_bytes.hpp"

namespace {

namespace fb = fewbits;

void demand(bool kept, const char* promise) {
  if (kept)
    return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// To a matrix and back; the highest bits of NVFP4's scales aside, which mean nothing.
template <class F>
void transcode(const fb::gguf_tensor& tensor) {
  const auto matrix = [&] {
    if constexpr (F::has_tensor_scale)
      return fb::read_gguf<F>(tensor, 1.0f);
    else
      return fb::read_gguf<F>(tensor);
  }();
  if (!matrix)
    return;
  std::vector<std::byte> back(tensor.bytes.size());
  if constexpr (F::has_tensor_scale) {
    float scale = 0;
    (void)fb::write_gguf(matrix->view(), tensor.type, back, scale).has_value();
  } else if (fb::write_gguf(matrix->view(), tensor.type, back)) {
    demand(same(back, tensor.bytes) || tensor.type == fb::gguf_type::tq1_0, "blocks come back");
  }
}

void decode(const fb::gguf_tensor& tensor) {
  const auto extents = fb::extents_of(tensor);
  if (!extents)
    return demand(fewbits_test::broken_gguf_promise(extents.error()) == nullptr, "a sentence");
  std::vector<float> values(extents->rows * extents->columns);
  const auto done = fb::dequantize_gguf(tensor, values);
  if (!done)
    demand(fewbits_test::broken_gguf_promise(done.error()) == nullptr, "a sentence");
  transcode<fb::int4_groups<32, fb::fp16>>(tensor);
  transcode<fb::nested_uint4>(tensor);
  transcode<fb::nested_int6>(tensor);
  transcode<fb::mxfp4>(tensor);
  transcode<fb::nvfp4>(tensor);
  transcode<fb::ternary_groups<256, fb::fp16>>(tensor);
}

void write_again(const fb::gguf& read) {
  fb::gguf_metadata metadata;
  for (const fb::gguf_entry& each : read.metadata())
    metadata.add(each.key, each.value);
  std::vector<fb::gguf_spec> specs;
  for (const fb::gguf_tensor& each : read.tensors())
    specs.push_back({each.name, each.type, each.shape});
  fb::memory_sink sink;
  auto writer = fb::gguf_writer<fb::memory_sink>::begin(sink, specs, metadata);
  if (!writer)
    return demand(fewbits_test::broken_gguf_promise(writer.error()) == nullptr, "a sentence");
  for (const fb::gguf_tensor& each : read.tensors())
    demand(writer->append(each.name, each.bytes).has_value(), "tensors are written in their order");
  demand(writer->finish().has_value(), "every tensor was written");
  demand(sink.bytes().size() == writer->header().file_bytes(), "a file is as long as its header says");
  const auto again = fb::gguf::parse(sink.bytes());
  demand(again.has_value(), "what is written can be read");
  demand(again->tensors().size() == read.tensors().size() && again->metadata().size() == read.metadata().size(),
         "all is written");
  for (std::size_t i = 0; i < specs.size(); ++i)
    demand(again->tensors()[i].name == specs[i].name && same(again->tensors()[i].bytes, read.tensors()[i].bytes) &&
               std::equal(specs[i].shape.begin(), specs[i].shape.end(), again->tensors()[i].shape.begin()),
           "tensors come back");
  for (std::size_t i = 0; i < read.metadata().size(); ++i)
    demand(again->metadata()[i].key == read.metadata()[i].key &&
               same(again->metadata()[i].value.bytes(), read.metadata()[i].value.bytes()),
           "metadata come back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fewbits_test::exact_gguf file({reinterpret_cast<const char*>(data), size});
  const auto read = fb::gguf::parse(file.view());
  const char* const broken =
      read ? fewbits_test::broken_promise(*read, file.view()) : fewbits_test::broken_gguf_promise(read.error());
  demand(broken == nullptr, broken);
  const auto header = fb::gguf::parse_header(file.view(), size + 64);
  demand(!read || header, "a longer file is a file");
  if (!read)
    return 0;
  for (const fb::gguf_tensor& each : read->tensors()) {
    decode(each);
    (void)fb::gguf_scale_of(*read, each).has_value();
  }
  write_again(*read);
  return 0;
}

#if defined(FEWBITS_FUZZ_REPLAY)
#include "replay.hpp"

int main(int count, char** arguments) {
  return fewbits_test::replay_main("gguf_fuzz", count, arguments, [](const std::string& text) {
    const fewbits_test::exact_gguf file(text);
    return fb::gguf::parse(file.view()).has_value();
  });
}
#endif
