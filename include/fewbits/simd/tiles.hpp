// AMX's tile registers, one function an instruction, and the check that they compute what they should. Written in
// assembly: compilers' own functions take only literal tile numbers, and g++ 12's tell it too little of the memory they
// read and write. Source: Intel SDM, volume 1, chapter 18, and volume 2, the instructions' pages.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/simd/target.hpp>

// 1 where compilers and the system can have tiles.
#if FEWBITS_SIMD_X86 && defined(__linux__) && defined(__GNUC__) && defined(__LP64__)
#define FEWBITS_SIMD_TILES 1
#else
#define FEWBITS_SIMD_TILES 0
#endif

FEWBITS_NAMESPACE_BEGIN
namespace simd {
FEWBITS_BASELINE_BEGIN

/// What tiles are configured with, palette 1: eight tiles of at most 16 rows of 64 bytes.
struct alignas(64) tile_shapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(tile_shapes) == 64);

/// Tiles 0 to 3 hold sums, 16 x 16; 4 and 5 sixteen rows of activations, `step` bytes each; 6 and 7 the weights that
/// meet them, four bytes a row: four columns of a byte, or two of a bfloat16. Precondition: step is 32 or 64.
constexpr tile_shapes shapes_of_products(std::size_t step) noexcept {
  tile_shapes shapes{};
  for (std::size_t tile = 0; tile != 8; ++tile) {
    shapes.row_bytes[tile] = static_cast<std::uint16_t>(tile == 4 || tile == 5 ? step : 64);
    shapes.rows[tile] = static_cast<std::uint8_t>(tile < 6 ? 16 : step / 4);
  }
  return shapes;
}

FEWBITS_BASELINE_END
}  // namespace simd
FEWBITS_NAMESPACE_END

#if FEWBITS_SIMD_TILES
FEWBITS_TARGET_TILES_BEGIN
FEWBITS_SIMD_BEGIN(tiles)

/// For the calling thread; all tiles become zeros.
FEWBITS_ALWAYS_INLINE void configure_tiles(const tile_shapes& shapes) noexcept {
  __asm__ volatile("ldtilecfg %0" : : "m"(shapes) : "memory");
}
/// Back to the state of a thread that never had tiles: system calls and switches between threads save nothing more.
FEWBITS_ALWAYS_INLINE void release_tiles() noexcept { __asm__ volatile("tilerelease" : : : "memory"); }

template <int Tile>
FEWBITS_ALWAYS_INLINE void zero_tile() noexcept {
  __asm__ volatile("{tilezero %%tmm%c0|tilezero tmm%c0}" : : "i"(Tile));
}
/// The tile's rows, `stride` bytes apart.
template <int Tile>
FEWBITS_ALWAYS_INLINE void load_tile(const void* from, std::size_t stride) noexcept {
  __asm__ volatile("{tileloadd (%0,%1,1), %%tmm%c2|tileloadd tmm%c2, [%0+%1*1]}"
                   :
                   : "r"(from), "r"(stride), "i"(Tile)
                   : "memory");
}
/// The same of what is not needed soon again, so that it drives nothing out of the first cache.
template <int Tile>
FEWBITS_ALWAYS_INLINE void load_passing_tile(const void* from, std::size_t stride) noexcept {
  __asm__ volatile("{tileloaddt1 (%0,%1,1), %%tmm%c2|tileloaddt1 tmm%c2, [%0+%1*1]}"
                   :
                   : "r"(from), "r"(stride), "i"(Tile)
                   : "memory");
}
template <int Tile>
FEWBITS_ALWAYS_INLINE void store_tile(void* to, std::size_t stride) noexcept {
  __asm__ volatile("{tilestored %%tmm%c2, (%0,%1,1)|tilestored [%0+%1*1], tmm%c2}"
                   :
                   : "r"(to), "r"(stride), "i"(Tile)
                   : "memory");
}
/// Sums[m][n] += the products of the four signed bytes Left[m][k] and the four signed bytes Right[k][n], for each k;
/// sums wrap.
template <int Sums, int Left, int Right>
FEWBITS_ALWAYS_INLINE void multiply_tiles() noexcept {
  static_assert(Sums != Left && Sums != Right && Left != Right);
  __asm__ volatile("{tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0|tdpbssd tmm%c0, tmm%c1, tmm%c2}"
                   :
                   : "i"(Sums), "i"(Left), "i"(Right));
}

