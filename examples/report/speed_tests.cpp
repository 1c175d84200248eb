// The formats whose products are timed. One line is compiled code for every instruction set, so these are a few.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <fewbits/fewbits.hpp>

#include "speed.hpp"

namespace fb = fewbits;

namespace report {
namespace {

constexpr std::size_t width = 4096;
constexpr std::size_t many_rows = 128;
constexpr std::size_t cycled_bytes = std::size_t{1536} << 20;  // more than any cache holds

template <class Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <fb::blocked Format>
bool time_products(speed_row& into, std::string& problem) {
  std::vector<float> values(width * width);
  for (std::size_t i = 0; i < values.size(); ++i)  // what is multiplied does not matter for the time
    values[i] = static_cast<float>(static_cast<int>(i * 2654435761u >> 7 & 1023) - 511) / 256.0f;
  const auto packed = fb::prepack(*fb::quantize<Format>(fb::matrix_view<float>(values.data(), width, width)));
  if (!packed) {
    problem = std::string(packed.error().message());
    return false;
  }
  into.bits = 8.0 * static_cast<double>(packed->bytes().size()) / (width * width);

  // Copies of the weights, one after the other, so that every one comes from memory.
  const std::size_t each = packed->bytes().size(), copies = cycled_bytes / each + 1;
  std::vector<float> out(many_rows * width);
  {
    const std::unique_ptr<std::byte[]> room(new (std::nothrow) std::byte[copies * each + 64]);
    if (room == nullptr) {
      problem = "no memory for 1.5 GiB of weights";
      return false;
    }
    std::byte* const first = room.get() + (64 - reinterpret_cast<std::uintptr_t>(room.get()) % 64) % 64;
    // Views are made beforehand: making one reads all bytes to check them.
    std::vector<fb::packed_weights_view<Format>> views;
    for (std::size_t c = 0; c < copies; ++c) {
      std::memcpy(first + c * each, packed->bytes().data(), each);
      views.push_back(fb::packed_weights_view<Format>::over({first + c * each, each}).value());
    }
    const fb::matrix_view<float> row(out.data(), 1, width);
    const fb::matrix_view<const float> activations(values.data(), 1, width);
    const double time = seconds([&] {
      for (const auto& weights : views)
        if (!fb::gemm(row, activations, weights))
          problem = "the product was refused";
    });
    into.bytes_a_second = static_cast<double>(copies * each) / time;
  }
  const double operations = 2.0 * many_rows * width * width;
  const fb::matrix_view<float> result(out.data(), many_rows, width);
  const fb::matrix_view<const float> activations(values.data(), many_rows, width);
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat)
    best = std::min(best, seconds([&] {
                      if (!fb::gemm(result, activations, *packed))
                        problem = "the product was refused";
                    }));
  into.flops = operations / best;
  if constexpr (fb::multiplies_integers<fb::int8_rows<>, Format>) {
    best = 1e9;
    for (int repeat = 0; repeat < 3; ++repeat)
      best = std::min(best, seconds([&] {
                        if (!fb::gemm(result, fb::quantized_as<fb::int8_rows<>>(activations), *packed))
                          problem = "the product was refused";
                      }));
    into.integer_ops = operations / best;
  }
  return problem.empty();
}

}  // namespace

const std::vector<speed_test>& speed_tests() {
  static const std::vector<speed_test> tests = {
      {"mxfp4", time_products<fb::mxfp4>},
      {"nvfp4", time_products<fb::nvfp4>},
      {"int4_g32_fp16", time_products<fb::int4_groups<32, fb::fp16>>},
      {"int4_g128", time_products<fb::int4_groups<128>>},
      {"nf4_g64", time_products<fb::nf4_groups<>>},
      {"mxfp6_e2m3", time_products<fb::mxfp6_e2m3>},
      {"mxfp8_e4m3", time_products<fb::mxfp8_e4m3>},
      {"int8_rows", time_products<fb::int8_rows<>>},
  };
  return tests;
}

}  // namespace report
