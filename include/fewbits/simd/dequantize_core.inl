// Rows of codes back to values. Included by every data sheet inside its region. A value is one rounding of an exact
// product; a block whose unit is out of the window in simd/block_data.hpp is left to the reference.

/// Values of sixteen codes of a block.
template <class Format>
FEWBITS_LANES words decode_piece(const decode_plan& plan, [[maybe_unused]] float tensor, words codes) noexcept {
  using element = typename Format::element_type;
  floats value;
  if constexpr (Format::has_zero_point) {
    value = from_integers(subtract(integer_lanes<element>(codes), fill(static_cast<std::uint32_t>(plan.zero))));
  } else if constexpr (Format::has_shapes) {
    constexpr std::uint32_t low = (1u << Format::element_bits) - 1;
    value = as_floats(widen_lanes<element>(
        bit_or(bit_and(codes, fill(low)), fill(static_cast<std::uint32_t>(plan.shape) << Format::element_bits))));
  } else {
    value = as_floats(widen_lanes<element>(codes));
  }
  const floats unit = fill_floats(plan.unit);
  words made;
  if constexpr (Format::has_minimum)
    made = as_words(multiply_add(value, unit, as_floats(fill(plan.offset_bits))));
  else if constexpr (Format::has_tensor_scale)
    made = as_words(multiply(rounded(multiply(value, unit)), fill_floats(tensor)));  // the first product is exact
  else
    made = as_words(multiply(value, unit));
  if constexpr (fewbits::detail::has_nan<element>())  // one NaN, whatever the machine makes of it
    made = select(greater(bit_and(made, fill(0x7fffffff)), fill(0x7f800000)), fill(0x7fc00000), made);
  return made;
}
template <class Format>
FEWBITS_LANES void decode_run(const decode_plan& plan, float tensor, const std::byte* from, float* to,
                              std::size_t count) noexcept {
  constexpr std::size_t step = 2 * static_cast<std::size_t>(Format::element_bits);
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16, from += step)
    store_words(to + i, decode_piece<Format>(plan, tensor, load_codes<Format::element_bits, Format::order>(from)));
  if (i != count) {
    std::byte codes[16] = {};
    std::memcpy(codes, from, ((count - i) * static_cast<std::size_t>(Format::element_bits) + 7) / 8);
    float values[16];
    store_words(values, decode_piece<Format>(plan, tensor, load_codes<Format::element_bits, Format::order>(codes)));
    std::memcpy(to + i, values, (count - i) * sizeof(float));
  }
}

/// The scales of up to sixteen blocks as units. Returns which of them are in the window.
template <class Job>
FEWBITS_LANES std::uint32_t load_units(const Job& job, std::size_t at, std::size_t count, float* units) noexcept {
  using scale_type = typename Job::format::scale_type;
  const scale_type* scales = job.scales + at;
  scale_type kept[16] = {};
  if (count < 16) {
    std::memcpy(static_cast<void*>(kept), scales, count * sizeof(scale_type));
    scales = kept;
  }
  words unit;
  if constexpr (is_power_type<scale_type>)
    unit = shift_left<23>(load_bytes(scales));
  else
    unit = load_numbers(scales);
  const words size = bit_and(unit, fill(0x7fffffff));
  store_words(units, unit);
  return ~bits_of(either(greater(fill(static_cast<std::uint32_t>(127 + lowest_unit) << 23), size),
                         greater(size, fill(static_cast<std::uint32_t>(127 + highest_unit) << 23))));
}

/// Blocks of few columns in one row: are sixteen of them decoded without asking where each one ends?
template <class Format>
inline constexpr bool decodes_batches =
    lanes_read_scales<Format>&& Format::shape.rows == 1 &&
    Format::shape.columns != whole&& Format::shape.columns % 16 == 0 && Format::shape.columns <= 32;
