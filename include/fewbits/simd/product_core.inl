// Products of float32 activations and packed weights. Included by every data sheet inside its region; built on its
// primitives alone. A lane is a row of weights, so an output's terms are added in one order whatever the width of a
// register, the number of threads and the rows computed together:
//   for each run of at most 32 columns of one block: s = fma(a, element, s) from +0 in order of columns;
//   result = fma(s, unit, result); with minimums also result = fma(sum of the run's a, offset, result).
// Elements that are Inf or NaN are not decoded here: their rows are done one by one elsewhere.

FEWBITS_LANES words little_words(const void* from) noexcept {
  const words loaded = load_words(from);
  if constexpr (std::endian::native == std::endian::little) {
    return loaded;
  } else {
    const words swapped = bit_or(bit_and(shift_left<8>(loaded), fill(0xff00ff00u)),
                                 bit_and(shift_right<8>(loaded), fill(0x00ff00ffu)));
    return bit_or(shift_left<16>(swapped), shift_right<16>(swapped));
  }
}
FEWBITS_LANES words little_halves(const void* from) noexcept {
  const words loaded = load_halves(from);
  if constexpr (std::endian::native == std::endian::little)
    return loaded;
  else
    return bit_or(bit_and(shift_left<8>(loaded), fill(0xff00u)), shift_right<8>(loaded));
}
FEWBITS_LANES floats load_floats(const float* from) noexcept { return as_floats(load_words(from)); }
FEWBITS_LANES void store_floats(float* to, floats lanes) noexcept { store_words(to, as_words(lanes)); }

/// Left by Count bits, right where it is negative.
template <int Count>
FEWBITS_LANES words move_bits(words lanes) noexcept {
  if constexpr (Count > 0)
    return shift_left<Count>(lanes);
  else if constexpr (Count < 0)
    return shift_right<-Count>(lanes);
  else
    return lanes;
}

/// Sixteen parameters of a stream as float32.
template <class T>
FEWBITS_LANES floats parameter_lanes(const std::byte* stream, std::size_t block) noexcept {
  const std::byte* at = stream + block * (16 * sizeof(T));
  if constexpr (std::is_same_v<T, float>) {
    return as_floats(little_words(at));
  } else if constexpr (packing::is_power_scale<T>()) {
    const words codes = load_bytes(at);
    const words lowest = select(equal(codes, fill(0)), fill(0x00400000), shift_left<23>(codes));
    return as_floats(select(equal(codes, fill(255)), fill(0x7fc00000), lowest));
  } else if constexpr (sizeof(T) == 1) {
    return as_floats(widen_lanes<T>(load_bytes(at)));
  } else {
    return as_floats(widen_lanes<T>(little_halves(at)));
  }
}

/// The streams of one panel.
template <class Format>
struct panel_streams {
  using types = packed_types<Format>;
  const std::byte* codes;
  const std::byte* scales;
  const std::byte* zeros;
  const std::byte* supers;
  const std::byte* super_minimums;
  float tensor_scale;
};
template <class Format>
FEWBITS_LANES panel_streams<Format> panel_of(const packed_layout<Format>& layout, const packed_streams& weights,
                                             std::size_t panel) noexcept {
  using types = packed_types<Format>;
  return {weights.codes + panel * layout.code_bytes_a_panel(),
          weights.scales + panel * layout.template parameters_a_panel<typename types::scale>(),
          weights.zeros + panel * layout.template parameters_a_panel<typename types::zero>(),
          weights.supers + panel * layout.template supers_a_panel<typename types::super>(),
          weights.super_minimums + panel * layout.template supers_a_panel<typename types::super_minimum>(),
          weights.tensor_scale};
}

