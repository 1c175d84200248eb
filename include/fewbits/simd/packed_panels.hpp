// The layout of prepacked weights, one for all machines. Sixteen rows of weights are a panel, and a lane is a row.
//   codes     panel after panel; a panel is group after group of 32 columns; a group is `bits` words after each other,
//             word w of all sixteen rows being 64 bytes. A row's codes in a group are one string of bits, low first,
//             cut into 32-bit words.
//   scales    panel after panel, block column after block column: sixteen scales, one a row
//   zeros     the same for zero points, minimums or shapes, where the format has them
//   supers    the same for super scales, one for Format::super_count block columns; super minimums likewise
//   specials  16 bits a panel: bit r says that row r has an element that is Inf or NaN. Kernels decode finite elements;
//             these rows are computed one by one.
// All words are little-endian. Blocks whose columns neither divide 32 nor are a multiple of it begin a group each.
// Rows past the end repeat code 0 under scale 0; columns past the end are never added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/matrix/layout.hpp>
#include <fewbits/number/native.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/simd/element_data.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

inline constexpr std::size_t panel_rows = 16;
inline constexpr std::size_t group_columns = 32;

namespace packing {

/// Is it a power of two that lanes read by a shift?
template <class T>
constexpr bool is_power_scale() noexcept {
  if constexpr (is_minifloat<T>)
    return T::format == ue8m0::format;
  else
    return false;
}
template <class T>
constexpr bool is_lane_parameter() noexcept {
  if constexpr (few_bit_number<T>)
    return is_power_scale<T>() || widening_of<T>() != widening::one_by_one;
  else
    return false;
}
template <class T>
struct parameter_number {
  using type = float;
};
template <class T>
requires(is_lane_parameter<T>()) struct parameter_number<T> {
  using type = T;
};
template <>
struct parameter_number<no_zero_point> {
  using type = no_zero_point;
};
template <>
struct parameter_number<no_super_scale> {
  using type = no_super_scale;
};

template <class Super>
struct super_numbers {
  using scale = no_super_scale;
  using minimum = no_super_scale;
};
template <class Scale, class Minimum>
struct super_numbers<super_scale<Scale, Minimum>> {
  using scale = typename parameter_number<Scale>::type;
  using minimum = typename parameter_number<Minimum>::type;
};

/// Bytes of one packed parameter.
template <class T>
constexpr std::size_t parameter_bytes() noexcept {
  return fewbits::detail::is_stored<T> ? sizeof(T) : 0;
}

template <class Element>
constexpr bool has_special_codes() noexcept {
  if constexpr (is_minifloat<Element>)
    return Element::format.has_nan() || Element::format.has_inf();
  else
    return false;
}

}  // namespace packing

/// What a packed matrix is made of; parameters that lanes cannot read are stored as float32.
template <blocked Format>
struct packed_types {
  using scale = typename packing::parameter_number<typename Format::scale_type>::type;
  using zero = typename packing::parameter_number<typename Format::zero_type>::type;
  using super = typename packing::super_numbers<typename Format::super_type>::scale;
  using super_minimum = typename packing::super_numbers<typename Format::super_type>::minimum;
};

/// The borrowed streams of packed weights, and the number that multiplies or is added for the whole tensor.
struct packed_streams {
  const std::byte* codes = nullptr;
  const std::byte* scales = nullptr;
  const std::byte* zeros = nullptr;
  const std::byte* supers = nullptr;
  const std::byte* super_minimums = nullptr;
  const std::byte* specials = nullptr;
  float tensor_scale = 1.0f;  ///< or the tensor offset
};

/// Sizes and places. Precondition of all members: quantized_layout<Format>::of accepts the shape and
/// packed_layout::of the packed one.
template <blocked Format>
class packed_layout {
  static constexpr std::size_t block_columns_each = Format::shape.columns;
  static constexpr bool is_whole = block_columns_each == whole;