template <class Format>
FEWBITS_LANES void decode_batch(const float (&units)[16], float tensor, const std::byte* from, float* to) noexcept {
  constexpr std::size_t columns = Format::shape.columns;
  constexpr std::size_t step = 2 * static_cast<std::size_t>(Format::element_bits);
  for (std::size_t b = 0; b < 16; ++b) {
    decode_plan plan;
    plan.unit = units[b];
    FEWBITS_UNROLL
    for (std::size_t c = 0; c < columns; c += 16, from += step, to += 16)
      store_words(to, decode_piece<Format>(plan, tensor, load_codes<Format::element_bits, Format::order>(from)));
  }
}

/// Values of a row from a column on, whose code begins at the border of a byte.
template <class Job>
FEWBITS_LANES void decode_columns(const Job& job, std::size_t row, std::size_t column, std::size_t count,
                                  float* to) noexcept {
  using format = typename Job::format;
  constexpr auto bits = static_cast<std::size_t>(format::element_bits);
  const std::byte* codes = job.codes + row * job.row_code_bytes;
  const std::size_t i = job.layout.block_of_row(row), across = job.layout.block_columns();
  std::size_t j = job.layout.block_of_column(column);
  [[maybe_unused]] float units[16];
  [[maybe_unused]] std::uint32_t usable = 0;
  [[maybe_unused]] std::size_t b = 16;
  for (std::size_t done = 0; done != count; ++j, ++b) {
    const std::size_t at = column + done;
    if constexpr (decodes_batches<format>) {
      constexpr std::size_t batch = 16 * format::shape.columns;
      if (b >= 16 && count - done >= batch && at % format::shape.columns == 0) {
        usable = load_units(job, i * across + j, 16, units);
        if ((usable & 0xffff) == 0xffff) [[likely]] {
          decode_batch<format>(units, job.tensor, codes + at * bits / 8, to + done);
          done += batch;
          j += 15;  // and one more, as b is
          b = 15;
          continue;
        }
        b = 0;
      }
    }
    const std::size_t left = job.layout.first_column(j) + job.layout.columns_in_block(j) - at;
    const std::size_t here = left < count - done ? left : count - done;
    decode_plan plan;
    bool planned = false;
    if constexpr (lanes_read_scales<format>) {
      if (b >= 16) {
        usable = load_units(job, i * across + j, across - j < 16 ? across - j : 16, units);
        b = 0;
      }
      plan.unit = units[b];
      planned = (usable >> b & 1) != 0;
    } else {
      planned = job.plan(i, j, plan);
    }
    if (planned) [[likely]]
      decode_run<format>(plan, job.tensor, codes + at * bits / 8, to + done, here);
    else
      job.decode_by_reference(row, at, here, to + done);
    done += here;
  }
}

/// Decodes all rows. Where values are not side by side, or go past the caches, by way of a piece of row that stays in
/// the first-level cache.
template <class Job>
void dequantize_blocks(const Job& job) noexcept {
  if (job.column_stride == 1 && !job.streams) {
    for (std::size_t r = 0; r < job.rows; ++r)
      decode_columns(job, r, 0, job.columns, job.out + r * job.row_stride);
    return;
  }
  constexpr std::size_t piece = 1024;
  constexpr auto bits = static_cast<std::size_t>(Job::format::element_bits);
  alignas(64) float values[piece];
  for (std::size_t r = 0; r < job.rows; ++r) {
    // The first piece of a row ends where a line of memory does, if a byte of codes ends there, too.
    std::size_t here = piece;
    if (job.column_stride == 1) {
      const std::size_t before =
          16 - reinterpret_cast<std::uintptr_t>(job.out + r * job.row_stride) % 64 / sizeof(float);
      if (before != 16 && before * bits % 8 == 0)
        here = before;
    }
    for (std::size_t c = 0; c < job.columns; c += here, here = piece) {
      here = job.columns - c < here ? job.columns - c : here;
      decode_columns(job, r, c, here, values);
      float* to = job.out + r * job.row_stride + c * job.column_stride;
      if (job.column_stride == 1)
        stream_bytes(reinterpret_cast<std::byte*>(to), reinterpret_cast<const std::byte*>(values),
                     here * sizeof(float));
      else
        for (std::size_t i = 0; i < here; ++i)
          to[i * job.column_stride] = values[i];
    }
  }
  streams_done();
}
