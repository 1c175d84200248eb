// Float32 to codes of up to 8 bits, thirty-two at a time: words round, and lanes of half the width do what is left.
// Included by every data sheet inside its region. The default floating-point environment, as for round_lanes_to.

/// Sixteen numbers of a source type as float32's bits, for what is only compared and rounded: NaN is some NaN.
template <class Source>
FEWBITS_LANES words load_to_round(const Source* from) noexcept {
  if constexpr (std::is_same_v<Source, float>) {
    return load_words(from);
  } else {
    constexpr auto f = lane_element<Source>::format;
    if constexpr (widening_of<lane_element<Source>>() == widening::shift && f.bits() == 16)
      return shift_left<31 - f.magnitude_bits()>(load_halves(from));
    else if constexpr (has_fp16 && std::is_same_v<lane_element<Source>, fp16>)
      return load_fp16(from);
    else
      return load_numbers(from);
  }
}

/// Elements whose codes round_pair_to makes: overflow alike on both sides, NaN too or without a sign, and no Inf of its
/// own code.
template <class Element, class Encoding>
inline constexpr bool rounds_in_pairs = [] {
  constexpr quick_rounding way = quick_rounding_of<Element, Encoding>();
  if constexpr (way != quick_rounding::by_adding && way != quick_rounding::integers) {
    return false;
  } else if constexpr (Element::format.bits() > 8 || Element::format.bits() == 7) {
    return false;
  } else {
    constexpr special_codes special = special_codes_of<Element, Encoding>;
    constexpr bool own_infinite =
        special.infinite[0] != special.overflow[0] || special.infinite[1] != special.overflow[1];
    if constexpr (own_infinite || !Element::format.is_signed) {
      return false;
    } else if constexpr (way == quick_rounding::integers) {
      return special.nan[0] == special.nan[1];
    } else {
      constexpr auto sign_mask = static_cast<std::uint32_t>(Element::format.sign_mask());
      return (Element::format.has_negative_zero() || special.tiny[1] == 0) &&
             special.overflow[1] == (special.overflow[0] | sign_mask) &&
             (special.nan[1] == (special.nan[0] | sign_mask) || special.nan[1] == special.nan[0]);
    }
  }
}();

/// Sixteen numbers, rounded to units above a constant: finish_rounding knows it.
template <class Element>
FEWBITS_LANES words round_to_units(words numbers, words magnitudes) noexcept {
  constexpr auto f = Element::format;
  if constexpr (is_fixed_point<Element>) {
    constexpr auto most = static_cast<std::uint32_t>(f.max_code());
    constexpr auto least = static_cast<std::uint32_t>(f.negative_limit());
    constexpr std::uint32_t above = std::bit_ceil((most > least ? most : least) + 1);
    constexpr auto limit = static_cast<std::uint32_t>(127 + std::countr_zero(above) - f.fraction_bits) << 23;
    constexpr float ones = std::bit_cast<float>(static_cast<std::uint32_t>(127 + f.fraction_bits) << 23);
    const words held = with_bits(smaller(magnitudes, fill(limit)), fill(0x80000000), numbers);
    return nearest(f.fraction_bits == 0 ? as_floats(held) : multiply(as_floats(held), fill_floats(ones)));
  } else {
    constexpr int digits = 23 - f.mantissa_bits;
    constexpr auto lowest = static_cast<std::uint32_t>(127 + f.min_exponent()) << 23;
    constexpr auto past =
        static_cast<std::uint32_t>(127 + static_cast<int>(f.max_code() >> f.mantissa_bits) + f.min_exponent()) << 23;
    const words held = smaller(magnitudes, fill(past));
    const words binade = larger(bit_and(held, fill(0x7f800000)), fill(lowest));
    const words anchor = add(binade, fill(static_cast<std::uint32_t>(digits) << 23));
    const words sum = as_words(add(as_floats(held), as_floats(anchor)));
    return add(sum, shift_right<digits>(sum));
  }
}

/// Codes of thirty-two float32 numbers, each rounded once.
template <class Element, class Encoding>
FEWBITS_LANES halves round_pair_to(words first, words second) noexcept {
  constexpr auto f = Element::format;
  constexpr special_codes special = special_codes_of<Element, Encoding>;
  const words magnitudes = fill(0x7fffffff), past_infinite = fill(0x7fffff);
  const words first_size = bit_and(first, magnitudes), second_size = bit_and(second, magnitudes);
  const words one = round_to_units<Element>(first, first_size), other = round_to_units<Element>(second, second_size);
  const halves is_nan = join_high(add(first_size, past_infinite), add(second_size, past_infinite));  // in its sign
  if constexpr (is_fixed_point<Element>) {
    const halves lowest = fill_halves((0u - static_cast<std::uint32_t>(f.negative_limit())) & 0xffff);
    halves codes =
        smaller(larger(join_saturated(one, other), lowest), fill_halves(static_cast<std::uint32_t>(f.max_code())));
    if constexpr (f.bits() != 8)
      codes = bit_and(codes, fill_halves(static_cast<std::uint32_t>(f.code_mask())));
    return select_below_zero(is_nan, fill_halves(special.nan[0]), codes);
  } else {
    constexpr auto last = static_cast<std::uint32_t>(f.max_code());
    constexpr auto constant = static_cast<std::uint32_t>(127 + f.min_exponent() + 23 - f.mantissa_bits)
                              << f.mantissa_bits;
    halves codes = subtract(join(one, other), fill_halves(constant));
    if constexpr (special.overflow[0] == last)
      codes = smaller(codes, fill_halves(last));
    else
      codes = select_below_zero(subtract(fill_halves(last), codes), fill_halves(special.overflow[0]), codes);
    const halves nan = fill_halves(special.nan[0]);
    if constexpr (special.nan[0] != special.nan[1])
      codes = select_below_zero(is_nan, nan, codes);
    halves signs = join_high(first, second);
    if constexpr (!f.has_negative_zero())  // its code would be NaN's
      signs = select_greater(fill_halves(1), codes, fill_halves(0), signs);
    codes = with_bits(codes, fill_halves(static_cast<std::uint32_t>(f.sign_mask())),
                      shift_right<15 - f.magnitude_bits()>(signs));
    return special.nan[0] == special.nan[1] ? select_below_zero(is_nan, nan, codes) : codes;
  }
}