/// What multiplies a run's sum.
template <class Format>
FEWBITS_LANES floats unit_lanes(const panel_streams<Format>& panel, std::size_t block) noexcept {
  using types = packed_types<Format>;
  floats unit = parameter_lanes<typename types::scale>(panel.scales, block);
  if constexpr (Format::has_super_scale) {
    const floats super = parameter_lanes<typename types::super>(panel.supers, block / Format::super_count);
    if constexpr (Format::has_tensor_offset)
      unit = multiply_add(unit, super, fill_floats(panel.tensor_scale));
    else
      unit = multiply(unit, super);
  }
  if constexpr (Format::has_minimum && Format::has_tensor_scale)
    unit = multiply(unit, fill_floats(panel.tensor_scale));
  return unit;
}
/// What multiplies the sum of a run's activations, in formats with minimums.
template <class Format>
FEWBITS_LANES floats offset_lanes(const panel_streams<Format>& panel, std::size_t block) noexcept {
  using types = packed_types<Format>;
  floats offset = parameter_lanes<typename types::zero>(panel.zeros, block);
  if constexpr (Format::has_super_minimum) {
    offset = multiply(offset, parameter_lanes<typename types::super_minimum>(panel.super_minimums,
                                                                             block / Format::super_count));
    offset = as_floats(bit_xor(as_words(offset), fill(0x80000000u)));
  }
  return offset;
}
/// What elements need beside their code: the zero point's bits as a float32, or the shape as high bits of the code.
template <class Format>
FEWBITS_LANES words aid_lanes(const panel_streams<Format>& panel, std::size_t block) noexcept {
  if constexpr (Format::has_zero_point)
    return as_words(parameter_lanes<typename packed_types<Format>::zero>(panel.zeros, block));
  else if constexpr (Format::has_shapes)
    return shift_left<Format::element_bits>(load_bytes(panel.zeros + block * 16));
  else
    return fill(0);
}

/// Nibble Place / 4 of each word as a number, by two look-ups of bytes for four nibbles. For elements whose values are
/// bf16. The steps that columns share are done once: a compiler sees that they are the same.
template <class Element, int Place>
FEWBITS_LANES floats nibble_lanes(words codes) noexcept {
  const words index = bit_and(Place / 4 % 2 != 0 ? shift_right<4>(codes) : codes, fill(0x0f0f0f0fu));
  const words high = look_up_bytes(load_byte_table(nibble_bytes_of<Element>.high.data()), index);
  const words low = look_up_bytes(load_byte_table(nibble_bytes_of<Element>.low.data()), index);
  const words pairs = Place / 8 % 2 != 0 ? join_odd_bytes(high, low) : join_even_bytes(high, low);
  return as_floats(Place < 16 ? shift_left<16>(pairs) : bit_and(pairs, fill(0xffff0000u)));
}

/// Byte Place / 8 of each word as a number of either sign, by two look-ups of bytes for all four.
template <class Element, int Place>
FEWBITS_LANES floats byte_lanes(words codes) noexcept {
  const words magnitude = look_up_magnitudes(load_magnitudes(magnitude_bytes_of<Element>.high.data()), codes);
  const words high = bit_or(magnitude, bit_and(codes, fill(0x80808080u)));
  const words low = look_up_magnitudes(load_magnitudes(magnitude_bytes_of<Element>.low.data()), codes);
  const words pairs = Place / 8 % 2 != 0 ? join_odd_bytes(high, low) : join_even_bytes(high, low);
  return as_floats(Place < 16 ? shift_left<16>(pairs) : bit_and(pairs, fill(0xffff0000u)));
}

