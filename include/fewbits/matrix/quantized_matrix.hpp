// A matrix in a block format: as an owner on the heap, as an owner of fixed size (also in read-only memory), and as a
// view of anybody's streams. The layout is in matrix/layout.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/block/codec.hpp>
#include <fewbits/matrix/layout.hpp>
#include <fewbits/matrix/streams.hpp>

FEWBITS_NAMESPACE_BEGIN

/// Borrowed streams of a quantised matrix, read-only.
template <blocked Format>
class quantized_view {
 public:
  using format = Format;
  using scale_type = typename Format::scale_type;
  using tensor_scale_type = typename Format::tensor_scale_type;

  /// Precondition: the streams are as long as the layout says. Foreign streams go through `over`.
  constexpr quantized_view(const quantized_layout<Format>& layout, const quantized_streams<Format>& streams) noexcept
      : layout_(layout), streams_(streams) {}

  /// Errors: errc::size_overflow; buffer_too_small: a stream is shorter than the shape says. Longer ones are fine.
  [[nodiscard]] static constexpr result<quantized_view> over(std::size_t rows, std::size_t columns,
                                                             const quantized_streams<Format>& streams) noexcept {
    const auto layout = quantized_layout<Format>::of(rows, columns);
    if (!layout)
      return layout.error();
    quantized_streams<Format> fitting = streams;
    if (streams.codes.size() < layout->code_bytes())
      return error{errc::buffer_too_small} << "the codes of " << rows << " x " << columns << " take "
                                           << layout->code_bytes() << " bytes, and there are " << streams.codes.size();
    fitting.codes = streams.codes.first(layout->code_bytes());
    if (streams.scales.size() < layout->blocks())
      return error{errc::buffer_too_small} << "a matrix of " << rows << " x " << columns << " has " << layout->blocks()
                                           << " blocks, and there are " << streams.scales.size() << " scales";
    fitting.scales = streams.scales.first(layout->blocks());
    if constexpr (detail::is_stored<typename Format::zero_type>) {
      if (streams.zeros.size() < layout->blocks())
        return error{errc::buffer_too_small} << "a matrix of " << rows << " x " << columns << " has "
                                             << layout->blocks() << " blocks, and there are " << streams.zeros.size()
                                             << " zero points or minimums";
      fitting.zeros = streams.zeros.first(layout->blocks());
    }
    if constexpr (Format::has_super_scale) {
      if (streams.supers.size() < layout->super_blocks())
        return error{errc::buffer_too_small} << "a matrix of " << rows << " x " << columns << " has "
                                             << layout->super_blocks() << " super-blocks, and there are "
                                             << streams.supers.size() << " super scales";
      fitting.supers = streams.supers.first(layout->super_blocks());
    }
    return quantized_view{*layout, fitting};
  }
  /// For formats of codes and scales alone.
  [[nodiscard]] static constexpr result<quantized_view> over(
      std::size_t rows, std::size_t columns, std::span<const std::byte> codes, const parameter_view<scale_type>& scales,
      const tensor_scale_type& tensor_scale = Format::unit_tensor_scale()) noexcept
      requires(!detail::is_stored<typename Format::zero_type> && !Format::has_super_scale) {
    return over(rows, columns,
                quantized_streams<Format>{.codes = codes, .scales = scales, .tensor_scale = tensor_scale});
  }

