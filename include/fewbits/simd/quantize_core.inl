// Rows of blocks, to codes. Included by every data sheet inside its region. What a kernel does not decide for
// certain it leaves to the reference: a lane whose quotient lies near a boundary between codes, and a block whose unit
// is zero, not finite, or out of the window in simd/block_data.hpp.
//
// Why codes are right. A lane multiplies its value by two numbers, one a little below the inverse of the unit, one a
// little above it, so that the exact quotient lies between the two products: they are 2^-21 of the inverse away from
// it, while the unit, its inverse, the difference from a minimum and the product are each rounded to nearest by at most
// 2^-24 of themselves. Rounding to a code never goes down where the quotient goes up; where both products round to the
// same code, that is the code of the exact quotient, and where they do not, the reference decides. Units that are
// powers of two by their type have exact inverses and products: one is enough.
// A product is rounded to a code's digits by adding 2^23 units of the code's last place, which the machine rounds to
// nearest even: asked once a call. Near a power of two, the two products take the larger one's unit, as the quotient
// could not round to the codes in between that it leaves out. Quotients below 2^-41 / 2 may be flushed to zero: no
// boundary but zero is down there.

/// What sixteen lanes are called.
inline constexpr std::uint32_t lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
FEWBITS_LANES mask first_lanes(std::size_t count) noexcept {
  return greater(fill(static_cast<std::uint32_t>(count)), load_words(lane_numbers));
}

/// Codes of a source type as they lie in memory.
template <class Source>
FEWBITS_LANES words load_source_codes(const Source* from) noexcept {
  if constexpr (sizeof(Source) == 1)
    return load_bytes(from);
  else if constexpr (sizeof(Source) == 2)
    return load_halves(from);
  else
    return load_words(from);
}

/// Fewer than sixteen, the others +0.
template <class Source>
FEWBITS_LANES words load_source_rest(const Source* from, std::size_t count) noexcept {
  Source rest[16] = {};
  std::memcpy(static_cast<void*>(rest), from, count * sizeof(Source));
  return load_source_codes(rest);
}

/// Meets the values of a run: what the rule wants to know of a block.
template <class Job, class Source>
FEWBITS_LANES void scan_run(const Source* from, std::size_t count, block_facts& facts) noexcept {
  constexpr float_format source = source_format<Source>();
  const words magnitudes = fill(static_cast<std::uint32_t>(source.magnitude_mask()));
  std::size_t i = 0;
  if constexpr (Job::input == rule_input::range) {
    // As signed integers, positive numbers are ordered as they are and negative ones lie below 0; and the other way
    // round with the sign turned.
    constexpr int to_top = 31 - source.magnitude_bits();
    const words sign = fill(0x80000000);
    words above = fill(0), below = fill(0);
    for (; i + 16 <= count; i += 16) {
      const words lifted = shift_left<to_top>(load_source_codes(from + i));
      above = larger(above, lifted);
      below = larger(below, bit_xor(lifted, sign));
    }
    if (i != count) {
      const words lifted = shift_left<to_top>(load_source_rest(from + i, count - i));
      above = larger(above, lifted);
      below = larger(below, bit_xor(lifted, sign));
    }
    const std::uint32_t highest = largest_lane(above) >> to_top, depth = largest_lane(below) >> to_top;
    facts.above = facts.above > highest ? facts.above : highest;
    facts.below = facts.below > depth ? facts.below : depth;
    facts.amax = facts.above > facts.below ? facts.above : facts.below;
  } else {
    words most = fill(0);
    if (count >= 64) {
      words others[3] = {most, most, most};
      for (; i + 64 <= count; i += 64) {
        most = larger(most, bit_and(load_source_codes(from + i), magnitudes));
        others[0] = larger(others[0], bit_and(load_source_codes(from + i + 16), magnitudes));
        others[1] = larger(others[1], bit_and(load_source_codes(from + i + 32), magnitudes));
        others[2] = larger(others[2], bit_and(load_source_codes(from + i + 48), magnitudes));
      }
      most = larger(larger(most, others[0]), larger(others[1], others[2]));
    }
    for (; i + 16 <= count; i += 16)
      most = larger(most, bit_and(load_source_codes(from + i), magnitudes));
    if (i != count)
      most = larger(most, bit_and(load_source_rest(from + i, count - i), magnitudes));
    const std::uint32_t found = largest_lane(most);
    if constexpr (Job::input == rule_input::first_largest) {
      if (found > facts.amax)
        for (std::size_t at = 0; at < count; at += 16) {
          const words codes =
              count - at < 16 ? load_source_rest(from + at, count - at) : load_source_codes(from + at);
          const std::uint32_t hits = bits_of(equal(bit_and(codes, magnitudes), fill(found)));
          if (hits != 0) {
            facts.first_largest = source_code(from[at + static_cast<std::size_t>(std::countr_zero(hits))]);
            break;
          }
        }
    }
    facts.amax = found > facts.amax ? found : facts.amax;
  }
}