/// Values of finite elements whose codes lie at bits Place ... of each word; other bits are ignored.
template <class Element, int Place>
FEWBITS_LANES floats element_lanes(words codes) noexcept {
  constexpr auto f = Element::format;
  constexpr widening way = widening_of<Element>();
  if constexpr (joins_bytes && Place % 4 == 0 && nibble_bytes_of<Element>.suffice) {
    return nibble_lanes<Element, Place>(codes);
  } else if constexpr (looks_up_magnitudes && Place % 8 == 0 && magnitude_bytes_of<Element>.suffice) {
    return byte_lanes<Element, Place>(codes);
  } else if constexpr (way == widening::fields && f.bits() <= 8) {
    constexpr int to_place = 23 - f.mantissa_bits;
    constexpr auto exponents = static_cast<std::uint32_t>(127 - f.bias) << 23;
    constexpr float lowest =
        std::bit_cast<float>(static_cast<std::uint32_t>(127 + f.min_exponent()) << 23);  // the smallest normal number
    const words magnitude =
        bit_and(move_bits<to_place - Place>(codes), fill(static_cast<std::uint32_t>(f.magnitude_mask() << to_place)));
    const floats normal = as_floats(add(magnitude, fill(exponents)));
    // A subnormal number taken for a normal one is x with 2 x - lowest the right value, which is the smaller one there
    // and the larger one everywhere else. No subnormal of float32 comes into it.
    const floats value = smaller(normal, multiply_add(normal, fill_floats(2.0f), fill_floats(-lowest)));
    if constexpr (f.is_signed)
      return as_floats(bit_or(as_words(value),
                              bit_and(move_bits<31 - f.magnitude_bits() - Place>(codes), fill(0x80000000u))));
    else
      return value;
  } else if constexpr (way == widening::integer) {
    constexpr int above = 32 - f.bits();
    words integer;
    if constexpr (f.is_signed)
      integer = shift_right_signed<above>(move_bits<above - Place>(codes));
    else if constexpr (Place == above)
      integer = shift_right<above>(codes);
    else
      integer = bit_and(move_bits<-Place>(codes), fill(static_cast<std::uint32_t>(f.code_mask())));
    const floats value = from_integers(integer);
    if constexpr (f.fraction_bits == 0)
      return value;
    else
      return multiply(value, fill_floats(std::bit_cast<float>(static_cast<std::uint32_t>(127 - f.fraction_bits) << 23)));
  } else if constexpr (way == widening::one_by_one) {
    std::uint32_t each[16];
    store_words(each, move_bits<-Place>(codes));
    for (std::uint32_t& code : each)
      code = every_value<Element>[code & f.code_mask()];
    return as_floats(load_words(each));
  } else {
    return as_floats(widen_lanes<Element>(move_bits<-Place>(codes)));
  }
}

/// Column Column of a group, sixteen rows.
template <class Format, std::size_t Column>
FEWBITS_LANES floats column_lanes(const std::byte* group, words aid) noexcept {
  constexpr int bits = Format::element_bits;
  constexpr std::size_t word = Column * bits / 32;
  constexpr int first = static_cast<int>(Column * bits % 32);
  constexpr bool straddles = first + bits > 32;
  constexpr int place = straddles ? 0 : first;
  words codes = little_words(group + word * 64);
  if constexpr (straddles)
    codes = bit_or(shift_right<first>(codes), shift_left<32 - first>(little_words(group + (word + 1) * 64)));
  if constexpr (Format::has_shapes) {
    codes = bit_or(bit_and(move_bits<-place>(codes), fill((1u << bits) - 1)), aid);
    return element_lanes<typename Format::element_type, 0>(codes);
  } else {
    const floats value = element_lanes<typename Format::element_type, place>(codes);
    if constexpr (Format::has_zero_point)
      return subtract(value, as_floats(aid));
    else
      return value;
  }
}

/// The same for a column that is not known at compile time: a smaller and slower function.
template <class Format>
FEWBITS_LANES floats column_lanes_at(const std::byte* group, words aid, std::size_t column) noexcept {
  constexpr std::size_t bits = packed_layout<Format>::bits;
  const std::size_t word = column * bits / 32;
  const std::size_t first = column * bits % 32;
  words codes = shift_right_by(little_words(group + word * 64), fill(static_cast<std::uint32_t>(first)));
  if (32 % bits != 0 && first + bits > 32)
    codes = bit_or(codes, shift_left_by(little_words(group + (word + 1) * 64),
                                        fill(static_cast<std::uint32_t>(32 - first))));
  if constexpr (Format::has_shapes)
    codes = bit_or(bit_and(codes, fill((1u << bits) - 1)), aid);
  const floats value = element_lanes<typename Format::element_type, 0>(codes);
  if constexpr (Format::has_zero_point)
    return subtract(value, as_floats(aid));
  else
    return value;
}

