// Rows of blocks, to codes: scales and plans for sixteen blocks at once. Included by every data sheet inside its
// region.

/// The values of a row from a column on, side by side: where they lie, or gathered. How many at a time: piece_of.
inline constexpr std::size_t gathered_values = 256;
template <class Job>
FEWBITS_LANES std::size_t piece_of(const Job& job, std::size_t count) noexcept {
  return job.column_stride == 1 || count < gathered_values ? count : gathered_values;
}
template <class Job>
FEWBITS_LANES const typename Job::source_type* row_piece(const Job& job, std::size_t row, std::size_t column,
                                                         std::size_t count,
                                                         typename Job::source_type* gathered) noexcept {
  const auto* first = job.values + row * job.row_stride + column * job.column_stride;
  if (job.column_stride == 1)
    return first;
  for (std::size_t i = 0; i < count; ++i)
    gathered[i] = first[i * job.column_stride];
  return gathered;
}

/// How far ahead of its codes a batch of so many values asks for more: the next batch is read before, too.
template <class Source>
constexpr std::size_t values_ahead_of_batch(std::size_t batch) noexcept {
  return 2 * batch + (batch < 2048 ? 8192 : 6144) / sizeof(Source);
}

/// Blocks in one row, of whole pieces of sixteen, several of which make 64 values or which have as many: are sixteen of
/// them scanned, planned and encoded without leaving lanes?
template <class Job>
inline constexpr bool batches_blocks = [] {
  constexpr auto shape = Job::format::shape;
  constexpr bool plans =
      Job::input == rule_input::candidates
          ? chooses_in_lanes<Job>
          : Job::plans_in_lanes && (Job::input == rule_input::amax || Job::input == rule_input::first_largest);
  return plans && encodes_pairs<Job> && shape.rows == 1 && shape.columns != whole && shape.columns % 16 == 0 &&
         shape.columns != 48 && shape.columns <= 256;
}();

/// A block that lanes have not planned: by the job's plan, or by the reference. `codes` are its place, or kept for it.
/// False where the reference has failed.
template <class Job>
FEWBITS_NOINLINE bool quantize_left_block(const Job& job, std::size_t i, std::size_t j, std::byte* codes) noexcept {
  using source = typename Job::source_type;
  constexpr std::size_t columns = Job::format::shape.columns;
  constexpr std::size_t code_bytes = columns * static_cast<std::size_t>(Job::format::element_bits) / 8;
  const source* from = job.values + i * job.row_stride + j * columns;
  block_facts facts;
  scan_run<Job>(from, columns, facts);
  block_plan plan;
  plan.at = i * job.layout.block_columns() + j;
  if (!plan_candidate(job, from, columns, facts, plan) && !job.plan(i, j, facts, plan)) {
    std::byte* const place = job.codes + i * job.row_code_bytes + j * code_bytes;
    std::memset(place, 0, code_bytes);
    if (!job.quantize_by_reference(i, j))
      return false;
    if (codes != place)
      std::memcpy(codes, place, code_bytes);
    return true;
  }
  encode_run(job, plan, from, columns, codes);
  return true;
}

/// The largest magnitude of sixteen lanes of a block, or, for rules that ask for the first largest value, the largest
/// value and the largest with its sign turned, none below +0. As signed integers, positive numbers are ordered as they
/// are and negative ones lie below 0.
template <class Job, class Source>
FEWBITS_LANES void find_extremes(const Source* from, words& up, [[maybe_unused]] words& down) noexcept {
  constexpr std::size_t columns = Job::format::shape.columns;
  up = fill(0);
  down = fill(0);
  FEWBITS_UNROLL
  for (std::size_t c = 0; c < columns; c += 16) {
    const words numbers = load_to_round(from + c);
    if constexpr (Job::input == rule_input::first_largest) {
      up = larger(up, numbers);
      down = larger(down, bit_xor(numbers, fill(0x80000000)));
    } else {
      up = larger(up, bit_and(numbers, fill(0x7fffffff)));
    }
  }
}
template <class Job>
FEWBITS_LANES words decide(const words (&up)[16], [[maybe_unused]] const words (&down)[16], mask& in_doubt) noexcept {
  const words above = largest_of_each(up);
  if constexpr (Job::input == rule_input::first_largest) {
    const words below = largest_of_each(down);
    in_doubt = equal(above, below);
    return select(greater(below, above), bit_or(below, fill(0x80000000)), above);
  } else {
    in_doubt = greater(fill(0), fill(0));
    return above;
  }
}
/// What decides the scales of up to sixteen blocks side by side, as float32's bits: the largest magnitudes, or the
/// first values of largest magnitude. `in_doubt`: blocks with that magnitude on both sides of 0.
template <class Job, class Source>
FEWBITS_LANES words find_deciding(const Source* from, std::size_t blocks, mask& in_doubt) noexcept {
  constexpr std::size_t columns = Job::format::shape.columns;
  words up[16], down[16];
  if (blocks == 16 && columns <= 32) {  // all in registers
    FEWBITS_UNROLL
    for (std::size_t b = 0; b < 16; ++b)
      find_extremes<Job>(from + b * columns, up[b], down[b]);
    return decide<Job>(up, down, in_doubt);
  }
  for (std::size_t b = blocks; b < 16; ++b)
    up[b] = down[b] = fill(0);
  for (std::size_t b = 0; b < blocks; ++b)
    find_extremes<Job>(from + b * columns, up[b], down[b]);
  return decide<Job>(up, down, in_doubt);
}

