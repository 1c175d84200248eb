// Products of float activations on tiles of bfloat16, cut into parts as others are. Rows and panels that tiles do not
// take are done again by the lanes' kernels: their outputs have the bits that `reproducible` promises.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/product.hpp>
#include <fewbits/number/types.hpp>
#include <fewbits/simd/float_environment.hpp>
#include <fewbits/simd/product.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {
FEWBITS_BASELINE_BEGIN

/// With fewer rows, tiles would be empty for the most part.
inline constexpr std::size_t least_float_tile_rows = 16;
/// Rows that lanes do again at a time: AVX-512's tile of registers.
inline constexpr std::size_t redone_rows = 14;

/// Where a call's scratch lies, in bytes.
template <class Plan, class Format, class Source>
struct tile_rooms {
  static constexpr std::size_t parts = simd::tile_parts<Source>;
  std::size_t tile_bytes, sum_bytes, mark_bytes;                           // of a block of rows
  std::size_t result_bytes, kernel_bytes, weight_bytes, redone_row_bytes,  // of a part
      redone_sum_bytes, redone_result_bytes, redone_kernel_bytes;

  tile_rooms(const Plan& plan, std::size_t kernel_room, std::size_t block_rows) noexcept {
    const auto& layout = plan.layout;
    const std::size_t slice = plan.calls.kernels.slice_groups;
    const std::size_t run_groups = simd::tile_run_groups<Format>(parts);
    tile_bytes = (block_rows + 15) / 16 * layout.groups() * parts * simd::float_tile_bytes;
    sum_bytes = Format::has_minimum
                    ? to_line(block_rows * ((layout.groups() + run_groups - 1) / run_groups) * sizeof(float))
                    : 0;
    mark_bytes = to_line(block_rows);
    result_bytes = to_line(plan.panels_each * block_rows * 16 * sizeof(float));
    kernel_bytes = to_line(kernel_room);
    weight_bytes = to_line(plan.weights.room(plan.panels_each));
    redone_row_bytes = to_line(redone_rows * ((layout.groups() + slice - 1) / slice) * slice * 32 * sizeof(float));
    redone_sum_bytes =
        Format::has_minimum ? to_line(redone_rows * layout.runs_before(layout.groups()) * sizeof(float)) : 0;
    redone_result_bytes = to_line(plan.panels_each * redone_rows * 16 * sizeof(float));
    redone_kernel_bytes = to_line(plan.calls.kernels.room_floats * sizeof(float));
  }
  [[nodiscard]] std::size_t shared() const noexcept { return tile_bytes + sum_bytes + mark_bytes; }
  [[nodiscard]] std::size_t slot() const noexcept {
    return result_bytes + kernel_bytes + weight_bytes + redone_row_bytes + redone_sum_bytes + redone_result_bytes +
           redone_kernel_bytes;
  }
};

/// A plan's parts on tiles.
template <class Plan, blocked Format, class Source>
struct tile_plan {
  using rooms_type = tile_rooms<Plan, Format, Source>;
  static constexpr std::size_t parts = rooms_type::parts;
  const Plan& plan;
  const simd::float_tile_kernel<Format>& kernel;
  const rooms_type& rooms;
  std::byte* shared;

  [[nodiscard]] float* sums() const noexcept { return reinterpret_cast<float*>(shared + rooms.tile_bytes); }
  /// One a row of the block, not zero where lanes take it.
  [[nodiscard]] std::byte* marks() const noexcept { return shared + rooms.tile_bytes + rooms.sum_bytes; }
  [[nodiscard]] std::size_t runs() const noexcept {
    const std::size_t run_groups = simd::tile_run_groups<Format>(parts);
    return (plan.layout.groups() + run_groups - 1) / run_groups;
  }
  [[nodiscard]] std::byte* tile_row(std::size_t r) const noexcept {
    return shared + r / 16 * plan.layout.groups() * parts * simd::float_tile_bytes + r % 16 * 64;
  }
  void clear_row(std::size_t r) const noexcept {
    for (std::size_t i = 0; i != plan.layout.groups() * parts; ++i)
      std::memset(tile_row(r) + i * simd::float_tile_bytes, 0, 64);
  }

