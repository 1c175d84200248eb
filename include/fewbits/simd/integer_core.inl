// Products of integer weights and integer activations: exact sums of a run in int32, then one multiply-add of float32.
// Included inside a region by every data sheet that has a `dot`. Sheets that add a dot product to the lanes of another
// one see two functions of that name: in parentheses, `dot` is the one of the sheet, not one that its arguments bring.

/// Shape of the loops for a format of weights: what a word of codes comes to; signed for tiles.
template <class Format, bool MayBeUnsigned = true>
struct integer_decoder {
  using element = typename Format::element_type;
  static constexpr int bits = Format::element_bits;
  static constexpr integer_range range = integer_range_of<element>;
  static constexpr bool is_unsigned = MayBeUnsigned && dots_unsigned(range.lowest, range.highest);
  /// What is added to every integer; the sums begin with its opposite times the sum of activations.
  static constexpr int offset = is_unsigned ? -range.lowest : 0;
  /// Words of codes that are decoded at once, and words of four bytes that they come to.
  static constexpr std::size_t taken = bits == 6 ? 3 : 1;
  static constexpr std::size_t given = bits == 6 ? 4 : 8 / bits;
  static_assert(bits == 1 || bits == 2 || bits == 4 || bits == 6 || bits == 8);
  static constexpr std::size_t steps_a_group = bits / taken;

  std::conditional_t<bits == 6, byte_table64, byte_table> table;

  FEWBITS_LANES static integer_decoder load() noexcept {
    if constexpr (bits == 6) {
      static constexpr std::array<std::uint8_t, 64> entries = integer_table<element, 64>(offset);
      return {load_byte_table64(entries.data())};
    } else {
      static constexpr std::array<std::uint8_t, 16> entries = integer_table<element, 16>(bits == 8 ? 0 : offset);
      return {load_byte_table(entries.data())};
    }
  }
  struct codes {
    words at[taken];
  };
  FEWBITS_LANES static codes load_codes(const std::byte* from) noexcept {
    codes all;
    for (std::size_t i = 0; i != taken; ++i)
      all.at[i] = little_words(from + 64 * i);
    return all;
  }
  /// Bytes `part`, `part` + given, ... of a word's codes; of 6 bits four neighbours.
  template <std::size_t Part>
  FEWBITS_LANES words decode(const codes& from) const noexcept {
    if constexpr (bits == 8) {
      // Integers of 8 bits are their codes, and 128 more is the other sign bit.
      static_assert(is_fixed_point<element>);
      return is_unsigned ? bit_xor(from.at[0], fill(0x80808080)) : from.at[0];
    } else if constexpr (bits == 6) {
      // 24 bits of three words, apart by halves, then by bytes: bbbbbbaa'aaaa'.. to 00bbbbbb'00aaaaaa.
      words four = from.at[Part == 3 ? 2 : Part];
      if constexpr (Part == 1)
        four = bit_or(shift_right<24>(from.at[0]), shift_left<8>(four));
      else if constexpr (Part == 2)
        four = bit_or(shift_right<16>(from.at[1]), shift_left<16>(four));
      else if constexpr (Part == 3)
        four = shift_right<8>(four);
      four = bit_or(bit_and(four, fill(0x00000fff)), bit_and(shift_left<4>(four), fill(0x0fff0000)));
      four = bit_or(bit_and(four, fill(0x003f003f)), bit_and(shift_left<2>(four), fill(0x3f003f00)));
      return look_up_bytes(table, four);
    } else {
      constexpr std::uint32_t low = (1u << bits) - 1;
      return look_up_bytes(table, bit_and(shift_right<bits * static_cast<int>(Part)>(from.at[0]), fill(low * 0x01010101u)));
    }
  }
};

