// The tables of every type: one line each.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <type_traits>

#include <fewbits/number.hpp>
#include <fewbits/quantize/skewed.hpp>

#include "number_table.hpp"

namespace fb = fewbits;

namespace atlas {
namespace {

/// The library's rounding policies behind one choice at run time: one conversion a type is compiled, not eight.
struct chosen_rounding {
  using policy_kind = fb::rounding_kind;
  rounding_mode mode;
  unsigned draw;

  constexpr bool away_from_zero(const fb::rounding_site& at) const noexcept {
    switch (mode) {
      case rounding_mode::nearest_even: return fb::nearest_even.away_from_zero(at);
      case rounding_mode::nearest_away: return fb::nearest_away.away_from_zero(at);
      case rounding_mode::toward_zero: return fb::toward_zero.away_from_zero(at);
      case rounding_mode::upward: return fb::upward.away_from_zero(at);
      case rounding_mode::downward: return fb::downward.away_from_zero(at);
      case rounding_mode::to_odd: return fb::to_odd.away_from_zero(at);
      case rounding_mode::geometric: return fb::nearest_geometric.away_from_zero(at);
      case rounding_mode::stochastic: break;
    }
    return fb::stochastic(draw, 8).away_from_zero(at);
  }
  constexpr bool overflows_to_finite(bool negative) const noexcept {
    switch (mode) {
      case rounding_mode::toward_zero: return fb::overflows_to_finite(fb::toward_zero, negative);
      case rounding_mode::upward: return fb::overflows_to_finite(fb::upward, negative);
      case rounding_mode::downward: return fb::overflows_to_finite(fb::downward, negative);
      default: return false;
    }
  }
};

struct chosen_overflow {
  using policy_kind = fb::overflow_kind;
  fb::out_of_range overflow, infinity, negative, zero;
};
constexpr chosen_overflow overflow_of(bool saturating) {
  const fb::out_of_range to = saturating ? fb::out_of_range::finite : fb::out_of_range::special;
  return {to, to, to, to};
}

template <class T>
unsigned encode(double value, rounding_mode how, bool saturating, unsigned draw) {
  return fb::convert<T>(value, chosen_rounding{how, draw}, overflow_of(saturating)).bits();
}

std::string plural(int count, const char* what) { return std::to_string(count) + " " + what + (count == 1 ? "" : "s"); }

template <class T>
std::string words_for() {
  if constexpr (fb::is_minifloat<T>) {
    constexpr fb::float_format f = T::format;
    return (f.is_signed ? "sign, " : "no sign, ") + plural(f.exponent_bits, "exponent bit") + ", " +
           plural(f.mantissa_bits, "mantissa bit") + ", bias " + std::to_string(f.bias) +
           (f.has_inf() ? "; Inf" : "; no Inf") + (f.has_nan() ? ", NaN" : ", no NaN") +
           (!f.has_zero()           ? ", no zero"
            : f.has_negative_zero() ? ""
                                    : ", no -0");
  } else if constexpr (fb::is_fixed_point<T>) {
    constexpr fb::fixed_format f = T::format;
    return std::string(f.is_signed ? "two's complement" : "unsigned") +
           (f.fraction_bits != 0 ? ", in units of 2^-" + std::to_string(f.fraction_bits) : std::string()) +
           (f.symmetric ? ", the lowest code never written" : "");
  } else {
    return "a table of " + std::to_string(T::format.size()) + " values";
  }
}

template <class T>
code_of_number code_at(unsigned bits) {
  const T number = T::from_bits(static_cast<typename T::bits_type>(bits));
  const fb::unpacked_number taken_apart = unpack(number);
  code_of_number each{bits, code_kind::normal, taken_apart.negative, true, 0};
  switch (taken_apart.kind) {
    case fb::number_class::nan: each.kind = code_kind::nan; return each;
    case fb::number_class::infinite: each.kind = code_kind::infinite; return each;
    case fb::number_class::zero: each.kind = code_kind::zero; break;
    case fb::number_class::finite: break;
  }
  each.value = static_cast<double>(number);
  if constexpr (fb::is_minifloat<T>)
    if (each.kind == code_kind::normal && taken_apart.exponent < T::format.min_exponent())
      each.kind = code_kind::subnormal;
  each.written = encode<T>(each.value, rounding_mode::nearest_even, true, 0) == bits;
  return each;
}

template <class T>
number_table table_of(const char* name) {
  number_table table{name, words_for<T>(), T::format.bits(), false, false, {}, &encode<T>};
  for (unsigned bits = 0; bits < 1u << T::format.bits(); ++bits)
    table.codes.push_back(code_at<T>(bits));
  for (const code_of_number& each : table.codes)
    table.has_negative_values = table.has_negative_values || (each.negative && each.kind == code_kind::normal);
  if constexpr (fb::is_minifloat<T>)
    table.only_powers_of_two = T::format.mantissa_bits == 0 && !T::format.has_zero();
  return table;
}

}  // namespace

const std::vector<number_table>& all_numbers() {
  static const std::vector<number_table> tables = {
      table_of<fb::e4m3>("e4m3"),           table_of<fb::e5m2>("e5m2"),
      table_of<fb::e4m3_ieee>("e4m3_ieee"), table_of<fb::e4m3fnuz>("e4m3fnuz"),
      table_of<fb::e5m2fnuz>("e5m2fnuz"),   table_of<fb::e4m3b11fnuz>("e4m3b11fnuz"),
      table_of<fb::e3m4>("e3m4"),           table_of<fb::binary<8, 4>>("binary8p4"),
      table_of<fb::ue4m3>("ue4m3"),         table_of<fb::ue5m3>("ue5m3"),
      table_of<fb::ue8m0>("ue8m0"),         table_of<fb::int8>("int8"),
      table_of<fb::uint8>("uint8"),         table_of<fb::mxint8>("mxint8"),
      table_of<fb::e3m2>("e3m2"),           table_of<fb::e2m3>("e2m3"),
      table_of<fb::e2m1>("e2m1"),           table_of<fb::int4>("int4"),
      table_of<fb::uint4>("uint4"),         table_of<fb::nf4>("nf4"),
      table_of<fb::skew4>("skew4"),         table_of<fb::int2>("int2"),
      table_of<fb::ternary>("ternary"),
  };
  return tables;
}

std::string short_text(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  const bool is_power = fraction == .5 || fraction == -.5;
  if (is_power && (exponent < -5 || exponent > 17))
    return (value < 0 ? "-2^" : "2^") + std::to_string(exponent - 1);
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  if (std::fabs(value) >= 1000 && std::fabs(value) < 1e5)
    std::snprintf(text, sizeof text, "%.0f", value);
  std::string shown = text;
  // 0.00195 and 1e-05 take less room as .00195 and 1e-5.
  if (const auto zero = shown.find("0."); zero != shown.npos && (zero == 0 || shown[zero - 1] == '-'))
    shown.erase(zero, 1);
  if (const auto e = shown.find('e'); e != shown.npos) {
    shown.erase(e + 1, shown[e + 1] == '+' ? 1 : 0);
    const auto digit = e + (shown[e + 1] == '-' ? 2 : 1);
    shown.erase(digit, shown[digit] == '0' ? 1 : 0);
  }
  return shown;
}

std::string exact_text(double value) {
  char text[80];
  std::snprintf(text, sizeof text, "%.60g", value);
  return text;
}

}  // namespace atlas
