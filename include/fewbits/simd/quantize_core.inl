// Rows of blocks, to codes: scales and plans for sixteen blocks at once. Included by every data sheet inside its region.

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

/// What encloses the inverses of sixteen blocks' units; which of the blocks are not planned.
struct lane_plans {
  words low, high;
  mask left;
};
template <class Scale>
FEWBITS_LANES void store_scales(Scale* to, words scales, std::size_t count) noexcept {
  Scale stored[16];
  Scale* const place = count == 16 ? to : stored;
  if constexpr (sizeof(Scale) == 1)
    store_bytes(place, scales);
  else if constexpr (sizeof(Scale) == 2)
    store_halves(place, scales);
  else
    store_words(place, scales);
  if (count != 16)
    std::memcpy(static_cast<void*>(to), stored, count * sizeof(Scale));
}

/// Finds and stores the scales of up to sixteen blocks, from `at` on, given what decides as float32's bits.
template <class Job>
FEWBITS_LANES lane_plans plan_lanes(const Job& job, words amax, std::size_t at, std::size_t count) noexcept {
  using format = typename Job::format;
  using element = typename format::element_type;
  using scale_type = typename format::scale_type;
  const words magnitude = bit_and(amax, fill(0x7fffffff));
  words scales;
  lane_plans made;
  mask& left = made.left;
  if constexpr (Job::halves) {
    constexpr binade_steps steps = binade_steps_of<format, typename Job::block_rule>;
    constexpr auto last = static_cast<std::uint32_t>(scale_type::format.max_code());
    const words binade = shift_right<23>(add(magnitude, fill((1u << 23) - steps.threshold)));
    scales = smaller(larger(add(binade, fill(static_cast<std::uint32_t>(steps.base - 127))), fill(0)), fill(last));
    const words halvings = subtract(scales, fill(static_cast<std::uint32_t>(scale_type::format.bias)));
    // Zeros, subnormals, Inf and NaN; units whose inverse is subnormal, or under which float32's subnormals matter.
    left = either(greater(fill(0x00800000), magnitude), greater(magnitude, fill(0x7f7fffff)));
    left = either(left, either(greater(fill(static_cast<std::uint32_t>(lowest_halvings<element>)), halvings),
                               greater(halvings, fill(126))));
    made.low = made.high = shift_left<23>(subtract(fill(127), halvings));
  } else {
    // In this window nothing below overflows or is subnormal, and -100 + 60 > lowest_unit holds for what is kept.
    left = either(greater(fill((127u - 100) << 23), magnitude), greater(magnitude, fill((127u + 59) << 23)));
    words scale_bits;
    if constexpr (std::is_same_v<scale_type, float>) {
      scales = as_words(divide(as_floats(amax), fill_floats(job.divisor)));
      scale_bits = scales;
    } else {
      const narrowed found =
          narrow_lanes<scale_type, encoding<>>(as_words(multiply(as_floats(amax), fill_floats(job.inverse_divisor))),
                                               fill(0));
      constexpr float_format f = source_format<scale_type>();
      scales = found.codes;
      left = either(left, either(found.close,
                                 equal(bit_and(scales, fill(static_cast<std::uint32_t>(f.magnitude_mask()))), fill(0))));
      scale_bits = widen_lanes<scale_type>(scales);
    }
    floats unit = as_floats(scale_bits);
    if constexpr (format::has_tensor_scale)
      unit = multiply(unit, fill_floats(job.tensor_float));
    const words unit_size = bit_and(as_words(unit), fill(0x7fffffff));
    left = either(left, either(greater(fill(static_cast<std::uint32_t>(127 + lowest_unit) << 23), unit_size),
                               greater(unit_size, fill(static_cast<std::uint32_t>(127 + highest_unit) << 23))));
    left = either(left, greater(magnitude, add(unit_size, fill(20u << 23))));
    const floats inverse = divide(fill_floats(1.0f), unit);
    made.low = as_words(multiply(inverse, fill_floats(just_below_one)));
    made.high = as_words(multiply(inverse, fill_floats(just_above_one)));
  }
  store_scales(job.scales + at, scales, count);
  return made;
}
/// Of block b, from a plan in lanes.
template <class Job>
FEWBITS_LANES block_plan plan_of_lane(const float (&low)[16], const float (&high)[16], std::size_t b,
                                      std::size_t at) noexcept {
  using format = typename Job::format;
  block_plan plan;
  plan.at = at + b;
  if constexpr (Job::halves)
    plan.inverse_low = plan.inverse_high = low[b];
  else
    plan.set_inverses(low[b], high[b], is_minifloat<typename format::element_type> && has_sign<typename format::scale_type>);
  return plan;
}

