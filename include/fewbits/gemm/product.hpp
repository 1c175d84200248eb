// How a product is cut into parts: panels of output columns, and rows where there are many. Nothing here rounds.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/packed_weights.hpp>
#include <fewbits/gemm/prepack.hpp>
#include <fewbits/matrix/quantized_matrix.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/simd/float_environment.hpp>
#include <fewbits/simd/product.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {
FEWBITS_BASELINE_BEGIN

/// Rows whose weights are decoded in registers rather than into the cache; and rows that share one decoding.
inline constexpr std::size_t few_rows_limit = 4;
inline constexpr std::size_t rows_a_block = 512;

/// Rows of activations: those of a matrix, or some of them by number.
template <class Source>
struct activation_rows {
  matrix_view<const Source> matrix;
  const std::uint32_t* numbers = nullptr;
  std::size_t count = 0;

  [[nodiscard]] const Source* row(std::size_t i) const noexcept {
    return matrix.data() + (numbers != nullptr ? numbers[i] : i) * matrix.row_stride_elements();
  }
  [[nodiscard]] std::size_t stride() const noexcept { return matrix.column_stride_elements(); }
};

/// A product and what happens to its sums.
template <class Source, class Out, class Addend>
struct product_task {
  matrix_view<Out> out;
  activation_rows<Source> activations;
  const float* bias = nullptr;
  matrix_view<const Addend> addend;
  float addend_factor = 1.0f;
  simd::activation_call activation;
};

/// Weights that are packed already.
template <blocked Format>
struct packed_source {
  const packed_weights_view<Format>& weights;

  [[nodiscard]] const simd::packed_layout<Format>& layout() const noexcept { return weights.layout(); }
  [[nodiscard]] float tensor_scale() const noexcept { return weights.streams().tensor_scale; }
  [[nodiscard]] std::size_t room(std::size_t) const noexcept { return 0; }
  /// Streams whose panel 0 is panel `first`.
  [[nodiscard]] simd::packed_streams panels(std::size_t first, std::size_t, std::byte*) const noexcept {
    using types = simd::packed_types<Format>;
    simd::packed_streams at = weights.streams();
    at.codes += first * layout().code_bytes_a_panel();
    at.scales += first * layout().template parameters_a_panel<typename types::scale>();
    at.zeros += first * layout().template parameters_a_panel<typename types::zero>();
    at.supers += first * layout().template supers_a_panel<typename types::super>();
    at.super_minimums += first * layout().template supers_a_panel<typename types::super_minimum>();
    at.specials += first * 2;
    return at;
  }
};
/// Weights as a quantiser or a file stores them: packed block by block while they are multiplied.
template <blocked Format>
struct stored_source {
  const quantized_view<Format>& weights;
  simd::packed_layout<Format> packed{weights.rows(), weights.columns()};

  [[nodiscard]] const simd::packed_layout<Format>& layout() const noexcept { return packed; }
  [[nodiscard]] float tensor_scale() const noexcept { return tensor_number<Format>(weights.tensor_scale()); }
  [[nodiscard]] std::size_t room(std::size_t panels) const noexcept {
    const auto places = places_of<Format>(panels * 16, packed.columns());
    return places ? places->total : 0;
  }
  [[nodiscard]] simd::packed_streams panels(std::size_t first, std::size_t last, std::byte* bytes) const noexcept {
    const packed_places places = *places_of<Format>((last - first) * 16, packed.columns());
    std::memset(bytes, 0, places.total);
    pack_panels(weights, first, last, bytes, places);
    simd::packed_streams at =
        packed_weights_view<Format>{{bytes, places.total}, (last - first) * 16, packed.columns(), places}.streams();
    at.tensor_scale = tensor_scale();
    return at;
  }
};

/// The code of an element of packed weights, its shape included.
template <blocked Format>
std::uint32_t packed_code(const simd::packed_layout<Format>& layout, const std::byte* panel, std::size_t row,
                          std::size_t group, std::size_t column) noexcept {
  using packed = simd::packed_layout<Format>;
  const std::byte* const at = panel + group * layout.group_bytes + row * 4;
  const std::size_t bit = column * packed::bits;
  std::uint32_t code = load_little<std::uint32_t>(at + bit / 32 * 64) >> bit % 32;
  if (bit % 32 + packed::bits > 32)
    code |= load_little<std::uint32_t>(at + (bit / 32 + 1) * 64) << (32 - bit % 32);
  return code & ((1u << packed::bits) - 1);
}

