// Products of quantised activations and quantised weights whose elements are small integers: what a block adds up is
// exact. Cut into parts as float32 products are.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/packed_weights.hpp>
#include <fewbits/gemm/product.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/simd/float_environment.hpp>
#include <fewbits/simd/integer_product.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {
FEWBITS_BASELINE_BEGIN

/// Packed weights with the activations that they will meet.
template <blocked Weights, blocked Activations>
struct integer_source {
  const packed_weights_view<Weights>& weights;
  const quantized_view<Activations>& activations;
};

/// Every code's integer.
template <blocked Format>
inline constexpr std::array<std::int8_t, 256> activation_integers = [] {
  using element = typename Format::element_type;
  std::array<std::int8_t, 256> integers{};
  for (std::size_t c = 0; c <= element::format.code_mask(); ++c)
    integers[c] = static_cast<std::int8_t>(simd::integer_of<element>(c, simd::integer_range_of<element>.steps));
  return integers;
}();

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
        std::int32_t all = 0;
        for (std::size_t i = 0; i != run_columns; ++i)
          all += integers[run + i];
        *start = -raised_by * all;
        *sum = all;
        start += rows;
        sum += rows;
      }
      std::int8_t lowest = 0;
      for (const std::int8_t integer : integers)
        lowest = integer < lowest ? integer : lowest;
      has_lowest = has_lowest || lowest == -128;
      for (std::size_t group = first; group < (std::min)(first + piece, groups * 32); group += 32, to += 32) {
        if (group != 0 && group % (simd::integer_slice_groups * 32) == 0)
          to += rows * simd::integer_row_bytes - simd::integer_slice_groups * 32;
        arrange(integers + (group - first), to);
      }
    }
    if (groups % 2 != 0)
      std::memset(to, 0, 32);  // tiles take 64 columns at a time
    if constexpr (meeting::has_row_units)
      row_units()[r] = static_cast<float>(from.block_scale(row, 0));
    if constexpr (has_run_units)
      for (std::size_t run = 0; run != runs; ++run) {
        float unit = 1.0f;
        if constexpr (!meeting::has_row_units) {
          const std::size_t first = run * run_columns;
          unit = first < columns ? static_cast<float>(from.block_scale(row, from.layout().block_of_column(first))) : 0.0f;
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
    constexpr std::size_t parts = 8 / static_cast<std::size_t>(Weights::element_bits);
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
    constexpr auto& integers = activation_integers<Activations>;
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
      constexpr int even = Activations::order == bit_order::low_first ? 0 : 4;
      const std::byte* const bytes = stored.bytes().data() + first / 2;
      for (std::size_t i = 0; i < count; i += 2) {
        const auto both = static_cast<std::uint8_t>(bytes[i / 2]);
        to[i] = integers[both >> even & 15];
        if (i + 1 != count)
          to[i + 1] = integers[both >> (4 - even) & 15];
      }
    } else {
      for (std::size_t i = 0; i != count; ++i)
        to[i] = integers[stored[first + i]];
    }
  }
};

