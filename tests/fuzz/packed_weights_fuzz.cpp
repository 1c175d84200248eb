// Feeds any bytes to the reader of packed weights, as they are and with the checksum put right, and multiplies by what
// it accepts.
//   clang++ -std=c++20 -Iinclude -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/packed_weights_fuzz.cpp -o fuzz
//   ./fuzz new_corpus tests/fuzz/corpus/packed_weights
// With -DFEWBITS_FUZZ_REPLAY any compiler builds a program that replays files: see replay.hpp.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <fewbits/block.hpp>
#include <fewbits/gemm/gemm.hpp>

namespace {

namespace fb = fewbits;

/// Exactly as many bytes as the input has, at a multiple of 64: a sanitizer sees every byte beyond.
class exact_copy {
 public:
  explicit exact_copy(std::span<const std::byte> from)
      : memory_(static_cast<std::byte*>(::operator new (from.size(), std::align_val_t{64}))), size_(from.size()) {
    if (size_ != 0)
      std::memcpy(memory_, from.data(), size_);
  }
  exact_copy(const exact_copy&) = delete;
  ~exact_copy() { ::operator delete (memory_, std::align_val_t{64}); }
  std::span<std::byte> bytes() const { return {memory_, size_}; }

 private:
  std::byte* memory_;
  std::size_t size_;
};

template <class Format>
bool reads(std::span<const std::byte> bytes) {
  const auto view = fb::packed_weights_view<Format>::over(bytes);
  if (!view) {
    if (view.error().message().empty()) {
      std::fprintf(stderr, "broken promise: an error without a sentence\n");
      std::abort();
    }
    return false;
  }
  if (view->rows() > 4096 || view->columns() > 65536)
    return true;  // without elements: there is nothing to multiply
  std::vector<float> a(3 * view->columns() + 1, 1.0f), out(3 * view->rows() + 1, 7.0f);
  fb::gemm(fb::matrix_view<float>(out.data(), 3, view->rows()),
           fb::matrix_view<const float>(a.data(), 3, view->columns()), *view)
      .value();
  if (out.back() != 7.0f) {
    std::fprintf(stderr, "broken promise: wrote past the output\n");
    std::abort();
  }
  return true;
}
bool reads_any(std::span<const std::byte> bytes) {
  const bool floats = reads<fb::mxfp8_e4m3>(bytes);
  const bool nested = reads<fb::nested_uint4>(bytes);
  return floats || nested;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span from(reinterpret_cast<const std::byte*>(data), size);
  const exact_copy as_is(from);
  reads_any(as_is.bytes());
  if (size >= 256) {
    // The checksum is of the length that the header says.
    std::uint64_t total = fb::detail::load_little<std::uint64_t>(as_is.bytes().data() + 32);
    total = total < size ? total / 64 * 64 : size / 64 * 64;
    const exact_copy right(from.first(static_cast<std::size_t>(total)));
    if (total >= 256) {
      fb::detail::store_little(right.bytes().data() + 40, fb::detail::packed_checksum(right.bytes()));
      reads_any(right.bytes());
    }
  }
  return 0;
}

#if defined(FEWBITS_FUZZ_REPLAY)
#include "replay.hpp"

int main(int count, char** arguments) {
  return fewbits_test::replay_main("packed_weights_fuzz", count, arguments, [](const std::string& text) {
    const exact_copy file({reinterpret_cast<const std::byte*>(text.data()), text.size()});
    return reads_any(file.bytes());
  });
}
#endif
