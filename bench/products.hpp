// What the benchmarks of products share: packed weights that fill a place, the peaks, and a line for each shape.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fewbits/fewbits.hpp>
#include <fewbits/gemm/gemm.hpp>
#include <fewbits/gemm/thread_pool.hpp>

#include "measure.hpp"

namespace products {

namespace fb = fewbits;
using limits::place;

/// More than any cache, for the weights of one line after the other.
inline limits::region& dram_weights() {
  static limits::region memory(limits::dram_bytes);
  return memory;
}
/// Whose weights are there.
inline const void*& owner_of_dram() {
  static const void* owner = nullptr;
  return owner;
}

/// Packed weights [n, k], as many copies as fill the place. One set is kept, for lines of one format and shape.
template <class Format>
struct weights {
  std::size_t n = 0, k = 0, bytes = 0;
  place where = place::dram;
  std::vector<fb::packed_weights_view<Format>> copies;

  static const weights* of(std::size_t n, std::size_t k, place where) {
    static weights kept;
    if (kept.n != n || kept.k != k || kept.where != where ||
        (limits::is_dram(where) && owner_of_dram() != static_cast<const void*>(&kept))) {
      kept = {};
      if (!kept.make(n, k, where))
        return nullptr;
    }
    return &kept;
  }

 private:
  bool make(std::size_t rows, std::size_t columns, place in) {
    std::vector<float> values(rows * columns);
    const std::vector<float>& normal = measure::normal_values();
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = normal[i % normal.size()];
    const auto quantized = fb::quantize<Format>(fb::matrix_view<const float>(values.data(), rows, columns));
    if (!quantized)
      return false;
    const auto packed = fb::prepack(*quantized);
    if (!packed)
      return false;
    bytes = packed->bytes().size();
    const std::size_t stride = (bytes + 4095) / 4096 * 4096;
    const std::size_t count = limits::is_dram(in) ? limits::dram_bytes / stride : 1;
    std::byte* memory = nullptr;
    if (limits::is_dram(in)) {
      memory = dram_weights().data();
      owner_of_dram() = this;
    } else {
      small = std::make_shared<limits::region>(stride);
      memory = small->data();
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(memory + i * stride, packed->bytes().data(), bytes);
      const auto view = fb::packed_weights_view<Format>::over({memory + i * stride, bytes});
      if (!view)
        return false;
      copies.push_back(*view);
    }
    n = rows;
    k = columns;
    where = in;
    return true;
  }
  std::shared_ptr<limits::region> small;
};

/// float32 multiply-adds, or, on tiles, the three bf16 products that make up an exact one.
inline measure::bound by_float32(double operations, unsigned threads) {
  const fb::isa with = fb::active_isa();
  const double fma = limits::fma(with, threads);
  if (with == fb::isa::amx)
    if (const double tiles = limits::amx_products(limits::tile_type::bf16, threads) / 3; tiles > fma)
      return measure::by_arithmetic(operations, tiles, "AMX bf16 / 3");
  return {operations / fma, "FMA " + std::string(fb::name_of(with))};
}

/// Products of bytes, added up in 32 bits.
inline measure::bound by_int8(double operations, unsigned threads) {
  const fb::isa with = fb::active_isa();
  const double dots = limits::int8_dot(with, threads);
  if (with == fb::isa::amx)
    return measure::by_arithmetic(operations, limits::amx_products(limits::tile_type::int8, threads), "AMX int8");
  if (dots == 0)
    return by_float32(operations, threads);
  return {operations / dots, "int8 dot products " + std::string(fb::name_of(with))};
}

struct shape {
  std::size_t m, n, k;
  place where;
  unsigned threads;
};

/// A line for `product(out, activations, weights, pool)`; `bound(operations, threads)` is its arithmetic's.
template <class Format, class Bound, class Product>
void bench(benchmark::State& state, const shape& of, const Bound& bound, const Product& product) {
  const auto [m, n, k, where, threads] = of;
  const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const auto* const w = weights<Format>::of(n, k, where);
  const auto pool = fb::thread_pool::create(threads);
  if (w == nullptr || !pool)
    return state.SkipWithError("no weights, or no threads");
  const double bytes = static_cast<double>(w->bytes);
  const measure::bound least = measure::larger(measure::by_read(bytes, where, threads), bound(operations, threads));

  std::vector<float> activations(m * k), out(m * n);
  for (std::size_t i = 0; i < activations.size(); ++i)
    activations[i] = measure::normal_values()[i * 7 % measure::normal_values().size()];
  const fb::matrix_view<const float> from(activations.data(), m, k);
  const fb::matrix_view<float> to(out.data(), m, n);
  const std::size_t a_round =
      limits::is_dram(where) ? (m <= 16 ? limits::dram_round / w->bytes + 1 : 1) : (m <= 16 ? 16 : 1);
  const double times = static_cast<double>(a_round);
  static std::size_t at = 0;  // goes on from line to line: what was read last may still be cached
  measure::run(state, {least.seconds * times, least.name}, {.bytes = bytes * times, .operations = operations * times},
               threads, [&] {
                 for (std::size_t i = 0; i < a_round; ++i)
                   if (!product(to, from, w->copies[at++ % w->copies.size()], *pool))
                     state.SkipWithError("gemm failed");
               });
}

/// Lines `<name>/<m>x<n>x<k>/<place>/threads:<t>`.
template <class Format, class Bound, class Product>
void add_lines(const std::string& name, const Bound& bound, const Product& product) {
  const auto add = [&](const shape& of) {
    const std::string line = name + "/" + std::to_string(of.m) + "x" + std::to_string(of.n) + "x" +
                             std::to_string(of.k) + "/" + (limits::is_dram(of.where) ? "dram" : "l2") +
                             "/threads:" + std::to_string(of.threads);
    measure::configure(benchmark::RegisterBenchmark(
        line.c_str(), [=](benchmark::State& state) { bench<Format>(state, of, bound, product); }));
  };
  for (unsigned threads = 1; threads <= limits::most_threads(); ++threads)
    for (const std::size_t m : {1u, 2u, 4u, 16u, 128u, 512u})
      add({m, 4096, 4096, place::dram, threads});
  for (const std::size_t m : {1u, 16u})
    add({m, 4093, 4099, place::dram, 1});
  // Half of the footprint: activations and results need room, too.
  const std::size_t n =
      limits::footprint(place::l2) * 8 / static_cast<std::size_t>(Format::element_bits) / 4096 / 32 * 16;
  for (const std::size_t m : {1u, 16u, 128u})
    add({m, n, 4096, place::l2, 1});
}

}  // namespace products