/// Up to sixteen whole blocks of row i from block j on, and what encloses the inverses of their units.
struct block_batch {
  std::size_t i = 0, j = 0, blocks = 0;
  std::uint32_t left = 0;                           ///< not planned
  alignas(64) float low[16], high[16], scaled[16];  ///< as unit_inverses has them
};
template <class Job>
FEWBITS_LANES unit_inverses inverses_of(const block_batch& batch, std::size_t b) noexcept {
  return {fill_floats(batch.low[b]), fill_floats(batch.high[b]), fill_floats(batch.scaled[b])};
}
template <class Job>
FEWBITS_LANES void plan_batch(const Job& job, block_batch& batch) noexcept {
  constexpr std::size_t columns = Job::format::shape.columns;
  const auto* from = job.values + batch.i * job.row_stride + batch.j * columns;
  const std::size_t at = batch.i * job.layout.block_columns() + batch.j;
  mask in_doubt;
  const words deciding = find_deciding<Job>(from, batch.blocks, in_doubt);
  lane_plans plans;
  if constexpr (Job::input == rule_input::candidates)
    plans = choose_in_lanes(job, from, deciding, at, batch.blocks);
  else
    plans = plan_lanes(job, deciding, at, batch.blocks);
  store_words(batch.low, plans.low);
  store_words(batch.high, plans.high);
  const words scaled = is_minifloat<typename Job::format::element_type> ? plans.high : plans.low;
  store_words(batch.scaled, as_words(multiply(as_floats(scaled), fill_floats(inverse_factor<Job>()))));
  batch.left = bits_of(either(plans.left, in_doubt)) & ((1u << batch.blocks) - 1);
}

/// Thirty-two codes of the blocks from b on, from value `first` on.
template <class Job, class Source>
FEWBITS_LANES halves encode_part(const block_batch& batch, std::size_t b, const Source* from, std::size_t first,
                                 words& differ) noexcept {
  constexpr std::size_t columns = Job::format::shape.columns;
  const unit_inverses one = inverses_of<Job>(batch, b + first / columns);
  const unit_inverses other = columns == 32 ? one : inverses_of<Job>(batch, b + (first + 16) / columns);
  return encode_pair<Job>(one, other, from + first, differ);
}

/// By way of `kept` where codes go past the caches. False where the reference has failed.
template <class Job>
FEWBITS_LANES bool encode_batch(const Job& job, const block_batch& batch, std::byte* kept) noexcept {
  using source = typename Job::source_type;
  constexpr std::size_t columns = Job::format::shape.columns;
  constexpr std::size_t piece = 2 * static_cast<std::size_t>(Job::format::element_bits);  // bytes of sixteen codes
  constexpr std::size_t ahead = values_ahead_of_batch<source>(16 * columns);
  const std::size_t at = batch.i * job.layout.block_columns() + batch.j;
  const source* from = job.values + batch.i * job.row_stride + batch.j * columns;
  std::byte* const place = job.codes + batch.i * job.row_code_bytes + batch.j * columns / 16 * piece;
  std::byte* const codes = job.streams ? kept : place;
  static_assert(columns >= 64 || 64 % columns == 0, "a step is 64 values of whole blocks");
  constexpr std::size_t in_step = columns < 64 ? 64 / columns : 1;
  std::size_t b = 0;
  for (; b + in_step <= batch.blocks; b += in_step)
    if constexpr (columns < 64) {
      words differ = fill(0);
      ask_for_pieces<4>(from + b * columns, ahead);
      const halves part = encode_part<Job>(batch, b, from + b * columns, 0, differ);
      store_codes<Job::format::element_bits, Job::format::order>(
          codes + b * columns / 16 * piece, part, encode_part<Job>(batch, b, from + b * columns, 32, differ));
      if constexpr (!Job::halves)
        if (!is_certain<Job>(differ)) [[unlikely]]
          for (std::size_t k = b; k < b + in_step; ++k)
            encode_pieces_again(job, plan_of_lane<Job>(batch.low, batch.high, k, at), from + k * columns, columns,
                                codes + k * columns / 16 * piece);
    } else {
      encode_run(job, plan_of_lane<Job>(batch.low, batch.high, b, at), from + b * columns, columns,
                 codes + b * columns / 16 * piece, ahead);
    }
  for (; b < batch.blocks; ++b)
    encode_pieces_again(job, plan_of_lane<Job>(batch.low, batch.high, b, at), from + b * columns, columns,
                        codes + b * columns / 16 * piece);
  for (std::uint32_t left = batch.left; left != 0; left &= left - 1) {
    b = static_cast<std::size_t>(std::countr_zero(left));
    if (!quantize_left_block(job, batch.i, batch.j + b, codes + b * columns / 16 * piece))
      return false;
  }
  if (job.streams)
    stream_bytes(place, kept, batch.blocks * columns / 16 * piece);
  return true;
}