/// The candidate of least error for a block in one run: false where errors in float32 do not tell.
///
/// Errors are measured in the first candidate's unit, in which values are up to 8 and elements up to 12. A value, its
/// unit's inverse, an element in this unit and their difference are each off by at most 2^-24 of themselves, and near a
/// boundary the wrong neighbour may be taken, whose distance differs by at most 2^-18: each distance is right within
/// d = 2^-17. Squares are then off by at most 2 distance x d + d^2, in all at most d x (n + sum) + n d^2.
template <class Job, class Source>
FEWBITS_LANES bool choose_candidate(const Job& job, const Source* from, std::size_t count, const block_facts& facts,
                                    typename Job::format::scale_type& chosen) noexcept {
  using element = typename Job::format::element_type;
  constexpr std::size_t candidates = Job::rule_type::largest_goes_to.size();
  constexpr error_norm norm = Job::rule_type::norm;
  typename Job::format::scale_type scales[candidates];
  double units[candidates];
  if (!job.find_candidates(facts, scales, units))
    return false;
  const floats first_inverse = fill_floats(static_cast<float>(1.0 / units[0]));
  float errors[candidates];
  std::size_t best = 0;
  for (std::size_t k = 0; k < candidates; ++k) {
    const floats inverse = fill_floats(static_cast<float>(1.0 / units[k]));
    const floats ratio = fill_floats(static_cast<float>(units[k] / units[0]));
    floats sum = fill_floats(0);
    for (std::size_t i = 0; i < count; i += 16) {
      const words numbers =
          count - i < 16 ? load_rest(from + i, count - i) : load_numbers(from + i);
      const floats magnitude = as_floats(bit_and(numbers, fill(0x7fffffff)));
      const floats quotient = multiply(magnitude, inverse);
      const words codes = enclose_magnitudes<element>(quotient, quotient).codes;
      const floats there = multiply(as_floats(widen_lanes<element>(codes)), ratio);
      const floats distance = as_floats(
          bit_and(as_words(subtract(multiply(magnitude, first_inverse), there)), fill(0x7fffffff)));
      if constexpr (norm == error_norm::squared)
        sum = multiply_add(distance, distance, sum);
      else if constexpr (norm == error_norm::absolute)
        sum = add(sum, distance);
      else
        sum = as_floats(larger(as_words(sum), as_words(distance)));
    }
    if constexpr (norm == error_norm::largest) {
      errors[k] = std::bit_cast<float>(largest_lane(as_words(sum)));  // not below 0: ordered as their bits are
    } else {
      float parts[16];
      store_words(parts, as_words(sum));
      for (std::size_t half = 8; half != 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i)
          parts[i] += parts[i + half];
      errors[k] = parts[0];
    }
    if (k != 0) {
      constexpr float d = 0x1p-17f;
      const auto n = static_cast<float>(count);
      // Twice and more of what both errors may be off by.
      const float tolerance = norm == error_norm::largest    ? 4 * d
                              : norm == error_norm::absolute ? 4 * d * n + (errors[k] + errors[best]) * d
                                                             : 4 * d * (2 * n + errors[k] + errors[best]);
      if (errors[k] < errors[best] - tolerance)
        best = k;
      else if (!(errors[k] > errors[best] + tolerance))
        return false;
    }
  }
  chosen = scales[best];
  return true;
}

/// How far ahead of its codes a batch asks for values: the next batch is read once before its codes are made.
inline constexpr std::size_t batch_bytes_ahead = 12288;

