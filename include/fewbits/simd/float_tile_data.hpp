// What products of float activations on tiles of bfloat16 must know of a format, and what their kernels are given. How
// they add up and how exactly: docs/gemm/gemm.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/block/block_format.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/simd/element_data.hpp>
#include <fewbits/simd/packed_panels.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// Tiles never see a denormal number, which they take for zero, and never come near Inf: activations and weights beyond
/// these limits are AVX-512's. Sums of 512 columns stay below 2^121.
inline constexpr int least_tile_exponent = -126;      ///< of both: what is not zero is at least 2 to this power
inline constexpr int activation_exponent_limit = 64;  ///< activations are below 2 to this power
inline constexpr int weight_exponent_limit = 48;      ///< and weights below 2 to that

/// How a format's weights meet tiles.
enum class float_tile_way {
  none,    ///< not at all
  by_run,  ///< the elements; lanes multiply sums by the scale
  folded   ///< element x scale, which is a bfloat16, too
};

/// What an element's values (less any zero point) ask of bfloat16. Inf and NaN do not count: panels that have any are
/// marked.
struct bfloat16_range {
  bool is_exact = true;      ///< are all bfloat16, normal or zero?
  int digits = 0;            ///< significant bits
  int lowest = 0;            ///< exponents of the least that is not zero
  int highest = 0;           ///< and of the greatest
  bool has_numbers = false;  ///< is any not zero?

  constexpr void add(std::uint32_t bits) noexcept {
    const std::uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude == 0 || magnitude >= 0x7f800000)
      return;
    const int exponent = static_cast<int>(magnitude >> 23) - 127;
    const std::uint32_t significand = 0x00800000 | (magnitude & 0x007fffff);
    digits = digits > 24 - std::countr_zero(significand) ? digits : 24 - std::countr_zero(significand);
    lowest = has_numbers && lowest < exponent ? lowest : exponent;
    highest = has_numbers && highest > exponent ? highest : exponent;
    has_numbers = true;
    is_exact = digits <= 8 && lowest >= least_tile_exponent && highest < weight_exponent_limit;
  }
};
template <blocked Format>
inline constexpr bfloat16_range bfloat16_range_of = [] {
  using element = typename Format::element_type;
  bfloat16_range range{};
  if constexpr (element::format.bits() > 8) {
    range.is_exact = false;
  } else if constexpr (Format::has_zero_point) {
    // An integer of up to eight bits less another of its sign: at most 255.
    range = {.digits = 8, .lowest = 0, .highest = 7, .has_numbers = true};
    range.is_exact =
        fewbits::detail::is_integer<element>() && fewbits::detail::is_integer<typename Format::zero_type>();
  } else {
    for (std::uint64_t code = 0; code <= element::format.code_mask(); ++code)
      range.add(float_bits_of<element>(code));
  }
  return range;
}();

/// Is element x scale a bfloat16 by its types, whatever the codes, but for its range?
template <blocked Format>
constexpr bool folds_scales() noexcept {
  using scale = typename packed_types<Format>::scale;
  if constexpr (Format::has_minimum || Format::has_super_scale || std::is_same_v<scale, float>) {
    return false;
  } else {
    constexpr int digits = fewbits::detail::significant_digits<scale>();
    return bfloat16_range_of<Format>.digits + (digits == 1 ? 0 : digits) <= 8;
  }
}
template <blocked Format>
constexpr float_tile_way float_tile_way_of() noexcept {
  using packed = packed_layout<Format>;
  // Columns are decoded in pairs, which share a scale.
  if (!packed::is_dense || packed::blocks_a_group > 16 || !bfloat16_range_of<Format>.is_exact)
    return float_tile_way::none;
  if (folds_scales<Format>())
    return float_tile_way::folded;
  return packed::blocks_a_group == 1 ? float_tile_way::by_run : float_tile_way::none;
}

/// Bfloat16 that a float of this type is the sum of, each of its sign and eight bits further down than the one before.
template <class Source>
inline constexpr std::size_t tile_parts = std::is_same_v<Source, float>  ? 3
                                          : std::is_same_v<Source, fp16> ? 2
                                                                         : 1;
/// Groups of columns that tiles add up before float32 lanes take over, and whose weights are decoded at a time: at most
/// 32 products, so that their roundings are no more than those of the other instruction sets.
constexpr std::size_t tile_slice_groups(std::size_t parts) noexcept { return parts == 3 ? 8 : 16; }
/// Groups to a run, which ends where a scale does.
template <blocked Format>
constexpr std::size_t tile_run_groups(std::size_t parts) noexcept {
  const std::size_t most = tile_slice_groups(parts);
  if (float_tile_way_of<Format>() == float_tile_way::folded || Format::shape.columns == whole)
    return most;
  constexpr std::size_t groups = packed_layout<Format>::groups_a_block;
  constexpr std::size_t power = groups & (~groups + 1);
  return power < most ? power : most;
}

/// Rows of float activations for tiles: sixteen rows are a tile, and rows past the last are zeros.
struct float_tile_activations {
  const std::byte* tiles = nullptr;  ///< [tile][group][part][16 rows][32 columns] of bfloat16
  std::size_t groups = 0;
  std::size_t parts = 0;
  const float* sums = nullptr;  ///< of runs, [row][run]; where weights have minimums
  std::size_t runs = 0;
};
inline constexpr std::size_t float_tile_bytes = 1024;

/// What a product calls where tiles take a format's weights; what each does is said in simd/amx_float_core.inl.
template <blocked Format>
struct float_tile_kernel {
  /// Null where there is none.
  std::uint32_t (*multiply)(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                            std::size_t last_panel, const float_tile_activations& activations, std::size_t first_row,
                            std::size_t rows, float* results, std::byte* room) noexcept = nullptr;
  bool (*split_row)(const float* row, std::size_t groups, std::byte* to) noexcept = nullptr;
  bool (*copy_row)(const void* row, std::size_t groups, std::byte* to) noexcept = nullptr;  ///< of bfloat16 alone
  std::size_t room_bytes = 0;
};

}  // namespace simd
FEWBITS_NAMESPACE_END
