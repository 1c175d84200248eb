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
  /// Words of four bytes that a word of codes comes to, and those of a group of 32 columns.
  static constexpr int parts = 8 / bits;
  static_assert(bits == 1 || bits == 2 || bits == 4 || bits == 8);

  byte_table table;

  FEWBITS_LANES static integer_decoder load() noexcept {
    static constexpr std::array<std::uint8_t, 16> entries = integer_table<element>(bits == 8 ? 0 : offset);
    return {load_byte_table(entries.data())};
  }
  /// Bytes `part`, `part` + parts, ... of a word's codes.
  template <int Part>
  FEWBITS_LANES words decode(words codes) const noexcept {
    if constexpr (bits == 8) {
      // Integers of 8 bits are their codes, and 128 more is the other sign bit.
      static_assert(is_fixed_point<element>);
      return is_unsigned ? bit_xor(codes, fill(0x80808080)) : codes;
    } else {
      constexpr std::uint32_t low = (1u << bits) - 1;
      return look_up_bytes(table, bit_and(shift_right<bits * Part>(codes), fill(low * 0x01010101u)));
    }
  }
};

template <class Format, bool MayBeUnsigned, std::size_t... Parts>
FEWBITS_LANES void decode_word(const integer_decoder<Format, MayBeUnsigned>& decode, words codes, std::byte* to,
                               std::index_sequence<Parts...>) noexcept {
  (store_words(to + 64 * Parts, decode.template decode<static_cast<int>(Parts)>(codes)), ...);
}
/// Integers of some groups of a panel, [group][8][64 bytes].
template <class Format, bool MayBeUnsigned = true>
FEWBITS_NOINLINE void decode_integers(const std::byte* codes, std::size_t groups, std::byte* to) noexcept {
  using decoder = integer_decoder<Format, MayBeUnsigned>;
  constexpr auto parts = static_cast<std::size_t>(decoder::parts);
  const decoder decode = decoder::load();
  for (std::size_t word = 0; word != groups * static_cast<std::size_t>(decoder::bits); ++word) {
    prefetch(codes + 64 * word + prefetch_bytes);
    decode_word(decode, little_words(codes + 64 * word), to + 64 * parts * word, std::make_index_sequence<parts>{});
  }
}

/// Rows of activations against some runs of one panel whose integers are decoded: one kernel for all formats.
template <std::size_t Rows, bool Unsigned>
FEWBITS_NOINLINE void multiply_integer_tile(const integer_tile_job& job) noexcept {
  const integer_activations& a = job.activations;
  floats result[Rows];
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r] = load_floats(job.results + r * 16);
  const std::byte* integers = job.integers;
  const std::byte* codes = a.codes + job.first_row * a.row_bytes + job.first_word * 4;
  const std::int32_t* sums = a.sums + job.first_row * a.runs + job.first_run;
  const float* units = a.units != nullptr ? a.units + job.first_row * a.runs + job.first_run : nullptr;
  std::size_t words_left = job.words;
  for (std::size_t run = 0; run != job.runs; ++run) {
    words sum[Rows];
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r] =
        fill(static_cast<std::uint32_t>(-job.offset * sums[r * a.runs + run]));
    const std::size_t count = words_left < job.words_a_run ? words_left : job.words_a_run;
    for (std::size_t word = 0; word != count; ++word) {
      const words weights = load_words(integers);
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r] =
          (dot<Unsigned>)(sum[r], weights, four_integers(codes + r * a.row_bytes));
      integers += 64;
      codes += 4;
    }
    words_left -= count;
    const floats unit = load_floats(job.lists.units + run * 16);
    const std::int32_t* const zeros = job.lists.zeros != nullptr ? job.lists.zeros + run * 16 : nullptr;
    const float* const offsets = job.lists.offsets != nullptr ? job.lists.offsets + run * 16 : nullptr;
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r] =
        add_integer_run(sum[r], unit, zeros, offsets, sums[r * a.runs + run],
                        units != nullptr ? units + r * a.runs + run : nullptr, result[r]);
  }
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) store_floats(job.results + r * 16, result[r]);
}
template <bool Unsigned, std::size_t... Rows>
void multiply_integer_tile_of(std::size_t rows, const integer_tile_job& job, std::index_sequence<Rows...>) noexcept {
  using kernel = void (*)(const integer_tile_job&) noexcept;
  static constexpr kernel kernels[] = {multiply_integer_tile<Rows + 1, Unsigned>...};
  kernels[rows - 1](job);
}