template <class Format, bool MayBeUnsigned, std::size_t... Parts>
FEWBITS_LANES void decode_step(const integer_decoder<Format, MayBeUnsigned>& decode, const std::byte* codes,
                               std::byte* to, std::index_sequence<Parts...>) noexcept {
  const auto from = decode.load_codes(codes);
  (store_words(to + 64 * Parts, decode.template decode<Parts>(from)), ...);
}
/// Integers of some groups of a panel, [group][8][64 bytes].
template <class Format, bool MayBeUnsigned = true>
FEWBITS_NOINLINE void decode_integers(const std::byte* codes, std::size_t groups, std::byte* to) noexcept {
  using decoder = integer_decoder<Format, MayBeUnsigned>;
  const decoder decode = decoder::load();
  for (std::size_t step = 0; step != groups * decoder::steps_a_group; ++step) {
    for (std::size_t i = 0; i != decoder::taken; ++i)  // the next slice's
      prefetch(codes + 64 * (i + groups * static_cast<std::size_t>(decoder::bits)));
    decode_step(decode, codes, to, std::make_index_sequence<decoder::given>{});
    codes += 64 * decoder::taken;
    to += 64 * decoder::given;
  }
}

/// Rows of activations against some runs of panels whose integers are decoded: one kernel for all formats.
template <std::size_t Rows, bool Unsigned, run_scaling Scaling>
FEWBITS_NOINLINE void multiply_integer_tile(const integer_tile_job& job) noexcept {
  constexpr std::size_t panels = integer_tile_panels;
  integer_activations a = job.activations;
  const std::byte* integers[panels];
  integer_run_lists lists[panels];
  float* results[panels];
  FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) {
    integers[p] = job.integers[p];
    lists[p] = job.lists[p];
    results[p] = job.results[p];
  }
  std::size_t words_left = job.words;
  for (std::size_t run = job.runs; run != 0; --run) {
    words sum[Rows][panels];
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
      const words start = Unsigned ? fill(static_cast<std::uint32_t>(a.starts[r])) : fill(0);
      FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) sum[r][p] = start;
    }
    const std::size_t count = words_left < job.words_a_run ? words_left : job.words_a_run;
    std::size_t word = count;
    do {  // a run has words; a loop that could do nothing would cost a copy of every sum
      words weights[panels];
      FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) {
        weights[p] = load_words(integers[p]);
        integers[p] += 64;
      }
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
        const words four = four_integers(a.codes + r * integer_row_bytes);
        FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) sum[r][p] =
            (dot<Unsigned>)(sum[r][p], weights[p], four);
      }
      a.codes += 4;
    } while (--word != 0);
    words_left -= count;
    floats unit[panels];
    FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) unit[p] = load_floats(lists[p].units);
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
      floats result[panels];  // all are read before one is written: the two panels may be one
      FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) result[p] = load_floats(results[p] + r * 16);
      FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) store_floats(
          results[p] + r * 16,
          add_integer_run<Scaling>(sum[r][p], unit[p], lists[p], a, r, result[p]));
    }
    FEWBITS_UNROLL for (std::size_t p = 0; p < panels; ++p) lists[p] = next_run<Scaling>(lists[p]);
    a = next_run<Scaling>(a);
  }
}
/// A tile's most rows are more than half of the most, or more than few.
inline constexpr std::size_t least_integer_tile_rows =
    few_integer_rows + 1 < (integer_tile_rows + 1) / 2 ? few_integer_rows + 1 : (integer_tile_rows + 1) / 2;
template <bool Unsigned, run_scaling Scaling, std::size_t... Rows>
void multiply_integer_tile_of(std::size_t rows, const integer_tile_job& job, std::index_sequence<Rows...>) noexcept {
  using kernel = void (*)(const integer_tile_job&) noexcept;
  static constexpr kernel kernels[] = {multiply_integer_tile<Rows + least_integer_tile_rows, Unsigned, Scaling>...};
  kernels[rows - least_integer_tile_rows](job);
}

