// What products of float activations on AMX's tiles leave to AVX-512, timed with the tile instructions left out, so
// that it can be done on a machine without AMX: packing activations, decoding weights, adding runs up, finishing. A
// tile's store writes zeros; its other instructions are nothing. The tiles' own time is added at the rate that was seen
// on another machine: `apart` is GFLOP/s if nothing overlapped, `together` if everything did.
//
//   tile_gemm_bench --benchmark_filter=mxfp4/bf16
#include <type_traits>

#include <fewbits/simd/amx.hpp>

#include "products.hpp"

#if FEWBITS_SIMD_TILES
FEWBITS_TARGET_AVX512_BEGIN
FEWBITS_SIMD_BEGIN(without_tiles)
namespace lanes = avx512;
using namespace avx512;
inline void configure_tiles(const tile_shapes&) noexcept {}
inline void release_tiles() noexcept {}
template <int>
void zero_tile() noexcept {}
template <int>
void load_tile(const void*, std::size_t) noexcept {}
template <int>
void load_passing_tile(const void*, std::size_t) noexcept {}
template <int>
FEWBITS_LANES void store_tile(void* to, std::size_t) noexcept {
  for (std::size_t row = 0; row != 16; ++row)
    store_words(static_cast<std::byte*>(to) + row * 64, fill(0));
}
template <int, int, int>
void multiply_tiles() noexcept {}
template <int, int, int>
void multiply_float_tiles() noexcept {}
#include <fewbits/simd/amx_core.inl>
//
#include <fewbits/simd/amx_float_core.inl>
FEWBITS_SIMD_END
FEWBITS_TARGET_END

namespace {

namespace fb = fewbits;
namespace simd = fb::simd;

/// FLOP/s of bfloat16 tiles on real data whose activations come from L2; a multiply and an add are two.
constexpr double tile_rate = 1.89e12;

template <class Format, class Source>
void bench(benchmark::State& state, const products::shape& of) {
  using packed = fb::detail::packed_source<Format>;
  const auto [m, n, k, where, threads] = of;
  const auto* const w = products::weights<Format>::of(n, k, where);
  if (w == nullptr || !fb::is_available(fb::isa::avx512))
    return state.SkipWithError("no weights, or no AVX-512");
  std::vector<Source> activations(m * k);
  std::vector<float> out(m * n);
  for (std::size_t i = 0; i < activations.size(); ++i)
    activations[i] = Source(measure::normal_values()[i * 7 % measure::normal_values().size()]);
  const fb::detail::product_task<Source, float, float> task{
      .out = fb::matrix_view<float>(out.data(), m, n),
      .activations = {fb::matrix_view<const Source>(activations.data(), m, k), nullptr, m},
      .addend = {},
      .activation = {}};
  constexpr std::size_t parts = simd::tile_parts<Source>;
  const simd::float_tile_kernel<Format> kernel{simd::without_tiles::multiply_floats_by_tiles<Format>,
                                               simd::without_tiles::split_row<parts>, simd::without_tiles::copy_row,
                                               simd::without_tiles::float_tile_room_bytes<Format>()};
  const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const double tiles = operations * static_cast<double>(parts) / tile_rate;
  static std::size_t at = 0;
  measure::run(state, {tiles, "tiles"}, {.bytes = static_cast<double>(w->bytes), .operations = operations}, 1, [&] {
    const packed source{w->copies[at++ % w->copies.size()]};
    const fb::detail::product_plan<packed, Format, Source, float, float> plan{
        source, source.layout(), task, simd::product_calls_of<Format, Source, float, float>(fb::isa::avx512)};
    if (!fb::detail::run_tile_product(kernel, plan, fb::serial))
      state.SkipWithError("no memory");
  });
  const double lanes = operations / (state.counters["GFLOP/s"] * 1e9);
  state.counters["apart"] = operations / (lanes + tiles) / 1e9;
  state.counters["together"] = operations / (lanes > tiles ? lanes : tiles) / 1e9;
}

template <class Format, class Source>
void add_lines(const std::string& name) {
  const auto add = [&](const products::shape& of, const char* place) {
    const std::string line = name + "/" + (std::is_same_v<Source, float> ? "float32" : "bf16") + "/" +
                             std::to_string(of.m) + "x" + std::to_string(of.n) + "x" + std::to_string(of.k) + "/" +
                             place;
    measure::configure(
        benchmark::RegisterBenchmark(line.c_str(), [=](benchmark::State& state) { bench<Format, Source>(state, of); }));
  };
  const std::size_t n =
      limits::footprint(limits::place::l2) * 8 / static_cast<std::size_t>(Format::element_bits) / 4096 / 32 * 16;
  add({16, n, 4096, limits::place::l2, 1}, "l2");
  for (const std::size_t m : {16u, 128u, 512u})
    add({m, 4096, 4096, limits::place::dram, 1}, "dram");
}

}  // namespace
#endif

int main(int count, char** arguments) {
#if FEWBITS_SIMD_TILES
  add_lines<fb::mxfp4, fb::bf16>("mxfp4");
  add_lines<fb::nvfp4, fb::bf16>("nvfp4");
  add_lines<fb::mxfp8_e4m3, fb::bf16>("mxfp8");
  add_lines<fb::fp8_groups<>, fb::bf16>("e4m3_g128");
  add_lines<fb::int4_groups<32>, fb::bf16>("int4_g32");
  add_lines<fb::int4_groups<128>, fb::bf16>("int4_g128");
  add_lines<fb::mxfp4, float>("mxfp4");
  add_lines<fb::int4_groups<128>, float>("int4_g128");
#endif
  return measure::run_all(count, arguments);
}
