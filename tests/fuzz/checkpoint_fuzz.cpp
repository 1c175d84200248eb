// Feeds any text to the readers of a checkpoint's JSON: its index and its configuration.
//   clang++ -std=c++20 -Iinclude -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/checkpoint_fuzz.cpp -o fuzz
//   ./fuzz -dict=tests/fuzz/checkpoint.dict new_corpus tests/fuzz/corpus/checkpoint
// With -DFEWBITS_FUZZ_REPLAY any compiler builds a program that replays files: see replay.hpp.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fewbits/interop/checkpoint_index.hpp>
#include <fewbits/interop/scheme_config.hpp>

#include "../interop/safetensors_bytes.hpp"

namespace {

const char* broken_promise(const fewbits::checkpoint_index& index) {
  std::string_view before;
  for (const std::string_view file : index.files()) {
    if (!before.empty() && !(before < file))
      return "files are sorted and each is there once";
    if (!fewbits::unsafe_file_name(file).empty())
      return "a file has a plain name";
    before = file;
  }
  for (std::size_t i = 0; i < index.tensors().size(); ++i) {
    if (i != 0 && !(index.tensors()[i - 1].tensor < index.tensors()[i].tensor))
      return "tensors are sorted and each is there once";
    if (index.tensors()[i].file >= index.files().size())
      return "a tensor's file is one of the files";
  }
  return nullptr;
}

const char* broken_promise(const fewbits::quantization_config& config) {
  if (config.method().empty() && config.scheme_of("model.layers.0").kind != fewbits::weight_storage::plain)
    return "nothing is quantised without a method";
  for (const std::string_view pattern : config.ignored()) {
    if (!config.method().empty() && fewbits::pattern_names(pattern, pattern) &&
        config.scheme_of(pattern).kind != fewbits::weight_storage::plain)
      return "what a pattern names is not quantised";
  }
  const auto refined = config.refine("model.layers.0", {.kind = fewbits::weight_storage::plain});
  return refined.kind == fewbits::weight_storage::plain ? nullptr : "a layer that is plain stays plain";
}

void demand(const char* broken) {
  if (broken == nullptr)
    return;
  std::fprintf(stderr, "broken promise: %s\n", broken);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fewbits_test::exact_bytes text({reinterpret_cast<const char*>(data), size});
  const auto index = fewbits::checkpoint_index::parse(text.view());
  demand(index ? broken_promise(*index) : fewbits_test::broken_promise(index.error()));
  const auto config = fewbits::quantization_config::parse(text.view());
  demand(config ? broken_promise(*config) : fewbits_test::broken_promise(config.error()));
  return 0;
}

#if defined(FEWBITS_FUZZ_REPLAY)
#include "replay.hpp"

int main(int count, char** arguments) {
  return fewbits_test::replay_main("checkpoint_fuzz", count, arguments, [](const std::string& content) {
    const fewbits_test::exact_bytes text(content);
    if (fewbits::checkpoint_index::parse(text.view()))
      return true;
    const auto config = fewbits::quantization_config::parse(text.view());
    return config && !config->method().empty();
  });
}
#endif