  [[nodiscard]] constexpr const quantized_layout<Format>& layout() const noexcept { return layout_; }
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return layout_.rows(); }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return layout_.columns(); }
  [[nodiscard]] constexpr double bits_per_weight() const noexcept { return layout_.bits_per_weight(); }
  [[nodiscard]] constexpr const quantized_streams<Format>& streams() const noexcept { return streams_; }
  [[nodiscard]] constexpr std::span<const std::byte> codes() const noexcept { return streams_.codes; }
  [[nodiscard]] constexpr const auto& scales() const noexcept { return streams_.scales; }
  [[nodiscard]] constexpr const auto& zeros() const noexcept { return streams_.zeros; }
  [[nodiscard]] constexpr const auto& supers() const noexcept { return streams_.supers; }
  [[nodiscard]] constexpr const tensor_scale_type& tensor_scale() const noexcept { return streams_.tensor_scale; }

  /// The codes of a row. Those past its end are filling.
  [[nodiscard]] constexpr packed_codes<Format> row_codes(std::size_t row) const noexcept {
    return {streams_.codes.data() + row * layout_.row_code_bytes(), layout_.padded_columns()};
  }
  /// Those of block `j` in a row.
  [[nodiscard]] constexpr packed_codes<Format> block_codes(std::size_t row, std::size_t j) const noexcept {
    const std::size_t first = layout_.first_column(j);
    return row_codes(row).subspan(first, Format::shape.columns == whole ? columns() : Format::shape.columns);
  }
  /// What belongs to block (i, j): i counts rows of blocks, j blocks along a row.
  [[nodiscard]] constexpr scale_type block_scale(std::size_t i, std::size_t j) const noexcept {
    return streams_.scales[i * layout_.block_columns() + j];
  }
  [[nodiscard]] constexpr block_parameters<Format> parameters_of(std::size_t i, std::size_t j) const noexcept {
    block_parameters<Format> parameters{.scale = block_scale(i, j)};
    if constexpr (detail::is_stored<typename Format::zero_type>)
      parameters.zero = streams_.zeros[i * layout_.block_columns() + j];
    return parameters;
  }
  [[nodiscard]] constexpr block_map map_of_block(std::size_t i, std::size_t j) const noexcept {
    if constexpr (Format::has_super_scale)
      return map_of<Format>(parameters_of(i, j), streams_.supers[i * layout_.super_columns() + j / Format::super_count],
                            streams_.tensor_scale);
    else
      return map_of<Format>(parameters_of(i, j), {}, streams_.tensor_scale);
  }

  /// Values of a row from a column on, each rounded once to float32; over any number of blocks.
  /// Precondition: column + out.size() <= columns().
  FEWBITS_OF_THIS_UNIT constexpr void decode(std::size_t row, std::size_t column, std::span<float> out) const noexcept {
    const packed_codes<Format> codes_of_row = row_codes(row);
    const std::size_t i = layout_.block_of_row(row);
    for (std::size_t done = 0; done != out.size();) {
      const std::size_t at = column + done;
      const std::size_t j = layout_.block_of_column(at);
      const std::size_t left = layout_.first_column(j) + layout_.columns_in_block(j) - at;
      const std::size_t count = left < out.size() - done ? left : out.size() - done;
      decode_elements<Format>(codes_of_row, at, map_of_block(i, j), out.subspan(done, count));
      done += count;
    }
  }

 private:
  quantized_layout<Format> layout_;
  quantized_streams<Format> streams_;
};

/// Owns a quantised matrix on the heap. Moves, and does not copy by accident.
template <blocked Format>
class quantized_matrix {
 public:
  using format = Format;
  using scale_type = typename Format::scale_type;
  using tensor_scale_type = typename Format::tensor_scale_type;

