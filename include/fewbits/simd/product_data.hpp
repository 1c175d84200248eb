// What the kernels of products are given: plain pointers and sizes, the same for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/matrix/view.hpp>
#include <fewbits/simd/packed_panels.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace simd {

/// Panels whose sums are kept until they are finished together.
inline constexpr std::size_t panels_a_block = 16;

/// A tile of rows of activations against one or two panels of decoded weights, over some runs of columns.
struct tile_job {
  const float* activations;     ///< row after row, from the first run's first column on
  const float* values;          ///< [panel][column][16]
  std::size_t value_stride;     ///< floats from panel to panel
  const float* units;           ///< [panel][run][16]
  const float* offsets;         ///< the same, or null
  std::size_t unit_stride;      ///< floats from panel to panel
  const float* sums;            ///< of activations, [row][run]; where there are offsets
  std::size_t sum_stride;       ///< floats from row to row
  const std::uint8_t* lengths;  ///< columns of each run
  std::size_t runs;             ///<
  float* results;               ///< [panel][row][16], read and written
  std::size_t result_stride;    ///< floats from panel to panel
};

/// Applied to float32 results, `count` in a row of the output, before they are rounded to its type.
struct activation_call {
  void (*apply)(const void* functor, float* values, std::size_t count) noexcept = nullptr;
  const void* functor = nullptr;
};

/// From sums to outputs.
struct finish_job {
  const float* results;       ///< [panel][row][16]
  std::size_t result_stride;  ///< floats from panel to panel
  std::size_t rows;
  std::size_t first_row, first_column;  ///< of the output
  std::size_t columns;                  ///< up to 16 x panels_a_block
  bool scales = false;                  ///< multiply by tensor_scale?
  float tensor_scale = 1.0f;
  const float* bias = nullptr;  ///< of the output's columns, or null
  float addend_factor = 1.0f;
  activation_call activation;
};

/// The kernels of an instruction set for one format of weights; what each does is said in simd/product_core.inl.
template <blocked Format>
struct product_kernels {
  using few = void (*)(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                       std::size_t last_panel, const float* const* activations, const float* const* sums,
                       float* results) noexcept;
  using many = void (*)(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                        std::size_t last_panel, const float* activations, std::size_t stored_rows,
                        std::size_t first_row, std::size_t rows, const float* sums, std::size_t sum_stride,
                        float* results, float* room) noexcept;
  few few_rows[3]{};  ///< of 1, 2 and 4 rows; null where many_rows is as good
  many many_rows;
  void (*add_up_runs)(const packed_layout<Format>& layout, std::size_t first, std::size_t last, const float* row,
                      float* sums) noexcept;
  std::size_t (*list_runs)(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t panel,
                           std::size_t first, std::size_t last, float* units, float* offsets,
                           std::uint8_t* lengths) noexcept;
  std::size_t slice_groups;  ///< groups that many_rows decodes at a time
  std::size_t room_floats;   ///< that many_rows wants
};

}  // namespace simd
FEWBITS_NAMESPACE_END
