// The main program of a fuzzer that replays: the files and folders it is given, each file whole and cut at every byte.
// The name of a file says what becomes of it: good_* is accepted, anything else is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../support/planted.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fewbits_test {

/// `accepts(text)` says whether the reader takes the bytes.
template <class Accepts>
int replay_main(const char* name, int count, char** arguments, const Accepts& accepts) {
  std::size_t files = 0;
  std::size_t inputs = 0;
  std::size_t accepted = 0;
  bool right = true;
  const auto replay = [&](const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    for (std::size_t size = 0; size <= text.size(); ++size, ++inputs) {
      const std::string cut = text.substr(0, size);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(cut.data()), cut.size());
    }
    const bool good = accepts(text);
    const bool wanted = (path.filename().string().rfind("good_", 0) == 0) != fewbits_test::planted();
    ++files;
    accepted += good ? 1u : 0u;
    if (good != wanted)
      std::fprintf(stderr, "%s is %s\n", path.filename().string().c_str(), good ? "accepted" : "refused");
    right = right && good == wanted;
  };
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(arguments[i])) {
      replay(arguments[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i]))
      replay(entry.path());
  }
  std::printf("%s: replayed %zu files (%zu accepted), %zu inputs\n", name, files, accepted, inputs);
  return right && files != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace fewbits_test
