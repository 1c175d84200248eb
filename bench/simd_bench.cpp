// Bulk conversions, quantising and dequantising. `dram` cycles through more than 1.5 GiB; `l2` stays in half of the L2
// cache. The limit is a loop that reads and writes the same bytes without converting them.
#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <fewbits/fewbits.hpp>
#include <fewbits/simd/convert.hpp>

#include "measure.hpp"

namespace {

namespace fb = fewbits;
using limits::place;

/// A type as it lies in memory: objects, or codes without gaps.
template <class T>
struct objects {
  using number = T;
  static constexpr double bytes = sizeof(T);
  static auto at(std::byte* memory, std::size_t first, std::size_t count) {
    return std::span<T>(reinterpret_cast<T*>(memory) + first, count);
  }
};
template <class T>
struct packed {
  using number = T;
  static constexpr double bytes = T::format.bits() / 8.0;
  static auto at(std::byte* memory, std::size_t first, std::size_t count) {
    return fb::packed_numbers_span<T, fb::bit_order::low_first, std::byte>(
        memory + first * static_cast<std::size_t>(T::format.bits()) / 8, count);
  }
};

/// Sources hold numbers as conversions meet them: the normal values, converted to the type.
template <class Type>
void fill_source(std::byte* memory, std::size_t count) {
  const std::vector<float>& values = measure::normal_values();
  const std::size_t piece = std::min(count, values.size());
  if constexpr (std::is_same_v<typename Type::number, float>)
    std::memcpy(memory, values.data(), piece * sizeof(float));
  else
    (void)fb::convert(std::span(values.data(), piece), Type::at(memory, 0, piece));
  const std::size_t bytes = static_cast<std::size_t>(static_cast<double>(piece) * Type::bytes);
  for (std::size_t done = piece; done < count; done += piece)
    std::memcpy(memory + done / piece * bytes, memory, bytes);
}

template <class From, class To>
void convert_bench(benchmark::State& state, place where) {
  const bool dram = limits::is_dram(where);
  // Large pieces, so that results pass the size from which they are written past the caches.
  const std::size_t piece =
      dram ? std::size_t{32} << 20
           : static_cast<std::size_t>(static_cast<double>(limits::footprint(where)) / (From::bytes + To::bytes)) /
                 4096 * 4096;
  const std::size_t pieces =
      dram ? static_cast<std::size_t>(static_cast<double>(limits::dram_bytes) / (From::bytes + To::bytes)) / piece : 1;
  const std::size_t count = pieces * piece;
  std::optional<limits::region> own;
  const limits::region& memory =
      dram ? limits::detail::dram_region(limits::pages::small) : own.emplace(std::size_t{4} << 20);
  std::byte* const from = memory.data();
  std::byte* const to =
      memory.data() + static_cast<std::size_t>(static_cast<double>(count) * From::bytes + 4095) / 4096 * 4096;
  fill_source<From>(from, count);
  const int repeats = dram ? 1 : 16;
  const double elements = static_cast<double>(piece) * repeats;
  const measure::bound least = measure::by_copy(elements * From::bytes, elements * To::bytes, where);
  static std::size_t at = 0;  // goes on from run to run: what was read last may still be cached
  at %= pieces;
  measure::run(state, least, {.bytes = elements * (From::bytes + To::bytes), .elements = elements}, 1, [&] {
    for (int repeat = 0; repeat < repeats; ++repeat)
      if (!fb::convert(From::at(from, at * piece, piece), To::at(to, at * piece, piece)))
        state.SkipWithError("convert failed");
    at = (at + 1) % pieces;
  });
}

template <class From, class To>
void add_convert(const std::string& name) {
  for (const place where : {place::dram, place::l2})
    measure::configure(
        benchmark::RegisterBenchmark(("convert/" + name + "/" + std::string(limits::name_of(where))).c_str(),
                                     [where](benchmark::State& state) { convert_bench<From, To>(state, where); }));
}
template <class From, class To>
void add_both_ways(const std::string& from, const std::string& to) {
  add_convert<From, To>(from + "_to_" + to);
  add_convert<To, From>(to + "_to_" + from);
}

/// Matrices of normal values, from DRAM several in turn.
struct sources {
  static constexpr std::size_t columns = 4096;
  std::size_t rows, matrices;
  std::optional<limits::region> own;
  float* values;

