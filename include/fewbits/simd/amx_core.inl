// Products of integer weights and integer activations on tiles: the same sums and the same multiply-adds as in
// integer_core.inl, so the same bits. Included inside a region that has the names of simd/tiles.hpp and those of
// another data sheet, which it calls `lanes`: lanes decode weights and add runs up, tiles multiply.

// With fewer rows, decoding weights is most of the work, whatever multiplies (docs/gemm/quantized_gemm.md has the
// figures). And 16 rows mean that every tile can be full: the last ones begin earlier, and rows that were counted are
// left out.
inline constexpr std::size_t least_tile_rows = 16;

/// Tiles for as long as a kernel runs, on its thread. What kernels call meanwhile has neither tiles nor exceptions.
class borrowed_tiles {
 public:
  explicit borrowed_tiles(std::size_t step) noexcept { configure_tiles(shapes_of_products(step)); }
  borrowed_tiles(const borrowed_tiles&) = delete;
  borrowed_tiles& operator=(const borrowed_tiles&) = delete;
  ~borrowed_tiles() { release_tiles(); }
};

/// Two panels against rows of activations, some runs of columns.
struct tile_job {
  const std::byte* integers[2] = {};  ///< of each panel, [word][16][4 columns]; the second null where there is none
  integer_run_lists lists[2] = {};
  float* results[2] = {};       ///< [row][16], read and written
  std::size_t words = 0;        ///< of all runs: 8 a group
  std::size_t words_a_run = 0;  ///< the last may have fewer
  std::size_t step = 0;         ///< columns that a tile takes: 32 or 64, at most a run
  std::size_t first_group = 0, first_run = 0, runs = 0;
  integer_activations activations = {};
  std::size_t first_row = 0, rows = 0;
  std::int32_t* sums = nullptr;  ///< room for two times four tiles
};

