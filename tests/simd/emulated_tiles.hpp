// AMX's tiles in memory, after Intel's SDM (volume 1, chapter 18; volume 2, the instructions' pages): a second set of
// the functions of simd/tiles.hpp, for machines without tiles. What the processor would refuse ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

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
};
inline constexpr tile_flaw every_tile_flaw[] = {
    tile_flaw::right_unsigned, tile_flaw::left_unsigned,  tile_flaw::saturates,     tile_flaw::drops_last_row,
    tile_flaw::ignores_stride, tile_flaw::keeps_old_sums, tile_flaw::stores_nothing};
inline constinit tile_flaw planted_tile_flaw = tile_flaw::none;

/// One thread's tiles.
class tile_machine {
 public:
  std::size_t configurations = 0, loads = 0, products = 0;  ///< so far

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
    check(sums);
    check(left);
    check(right);
    ++products;
    need(sums != left && sums != right && left != right, "tdp: a tile twice");
    const std::size_t rows = shapes_.rows[sums], columns = shapes_.row_bytes[sums] / 4,
                      fours = shapes_.row_bytes[left] / 4;
    need(shapes_.row_bytes[sums] % 4 == 0 && shapes_.row_bytes[left] % 4 == 0, "tdp: columns are not whole words");
    need(shapes_.rows[left] == rows && shapes_.row_bytes[right] == shapes_.row_bytes[sums] &&
             shapes_.rows[right] == fours,
         "tdp: shapes disagree");
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

 private:
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
FEWBITS_SIMD_END