/// Blocks in one row, of whole pieces of sixteen: are sixteen of them scanned, planned and encoded without leaving lanes?
template <class Job>
inline constexpr bool batches_blocks = [] {
  constexpr auto shape = Job::format::shape;
  return Job::plans_in_lanes && encodes_pairs<Job> &&
         (Job::input == rule_input::amax || Job::input == rule_input::first_largest) && shape.rows == 1 && shape.columns != whole && shape.columns % 16 == 0 && shape.columns <= 256;
}();

/// A block that lanes have not planned: by the job's plan, or by the reference. False where that has failed.
template <class Job>
FEWBITS_NOINLINE bool quantize_left_block(const Job& job, std::size_t i, std::size_t j) noexcept {
  using source = typename Job::source_type;
  constexpr std::size_t columns = Job::format::shape.columns;
  constexpr std::size_t code_bytes = columns * static_cast<std::size_t>(Job::format::element_bits) / 8;
  const source* from = job.values + i * job.row_stride + j * columns;
  std::byte* codes = job.codes + i * job.row_code_bytes + j * code_bytes;
  std::memset(codes, 0, code_bytes);
  block_facts facts;
  scan_run<Job>(from, columns, facts);
  block_plan plan;
  if (!job.plan(i, j, facts, plan))
    return job.quantize_by_reference(i, j);
  plan.at = i * job.layout.block_columns() + j;
  encode_run(job, plan, from, columns, codes);
  return true;
}

/// What decides the scales of up to sixteen blocks side by side, as float32's bits: the largest magnitudes, or the first
/// values of largest magnitude. `in_doubt`: blocks with that magnitude on both sides of 0.
template <class Job, class Source>
FEWBITS_LANES words find_deciding(const Source* from, std::size_t blocks, mask& in_doubt) noexcept {
  constexpr std::size_t columns = Job::format::shape.columns;
  words most[16];
  if constexpr (Job::input == rule_input::first_largest) {
    // As signed integers, positive numbers are ordered as they are and negative ones lie below 0; and the other way
    // round with the sign turned.
    const words sign = fill(0x80000000);
    words below[16];
    for (std::size_t b = 0; b < 16; ++b)
      most[b] = below[b] = fill(0);
    for (std::size_t b = 0; b < blocks; ++b) {
      words up = fill(0), down = fill(0);
      FEWBITS_UNROLL
      for (std::size_t c = 0; c < columns; c += 16) {
        const words numbers = load_numbers(from + b * columns + c);
        up = larger(up, numbers);
        down = larger(down, bit_xor(numbers, sign));
      }
      most[b] = up;
      below[b] = down;
    }
    const words up = largest_of_each(most), down = largest_of_each(below);
    in_doubt = equal(up, down);
    return select(greater(down, up), bit_or(down, sign), up);
  } else {
    const words magnitudes = fill(0x7fffffff);
    for (std::size_t b = 0; b < 16; ++b)
      most[b] = fill(0);
    for (std::size_t b = 0; b < blocks; ++b) {
      words here = bit_and(load_numbers(from + b * columns), magnitudes);
      FEWBITS_UNROLL
      for (std::size_t c = 16; c < columns; c += 16)
        here = larger(here, bit_and(load_numbers(from + b * columns + c), magnitudes));
      most[b] = here;
    }
    in_doubt = greater(fill(0), fill(0));
    return largest_of_each(most);
  }
}

/// Up to sixteen whole blocks of row i from block j on, and what encloses the inverses of their units.
struct block_batch {
  std::size_t i = 0, j = 0, blocks = 0;
  std::uint32_t left = 0;  ///< not planned
  alignas(64) float low[16], high[16];
};
template <class Job>
FEWBITS_LANES void plan_batch(const Job& job, block_batch& batch) noexcept {
  constexpr std::size_t columns = Job::format::shape.columns;
  mask in_doubt;
  const words deciding =
      find_deciding<Job>(job.values + batch.i * job.row_stride + batch.j * columns, batch.blocks, in_doubt);
  const lane_plans plans = plan_lanes(job, deciding, batch.i * job.layout.block_columns() + batch.j, batch.blocks);
  store_words(batch.low, plans.low);
  store_words(batch.high, plans.high);
  batch.left = bits_of(either(plans.left, in_doubt)) & ((1u << batch.blocks) - 1);
}

