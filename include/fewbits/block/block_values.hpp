// The values of one block where they lie in a matrix, and what else is known about them: what a scale rule looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/exact_scaling.hpp>

FEWBITS_NAMESPACE_BEGIN

/// How far values reach on both sides of 0, as magnitudes: both are zero or positive.
struct value_range {
  unpacked_number highest;  ///< of the values and 0
  unpacked_number depth;    ///< of the lowest below 0
};

/// rows x columns values, element (r, c) at first[r * row_stride + c * column_stride], strides in elements. Borrows.
/// `row` and `column` say where in the matrix the block begins. Indexed in row order.
template <block_source T>
class block_values {
 public:
  using value_type = T;

  constexpr block_values(const T* first, std::size_t rows, std::size_t columns, std::size_t row_stride,
                         std::size_t column_stride = 1, std::size_t first_row = 0, std::size_t first_column = 0,
                         const float* importance_of_columns = nullptr) noexcept
      : first_(first),
        rows_(rows),
        columns_(columns),
        row_stride_(row_stride),
        column_stride_(column_stride),
        row_(first_row),
        column_(first_column),
        importance_(importance_of_columns) {}
  /// A contiguous row.
  constexpr block_values(const T* first, std::size_t count) noexcept : block_values(first, 1, count, count) {}

  [[nodiscard]] constexpr std::size_t size() const noexcept { return rows_ * columns_; }
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] constexpr std::size_t column_stride() const noexcept { return column_stride_; }
  [[nodiscard]] constexpr std::size_t row() const noexcept { return row_; }
  [[nodiscard]] constexpr std::size_t column() const noexcept { return column_; }

  [[nodiscard]] constexpr const T& operator()(std::size_t r, std::size_t c) const noexcept {
    return first_[r * row_stride_ + c * column_stride_];
  }
  [[nodiscard]] constexpr const T& operator[](std::size_t i) const noexcept {
    return rows_ == 1 ? first_[i * column_stride_] : (*this)(i / columns_, i % columns_);
  }
  /// The code of value (r, c), sign included.
  [[nodiscard]] constexpr source_bits<T> code(std::size_t r, std::size_t c) const noexcept {
    return source_code((*this)(r, c));
  }

  /// Does the caller weigh errors? Then value i weighs importance(i) >= 0, finite; otherwise every value weighs 1.
  [[nodiscard]] constexpr bool has_importance() const noexcept { return importance_ != nullptr; }
  [[nodiscard]] constexpr float importance(std::size_t i) const noexcept {
    return importance_ != nullptr ? importance_[column_ + i % columns_] : 1.0f;
  }

  /// The part of it from column `offset` on, `count` columns wide.
  [[nodiscard]] constexpr block_values columns_from(std::size_t offset, std::size_t count) const noexcept {
    block_values part = *this;
    part.first_ += count != 0 ? offset * column_stride_ : 0;
    part.columns_ = count;
    part.column_ += offset;
    return part;
  }

  /// The largest magnitude as a code; beyond the largest finite one if a value is Inf or NaN.
  [[nodiscard]] constexpr std::uint64_t largest_code() const noexcept {
    return largest_code_up_to(source_format<T>().magnitude_mask());
  }
  /// The largest finite magnitude as a code: Inf and NaN are passed over. 0 if there is none.
  [[nodiscard]] constexpr std::uint64_t largest_finite_code() const noexcept {
    return largest_code_up_to(source_format<T>().max_code());
  }

  /// Of the finite values.
  [[nodiscard]] constexpr value_range range() const noexcept {
    constexpr float_format source = source_format<T>();
    std::uint64_t above = 0;
    std::uint64_t below = 0;
    for (std::size_t r = 0; r < rows_ && columns_ != 0; ++r)
      for (std::size_t c = 0; c < columns_; ++c) {
        const std::uint64_t each = code(r, c);
        const std::uint64_t magnitude = each & source.magnitude_mask();
        std::uint64_t& side = source.is_negative(each) ? below : above;
        side = magnitude > side && magnitude <= source.max_code() ? magnitude : side;
      }
    return {unpack_code<source>(above), unpack_code<source>(below)};
  }

 private:
  [[nodiscard]] constexpr std::uint64_t largest_code_up_to(std::uint64_t limit) const noexcept {
    using bits = source_bits<T>;
    const auto mask = static_cast<bits>(source_format<T>().magnitude_mask());
    const auto last = static_cast<bits>(limit);
    bits found = 0;
    for (std::size_t r = 0; r < rows_ && columns_ != 0; ++r)
      for (std::size_t c = 0; c < columns_; ++c) {
        const auto magnitude = static_cast<bits>(code(r, c) & mask);
        found = magnitude > found && magnitude <= last ? magnitude : found;
      }
    return found;
  }

  const T* first_;
  std::size_t rows_;
  std::size_t columns_;
  std::size_t row_stride_;
  std::size_t column_stride_;
  std::size_t row_;
  std::size_t column_;
  const float* importance_;
};

FEWBITS_NAMESPACE_END
