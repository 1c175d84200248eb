// Products of float32 activations and packed weights. Included by every data sheet inside its region; built on its
// primitives alone. A lane is a row of weights, so an output's terms are added in one order whatever the width of a
// register, the number of threads and the rows computed together:
//   for each run of at most 32 columns of one block: s = fma(a, element, s) from +0 in order of columns;
//   result = fma(s, unit, result); with minimums also result = fma(sum of the run's a, offset, result).
// Weights are decoded by panel_core.inl.

/// Floats from row to row of a slice's activations: known when compiled, so that no register holds a row's place.
inline constexpr std::size_t slice_columns = slice_groups * 32;

/// Rows x Panels registers of sums, one of a broadcast activation, Panels of values.
template <std::size_t Rows, std::size_t Panels>
void multiply_tile(const tile_job& job) noexcept {
  const float* a = job.activations;
  const float* value = job.values;
  for (std::size_t run = 0; run != job.runs; ++run) {
    floats sum[Rows][Panels];
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) sum[r][p] =
        fill_floats(0.0f);
    for (std::size_t k = job.lengths[run]; k != 0; --k) {
      floats values[Panels];
      FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) values[p] =
          load_floats(value + p * job.value_stride);
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
        const floats each = fill_floats(a[r * slice_columns]);
        FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) sum[r][p] = multiply_add(each, values[p], sum[r][p]);
      }
      ++a;
      value += 16;
    }
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
            const floats unit = load_floats(job.units + p * job.unit_stride + run * 16);
      float* results = job.results + p * job.result_stride;
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) store_floats(
          results + r * 16, multiply_add(sum[r][p], unit, load_floats(results + r * 16)));
      if (job.offsets != nullptr) {
        const floats offset = load_floats(job.offsets + p * job.unit_stride + run * 16);
        for (std::size_t r = 0; r < Rows; ++r)
          store_floats(results + r * 16,
                       multiply_add(fill_floats(job.sums[r * job.sum_stride + run]), offset,
                                    load_floats(results + r * 16)));
      }
    }
  }
}
template <std::size_t Panels, std::size_t... Rows>
FEWBITS_LANES void multiply_tile_of(std::size_t rows, const tile_job& job, std::index_sequence<Rows...>) noexcept {
  using kernel = void (*)(const tile_job&) noexcept;
  static constexpr kernel kernels[] = {multiply_tile<Rows + 1, Panels>...};
  kernels[rows - 1](job);
}

/// What multiply_many wants to put decoded elements, units, offsets and lengths of runs into.
template <class Format>
constexpr std::size_t slice_runs() noexcept {
  return slice_groups * packed_layout<Format>::blocks_a_group;
}
template <class Format>
constexpr std::size_t slice_room_floats() noexcept {
  const std::size_t units = slice_runs<Format>() * 16 * (Format::has_minimum ? 2 : 1);
  return tile_panels * (slice_groups * 32 * 16 + units) + (slice_runs<Format>() + 3) / 4;
}

/// Results of panels [first_panel, last_panel) for any number of rows: [panel][row][16], overwritten.
/// `activations`: for every slice of groups its rows, slice_columns from one to the next.
template <class Format>
void multiply_many(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                   std::size_t last_panel, const float* activations, std::size_t stored_rows, std::size_t first_row,
                   std::size_t rows, const float* sums, std::size_t sum_stride, float* results,
                   float* room) noexcept {
  constexpr std::size_t value_stride = slice_groups * 32 * 16;
  constexpr std::size_t unit_stride = slice_runs<Format>() * 16;
  float* const values = room;
  float* const units = values + tile_panels * value_stride;
  float* const offsets = Format::has_minimum ? units + tile_panels * unit_stride : nullptr;
  auto* const lengths =
      reinterpret_cast<std::uint8_t*>(units + (Format::has_minimum ? 2 : 1) * tile_panels * unit_stride);
  const std::size_t result_stride = rows * 16;
  for (std::size_t i = 0; i != (last_panel - first_panel) * result_stride; i += 16)
    store_floats(results + i, fill_floats(0.0f));
  const std::size_t tiles = (rows + tile_rows - 1) / tile_rows;
  std::size_t run_at = 0;
  for (std::size_t group = 0; group < layout.groups();) {
    const std::size_t end = layout.groups() - group < slice_groups ? layout.groups() : group + slice_groups;
    std::size_t runs = 0;
    for (std::size_t panel = first_panel; panel < last_panel;) {
      const std::size_t panels = last_panel - panel < tile_panels ? last_panel - panel : tile_panels;
      for (std::size_t p = 0; p != panels; ++p) {
        decode_groups(layout, weights, panel + p, group, end, values + p * value_stride);
        runs = list_runs(layout, weights, panel + p, group, end, units + p * unit_stride,
                         offsets != nullptr ? offsets + p * unit_stride : nullptr, lengths);
      }
      for (std::size_t t = 0, row = 0; t != tiles; ++t) {
        const std::size_t next = (t + 1) * rows / tiles;
        const tile_job job{.activations = activations +
                                          (group / slice_groups * stored_rows + first_row + row) * slice_columns,
                           .values = values,
                           .value_stride = value_stride,
                           .units = units,
                           .offsets = offsets,
                           .unit_stride = unit_stride,
                           .sums = sums != nullptr ? sums + (first_row + row) * sum_stride + run_at : nullptr,
                           .sum_stride = sum_stride,
                           .lengths = lengths,
                           .runs = runs,
                           .results = results + (panel - first_panel) * result_stride + row * 16,
                           .result_stride = result_stride};
        const std::size_t height = next - row;
        constexpr auto heights = std::make_index_sequence<tile_rows>{};
        if (panels == tile_panels)
          multiply_tile_of<tile_panels>(height, job, heights);
        else
          multiply_tile_of<1>(height, job, heights);
        row = next;
      }
      panel += panels;
    }
    run_at += runs;
    group = end;
  }
}