template <class Format, std::size_t First, std::size_t... Columns>
FEWBITS_LANES void decode_columns(const std::byte* group, words aid, float* to,
                                  std::index_sequence<Columns...>) noexcept {
  (store_floats(to + (First + Columns) * 16, column_lanes<Format, First + Columns>(group, aid)), ...);
}
template <class Format, std::size_t... Runs>
FEWBITS_LANES void decode_runs(const panel_streams<Format>& panel, std::size_t group, float* to,
                               std::index_sequence<Runs...>) noexcept {
  using packed = packed_layout<Format>;
  constexpr std::size_t columns = 32 / sizeof...(Runs);
  const std::byte* codes = panel.codes + group * packed::group_bytes;
  (decode_columns<Format, Runs * columns>(codes, aid_lanes(panel, packed::block_of(group, Runs)), to,
                                          std::make_index_sequence<columns>{}),
   ...);
}

/// Elements [column][16] of some groups of a panel, without zero points.
template <class Format>
FEWBITS_NOINLINE void decode_groups(const packed_layout<Format>& layout, const packed_streams& weights,
                                    std::size_t panel_index, std::size_t first, std::size_t last, float* to) noexcept {
  using packed = packed_layout<Format>;
  const panel_streams<Format> panel = panel_of(layout, weights, panel_index);
  for (std::size_t g = first; g != last; ++g) {
    const std::byte* const codes = panel.codes + g * packed::group_bytes;
    prefetch(codes + prefetch_bytes);
    const std::size_t columns = layout.columns_in_group(g);
    if constexpr (unrolls_columns)
      if (columns == 32) {
        decode_runs(panel, g, to, std::make_index_sequence<packed::blocks_a_group>{});
        to += 32 * 16;
        continue;
      }
    for (std::size_t run = 0; run * packed::run_columns < columns; ++run) {
      const words aid = aid_lanes(panel, packed::block_of(g, run));
      const std::size_t end = (run + 1) * packed::run_columns < columns ? (run + 1) * packed::run_columns : columns;
      for (std::size_t k = run * packed::run_columns; k != end; ++k, to += 16)
        store_floats(to, column_lanes_at<Format>(codes, aid, k));
    }
  }
}

/// Units, offsets and lengths of the runs of some groups of a panel; returns how many runs there are.
template <class Format>
FEWBITS_NOINLINE std::size_t list_runs(const packed_layout<Format>& layout, const packed_streams& weights,
                                       std::size_t panel_index, std::size_t first, std::size_t last, float* units,
                                       float* offsets, std::uint8_t* lengths) noexcept {
  const panel_streams<Format> panel = panel_of(layout, weights, panel_index);
  std::size_t runs = 0;
  for (std::size_t g = first; g != last; ++g) {
    const std::size_t columns = layout.columns_in_group(g);
    for (std::size_t run = 0; run * packed_layout<Format>::run_columns < columns; ++run, ++runs) {
      const std::size_t block = layout.block_of(g, run);
      const std::size_t left = columns - run * packed_layout<Format>::run_columns;
      lengths[runs] = static_cast<std::uint8_t>(left < packed_layout<Format>::run_columns ? left : packed_layout<Format>::run_columns);
      store_floats(units + runs * 16, unit_lanes(panel, block));
      if constexpr (Format::has_minimum)
        store_floats(offsets + runs * 16, offset_lanes(panel, block));
    }
  }
  return runs;
}

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
        const floats each = fill_floats(a[r * job.activation_stride]);
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
/// `activations`: for every slice of groups its rows, each as long as the slice has columns.
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
    const std::size_t column = layout.first_column(group);
    const std::size_t columns = layout.first_column(end - 1) + layout.columns_in_group(end - 1) - column;
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
        const tile_job job{.activations = activations + stored_rows * column + (first_row + row) * columns,
                           .activation_stride = columns,
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

template <class Format, std::size_t Column, std::size_t Rows, std::size_t Panels>
FEWBITS_LANES void add_column(const std::byte* const (&groups)[Panels], const words (&aids)[Panels],
                              const float* const (&rows)[Rows], floats (&sum)[Rows][Panels]) noexcept {
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    const floats value = column_lanes<Format, Column>(groups[p], aids[p]);
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r][p] =
        multiply_add(fill_floats(rows[r][Column]), value, sum[r][p]);
  }
}
/// One run of a group, decoded in registers.
template <class Format, std::size_t First, std::size_t Rows, std::size_t Panels, std::size_t... Columns>
FEWBITS_LANES void add_run(const panel_streams<Format> (&panels)[Panels], std::size_t block,
                           const std::byte* const (&groups)[Panels], const float* const (&rows)[Rows],
                           const float* const (&sums)[Rows], std::size_t run, floats (&result)[Rows][Panels],
                           std::index_sequence<Columns...>) noexcept {
  words aids[Panels];
  floats sum[Rows][Panels];
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    aids[p] = aid_lanes(panels[p], block);
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r][p] = fill_floats(0.0f);
  }
  (add_column<Format, First + Columns>(groups, aids, rows, sum), ...);
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
  using layout = packed_layout<Format>;
  constexpr std::size_t columns = 32 / sizeof...(Runs);
  (add_run<Format, Runs * columns>(panels, layout::block_of(group, Runs), groups, rows, sums,
                                   group * sizeof...(Runs) + Runs, result,
                                   std::make_index_sequence<columns>{}),
   ...);
}

