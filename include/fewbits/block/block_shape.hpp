// Which elements of a matrix share a scale: so many rows by so many columns.
#pragma once

#include <cstddef>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// In the place of an extent: as far as the matrix goes.
inline constexpr std::size_t whole = 0;

/// A structural type. A plain number is a block along the columns: 32 is {1, 32}. {32, 1} lies along the rows,
/// {128, 128} is a square.
struct block_shape {
  std::size_t rows;
  std::size_t columns;

  constexpr block_shape(std::size_t columns_of_block) noexcept : rows(1), columns(columns_of_block) {}
  constexpr block_shape(std::size_t rows_of_block, std::size_t columns_of_block) noexcept
      : rows(rows_of_block), columns(columns_of_block) {}

  friend constexpr bool operator==(const block_shape&, const block_shape&) = default;

  /// Is the number of elements known without the matrix?
  [[nodiscard]] constexpr bool is_fixed() const noexcept { return rows != whole && columns != whole; }
  /// Elements of a full block, 0 where the matrix decides.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return rows * columns; }
};

/// One scale for the whole matrix; for each row (an output channel of weights, a token of activations); for each
/// column.
inline constexpr block_shape per_tensor{whole, whole};
inline constexpr block_shape per_row{1, whole};
inline constexpr block_shape per_column{whole, 1};

FEWBITS_NAMESPACE_END
