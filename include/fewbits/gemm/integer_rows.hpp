// Rows of quantised activations as integers in the order that kernels read: what a product does once, before its parts.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fewbits/base/config.hpp>
#include <fewbits/gemm/packed_weights.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/simd/integer_data.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {
FEWBITS_BASELINE_BEGIN

/// Every code's integer.
template <blocked Format>
inline constexpr std::array<std::int8_t, 256> activation_integers = [] {
  using element = typename Format::element_type;
  std::array<std::int8_t, 256> integers{};
  for (std::size_t c = 0; c <= element::format.code_mask(); ++c)
    integers[c] = static_cast<std::int8_t>(simd::integer_of<element>(c, simd::integer_range_of<element>.steps));
  return integers;
}();

/// The same of two codes of 4 bits, the low one first.
template <blocked Format>
inline constexpr std::array<std::array<std::int8_t, 2>, 256> activation_pairs = [] {
  std::array<std::array<std::int8_t, 2>, 256> pairs{};
  for (std::size_t c = 0; c != 256; ++c)
    pairs[c] = {activation_integers<Format>[c & 15], activation_integers<Format>[c >> 4]};
  return pairs;
}();
/// A scale's number; of a byte by table, because the conversion of one takes longer than a run's sum.
template <class Scale>
float scale_number(const Scale& scale) noexcept {
  if constexpr (few_bit_number<Scale> && sizeof(Scale) == 1) {
    static constexpr std::array<float, 256> numbers = [] {
      std::array<float, 256> all{};
      for (std::size_t c = 0; c <= Scale::format.code_mask(); ++c)
        all[c] = static_cast<float>(Scale::from_bits(static_cast<std::uint8_t>(c)));
      return all;
    }();
    return numbers[scale.bits()];
  } else {
    return static_cast<float>(scale);
  }
}

