// Feeds any bytes to the reader of histograms and of the min-max calibrator inside them. What it accepts is canonical:
// writing it again gives the same bytes; what it refuses leaves the state as it was.
//   clang++ -std=c++20 -Iinclude -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/histogram_fuzz.cpp -o fuzz
//   ./fuzz new_corpus tests/fuzz/corpus/histogram
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fewbits/quantize/histogram.hpp>

namespace {

using spread = fewbits::histogram<2, fewbits::histogram_signs::apart>;

void check(bool holds, const char* promise) {
  if (!holds) {
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
  }
}

template <class Calibrator>
bool accepts(std::span<const std::byte> bytes, const Calibrator& before) {
  const auto state = std::make_unique<Calibrator>(before);
  const auto read = state->read_from(bytes);
  if (!read) {
    check(*state == before, "a refused input leaves the state as it was");
    check(!read.error().message().empty(), "an error has a sentence");
    return false;
  }
  std::vector<std::byte> again(state->byte_size());
  check(state->write_to(again).has_value(), "byte_size is enough");
  check(std::ranges::equal(again, bytes), "an accepted input is canonical");
  return true;
}

bool accepts_either(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> copy(data, data + size);  // of the exact size, so that a read past it is seen
  const auto bytes = std::as_bytes(std::span(copy));
  const std::array<float, 3> some{-1.5f, 0.0f, 300.0f};
  const auto histogram = std::make_unique<spread>();
  histogram->add(std::span(some));
  fewbits::min_max_calibrator range;
  range.add(std::span(some));
  const bool as_histogram = accepts(bytes, *histogram);
  return accepts(bytes, range) || as_histogram;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  accepts_either(data, size);
  return 0;
}

#if defined(FEWBITS_FUZZ_REPLAY)
#include "replay.hpp"

int main(int count, char** arguments) {
  return fewbits_test::replay_main("histogram_fuzz", count, arguments, [](const std::string& text) {
    return accepts_either(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  });
}
#endif