template <class Format, std::size_t Rows, std::size_t... Parts>
FEWBITS_LANES void add_word(const integer_decoder<Format>& decode, words code, const std::byte* codes,
                            std::size_t row_bytes, words (&sum)[Rows], std::index_sequence<Parts...>) noexcept {
  const auto add_part = [&](words weights, std::size_t at) noexcept {
    FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r] =
        (dot<integer_decoder<Format>::is_unsigned>)(sum[r], weights, four_integers(codes + r * row_bytes + at));
  };
  (add_part(decode.template decode<static_cast<int>(Parts)>(code), Parts * 4), ...);
}
/// Few rows against one panel, weights decoded on their way.
template <class Format, std::size_t Rows, std::size_t RunsAGroup>
FEWBITS_NOINLINE void multiply_few_integers(const packed_layout<Format>& layout, const packed_streams& weights,
                                            std::size_t panel_index, std::size_t groups_a_run,
                                            const integer_activations& a, std::size_t first_row,
                                            float* results) noexcept {
  using packed = packed_layout<Format>;
  using decoder = integer_decoder<Format>;
  constexpr auto parts = static_cast<std::size_t>(decoder::parts);
  const panel_streams<Format> panel = panel_of(layout, weights, panel_index);
  const decoder decode = decoder::load();
  floats result[Rows];
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r] = fill_floats(0.0f);
  const std::byte* from = panel.codes;
  const std::byte* codes = a.codes + first_row * a.row_bytes;
  const std::int32_t* sums = a.sums + first_row * a.runs;
  const float* units = a.units != nullptr ? a.units + first_row * a.runs : nullptr;
  std::size_t run = 0;
  for (std::size_t group = 0; group < layout.groups(); group += groups_a_run) {
    const std::size_t groups = layout.groups() - group < groups_a_run ? layout.groups() - group : groups_a_run;
    const std::size_t words_a_run = groups * static_cast<std::size_t>(decoder::bits) / RunsAGroup;
    for (std::size_t part = 0; part != RunsAGroup; ++part, ++run) {
      if (RunsAGroup != 1 && group * 32 + part * (32 / RunsAGroup) >= layout.columns())
        break;  // the blocks past the last column have no scale
      const std::size_t block = packed::block_of(group, part * packed::blocks_a_group / RunsAGroup);
      words sum[Rows];
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) sum[r] =
          fill(static_cast<std::uint32_t>(-decoder::offset * sums[r * a.runs + run]));
      for (std::size_t word = 0; word != words_a_run; ++word) {
        prefetch(from + prefetch_bytes);
        add_word<Format>(decode, little_words(from), codes, a.row_bytes, sum, std::make_index_sequence<parts>{});
        from += 64;
        codes += parts * 4;
      }
      std::int32_t zeros[16];
      float offsets[16];
      if constexpr (Format::has_zero_point)
        store_words(zeros, zero_lanes(panel, block));
      if constexpr (Format::has_minimum)
        store_floats(offsets, offset_lanes(panel, block));
      const floats unit = unit_lanes(panel, block);
      FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) result[r] = add_integer_run(
          sum[r], unit, Format::has_zero_point ? zeros : nullptr, Format::has_minimum ? offsets : nullptr,
          sums[r * a.runs + run], units != nullptr ? units + r * a.runs + run : nullptr, result[r]);
    }
  }
  FEWBITS_UNROLL for (std::size_t r = 0; r < Rows; ++r) store_floats(results + r * 16, result[r]);
}

