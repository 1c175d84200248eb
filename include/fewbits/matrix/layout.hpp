// How a quantised matrix [rows, columns] is stored: two streams and a number.
//   codes   row 0: block 0, block 1, ...; row 1: ...   each block's codes packed, Format::code_bytes bytes
//   scales  row 0: block 0, block 1, ...; row 1: ...   one Format::scale_type each
//   tensor scale, where the format has one
// Where columns is no multiple of the block, the last block of each row is shorter: its scale covers the values it
// has, and its codes are filled up with code 0, which no reader looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/block_format.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The sizes that follow from a shape. `of` checks every product; the members then need no check.
template <blocked Format>
class quantized_layout {
 public:
  constexpr quantized_layout() noexcept = default;

  /// Errors: errc::size_overflow.
  [[nodiscard]] static constexpr result<quantized_layout> of(std::size_t rows, std::size_t columns) noexcept {
    constexpr std::uint64_t bytes_a_block = Format::code_bytes + sizeof(typename Format::scale_type);
    const auto blocks = checked_multiply(rows, blocks_for(columns));
    const auto bytes = blocks ? checked_multiply(*blocks, bytes_a_block) : std::nullopt;
    const auto elements = checked_multiply(rows, columns);
    if (!bytes || !elements || *bytes > (std::numeric_limits<std::size_t>::max)() / 8)
      return error{errc::size_overflow} << "a quantised matrix of " << rows << " x " << columns
                                        << " does not fit the address space";
    return quantized_layout{rows, columns};
  }

  /// Precondition: `of` accepts the shape. For shapes known at compile time.
  [[nodiscard]] static constexpr quantized_layout unchecked(std::size_t rows, std::size_t columns) noexcept {
    return quantized_layout{rows, columns};
  }

  [[nodiscard]] static constexpr std::size_t blocks_for(std::size_t columns) noexcept {
    return columns / Format::size + (columns % Format::size != 0 ? 1 : 0);
  }

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] constexpr std::size_t blocks_per_row() const noexcept { return blocks_for(columns_); }
  [[nodiscard]] constexpr std::size_t blocks() const noexcept { return rows_ * blocks_per_row(); }
  [[nodiscard]] constexpr std::size_t code_bytes() const noexcept { return blocks() * Format::code_bytes; }

  /// Elements in block `b` of a row: Format::size, or fewer in the last.
  [[nodiscard]] constexpr std::size_t elements_in_block(std::size_t b) const noexcept {
    const std::size_t before = b * Format::size;
    return columns_ - before < Format::size ? columns_ - before : Format::size;
  }

  /// Bits a stored element takes, scales and filling included; 0 for an empty matrix.
  [[nodiscard]] constexpr double bits_per_weight() const noexcept {
    if (rows_ == 0 || columns_ == 0)
      return 0;
    constexpr std::size_t bytes_a_block = Format::code_bytes + sizeof(typename Format::scale_type);
    const std::size_t bytes = blocks() * bytes_a_block + (Format::has_tensor_scale ? sizeof(float) : 0);
    return 8.0 * static_cast<double>(bytes) / (static_cast<double>(rows_) * static_cast<double>(columns_));
  }

 private:
  constexpr quantized_layout(std::size_t rows, std::size_t columns) noexcept : rows_(rows), columns_(columns) {}

  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

FEWBITS_NAMESPACE_END