/// Codes without their signs, for magnitudes below 2^21: `low` and `high` enclose the exact quotient.
template <class Element>
FEWBITS_LANES narrowed enclose_magnitudes(floats low, floats high) noexcept {
  constexpr float_format f = Element::format;
  constexpr auto lowest = static_cast<std::uint32_t>(127 + f.min_exponent()) << 23;
  const words binade = larger(bit_and(as_words(high), fill(0x7f800000)), fill(lowest));
  const floats anchor = as_floats(add(binade, fill(static_cast<std::uint32_t>(23 - f.mantissa_bits) << 23)));
  const words from_low = as_words(add(low, anchor)), from_high = as_words(add(high, anchor));
  const words binades_up = shift_right<23 - f.mantissa_bits>(subtract(binade, fill(lowest)));
  const words codes = add(subtract(from_high, as_words(anchor)), binades_up);
  return {smaller(codes, fill(static_cast<std::uint32_t>(f.max_code()))), greater(from_high, from_low)};
}
/// Signed multiples of 2^-FractionBits, for numbers below 2^21 of them. `one_way` and `other_way` enclose the quotient.
template <int FractionBits>
FEWBITS_LANES narrowed enclose_integers(floats one_way, floats other_way) noexcept {
  constexpr std::uint32_t anchor = static_cast<std::uint32_t>(127 + 23 - FractionBits) << 23 | 0x400000;
  const words a = as_words(add(one_way, as_floats(fill(anchor))));
  const words b = as_words(add(other_way, as_floats(fill(anchor))));
  return {subtract(a, fill(anchor)), either(greater(a, b), greater(b, a))};
}
/// Codes of a codebook: a search for the lower product, and the other must lie below the next boundary.
template <class Element>
FEWBITS_LANES narrowed enclose_rungs(floats one_way, floats other_way) noexcept {
  static constexpr auto rungs =
      std::bit_cast<std::array<std::uint32_t, 16>>(ladder_of<Element, element_encoding>.boundaries);
  static constexpr auto codes = ladder_of<Element, element_encoding>.codes;
  const words a = keys_of(as_words(one_way)), b = keys_of(as_words(other_way));
  const words low = smaller(a, b), high = larger(a, b);
  const table16 boundaries = load_table(rungs.data());
  const words rung = find_rungs(boundaries, low);
  // Past the last rung nothing begins: its successor is the first one's boundary, the lowest of all keys.
  const words next = look_up(boundaries, add(rung, fill(1)));
  const mask is_close = greater(high, subtract(next, fill(1)));
  return {look_up(load_table(codes.data()), rung), is_close};
}