/// Parts of a word take turns: a chain of all of them would wait for its dot products.
template <class Format, std::size_t Rows, std::size_t Chains, std::size_t... Parts>
FEWBITS_LANES void add_step(const integer_decoder<Format>& decode, const std::byte* from, const std::byte* codes,
                            words (&sum)[Rows][Chains], std::index_sequence<Parts...>) noexcept {
  const auto add_part = [&](words weights, std::size_t part, std::size_t chain) noexcept {
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r][chain] = (dot<integer_decoder<Format>::is_unsigned>)(
        sum[r][chain], weights, four_integers(codes + r * integer_row_bytes + part * 4));
  };
  const auto step = decode.load_codes(from);
  (add_part(decode.template decode<Parts>(step), Parts, Parts % Chains), ...);
}
/// Few rows against one panel, weights decoded on their way.
template <class Format, std::size_t Rows, std::size_t RunsAGroup, run_scaling Scaling>
FEWBITS_NOINLINE void multiply_few_integers(const packed_layout<Format>& layout, const packed_streams& weights,
                                            std::size_t panel_index, std::size_t groups_a_run,
                                            const integer_activations& activations, std::size_t first_row,
                                            float* results) noexcept {
  using packed = packed_layout<Format>;
  using decoder = integer_decoder<Format>;
  constexpr std::size_t chains = decoder::given == 1 ? 1 : 2;
  const panel_streams<Format> panel = panel_of(layout, weights, panel_index);
  const decoder decode = decoder::load();
  floats result[Rows];
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r] = fill_floats(0.0f);
  const std::byte* from = panel.codes;
  integer_activations a = activations_at(activations, 0, 0, first_row);
  for (std::size_t group = 0; group < layout.groups(); group += groups_a_run) {
    const std::size_t groups = layout.groups() - group < groups_a_run ? layout.groups() - group : groups_a_run;
    const std::size_t steps_a_run = groups * decoder::steps_a_group / RunsAGroup;
    if (group % integer_slice_groups == 0)
      a.codes = activations.slice_at(group, first_row);
    for (std::size_t part = 0; part != RunsAGroup; ++part) {
      if (RunsAGroup != 1 && group * 32 + part * (32 / RunsAGroup) >= layout.columns())
        break;  // the blocks past the last column have no scale
      const std::size_t block = packed::block_of(group, part * packed::blocks_a_group / RunsAGroup);
      words sum[Rows][chains];
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) {
        sum[r][chains - 1] = fill(0);
        sum[r][0] = decoder::is_unsigned ? fill(static_cast<std::uint32_t>(a.starts[r])) : fill(0);
      }
      for (std::size_t step = 0; step != steps_a_run; ++step) {
        for (std::size_t i = 0; i != decoder::taken; ++i)
          prefetch(from + 64 * i + prefetch_bytes);
        add_step<Format>(decode, from, a.codes, sum, std::make_index_sequence<decoder::given>{});
        from += 64 * decoder::taken;
        a.codes += 4 * decoder::given;
      }
      std::int32_t zeros[16];
      float offsets[16];
      if constexpr (Format::has_zero_point)
        store_words(zeros, zero_lanes(panel, block));
      if constexpr (Format::has_minimum)
        store_floats(offsets, offset_lanes(panel, block));
      const floats unit = unit_lanes(panel, block);
      const integer_run_lists lists{.units = nullptr,
                                    .zeros = Format::has_zero_point ? zeros : nullptr,
                                    .offsets = Format::has_minimum ? offsets : nullptr};
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r] = add_integer_run<Scaling>(
          chains == 1 ? sum[r][0] : add(sum[r][0], sum[r][chains - 1]), unit, lists, a, r, result[r]);
      a = next_run<Scaling>(a);
    }
  }
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) store_floats(results + r * 16, result[r]);
}

/// Bytes of room for what is decoded of a panel: integers, then units, zero points, offsets.
template <class Format, std::size_t RunsAGroup>
constexpr std::size_t integer_panel_bytes() noexcept {
  constexpr std::size_t lists = 1 + (Format::has_zero_point ? 1 : 0) + (Format::has_minimum ? 1 : 0);
  return integer_slice_groups * (512 + RunsAGroup * lists * 64);
}
template <class Format, std::size_t RunsAGroup>
constexpr integer_run_lists lists_in(std::byte* room) noexcept {
  constexpr std::size_t list_floats = integer_slice_groups * RunsAGroup * 16;
  auto* const units = reinterpret_cast<float*>(room + integer_slice_groups * 512);
  return {.units = units,
          .zeros = Format::has_zero_point ? reinterpret_cast<std::int32_t*>(units + list_floats) : nullptr,
          .offsets = Format::has_minimum ? units + list_floats : nullptr};
}
template <class Format, std::size_t RunsAGroup>
constexpr std::size_t integer_room_bytes() noexcept {
  return integer_tile_panels * integer_panel_bytes<Format, RunsAGroup>();
}

