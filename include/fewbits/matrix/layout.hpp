// How a quantised matrix [rows, columns] is stored: streams and a number.
//   codes        row after row; each row's codes packed without a gap, filled up with code 0 to whole blocks of the
//                shape's columns and then to a whole byte
//   scales       block after block, in rows of blocks: block (i, j) covers rows i * shape.rows ..., columns
//                j * shape.columns ...; one Format::scale_type each
//   zeros        the same for zero points or minimums, where the format has them
//   supers       one super scale for every Format::super_count blocks of a row of blocks, the last for what is left
//   tensor scale where the format has one
// Scales and zeros of up to 6 bits are packed, low bits first, without a gap between rows; wider ones are objects.
// Where rows or columns are no multiple of the block, the last blocks are smaller: a scale covers the values it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/block_format.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Is a stream of T packed?
template <class T>
inline constexpr bool is_packed_parameter = false;
template <few_bit_number T>
inline constexpr bool is_packed_parameter<T> = T::format.bits() <= 6;

namespace detail {

template <class T>
inline constexpr bool is_stored = !std::is_same_v<T, no_zero_point> && !std::is_same_v<T, no_super_scale>;

/// Bytes that `count` parameters take.
template <class T>
constexpr std::size_t stream_bytes(std::size_t count) noexcept {
  if constexpr (!is_stored<T>)
    return 0;
  else if constexpr (is_packed_parameter<T>)
    return packed_bytes<T::format.bits()>(count);
  else
    return count * sizeof(T);
}

}  // namespace detail

/// The sizes that follow from a shape. `of` checks every product; the members then need no check.
template <blocked Format>
class quantized_layout {
  static constexpr block_shape shape = Format::shape;

 public:
  constexpr quantized_layout() noexcept = default;

  /// Errors: errc::size_overflow.
  [[nodiscard]] FEWBITS_OF_THIS_UNIT static constexpr result<quantized_layout> of(std::size_t rows,
                                                                                  std::size_t columns) noexcept {
    constexpr std::uint64_t bytes_a_block =
        sizeof(typename Format::scale_type) + sizeof(typename Format::zero_type) + sizeof(typename Format::super_type);
    const quantized_layout made{rows, columns};
    const bool columns_fit = columns <= (std::numeric_limits<std::size_t>::max)() - 65536;
    const auto codes = columns_fit ? checked_multiply(rows, made.row_code_bytes()) : std::nullopt;
    const auto blocks = checked_multiply(made.block_rows(), made.block_columns());
    const auto parameters = blocks ? checked_multiply(*blocks, bytes_a_block) : std::nullopt;
    const auto elements = checked_multiply(rows, columns);
    const auto bytes = codes && parameters ? checked_add(*codes, *parameters) : std::nullopt;
    if (!bytes || !elements || *bytes > (std::numeric_limits<std::size_t>::max)() / 8)
      return error{errc::size_overflow} << "a quantised matrix of " << rows << " x " << columns
                                        << " does not fit the address space";
    return made;
  }

  /// Precondition: `of` accepts the shape. For shapes known at compile time.
  [[nodiscard]] static constexpr quantized_layout unchecked(std::size_t rows, std::size_t columns) noexcept {
    return quantized_layout{rows, columns};
  }

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }

  /// Blocks down and across. A matrix without elements has no blocks.
  [[nodiscard]] constexpr std::size_t block_rows() const noexcept { return parts(rows_, shape.rows, columns_); }
  [[nodiscard]] constexpr std::size_t block_columns() const noexcept { return parts(columns_, shape.columns, rows_); }
  [[nodiscard]] constexpr std::size_t blocks() const noexcept { return block_rows() * block_columns(); }
  [[nodiscard]] constexpr std::size_t super_columns() const noexcept {
    return Format::has_super_scale ? parts(block_columns(), Format::super_count, 1) : 0;
  }
  [[nodiscard]] constexpr std::size_t super_blocks() const noexcept { return block_rows() * super_columns(); }

  /// Where block row `i` begins and how many rows it has; the same for columns.
  [[nodiscard]] constexpr std::size_t first_row(std::size_t i) const noexcept { return i * shape.rows; }
  [[nodiscard]] constexpr std::size_t first_column(std::size_t j) const noexcept { return j * shape.columns; }
  [[nodiscard]] constexpr std::size_t rows_in_block(std::size_t i) const noexcept {
    return extent(rows_, shape.rows, first_row(i));
  }
  [[nodiscard]] constexpr std::size_t columns_in_block(std::size_t j) const noexcept {
    return extent(columns_, shape.columns, first_column(j));
  }
  /// The block that covers an element.
  [[nodiscard]] constexpr std::size_t block_of_row([[maybe_unused]] std::size_t row) const noexcept {
    if constexpr (shape.rows == whole)
      return 0;
    else
      return row / shape.rows;
  }
  [[nodiscard]] constexpr std::size_t block_of_column([[maybe_unused]] std::size_t column) const noexcept {
    if constexpr (shape.columns == whole)
      return 0;
    else
      return column / shape.columns;
  }

  /// Codes in a row, filling included, and the bytes they take.
  [[nodiscard]] constexpr std::size_t padded_columns() const noexcept {
    return shape.columns == whole ? columns_ : block_columns_alone() * shape.columns;
  }
  [[nodiscard]] constexpr std::size_t row_code_bytes() const noexcept {
    return packed_bytes<Format::element_bits>(padded_columns());
  }
  [[nodiscard]] constexpr std::size_t code_bytes() const noexcept {
    return columns_ == 0 ? 0 : rows_ * row_code_bytes();
  }
  /// Bytes of all streams and the tensor scale.
  [[nodiscard]] constexpr std::size_t stored_bytes() const noexcept {
    return code_bytes() + detail::stream_bytes<typename Format::scale_type>(blocks()) +
           detail::stream_bytes<typename Format::zero_type>(blocks()) +
           detail::stream_bytes<typename Format::super_type>(super_blocks()) +
           (std::is_same_v<typename Format::tensor_scale_type, no_tensor_scale>
                ? 0
                : sizeof(typename Format::tensor_scale_type));
  }
  /// Bits a stored element takes, scales and filling included; 0 for an empty matrix.
  [[nodiscard]] constexpr double bits_per_weight() const noexcept {
    if (rows_ == 0 || columns_ == 0)
      return 0;
    return 8.0 * static_cast<double>(stored_bytes()) / (static_cast<double>(rows_) * static_cast<double>(columns_));
  }

 private:
  constexpr quantized_layout(std::size_t rows, std::size_t columns) noexcept : rows_(rows), columns_(columns) {}

  static constexpr std::size_t parts(std::size_t length, std::size_t part, std::size_t other) noexcept {
    if (length == 0 || other == 0)
      return 0;
    return part == whole ? 1 : (length - 1) / part + 1;
  }
  static constexpr std::size_t extent(std::size_t length, std::size_t part, std::size_t before) noexcept {
    return part == whole || length - before < part ? length - before : part;
  }
  constexpr std::size_t block_columns_alone() const noexcept { return parts(columns_, shape.columns, 1); }

  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

FEWBITS_NAMESPACE_END
