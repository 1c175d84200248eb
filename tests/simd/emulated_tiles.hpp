// AMX's tiles in memory, after Intel's SDM (volume 1, chapter 18; volume 2, the instructions' pages): a second set of
// the functions of simd/tiles.hpp, for machines without tiles. What the processor would refuse ends the program.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fewbits/simd/tiles.hpp>

namespace fewbits_test {

/// Ways for a machine to be wrong, each for a check that must notice.
enum class tile_flaw {
  none,
  right_unsigned,  ///< products take the right operand's bytes as unsigned
  left_unsigned,   ///< and the left one's
  saturates,       ///< pairs of products end at 16 bits, as vpmaddubsw's do
  drops_last_row,  ///< loads leave the last row out
  ignores_stride,  ///< loads take rows 64 bytes apart
  keeps_old_sums,  ///< tilezero does nothing
  stores_nothing,  ///< tilestored does nothing
  // Of bfloat16:
  one_chain,         ///< even and odd columns are added up in one chain
  chains_from_sums,  ///< and begin with the sums
  rounds_to_zero,    ///< every rounding goes toward zero
  loses_odd,         ///< odd columns are left out
};
inline constexpr tile_flaw every_tile_flaw[] = {
    tile_flaw::right_unsigned, tile_flaw::left_unsigned,    tile_flaw::saturates,      tile_flaw::drops_last_row,
    tile_flaw::ignores_stride, tile_flaw::keeps_old_sums,   tile_flaw::stores_nothing, tile_flaw::one_chain,
    tile_flaw::loses_odd,      tile_flaw::chains_from_sums, tile_flaw::rounds_to_zero};
inline constinit tile_flaw planted_tile_flaw = tile_flaw::none;

/// One thread's tiles.
class tile_machine {
 public:
  std::size_t configurations = 0, loads = 0, products = 0, float_products = 0;  ///< so far; products: both kinds

  [[nodiscard]] bool is_configured() const noexcept { return shapes_.palette != 0; }

  void configure(const void* from) noexcept {
    fewbits::simd::tile_shapes shapes;
    std::memcpy(&shapes, from, sizeof shapes);
    ++configurations;
    std::memset(bytes_, 0, sizeof bytes_);
    shapes_ = shapes;
    if (shapes.palette == 0)
      return release();
    need(shapes.palette == 1, "ldtilecfg: no such palette");
    need(shapes.start_row < 16, "ldtilecfg: start row past the last");
    for (const std::uint8_t byte : shapes.reserved)
      need(byte == 0, "ldtilecfg: a reserved byte is not zero");
    for (std::size_t t = 0; t != 16; ++t) {
      need(shapes.row_bytes[t] <= 64 && shapes.rows[t] <= 16, "ldtilecfg: a tile is too large");
      need((shapes.row_bytes[t] == 0) == (shapes.rows[t] == 0), "ldtilecfg: rows without columns");
      need(t < 8 || shapes.rows[t] == 0, "ldtilecfg: a tile that palette 1 does not have");
    }
  }
  void release() noexcept {
    shapes_.palette = 0;
    std::memset(bytes_, 0, sizeof bytes_);
  }
  void zero(int tile) noexcept {
    check(tile);
    if (planted_tile_flaw != tile_flaw::keeps_old_sums)
      std::memset(bytes_[tile], 0, sizeof bytes_[tile]);
  }
  void load(int tile, const void* from, std::size_t stride) noexcept {
    check(tile);
    ++loads;
    std::memset(bytes_[tile], 0, sizeof bytes_[tile]);  // also what lies beyond the tile's shape
    if (planted_tile_flaw == tile_flaw::ignores_stride)
      stride = 64;
    const std::size_t rows = shapes_.rows[tile] - (planted_tile_flaw == tile_flaw::drops_last_row ? 1u : 0u);
    for (std::size_t r = 0; r != rows; ++r)
      std::memcpy(bytes_[tile][r], static_cast<const std::byte*>(from) + r * stride, shapes_.row_bytes[tile]);
  }
  void store(int tile, void* to, std::size_t stride) const noexcept {
    check(tile);
    if (planted_tile_flaw == tile_flaw::stores_nothing)
      return;
    for (std::size_t r = 0; r != shapes_.rows[tile]; ++r)
      std::memcpy(static_cast<std::byte*>(to) + r * stride, bytes_[tile][r], shapes_.row_bytes[tile]);
  }
  /// tdpbssd, tdpbsud, tdpbusd, tdpbuud: sums wrap.
  void multiply(bool left_signed, bool right_signed, int sums, int left, int right) noexcept {
    const auto [rows, columns, fours] = shape_of_product(sums, left, right);
    left_signed = left_signed && planted_tile_flaw != tile_flaw::left_unsigned;
    right_signed = right_signed && planted_tile_flaw != tile_flaw::right_unsigned;
    int of_left[16][64], of_right[16][64];
    for (std::size_t r = 0; r != 16; ++r)
      for (std::size_t i = 0; i != 64; ++i) {
        of_left[r][i] = number(bytes_[left][r][i], left_signed);
        of_right[r][i] = number(bytes_[right][r][i], right_signed);
      }
    for (std::size_t m = 0; m != rows; ++m)
      for (std::size_t n = 0; n != columns; ++n) {
        std::uint32_t sum;
        std::memcpy(&sum, bytes_[sums][m] + 4 * n, 4);
        for (std::size_t k = 0; k != fours; ++k) {
          const int* const a = of_left[m] + 4 * k;
          const int* const b = of_right[k] + 4 * n;
          int of_four = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
          if (planted_tile_flaw == tile_flaw::saturates)
            of_four = of_four > 32767 ? 32767 : of_four < -32768 ? -32768 : of_four;
          sum += static_cast<std::uint32_t>(of_four);
        }
        std::memcpy(bytes_[sums][m] + 4 * n, &sum, 4);
      }
    std::memset(bytes_[sums][rows], 0, (16 - rows) * 64);
  }