/// Sums of one run: two tiles of rows (the second null where there is none) by one or two panels, to [row tile][panel].
/// A step past the last column reads zeros of the activations' rows, and of weights whatever the room holds.
FEWBITS_NOINLINE inline void add_up_tiles(const std::byte* upper, const std::byte* lower, std::size_t row_bytes,
                                          const std::byte* left, const std::byte* right, std::size_t steps,
                                          std::size_t step, std::int32_t* sums) noexcept {
  zero_tile<0>();
  zero_tile<1>();
  zero_tile<2>();
  zero_tile<3>();
  for (std::size_t k = 0; k != steps * step; k += step) {
    load_tile<6>(left + k * 16, 64);
    load_passing_tile<4>(upper + k, row_bytes);
    multiply_tiles<0, 4, 6>();
    if (right != nullptr) {
      load_tile<7>(right + k * 16, 64);
      multiply_tiles<1, 4, 7>();
    }
    if (lower != nullptr) {
      load_passing_tile<5>(lower + k, row_bytes);
      multiply_tiles<2, 5, 6>();
      if (right != nullptr)
        multiply_tiles<3, 5, 7>();
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

/// Rows [first, last) of a tile of sums into the results of those rows; the tile begins with row `start`.
template <run_scaling Scaling>
FEWBITS_NOINLINE inline void add_tile_run(const tile_job& job, std::size_t panel, std::size_t run, std::size_t start,
                                          std::size_t first, std::size_t last, const std::int32_t* sums) noexcept {
  // All in locals: a store of lanes may alias anything.
  integer_run_lists lists = job.lists[panel];
  lists.units += run * 16;
  if (lists.zeros != nullptr)
    lists.zeros += run * 16;
  if (lists.offsets != nullptr)
    lists.offsets += run * 16;
  const integer_activations a =
      activations_at(job.activations, job.first_group, job.first_run + run, job.first_row + first);
  const floats unit = load_floats(lists.units);
  float* result = job.results[panel] + first * 16;
  sums += (first - start) * 16;
  for (std::size_t r = 0; r != last - first; ++r) {
    store_floats(result, add_integer_run<Scaling>(load_words(sums), unit, lists, a, r, load_floats(result)));
    sums += 16;
    result += 16;
  }
}

/// All rows of a job. While lanes add up a run of one block of rows, tiles multiply the next.
template <run_scaling Scaling>
FEWBITS_NOINLINE void multiply_tile_job(const tile_job& job) noexcept {
  const integer_activations& a = job.activations;
  const std::size_t panels = job.integers[1] != nullptr ? 2 : 1;
  for (std::size_t block = 0; block < job.rows; block += 32) {
    const std::size_t tiles = job.rows - block > 16 ? 2 : 1;
    std::size_t start[2] = {}, end[2] = {};
    const std::byte* codes[2] = {};
    for (std::size_t t = 0; t != tiles; ++t) {
      const std::size_t first = block + 16 * t;
      start[t] = first + 16 <= job.rows ? first : job.rows - 16;
      end[t] = start[t] + 16;
      codes[t] = a.slice_at(job.first_group, job.first_row + start[t]);
    }
    for (std::size_t run = 0; run <= job.runs; ++run) {
      if (run != job.runs) {
        const std::size_t word = run * job.words_a_run;
        const std::size_t count = job.words - word < job.words_a_run ? job.words - word : job.words_a_run;
        const std::size_t column = word * 4;
        add_up_tiles(codes[0] + column, tiles == 2 ? codes[1] + column : nullptr, integer_row_bytes,
                     job.integers[0] + word * 64, panels == 2 ? job.integers[1] + word * 64 : nullptr,
                     (count * 4 + job.step - 1) / job.step, job.step, job.sums + run % 2 * 1024);
      }
      if (run != 0)
        for (std::size_t t = 0; t != tiles; ++t)
          for (std::size_t p = 0; p != panels; ++p)
            add_tile_run<Scaling>(job, p, run - 1, start[t], block + 16 * t, end[t],
                    job.sums + (run - 1) % 2 * 1024 + t * 512 + p * 256);
    }
  }
}

/// Bytes of room: two panels', and sums.
template <class Format>
constexpr std::size_t tile_room_bytes() noexcept {
  return 2 * lanes::integer_panel_bytes<Format, 1>() + 2 * 4 * 1024;
}

/// As multiply_integers, for runs of 32 columns and more. Rows of activations have readable zeros up to a multiple of
/// 64 columns.
template <class Format, run_scaling Scaling>
void multiply_integers_by_tiles(const packed_layout<Format>& layout, const packed_streams& weights,
                                std::size_t first_panel, std::size_t last_panel, std::size_t groups_a_run,
                                const integer_activations& a, std::size_t first_row, std::size_t rows, float* results,
                                std::byte* room) noexcept {
  if (rows < least_tile_rows) {
    lanes::multiply_integers<Format, 1, Scaling>(layout, weights, first_panel, last_panel, groups_a_run, a, first_row, rows,
                                        results, room);
    return;
  }
  const std::size_t step = groups_a_run == 1 ? 32 : 64;
  const borrowed_tiles tiles(step);
  tile_job job{.words_a_run = groups_a_run * 8,
               .step = step,
               .activations = a,
               .first_row = first_row,
               .rows = rows,
               .sums = reinterpret_cast<std::int32_t*>(room + 2 * lanes::integer_panel_bytes<Format, 1>())};
  for (std::size_t p = first_panel; p < last_panel; p += 2) {
    const std::size_t panels = last_panel - p == 1 ? 1 : 2;
    std::byte* integers[2] = {};
    for (std::size_t i = 0; i != panels; ++i) {
      integers[i] = room + i * lanes::integer_panel_bytes<Format, 1>();
      job.integers[i] = integers[i];
      job.lists[i] = lanes::lists_in<Format, 1>(integers[i]);
      job.results[i] = results + (p - first_panel + i) * rows * 16;
    }
    if (panels == 1)
      job.integers[1] = nullptr;
    for (std::size_t i = 0; i != panels * rows; ++i)
      store_floats(job.results[0] + i * 16, fill_floats(0.0f));
    for (std::size_t group = 0; group < layout.groups(); group += integer_slice_groups) {
      const std::size_t left = layout.groups() - group;
      const std::size_t groups = left < integer_slice_groups ? left : integer_slice_groups;
      for (std::size_t i = 0; i != panels; ++i) {
        const panel_streams<Format> panel = panel_of(layout, weights, p + i);
        lanes::decode_integers<Format, false>(panel.codes + group * packed_layout<Format>::group_bytes, groups,
                                              integers[i]);
        job.runs =
            lanes::list_integer_runs<Format, 1>(layout, panel, group, group + groups, groups_a_run, job.lists[i]);
      }
      job.words = groups * 8;
      job.first_group = group;
      job.first_run = group / groups_a_run;
      multiply_tile_job<Scaling>(job);
    }
    if (a.row_units != nullptr)
      for (std::size_t i = 0; i != panels * rows; ++i) {
        float* const result = job.results[0] + i * 16;
        store_floats(result, multiply(load_floats(result), fill_floats(a.row_units[first_row + i % rows])));
      }
  }
}