  /// All streams zero bits. Errors: errc::size_overflow, out_of_memory.
  [[nodiscard]] FEWBITS_OF_THIS_UNIT static result<quantized_matrix> create(std::size_t rows,
                                                                            std::size_t columns) noexcept {
    auto made = create_for_overwrite(rows, columns);
    if (made)
      std::fill_n(made->codes_.get(), made->layout_.code_bytes(), std::byte{});
    return made;
  }
  /// The same, but the codes are indeterminate: for those who write every byte of them.
  [[nodiscard]] FEWBITS_OF_THIS_UNIT static result<quantized_matrix> create_for_overwrite(
      std::size_t rows, std::size_t columns) noexcept {
    const auto layout = quantized_layout<Format>::of(rows, columns);
    if (!layout)
      return layout.error();
    quantized_matrix made;
    made.layout_ = *layout;
    made.codes_.reset(new (codes_alignment, std::nothrow) std::byte[layout->code_bytes()]);
    if (made.codes_ == nullptr || !made.scales_.allocate(layout->blocks()) || !made.zeros_.allocate(layout->blocks()) ||
        !made.supers_.allocate(layout->super_blocks()))
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

  [[nodiscard]] const quantized_layout<Format>& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t rows() const noexcept { return layout_.rows(); }
  [[nodiscard]] std::size_t columns() const noexcept { return layout_.columns(); }
  [[nodiscard]] std::span<const std::byte> codes() const noexcept { return {codes_.get(), layout_.code_bytes()}; }
  [[nodiscard]] auto scales() const noexcept { return scales_.view(); }
  [[nodiscard]] auto zeros() const noexcept { return zeros_.view(); }
  [[nodiscard]] auto supers() const noexcept { return supers_.view(); }
  [[nodiscard]] const tensor_scale_type& tensor_scale() const noexcept { return tensor_scale_; }
  [[nodiscard]] double bits_per_weight() const noexcept { return layout_.bits_per_weight(); }

  /// Valid until this object is moved from or destroyed.
  [[nodiscard]] quantized_view<Format> view() const noexcept {
    return {layout_, {codes(), scales(), zeros(), supers(), tensor_scale_}};
  }
  [[nodiscard]] quantized_streams_out<Format> streams() noexcept {
    return {{codes_.get(), layout_.code_bytes()}, scales_.view(), zeros_.view(), supers_.view(), tensor_scale_};
  }

 private:
  quantized_matrix() noexcept = default;
  void swap(quantized_matrix& other) noexcept {
    std::swap(layout_, other.layout_);
    std::swap(codes_, other.codes_);
    std::swap(scales_, other.scales_);
    std::swap(zeros_, other.zeros_);
    std::swap(supers_, other.supers_);
    std::swap(tensor_scale_, other.tensor_scale_);
  }

  /// Whole lines of memory, so that kernels can write past the caches.
  static constexpr std::align_val_t codes_alignment{64};
  struct free_codes {
    void operator()(std::byte* codes) const noexcept { ::operator delete[](codes, codes_alignment); }
  };

  quantized_layout<Format> layout_;
  std::unique_ptr<std::byte[], free_codes> codes_;
  detail::owned_parameters<scale_type> scales_;
  detail::owned_parameters<typename Format::zero_type> zeros_;
  detail::owned_parameters<typename Format::super_type> supers_;
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

  [[nodiscard]] static constexpr const quantized_layout<Format>& layout() noexcept { return shape; }
  [[nodiscard]] static constexpr std::size_t rows() noexcept { return Rows; }
  [[nodiscard]] static constexpr std::size_t columns() noexcept { return Columns; }
  [[nodiscard]] constexpr std::span<const std::byte> codes() const noexcept { return codes_; }
  [[nodiscard]] constexpr auto scales() const noexcept { return scales_.view(); }
  [[nodiscard]] constexpr auto zeros() const noexcept { return zeros_.view(); }
  [[nodiscard]] constexpr auto supers() const noexcept { return supers_.view(); }
  [[nodiscard]] constexpr const tensor_scale_type& tensor_scale() const noexcept { return tensor_scale_; }
  [[nodiscard]] static constexpr double bits_per_weight() noexcept { return shape.bits_per_weight(); }

  [[nodiscard]] constexpr quantized_view<Format> view() const noexcept {
    return {shape, {codes_, scales(), zeros(), supers(), tensor_scale_}};
  }
  [[nodiscard]] constexpr quantized_streams_out<Format> streams() noexcept {
    return {codes_, scales_.view(), zeros_.view(), supers_.view(), tensor_scale_};
  }

 private:
  std::array<std::byte, shape.code_bytes()> codes_{};
  detail::fixed_parameters<scale_type, shape.blocks()> scales_{};
  [[no_unique_address]] detail::fixed_parameters<typename Format::zero_type, shape.blocks()> zeros_{};
  [[no_unique_address]] detail::fixed_parameters<typename Format::super_type, shape.super_blocks()> supers_{};
  tensor_scale_type tensor_scale_ = Format::unit_tensor_scale();
};

FEWBITS_NAMESPACE_END