/// Sums[m][n] += the products of 32 bfloat16 of Left[m] and those of Right, which holds columns 2 k and 2 k + 1 in
/// pairs Right[k][n]: t0 = fma(even columns, t0) and t1 = fma(odd columns, t1) in order of columns from zero, then
/// Sums + (t0 + t1). Each is rounded to nearest even, whatever MXCSR says; denormal operands count as zero and denormal
/// results become it.
template <int Sums, int Left, int Right>
FEWBITS_ALWAYS_INLINE void multiply_float_tiles() noexcept {
  static_assert(Sums != Left && Sums != Right && Left != Right);
  __asm__ volatile("{tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0|tdpbf16ps tmm%c0, tmm%c1, tmm%c2}"
                   :
                   : "i"(Sums), "i"(Left), "i"(Right));
}

/// Multiplies 32 x 64 by 64 x 32 pseudo-random bytes with every tile and every instruction that products of integers
/// use, and once more in integers.
[[gnu::cold]] FEWBITS_NOINLINE inline bool compute_integers_rightly() noexcept {  // cold: quick to compile
  constexpr std::size_t depth = 64, stride = 128;
  alignas(64) std::int8_t left[32][stride];
  alignas(64) std::int8_t right[2][depth / 4][16][4];
  alignas(64) std::int32_t sums[4][16][16];
  std::int32_t expected[4][16][16];
  std::uint32_t state = 1;
  const auto draw = [&state]() noexcept { return (state = state * 1664525u + 1013904223u) >> 24; };
  for (auto& row : left)
    for (std::int8_t& byte : row)
      byte = static_cast<std::int8_t>(draw());
  for (auto& panel : right)
    for (auto& row : panel)
      for (auto& four : row)
        for (std::int8_t& byte : four)
          byte = static_cast<std::int8_t>(draw());
  for (std::size_t m = 0; m != 32; ++m)
    for (std::size_t n = 0; n != 32; ++n) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k != depth; ++k)
        sum += left[m][k] * right[n / 16][k / 4][n % 16][k % 4];
      expected[m / 16 * 2 + n / 16][m % 16][n % 16] = sum;
    }
  for (std::size_t step = 64; step != 16; step /= 2) {
    const tile_shapes shapes = shapes_of_products(step);
    for (auto& tile : sums)
      for (auto& row : tile)
        for (std::int32_t& sum : row)
          sum = -1;
    configure_tiles(shapes);
    load_tile<0>(sums, 64);
    load_tile<1>(sums, 64);
    load_tile<2>(sums, 64);
    load_tile<3>(sums, 64);
    zero_tile<0>();
    zero_tile<1>();
    zero_tile<2>();
    zero_tile<3>();
    for (std::size_t k = 0; k != depth; k += step) {
      load_tile<6>(right[0][k / 4], 64);
      load_passing_tile<4>(left[0] + k, stride);
      multiply_tiles<0, 4, 6>();
      load_tile<7>(right[1][k / 4], 64);
      multiply_tiles<1, 4, 7>();
      load_passing_tile<5>(left[16] + k, stride);
      multiply_tiles<2, 5, 6>();
      multiply_tiles<3, 5, 7>();
    }
    store_tile<0>(sums[0], 64);
    store_tile<1>(sums[1], 64);
    store_tile<2>(sums[2], 64);
    store_tile<3>(sums[3], 64);
    release_tiles();
    for (std::size_t i = 0; i != 4; ++i)
      for (std::size_t m = 0; m != 16; ++m)
        for (std::size_t n = 0; n != 16; ++n)
          if (sums[i][m][n] != expected[i][m][n])
            return false;
  }
  return true;
}