  /// tdpbf16ps.
  void multiply_floats(int sums, int left, int right) noexcept {
    const auto [rows, columns, pairs] = shape_of_product(sums, left, right);
    ++float_products;
    const auto half = [](const std::byte* at) noexcept {
      std::uint16_t bits;
      std::memcpy(&bits, at, 2);
      return without_denormals(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
    };
    float of_left[16][32], of_right[32][16];
    for (std::size_t r = 0; r != 16; ++r)
      for (std::size_t i = 0; i != 32; ++i) {
        of_left[r][i] = half(bytes_[left][r] + 2 * i);
        of_right[2 * r + i % 2][i / 2] = half(bytes_[right][r] + 2 * i);
      }
    const bool has_one_chain = planted_tile_flaw == tile_flaw::one_chain;
    for (std::size_t m = 0; m != rows; ++m)
      for (std::size_t n = 0; n != columns; ++n) {
        float sum, chains[2] = {};
        std::memcpy(&sum, bytes_[sums][m] + 4 * n, 4);
        sum = without_denormals(sum);
        if (planted_tile_flaw == tile_flaw::chains_from_sums)
          std::swap(sum, chains[0]);
        for (std::size_t k = 0; k != 2 * pairs; ++k)
          if (k % 2 == 0 || planted_tile_flaw != tile_flaw::loses_odd) {
            float& chain = chains[has_one_chain ? 0 : k % 2];
            chain = multiply_add(of_left[m][k], of_right[k][n], chain);
          }
        sum = multiply_add(1.0f, multiply_add(1.0f, chains[0], chains[1]), sum);
        std::memcpy(bytes_[sums][m] + 4 * n, &sum, 4);
      }
    std::memset(bytes_[sums][rows], 0, (16 - rows) * 64);
  }

 private:
  struct product_shape {
    std::size_t rows, columns, words;
  };
  product_shape shape_of_product(int sums, int left, int right) noexcept {
    check(sums);
    check(left);
    check(right);
    ++products;
    need(sums != left && sums != right && left != right, "tdp: a tile twice");
    const product_shape shape{shapes_.rows[sums], shapes_.row_bytes[sums] / 4u, shapes_.row_bytes[left] / 4u};
    need(shapes_.row_bytes[sums] % 4 == 0 && shapes_.row_bytes[left] % 4 == 0, "tdp: columns are not whole words");
    need(shapes_.rows[left] == shape.rows && shapes_.row_bytes[right] == shapes_.row_bytes[sums] &&
             shapes_.rows[right] == shape.words,
         "tdp: shapes disagree");
    return shape;
  }
  static float without_denormals(float x) noexcept { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
  static float multiply_add(float a, float b, float c) noexcept {
    float sum = std::fma(a, b, c);
    if (planted_tile_flaw == tile_flaw::rounds_to_zero) {
      const double exact = static_cast<double>(a) * static_cast<double>(b) + static_cast<double>(c);
      if (std::fabs(static_cast<double>(sum)) > std::fabs(exact))
        sum = std::nextafter(sum, 0.0f);
    }
    return without_denormals(sum);
  }
  static int number(std::byte byte, bool is_signed) noexcept {
    const int value = static_cast<int>(byte);
    return is_signed && value > 127 ? value - 256 : value;
  }
  static void need(bool holds, const char* what) noexcept {
    if (!holds) {
      std::fprintf(stderr, "emulated tiles: %s\n", what);
      std::abort();
    }
  }
  void check(int tile) const noexcept {
    need(is_configured(), "not configured");
    need(tile >= 0 && tile < 8 && shapes_.rows[tile] != 0, "a tile without a shape");
  }

  fewbits::simd::tile_shapes shapes_{.palette = 0};
  alignas(64) std::byte bytes_[8][17][64] = {};  // the last row is never written
};

inline thread_local tile_machine tiles_here;

}  // namespace fewbits_test

FEWBITS_SIMD_BEGIN(emulated_tiles)
inline void configure_tiles(const tile_shapes& shapes) noexcept { fewbits_test::tiles_here.configure(&shapes); }
inline void release_tiles() noexcept { fewbits_test::tiles_here.release(); }
template <int Tile>
void zero_tile() noexcept {
  fewbits_test::tiles_here.zero(Tile);
}
template <int Tile>
void load_tile(const void* from, std::size_t stride) noexcept {
  fewbits_test::tiles_here.load(Tile, from, stride);
}
template <int Tile>
void load_passing_tile(const void* from, std::size_t stride) noexcept {
  fewbits_test::tiles_here.load(Tile, from, stride);
}
template <int Tile>
void store_tile(void* to, std::size_t stride) noexcept {
  fewbits_test::tiles_here.store(Tile, to, stride);
}
template <int Sums, int Left, int Right>
void multiply_tiles() noexcept {
  fewbits_test::tiles_here.multiply(true, true, Sums, Left, Right);
}
template <int Sums, int Left, int Right>
void multiply_float_tiles() noexcept {
  fewbits_test::tiles_here.multiply_floats(Sums, Left, Right);
}
FEWBITS_SIMD_END
