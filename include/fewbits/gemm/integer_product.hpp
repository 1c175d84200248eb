// Products of quantised activations and quantised weights whose elements are small integers: what a block adds up is
// exact. Cut into parts as float32 products are.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/base/error.hpp>
#include <fewbits/gemm/executor.hpp>
#include <fewbits/gemm/integer_rows.hpp>
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
