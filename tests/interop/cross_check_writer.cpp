// Answers cross_check_writer.py: reads framed files (u32 little-endian length, bytes) that the reference package wrote,
// and answers each with a frame of the same content as the writer makes it, in pieces; an empty frame where it refuses.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <fewbits/interop/safetensors.hpp>
#include <fewbits/interop/safetensors_writer.hpp>

namespace {

namespace fb = fewbits;

std::string rewritten(const std::string& text, std::size_t piece) {
  const auto read = fb::safetensors::parse(std::as_bytes(std::span(text.data(), text.size())));
  if (!read)
    return {};
  std::vector<fb::tensor_spec> specs;
  for (const auto& t : read->tensors())
    specs.push_back({t.name, t.type, t.shape});
  std::ranges::reverse(specs);
  fb::sort_as_reference(specs);
  fb::memory_sink sink;
  auto writer = fb::safetensors_writer<fb::memory_sink>::begin(sink, specs, read->metadata());
  if (!writer)
    return {};
  for (const auto& spec : specs) {
    auto bytes = read->find(spec.name)->bytes;
    while (!bytes.empty()) {
      const auto next = bytes.first((std::min)(piece, bytes.size()));
      if (!writer->append(spec.name, next))
        return {};
      bytes = bytes.subspan(next.size());
    }
  }
  if (!writer->finish())
    return {};
  return {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()};
}

}  // namespace

int main() {
  for (std::size_t file = 0;; ++file) {
    unsigned char prefix[4];
    if (std::fread(prefix, 1, sizeof prefix, stdin) != sizeof prefix)
      return 0;
    std::size_t size = 0;
    for (int i = 4; i-- > 0;)
      size = size << 8 | prefix[i];
    std::string text(size, '\0');
    if (std::fread(text.data(), 1, size, stdin) != size)
      return 1;
    const std::string answer = rewritten(text, 1 + file % 50);
    for (int i = 0; i < 4; ++i)
      std::putchar(static_cast<int>(answer.size() >> (8 * i) & 0xff));
    std::fwrite(answer.data(), 1, answer.size(), stdout);
  }
}
