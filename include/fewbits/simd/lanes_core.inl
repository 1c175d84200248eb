// Sixteen elements at once, to float32 and back. Included by every data sheet inside its region; built on its
// primitives alone. In narrow_lanes only integers round, and the one floating-point subtraction is exact and far from
// subnormals, so the bits do not depend on MXCSR, FTZ or -ffast-math. round_lanes_to rounds by adding, in the default
// environment that its callers see to; what it adds is far from subnormals, and -ffast-math finds nothing to reorder.

/// The constants of a code that is positive or negative, by the lanes' signs.
FEWBITS_LANES words by_sign(mask is_negative, std::uint32_t positive, std::uint32_t negative) noexcept {
  return positive == negative ? fill(positive) : select(is_negative, fill(negative), fill(positive));
}

/// Sixteen codes of an integer type as integers. Bits above the code are ignored.
template <class Integer>
FEWBITS_LANES words integer_lanes(words codes) noexcept {
  constexpr auto f = Integer::format;
  return f.is_signed ? shift_right_signed<32 - f.bits()>(shift_left<32 - f.bits()>(codes))
                     : bit_and(codes, fill(static_cast<std::uint32_t>(f.code_mask())));
}

/// ordered_key of sixteen numbers.
FEWBITS_LANES words keys_of(words number_bits) noexcept {
  return bit_xor(number_bits, shift_right<1>(shift_right_signed<31>(number_bits)));
}
/// The last of a code_ladder's rungs that begin at or below each key.
FEWBITS_LANES words find_rungs(table16 boundaries, words keys) noexcept {
  words rung = fill(0);
  for (std::uint32_t step = 8; step != 0; step /= 2) {
    const words next = add(rung, fill(step));
    rung = select(greater(look_up(boundaries, next), keys), rung, next);
  }
  return rung;
}

/// Float32's bits of sixteen codes. Bits above the code are ignored.
template <class Element>
FEWBITS_LANES words widen_lanes(words codes) noexcept {
  constexpr auto f = Element::format;
  constexpr widening way = widening_of<Element>();
  static_assert(way != widening::one_by_one);
  if constexpr (way == widening::table) {
    return look_up(load_table(value_table<Element>.data()), codes);
  } else if constexpr (way == widening::table32) {
    return look_up(load_table32(value_table<Element>.data()), codes);
  } else if constexpr (way == widening::integer) {
    const words integer = integer_lanes<Element>(codes);
    const float unit = std::bit_cast<float>(static_cast<std::uint32_t>(127 - f.fraction_bits) << 23);
    return as_words(multiply(from_integers(integer), fill_floats(unit)));
  } else if constexpr (looks_up_magnitudes && widens_by_magnitudes<Element>) {
    return with_bits(look_up(load_table32(value_table<Element>.data()), codes), fill(0x80000000),
                     shift_left<31 - f.magnitude_bits()>(codes));
  } else if constexpr (looks_up_magnitudes && widens_by_bytes<Element>) {
    constexpr const auto& bytes = magnitude_bytes_of<Element>;
    return look_up_high_bytes(load_magnitudes(bytes.low.data()), load_magnitudes(bytes.high.data()), codes);
  } else {
    constexpr int to_place = 23 - f.mantissa_bits;
    const words magnitude = bit_and(codes, fill(static_cast<std::uint32_t>(f.magnitude_mask())));
    words value = shift_left<to_place>(magnitude);
    if constexpr (way == widening::fields) {
      constexpr auto lowest = static_cast<std::uint32_t>(127 + f.min_exponent()) << 23;
      const words normal = add(value, fill(static_cast<std::uint32_t>(127 - f.bias) << 23));
      if constexpr (f.mantissa_bits == 0) {
        value = select(equal(magnitude, fill(0)), fill(0), normal);
      } else {
        const words subnormal =
            as_words(subtract(as_floats(bit_or(value, fill(lowest))), as_floats(fill(lowest))));
        value = select(greater(fill(static_cast<std::uint32_t>(f.min_normal_code())), magnitude), subnormal, normal);
      }
    }
    const words sign = f.is_signed ? shift_left<31 - f.magnitude_bits()>(
                                         bit_and(codes, fill(static_cast<std::uint32_t>(f.sign_mask()))))
                                   : fill(0);
    value = bit_or(value, sign);
    if constexpr (f.has_inf()) {
      constexpr std::uint32_t inf = float_bits_of<Element>(f.inf_code());
      value = select(equal(magnitude, fill(static_cast<std::uint32_t>(f.inf_code()))), bit_or(fill(inf), sign), value);
    }
    if constexpr (f.nan == nan_codes::negative_zero) {
      constexpr std::uint32_t nan = float_bits_of<Element>(f.sign_mask());
      value = select(equal(bit_and(codes, fill(static_cast<std::uint32_t>(f.code_mask()))),
                           fill(static_cast<std::uint32_t>(f.sign_mask()))),
                     fill(nan), value);
    } else if constexpr (f.has_nan()) {
      constexpr std::uint32_t nan = float_bits_of<Element>(f.nan_code());
      constexpr auto last_number = static_cast<std::uint32_t>(f.has_inf() && f.nan == nan_codes::ieee ? f.inf_code()
                                                                                                  : f.magnitude_mask() - 1);
      value = select(greater(magnitude, fill(last_number)), bit_or(fill(nan), sign), value);
    }
    return value;
  }
}

