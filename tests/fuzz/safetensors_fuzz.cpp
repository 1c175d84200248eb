// Feeds any bytes to the reader of safetensors and checks what it promises of files it accepts and refuses.
//   clang++ -std=c++20 -Iinclude -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/safetensors_fuzz.cpp -o fuzz
//   ./fuzz -dict=tests/fuzz/safetensors.dict new_corpus tests/fuzz/corpus/safetensors
// With -DFEWBITS_FUZZ_REPLAY any compiler builds a program that replays the files and folders it is given:
// each file whole, and cut at every byte.
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
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#ifndef FEWBITS_PLANT_BUG
#define FEWBITS_PLANT_BUG 0
#endif

namespace {

std::size_t files = 0;
std::size_t inputs = 0;
std::size_t accepted = 0;

void visit(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  ++inputs;
}

// The name of a file says what becomes of it: good_* is accepted, anything else is refused.
bool replay(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  for (std::size_t size = 0; size <= text.size(); ++size)
    visit(text.substr(0, size));
  const fewbits_test::exact_bytes file(text);
  const bool good = fewbits::safetensors::parse(file.view()).has_value();
  const bool wanted = path.filename().string().rfind("good_", 0) == 0;
  ++files;
  accepted += good ? 1u : 0u;
  if (good != (wanted != (FEWBITS_PLANT_BUG != 0)))
    std::fprintf(stderr, "%s is %s\n", path.filename().string().c_str(), good ? "accepted" : "refused");
  return good == (wanted != (FEWBITS_PLANT_BUG != 0));
}

}  // namespace

int main(int count, char** arguments) {
  bool right = true;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(arguments[i])) {
      right = replay(arguments[i]) && right;
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i]))
      right = replay(entry.path()) && right;
  }
  std::printf("safetensors_fuzz: replayed %zu files (%zu accepted), %zu inputs\n", files, accepted, inputs);
  return right && files != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