 public:
  static constexpr std::size_t bits = static_cast<std::size_t>(Format::element_bits);
  static constexpr std::size_t group_bytes = bits * 4 * panel_rows;
  /// Several blocks to a group?
  static constexpr bool blocks_divide_groups = !is_whole && block_columns_each < 32 && 32 % block_columns_each == 0;
  static constexpr std::size_t blocks_a_group = blocks_divide_groups ? 32 / block_columns_each : 1;
  /// Groups that a block begins; without meaning where blocks divide groups or are as long as the matrix.
  static constexpr std::size_t groups_a_block = is_whole || blocks_divide_groups ? 1 : (block_columns_each + 31) / 32;
  /// Do groups follow each other without a gap, so that group g begins with column 32 g?
  static constexpr bool is_dense = is_whole || blocks_divide_groups || block_columns_each % 32 == 0;
  /// Columns of a run, but for the last of a block or of the matrix: what is added up before a scale is applied.
  static constexpr std::size_t run_columns = is_whole || block_columns_each > 32 ? 32 : block_columns_each;
  static constexpr bool has_specials = packing::has_special_codes<typename Format::element_type>();

  constexpr packed_layout() noexcept = default;
  constexpr packed_layout(std::size_t rows, std::size_t columns) noexcept : rows_(rows), columns_(columns) {}

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] constexpr std::size_t panels() const noexcept { return rows_ / panel_rows + (rows_ % panel_rows != 0); }
  [[nodiscard]] constexpr std::size_t block_columns() const noexcept {
    if (columns_ == 0)
      return 0;
    return is_whole ? 1 : (columns_ - 1) / block_columns_each + 1;
  }
  [[nodiscard]] constexpr std::size_t super_columns() const noexcept {
    return Format::has_super_scale && columns_ != 0 ? (block_columns() - 1) / Format::super_count + 1 : 0;
  }
  [[nodiscard]] constexpr std::size_t groups() const noexcept {
    if constexpr (is_dense)
      return columns_ / 32 + (columns_ % 32 != 0);
    else
      return first_group(block_columns());
  }
  /// The group with which block column `j` begins, where it begins one; groups() for the column past the last.
  [[nodiscard]] constexpr std::size_t first_group(std::size_t j) const noexcept {
    if (j != block_columns())
      return j * groups_a_block;
    const std::size_t last = columns_ - (j - 1) * block_columns_each;
    return j == 0 ? 0 : (j - 1) * groups_a_block + (last + 31) / 32;
  }
  /// The first column of a group, and how many it has.
  [[nodiscard]] constexpr std::size_t first_column(std::size_t group) const noexcept {
    if constexpr (is_dense)
      return group * 32;
    else
      return group / groups_a_block * block_columns_each + group % groups_a_block * 32;
  }
  [[nodiscard]] constexpr std::size_t columns_in_group(std::size_t group) const noexcept {
    const std::size_t first = first_column(group);
    std::size_t left = columns_ - first;
    if constexpr (!is_dense) {
      const std::size_t of_block = block_columns_each - group % groups_a_block * 32;
      left = of_block < left ? of_block : left;
    }
    return left < 32 ? left : 32;
  }
  /// The block column of run `run` of a group.
  [[nodiscard]] static constexpr std::size_t block_of(std::size_t group, std::size_t run) noexcept {
    if constexpr (is_whole)
      return 0;
    else if constexpr (blocks_divide_groups)
      return group * blocks_a_group + run;
    else
      return group / groups_a_block;
  }

  /// Runs of the groups before `group`; of the whole matrix for groups().
  [[nodiscard]] constexpr std::size_t runs_before(std::size_t group) const noexcept {
    if (group == 0)
      return 0;
    const std::size_t last = columns_in_group(group - 1);
    return (group - 1) * blocks_a_group + (last + run_columns - 1) / run_columns;
  }
  [[nodiscard]] constexpr std::size_t code_bytes_a_panel() const noexcept { return groups() * group_bytes; }
  template <class T>
  [[nodiscard]] constexpr std::size_t parameters_a_panel() const noexcept {
    return block_columns() * panel_rows * packing::parameter_bytes<T>();
  }
  template <class T>
  [[nodiscard]] constexpr std::size_t supers_a_panel() const noexcept {
    return super_columns() * panel_rows * packing::parameter_bytes<T>();
  }

 private:
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace simd
FEWBITS_NAMESPACE_END
