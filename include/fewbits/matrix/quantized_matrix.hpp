// A matrix in a block format: as an owner on the heap, as an owner of fixed size (also in read-only memory), and as a
// view of anybody's streams. The layout is in matrix/layout.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/matrix/layout.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Borrowed streams of a quantised matrix, read-only.
template <blocked Format>
class quantized_view {
 public:
  using format = Format;
  using scale_type = typename Format::scale_type;
  using tensor_scale_type = typename Format::tensor_scale_type;

  /// Precondition: the streams are as long as the layout says. Foreign streams go through `over`.
  constexpr quantized_view(const quantized_layout<Format>& layout, std::span<const std::byte> codes,
                           std::span<const scale_type> scales, const tensor_scale_type& tensor_scale) noexcept
      : layout_(layout), codes_(codes), scales_(scales), tensor_scale_(tensor_scale) {}

  /// Errors: errc::size_overflow; buffer_too_small: a stream is shorter than the shape says. Longer ones are fine.
  [[nodiscard]] static constexpr result<quantized_view> over(
      std::size_t rows, std::size_t columns, std::span<const std::byte> codes, std::span<const scale_type> scales,
      const tensor_scale_type& tensor_scale = Format::unit_tensor_scale()) noexcept {
    const auto layout = quantized_layout<Format>::of(rows, columns);
    if (!layout)
      return layout.error();
    if (codes.size() < layout->code_bytes())
      return error{errc::buffer_too_small} << "the codes of " << rows << " x " << columns << " take "
                                           << layout->code_bytes() << " bytes, and there are " << codes.size();
    if (scales.size() < layout->blocks())
      return error{errc::buffer_too_small} << "a matrix of " << rows << " x " << columns << " has " << layout->blocks()
                                           << " blocks, and there are " << scales.size() << " scales";
    return quantized_view{*layout, codes.first(layout->code_bytes()), scales.first(layout->blocks()), tensor_scale};
  }

  [[nodiscard]] constexpr const quantized_layout<Format>& layout() const noexcept { return layout_; }
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return layout_.rows(); }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return layout_.columns(); }
  [[nodiscard]] constexpr std::span<const std::byte> codes() const noexcept { return codes_; }
  [[nodiscard]] constexpr std::span<const scale_type> scales() const noexcept { return scales_; }
  [[nodiscard]] constexpr const tensor_scale_type& tensor_scale() const noexcept { return tensor_scale_; }

  /// The scale and the codes of block `b` in a row. The codes past the row's end are filling.
  [[nodiscard]] constexpr const scale_type& block_scale(std::size_t row, std::size_t b) const noexcept {
    return scales_[row * layout_.blocks_per_row() + b];
  }
  [[nodiscard]] constexpr packed_codes<Format> block_codes(std::size_t row, std::size_t b) const noexcept {
    return {codes_.data() + (row * layout_.blocks_per_row() + b) * Format::code_bytes, Format::size};
  }

 private:
  quantized_layout<Format> layout_;
  std::span<const std::byte> codes_;
  std::span<const scale_type> scales_;
  [[no_unique_address]] tensor_scale_type tensor_scale_;
};

/// Where a quantiser writes.
template <blocked Format>
struct quantized_streams {
  quantized_layout<Format> layout;
  std::span<std::byte> codes;
  std::span<typename Format::scale_type> scales;
  typename Format::tensor_scale_type& tensor_scale;

  [[nodiscard]] constexpr packed_codes_out<Format> block_codes(std::size_t row, std::size_t b) const noexcept {
    return {codes.data() + (row * layout.blocks_per_row() + b) * Format::code_bytes, Format::size};
  }
};

/// Owns a quantised matrix on the heap. Moves, and does not copy by accident.
template <blocked Format>
class quantized_matrix {
 public:
  using format = Format;
  using scale_type = typename Format::scale_type;
  using tensor_scale_type = typename Format::tensor_scale_type;