/// Results of panels [first_panel, last_panel) for rows [first_row, first_row + rows): [panel][row][16], overwritten.
/// `room` lies on a 64-byte boundary. Rows with one scale have it applied at the end.
template <class Format, std::size_t RunsAGroup, run_scaling Scaling>
void multiply_integers(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                       std::size_t last_panel, std::size_t groups_a_run, const integer_activations& a,
                       std::size_t first_row, std::size_t rows, float* results, std::byte* room) noexcept {
  using decoder = integer_decoder<Format>;
  for (std::size_t p = first_panel; p < last_panel;) {
    std::size_t panels = 1;
    if (rows <= few_integer_rows) {
      std::size_t row = 0;
      for (; row + 2 <= rows; row += 2)
        multiply_few_integers<Format, 2, RunsAGroup, Scaling>(layout, weights, p, groups_a_run, a, first_row + row,
                                                              results + row * 16);
      if (row != rows)
        multiply_few_integers<Format, 1, RunsAGroup, Scaling>(layout, weights, p, groups_a_run, a, first_row + row,
                                                              results + row * 16);
    } else {
      panels = last_panel - p < integer_tile_panels ? last_panel - p : integer_tile_panels;
      for (std::size_t i = 0; i != panels * rows; ++i)
        store_floats(results + i * 16, fill_floats(0.0f));
      integer_tile_job job{.integers = {},
                           .lists = {},
                           .results = {},
                           .words = 0,
                           .words_a_run = groups_a_run * 8 / RunsAGroup,
                           .runs = 0,
                           .activations = {}};
      for (std::size_t i = 0; i != integer_tile_panels; ++i) {
        std::byte* const integers = room + (i < panels ? i : 0) * integer_panel_bytes<Format, RunsAGroup>();
        job.integers[i] = integers;
        job.lists[i] = lists_in<Format, RunsAGroup>(integers);
      }
      const std::size_t tiles = (rows + integer_tile_rows - 1) / integer_tile_rows;
      for (std::size_t group = 0; group < layout.groups(); group += integer_slice_groups) {
        const std::size_t left = layout.groups() - group;
        const std::size_t groups = left < integer_slice_groups ? left : integer_slice_groups;
        for (std::size_t i = 0; i != panels; ++i) {
          const panel_streams<Format> panel = panel_of(layout, weights, p + i);
          decode_integers<Format>(panel.codes + group * packed_layout<Format>::group_bytes, groups,
                                  room + i * integer_panel_bytes<Format, RunsAGroup>());
          job.runs = list_integer_runs<Format, RunsAGroup>(layout, panel, group, group + groups, groups_a_run,
                                                           job.lists[i]);
        }
        job.words = groups * 8;
        for (std::size_t t = 0, row = 0; t != tiles; ++t) {
          const std::size_t next = (t + 1) * rows / tiles;
          for (std::size_t i = 0; i != integer_tile_panels; ++i)
            job.results[i] = results + ((i < panels ? i : 0) * rows + row) * 16;
          job.activations = activations_at(a, group, group / groups_a_run * RunsAGroup, first_row + row);
          multiply_integer_tile_of<decoder::is_unsigned, Scaling>(
              next - row, job, std::make_index_sequence<integer_tile_rows + 1 - least_integer_tile_rows>{});
          row = next;
        }
      }
    }
    if (a.row_units != nullptr)
      for (std::size_t i = 0; i != panels; ++i)
        for (std::size_t r = 0; r != rows; ++r) {
          float* const result = results + (i * rows + r) * 16;
          store_floats(result, multiply(load_floats(result), fill_floats(a.row_units[first_row + r])));
        }
    p += panels;
    results += panels * rows * 16;
  }
}
