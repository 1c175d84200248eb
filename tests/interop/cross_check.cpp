// Answers cross_check.py: reads framed files (u32 little-endian length, bytes) and prints one line for each:
// "ok" and the tensors as hex(name):dtype:shape:size, or "no", the code and the sentence.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "safetensors_bytes.hpp"

int main() {
  for (;;) {
    unsigned char prefix[4];
    if (std::fread(prefix, 1, sizeof prefix, stdin) != sizeof prefix)
      return 0;
    std::size_t size = 0;
    for (int i = 4; i-- > 0;)
      size = size << 8 | prefix[i];
    std::string text(size, '\0');
    if (std::fread(text.data(), 1, size, stdin) != size)
      return 1;
    const fewbits_test::exact_bytes file(text);
    const auto read = fewbits::safetensors::parse(file.view());
    if (!read) {
      const std::string_view code = fewbits::to_string(read.error().code());
      const std::string_view why = read.error().message();
      std::printf("no %.*s %.*s\n", static_cast<int>(code.size()), code.data(), static_cast<int>(why.size()),
                  why.data());
      continue;
    }
    std::printf("ok");
    for (const auto& t : read->tensors()) {
      std::printf(" ");
      for (const char c : t.name)
        std::printf("%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      const std::string_view type = fewbits::to_string(t.type);
      std::printf(":%.*s:", static_cast<int>(type.size()), type.data());
      for (const std::uint64_t extent : t.shape)
        std::printf("%llu,", static_cast<unsigned long long>(extent));
      std::printf(":%zu", t.bytes.size());
    }
    std::printf("\n");
  }
}