/// What rounding found: codes, and the lanes whose number lies within four units in float32's last place of a boundary
/// between codes.
struct narrowed {
  words codes;
  mask close;
};

/// Rounds significand x 2^-shift to nearest even, shift in 1 ... 25.
FEWBITS_LANES narrowed round_lanes(words significand, words shift) noexcept {
  const words one = fill(1);
  const words half = shift_left_by(one, subtract(shift, one));
  const words odd = bit_and(shift_right_by(significand, shift), one);
  const words rest = subtract(bit_and(significand, subtract(shift_left<1>(half), one)), half);
  return {shift_right_by(add(add(significand, subtract(half, one)), odd), shift),
          greater(fill(5), larger(rest, subtract(fill(0), rest)))};
}

/// Significand x 2^(exponent - 150) with the sign of `number_bits` to the nearest multiple of 2^-FractionBits, as signed
/// integers no larger than the limits.
template <int FractionBits>
FEWBITS_LANES narrowed round_to_grid(words number_bits, words significand, words exponent, std::uint32_t highest,
                                     std::uint32_t lowest_negated) noexcept {
  const words one = fill(1);
  const mask is_negative = greater(fill(0), number_bits);
  const words wanted = subtract(fill(static_cast<std::uint32_t>(150 - FractionBits)), exponent);
  narrowed made = round_lanes(significand, smaller(larger(wanted, one), fill(25)));
  const words limit = by_sign(is_negative, highest, lowest_negated);
  const words rounded = smaller(select(greater(one, wanted), limit, made.codes), limit);
  made.codes = select(is_negative, subtract(fill(0), rounded), rounded);
  return made;
}
/// Sixteen float32 numbers to the nearest integers, within 2^23 of 0.
FEWBITS_LANES narrowed nearest_integers(words number_bits) noexcept {
  const words field = bit_and(shift_right<23>(number_bits), fill(255));
  const words significand = bit_or(bit_and(number_bits, fill(0x7fffff)), shift_left<23>(smaller(field, fill(1))));
  return round_to_grid<0>(number_bits, significand, larger(field, fill(1)), 1u << 23, 1u << 23);
}

