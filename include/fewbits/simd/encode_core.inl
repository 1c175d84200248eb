// Values of a block, to its facts and to codes. Included by every data sheet inside its region. What a kernel does not
// decide for certain it leaves to the reference: a lane whose quotient lies near a boundary between codes, and a block
// whose unit is zero, not finite, or out of the window in simd/block_data.hpp.
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
// boundary but zero is down there. Codebooks by one product: simd/codebook_data.hpp. Lanes of blocks that are left to
// the reference may hold any code, which it writes over.

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
          const words codes = count - at < 16 ? load_source_rest(from + at, count - at) : load_source_codes(from + at);
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

/// The same on a rung_grid, from quotients times its factor. In `lowest`, whether all lanes are certain: is_certain.
template <class Element>
FEWBITS_LANES words find_on_grid(floats scaled, words& lowest) noexcept {
  static constexpr rung_grid grid = rung_grid_of<Element, element_encoding>;
  static constexpr auto codes = ladder_of<Element, element_encoding>.codes;
  const words at = nearest(scaled);
  const words step = shift_right_signed<rung_grid::step_bits>(at);
  const words above = subtract(at, look_up(load_table32(grid.subtrahends.data()), step));
  lowest = smaller(lowest, above);
  const words rung = subtract(look_up(load_table32(grid.rungs_below.data()), step), shift_right_signed<31>(above));
  return rungs_are_codes<Element, element_encoding> ? rung : look_up(load_table(codes.data()), rung);
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

/// Are codes made thirty-two at a time, without a mask for each sixteen?
template <class Job>
inline constexpr bool encodes_pairs = [] {
  using format = typename Job::format;
  using element = typename format::element_type;
  if constexpr (format::has_minimum || format::has_zero_point || Job::drops_zero_sign || format::element_bits > 8 ||
                format::element_bits == 7)
    return false;
  else if constexpr (is_minifloat<element>)
    return element::format.is_signed && element::format.has_negative_zero() && element::format.mantissa_bits >= 1;
  else
    return is_fixed_point<element> || is_codebook<element>;
}();

/// From what round_quotients has gathered, starting from 0.
template <class Job>
FEWBITS_LANES bool is_certain(words gathered) noexcept {
  if constexpr (finds_on_grid<typename Job::format::element_type>)
    return bits_of(greater(fill(rung_grid::undecided + 1), gathered)) == 0;
  else
    return !any_bit(gathered);
}

/// The inverse of a block's unit in all lanes: what encloses it, and `scaled`. That is, for integers, the lower one
/// times what makes their fraction whole; for codebooks the lower one times the factor of their grid; for minifloats
/// the higher one times 2^(digits that float32 has past the element's).
struct unit_inverses {
  floats low, high, scaled;
};
/// What the inverse is multiplied by for `scaled`; nothing uses it for minifloats under powers of two.
template <class Job>
constexpr float inverse_factor() noexcept {
  using element = typename Job::format::element_type;
  if constexpr (is_fixed_point<element>)
    return std::bit_cast<float>(static_cast<std::uint32_t>(127 + element::format.fraction_bits) << 23);
  else if constexpr (is_codebook<element>)
    return rung_grid_of<element, element_encoding>.factor;
  else if constexpr (Job::halves || !is_minifloat<element>)
    return 1.0f;
  else
    return std::bit_cast<float>(static_cast<std::uint32_t>(127 + 23 - element::format.mantissa_bits) << 23);
}
template <class Job>
FEWBITS_LANES unit_inverses spread_inverses(float low, float high) noexcept {
  using element = typename Job::format::element_type;
  const floats scaled = fill_floats(is_minifloat<element> ? high : low);
  return {fill_floats(low), fill_floats(high), multiply(scaled, fill_floats(inverse_factor<Job>()))};
}

/// Sixteen quotients rounded, in a form that finish_pair reads; `differ` gets bits where the lower and the higher
/// quotient do not agree, or is find_on_grid's.
///
/// A minifloat is rounded as in enclose_magnitudes, with its sign on what is added. The sum of a number of binade E and
/// 2^E x 2^(digits past the element's) has E + digits in its exponent and the units of E's last place below; the
/// exponent moved down to them, they add up to the code and a constant, the sign above.
template <class Job>
FEWBITS_LANES words round_quotients(const unit_inverses& inverse, floats value,
                                    [[maybe_unused]] words& differ) noexcept {
  using element = typename Job::format::element_type;
  constexpr auto f = element::format;
  if constexpr (is_codebook<element>) {
    if constexpr (finds_on_grid<element>) {
      return find_on_grid<element>(multiply(value, inverse.scaled), differ);
    } else {
      const narrowed made = enclose_rungs<element>(multiply(value, inverse.low), multiply(value, inverse.high));
      differ = select(made.close, fill(1), differ);
      return made.codes;
    }
  } else if constexpr (is_fixed_point<element>) {
    const words codes = nearest(multiply(value, inverse.scaled));
    if constexpr (!Job::halves)
      differ = with_differences(differ, codes,
                                nearest(multiply(value, multiply(inverse.high, fill_floats(inverse_factor<Job>())))));
    return codes;
  } else {
    constexpr int digits = 23 - f.mantissa_bits;
    constexpr auto lowest = static_cast<std::uint32_t>(127 + f.min_exponent()) << 23;
    constexpr auto to_anchor = static_cast<std::uint32_t>(digits) << 23;
    words sum;
    if constexpr (Job::halves) {
      const floats quotient = multiply(value, inverse.low);
      const words binade = larger(bit_and(as_words(quotient), fill(0x7f800000)), fill(lowest));
      const words anchor = with_bits(add(binade, fill(to_anchor)), fill(0x80000000), as_words(quotient));
      sum = as_words(add(quotient, as_floats(anchor)));
    } else {
      const words scaled = as_words(multiply(value, inverse.scaled));
      const words binade = larger(bit_and(scaled, fill(0x7f800000)), fill(lowest + to_anchor));
      const floats anchor = as_floats(with_bits(binade, fill(0x80000000), scaled));
      sum = as_words(multiply_add(value, inverse.low, anchor));
      differ = with_differences(differ, sum, as_words(multiply_add(value, inverse.high, anchor)));
    }
    return add(sum, shift_right<digits>(sum));
  }
}
/// Thirty-two codes.
template <class Element>
FEWBITS_LANES halves finish_pair(words first, words second) noexcept {
  constexpr auto f = Element::format;
  if constexpr (is_codebook<Element>) {
    return join(first, second);
  } else if constexpr (is_fixed_point<Element>) {
    const halves lowest = fill_halves((0u - static_cast<std::uint32_t>(f.negative_limit())) & 0xffff);
    const halves codes =
        smaller(larger(join_saturated(first, second), lowest), fill_halves(static_cast<std::uint32_t>(f.max_code())));
    return f.bits() == 8 ? codes : bit_and(codes, fill_halves(static_cast<std::uint32_t>(f.code_mask())));
  } else {
    constexpr int sign_at = 8 + f.mantissa_bits;
    constexpr auto constant = static_cast<std::uint32_t>(127 + f.min_exponent() + 23 - f.mantissa_bits)
                              << f.mantissa_bits;
    const halves signed_codes = subtract(join(first, second), fill_halves(constant));
    const halves codes = smaller(bit_and(signed_codes, fill_halves((1u << sign_at) - 1)),
                                 fill_halves(static_cast<std::uint32_t>(f.max_code())));
    return with_bits(codes, fill_halves(static_cast<std::uint32_t>(f.sign_mask())),
                     shift_right<sign_at - f.magnitude_bits()>(signed_codes));
  }
}

/// Asks for what `Count` pieces of sixteen values will be some values further on.
template <int Count, class Source>
FEWBITS_LANES void ask_for_pieces(const Source* from, std::size_t ahead) noexcept {
  constexpr std::size_t bytes = 16 * Count * sizeof(Source);
  for (std::size_t at = 0; at < bytes; at += 64)
    ask_for(reinterpret_cast<const std::byte*>(from) + at, ahead * sizeof(Source));
}

/// Codes of thirty-two values, two units to them.
template <class Job, class Source>
FEWBITS_LANES halves encode_pair(const unit_inverses& first, const unit_inverses& second, const Source* from,
                                 words& differ) noexcept {
  const words low = round_quotients<Job>(first, as_floats(load_to_round(from)), differ);
  const words high = round_quotients<Job>(second, as_floats(load_to_round(from + 16)), differ);
  return finish_pair<typename Job::format::element_type>(low, high);
}

/// Sixteen at a time, every lane certain.
template <class Job, class Source>
FEWBITS_LANES void encode_pieces(const Job& job, const block_plan& plan, const Source* from, std::size_t count,
                                 std::byte* to) noexcept {
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

/// The same out of line, for what is rare: a multiple of sixteen values. Without the code for a rest: where clang 14
/// knows that there is none, it moves these copies until memory runs out.
template <class Job, class Source>
FEWBITS_NOINLINE void encode_pieces_again(const Job& job, const block_plan& plan, const Source* from, std::size_t count,
                                          std::byte* to) noexcept {
  using format = typename Job::format;
  for (std::size_t i = 0; i < count; i += 16, to += 2 * static_cast<std::size_t>(format::element_bits))
    store_codes<format::element_bits, format::order>(to, encode_piece(job, plan, from + i, 16));
}

/// Values of a run of one block. Asks for what lies `ahead` values further on.
template <class Job, class Source>
FEWBITS_LANES void encode_run(const Job& job, const block_plan& plan, const Source* from, std::size_t count,
                              std::byte* to, std::size_t ahead = values_ahead<Source>) noexcept {
  if constexpr (encodes_pairs<Job>) {
    const unit_inverses inverse = spread_inverses<Job>(plan.signed_low(), plan.signed_high());
    for (; count >= 64; count -= 64, from += 64, to += 8 * Job::format::element_bits) {
      words differ = fill(0);
      ask_for_pieces<4>(from, ahead);
      const halves first = encode_pair<Job>(inverse, inverse, from, differ);
      store_codes<Job::format::element_bits, Job::format::order>(to, first,
                                                                 encode_pair<Job>(inverse, inverse, from + 32, differ));
      if constexpr (!Job::halves)
        if (!is_certain<Job>(differ)) [[unlikely]]
          encode_pieces_again(job, plan, from, 64, to);
    }
  }
  encode_pieces(job, plan, from, count, to);
}