/// All whole blocks. A batch is planned before the one before it is encoded: what its scales wait for is hidden behind
/// the codes.
template <class Job>
FEWBITS_LANES bool quantize_batches(const Job& job) noexcept {
  const std::size_t rows = job.layout.block_rows(), across = job.layout.columns() / Job::format::shape.columns;
  if (across == 0)
    return true;
  block_batch batches[2];
  alignas(64) std::byte kept[2 * Job::format::shape.columns * static_cast<std::size_t>(Job::format::element_bits)];
  batches[0].blocks = across < 16 ? across : 16;
  plan_batch(job, batches[0]);
  for (std::size_t k = 0;; k ^= 1) {
    const block_batch& here = batches[k];
    block_batch& next = batches[k ^ 1];
    const bool ends_row = here.j + here.blocks == across;
    next.i = here.i + (ends_row ? 1 : 0);
    next.j = ends_row ? 0 : here.j + here.blocks;
    next.blocks = across - next.j < 16 ? across - next.j : 16;
    if (next.i != rows)
      plan_batch(job, next);
    if (!encode_batch(job, here, kept))
      return false;
    if (next.i == rows)
      break;
  }
  if (job.streams)
    streams_done();
  return true;
}

/// Up to sixteen blocks of any shape, of block row i, from block j on. False where the reference has failed.
template <class Job>
bool quantize_some(const Job& job, std::size_t i, std::size_t j, std::size_t blocks) noexcept {
  using format = typename Job::format;
  using source = typename Job::source_type;
  constexpr auto bits = static_cast<std::size_t>(format::element_bits);
  const std::size_t first_row = job.layout.first_row(i), rows = job.layout.rows_in_block(i);
  const std::size_t at = i * job.layout.block_columns() + j;
  source gathered[gathered_values];
  block_facts facts[16];
  block_plan plans[16];
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t column = job.layout.first_column(j + b), columns = job.layout.columns_in_block(j + b);
    const std::size_t step = piece_of(job, columns);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; c += step) {
        const std::size_t here = columns - c < step ? columns - c : step;
        scan_run<Job>(row_piece(job, first_row + r, column + c, here, gathered), here, facts[b]);
      }
  }
  std::uint32_t left = (1u << blocks) - 1;
  if constexpr (Job::plans_in_lanes) {
    std::uint32_t deciding[16] = {};
    for (std::size_t b = 0; b < blocks; ++b)
      deciding[b] = Job::input == rule_input::first_largest ? facts[b].first_largest : facts[b].amax;
    words amax = load_words(deciding);
    if constexpr (!std::is_same_v<source, float>)
      amax = widen_lanes<lane_element<source>>(amax);
    const lane_plans found = plan_lanes(job, amax, at, blocks);
    float low[16], high[16];
    store_words(low, found.low);
    store_words(high, found.high);
    for (std::size_t b = 0; b < 16; ++b)
      plans[b] = plan_of_lane<Job>(low, high, b, at);
    left &= bits_of(found.left);
  }
  std::uint32_t done = 0;
  for (; left != 0; left &= left - 1) {
    const auto b = static_cast<std::size_t>(std::countr_zero(left));
    plans[b].at = at + b;
    if (rows == 1 && job.column_stride == 1 &&
        plan_candidate(job, job.values + first_row * job.row_stride + job.layout.first_column(j + b),
                       job.layout.columns_in_block(j + b), facts[b], plans[b]))
      continue;
    if (!job.plan(i, j + b, facts[b], plans[b])) {
      if (!job.quantize_by_reference(i, j + b))
        return false;
      done |= 1u << b;
    }
  }
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t b = 0; b < blocks; ++b) {
      if ((done >> b & 1) != 0) [[unlikely]]
        continue;
      plans[b].at = at + b;
      const std::size_t column = job.layout.first_column(j + b), columns = job.layout.columns_in_block(j + b);
      const std::size_t step = piece_of(job, columns);
      std::byte* codes = job.codes + (first_row + r) * job.row_code_bytes + column * bits / 8;
      for (std::size_t c = 0; c < columns; c += step) {
        const std::size_t here = columns - c < step ? columns - c : step;
        encode_run(job, plans[b], row_piece(job, first_row + r, column + c, here, gathered), here,
                   codes + c * bits / 8);
      }
    }
  return true;
}