/// Column First + Column of a group; `rows` point at the activations of column First.
template <class Format, std::size_t First, std::size_t Column, std::size_t Rows, std::size_t Panels>
FEWBITS_LANES void add_column(const std::byte* const (&groups)[Panels], const words (&aids)[Panels],
                              const float* const (&rows)[Rows], floats (&sum)[Rows][Panels]) noexcept {
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    const floats value = column_lanes<Format, First + Column, true>(groups[p], aids[p]);
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r][p] =
        multiply_add(fill_floats(rows[r][Column]), value, sum[r][p]);
  }
}
template <class Format, std::size_t First, std::size_t Rows, std::size_t Panels, std::size_t... Columns>
FEWBITS_LANES void add_columns(const std::byte* const (&groups)[Panels], const words (&aids)[Panels],
                               const float* const (&rows)[Rows], floats (&sum)[Rows][Panels],
                               std::index_sequence<Columns...>) noexcept {
  (add_column<Format, First, Columns>(groups, aids, rows, sum), ...);
}
/// One run of a group, decoded in registers.
template <class Format, std::size_t First, std::size_t Rows, std::size_t Panels>
FEWBITS_LANES void add_run(const panel_streams<Format> (&panels)[Panels], std::size_t block,
                           const std::byte* const (&groups)[Panels], const float* const (&rows)[Rows],
                           const float* const (&sums)[Rows], std::size_t run,
                           floats (&result)[Rows][Panels]) noexcept {
  words aids[Panels];
  floats sum[Rows][Panels];
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    aids[p] = aid_lanes(panels[p], block);
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r][p] = fill_floats(0.0f);
  }
  constexpr std::size_t written = written_columns<Format>();
  constexpr std::size_t first_byte = First * packed_layout<Format>::bits / 32 * 64;
  const std::byte* codes[Panels];
  const float* numbers[Rows];
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) codes[p] = groups[p];
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) numbers[r] = rows[r] + First;
  FEWBITS_ROLL for (std::size_t left = whole_run<Format> / written; left != 0; --left) {
    // Spread over the loop: all lines of a group at its start cost e4m3 a fifth of its speed.
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) FEWBITS_UNROLL for (std::size_t line = 0; line < written_bytes<Format>;
                                                                        line += 64)
        prefetch(codes[p] + first_byte + line + prefetch_bytes);
    add_columns<Format, First>(codes, aids, numbers, sum, std::make_index_sequence<written>{});
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) codes[p] += written_bytes<Format>;
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) numbers[r] += written;
  }
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    const floats unit = unit_lanes(panels[p], block);
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r][p] = multiply_add(sum[r][p], unit, result[r][p]);
    if constexpr (Format::has_minimum) {
      const floats offset = offset_lanes(panels[p], block);
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r][p] =
          multiply_add(fill_floats(sums[r][run]), offset, result[r][p]);
    }
  }
}
template <class Format, std::size_t Rows, std::size_t Panels, std::size_t... Runs>
FEWBITS_LANES void add_group(const panel_streams<Format> (&panels)[Panels], std::size_t group,
                             const std::byte* const (&groups)[Panels], const float* const (&rows)[Rows],
                             const float* const (&sums)[Rows], floats (&result)[Rows][Panels],
                             std::index_sequence<Runs...>) noexcept {
  (add_run<Format, Runs * whole_run<Format>>(panels, packed_layout<Format>::block_of(group, Runs), groups, rows, sums,
                                             group * sizeof...(Runs) + Runs, result),
   ...);
}

