// The panels of packed weights, decoded: sixteen rows side by side, a column or a run at a time. Included by every data
// sheet inside its region; built on its primitives alone. Elements that are Inf or NaN are not decoded here: their rows
// are done one by one elsewhere.

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

/// Values of finite elements whose codes lie at bits Place ... of each word; other bits are ignored. InRegisters: for a
/// multiply-add that follows, where a look-up of 32 magnitudes is cheaper; on the way to memory arithmetic is.
template <class Element, int Place, bool InRegisters>
FEWBITS_LANES floats element_lanes(words codes) noexcept {
  constexpr auto f = Element::format;
  constexpr widening way = widening_of<Element>();
  if constexpr (joins_bytes && Place % 4 == 0 && nibble_bytes_of<Element>.suffice) {
    return nibble_lanes<Element, Place>(codes);
  } else if constexpr (looks_up_magnitudes && Place % 8 == 0 && magnitude_bytes_of<Element>.suffice) {
    return byte_lanes<Element, Place>(codes);
  } else if constexpr (InRegisters && looks_up_magnitudes && widens_by_magnitudes<Element>) {
    return as_floats(with_bits(look_up(load_table32(value_table<Element>.data()), move_bits<-Place>(codes)),
                               fill(0x80000000u), move_bits<31 - f.magnitude_bits() - Place>(codes)));
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

/// Are loads cheaper than shifts for the codes' places? Where a table is looked up by a code's low bits alone.
template <class Format>
constexpr bool skips_bytes() noexcept {
  return shifts_by_loading && std::endian::native == std::endian::little && Format::element_bits == 4 &&
         widening_of<typename Format::element_type>() == widening::table;
}

/// Column Column of a group, sixteen rows. InRegisters: for a multiply-add that follows, bytes skipped by loading from
/// further on.
template <class Format, std::size_t Column, bool InRegisters = false>
FEWBITS_LANES floats column_lanes(const std::byte* group, words aid) noexcept {
  constexpr int bits = Format::element_bits;
  constexpr std::size_t word = Column * bits / 32;
  constexpr int first = static_cast<int>(Column * bits % 32);
  constexpr bool straddles = first + bits > 32;
  // Whole bytes are skipped by where a load begins, up to three bytes past a group: scales lie behind the last one.
  constexpr int skipped = InRegisters && skips_bytes<Format>() && !straddles ? first / 8 : 0;
  constexpr int place = straddles ? 0 : first - 8 * skipped;
  words codes = little_words(group + word * 64 + skipped);
  if constexpr (straddles)
    codes = bit_or(shift_right<first>(codes), shift_left<32 - first>(little_words(group + (word + 1) * 64)));
  if constexpr (Format::has_shapes) {
    codes = bit_or(bit_and(move_bits<-place>(codes), fill((1u << bits) - 1)), aid);
    return element_lanes<typename Format::element_type, 0, InRegisters>(codes);
  } else {
    const floats value = element_lanes<typename Format::element_type, place, InRegisters>(codes);
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
  const floats value = element_lanes<typename Format::element_type, 0, false>(codes);
  if constexpr (Format::has_zero_point)
    return subtract(value, as_floats(aid));
  else
    return value;
}

/// Columns of a whole run of a group that is full.
template <class Format>
inline constexpr std::size_t whole_run = 32 / packed_layout<Format>::blocks_a_group;
/// How many of them are written out: as many as bring the codes back to the first bit of a word, at least eight. The
/// rest of a run is a loop over them, so that kernels are quick to compile.
template <class Format>
constexpr std::size_t written_columns() noexcept {
  std::size_t columns = 8;
  while (columns < whole_run<Format> &&
         (columns * packed_layout<Format>::bits % 32 != 0 || whole_run<Format> % columns != 0))
    ++columns;
  return columns < whole_run<Format> ? columns : whole_run<Format>;
}
/// Bytes of codes that those take, where they are not a whole run.
template <class Format>
inline constexpr std::size_t written_bytes = written_columns<Format>() * packed_layout<Format>::bits / 32 * 64;

template <class Format, std::size_t First, std::size_t... Columns>
FEWBITS_LANES void decode_columns(const std::byte* group, words aid, float* to,
                                  std::index_sequence<Columns...>) noexcept {
  (store_floats(to + Columns * 16, column_lanes<Format, First + Columns>(group, aid)), ...);
}
template <class Format, std::size_t First>
FEWBITS_LANES void decode_run(const std::byte* group, words aid, float* to) noexcept {
  constexpr std::size_t written = written_columns<Format>();
  FEWBITS_ROLL for (std::size_t left = whole_run<Format> / written; left != 0; --left) {
    decode_columns<Format, First>(group, aid, to, std::make_index_sequence<written>{});
    group += written_bytes<Format>;
    to += written * 16;
  }
}
template <class Format, std::size_t... Runs>
FEWBITS_LANES void decode_runs(const panel_streams<Format>& panel, std::size_t group, float* to,
                               std::index_sequence<Runs...>) noexcept {
  using packed = packed_layout<Format>;
  const std::byte* codes = panel.codes + group * packed::group_bytes;
  (decode_run<Format, Runs * whole_run<Format>>(codes, aid_lanes(panel, packed::block_of(group, Runs)),
                                                to + Runs * whole_run<Format> * 16),
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
    for (std::size_t line = 0; line < packed::group_bytes; line += 64)
      prefetch(codes + line + prefetch_bytes);
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
