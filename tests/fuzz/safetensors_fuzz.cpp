// Feeds any bytes to the reader of safetensors and checks what it promises of files it accepts and refuses.
//   clang++ -std=c++20 -Iinclude -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/safetensors_fuzz.cpp -o fuzz
//   ./fuzz -dict=tests/fuzz/safetensors.dict new_corpus tests/fuzz/corpus/safetensors
// With -DFEWBITS_FUZZ_REPLAY any compiler builds a program that replays files: see replay.hpp.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "../interop/safetensors_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fewbits_test::exact_bytes file({reinterpret_cast<const char*>(data), size});
  const auto read = fewbits::safetensors::parse(file.view());
  const char* const broken = read ? fewbits_test::broken_promise(*read, file.view())  //
                                  : fewbits_test::broken_promise(read.error());
  if (broken != nullptr) {
    std::fprintf(stderr, "broken promise: %s\n", broken);
    std::abort();
  }
  return 0;
}

#if defined(FEWBITS_FUZZ_REPLAY)
#include "replay.hpp"

int main(int count, char** arguments) {
  return fewbits_test::replay_main("safetensors_fuzz", count, arguments, [](const std::string& text) {
    const fewbits_test::exact_bytes file(text);
    return fewbits::safetensors::parse(file.view()).has_value();
  });
}
#endif
