// 16-bit floats to codes of up to 8 bits, thirty-two at a time, in lanes of 16 bits alone: integers round, so the
// floating-point environment does not matter. Included by every data sheet inside its region.
//
// A significand of 15 bits, 1.m, moves right by d = how far its exponent lies below the element's lowest one. F = 14 -
// the element's mantissa bits are then its digits below the unit, and nothing is lost that decides: at d of the
// element's digits a number is at least half a unit, and the source's digits still fit; further right it is less than
// half a unit, and so are the digits that stay. What the exponent has above the lowest one is added as fields.

/// What rounding a 16-bit float takes from the two formats. `suffices`: it gives every code that the reference gives.
struct halves_rounding {
  bool suffices = false;
  bool same_exponents = false;  ///< the lowest exponents agree, so subnormals do, and codes differ in digits alone
  std::uint32_t lowest = 0;     ///< the source's exponent field for the element's lowest exponent
  std::uint32_t most = 0;       ///< a magnitude that has the code of all above it
};
template <class Source, class Element, class Encoding>
inline constexpr halves_rounding halves_rounding_of = [] {
  halves_rounding made{};
  if constexpr (is_minifloat<Source> && is_minifloat<Element>) {
    constexpr float_format s = Source::format, f = Element::format;
    if constexpr (s.bits() == 16 && s.is_signed && s.has_zero() && s.has_inf() && s.nan == nan_codes::ieee &&
                  f.is_signed && f.bits() <= 8 && f.bits() != 7 &&
                  narrowing_of<Element, Encoding>() == narrowing::fields) {
      constexpr special_codes special = special_codes_of<Element, Encoding>;
      constexpr auto sign_mask = static_cast<std::uint32_t>(f.sign_mask());
      constexpr auto last = static_cast<std::uint32_t>(f.max_code());
      constexpr auto turns = [](const std::uint32_t(&of)[2]) { return of[1] == (of[0] | sign_mask); };
      const bool signs_alike = turns(special.overflow) && turns(special.infinite) &&
                               (turns(special.nan) || special.nan[0] == special.nan[1]) &&
                               (f.has_negative_zero() || special.tiny[1] == 0);
      const int digits = s.mantissa_bits - f.mantissa_bits;
      const int lowest = f.min_exponent() - s.min_exponent() + 1;
      const int top = static_cast<int>(last >> f.mantissa_bits);
      // Subnormals of the source are less than half a unit, or units are the same.
      made.same_exponents = lowest == 1 && digits >= 8;
      const bool fits =
          made.same_exponents || (lowest >= f.mantissa_bits + 2 && s.mantissa_bits + f.mantissa_bits <= 13);
      if (digits < 1 || top < 1 || lowest < 1 || !fits || !signs_alike ||
          (special.overflow[0] != last && special.overflow[0] != last + 1))
        return made;
      made.lowest = static_cast<std::uint32_t>(lowest);
      const std::uint32_t largest = (last + (static_cast<std::uint32_t>(lowest - 1) << f.mantissa_bits))
                                    << digits;  // the last code's magnitude
      made.most = special.overflow[0] == last ? largest : largest + (1u << digits);
      made.suffices = made.most <= s.inf_code();
    }
  }
  return made;
}();
template <class Source, class Element, class Encoding>
inline constexpr bool rounds_in_halves = halves_rounding_of<Source, Element, Encoding>.suffices;

/// Adds half a unit of 2^Digits, less a little where the unit's digit is even. What lies below the unit is anything.
template <int Digits>
FEWBITS_LANES halves round_to_unit(halves a) noexcept {
  // Half a unit negated ends in zeros: one bit there takes 1 from what is added.
  return subtract(
      a, with_missing_bits(fill_halves(0x10000 - (1u << (Digits - 1))), fill_halves(1), shift_right<Digits>(a)));
}

/// Codes of thirty-two numbers, each rounded once, in the upper bytes of the lanes. Lower bytes are anything.
template <class Source, class Element, class Encoding>
FEWBITS_LANES halves round_halves_to(halves numbers) noexcept {
  constexpr float_format s = Source::format, f = Element::format;
  constexpr halves_rounding way = halves_rounding_of<Source, Element, Encoding>;
  constexpr special_codes special = special_codes_of<Element, Encoding>;
  constexpr auto infinite = static_cast<std::uint32_t>(s.inf_code());
  const halves magnitude = bit_and(numbers, fill_halves(0x7fff));
  const halves held = way.most < infinite ? smaller(magnitude, fill_halves(way.most)) : magnitude;
  halves codes;
  if constexpr (way.same_exponents) {
    constexpr int digits = s.mantissa_bits - f.mantissa_bits;
    codes = round_to_unit<digits>(held);
    if constexpr (digits > 8)
      codes = shift_right<digits - 8>(codes);
  } else {
    constexpr int digits = 14 - f.mantissa_bits;
    const halves exponent = shift_right<s.mantissa_bits>(held), lowest = fill_halves(way.lowest);
    const halves significand =
        with_bits(fill_halves(0x4000), fill_halves(0x3fff), shift_left<14 - s.mantissa_bits>(held));
    const halves units = round_to_unit<digits>(shift_right_by(significand, subtract_saturated(lowest, exponent)));
    codes = add(shift_right<digits - 8>(units), shift_left<8 + f.mantissa_bits>(subtract_saturated(exponent, lowest)));
  }
  const halves nan = fill_halves(special.nan[0] << 8);
  if constexpr (special.infinite[0] != special.overflow[0])
    codes = select_greater(magnitude, fill_halves(infinite - 1), fill_halves(special.infinite[0] << 8), codes);
  if constexpr (special.nan[0] != special.nan[1])
    codes = select_greater(magnitude, fill_halves(infinite), nan, codes);
  halves signs = numbers;
  if constexpr (!f.has_negative_zero())
    signs = select_greater(fill_halves(0x100), codes, fill_halves(0), signs);
  if constexpr (f.bits() != 8)
    signs = shift_right<7 - f.magnitude_bits()>(signs);
  codes = with_bits(codes, fill_halves(static_cast<std::uint32_t>(f.sign_mask()) << 8), signs);
  if constexpr (special.nan[0] == special.nan[1])
    codes = select_greater(magnitude, fill_halves(infinite), nan, codes);
  return codes;
}
