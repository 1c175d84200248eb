// Scales in the order that Blackwell's tensor cores load them: tiles of 128 rows x 4 blocks.
// Source: cuBLAS documentation, "1D Block Scaling Factors Layout"; the same order in torchao 0.18.0, to_blocked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// In which order a file keeps one-byte scales of blocks along rows.
enum class scale_tiling : std::uint8_t {
  row_major,   ///< [rows, blocks along a row]
  tiles_128x4  ///< swizzled_scale_index
};

/// Bytes of the scales [rows, columns], one byte each, in whole tiles of 512. Errors: errc::size_overflow.
[[nodiscard]] constexpr result<std::size_t> swizzled_scale_bytes(std::size_t rows, std::size_t columns) noexcept {
  const std::uint64_t tiles_down = rows / 128 + (rows % 128 != 0 ? 1 : 0);
  const std::uint64_t tiles_along = columns / 4 + (columns % 4 != 0 ? 1 : 0);
  const auto tiles = checked_multiply(tiles_down, tiles_along);
  const auto bytes = tiles ? checked_multiply(*tiles, 512) : tiles;
  if (!bytes || *bytes > static_cast<std::size_t>(-1) / 2)
    return error{errc::size_overflow} << "swizzled scales [" << rows << ", " << columns
                                      << "] do not fit the address space";
  return static_cast<std::size_t>(*bytes);
}

/// Where scale (row, column) of [.., columns] lies. Tiles follow each other along the columns, then down; inside a tile
/// each 16 bytes hold four scales of rows r, r + 32, r + 64, r + 96. Precondition: the tiles fit the address space.
[[nodiscard]] constexpr std::size_t swizzled_scale_index(std::size_t row, std::size_t column,
                                                         std::size_t columns) noexcept {
  const std::size_t tile = row / 128 * ((columns + 3) / 4) + column / 4;
  return tile * 512 + row % 32 * 16 + row % 128 / 32 * 4 + column % 4;
}

namespace detail {

constexpr result<void> check_swizzled(std::string_view name, std::size_t bytes, std::size_t rows,
                                      std::size_t columns) noexcept {
  const auto wanted = swizzled_scale_bytes(rows, columns);
  if (!wanted)
    return wanted.error();
  if (bytes != *wanted)
    return error{errc::shape_mismatch} << "'" << name << "' has " << bytes << " bytes, and scales [" << rows << ", "
                                       << columns << "] in tiles of 128 x 4 take " << *wanted;
  return {};
}
constexpr result<void> check_row_major(std::size_t bytes, std::size_t rows, std::size_t columns) noexcept {
  const auto wanted = checked_multiply(rows, columns);
  if (!wanted || bytes != *wanted)
    return error{errc::shape_mismatch} << "there are " << bytes << " scales, which are not [" << rows << ", " << columns
                                       << "]";
  return {};
}

}  // namespace detail

/// One-byte scales [rows, columns] into tiles; what fills the tiles up is 0. `to` must not alias `from`.
/// Errors: errc::shape_mismatch: `from` has not rows x columns bytes, or `to` not swizzled_scale_bytes of them;
/// size_overflow. Nothing is written then.
constexpr result<void> swizzle_scales(std::size_t rows, std::size_t columns, std::span<const std::byte> from,
                                      std::span<std::byte> to) noexcept {
  if (const auto fits = detail::check_row_major(from.size(), rows, columns); !fits)
    return fits;
  if (const auto fits = detail::check_swizzled("to", to.size(), rows, columns); !fits)
    return fits;
  for (std::byte& each : to)
    each = std::byte{0};
  for (std::size_t r = 0; r < (columns == 0 ? 0 : rows); ++r)
    for (std::size_t c = 0; c < columns; ++c)
      to[swizzled_scale_index(r, c, columns)] = from[r * columns + c];
  return {};
}
/// The other way. Filling is not looked at. Errors: the same.
constexpr result<void> unswizzle_scales(std::size_t rows, std::size_t columns, std::span<const std::byte> from,
                                        std::span<std::byte> to) noexcept {
  if (const auto fits = detail::check_swizzled("from", from.size(), rows, columns); !fits)
    return fits;
  if (const auto fits = detail::check_row_major(to.size(), rows, columns); !fits)
    return fits;
  for (std::size_t r = 0; r < (columns == 0 ? 0 : rows); ++r)
    for (std::size_t c = 0; c < columns; ++c)
      to[r * columns + c] = from[swizzled_scale_index(r, c, columns)];
  return {};
}

FEWBITS_NAMESPACE_END
