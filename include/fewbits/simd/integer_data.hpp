// Elements as small integers: e2m1 doubled, int4, mxint8, ternary. Products of two such blocks are exact sums of
// integers.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/number/convert.hpp>
#include <fewbits/simd/packed_panels.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// The value of every code is an integer times 2^-steps, from lowest to highest.
struct integer_range {
  bool fits_a_byte = false;
  int steps = 0;
  int lowest = 0;
  int highest = 0;
};

/// The integer that a code stands for, in units of 2^-steps. Precondition: it is one.
template <few_bit_number Element>
constexpr int integer_of(std::uint64_t code, int steps) noexcept {
  const unpacked_number value = unpack_code<Element::format>(code);
  if (value.kind == number_class::zero)
    return 0;
  const auto magnitude = static_cast<int>(value.significand >> (63 - value.exponent - steps));
  return value.negative ? -magnitude : magnitude;
}

template <few_bit_number Element>
inline constexpr integer_range integer_range_of = [] {
  constexpr auto f = Element::format;
  integer_range range{};
  if (f.bits() > 8)
    return range;
  for (std::uint64_t code = 0; code <= f.code_mask(); ++code) {
    const unpacked_number value = unpack_code<f>(code);
    if (value.kind == number_class::zero)
      continue;
    if (value.kind != number_class::finite || value.exponent > 7)
      return range;
    const int lowest_digit = value.exponent - 63 + std::countr_zero(value.significand);
    range.steps = -lowest_digit > range.steps ? -lowest_digit : range.steps;
    if (range.steps > 12)
      return range;
  }
  for (std::uint64_t code = 0; code <= f.code_mask(); ++code) {
    const int integer = integer_of<Element>(code, range.steps);
    range.lowest = integer < range.lowest ? integer : range.lowest;
    range.highest = integer > range.highest ? integer : range.highest;
  }
  range.fits_a_byte = range.lowest >= -128 && range.highest <= 127;
  return range;
}();

/// The integers of codes plus an offset, as bytes; of codes with fewer bits repeated.
template <few_bit_number Element, std::size_t Size>
constexpr std::array<std::uint8_t, Size> integer_table(int offset) noexcept {
  std::array<std::uint8_t, Size> bytes{};
  for (std::size_t c = 0; c < bytes.size(); ++c)
    bytes[c] = static_cast<std::uint8_t>(
        integer_of<Element>(c & Element::format.code_mask(), integer_range_of<Element>.steps) + offset);
  return bytes;
}

/// Groups of a panel that are decoded at a time, 512 bytes each: a multiple of every run.
inline constexpr std::size_t integer_slice_groups = 8;
/// From one row of activations to the next in a slice: known when kernels are compiled, so that a tile of rows needs one
/// pointer. An odd number of lines, so that sixteen rows lie in different sets of a cache.
inline constexpr std::size_t integer_row_bytes = integer_slice_groups * 32 + 64;

/// Rows of integer activations as kernels read them: what a tile of rows needs at once lies side by side.
struct integer_activations {
  const std::byte* codes = nullptr;      ///< [slice][row][group][32 bytes], in the order of integer_column
  std::size_t rows = 0;                  ///< a row's last groups are followed by zeros to a multiple of 64 columns
  const std::int32_t* starts = nullptr;  ///< [run][row]: what a sum begins with, where kernels raise weights
  const std::int32_t* sums = nullptr;    ///< [run][row]: of the run's integers
  const float* units = nullptr;          ///< [run][row]: what a run is scaled by, but for run_scaling::by_weights
  const float* row_units = nullptr;      ///< [row]: where a row has one scale

  /// The first code of a group, a multiple of a slice's.
  [[nodiscard]] constexpr const std::byte* slice_at(std::size_t group, std::size_t row) const noexcept {
    return codes + (group / integer_slice_groups * rows + row) * integer_row_bytes;
  }
};

/// What a run's sum meets before it is added to a result.
enum class run_scaling {
  by_weights,  ///< their scale; activations have one scale a row, which comes last
  by_both,     ///< the product of both scales
  affine,      ///< and zero points or minimums; activations with one scale a row have units of 1
};

/// What runs of a panel are scaled by, [run][16] each; null where a format has none.
struct integer_run_lists {
  float* units = nullptr;
  std::int32_t* zeros = nullptr;
  float* offsets = nullptr;
};

