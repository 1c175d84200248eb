// Products of float activations on tiles of bfloat16. Activations are split into bfloat16 parts whose sum they are, and
// weights are bfloat16, so every product is exact. Tiles add up runs of columns, lanes the runs:
//   s = the run's tile products, group after group of 32 columns, part after part, from zero;
//   result = result + s where scales are folded into the weights, else fma(s, unit, result);
//   with minimums also result = fma(sum of the run's a, offset, result).
// Included after amx_core.inl, inside a region that has the names of simd/tiles.hpp and those of another data sheet.

inline constexpr std::size_t float_tile_sums = 4 * 256 + 16;  ///< of four tiles, and a line
inline constexpr std::size_t float_tile_batch = 2;  ///< runs whose sums are kept until lanes add them up together

/// Two panels against rows of activations, some runs of columns.
struct float_tile_job {
  const std::byte* pairs[2] = {};  ///< of each panel, [group][16 pairs of columns][16][2]; the second null at the end
  const float* units[2] = {};      ///< [run][16], or null where scales are folded
  const float* offsets[2] = {};    ///< [run][16], or null
  float* results[2] = {};          ///< [row][16], read and written
  std::size_t groups = 0;          ///< of all runs
  std::size_t groups_a_run = 0;    ///< the last may have fewer
  std::size_t first_group = 0, first_run = 0, runs = 0;
  float_tile_activations activations = {};
  std::size_t first_row = 0, rows = 0;  ///< the first is the first of a tile
  float* sums = nullptr;                ///< room for two batches
};

/// Sums of one run: two tiles of rows (the second null where there is none) by one or two panels, to [row tile][panel].
FEWBITS_NOINLINE inline void add_up_float_tiles(const std::byte* upper, const std::byte* lower, std::size_t parts,
                                                const std::byte* left, const std::byte* right, std::size_t groups,
                                                float* sums) noexcept {
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
  const std::size_t bytes = groups * parts * float_tile_bytes;
  for (std::size_t at = 0, weights = 0; at != bytes; weights += float_tile_bytes) {
    load_tile<6>(left + weights, 64);
    if (right != nullptr)
      load_tile<7>(right + weights, 64);
    for (std::size_t part = parts; part != 0; --part, at += float_tile_bytes) {
      load_passing_tile<4>(upper + at, 64);
      multiply_float_tiles<0, 4, 6>();
      if (right != nullptr)
        multiply_float_tiles<1, 4, 7>();
      if (lower != nullptr) {
        load_passing_tile<5>(lower + at, 64);
        multiply_float_tiles<2, 5, 6>();
        if (right != nullptr)
          multiply_float_tiles<3, 5, 7>();
      }
    }
  }
  store_tile<0>(sums, 64);
  if (right != nullptr)
    store_tile<1>(sums + 256, 64);
  if (lower != nullptr) {
    store_tile<2>(sums + 512, 64);
    if (right != nullptr)
      store_tile<3>(sums + 768, 64);
  }
}

