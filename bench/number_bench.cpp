// Scalar conversions, element by element, on data that stays in the L2 cache: 64 Ki floats from N(0, 1), a few outliers
// among them. `of_limit` is the share of the limit of the same run: a
// loop that reads floats and writes bytes without converting.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include <fewbits/number.hpp>

namespace {

namespace fb = fewbits;

constexpr std::size_t count = std::size_t{1} << 16;

/// Box-Muller on a linear congruential generator: the same floats everywhere, near enough.
const std::vector<float>& inputs() {
  static const std::vector<float> made = [] {
    std::vector<float> values(count);
    std::uint64_t state = 42;
    const auto uniform = [&] {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
    };
    for (float& value : values)
      value = static_cast<float>(std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()));
    for (std::size_t i = 0; i < count; i += 256)
      values[i] *= 20;
    return values;
  }();
  return made;
}

/// The limit: the bytes of a float to byte conversion, read and written without the conversion.
void copy_top_bytes(std::vector<std::uint8_t>& out) {
  const auto& in = inputs();
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(in[i]) >> 24);
  benchmark::DoNotOptimize(out.data());
  benchmark::ClobberMemory();
}

/// Elements a second of the limit, the best of some runs at the start of this process.
double limit() {
  static const double measured = [] {
    std::vector<std::uint8_t> out(count);
    double best = 0;
    for (int run = 0; run < 200; ++run) {
      const auto start = std::chrono::steady_clock::now();
      copy_top_bytes(out);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      best = std::max(best, static_cast<double>(count) / took.count());
    }
    return best;
  }();
  return measured;
}

void rate(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(count));
  state.counters["of_limit"] =
      benchmark::Counter(static_cast<double>(count) / limit(), benchmark::Counter::kIsIterationInvariantRate);
}

void float_to_byte(benchmark::State& state) {
  std::vector<std::uint8_t> out(count);
  for (auto _ : state)
    copy_top_bytes(out);
  rate(state);
}
BENCHMARK(float_to_byte)->Name("limit/float_to_byte");

template <class T>
void encode(benchmark::State& state) {
  const auto& in = inputs();
  std::vector<T> out(count);
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i)
      out[i] = T{in[i]};
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  rate(state);
}

template <class T>
void decode(benchmark::State& state) {
  std::vector<T> in(count);
  for (std::size_t i = 0; i < count; ++i)
    in[i] = T{inputs()[i]};
  std::vector<float> out(count);
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i)
      out[i] = static_cast<float>(in[i]);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  rate(state);
}

template <class T>
void multiply(benchmark::State& state) {
  std::vector<T> a(count);
  for (std::size_t i = 0; i < count; ++i)
    a[i] = T{inputs()[i]};
  std::vector<T> out(count);
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i)
      out[i] = a[i] * a[count - 1 - i];
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  rate(state);
}

#define FEWBITS_BENCH(type)                           \
  BENCHMARK(encode<fb::type>)->Name("encode/" #type); \
  BENCHMARK(decode<fb::type>)->Name("decode/" #type); \
  BENCHMARK(multiply<fb::type>)->Name("multiply/" #type)

FEWBITS_BENCH(e4m3);
FEWBITS_BENCH(e4m3fnuz);
FEWBITS_BENCH(e5m2);
FEWBITS_BENCH(e3m4);
FEWBITS_BENCH(e2m1);
FEWBITS_BENCH(e2m3);
FEWBITS_BENCH(e3m2);
FEWBITS_BENCH(ue8m0);
FEWBITS_BENCH(bf16);
FEWBITS_BENCH(fp16);
FEWBITS_BENCH(int4);

}  // namespace