/// Codes of sixteen float32 numbers times 2^-halvings, each rounded once. Lanes of `halvings` within -300 ... 300.
template <class Element, class Encoding>
FEWBITS_LANES narrowed narrow_lanes(words number_bits, words halvings) noexcept {
  if constexpr (drops_signs<Element, Encoding>)
    number_bits = bit_and(number_bits, fill(0x7fffffff));
  constexpr auto f = Element::format;
  constexpr narrowing way = narrowing_of<Element, Encoding>();
  constexpr special_codes special = special_codes_of<Element, Encoding>;
  static_assert(way != narrowing::one_by_one);
  const words one = fill(1);
  const words magnitude = bit_and(number_bits, fill(0x7fffffff));
  const mask is_negative = greater(fill(0), number_bits);
  const mask is_nan = greater(magnitude, fill(0x7f800000));
  narrowed made;
  if constexpr (way == narrowing::ladder) {
    constexpr code_ladder ladder = ladder_of<Element, Encoding>;
    static constexpr auto rungs = std::bit_cast<std::array<std::uint32_t, 16>>(ladder.boundaries);
    static constexpr auto codes = ladder.codes;
    const table16 boundaries = load_table(rungs.data());
    const words key = keys_of(number_bits);
    const words rung = find_rungs(boundaries, key);
    const words above = subtract(look_up(boundaries, smaller(add(rung, one), fill(15))), key);
    const words below = subtract(key, look_up(boundaries, rung));
    made.codes = look_up(load_table(codes.data()), rung);
    made.close = either(greater(fill(5), larger(above, subtract(fill(0), above))), greater(fill(5), below));
  } else {
    const words field = shift_right<23>(magnitude);
    const words significand =
        bit_or(bit_and(number_bits, fill(0x7fffff)), shift_left<23>(smaller(field, one)));
    const words exponent = subtract(larger(field, one), halvings);  // of the lowest digit, plus 150
    if constexpr (way == narrowing::integer) {
      made = round_to_grid<f.fraction_bits>(number_bits, significand, exponent, static_cast<std::uint32_t>(f.max_code()),
                                            static_cast<std::uint32_t>(f.negative_limit()));
      made.codes = bit_and(made.codes, fill(static_cast<std::uint32_t>(f.code_mask())));
      if constexpr (special.infinite[0] != special.overflow[0] || special.infinite[1] != special.overflow[1])
        made.codes = select(equal(magnitude, fill(0x7f800000)),
                            by_sign(is_negative, special.infinite[0], special.infinite[1]), made.codes);
    } else {
      // How many binades below the lowest normal number: these many digits fewer.
      const words below = subtract(fill(static_cast<std::uint32_t>(127 + f.min_exponent())), exponent);
      const words shift = add(larger(below, fill(0)), fill(23 - f.mantissa_bits));
      made = round_lanes(significand, smaller(shift, fill(25)));
      const words rounded =
          add(made.codes, shift_left<f.mantissa_bits>(larger(subtract(fill(0), below), fill(0))));
      const mask is_over = greater(rounded, fill(static_cast<std::uint32_t>(f.max_code())));
      if constexpr (f.is_signed) {
        const words sign = bit_and(shift_right<31 - f.magnitude_bits()>(number_bits),
                                   fill(static_cast<std::uint32_t>(f.sign_mask())));
        made.codes = bit_or(rounded, sign);
        if constexpr (!f.has_negative_zero())
          made.codes = select(equal(rounded, fill(0)), by_sign(is_negative, 0, special.tiny[1]), made.codes);
      } else {
        made.codes = select(is_negative,
                            select(equal(rounded, fill(0)), fill(special.tiny[1]), fill(special.overflow[1])), rounded);
      }
      made.codes = select(is_over, by_sign(is_negative, special.overflow[0], special.overflow[1]), made.codes);
      if constexpr (special.infinite[0] != special.overflow[0] || special.infinite[1] != special.overflow[1])
        made.codes = select(equal(magnitude, fill(0x7f800000)),
                            by_sign(is_negative, special.infinite[0], special.infinite[1]), made.codes);
    }
  }
  made.codes = select(is_nan, by_sign(is_negative, special.nan[0], special.nan[1]), made.codes);
  return made;
}

/// How float32's own addition rounds to a format, where it does.
enum class quick_rounding { none, same_exponents, by_adding, integers };
template <class Element, class Encoding>
constexpr quick_rounding quick_rounding_of() noexcept {
  constexpr narrowing way = narrowing_of<Element, Encoding>();
  if constexpr (way == narrowing::fields) {
    constexpr auto f = Element::format;
    constexpr int past = static_cast<int>(f.max_code() >> f.mantissa_bits) + f.min_exponent();
    if (f.mantissa_bits == 0)
      return quick_rounding::none;
    if (f.bias == 127 && f.min_exponent() == -126)
      return quick_rounding::same_exponents;
    return f.min_exponent() >= -100 && past <= 100 ? quick_rounding::by_adding : quick_rounding::none;
  } else if constexpr (way == narrowing::integer) {
    constexpr int fraction = Element::format.fraction_bits;
    return fraction >= -60 && fraction <= 60 ? quick_rounding::integers : quick_rounding::none;
  } else {
    return quick_rounding::none;
  }
}