/// Rows [first, last) of a job: the sums of Runs runs, a batch's stride from one to the next, into their results. A
/// result is read and written once for all of them.
template <bool HasUnits, bool HasOffsets, std::size_t Runs>
FEWBITS_NOINLINE inline void add_float_tile_runs(const float_tile_job& job, std::size_t panel, std::size_t run,
                                                 std::size_t first, std::size_t last, const float* sums) noexcept {
  // All in locals: a store of lanes may alias anything.
  floats unit[Runs], offset[Runs];
  FEWBITS_UNROLL for (std::size_t i = 0; i < Runs; ++i) {
    unit[i] = HasUnits ? load_floats(job.units[panel] + (run + i) * 16) : fill_floats(0.0f);
    offset[i] = HasOffsets ? load_floats(job.offsets[panel] + (run + i) * 16) : fill_floats(0.0f);
  }
  const std::size_t runs = job.activations.runs;
  const float* activation_sum =
      HasOffsets ? job.activations.sums + (job.first_row + first) * runs + job.first_run + run : nullptr;
  float* result = job.results[panel] + first * 16;
  for (std::size_t rows = last - first; rows != 0; --rows, sums += 16, result += 16) {
    floats all = load_floats(result);
    FEWBITS_UNROLL for (std::size_t i = 0; i < Runs; ++i) {
      const floats sum = load_floats(sums + i * float_tile_sums);
      all = HasUnits ? multiply_add(sum, unit[i], all) : add(all, sum);
      if constexpr (HasOffsets)
        all = multiply_add(fill_floats(activation_sum[i]), offset[i], all);
    }
    if constexpr (HasOffsets)
      activation_sum += runs;
    store_floats(result, all);
  }
}
template <bool HasUnits, bool HasOffsets>
FEWBITS_NOINLINE inline void add_float_tile_batch(const float_tile_job& job, std::size_t panel, std::size_t run,
                                                  std::size_t runs, std::size_t first, std::size_t last,
                                                  const float* sums) noexcept {
  if (runs == float_tile_batch)
    return add_float_tile_runs<HasUnits, HasOffsets, float_tile_batch>(job, panel, run, first, last, sums);
  for (std::size_t i = 0; i != runs; ++i)
    add_float_tile_runs<HasUnits, HasOffsets, 1>(job, panel, run + i, first, last, sums + i * float_tile_sums);
}

/// All rows of a job. While lanes add up some runs of one block of rows, tiles multiply the next.
FEWBITS_NOINLINE inline void multiply_float_tile_job(const float_tile_job& job) noexcept {
  const float_tile_activations& a = job.activations;
  const auto add_batch = job.units[0] == nullptr     ? add_float_tile_batch<false, false>
                         : job.offsets[0] == nullptr ? add_float_tile_batch<true, false>
                                                     : add_float_tile_batch<true, true>;
  const std::size_t panels = job.pairs[1] != nullptr ? 2 : 1;
  const std::size_t tile_bytes = a.groups * a.parts * float_tile_bytes;
  struct batch {
    std::size_t row, run, runs;
    float* sums;
  };
  const auto add_up = [&](const batch& at) noexcept {
    for (std::size_t run = at.run; run != at.run + at.runs; ++run) {
      const std::size_t group = run * job.groups_a_run;
      const std::size_t groups = job.groups - group < job.groups_a_run ? job.groups - group : job.groups_a_run;
      const std::byte* const upper =
          a.tiles + (job.first_row + at.row) / 16 * tile_bytes + (job.first_group + group) * a.parts * float_tile_bytes;
      add_up_float_tiles(upper, job.rows - at.row > 16 ? upper + tile_bytes : nullptr, a.parts,
                         job.pairs[0] + group * float_tile_bytes,
                         panels == 2 ? job.pairs[1] + group * float_tile_bytes : nullptr, groups,
                         at.sums + (run - at.run) * float_tile_sums);
    }
  };
  const auto add = [&](const batch& at) noexcept {
    for (std::size_t first = at.row, t = 0; t != 2 && first < job.rows; first += 16, ++t) {
      const std::size_t last = job.rows - first < 16 ? job.rows : first + 16;
      for (std::size_t p = 0; p != panels; ++p)
        add_batch(job, p, at.run, at.runs, first, last, at.sums + t * 512 + p * 256);
    }
  };
  float* const second = job.sums + float_tile_batch * float_tile_sums;
  batch before{.row = job.rows, .run = 0, .runs = 0, .sums = second};
  for (std::size_t row = 0; row < job.rows; row += 32)
    for (std::size_t run = 0; run < job.runs; run += float_tile_batch) {
      const std::size_t left = job.runs - run;
      const batch next{.row = row,
                       .run = run,
                       .runs = left < float_tile_batch ? left : float_tile_batch,
                       .sums = before.sums == second ? job.sums : second};
      add_up(next);
      add(before);
      before = next;
    }
  add(before);
}