/// Results of Panels panels for Rows rows, [panel][row][16], weights decoded on their way. For dense formats.
/// `rows` point at float32 activations, `sums` at the sums of their runs. In the place of panels past the last one
/// stands the last one again.
template <class Format, std::size_t Rows, std::size_t Panels>
FEWBITS_NOINLINE void multiply_few(const packed_layout<Format>& layout, const packed_streams& weights,
                                   std::size_t first_panel, std::size_t last_panel, const float* const* activations,
                                   const float* const* sums_of_rows, float* results) noexcept {
  panel_streams<Format> panels[Panels];
  const std::byte* groups[Panels];
  const float* rows[Rows];
  const float* sums[Rows];
  floats result[Rows][Panels];
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    const std::size_t panel = first_panel + p;
    panels[p] = panel_of(layout, weights, panel < last_panel ? panel : last_panel - 1);
    groups[p] = panels[p].codes;
  }
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
    rows[r] = activations[r];
    sums[r] = sums_of_rows[r];
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) result[r][p] = fill_floats(0.0f);
  }
  const std::size_t whole_groups = layout.columns() / 32;
  for (std::size_t g = 0; g != whole_groups; ++g) {
    add_group(panels, g, groups, rows, sums, result,
              std::make_index_sequence<packed_layout<Format>::blocks_a_group>{});
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) groups[p] += packed_layout<Format>::group_bytes;
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) rows[r] += 32;
  }
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r)
      store_floats(results + (p * Rows + r) * 16, result[r][p]);
  if (whole_groups == layout.groups())
    return;
  float values[32 * 16];
  float units[packed_layout<Format>::blocks_a_group * 16];
  float offsets[Format::has_minimum ? packed_layout<Format>::blocks_a_group * 16 : 1];
  std::uint8_t lengths[packed_layout<Format>::blocks_a_group];
  for (std::size_t p = 0; p < Panels; ++p) {
    const std::size_t panel = first_panel + p < last_panel ? first_panel + p : last_panel - 1;
    decode_groups(layout, weights, panel, whole_groups, whole_groups + 1, values);
    const std::size_t runs =
        list_runs(layout, weights, panel, whole_groups, whole_groups + 1, units, offsets, lengths);
    for (std::size_t r = 0; r < Rows; ++r)
      multiply_tile<1, 1>({.activations = rows[r],
                           .values = values,
                           .value_stride = 0,
                           .units = units,
                           .offsets = Format::has_minimum ? offsets : nullptr,
                           .unit_stride = 0,
                           .sums = Format::has_minimum ? sums[r] + whole_groups * packed_layout<Format>::blocks_a_group : nullptr,
                           .sum_stride = 0,
                           .lengths = lengths,
                           .runs = runs,
                           .results = results + (p * Rows + r) * 16,
                           .result_stride = 0});
  }
}
/// The same for any number of panels, some side by side: a multiply-add takes as long as several can be begun.
template <class Format, std::size_t Rows>
void multiply_few_rows(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                       std::size_t last_panel, const float* const* activations, const float* const* sums,
                       float* results) noexcept {
  constexpr std::size_t abreast = few_panels[Rows / 2];
  std::size_t panel = first_panel;
  for (; last_panel - panel >= abreast; panel += abreast, results += abreast * Rows * 16)
    multiply_few<Format, Rows, abreast>(layout, weights, panel, last_panel, activations, sums, results);
  if constexpr (abreast != 1)
    if (panel != last_panel) {
      float all[abreast * Rows * 16];
      multiply_few<Format, Rows, abreast>(layout, weights, panel, last_panel, activations, sums, all);
      std::memcpy(results, all, (last_panel - panel) * Rows * 16 * sizeof(float));
    }
}

/// `count` numbers of a row as float32.
template <class Source>
void copy_numbers(const Source* from, std::size_t stride, float* to, std::size_t count) noexcept {
  if (stride != 1) {
    Source each[16];
    for (std::size_t i = 0; i < count; i += 16) {
      const std::size_t lanes = count - i < 16 ? count - i : 16;
      for (std::size_t j = 0; j != lanes; ++j)
        each[j] = from[(i + j) * stride];
      copy_numbers(each, 1, to + i, lanes);
    }
  } else if constexpr (std::is_same_v<Source, float>) {
    std::memcpy(to, from, count * sizeof(float));
  } else {
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16)
      store_words(to + i, load_numbers(from + i));
    if (i != count) {
      float values[16];
      store_words(values, load_rest(from + i, count - i));
      std::memcpy(to + i, values, (count - i) * sizeof(float));
    }
  }
}

