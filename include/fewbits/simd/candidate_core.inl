// Scales chosen among candidates by their errors: four over six. Included by every data sheet inside its region.
// Errors are added up in float32, and decide where they differ by more than they can be off by.

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
/// The same with its plan; false for other rules.
template <class Job, class Source>
FEWBITS_LANES bool plan_candidate([[maybe_unused]] const Job& job, [[maybe_unused]] const Source* from,
                                  [[maybe_unused]] std::size_t count, [[maybe_unused]] const block_facts& facts,
                                  [[maybe_unused]] block_plan& plan) noexcept {
  if constexpr (Job::input == rule_input::candidates) {
    typename Job::format::scale_type chosen{};
    if (!choose_candidate(job, from, count, facts, chosen) || !job.plan_unit(facts, {chosen}, plan))
      return false;
    job.scales[plan.at] = chosen;
    return true;
  } else {
    return false;
  }
}

/// Can sixteen blocks choose at once?
template <class Job>
inline constexpr bool chooses_in_lanes = [] {
  using format = typename Job::format;
  using scale_type = typename format::scale_type;
  if constexpr (Job::input != rule_input::candidates || is_packed_width<scale_type> ||
                std::is_same_v<scale_type, float>)
    return false;
  else
    return encodes_pairs<Job> && takes_quotients<scale_type> && lanes_read<scale_type> &&
           lanes_write<scale_type, encoding<>>;
}();

/// A candidate's unit, its inverse, and the unit in the first one's with its sign turned, one to a block.
struct candidate_units {
  alignas(64) float inverse[16], minus_ratio[16];
};
/// The error of the elements nearest to sixteen magnitudes, added to what other values have. `in_first`: the magnitudes
/// in the first candidate's unit.
template <class Job>
FEWBITS_LANES floats add_errors(floats before, floats magnitude, floats in_first, floats inverse,
                                floats minus_ratio) noexcept {
  using element = typename Job::format::element_type;
  constexpr auto f = element::format;
  constexpr error_norm norm = Job::rule_type::norm;
  constexpr float highest = std::bit_cast<float>(float_bits_of<element>(f.max_code()));
  constexpr auto lowest = static_cast<std::uint32_t>(127 + f.min_exponent()) << 23;
  const floats quotient = multiply(magnitude, inverse);
  const words binade = larger(bit_and(as_words(quotient), fill(0x7f800000)), fill(lowest));
  const floats anchor = as_floats(add(binade, fill(static_cast<std::uint32_t>(23 - f.mantissa_bits) << 23)));
  const floats nearest = smaller(subtract(rounded(add(quotient, anchor)), anchor), fill_floats(highest));
  const floats distance = multiply_add(nearest, minus_ratio, in_first);
  if constexpr (norm == error_norm::squared)
    return multiply_add(distance, distance, before);
  const words size = bit_and(as_words(distance), fill(0x7fffffff));
  if constexpr (norm == error_norm::absolute)
    return add(before, as_floats(size));
  else
    return as_floats(larger(as_words(before), size));
}