/// Some rows of activations against some runs of one or two panels whose integers are decoded. A lone panel of two
/// stands twice.
struct integer_tile_job {
  const std::byte* integers[2];  ///< of each panel, [word][16][4 columns]
  integer_run_lists lists[2];
  float* results[2];        ///< [row][16], read and written
  std::size_t words;        ///< of all runs
  std::size_t words_a_run;  ///< the last may have fewer
  std::size_t runs;
  integer_activations activations;  ///< of the first run and row; codes of the slice
};

/// The columns that one dot product takes are so many apart in weights of `bits` bits: those of one shift of a word.
/// Codes of 6 bits, which cross words, are brought to the order of their columns.
constexpr std::size_t integer_parts(std::size_t bits) noexcept { return bits == 6 ? 1 : 8 / bits; }
/// Byte `at` of a group's 32 holds this column.
constexpr std::size_t integer_column(std::size_t at, std::size_t bits) noexcept {
  const std::size_t parts = integer_parts(bits), part = at / 4 % parts, word = at / 4 / parts;
  return word * (4 * parts) + part + at % 4 * parts;
}

/// The kernel of an instruction set; what it does is said in simd/integer_core.inl.
template <blocked Format>
struct integer_kernel {
  void (*multiply)(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                   std::size_t last_panel, std::size_t groups_a_run, const integer_activations& a,
                   std::size_t first_row, std::size_t rows, float* results, std::byte* room) noexcept;
  std::size_t room_bytes;
  bool takes_lowest = true;  ///< whether activations may be -128
  int raises_by = 0;         ///< what is added to every integer of weights
};

/// How two formats meet: runs of columns that share a scale on both sides.
template <blocked Weights, blocked Activations>
struct integer_meeting {
  using weights_layout = packed_layout<Weights>;
  static constexpr integer_range weights = integer_range_of<typename Weights::element_type>;
  static constexpr integer_range activations = integer_range_of<typename Activations::element_type>;

  static constexpr std::size_t shorter(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }
  static constexpr std::size_t greatest_divisor(std::size_t a, std::size_t b) noexcept {
    return b == 0 ? a : greatest_divisor(b, a % b);
  }
  /// A scale for all columns counts as a block of 256: sums stay far from 2^31, and runs are many enough.
  static constexpr std::size_t longest_run = 256;
  static constexpr std::size_t columns_of(std::size_t block) noexcept {
    return block == whole ? longest_run : greatest_divisor(block, longest_run);
  }
  static constexpr std::size_t run_columns =
      shorter(columns_of(Weights::shape.columns), columns_of(Activations::shape.columns));
  static constexpr std::size_t runs_a_group = run_columns < group_columns ? group_columns / run_columns : 1;
  static constexpr std::size_t groups_a_run = run_columns < group_columns ? 1 : run_columns / group_columns;
  static constexpr bool has_row_units = Activations::shape.columns == whole;

  static constexpr run_scaling scaling = Weights::has_zero_point || Weights::has_minimum ? run_scaling::affine
                                         : has_row_units                                 ? run_scaling::by_weights
                                                                                         : run_scaling::by_both;

  /// Codes of 1, 2, 4, 6 and 8 bits come four to a dot product; every run is made of whole words, of 6 bits three.
  static constexpr bool is_possible = [] {
    constexpr int bits = Weights::element_bits;
    if (!weights.fits_a_byte || !activations.fits_a_byte || (bits != 1 && bits != 2 && bits != 4 && bits != 6 && bits != 8))
      return false;
    if (bits == 8 && !is_fixed_point<typename Weights::element_type>)
      return false;
    if (Weights::has_shapes || (Weights::has_minimum && (Weights::has_tensor_scale || weights.steps != 0)) ||
        !weights_layout::is_dense || (Weights::has_zero_point && !is_fixed_point<typename packed_types<Weights>::zero>))
      return false;
    if (Activations::shape.rows != 1 || Activations::has_zero_point || Activations::has_minimum ||
        Activations::has_shapes || Activations::has_super_scale)
      return false;
    return run_columns >= 8 && run_columns % (bits == 6 ? 16 : 32 / static_cast<std::size_t>(bits)) == 0;
  }();
};

}  // namespace simd
FEWBITS_NAMESPACE_END