/// Quantises all blocks, up to sixteen of a row at a time. The job says where everything lies, plans what is not
/// planned in lanes, and has the reference for what is left. Stops where the reference has failed.
template <class Job>
void quantize_blocks(const Job& job, bool& failed) noexcept {
  constexpr std::size_t batch = 16;
  const std::size_t across = job.layout.block_columns();
  std::size_t first = 0;
  failed = true;
  bool in_batches = false;
  if constexpr (batches_blocks<Job>)
    in_batches = job.column_stride == 1 && job.reference.weights_of_errors == nullptr;
  if (!job.codes_are_zero) {
    // Batches write whole blocks from end to end; what follows is put together from bits.
    std::size_t in_blocks = 0;
    if constexpr (batches_blocks<Job>)
      if (in_batches)
        in_blocks = job.layout.columns() / Job::format::shape.columns * Job::format::shape.columns *
                    static_cast<std::size_t>(Job::format::element_bits) / 8;
    if (in_blocks != job.row_code_bytes)
      for (std::size_t r = 0; r < job.layout.rows(); ++r)
        std::memset(job.codes + r * job.row_code_bytes + in_blocks, 0, job.row_code_bytes - in_blocks);
  }
  if constexpr (batches_blocks<Job>)
    if (in_batches) {
      if (!quantize_batches(job))
        return;
      first = job.layout.columns() / Job::format::shape.columns;
    }
  for (std::size_t i = 0; i < job.layout.block_rows(); ++i)
    for (std::size_t j = first; j < across; j += batch)
      if (!quantize_some(job, i, j, across - j < batch ? across - j : batch))
        return;
  failed = false;
}

/// The largest magnitude among values side by side, as a code: Inf and NaN lie past all numbers. Nothing is asked for
/// ahead: a loop that only reads is slower with it.
template <class Source>
FEWBITS_LANES std::uint32_t largest_magnitude(const Source* from, std::size_t count) noexcept {
  const words magnitudes = fill(static_cast<std::uint32_t>(source_format<Source>().magnitude_mask()));
  words most[4] = {fill(0), fill(0), fill(0), fill(0)};
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    FEWBITS_UNROLL
    for (std::size_t k = 0; k < 4; ++k)
      most[k] = larger(most[k], bit_and(load_source_codes(from + i + 16 * k), magnitudes));
  }
  for (; i + 16 <= count; i += 16)
    most[0] = larger(most[0], bit_and(load_source_codes(from + i), magnitudes));
  if (i != count)
    most[1] = larger(most[1], bit_and(load_source_rest(from + i, count - i), magnitudes));
  return largest_lane(larger(larger(most[0], most[1]), larger(most[2], most[3])));
}
/// The same among finite ones, for values with Inf or NaN among them.
template <class Source>
FEWBITS_NOINLINE std::uint32_t largest_finite_magnitude(const Source* from, std::size_t count) noexcept {
  constexpr float_format source = source_format<Source>();
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto magnitude = static_cast<std::uint32_t>(source_code(from[i]) & source.magnitude_mask());
    if (magnitude <= source.max_code() && magnitude > most)
      most = magnitude;
  }
  return most;
}
/// The largest finite magnitude, as a code.
template <class Job>
void find_finite_amax(const Job& job, std::uint64_t& amax) noexcept {
  using source_type = typename Job::source_type;
  constexpr auto last = static_cast<std::uint32_t>(source_format<source_type>().max_code());
  source_type gathered[gathered_values];
  const std::size_t step = job.column_stride == 1 ? 4096 : gathered_values;
  std::uint32_t most = 0;
  for (std::size_t r = 0; r < job.rows; ++r)
    for (std::size_t c = 0; c < job.columns; c += step) {
      const std::size_t count = job.columns - c < step ? job.columns - c : step;
      const source_type* run = row_piece(job, r, c, count, gathered);
      std::uint32_t here = largest_magnitude(run, count);
      if (here > last) [[unlikely]]
        here = largest_finite_magnitude(run, count);
      most = here > most ? here : most;
    }
  amax = most;
}

/// Asked in the region, where the machine's own question about its rounding is at hand.
inline void ask_rounding(bool& yes) noexcept { yes = rounds_to_nearest(); }