/// The candidates of least error of up to sixteen blocks: stores their scales.
///
/// As in choose_candidate, with a unit and its inverse from float32: a value in the first unit is off by at most
/// 8 x 2^-23.4, an element by 12 x 2^-24, their difference by 8 x 2^-24, and the wrong neighbour is taken within
/// 8 x 3 x 2^-24 of a boundary, whose distance differs by 4 times as much: each distance is right within 2^-16.8.
/// With d = 2^-16.5, a sum of n squares is off by at most d x (n + sum), what d^2 and adding them up take included.
template <class Job, class Source>
FEWBITS_LANES lane_plans choose_in_lanes(const Job& job, const Source* from, words amax, std::size_t at,
                                         std::size_t blocks) noexcept {
  using scale_type = typename Job::format::scale_type;
  constexpr std::size_t columns = Job::format::shape.columns, candidates = Job::rule_type::largest_goes_to.size();
  constexpr error_norm norm = Job::rule_type::norm;
  constexpr auto nonzero = static_cast<std::uint32_t>(source_format<scale_type>().magnitude_mask());
  lane_plans made;
  mask& left = made.left;
  left = either(greater(fill((127u - 100) << 23), amax), greater(amax, fill((127u + 59) << 23)));
  words scales[candidates];
  floats units[candidates], first_scale = fill_floats(1);
  candidate_units each[candidates];
  for (std::size_t k = 0; k < candidates; ++k) {
    const words quotient = as_words(multiply(as_floats(amax), fill_floats(job.inverse_targets[k])));
    const narrowed found = narrow_lanes<scale_type, encoding<>>(quotient, fill(0));
    scales[k] = found.codes;
    left = either(left, either(found.close, equal(bit_and(found.codes, fill(nonzero)), fill(0))));
    const floats scale = as_floats(widen_lanes<scale_type>(found.codes));
    if (k == 0)
      first_scale = scale;
    units[k] = multiply(scale, fill_floats(job.tensor_float));
    // Errors are measured in the first unit, and values are small multiples of it.
    left = either(left, either(greater(amax, add(as_words(units[k]), fill(3u << 23))),
                               greater(as_words(units[k]), add(as_words(units[0]), fill(1u << 23)))));
    store_words(each[k].inverse, as_words(divide(fill_floats(1), units[k])));
    store_words(each[k].minus_ratio, bit_xor(as_words(divide(scale, first_scale)), fill(0x80000000)));
  }
  floats sums[candidates][16];
  for (std::size_t b = 0; b < 16; ++b)
    for (std::size_t k = 0; k < candidates; ++k)
      sums[k][b] = fill_floats(0);
  for (std::size_t b = 0; b < blocks; ++b)
    FEWBITS_UNROLL
    for (std::size_t c = 0; c < columns; c += 16) {
      const floats magnitude = as_floats(bit_and(load_numbers(from + b * columns + c), fill(0x7fffffff)));
      const floats in_first = multiply(magnitude, fill_floats(each[0].inverse[b]));
      FEWBITS_UNROLL
      for (std::size_t k = 0; k < candidates; ++k)
        sums[k][b] = add_errors<Job>(sums[k][b], magnitude, in_first, fill_floats(each[k].inverse[b]),
                                     fill_floats(each[k].minus_ratio[b]));
    }
  floats errors[candidates];
  for (std::size_t k = 0; k < candidates; ++k)
    if constexpr (norm == error_norm::largest) {
      words sizes[16];
      for (std::size_t b = 0; b < 16; ++b)
        sizes[b] = as_words(sums[k][b]);
      errors[k] = as_floats(largest_of_each(sizes));
    } else {
      errors[k] = sum_of_each(sums[k]);
    }
  words scale = scales[0];
  floats unit = units[0], least = errors[0];
  for (std::size_t k = 1; k < candidates; ++k) {
    constexpr float d = 0x1.6p-17f;
    constexpr auto n = static_cast<float>(columns);
    floats tolerance = fill_floats(2.5f * d);
    if constexpr (norm != error_norm::largest)
      tolerance = multiply_add(add(errors[k], least), fill_floats(1.25f * d), fill_floats(2.5f * n * d));
    // Not below 0: ordered as their bits are. A difference below 0 lies below all.
    const mask is_less = greater(as_words(subtract(least, tolerance)), as_words(errors[k]));
    const mask is_more = either(greater(as_words(subtract(errors[k], tolerance)), as_words(least)),
                                equal(scales[k], scale));
    left = either(left, equal(select(either(is_less, is_more), fill(1), fill(0)), fill(0)));
    scale = select(is_less, scales[k], scale);
    unit = as_floats(select(is_less, as_words(units[k]), as_words(unit)));
    least = as_floats(select(is_less, as_words(errors[k]), as_words(least)));
  }
  enclose_inverses(unit, amax, made);
  store_scales(job.scales + at, scale, blocks);
  return made;
}