/// The nearest integer of 24 significant bits, ties to even: float32's rounding, whatever the thread's.
constexpr std::int64_t nearest_float(std::int64_t exact) noexcept {
  std::int64_t half = 0;
  for (std::int64_t size = exact < 0 ? -exact : exact; size >= std::int64_t{1} << 24; size /= 2)
    half = half == 0 ? 1 : half * 2;
  if (half == 0)
    return exact;
  const std::int64_t unit = 2 * half, rest = exact & (unit - 1), lower = exact - rest;
  return rest > half || (rest == half && (lower & unit) != 0) ? lower + unit : lower;
}
static_assert(nearest_float((1 << 25) + 2) == (1 << 25) && nearest_float((1 << 25) + 6) == (1 << 25) + 8);
static_assert(nearest_float(-(1 << 25) - 2) == -(1 << 25) && nearest_float(-(1 << 25) - 3) == -(1 << 25) - 4);

/// The same for bfloat16: 32 x 64 by 64 x 32 integers of eight significant bits and many exponents, whose sums must be
/// rounded where multiply_float_tiles says, and once more in integers.
[[gnu::cold]] FEWBITS_NOINLINE inline bool compute_floats_rightly() noexcept {
  constexpr std::size_t depth = 64;
  std::int32_t left[32][depth], right[depth][32];
  alignas(64) std::uint16_t left_halves[32][depth];
  alignas(64) std::uint16_t right_halves[2][depth / 2][16][2];
  alignas(64) float sums[4][16][16];
  std::uint32_t state = 1;
  const auto draw = [&state](std::int32_t& number, std::uint16_t& half) noexcept {
    state = state * 1664525u + 1013904223u;
    number = (static_cast<std::int32_t>(state >> 24) - 128) * (1 << (state >> 20 & 7));
    const auto exact = static_cast<float>(number);
    std::uint32_t bits;
    __builtin_memcpy(&bits, &exact, sizeof bits);
    half = static_cast<std::uint16_t>(bits >> 16);
  };
  for (std::size_t m = 0; m != 32; ++m)
    for (std::size_t k = 0; k != depth; ++k)
      draw(left[m][k], left_halves[m][k]);
  for (std::size_t k = 0; k != depth; ++k)
    for (std::size_t n = 0; n != 32; ++n)
      draw(right[k][n], right_halves[n / 16][k / 2][n % 16][k % 2]);
  configure_tiles(shapes_of_products(64));
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
  for (std::size_t k = 0; k != depth; k += 32) {
    load_tile<6>(right_halves[0][k / 2], 64);
    load_passing_tile<4>(left_halves[0] + k, sizeof left_halves[0]);
    multiply_float_tiles<0, 4, 6>();
    load_tile<7>(right_halves[1][k / 2], 64);
    multiply_float_tiles<1, 4, 7>();
    load_passing_tile<5>(left_halves[16] + k, sizeof left_halves[0]);
    multiply_float_tiles<2, 5, 6>();
    multiply_float_tiles<3, 5, 7>();
  }
  store_tile<0>(sums[0], 64);
  store_tile<1>(sums[1], 64);
  store_tile<2>(sums[2], 64);
  store_tile<3>(sums[3], 64);
  release_tiles();
  for (std::size_t m = 0; m != 32; ++m)
    for (std::size_t n = 0; n != 32; ++n) {
      std::int64_t sum = 0;
      for (std::size_t k = 0; k != depth; k += 32) {
        std::int64_t even = 0, odd = 0;
        for (std::size_t i = k; i != k + 32; i += 2) {
          even = nearest_float(even + std::int64_t{left[m][i]} * right[i][n]);
          odd = nearest_float(odd + std::int64_t{left[m][i + 1]} * right[i + 1][n]);
        }
        sum = nearest_float(sum + nearest_float(even + odd));
      }
      if (sums[m / 16 * 2 + n / 16][m % 16][n % 16] != static_cast<float>(sum))
        return false;
    }
  return true;
}

/// Whether tiles multiply as they should. Some 250 microseconds. Precondition: the system lets this process have tiles.
inline bool compute_rightly() noexcept { return compute_integers_rightly() && compute_floats_rightly(); }

FEWBITS_SIMD_END
FEWBITS_TARGET_END
#endif
