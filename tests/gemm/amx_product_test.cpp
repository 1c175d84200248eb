// Products of integers on tiles: the bits of the other instruction sets for every kind of format, any numbers of rows,
// outputs and columns, on emulated tiles, and with the program's own tile instructions where they can be run or
// trapped.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include <fewbits/block/groups.hpp>
#include <fewbits/block/mx.hpp>
#include <fewbits/gemm/quantized_gemm.hpp>
#include <fewbits/simd/amx.hpp>
#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/scalar.hpp>

#include "gemm/tile_threads.hpp"
#include "simd/emulated_tiles.hpp"
#include "simd/trapped_tiles.hpp"
#include "support/planted.hpp"

FEWBITS_SIMD_BEGIN(emulated)
namespace lanes = scalar;
using namespace scalar;
using namespace emulated_tiles;
#include <fewbits/simd/amx_core.inl>
FEWBITS_SIMD_END

namespace {

namespace fb = fewbits;
namespace simd = fb::simd;
using fewbits_test::tile_hardware;
using fewbits_test::two_threads;

tile_hardware hardware() {
#if FEWBITS_SIMD_TILES
  return fewbits_test::tile_hardware_here();
#else
  return tile_hardware::none;
#endif
}

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 bits(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(count);
  for (float& value : values)
    value = draw(bits);
  return values;
}

/// Memory on a line, its last line marked.
class lines {
 public:
  explicit lines(std::size_t bytes) : memory_(bytes / 64 + 2), bytes_((bytes + 63) / 64 * 64) {
    std::memset(data() + bytes_, 0x5a, 64);
  }
  [[nodiscard]] std::byte* data() noexcept { return memory_[0].bytes; }
  [[nodiscard]] bool kept_its_end() noexcept {
    return std::all_of(data() + bytes_, data() + bytes_ + 64, [](std::byte b) { return b == std::byte{0x5a}; });
  }

 private:
  struct alignas(64) line {
    std::byte bytes[64];
  };
  std::vector<line> memory_;
  std::size_t bytes_;
};

std::size_t visited = 0;

/// The kernels of one pair of formats, called as products call them, on panels and rows that begin anywhere.
template <class Weights, class Activations>
void compare_kernels(std::size_t rows, std::size_t outputs, std::size_t depth, unsigned seed) {
  using meeting = simd::integer_meeting<Weights, Activations>;
  static_assert(meeting::is_possible && meeting::runs_a_group == 1);
  const std::size_t first_row = seed % 3, all_rows = rows + first_row;
  const std::vector<float> w = normal(outputs * depth, seed), a = normal(all_rows * depth, seed + 1);
  const auto packed = *fb::prepack(*fb::quantize<Weights>(fb::matrix_view<const float>{w.data(), outputs, depth}));
  const auto qa = *fb::quantize<Activations>(fb::matrix_view<const float>{a.data(), all_rows, depth});
  const fb::packed_weights_view<Weights> weights = packed.view();
  const auto& layout = weights.layout();
  const std::size_t first_panel = layout.panels() > 2 ? 1 : 0, panels = layout.panels() - first_panel;

  fb::detail::integer_rows<Weights, Activations> activations{.columns = depth, .rows = all_rows};
#if FEWBITS_SIMD_TILES
  activations.raised_by = simd::avx512::integer_decoder<Weights>::offset;  // few rows are AVX-512's
#endif
  lines codes(activations.code_bytes()), scales(activations.scale_bytes());
  activations.codes = codes.data();
  activations.scales = scales.data();
  for (std::size_t r = 0; r != all_rows; ++r)
    activations.pack(qa.view(), r, r);

  const auto results_of = [&](const simd::integer_kernel<Weights>& kernel, const char* name) {
    std::vector<float> results(panels * rows * 16, -1.0f);
    lines room(kernel.room_bytes);
    kernel.multiply(layout, weights.streams(), first_panel, layout.panels(), meeting::groups_a_run, activations.view(),
                    first_row, rows, results.data(), room.data());
    EXPECT_TRUE(room.kept_its_end()) << name;
    EXPECT_TRUE(codes.kept_its_end() && scales.kept_its_end()) << name;
    return results;
  };
  std::vector<float> expected = results_of(
      {simd::scalar::multiply_integers<Weights, 1, meeting::scaling>, simd::scalar::integer_room_bytes<Weights, 1>()}, "scalar");
  if (fewbits_test::planted())
    expected[expected.size() / 2] += 1.0f;
  const auto check = [&](const simd::integer_kernel<Weights>& kernel, const char* name) {
    const std::vector<float> got = results_of(kernel, name);
    for (std::size_t i = 0; i != got.size(); ++i, ++visited)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(expected[i]))
          << name << ", " << rows << " x " << outputs << " x " << depth << ", seed " << seed << ", panel "
          << i / 16 / rows << ", row " << i / 16 % rows << ", lane " << i % 16 << ": expected " << expected[i]
          << ", got " << got[i];
  };
  if constexpr (std::endian::native == std::endian::little)
    check({simd::emulated::multiply_integers_by_tiles<Weights, meeting::scaling>, simd::emulated::tile_room_bytes<Weights>()},
          "emulated");
  else  // tiles know one order of bytes, and lanes leave decoded weights in the machine's
    check({simd::scalar::multiply_integers<Weights, 1, meeting::scaling>, simd::scalar::integer_room_bytes<Weights, 1>()}, "scalar");
#if FEWBITS_SIMD_TILES
  if (hardware() != tile_hardware::none)
    check({simd::amx::multiply_integers_by_tiles<Weights, meeting::scaling>, simd::amx::tile_room_bytes<Weights>()}, "amx");
#endif
}