/// Two columns of sixteen rows side by side. Precondition: all are bfloat16.
FEWBITS_LANES words pair_lanes(floats even, floats odd) noexcept {
  return bit_or(shift_right<16>(as_words(even)), as_words(odd));
}
template <class Format, std::size_t Column>
FEWBITS_LANES floats tile_lanes(const std::byte* codes, words aid, floats unit) noexcept {
  const floats value = column_lanes<Format, Column, true>(codes, aid);
  if constexpr (folds_scales<Format>())
    return multiply(value, unit);
  else
    return value;
}
/// A run whole: as a loop, which is quicker to compile, e4m3 from DRAM took a quarter longer.
template <class Format, std::size_t First, std::size_t... Pairs>
FEWBITS_LANES void decode_pairs_of_run(const std::byte* codes, words aid, floats unit, std::byte* to,
                                       std::index_sequence<Pairs...>) noexcept {
  (store_words(to + (First / 2 + Pairs) * 64, pair_lanes(tile_lanes<Format, First + 2 * Pairs>(codes, aid, unit),
                                                         tile_lanes<Format, First + 2 * Pairs + 1>(codes, aid, unit))),
   ...);
}

/// Limits between which a scale certainly leaves element x scale in the range of tiles.
template <class Format>
inline constexpr std::uint32_t least_tile_unit = [] {
  const int exponent = 127 + least_tile_exponent - bfloat16_range_of<Format>.lowest;
  return static_cast<std::uint32_t>(exponent > 1 ? exponent : 1) << 23;
}();
template <class Format>
inline constexpr std::uint32_t greatest_tile_unit = [] {
  const int exponent = 127 + weight_exponent_limit - 1 - bfloat16_range_of<Format>.highest;
  return static_cast<std::uint32_t>(exponent < 254 ? exponent : 254) << 23;
}();

/// Is a run's element x scale in the range of tiles, or zero because one of them is?
template <class Format>
FEWBITS_NOINLINE bool are_tile_weights(const std::byte* codes, words aid, floats unit, std::size_t first,
                                       std::size_t last) noexcept {
  const words sizes = fill(0x7fffffffu);
  const mask no_unit = equal(bit_and(as_words(unit), sizes), fill(0));
  std::uint32_t outside = 0;
  for (std::size_t column = first; column != last; ++column) {
    const floats value = column_lanes_at<Format>(codes, aid, column);
    const words product = bit_and(as_words(multiply(value, unit)), sizes);
    const std::uint32_t denormal = bits_of(greater(fill(0x00800000), product));
    const std::uint32_t large =
        bits_of(greater(product, fill((static_cast<std::uint32_t>(127 + weight_exponent_limit) << 23) - 1)));
    outside |= large | (denormal & ~bits_of(either(no_unit, equal(bit_and(as_words(value), sizes), fill(0)))));
  }
  return outside == 0;
}