/// Sums of bytes, eight at a time.
class byte_sums {
 public:
  /// Of 256 at most, as signed integers. `count` is a multiple of 8.
  static std::int32_t of(const std::int8_t* bytes, std::size_t count) noexcept {
    std::uint64_t fours = 0;  // four sums of 16 bits, of bytes raised by 128
    for (std::size_t i = 0; i != count; i += 8) {
      const std::uint64_t raised = eight(bytes + i) ^ 0x8080'8080'8080'8080u;
      fours += (raised & 0x00ff'00ff'00ff'00ffu) + (raised >> 8 & 0x00ff'00ff'00ff'00ffu);
    }
    return static_cast<std::int32_t>(fours * 0x0001'0001'0001'0001u >> 48) - 128 * static_cast<std::int32_t>(count);
  }
  /// Is one of them -128?
  static bool has_lowest(const std::int8_t* bytes, std::size_t count) noexcept {
    std::uint64_t zeros = 0;
    for (std::size_t i = 0; i != count; i += 8) {
      const std::uint64_t raised = eight(bytes + i) ^ 0x8080'8080'8080'8080u;
      zeros |= (raised - 0x0101'0101'0101'0101u) & ~raised & 0x8080'8080'8080'8080u;  // a borrow where a byte is 0
    }
    return zeros != 0;
  }

 private:
  static std::uint64_t eight(const std::int8_t* bytes) noexcept {
    std::uint64_t word;
    std::memcpy(&word, bytes, 8);
    return word;
  }
};

/// Activations in the kernels' order, in borrowed memory.
template <blocked Weights, blocked Activations>
struct integer_rows {
  using meeting = simd::integer_meeting<Weights, Activations>;
  static constexpr bool has_run_units = meeting::scaling != simd::run_scaling::by_weights;

  std::size_t columns = 0;
  std::size_t rows = 0;
  int raised_by = 0;  ///< what the kernel adds to every integer of weights
  std::size_t groups = (columns + 31) / 32;
  std::size_t slices = (groups + simd::integer_slice_groups - 1) / simd::integer_slice_groups;
  std::size_t runs = (groups + meeting::groups_a_run - 1) / meeting::groups_a_run * meeting::runs_a_group;
  std::byte* codes = nullptr;   ///< as simd::integer_activations has them
  std::byte* scales = nullptr;  ///< [run][row]: starts, sums, units; then units of rows

  [[nodiscard]] std::size_t code_bytes() const noexcept { return slices * rows * simd::integer_row_bytes; }
  [[nodiscard]] std::size_t scale_bytes() const noexcept {
    return to_line((runs * (has_run_units ? 3 : 2) + (meeting::has_row_units ? 1 : 0)) * rows * 4);
  }
  [[nodiscard]] simd::integer_activations view() const noexcept {
    return {.codes = codes,
            .rows = rows,
            .starts = starts(),
            .sums = sums(),
            .units = has_run_units ? units() : nullptr,
            .row_units = meeting::has_row_units ? row_units() : nullptr};
  }

  /// Row `row` as row `r`. Returns whether a code stands for -128.
  bool pack(const quantized_view<Activations>& from, std::size_t row, std::size_t r) const noexcept {
    constexpr std::size_t run_columns = meeting::run_columns;
    constexpr std::size_t piece = (std::max)(run_columns, std::size_t{32});
    bool has_lowest = false;
    std::byte* to = codes + r * simd::integer_row_bytes;
    std::int32_t* start = starts() + r;
    std::int32_t* sum = sums() + r;
    for (std::size_t first = 0; first < groups * 32; first += piece) {
      std::int8_t integers[piece] = {};
      decode(from, row, first, integers, (std::min)(piece, columns - first));
      for (std::size_t run = 0; run != piece; run += run_columns) {
        const std::int32_t all = byte_sums::of(integers + run, run_columns);
        *start = -raised_by * all;
        *sum = all;
        start += rows;
        sum += rows;
      }
      has_lowest |= byte_sums::has_lowest(integers, piece);
      for (std::size_t group = first; group < (std::min)(first + piece, groups * 32); group += 32, to += 32) {
        if (group != 0 && group % (simd::integer_slice_groups * 32) == 0)
          to += rows * simd::integer_row_bytes - simd::integer_slice_groups * 32;
        arrange(integers + (group - first), to);
      }
    }
    if (groups % 2 != 0)
      std::memset(to, 0, 32);  // tiles take 64 columns at a time
    if constexpr (meeting::has_row_units)
      row_units()[r] = scale_number(from.block_scale(row, 0));
    if constexpr (has_run_units)
      for (std::size_t run = 0; run != runs; ++run) {
        float unit = 1.0f;
        if constexpr (!meeting::has_row_units) {
          const std::size_t first = run * run_columns;
          unit = first < columns ? scale_number(from.block_scale(row, from.layout().block_of_column(first))) : 0.0f;
        }
        units()[run * rows + r] = unit;
      }
    return has_lowest;
  }

 private:
  [[nodiscard]] std::int32_t* starts() const noexcept { return reinterpret_cast<std::int32_t*>(scales); }
  [[nodiscard]] std::int32_t* sums() const noexcept { return starts() + runs * rows; }
  [[nodiscard]] float* units() const noexcept { return reinterpret_cast<float*>(sums() + runs * rows); }
  [[nodiscard]] float* row_units() const noexcept { return units() + (has_run_units ? runs * rows : 0); }

  /// 32 columns in the order of simd::integer_column.
  static void arrange(const std::int8_t* columns_in_order, std::byte* to) noexcept {
    constexpr std::size_t parts = simd::integer_parts(static_cast<std::size_t>(Weights::element_bits));
    if constexpr (parts == 1) {
      std::memcpy(to, columns_in_order, 32);
    } else if constexpr (parts == 2 && std::endian::native == std::endian::little) {
      // Of eight bytes those with even numbers, then the odd ones.
      const auto every_second = [](std::uint64_t bytes) noexcept {
        bytes &= 0x00ff'00ff'00ff'00ffu;
        bytes = (bytes | bytes >> 8) & 0x0000'ffff'0000'ffffu;
        return (bytes | bytes >> 16) & 0xffff'ffffu;
      };
      for (std::size_t at = 0; at != 32; at += 8) {
        std::uint64_t eight;
        std::memcpy(&eight, columns_in_order + at, 8);
        eight = every_second(eight) | every_second(eight >> 8) << 32;
        std::memcpy(to + at, &eight, 8);
      }
    } else {
      static_assert(simd::integer_column(4 * parts + 4 + 2, 8 / parts) == 4 * parts + 2 * parts + 1);
      for (std::size_t at = 0; at != 32; at += 4 * parts)
        for (std::size_t part = 0; part != parts; ++part)
          for (std::size_t i = 0; i != 4; ++i)
            to[at + part * 4 + i] = static_cast<std::byte>(columns_in_order[at + i * parts + part]);
    }
  }

  /// `first` is a multiple of 32.
  static void decode(const quantized_view<Activations>& from, std::size_t row, std::size_t first, std::int8_t* to,
                     std::size_t count) noexcept {
    [[maybe_unused]] constexpr auto& integers = activation_integers<Activations>;
    const packed_codes<Activations> stored = from.row_codes(row);
    if constexpr (Activations::element_bits == 8) {
      constexpr bool are_codes = [] {
        for (std::size_t c = 0; c != integers.size(); ++c)
          if (integers[c] != static_cast<std::int8_t>(c))
            return false;
        return true;
      }();
      const std::byte* const bytes = stored.bytes().data() + first;
      if constexpr (are_codes)
        std::memcpy(to, bytes, count);
      else
        for (std::size_t i = 0; i != count; ++i)
          to[i] = integers[static_cast<std::uint8_t>(bytes[i])];
    } else if constexpr (Activations::element_bits == 4) {
      constexpr auto& pairs = activation_pairs<Activations>;
      const std::byte* const bytes = stored.bytes().data() + first / 2;
      for (std::size_t i = 0; i < count; i += 2) {
        const auto both = static_cast<std::uint8_t>(bytes[i / 2]);
        std::array<std::int8_t, 2> two = pairs[both];
        if constexpr (Activations::order != bit_order::low_first)
          std::swap(two[0], two[1]);
        if (i + 1 != count)
          std::memcpy(to + i, two.data(), 2);
        else
          to[i] = two[0];
      }
    } else {
      std::size_t i = 0;
      if constexpr (Activations::element_bits == 6 && Activations::order == bit_order::low_first) {
        const std::byte* bytes = stored.bytes().data() + first / 4 * 3;
        for (; i + 4 <= count; i += 4, bytes += 3) {
          const unsigned four = static_cast<unsigned>(bytes[0]) | static_cast<unsigned>(bytes[1]) << 8 |
                                static_cast<unsigned>(bytes[2]) << 16;
          for (std::size_t at = 0; at != 4; ++at)
            to[i + at] = integers[four >> (6 * at) & 63];
        }
      }
      for (; i != count; ++i)
        to[i] = integers[stored[first + i]];
    }
  }
};

FEWBITS_BASELINE_END
}  // namespace detail
FEWBITS_NAMESPACE_END