  /// Row `row` as row `r` of a block; rows that lanes take are zeros.
  void pack_row(std::size_t row, std::size_t r) const noexcept {
    constexpr std::size_t slice = 16;
    const auto& layout = plan.layout;
    const Source* const from = plan.task.activations.row(row);
    const std::size_t stride = plan.task.activations.stride();
    bool fits = true;
    std::size_t g = 0;
    if constexpr (std::is_same_v<Source, bf16> && !Format::has_minimum)
      if (stride == 1) {
        g = layout.columns() / 32;
        fits = kernel.copy_row(from, g, tile_row(r));
      }
    for (; g < layout.groups(); g += slice) {
      alignas(64) float values[slice * 32];
      const std::size_t groups = (std::min)(slice, layout.groups() - g);
      const std::size_t columns = (std::min)(groups * 32, layout.columns() - g * 32);
      plan.calls.copy_numbers(from + g * 32 * stride, stride, values, columns);
      std::memset(values + columns, 0, (groups * 32 - columns) * sizeof(float));
      fits = kernel.split_row(values, groups, tile_row(r) + g * parts * simd::float_tile_bytes) && fits;
      if constexpr (Format::has_minimum) {
        float of_groups[slice];
        plan.calls.kernels.add_up_runs(layout, g, g + groups, values, of_groups);
        const std::size_t run_groups = simd::tile_run_groups<Format>(parts);
        for (std::size_t i = 0; i != groups; ++i) {
          float& sum = sums()[r * runs() + (g + i) / run_groups];
          sum = (g + i) % run_groups == 0 ? of_groups[i] : sum + of_groups[i];
        }
      }
    }
    marks()[r] = fits ? std::byte{0} : std::byte{1};
    if (!fits)
      clear_row(r);
  }

  /// Rows `numbers` of a part, which begins with row `first_row` of the output, times panels [first, last) of `streams`
  /// by lanes.
  void redo(const simd::packed_streams& streams, std::size_t first, std::size_t last, std::size_t first_row,
            const std::size_t* numbers, std::size_t count, float* results, std::size_t result_stride,
            std::byte* room) const noexcept {
    auto* const rows = reinterpret_cast<float*>(room);
    auto* const row_sums = reinterpret_cast<float*>(room + rooms.redone_row_bytes);
    auto* const redone = reinterpret_cast<float*>(room + rooms.redone_row_bytes + rooms.redone_sum_bytes);
    auto* const kernel_room =
        reinterpret_cast<float*>(room + rooms.redone_row_bytes + rooms.redone_sum_bytes + rooms.redone_result_bytes);
    for (std::size_t i = 0; i != count; ++i)
      plan.pack_row(first_row + numbers[i], i, count, rows, row_sums);
    plan.calls.kernels.many_rows(plan.layout, streams, first, last, rows, count, 0, count,
                                 Format::has_minimum ? row_sums : nullptr,
                                 plan.layout.runs_before(plan.layout.groups()), redone, kernel_room);
    for (std::size_t p = first; p != last; ++p)
      for (std::size_t i = 0; i != count; ++i)
        std::memcpy(results + p * result_stride + numbers[i] * 16, redone + ((p - first) * count + i) * 16,
                    16 * sizeof(float));
  }

  /// Rows [first_row, first_row + rows) of a block of rows; the first is the first of a tile.
  void part(std::size_t part, std::size_t block_row, std::size_t first_row, std::size_t rows,
            std::byte* room) const noexcept {
    const std::size_t first = part * plan.panels_each;
    const std::size_t last = (std::min)(first + plan.panels_each, plan.layout.panels());
    auto* const results = reinterpret_cast<float*>(room);
    std::byte* const kernel_room = room + rooms.result_bytes;
    std::byte* const weight_room = kernel_room + rooms.kernel_bytes;
    std::byte* const redone_room = weight_room + rooms.weight_bytes;
    const simd::packed_streams streams = plan.weights.panels(first, last, weight_room);
    const std::byte* const marked = marks() + first_row;
    const bool any = std::find(marked, marked + rows, std::byte{0}) != marked + rows;
    const std::uint32_t outside = !any ? 0
                                       : kernel.multiply(plan.layout, streams, 0, last - first,
                                                         {.tiles = shared,
                                                          .groups = plan.layout.groups(),
                                                          .parts = parts,
                                                          .sums = Format::has_minimum ? sums() : nullptr,
                                                          .runs = runs()},
                                                         first_row, rows, results, kernel_room);
    // All panels of marked rows, and unmarked rows of panels beyond the range of tiles.
    std::size_t numbers[redone_rows];
    const auto redo_rows = [&](bool marked_ones, std::size_t from, std::size_t to) noexcept {
      for (std::size_t r = 0, count = 0; r != rows; ++r) {
        if ((marked[r] != std::byte{0}) == marked_ones)
          numbers[count++] = r;
        if (count == redone_rows || (r + 1 == rows && count != 0)) {
          redo(streams, from, to, block_row + first_row, numbers, count, results, rows * 16, redone_room);
          count = 0;
        }
      }
    };
    redo_rows(true, 0, last - first);
    for (std::size_t p = 0; outside >> p != 0; ++p)
      if ((outside >> p & 1) != 0)
        redo_rows(false, p, p + 1);
    plan.replace_specials(streams, last - first, block_row + first_row, rows, results, rows * 16);
    plan.finish(results, rows * 16, first, last, block_row + first_row, rows);
  }
};