/// Weights of some groups of a panel, [group][16 pairs of columns][16][2] of bfloat16, scales folded in where they are;
/// columns past the last are zeros. Returns false, and whatever it likes, where a weight is beyond the range of tiles.
template <class Format>
FEWBITS_NOINLINE bool decode_pairs(const packed_layout<Format>& layout, const panel_streams<Format>& panel,
                                   std::size_t first, std::size_t last, std::byte* to) noexcept {
  using packed = packed_layout<Format>;
  constexpr bool folds = folds_scales<Format>();
  constexpr std::size_t run_columns = whole_run<Format>;
  const std::size_t last_block = layout.block_columns() - 1;
  for (std::size_t g = first; g != last; ++g, to += float_tile_bytes) {
    const std::byte* const codes = panel.codes + g * packed::group_bytes;
    for (std::size_t line = 0; line < packed::group_bytes; line += 64)
      prefetch(codes + line + prefetch_bytes);
    const std::size_t columns = layout.columns_in_group(g);
    const auto decode = [&]<std::size_t Run>() noexcept {
      std::size_t block = packed::block_of(g, Run);
      if (packed::blocks_divide_groups && block > last_block)
        block = last_block;
      const words aid = aid_lanes(panel, block);
      floats unit = fill_floats(0.0f);
      if constexpr (folds)
        unit = unit_lanes(panel, block);
      if constexpr (unrolls_columns)
        decode_pairs_of_run<Format, Run * run_columns>(codes, aid, unit, to,
                                                       std::make_index_sequence<run_columns / 2>{});
      else
        for (std::size_t k = Run * run_columns; k != (Run + 1) * run_columns; k += 2) {
          floats even = column_lanes_at<Format>(codes, aid, k), odd = column_lanes_at<Format>(codes, aid, k + 1);
          if constexpr (folds) {
            even = multiply(even, unit);
            odd = multiply(odd, unit);
          }
          store_words(to + k / 2 * 64, pair_lanes(even, odd));
        }
      if constexpr (folds) {
        const words size = bit_and(as_words(unit), fill(0x7fffffffu));
        const mask outside =
            either(greater(fill(least_tile_unit<Format>), size), greater(size, fill(greatest_tile_unit<Format>)));
        if (bits_of(outside) != 0)
          return are_tile_weights<Format>(codes, aid, unit, Run * run_columns, (Run + 1) * run_columns);
      }
      return true;
    };
    const auto decode_all = [&]<std::size_t... Runs>(std::index_sequence<Runs...>) noexcept {
      return (decode.template operator()<Runs>() && ...);
    };
    if (!decode_all(std::make_index_sequence<packed::blocks_a_group>{}))
      return false;
    if (columns != 32) {
      const words even = fill(0x0000ffff);
      if (columns % 2 != 0)
        store_words(to + columns / 2 * 64, bit_and(load_words(to + columns / 2 * 64), even));
      std::memset(to + (columns + 1) / 2 * 64, 0, (16 - (columns + 1) / 2) * 64);
    }
  }
  return true;
}

/// Bytes of room: two panels' weights, units and offsets, and sums.
template <class Format>
constexpr std::size_t float_tile_room_bytes() noexcept {
  return 2 * tile_slice_groups(1) * (float_tile_bytes + 2 * 64) +
         2 * float_tile_batch * float_tile_sums * sizeof(float);
}

/// Results of panels [first_panel, last_panel), at most 32, for rows that begin with a tile's first: [panel][row][16],
/// overwritten. Returns a bit for every panel whose weights are not all finite and within the range of tiles; its
/// results are without meaning.
template <class Format>
std::uint32_t multiply_floats_by_tiles(const packed_layout<Format>& layout, const packed_streams& weights,
                                       std::size_t first_panel, std::size_t last_panel, const float_tile_activations& a,
                                       std::size_t first_row, std::size_t rows, float* results,
                                       std::byte* room) noexcept {
  const std::size_t slice_groups = tile_slice_groups(a.parts), groups_a_run = tile_run_groups<Format>(a.parts);
  constexpr bool has_units = !folds_scales<Format>();
  const std::size_t pair_bytes = slice_groups * float_tile_bytes;
  auto* const lists = reinterpret_cast<float*>(room + 2 * pair_bytes);
  const borrowed_tiles tiles(64);
  float_tile_job job{.groups_a_run = groups_a_run,
                     .activations = a,
                     .first_row = first_row,
                     .rows = rows,
                     .sums = lists + 4 * slice_groups * 16};
  for (std::size_t i = 0; i != (last_panel - first_panel) * rows; ++i)
    store_floats(results + i * 16, fill_floats(0.0f));
  std::uint32_t outside = 0;
  if constexpr (packed_layout<Format>::has_specials)
    for (std::size_t p = first_panel; p != last_panel; ++p)
      if ((weights.specials[2 * p] | weights.specials[2 * p + 1]) != std::byte{0})
        outside |= 1u << (p - first_panel);
  for (std::size_t group = 0; group < layout.groups(); group += slice_groups) {
    const std::size_t left = layout.groups() - group;
    job.groups = left < slice_groups ? left : slice_groups;
    job.first_group = group;
    job.first_run = group / groups_a_run;
    job.runs = (job.groups + groups_a_run - 1) / groups_a_run;
    for (std::size_t panel = first_panel; panel < last_panel; panel += 2) {
      std::size_t panels = 0;
      job.pairs[1] = nullptr;
      for (std::size_t p = panel; p != last_panel && p != panel + 2; ++p) {
        if ((outside >> (p - first_panel) & 1) != 0)
          continue;
        std::byte* const pairs = room + panels * pair_bytes;
        const panel_streams<Format> streams = panel_of(layout, weights, p);
        if (!decode_pairs(layout, streams, group, group + job.groups, pairs)) {
          outside |= 1u << (p - first_panel);
          continue;
        }
        if constexpr (has_units) {
          float* const units = lists + 2 * panels * slice_groups * 16;
          float* const offsets = units + slice_groups * 16;
          for (std::size_t run = 0; run != job.runs; ++run) {
            const std::size_t block = layout.block_of(group + run * groups_a_run, 0);
            store_floats(units + run * 16, unit_lanes(streams, block));
            if constexpr (Format::has_minimum)
              store_floats(offsets + run * 16, offset_lanes(streams, block));
          }
          job.units[panels] = units;
          job.offsets[panels] = Format::has_minimum ? offsets : nullptr;
        }
        job.pairs[panels] = pairs;
        job.results[panels] = results + (p - first_panel) * rows * 16;
        ++panels;
      }
      if (panels != 0)
        multiply_float_tile_job(job);
    }
  }
  return outside;
}