/// A row of weights with elements that kernels do not decode, times one row of activations: the same order, the same
/// roundings, one by one. Only element types with Inf or NaN come here, which have no zero points and no shapes.
template <blocked Format, class Source>
float special_sum(const simd::product_kernels<Format>& kernels, const simd::packed_layout<Format>& layout,
                  const simd::packed_streams& weights, std::size_t panel, std::size_t lane, const Source* activations,
                  std::size_t stride) noexcept {
  using packed = simd::packed_layout<Format>;
  using element = typename Format::element_type;
  const std::byte* const codes = weights.codes + panel * layout.code_bytes_a_panel();
  float units[packed::blocks_a_group * 16];
  float offsets[packed::blocks_a_group * 16];
  std::uint8_t lengths[packed::blocks_a_group];
  float result = 0.0f;
  for (std::size_t g = 0; g != layout.groups(); ++g) {
    const std::size_t runs = kernels.list_runs(layout, weights, panel, g, g + 1, units, offsets, lengths);
    std::size_t i = 0;
    for (std::size_t run = 0; run != runs; ++run) {
      float sum = 0.0f;
      float all = 0.0f;
      for (std::size_t end = i + lengths[run]; i != end; ++i) {
        const std::uint32_t code = packed_code(layout, codes, lane, g, i);
        const float value = std::bit_cast<float>(simd::float_bits_of<element>(code));
        const auto a = static_cast<float>(activations[(layout.first_column(g) + i) * stride]);
        sum = std::fma(a, value, sum);
        all += a;
      }
      result = std::fma(sum, units[run * 16 + lane], result);
      if constexpr (Format::has_minimum)
        result = std::fma(all, offsets[run * 16 + lane], result);
    }
  }
  return result;
}