/// A sum so far, which -ffast-math may not take apart.
FEWBITS_LANES float so_far(float sum) noexcept {
#if defined(__GNUC__) && defined(__SSE__)
  __asm__("" : "+x"(sum));
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__("" : "+w"(sum));
#elif defined(__GNUC__)
  __asm__("" : "+m"(sum));
#endif
  return sum;
}
/// Sums of the runs of some groups of a row, each from +0 in order of columns. `row` and `sums` point at the first.
template <class Format>
void add_up_runs(const packed_layout<Format>& layout, std::size_t first, std::size_t last, const float* row,
                 float* sums) noexcept {
  for (std::size_t g = first; g != last; ++g) {
    const std::size_t columns = layout.columns_in_group(g);
    for (std::size_t run = 0; run * packed_layout<Format>::run_columns < columns; ++run) {
      const std::size_t left = columns - run * packed_layout<Format>::run_columns;
      float sum = 0.0f;
      for (std::size_t k = left < packed_layout<Format>::run_columns ? left : packed_layout<Format>::run_columns; k != 0; --k)
        sum = so_far(sum + *row++);
      *sums++ = sum;
    }
  }
}

/// From sums to the output's rows: x tensor scale + bias with one rounding, + factor x addend with one more, the
/// activation, one rounding to the output's type. Every NaN of the sums becomes 7fc00000.
template <class Out, class Addend>
void finish_rows(const finish_job& job, const matrix_view<Out>& out, const matrix_view<const Addend>& addend) noexcept {
  float piece[panels_a_block * 16];
  float added[panels_a_block * 16];
  for (std::size_t r = 0; r != job.rows; ++r) {
    const std::size_t row = job.first_row + r;
    if (addend.data() != nullptr)
      copy_numbers(&addend(row, job.first_column), addend.column_stride_elements(), added, job.columns);
    for (std::size_t c = 0; c < job.columns; c += 16) {
      floats value = load_floats(job.results + c / 16 * job.result_stride + r * 16);
      if (job.bias != nullptr) {
        float biases[16] = {};
        const float* bias = job.bias + job.first_column + c;
        if (job.columns - c < 16) {
          std::memcpy(biases, bias, (job.columns - c) * sizeof(float));
          bias = biases;
        }
        value = job.scales ? multiply_add(value, fill_floats(job.tensor_scale), load_floats(bias))
                           : add(value, load_floats(bias));
      } else if (job.scales) {
        value = multiply(value, fill_floats(job.tensor_scale));
      }
      if (addend.data() != nullptr)
        value = multiply_add(fill_floats(job.addend_factor), load_floats(added + c), value);
      const words bits = as_words(value);
      store_words(piece + c, select(greater(bit_and(bits, fill(0x7fffffffu)), fill(0x7f800000u)), fill(0x7fc00000u),
                                    bits));
    }
    if (job.activation.apply != nullptr)
      job.activation.apply(job.activation.functor, piece, job.columns);
    Out* const to = &out(row, job.first_column);
    const std::size_t stride = out.column_stride_elements();
    if (stride == 1 && std::is_same_v<Out, float>) {
      std::memcpy(to, piece, job.columns * sizeof(float));
      continue;
    }
    for (std::size_t c = 0; c < job.columns; c += 16) {
      const std::size_t lanes = job.columns - c < 16 ? job.columns - c : 16;
      Out numbers[16];
      if constexpr (std::is_same_v<Out, float>)
        std::memcpy(numbers, piece + c, sizeof numbers);
      else
        store_halves(numbers, narrow_lanes<Out, std::remove_const_t<decltype(operator_encoding)>>(
                                  load_words(piece + c), fill(0))
                                  .codes);
      if (stride == 1)
        std::memcpy(static_cast<void*>(to + c), numbers, lanes * sizeof(Out));
      else
        for (std::size_t i = 0; i != lanes; ++i)
          to[(c + i) * stride] = numbers[i];
    }
  }
}

/// What a product calls, for one format of weights.
template <class Format>
constexpr product_kernels<Format> product_kernels_of() noexcept {
  product_kernels<Format> kernels{.many_rows = multiply_many<Format>,
                                  .add_up_runs = add_up_runs<Format>,
                                  .list_runs = list_runs<Format>,
                                  .slice_groups = slice_groups,
                                  .room_floats = slice_room_floats<Format>()};
  if constexpr (unrolls_columns && packed_layout<Format>::is_dense) {
    kernels.few_rows[0] = multiply_few_rows<Format, 1>;
    kernels.few_rows[1] = multiply_few_rows<Format, 2>;
    kernels.few_rows[2] = multiply_few_rows<Format, 4>;
  }
  return kernels;
}