/// Codes of sixteen values of a block, `count` of them in use.
template <class Job, class Source>
FEWBITS_LANES words encode_piece(const Job& job, const block_plan& plan, const Source* from,
                                 std::size_t count) noexcept {
  using format = typename Job::format;
  using element = typename format::element_type;
  constexpr auto f = element::format;
  ask_for(from, values_ahead<Source> * sizeof(Source));
  const words numbers = load_numbers(from);
  narrowed made;
  words signs = numbers;
  floats value = as_floats(numbers);
  if constexpr (format::has_minimum) {
    value = subtract(value, fill_floats(plan.offset));
    signs = as_words(value);
  }
  if constexpr (is_minifloat<element>)
    value = as_floats(bit_and(as_words(value), fill(0x7fffffff)));
  const floats low = multiply(value, fill_floats(plan.inverse_low));
  const floats high = Job::halves ? low : multiply(value, fill_floats(plan.inverse_high));
  if constexpr (is_minifloat<element>) {
    made = enclose_magnitudes<element>(low, high);
    signs = bit_xor(signs, fill(plan.sign));
    if constexpr (!f.is_signed) {
      made.codes = select(greater(fill(0), signs), fill(0), made.codes);
    } else {
      made.codes = bit_or(made.codes, bit_and(shift_right<31 - f.magnitude_bits()>(signs),
                                              fill(static_cast<std::uint32_t>(f.sign_mask()))));
      if constexpr (!f.has_negative_zero())
        made.codes = select(equal(made.codes, fill(static_cast<std::uint32_t>(f.sign_mask()))), fill(0), made.codes);
    }
  } else if constexpr (is_fixed_point<element>) {
    made = enclose_integers<f.fraction_bits>(low, high);
    if constexpr (format::has_zero_point)
      made.codes = add(made.codes, fill(static_cast<std::uint32_t>(plan.zero)));
    made.codes = bit_and(smaller(larger(made.codes, fill(0u - static_cast<std::uint32_t>(f.negative_limit()))),
                                 fill(static_cast<std::uint32_t>(f.max_code()))),
                         fill(static_cast<std::uint32_t>(f.code_mask())));
  } else {
    made = enclose_rungs<element>(low, high);
  }
  if constexpr (!Job::halves) {
    std::uint32_t close = bits_of(made.close);
    if (close != 0) [[unlikely]] {
      close &= (2u << (count - 1)) - 1;
      std::uint32_t codes[16];
      store_words(codes, made.codes);
      job.encode_exactly(from, close, plan.at, codes);
      made.codes = load_words(codes);
    }
  }
  if constexpr (Job::drops_zero_sign)
    made.codes = select(equal(made.codes, fill(static_cast<std::uint32_t>(f.sign_mask()))), fill(0), made.codes);
  return made.codes;
}

template <class Job, class Source>
FEWBITS_LANES void encode_run(const Job& job, const block_plan& plan, const Source* from,
                              std::size_t count, std::byte* to) noexcept {
  using format = typename Job::format;
  constexpr std::size_t step = 2 * static_cast<std::size_t>(format::element_bits);  // bytes of sixteen codes
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16, to += step)
    store_codes<format::element_bits, format::order>(to, encode_piece(job, plan, from + i, 16));
  if (i != count) {
    Source rest[16] = {};
    std::memcpy(static_cast<void*>(rest), from + i, (count - i) * sizeof(Source));
    std::byte codes[16] = {};
    store_codes<format::element_bits, format::order>(
        codes, select(first_lanes(count - i), encode_piece(job, plan, rest, count - i), fill(0)));
    std::memcpy(to, codes, ((count - i) * static_cast<std::size_t>(format::element_bits) + 7) / 8);
  }
}

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