  /// All codes and scales zero bits. Errors: errc::size_overflow, out_of_memory.
  [[nodiscard]] static result<quantized_matrix> create(std::size_t rows, std::size_t columns) noexcept {
    const auto layout = quantized_layout<Format>::of(rows, columns);
    if (!layout)
      return layout.error();
    quantized_matrix made;
    made.layout_ = *layout;
    made.codes_.reset(new (std::nothrow) std::byte[layout->code_bytes()]());
    made.scales_.reset(new (std::nothrow) scale_type[layout->blocks()]());
    if (made.codes_ == nullptr || made.scales_ == nullptr)
      return error{errc::out_of_memory} << "no memory for a quantised matrix of " << rows << " x " << columns;
    return made;
  }

  quantized_matrix(quantized_matrix&& moved_from) noexcept { swap(moved_from); }
  quantized_matrix& operator=(quantized_matrix&& moved_from) noexcept {
    quantized_matrix moved(std::move(moved_from));
    swap(moved);
    return *this;
  }
  ~quantized_matrix() = default;

  [[nodiscard]] std::size_t rows() const noexcept { return layout_.rows(); }
  [[nodiscard]] std::size_t columns() const noexcept { return layout_.columns(); }
  [[nodiscard]] std::span<const std::byte> codes() const noexcept { return {codes_.get(), layout_.code_bytes()}; }
  [[nodiscard]] std::span<const scale_type> scales() const noexcept { return {scales_.get(), layout_.blocks()}; }
  [[nodiscard]] const tensor_scale_type& tensor_scale() const noexcept { return tensor_scale_; }
  [[nodiscard]] double bits_per_weight() const noexcept { return layout_.bits_per_weight(); }

  /// Valid until this object is moved from or destroyed.
  [[nodiscard]] quantized_view<Format> view() const noexcept { return {layout_, codes(), scales(), tensor_scale_}; }
  [[nodiscard]] quantized_streams<Format> streams() noexcept {
    return {layout_, {codes_.get(), layout_.code_bytes()}, {scales_.get(), layout_.blocks()}, tensor_scale_};
  }

 private:
  quantized_matrix() noexcept = default;
  void swap(quantized_matrix& other) noexcept {
    std::swap(layout_, other.layout_);
    std::swap(codes_, other.codes_);
    std::swap(scales_, other.scales_);
    std::swap(tensor_scale_, other.tensor_scale_);
  }

  quantized_layout<Format> layout_;
  std::unique_ptr<std::byte[]> codes_;
  std::unique_ptr<scale_type[]> scales_;
  [[no_unique_address]] tensor_scale_type tensor_scale_ = Format::unit_tensor_scale();
};

/// Owns a quantised matrix whose shape is part of its type; a constant of this type lives in read-only memory.
template <blocked Format, std::size_t Rows, std::size_t Columns>
class fixed_quantized_matrix {
  static_assert(Rows != 0 && Columns != 0, "a matrix of fixed size has at least one element");
  static_assert(Columns <= static_cast<std::size_t>(-1) / 16 / Rows, "this matrix does not fit the address space");
  static constexpr auto shape = quantized_layout<Format>::unchecked(Rows, Columns);

 public:
  using format = Format;
  using scale_type = typename Format::scale_type;
  using tensor_scale_type = typename Format::tensor_scale_type;

  [[nodiscard]] static constexpr std::size_t rows() noexcept { return Rows; }
  [[nodiscard]] static constexpr std::size_t columns() noexcept { return Columns; }
  [[nodiscard]] constexpr std::span<const std::byte> codes() const noexcept { return codes_; }
  [[nodiscard]] constexpr std::span<const scale_type> scales() const noexcept { return scales_; }
  [[nodiscard]] constexpr const tensor_scale_type& tensor_scale() const noexcept { return tensor_scale_; }
  [[nodiscard]] static constexpr double bits_per_weight() noexcept { return shape.bits_per_weight(); }

  [[nodiscard]] constexpr quantized_view<Format> view() const noexcept {
    return {shape, codes_, scales_, tensor_scale_};
  }
  [[nodiscard]] constexpr quantized_streams<Format> streams() noexcept {
    return {shape, codes_, scales_, tensor_scale_};
  }

 private:
  std::array<std::byte, shape.code_bytes()> codes_{};
  std::array<scale_type, shape.blocks()> scales_{};
  tensor_scale_type tensor_scale_ = Format::unit_tensor_scale();
};

FEWBITS_NAMESPACE_END
