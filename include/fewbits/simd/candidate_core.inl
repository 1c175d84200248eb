// Scales chosen among candidates by their errors: four over six. Included by every data sheet inside its region.
// Errors are added up in float32, and decide where they differ by more than they can be off by; then in doubles.

/// One block in one run by doubles, with its plan: false where they do not tell, and for other rules.
template <class Job, class Source>
FEWBITS_LANES bool plan_candidate([[maybe_unused]] const Job& job, [[maybe_unused]] const Source* from,
                                  [[maybe_unused]] std::size_t count, [[maybe_unused]] const block_facts& facts,
                                  [[maybe_unused]] block_plan& plan) noexcept {
  if constexpr (Job::input == rule_input::candidates) {
    typename Job::format::scale_type chosen{};
    if (!job.choose_by_doubles(from, count, facts, chosen) || !job.plan_unit(facts, {chosen}, plan))
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
/// Errors are measured in the first candidate's unit, in which values are up to 8 and elements up to 12. Units and
/// their inverses are rounded to float32: a value in the first unit is off by at most 8 x 3 x 2^-24, an element by 12 x
/// 2^-24, their difference by 8 x 2^-24, and the wrong neighbour is taken within 8 x 3 x 2^-24 of a boundary, whose
/// distance differs by 4 times as much: each distance is right within 2^-16.8. With d = 2^-16.5, a sum of n squares is
/// off by at most d x (n + sum), what d^2 and adding them up take included.
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
    const floats magnitude = as_floats(bit_and(load_to_round(from + b * columns + c), fill(0x7fffffff)));
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
    const mask is_more =
        either(greater(as_words(subtract(errors[k], tolerance)), as_words(least)), equal(scales[k], scale));
    left = either(left, equal(select(either(is_less, is_more), fill(1), fill(0)), fill(0)));
    scale = select(is_less, scales[k], scale);
    unit = as_floats(select(is_less, as_words(units[k]), as_words(unit)));
    least = as_floats(select(is_less, as_words(errors[k]), as_words(least)));
  }
  enclose_inverses(unit, amax, highest_quotient<typename Job::format::element_type>, made);
  store_scales(job.scales + at, scale, blocks);
  return made;
}