/// False where the reference has failed.
template <class Job>
FEWBITS_LANES bool encode_batch(const Job& job, const block_batch& batch) noexcept {
  using source = typename Job::source_type;
  constexpr std::size_t columns = Job::format::shape.columns;
  constexpr std::size_t piece = 2 * static_cast<std::size_t>(Job::format::element_bits);  // bytes of sixteen codes
  constexpr std::size_t ahead = batch_bytes_ahead / sizeof(source);
  const std::size_t at = batch.i * job.layout.block_columns() + batch.j;
  const source* from = job.values + batch.i * job.row_stride + batch.j * columns;
  std::byte* codes = job.codes + batch.i * job.row_code_bytes + batch.j * columns / 16 * piece;
  constexpr std::size_t in_step = columns < 64 ? 64 / columns : 1;
  std::size_t b = 0;
  for (; b + in_step <= batch.blocks; b += in_step)
    if constexpr (columns < 64) {
      words differ = fill(0);
      ask_for_pieces<4>(from + b * columns, ahead);
      for (std::size_t part = 0; part < 64; part += 32) {
        const std::size_t first = b + part / columns, second = b + (part + 16) / columns;
        const unit_inverses one = spread_inverses<Job>(batch.low[first], batch.high[first]);
        const unit_inverses other = columns == 32 ? one : spread_inverses<Job>(batch.low[second], batch.high[second]);
        encode_pair<Job>(one, other, from + b * columns + part, codes + (b * columns + part) / 16 * piece, differ);
      }
      if constexpr (!Job::halves)
        if (any_bit(differ)) [[unlikely]]
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
  for (std::uint32_t left = batch.left; left != 0; left &= left - 1) [[unlikely]]
    if (!quantize_left_block(job, batch.i, batch.j + static_cast<std::size_t>(std::countr_zero(left))))
      return false;
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
    if (!encode_batch(job, here))
      return false;
    if (next.i == rows)
      return true;
  }
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
    if constexpr (Job::input == rule_input::candidates) {
      typename format::scale_type chosen{};
      if (rows == 1 && job.column_stride == 1 &&
          choose_candidate(job, job.values + first_row * job.row_stride + job.layout.first_column(j + b),
                           job.layout.columns_in_block(j + b), facts[b], chosen) &&
          job.plan_unit(facts[b], {chosen}, plans[b])) {
        job.scales[at + b] = chosen;
        continue;
      }
    }
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
  if constexpr (batches_blocks<Job>)
    if (job.column_stride == 1) {
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

template <class Source>
FEWBITS_LANES void meet_finite(words& most, words codes) noexcept {
  constexpr float_format source = source_format<Source>();
  const words magnitude = bit_and(codes, fill(static_cast<std::uint32_t>(source.magnitude_mask())));
  const mask is_past = greater(magnitude, fill(static_cast<std::uint32_t>(source.max_code())));
  most = larger(most, select(is_past, fill(0), magnitude));
}
/// The largest finite magnitude, as a code.
template <class Job>
void find_finite_amax(const Job& job, std::uint64_t& amax) noexcept {
  using source_type = typename Job::source_type;
  words most[4] = {fill(0), fill(0), fill(0), fill(0)};
  source_type gathered[gathered_values];
  const std::size_t step = piece_of(job, job.columns);
  for (std::size_t r = 0; r < job.rows; ++r)
    for (std::size_t c = 0; c < job.columns; c += step) {
      const std::size_t count = job.columns - c < step ? job.columns - c : step;
      const source_type* run = row_piece(job, r, c, count, gathered);
      std::size_t i = 0;
      for (; i + 64 <= count; i += 64)
        for (std::size_t k = 0; k < 4; ++k)
          meet_finite<source_type>(most[k], load_source_codes(run + i + 16 * k));
      for (; i + 16 <= count; i += 16)
        meet_finite<source_type>(most[0], load_source_codes(run + i));
      if (i != count)
        meet_finite<source_type>(most[0], load_source_rest(run + i, count - i));
    }
  amax = largest_lane(larger(larger(most[0], most[1]), larger(most[2], most[3])));
}

/// Asked in the region, where the machine's own question about its rounding is at hand.
inline void ask_rounding(bool& yes) noexcept { yes = rounds_to_nearest(); }