/// One piece of heap for a call. Nothing is constructed in it.
class product_room {
 public:
  [[nodiscard]] bool allocate(std::size_t bytes) noexcept {
    data_.reset(static_cast<std::byte*>(::operator new(bytes + 64, std::nothrow)));
    return data_ != nullptr;
  }
  [[nodiscard]] std::byte* data() const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(data_.get());
    return data_.get() + (64 - address % 64) % 64;
  }

 private:
  struct release {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory); }
  };
  std::unique_ptr<std::byte, release> data_;
};
constexpr std::size_t to_line(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

/// How a product is cut: into parts of panels, and of rows where those are too few.
struct product_cut {
  std::size_t panels_each = 0;
  std::size_t column_parts = 0;
  std::size_t row_parts = 1;
  std::size_t slots = 1;  ///< parts that are worked on at once

  [[nodiscard]] constexpr std::size_t parts() const noexcept { return column_parts * row_parts; }
};
/// Parts are small enough that threads end together, and no larger than the cache likes. Precondition: panels != 0.
constexpr product_cut cut_product(std::size_t panels, std::size_t most_row_parts, std::size_t concurrency) noexcept {
  const std::size_t wanted = concurrency <= 1 ? 1 : 4 * concurrency;
  const std::size_t each = (panels + wanted - 1) / wanted;
  product_cut cut{.panels_each = (std::min)((each + 1) / 2 * 2, simd::panels_a_block)};
  cut.column_parts = (panels + cut.panels_each - 1) / cut.panels_each;
  if (cut.column_parts < wanted)
    cut.row_parts = (std::min)((wanted + cut.column_parts - 1) / cut.column_parts, most_row_parts);
  cut.slots = (std::min)((std::max<std::size_t>)(concurrency, 1), cut.parts());
  return cut;
}

/// Everything that the parts of one call share.
template <class Weights, blocked Format, class Source, class Out, class Addend>
struct product_plan {
  using packed = simd::packed_layout<Format>;
  const Weights& weights;
  const packed& layout;
  const product_task<Source, Out, Addend>& task;
  simd::product_calls<Format, Source, Out, Addend> calls;
  std::size_t panels_each = 0;  ///< of a part

  /// Replaces the sums of rows of weights that kernels do not decode. `results` are those of panels 0 ... of `streams`.
  void replace_specials([[maybe_unused]] const simd::packed_streams& streams, [[maybe_unused]] std::size_t panels,
                        [[maybe_unused]] std::size_t first_row, [[maybe_unused]] std::size_t rows,
                        [[maybe_unused]] float* results, [[maybe_unused]] std::size_t result_stride) const noexcept {
    if constexpr (packed::has_specials)
      for (std::size_t p = 0; p != panels; ++p) {
        const unsigned marks = load_little<std::uint16_t>(streams.specials + p * 2);
        for (std::size_t lane = 0; lane != 16 && marks >> lane != 0; ++lane)
          if ((marks >> lane & 1) != 0)
            for (std::size_t r = 0; r != rows; ++r)
              results[p * result_stride + r * 16 + lane] =
                  special_sum(calls.kernels, layout, streams, p, lane, task.activations.row(first_row + r),
                              task.activations.stride());
      }
  }
  void finish(const float* results, std::size_t result_stride, std::size_t first_panel, std::size_t last_panel,
              std::size_t first_row, std::size_t rows) const noexcept {
    const std::size_t first_column = first_panel * 16;
    const simd::finish_job job{.results = results,
                               .result_stride = result_stride,
                               .rows = rows,
                               .first_row = first_row,
                               .first_column = first_column,
                               .columns = (std::min)(last_panel * 16, layout.rows()) - first_column,
                               .scales = Format::has_tensor_scale && !Format::has_minimum,
                               .tensor_scale = weights.tensor_scale(),
                               .bias = task.bias,
                               .addend_factor = task.addend_factor,
                               .activation = task.activation};
    calls.finish_rows(job, task.out, task.addend);
  }

  /// A part of few rows.
  void few(std::size_t part, const float* const* rows, const float* const* sums, std::byte* room) const noexcept {
    const std::size_t count = task.activations.count;
    const std::size_t index = count == 1 ? 0 : count == 2 ? 1 : 2;
    const std::size_t height = std::size_t{1} << index;
    const std::size_t first = part * panels_each;
    const std::size_t last = (std::min)(first + panels_each, layout.panels());
    const simd::packed_streams streams = weights.panels(first, last, room);
    float results[simd::panels_a_block * few_rows_limit * 16];
    calls.kernels.few_rows[index](layout, streams, 0, last - first, rows, sums, results);
    replace_specials(streams, last - first, 0, count, results, height * 16);
    finish(results, height * 16, first, last, 0, count);
  }

  /// A part of many rows: rows [first_row, first_row + rows) of a block of rows whose packed activations and sums are
  /// given.
  void many(std::size_t part, const float* activations, const float* sums, std::size_t block_row,
            std::size_t block_rows, std::size_t first_row, std::size_t rows, std::byte* room) const noexcept {
    const std::size_t first = part * panels_each;
    const std::size_t last = (std::min)(first + panels_each, layout.panels());
    auto* const results = reinterpret_cast<float*>(room);
    std::byte* const kernel_room = room + to_line(panels_each * rows_a_block * 16 * sizeof(float));
    std::byte* const weight_room = kernel_room + to_line(calls.kernels.room_floats * sizeof(float));
    const simd::packed_streams streams = weights.panels(first, last, weight_room);
    calls.kernels.many_rows(layout, streams, 0, last - first, activations, block_rows, first_row, rows, sums,
                            layout.runs_before(layout.groups()), results, reinterpret_cast<float*>(kernel_room));
    replace_specials(streams, last - first, block_row + first_row, rows, results, rows * 16);
    finish(results, rows * 16, first, last, block_row + first_row, rows);
  }

  /// Row `r` of a block of rows as float32, slice after slice.
  void pack_row(std::size_t row, std::size_t r, std::size_t block_rows, float* to, float* sums) const noexcept {
    const Source* const from = task.activations.row(row);
    const std::size_t stride = task.activations.stride();
    const std::size_t runs = layout.runs_before(layout.groups());
    for (std::size_t g = 0; g < layout.groups(); g += calls.kernels.slice_groups) {
      const std::size_t end = (std::min)(g + calls.kernels.slice_groups, layout.groups());
      const std::size_t column = layout.first_column(g);
      const std::size_t columns = layout.first_column(end - 1) + layout.columns_in_group(end - 1) - column;
      float* const at = to + (g * block_rows + r * calls.kernels.slice_groups) * 32;
      calls.copy_numbers(from + column * stride, stride, at, columns);
      if constexpr (Format::has_minimum)
        calls.kernels.add_up_runs(layout, g, end, at, sums + r * runs + layout.runs_before(g));
    }
  }
};

/// The product. Precondition: shapes agree.
template <class Format, class Weights, class Source, class Out, class Addend, executor Executor>
result<void> run_product(const Weights& weights, const product_task<Source, Out, Addend>& task,
                         Executor& who) noexcept {
  using packed = simd::packed_layout<Format>;
  product_plan<Weights, Format, Source, Out, Addend> plan{
      weights, weights.layout(), task, simd::product_calls_of<Format, Source, Out, Addend>(active_isa())};
  const packed& layout = plan.layout;
  const std::size_t rows = task.activations.count;
  if (rows == 0 || layout.rows() == 0)
    return {};
  const std::size_t depth = layout.columns();
  const std::size_t runs = layout.runs_before(layout.groups());
  const bool few = rows <= few_rows_limit && plan.calls.kernels.few_rows[0] != nullptr;
  const std::size_t block_rows = (std::min)(rows, rows_a_block);
  const product_cut cut =
      cut_product(layout.panels(), few ? 1 : (block_rows + 27) / 28, static_cast<std::size_t>(who.concurrency()));
  const std::size_t each = cut.panels_each, row_parts = cut.row_parts, parts = cut.parts(), slots = cut.slots;
  plan.panels_each = each;

  constexpr bool is_float = std::is_same_v<Source, float>;
  const bool in_place = few && is_float && task.activations.stride() == 1;
  const std::size_t slice = plan.calls.kernels.slice_groups;
  const std::size_t row_floats = few ? depth : (layout.groups() + slice - 1) / slice * slice * 32;
  const std::size_t activation_bytes = in_place ? 0 : to_line(block_rows * row_floats * sizeof(float));
  const std::size_t sum_bytes = Format::has_minimum ? to_line(block_rows * runs * sizeof(float)) : 0;
  const std::size_t slot_bytes =
      to_line(weights.room(each)) + (few ? 0
                                         : to_line(each * rows_a_block * 16 * sizeof(float)) +
                                               to_line(plan.calls.kernels.room_floats * sizeof(float)));
  const std::size_t all_bytes = activation_bytes + sum_bytes + slots * slot_bytes;
  product_room room;
  std::byte* start = nullptr;
  if (all_bytes != 0) {
    if (!room.allocate(all_bytes))
      return error{errc::out_of_memory} << "no memory for a product's scratch: " << all_bytes << " bytes";
    start = room.data();
  }
  auto* const activations = reinterpret_cast<float*>(start);
  auto* const sums = reinterpret_cast<float*>(start + activation_bytes);
  std::byte* const slot_room = start + activation_bytes + sum_bytes;

  if (few) {
    const float* row_at[few_rows_limit];
    const float* sums_at[few_rows_limit];
    {
      const simd::default_float_environment environment;
      for (std::size_t r = 0; r != few_rows_limit; ++r) {
        const std::size_t row = (std::min)(r, rows - 1);
        row_at[r] = in_place ? nullptr : activations + row * depth;
        sums_at[r] = Format::has_minimum ? sums + row * runs : nullptr;
        if constexpr (is_float)
          if (in_place)
            row_at[r] = task.activations.row(row);
        if (r == row && !in_place)
          plan.calls.copy_numbers(task.activations.row(row), task.activations.stride(), activations + row * depth,
                                  depth);
        if constexpr (Format::has_minimum)
          if (r == row)
            plan.calls.kernels.add_up_runs(layout, 0, layout.groups(), row_at[r], sums + row * runs);
      }
    }
    std::atomic<std::size_t> next{0};
    who.parallel_for(slots, [&](std::size_t slot_number) noexcept {
      const simd::default_float_environment environment;
      for (std::size_t part = 0; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;)
        plan.few(part, row_at, sums_at, slot_room + slot_number * slot_bytes);
    });
    return {};
  }

  for (std::size_t block_row = 0; block_row < rows; block_row += rows_a_block) {
    const std::size_t height = (std::min)(rows_a_block, rows - block_row);
    constexpr std::size_t rows_at_once = 8;
    std::atomic<std::size_t> next_row{0};
    who.parallel_for((std::min)(slots, (height + rows_at_once - 1) / rows_at_once), [&](std::size_t) noexcept {
      const simd::default_float_environment environment;
      for (std::size_t r = 0; (r = next_row.fetch_add(rows_at_once, std::memory_order_relaxed)) < height;)
        for (std::size_t end = (std::min)(r + rows_at_once, height); r != end; ++r)
          plan.pack_row(block_row + r, r, height, activations, sums);
    });
    std::atomic<std::size_t> next{0};
    who.parallel_for(slots, [&](std::size_t slot_number) noexcept {
      const simd::default_float_environment environment;
      for (std::size_t part = 0; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;) {
        const std::size_t row_part = part % row_parts;
        const std::size_t first = row_part * height / row_parts;
        const std::size_t last = (row_part + 1) * height / row_parts;
        if (first != last)
          plan.many(part / row_parts, activations, sums, block_row, height, first, last - first,
                    slot_room + slot_number * slot_bytes);
      }
    });
  }
  return {};
}

FEWBITS_BASELINE_END
}  // namespace detail
FEWBITS_NAMESPACE_END