/// Finds and stores the scales of up to sixteen blocks, from `at` on. Returns which of them are left to the job.
template <class Job>
FEWBITS_LANES std::uint32_t plan_lanes(const Job& job, const block_facts* facts, std::size_t at, std::size_t count,
                                       block_plan* plans) noexcept {
  using format = typename Job::format;
  using element = typename format::element_type;
  using scale_type = typename format::scale_type;
  using source = typename Job::source_type;
  std::uint32_t gathered[16] = {};
  for (std::size_t b = 0; b < count; ++b)
    gathered[b] = Job::input == rule_input::first_largest ? facts[b].first_largest : facts[b].amax;
  words amax = load_words(gathered);
  if constexpr (!std::is_same_v<source, float>)
    amax = widen_lanes<lane_element<source>>(amax);
  const words magnitude = bit_and(amax, fill(0x7fffffff));
  words scales;
  mask left;
  std::uint32_t results[16];
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
    store_words(results, shift_left<23>(subtract(fill(127), halvings)));
    for (std::size_t b = 0; b < 16; ++b)
      plans[b].inverse_low = std::bit_cast<float>(results[b]);
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
    store_words(results, as_words(multiply(inverse, fill_floats(just_below_one))));
    std::uint32_t more[16];
    store_words(more, as_words(multiply(inverse, fill_floats(just_above_one))));
    for (std::size_t b = 0; b < 16; ++b)
      plans[b].set_inverses(std::bit_cast<float>(results[b]), std::bit_cast<float>(more[b]),
                            is_minifloat<element> && has_sign<scale_type>);
  }
  scale_type stored[16];
  if constexpr (sizeof(scale_type) == 1)
    store_bytes(stored, scales);
  else if constexpr (sizeof(scale_type) == 2)
    store_halves(stored, scales);
  else
    store_words(stored, scales);
  std::memcpy(static_cast<void*>(job.scales + at), stored, count * sizeof(scale_type));
  return bits_of(left);
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

/// Quantises all blocks, up to sixteen of a row at a time. The job says where everything lies, plans what is not
/// planned in lanes, and has the reference for what is left. Stops where the reference has failed.
template <class Job>
void quantize_blocks(const Job& job, bool& failed) noexcept {
  using format = typename Job::format;
  using source = typename Job::source_type;
  constexpr auto bits = static_cast<std::size_t>(format::element_bits);
  constexpr std::size_t batch = 16;
  const std::size_t across = job.layout.block_columns();
  source gathered[gathered_values];
  for (std::size_t i = 0; i < job.layout.block_rows(); ++i) {
    const std::size_t first_row = job.layout.first_row(i), rows = job.layout.rows_in_block(i);
    for (std::size_t j = 0; j < across; j += batch) {
      const std::size_t blocks = across - j < batch ? across - j : batch;
      block_facts facts[batch];
      block_plan plans[batch];
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
      if constexpr (Job::plans_in_lanes)
        left &= plan_lanes(job, facts, i * across + j, blocks, plans);
      std::uint32_t done = 0;
      for (; left != 0; left &= left - 1) {
        const auto b = static_cast<std::size_t>(std::countr_zero(left));
        if constexpr (Job::input == rule_input::candidates) {
          typename format::scale_type chosen{};
          if (rows == 1 && job.column_stride == 1 &&
              choose_candidate(job, job.values + first_row * job.row_stride + job.layout.first_column(j + b),
                               job.layout.columns_in_block(j + b), facts[b], chosen) &&
              job.plan_unit(facts[b], {chosen}, plans[b])) {
            job.scales[i * across + j + b] = chosen;
            continue;
          }
        }
        if (!job.plan(i, j + b, facts[b], plans[b])) {
          if (!job.quantize_by_reference(i, j + b)) {
            failed = true;
            return;
          }
          done |= 1u << b;
        }
      }
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t b = 0; b < blocks; ++b) {
          if ((done >> b & 1) != 0) [[unlikely]]
            continue;
          plans[b].at = i * across + j + b;
          const std::size_t column = job.layout.first_column(j + b), columns = job.layout.columns_in_block(j + b);
          const std::size_t step = piece_of(job, columns);
          std::byte* codes = job.codes + (first_row + r) * job.row_code_bytes + column * bits / 8;
          for (std::size_t c = 0; c < columns; c += step) {
            const std::size_t here = columns - c < step ? columns - c : step;
            encode_run(job, plans[b], row_piece(job, first_row + r, column + c, here, gathered), here,
                       codes + c * bits / 8);
          }
        }
    }
  }
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
