// A matrix somebody else owns: a pointer, two extents, two strides. Weights are [N, K]: one row an output, columns
// along the depth, so a quantiser's blocks lie in rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

#include <fewbits/base/checked.hpp>
#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Element (r, c) lies at data[r * row_stride_elements + c * column_stride_elements]. The view borrows; copying it
/// copies no element. matrix_view<float> converts to matrix_view<const float>.
template <class T>
class matrix_view {
 public:
  using value_type = std::remove_cv_t<T>;

  constexpr matrix_view() noexcept = default;
  /// Contiguous rows. Precondition: `data` holds rows x columns elements. Sizes from outside go through `over`.
  constexpr matrix_view(T* data, std::size_t rows, std::size_t columns) noexcept
      : matrix_view(data, rows, columns, columns) {}
  /// Precondition: every element (r, c) lies in the same array.
  constexpr matrix_view(T* data, std::size_t rows, std::size_t columns, std::size_t row_stride_elements,
                        std::size_t column_stride_elements = 1) noexcept
      : data_(data),
        rows_(rows),
        columns_(columns),
        row_stride_(row_stride_elements),
        column_stride_(column_stride_elements) {}

  /// A checked view of `elements`. Errors: errc::size_overflow; buffer_too_small: the last element lies outside.
  [[nodiscard]] static constexpr result<matrix_view> over(std::span<T> elements, std::size_t rows, std::size_t columns,
                                                          std::size_t row_stride_elements,
                                                          std::size_t column_stride_elements = 1) noexcept {
    if (rows != 0 && columns != 0) {
      const auto down = checked_multiply(rows - 1, row_stride_elements);
      const auto right = checked_multiply(columns - 1, column_stride_elements);
      const auto last = down && right ? checked_add(*down, *right) : std::nullopt;
      if (!last || *last >= (std::numeric_limits<std::size_t>::max)() / sizeof(T))
        return error{errc::size_overflow} << "a matrix of " << rows << " x " << columns << " with row stride "
                                          << row_stride_elements << " does not fit the address space";
      if (*last >= elements.size())
        return error{errc::buffer_too_small} << "a matrix of " << rows << " x " << columns << " needs " << *last + 1
                                             << " elements, and the buffer has " << elements.size();
    }
    return matrix_view{elements.data(), rows, columns, row_stride_elements, column_stride_elements};
  }
  [[nodiscard]] static constexpr result<matrix_view> over(std::span<T> elements, std::size_t rows,
                                                          std::size_t columns) noexcept {
    return over(elements, rows, columns, columns);
  }

  constexpr operator matrix_view<const T>() const noexcept requires(!std::is_const_v<T>) {
    return {data_, rows_, columns_, row_stride_, column_stride_};
  }

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] constexpr std::size_t row_stride_elements() const noexcept { return row_stride_; }
  [[nodiscard]] constexpr std::size_t column_stride_elements() const noexcept { return column_stride_; }

  /// Precondition: row < rows(), column < columns().
  [[nodiscard]] constexpr T& operator()(std::size_t row, std::size_t column) const noexcept {
    return data_[row * row_stride_ + column * column_stride_];
  }

  /// The same elements with rows and columns exchanged.
  [[nodiscard]] constexpr matrix_view transposed() const noexcept {
    return {data_, columns_, rows_, column_stride_, row_stride_};
  }

  /// Does a row lie in one piece?
  [[nodiscard]] constexpr bool has_contiguous_rows() const noexcept { return column_stride_ == 1 || columns_ <= 1; }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::size_t row_stride_ = 0;
  std::size_t column_stride_ = 1;
};

FEWBITS_NAMESPACE_END