/// A row of bfloat16 as it is: split_row<1> without the way through float32.
inline bool copy_row(const void* row, std::size_t groups, std::byte* to) noexcept {
  const words sizes = fill(0x7fffffffu), high_halves = fill(0xffff0000u), least = fill(0x00800000);
  const words most = fill((static_cast<std::uint32_t>(127 + activation_exponent_limit) << 23) - 1);
  const auto* from = static_cast<const std::byte*>(row);
  std::uint32_t outside = 0;
  for (std::size_t g = 0; g != groups; ++g, from += 64, to += float_tile_bytes) {
    const words pairs = load_words(from);
    store_words(to, pairs);
    const words odd = bit_and(bit_and(pairs, high_halves), sizes);
    const words even = bit_and(shift_left<16>(pairs), sizes);
    outside |= bits_of(either(greater(odd, most), greater(even, most)));
    outside |= bits_of(greater(least, odd)) & ~bits_of(equal(odd, fill(0)));
    outside |= bits_of(greater(least, even)) & ~bits_of(equal(even, fill(0)));
  }
  return outside == 0;
}

/// A row's parts, from `to` on: each group's tile of each part holds sixteen rows of 64 bytes. Returns false where a
/// number is Inf, NaN or 2^64 and more, or a part that is not zero is denormal.
template <std::size_t Parts>
bool split_row(const float* row, std::size_t groups, std::byte* to) noexcept {
  const words sizes = fill(0x7fffffffu);
  std::uint32_t outside = 0;
  for (std::size_t i = 0; i != groups * 2; ++i, row += 16) {
    std::byte* const at = to + i / 2 * Parts * float_tile_bytes + i % 2 * 32;
    const words whole_number = load_words(row);
    outside |= bits_of(greater(bit_and(whole_number, sizes),
                               fill((static_cast<std::uint32_t>(127 + activation_exponent_limit) << 23) - 1)));
    floats rest = as_floats(whole_number);
    FEWBITS_UNROLL for (std::size_t part = 0; part < Parts; ++part) {
      const words high = bit_and(as_words(rest), fill(0xffff0000u));
      const words size = bit_and(high, sizes);
      outside |= bits_of(greater(fill(0x00800000), size)) & ~bits_of(equal(bit_and(as_words(rest), sizes), fill(0)));
      store_halves(at + part * float_tile_bytes, shift_right<16>(high));
      rest = rounded(subtract(rest, as_floats(high)));
    }
  }
  return outside == 0;
}