template <class Weights, class Activations>
void compare_shapes() {
#if FEWBITS_SIMD_TILES
  std::optional<fewbits_test::trapped_tiles> trap;
  if (hardware() == tile_hardware::trapped)
    trap.emplace();
#endif
  const std::size_t before = visited;
  const std::size_t shapes[][3] = {{15, 17, 64}, {16, 16, 32},  {16, 1, 1},    {17, 33, 96},
                                   {31, 50, 65}, {32, 40, 127}, {33, 48, 260}, {47, 20, 1030}};
  unsigned seed = 0;
  for (const auto& [rows, outputs, depth] : shapes)
    compare_kernels<Weights, Activations>(rows, outputs, depth, seed++);
  if (hardware() == tile_hardware::real) {
    std::mt19937 bits(99);
    for (; seed != 100; ++seed)
      compare_kernels<Weights, Activations>(bits() % 130 + 1, bits() % 100 + 1, bits() % 3000 + 1, seed);
  }
  EXPECT_FALSE(fewbits_test::tiles_here.is_configured());
  std::printf("%zu outputs\n", visited - before);
}

// Runs of 256, 128, 64 and 32 columns; scales a run or a row; zero points and minimums; elements of 8, 4, 2 and 1 bits.
TEST(AmxProduct, Int4GroupsOf128WithRows) { compare_shapes<fb::int4_groups<128>, fb::int8_rows<>>(); }
TEST(AmxProduct, MinimumsInGroupsOf32) { compare_shapes<fb::uint4_minimum_groups<32>, fb::int8_rows<>>(); }
#if !defined(FEWBITS_TEST_LEAN)
TEST(AmxProduct, RowsWithRows) { compare_shapes<fb::int8_rows<>, fb::int8_rows<>>(); }
TEST(AmxProduct, ZeroPointsWithGroupsOf64) { compare_shapes<fb::uint4_groups<64>, fb::int8_groups<64>>(); }
TEST(AmxProduct, Mxfp4WithMxint8) { compare_shapes<fb::mxfp4, fb::mxint8_blocks>(); }
TEST(AmxProduct, Mxfp6WithMxint8) { compare_shapes<fb::mxfp6_e2m3, fb::mxint8_blocks>(); }
TEST(AmxProduct, TernaryGroupsOf64) { compare_shapes<fb::ternary_groups<64>, fb::int8_rows<>>(); }
#endif

TEST(AmxProduct, IsTheProductOfEveryInstructionSet) {
  if (hardware() == tile_hardware::none)
    return;
#if FEWBITS_SIMD_TILES
  using format = fb::int4_groups<128>;
  const std::size_t rows = 70, outputs = 90, depth = 400;
  const std::vector<float> w = normal(outputs * depth, 3), a = normal(rows * depth, 4);
  const auto packed = *fb::prepack(*fb::quantize<format>(fb::matrix_view<const float>{w.data(), outputs, depth}));
  const auto x = fb::quantized_as<fb::int8_rows<>>(fb::matrix_view<const float>{a.data(), rows, depth});
  std::vector<float> expected(rows * outputs), out(rows * outputs);
  {
    const fb::isa_guard guard(fb::isa::scalar);
    ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{expected.data(), rows, outputs}, x, packed));
  }
  const std::size_t before = fewbits_test::tiles_here.products;
  std::optional<fewbits_test::trapped_tiles> trap;
  if (hardware() == tile_hardware::trapped)
    trap.emplace();
  // Trapped, amx is in force although it is not available.
  fb::isa_state::in_force.store(static_cast<unsigned char>(fb::isa::amx));
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{out.data(), rows, outputs}, x, packed));
  EXPECT_EQ(out, expected);
  EXPECT_EQ(fewbits_test::tiles_here.products > before, trap.has_value());
  std::fill(out.begin(), out.end(), -1.0f);
  two_threads threads;
  ASSERT_TRUE(fb::gemm(fb::matrix_view<float>{out.data(), rows, outputs}, x, packed, fb::on(threads)));
  EXPECT_EQ(out, expected);
  EXPECT_FALSE(fewbits_test::tiles_here.is_configured());
  fb::unforce_isa();
#endif
}

}  // namespace