/// The product. Precondition: shapes agree, and the meeting is possible.
template <class Format, blocked Activations, class Out, class Addend, executor Executor>
result<void> run_product(const integer_source<Format, Activations>& source,
                         const product_task<float, Out, Addend>& task, Executor& who) noexcept {
  using meeting = simd::integer_meeting<Format, Activations>;
  const simd::packed_layout<Format>& layout = source.weights.layout();
  const std::size_t rows = task.activations.count;
  if (rows == 0 || layout.rows() == 0)
    return {};
  const std::size_t block_rows = (std::min)(rows, rows_a_block);
  const product_cut cut =
      cut_product(layout.panels(), (block_rows + 23) / 24, static_cast<std::size_t>(who.concurrency()));
  const std::size_t each = cut.panels_each, row_parts = cut.row_parts, parts = cut.parts(), slots = cut.slots;

  const isa which = active_isa();
  const auto calls = simd::integer_calls_of<Format, meeting::runs_a_group, meeting::scaling, Out, Addend>(
      which, takes_dot_products(which));
  const auto plain =
      simd::integer_calls_of<Format, meeting::runs_a_group, meeting::scaling, Out, Addend>(isa::scalar, false);
  integer_rows<Format, Activations> packed{
      .columns = layout.columns(), .rows = block_rows, .raised_by = calls.kernel.raises_by};
  const std::size_t most_room = to_line((std::max)(calls.kernel.room_bytes, plain.kernel.room_bytes));
  const std::size_t result_bytes = to_line(each * block_rows * 16 * sizeof(float));
  const std::size_t shared_bytes = packed.code_bytes() + packed.scale_bytes();
  const std::size_t all_bytes = shared_bytes + slots * (result_bytes + most_room);
  product_room room;
  if (!room.allocate(all_bytes))
    return error{errc::out_of_memory} << "no memory for a product's scratch: " << all_bytes << " bytes";
  packed.codes = room.data();
  packed.scales = packed.codes + packed.code_bytes();
  std::byte* const slot_room = room.data() + shared_bytes;

  float factor =
      std::bit_cast<float>(static_cast<std::uint32_t>(127 - meeting::weights.steps - meeting::activations.steps) << 23);
  {
    const simd::default_float_environment environment;
    if constexpr (Format::has_tensor_scale)
      factor *= source.weights.streams().tensor_scale;
    if constexpr (Activations::has_tensor_scale)
      factor *= source.activations.tensor_scale();
  }

  for (std::size_t block_row = 0; block_row < rows; block_row += rows_a_block) {
    const std::size_t height = (std::min)(rows_a_block, rows - block_row);
    std::atomic<std::size_t> next_row{0};
    std::atomic<bool> has_lowest{false};
    who.parallel_for((std::min)(slots, height), [&](std::size_t) noexcept {
      for (std::size_t r = 0; (r = next_row.fetch_add(1, std::memory_order_relaxed)) < height;)
        if (packed.pack(source.activations, block_row + r, r))
          has_lowest.store(true, std::memory_order_relaxed);
    });
    // No quantiser of this library writes -128.
    const bool by_scalar = has_lowest.load(std::memory_order_relaxed) && !calls.kernel.takes_lowest;
    const simd::integer_kernel<Format>& kernel = by_scalar ? plain.kernel : calls.kernel;
    const simd::integer_activations activations = packed.view();
    std::atomic<std::size_t> next{0};
    who.parallel_for(slots, [&](std::size_t slot_number) noexcept {
      const simd::default_float_environment environment;
      std::byte* const own_room = slot_room + slot_number * (result_bytes + most_room);
      auto* const results = reinterpret_cast<float*>(own_room);
      for (std::size_t part = 0; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;) {
        const std::size_t first_panel = part / row_parts * each;
        const std::size_t last_panel = (std::min)(first_panel + each, layout.panels());
        const std::size_t first = part % row_parts * height / row_parts;
        const std::size_t last = (part % row_parts + 1) * height / row_parts;
        if (first == last)
          continue;
        kernel.multiply(layout, source.weights.streams(), first_panel, last_panel, meeting::groups_a_run, activations,
                        first, last - first, results, own_room + result_bytes);
        calls.finish_rows({.results = results,
                           .result_stride = (last - first) * 16,
                           .rows = last - first,
                           .first_row = block_row + first,
                           .first_column = first_panel * 16,
                           .columns = (std::min)(last_panel * 16, layout.rows()) - first_panel * 16,
                           .scales = factor != 1.0f,
                           .tensor_scale = factor,
                           .bias = task.bias,
                           .addend_factor = task.addend_factor,
                           .activation = task.activation},
                          task.out, task.addend);
      }
    });
  }
  return {};
}

FEWBITS_BASELINE_END
}  // namespace detail
FEWBITS_NAMESPACE_END