/// Bytes of room for what is decoded of a panel: integers, then units, zero points, offsets.
template <class Format, std::size_t RunsAGroup>
constexpr std::size_t integer_room_bytes() noexcept {
  constexpr std::size_t lists = 1 + (Format::has_zero_point ? 1 : 0) + (Format::has_minimum ? 1 : 0);
  return integer_slice_groups * (512 + RunsAGroup * lists * 64);
}

/// Results of panels [first_panel, last_panel) for rows [first_row, first_row + rows): [panel][row][16], overwritten.
/// `room` lies on a 64-byte boundary. Rows with one scale have it applied at the end.
template <class Format, std::size_t RunsAGroup>
void multiply_integers(const packed_layout<Format>& layout, const packed_streams& weights, std::size_t first_panel,
                       std::size_t last_panel, std::size_t groups_a_run, const integer_activations& a,
                       std::size_t first_row, std::size_t rows, float* results, std::byte* room) noexcept {
  using decoder = integer_decoder<Format>;
  constexpr std::size_t list_floats = integer_slice_groups * RunsAGroup * 16;
  auto* const units = reinterpret_cast<float*>(room + integer_slice_groups * 512);
  const integer_run_lists lists{
      .units = units,
      .zeros = Format::has_zero_point ? reinterpret_cast<std::int32_t*>(units + list_floats) : nullptr,
      .offsets = Format::has_minimum ? units + list_floats : nullptr};
  for (std::size_t p = first_panel; p != last_panel; ++p, results += rows * 16) {
    if (rows <= few_integer_rows) {
      std::size_t row = 0;
      for (; row + 2 <= rows; row += 2)
        multiply_few_integers<Format, 2, RunsAGroup>(layout, weights, p, groups_a_run, a, first_row + row,
                                                     results + row * 16);
      if (row != rows)
        multiply_few_integers<Format, 1, RunsAGroup>(layout, weights, p, groups_a_run, a, first_row + row,
                                                     results + row * 16);
    } else {
      const panel_streams<Format> panel = panel_of(layout, weights, p);
      for (std::size_t i = 0; i != rows; ++i)
        store_floats(results + i * 16, fill_floats(0.0f));
      const std::size_t tiles = (rows + integer_tile_rows - 1) / integer_tile_rows;
      for (std::size_t group = 0; group < layout.groups(); group += integer_slice_groups) {
        const std::size_t left = layout.groups() - group;
        const std::size_t groups = left < integer_slice_groups ? left : integer_slice_groups;
        decode_integers<Format>(panel.codes + group * packed_layout<Format>::group_bytes, groups, room);
        const std::size_t runs =
            list_integer_runs<Format, RunsAGroup>(layout, panel, group, group + groups, groups_a_run, lists);
        for (std::size_t t = 0, row = 0; t != tiles; ++t) {
          const std::size_t next = (t + 1) * rows / tiles;
          multiply_integer_tile_of<decoder::is_unsigned>(next - row,
                                                         {.integers = room,
                                                          .words = groups * 8,
                                                          .words_a_run = groups_a_run * 8 / RunsAGroup,
                                                          .first_word = group * 8,
                                                          .first_run = group / groups_a_run * RunsAGroup,
                                                          .runs = runs,
                                                          .offset = decoder::offset,
                                                          .lists = lists,
                                                          .activations = a,
                                                          .first_row = first_row + row,
                                                          .results = results + row * 16},
                                                         std::make_index_sequence<integer_tile_rows>{});
          row = next;
        }
      }
    }
    if (a.row_units != nullptr)
      for (std::size_t r = 0; r != rows; ++r)
        store_floats(results + r * 16,
                     multiply(load_floats(results + r * 16), fill_floats(a.row_units[first_row + r])));
  }
}