/// Results of Panels panels for Rows rows, [panel][row][16], weights decoded on their way. For dense formats.
/// `rows` point at float32 activations, `sums` at the sums of their runs.
template <class Format, std::size_t Rows, std::size_t Panels>
FEWBITS_NOINLINE void multiply_few(const packed_layout<Format>& layout, const packed_streams& weights,
                                   std::size_t first_panel, const float* const* activations,
                                   const float* const* sums_of_rows, float* results) noexcept {
  panel_streams<Format> panels[Panels];
  const std::byte* groups[Panels];
  const float* rows[Rows];
  const float* sums[Rows];
  floats result[Rows][Panels];
  FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) {
    panels[p] = panel_of(layout, weights, first_panel + p);
    groups[p] = panels[p].codes;
  }
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
    rows[r] = activations[r];
    sums[r] = sums_of_rows[r];
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) result[r][p] = fill_floats(0.0f);
  }
  const std::size_t whole_groups = layout.columns() / 32;
  for (std::size_t g = 0; g != whole_groups; ++g) {
    FEWBITS_UNROLL for (std::size_t p = 0; p < Panels; ++p) FEWBITS_UNROLL for (std::size_t line = 0; line < packed_layout<Format>::group_bytes;
                                                                        line += 64)
        prefetch(groups[p] + line + prefetch_bytes);
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
    const std::size_t panel = first_panel + p;
    decode_groups(layout, weights, panel, whole_groups, whole_groups + 1, values);
    const std::size_t runs =
        list_runs(layout, weights, panel, whole_groups, whole_groups + 1, units, offsets, lengths);
    for (std::size_t r = 0; r < Rows; ++r)
      multiply_tile<1, 1>({.activations = rows[r],
                           .activation_stride = 0,
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
/// The same for any number of panels.
template <class Format, std::size_t Rows>
void multiply_few_rows(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                       std::size_t last_panel, const float* const* activations, const float* const* sums,
                       float* results) noexcept {
  constexpr std::size_t abreast = Rows == 1 ? few_panels : 1;
  std::size_t panel = first_panel;
  for (; last_panel - panel >= abreast; panel += abreast, results += abreast * Rows * 16)
    multiply_few<Format, Rows, abreast>(layout, weights, panel, activations, sums, results);
  if constexpr (abreast == 1) {
    return;
  } else {
    // Panels that are left take the kernel of two rows, with the same row twice: one kernel less to compile.
    const float* const twice[2] = {activations[0], activations[0]};
    const float* const sums_twice[2] = {sums[0], sums[0]};
    for (; panel != last_panel; ++panel, results += 16) {
      float both[2 * 16];
      multiply_few<Format, 2, 1>(layout, weights, panel, twice, sums_twice, both);
      std::memcpy(results, both, 16 * sizeof(float));
    }
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
      Source numbers[16] = {};
      float values[16];
      std::memcpy(static_cast<void*>(numbers), from + i, (count - i) * sizeof(Source));
      store_words(values, load_numbers(numbers));
      std::memcpy(to + i, values, (count - i) * sizeof(float));
    }
  }
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
        sum += *row++;
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