/// The product on a kernel of tiles. Precondition: shapes agree, and nothing is empty.
template <class Weights, class Format, class Source, class Out, class Addend, executor Executor>
result<void> run_tile_product(const simd::float_tile_kernel<Format>& kernel,
                              product_plan<Weights, Format, Source, Out, Addend> plan, Executor& who) noexcept {
  using plan_type = product_plan<Weights, Format, Source, Out, Addend>;
  const std::size_t rows = plan.task.activations.count;
  const std::size_t block_rows = (std::min)(rows, rows_a_block);
  // Rows are shared out two tiles at a time.
  const product_cut cut =
      cut_product(plan.layout.panels(), (block_rows + 31) / 32, static_cast<std::size_t>(who.concurrency()));
  plan.panels_each = cut.panels_each;
  const tile_rooms<plan_type, Format, Source> rooms(plan, kernel.room_bytes, block_rows);
  const std::size_t all_bytes = rooms.shared() + cut.slots * rooms.slot();
  product_room room;
  if (!room.allocate(all_bytes))
    return error{errc::out_of_memory} << "no memory for a product's scratch: " << all_bytes << " bytes";
  const tile_plan<plan_type, Format, Source> tiles{plan, kernel, rooms, room.data()};
  std::byte* const slot_room = room.data() + rooms.shared();

  for (std::size_t block_row = 0; block_row < rows; block_row += rows_a_block) {
    const std::size_t height = (std::min)(rows_a_block, rows - block_row);
    constexpr std::size_t rows_at_once = 8;
    std::atomic<std::size_t> next_row{0};
    who.parallel_for((std::min)(cut.slots, (height + rows_at_once - 1) / rows_at_once), [&](std::size_t) noexcept {
      const simd::default_float_environment environment;
      for (std::size_t r = 0; (r = next_row.fetch_add(rows_at_once, std::memory_order_relaxed)) < height;) {
        for (std::size_t end = (std::min)(r + rows_at_once, height); r != end; ++r)
          tiles.pack_row(block_row + r, r);
        for (std::size_t end = r == height ? (height + 15) / 16 * 16 : r; r != end; ++r)
          tiles.clear_row(r);
      }
    });
    std::atomic<std::size_t> next{0};
    who.parallel_for(cut.slots, [&](std::size_t slot_number) noexcept {
      const simd::default_float_environment environment;
      for (std::size_t part = 0; (part = next.fetch_add(1, std::memory_order_relaxed)) < cut.parts();) {
        const std::size_t twos = (height + 31) / 32, row_part = part % cut.row_parts;
        const std::size_t first = row_part * twos / cut.row_parts * 32;
        const std::size_t last = (std::min)((row_part + 1) * twos / cut.row_parts * 32, height);
        if (first < last)
          tiles.part(part / cut.row_parts, block_row, first, last - first, slot_room + slot_number * rooms.slot());
      }
    });
  }
  return {};
}

template <class Weights>
inline constexpr bool multiplies_floats = false;
template <blocked Format>
inline constexpr bool multiplies_floats<packed_source<Format>> = true;
template <blocked Format>
inline constexpr bool multiplies_floats<stored_source<Format>> = true;

/// The product under its contract: with IsReproducible, or where tiles are not to be had, by lanes.
template <bool IsReproducible, class Format, class Weights, class Source, class Out, class Addend, executor Executor>
result<void> run_product_as(const Weights& weights, const product_task<Source, Out, Addend>& task,
                            Executor& who) noexcept {
  if constexpr (!IsReproducible && multiplies_floats<Weights> && simd::has_float_tiles<Format>())
    if (task.activations.count >= least_float_tile_rows && weights.layout().rows() != 0 &&
        weights.layout().columns() != 0)
      if (const auto kernel = simd::float_tile_kernel_of<Format, Source>(active_isa()); kernel.multiply != nullptr)
        return run_tile_product(
            kernel,
            product_plan<Weights, Format, Source, Out, Addend>{
                weights, weights.layout(), task, simd::product_calls_of<Format, Source, Out, Addend>(active_isa())},
            who);
  return run_product<Format>(weights, task, who);
}

FEWBITS_BASELINE_END
}  // namespace detail
FEWBITS_NAMESPACE_END