/// Codes of sixteen float32 numbers, each rounded once, by a machine that rounds to nearest even.
template <class Element, class Encoding>
FEWBITS_LANES words round_lanes_to(words number_bits) noexcept {
  constexpr quick_rounding way = quick_rounding_of<Element, Encoding>();
  if constexpr (way == quick_rounding::none) {
    return narrow_lanes<Element, Encoding>(number_bits, fill(0)).codes;
  } else {
    if constexpr (drops_signs<Element, Encoding>)
      number_bits = bit_and(number_bits, fill(0x7fffffff));
    constexpr auto f = Element::format;
    constexpr special_codes special = special_codes_of<Element, Encoding>;
    const words magnitude = bit_and(number_bits, fill(0x7fffffff));
    const mask is_negative = greater(fill(0), number_bits);
    constexpr bool has_own_infinite =
        special.infinite[0] != special.overflow[0] || special.infinite[1] != special.overflow[1];
    words codes;
    if constexpr (way == quick_rounding::integers) {
      constexpr auto most = static_cast<std::uint32_t>(f.max_code());
      constexpr auto least = static_cast<std::uint32_t>(f.negative_limit());
      constexpr std::uint32_t above = std::bit_ceil((most > least ? most : least) + 1);  // a power of two
      constexpr auto limit = static_cast<std::uint32_t>(127 + std::countr_zero(above) - f.fraction_bits) << 23;
      constexpr std::uint32_t anchor = static_cast<std::uint32_t>(127 + 23 - f.fraction_bits) << 23 | 0x400000;
      const words held = bit_or(smaller(magnitude, fill(limit)), bit_and(number_bits, fill(0x80000000)));
      codes = subtract(as_words(add(as_floats(held), as_floats(fill(anchor)))), fill(anchor));
      codes = bit_and(larger(smaller(codes, fill(most)), fill(0u - least)),
                      fill(static_cast<std::uint32_t>(f.code_mask())));
    } else {
      constexpr int digits = 23 - f.mantissa_bits;
      words rounded;
      if constexpr (way == quick_rounding::same_exponents) {
        const words odd = bit_and(shift_right<digits>(magnitude), fill(1));
        rounded = shift_right<digits>(add(add(magnitude, fill((1u << (digits - 1)) - 1)), odd));
      } else {
        // Adding 2^23 units of the last place leaves a multiple of the unit. Numbers past the largest are one number.
        constexpr auto lowest = static_cast<std::uint32_t>(127 + f.min_exponent()) << 23;
        constexpr int binades = static_cast<int>(f.max_code() >> f.mantissa_bits);
        constexpr auto past = static_cast<std::uint32_t>(127 + binades + f.min_exponent()) << 23;
        const words held = smaller(magnitude, fill(past));
        const words binade = larger(bit_and(held, fill(0x7f800000)), fill(lowest));
        const words anchor = add(binade, fill(static_cast<std::uint32_t>(digits) << 23));
        const words units = subtract(as_words(add(as_floats(held), as_floats(anchor))), anchor);
        rounded = add(units, shift_right<digits>(subtract(binade, fill(lowest))));
      }
      constexpr auto last = static_cast<std::uint32_t>(f.max_code());
      constexpr auto sign_mask = static_cast<std::uint32_t>(f.sign_mask());
      constexpr auto turns = [](const std::uint32_t (&of)[2]) { return of[1] == (of[0] | sign_mask); };
      if constexpr (f.is_signed && f.has_negative_zero() && turns(special.overflow) && turns(special.infinite) &&
                    turns(special.nan)) {
        // Both signs alike: the sign comes last.
        codes = special.overflow[0] == last ? smaller(rounded, fill(last))
                                            : select(greater(rounded, fill(last)), fill(special.overflow[0]), rounded);
        if constexpr (has_own_infinite)
          codes = select(equal(magnitude, fill(0x7f800000)), fill(special.infinite[0]), codes);
        codes = select(greater(magnitude, fill(0x7f800000)), fill(special.nan[0]), codes);
        return bit_or(codes, bit_and(shift_right<31 - f.magnitude_bits()>(number_bits), fill(sign_mask)));
      } else if constexpr (f.is_signed) {
        codes = bit_or(rounded, bit_and(shift_right<31 - f.magnitude_bits()>(number_bits), fill(sign_mask)));
        if constexpr (!f.has_negative_zero())
          codes = select(equal(rounded, fill(0)), by_sign(is_negative, 0, special.tiny[1]), codes);
      } else {
        codes = select(is_negative, select(equal(rounded, fill(0)), fill(special.tiny[1]), fill(special.overflow[1])),
                       rounded);
      }
      codes = select(greater(rounded, fill(last)), by_sign(is_negative, special.overflow[0], special.overflow[1]),
                     codes);
    }
    if constexpr (has_own_infinite)
      codes = select(equal(magnitude, fill(0x7f800000)), by_sign(is_negative, special.infinite[0], special.infinite[1]),
                     codes);
    return select(greater(magnitude, fill(0x7f800000)), by_sign(is_negative, special.nan[0], special.nan[1]), codes);
  }
}

/// Sixteen numbers of a source type as float32's bits.
template <class Source>
FEWBITS_LANES words load_numbers(const Source* from) noexcept {
  if constexpr (std::is_same_v<Source, float>)
    return load_words(from);
  else if constexpr (sizeof(Source) == 1)
    return widen_lanes<Source>(load_bytes(from));
  else if constexpr (native_floating_point<Source>)
    return widen_lanes<minifloat<native_float<Source>::format>>(load_halves(from));
  else
    return widen_lanes<Source>(load_halves(from));
}

/// Fewer than sixteen, the others +0.
template <class Source>
FEWBITS_LANES words load_rest(const Source* from, std::size_t count) noexcept {
  Source rest[16] = {};
  std::memcpy(static_cast<void*>(rest), from, count * sizeof(Source));
  return load_numbers(static_cast<const Source*>(rest));
}