  explicit sources(place where) {
    const bool dram = limits::is_dram(where);
    rows = dram ? 2048 : std::max<std::size_t>(limits::footprint(where) * 4 / 5 / 4 / columns, 1);
    matrices = dram ? limits::dram_bytes / (rows * columns * sizeof(float)) : 1;
    const limits::region& memory =
        dram ? limits::detail::dram_region(limits::pages::small) : own.emplace(std::size_t{4} << 20);
    fill_source<objects<float>>(memory.data(), matrices * rows * columns);
    values = reinterpret_cast<float*>(memory.data());
  }
  fb::matrix_view<float> matrix(std::size_t i) const { return {values + i % matrices * rows * columns, rows, columns}; }
  double elements() const { return static_cast<double>(rows * columns); }
};

template <class Format, class Policy>
void quantize_bench(benchmark::State& state, place where, const Policy& policy) {
  const sources data(where);
  const auto once = fb::quantize<Format>(data.matrix(0), policy);
  if (!once)
    return state.SkipWithError("quantize failed");
  const double read = data.elements() * 4, written = data.elements() * once->bits_per_weight() / 8;
  static std::size_t i = 0;  // goes on, as above
  measure::run(state, measure::by_copy(read, written, where), {.bytes = read + written, .elements = data.elements()}, 1,
               [&] {
                 if (!fb::quantize<Format>(data.matrix(++i), policy))
                   state.SkipWithError("quantize failed");
               });
}

/// Copies of a stream, so that each comes from DRAM; packed ones, small, are shared.
template <class T>
std::vector<std::vector<T>> copies_of(std::span<const T> stream, std::size_t count) {
  return std::vector<std::vector<T>>(count, std::vector<T>(stream.begin(), stream.end()));
}

template <class Format>
void dequantize_bench(benchmark::State& state, place where) {
  const sources data(where);
  const auto once = fb::quantize<Format>(data.matrix(0));
  if (!once)
    return state.SkipWithError("quantize failed");
  const auto streams = once->view().streams();
  const std::size_t count = limits::is_dram(where) ? data.matrices : 1;
  const auto codes = copies_of(streams.codes, count);
  std::vector<fb::quantized_view<Format>> views;
  for (std::size_t i = 0; i < count; ++i) {
    auto own = streams;
    own.codes = codes[i];
    views.push_back(*fb::quantized_view<Format>::over(data.rows, data.columns, own));
  }
  const double read = data.elements() * once->bits_per_weight() / 8, written = data.elements() * 4;
  static std::size_t i = 0;  // goes on, as above
  measure::run(state, measure::by_copy(read, written, where), {.bytes = read + written, .elements = data.elements()}, 1,
               [&] {
                 ++i;  // over the values that were quantised: nobody reads them again
                 if (!fb::dequantize(views[i % count], data.matrix(i)))
                   state.SkipWithError("dequantize failed");
               });
}

template <class Format, class Policy>
void add_format(const std::string& name, const Policy& policy, bool back = true) {
  for (const place where : {place::dram, place::l2}) {
    const std::string end = name + "/" + std::string(limits::name_of(where));
    measure::configure(benchmark::RegisterBenchmark(
        ("quantize/" + end).c_str(),
        [where, policy](benchmark::State& state) { quantize_bench<Format>(state, where, policy); }));
    if (back)
      measure::configure(benchmark::RegisterBenchmark(
          ("dequantize/" + end).c_str(), [where](benchmark::State& state) { dequantize_bench<Format>(state, where); }));
  }
}

}  // namespace

int main(int count, char** arguments) {
  using f = objects<float>;
  add_both_ways<f, objects<fb::e4m3>>("float32", "e4m3");
  add_both_ways<f, objects<fb::e5m2>>("float32", "e5m2");
  add_both_ways<f, objects<fb::e4m3fnuz>>("float32", "e4m3fnuz");
  add_both_ways<f, objects<fb::e2m3>>("float32", "e2m3");
  add_both_ways<f, objects<fb::e2m1>>("float32", "e2m1");
  add_both_ways<f, packed<fb::e2m1>>("float32", "e2m1_packed");
  add_both_ways<f, packed<fb::e3m2>>("float32", "e3m2_packed");
  add_both_ways<f, objects<fb::int8>>("float32", "int8");
  add_both_ways<f, packed<fb::int4>>("float32", "int4_packed");
  add_both_ways<f, objects<fb::bf16>>("float32", "bf16");
  add_both_ways<f, objects<fb::fp16>>("float32", "fp16");
  add_both_ways<objects<fb::bf16>, objects<fb::e4m3>>("bf16", "e4m3");
  add_both_ways<objects<fb::bf16>, packed<fb::e2m1>>("bf16", "e2m1_packed");
  add_both_ways<objects<fb::fp16>, objects<fb::e4m3>>("fp16", "e4m3");
  add_both_ways<objects<fb::fp16>, packed<fb::e2m1>>("fp16", "e2m1_packed");

  add_format<fb::mxfp4>("mxfp4", fb::nearest_even);
  add_format<fb::mxfp6_e2m3>("mxfp6_e2m3", fb::nearest_even);
  add_format<fb::mxfp8_e4m3>("mxfp8_e4m3", fb::nearest_even);
  add_format<fb::mxint8_blocks>("mxint8", fb::nearest_even);
  add_format<fb::nvfp4>("nvfp4", fb::nearest_even);
  add_format<fb::nvfp4>("nvfp4_four_over_six", fb::four_over_six, false);
  add_format<fb::nvfp4>("nvfp4_four_over_six_absolute", fb::four_over_six_absolute, false);
  add_format<fb::nvfp4>("nvfp4_four_over_six_largest", fb::four_over_six_largest, false);
  add_format<fb::fp8_groups<>>("e4m3_g128", fb::nearest_even);
  add_format<fb::int8_groups<128>>("int8_g128", fb::nearest_even);
  add_format<fb::int4_groups<32>>("int4_g32", fb::nearest_even);
  add_format<fb::int4_groups<128>>("int4_g128", fb::nearest_even);
  add_format<fb::nf4_groups<64>>("nf4_g64", fb::nearest_even);

  return measure::run_all(count, arguments);
}
