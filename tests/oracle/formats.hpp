// Every element format as a table: code -> NaN, infinity or an exact value. Sources: OCP OFP8 v1.0 (e4m3, e5m2), OCP MX
// v1.0 (e2m1, e2m3, e3m2, e8m0, int8), IEEE 754-2019 (fp16 and the layouts that copy it), arXiv 2209.05433 (FNUZ),
// IEEE P3109 draft (binary{K}p{P}). A table also keeps its two ladders: the finite values of each sign in rising
// magnitude, and the value the code formula gives one step past the largest, where rounding decides overflow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exact.hpp"

namespace oracle {

using code = std::uint32_t;

/// One step of a ladder: a finite value's magnitude and the code that stands for it.
struct step {
  exact magnitude;
  code bits = 0;
};

/// The finite values of one sign in rising magnitude, zero first where the format has one.
struct ladder {
  std::vector<step> steps;
  exact beyond;  // where the value formula goes after the last step
};

struct table {
  std::string name;
  int bits = 0;
  bool is_signed = true;          // has negative values
  bool symmetric = true;          // sign and magnitude; false for two's complement
  std::optional<code> unwritten;  // a code that is read, and that encoding never gives
  std::vector<number> codes;      // what each code means; a negative zero is finite(-0)
  ladder positive;
  ladder negative;          // of an unsigned format: the mirrored positive ladder, to round a negative value with
  std::optional<code> nan;  // canonical quiet NaN
  std::optional<code> negative_nan;  // where NaN has a sign
  std::optional<code> infinity;
  std::optional<code> negative_infinity;
  std::optional<code> zero;
  std::optional<code> negative_zero;

  const number& at(code bits_of) const { return codes[bits_of]; }
  code largest() const { return positive.steps.back().bits; }
  /// The most negative value, or the smallest of an unsigned format.
  code lowest() const { return is_signed ? negative.steps.back().bits : positive.steps.front().bits; }
};

/// What a code layout fixes before its special codes are named.
struct layout {
  std::string name;
  int bits = 0;           // all of them: sign, exponent, mantissa
  int mantissa_bits = 0;  // stored
  int bias = 0;
  bool is_signed = true;
  bool has_subnormals = true;  // exponent field 0 means no hidden bit; false only for ue8m0
};

/// The magnitude the formula gives: 2^(E-bias) * 1.M, or 2^(1-bias) * 0.M for E = 0. It goes on past the last code.
inline exact formula(const layout& of, code magnitude_bits) {
  const code hidden = code{1} << of.mantissa_bits;
  const code mantissa = magnitude_bits & (hidden - 1);
  const int field = static_cast<int>(magnitude_bits >> of.mantissa_bits);
  if (field == 0 && of.has_subnormals) {
    return exact{false, natural{mantissa}, 1 - of.bias - of.mantissa_bits};
  }
  return exact{false, natural{mantissa | hidden}, field - of.bias - of.mantissa_bits};
}

/// The codes of a layout that are not values, by code.
using specials = std::vector<std::pair<code, number>>;

inline table make_table(const layout& of, const specials& special) {
  table made;
  made.name = of.name;
  made.bits = of.bits;
  made.is_signed = of.is_signed;
  const code count = code{1} << of.bits;
  const code sign_bit = of.is_signed ? count >> 1 : 0;
  const code magnitudes = of.is_signed ? sign_bit : count;
  made.codes.reserve(count);
  for (code c = 0; c < count; ++c) {
    const bool negative = (c & sign_bit) != 0;
    const exact magnitude = formula(of, c & (magnitudes - 1));
    made.codes.push_back(number::finite(negative ? -magnitude : magnitude));
  }
  for (const auto& [c, meaning] : special) {
    made.codes[c] = meaning;
  }
  for (code c = 0; c < count; ++c) {
    const number& meaning = made.codes[c];
    if (meaning.is_infinity()) {
      (meaning.negative ? made.negative_infinity : made.infinity) = c;
    } else if (meaning.is_finite()) {
      if (meaning.value.is_zero()) {
        (meaning.negative ? made.negative_zero : made.zero) = c;
      }
      (meaning.negative ? made.negative : made.positive).steps.push_back({meaning.value.absolute(), c});
    }
  }
  made.positive.beyond = formula(of, made.largest() + 1);
  if (of.is_signed) {
    if (!made.negative_zero) {  // a negative value that rounds to zero becomes the one zero
      made.negative.steps.insert(made.negative.steps.begin(), made.positive.steps.front());
    }
    made.negative.beyond = made.positive.beyond;
  } else {
    made.negative = made.positive;
  }
  return made;
}

/// IEEE 754 layout: all-ones exponent is infinity for a zero mantissa, else NaN; the quiet NaN has the top bit set.
inline table ieee_like(std::string name, int bits, int mantissa_bits) {
  const int bias = (1 << (bits - 2 - mantissa_bits)) - 1;
  const code sign_bit = code{1} << (bits - 1);
  const code infinity = sign_bit - (code{1} << mantissa_bits);
  specials special;
  for (const bool negative : {false, true}) {
    const code sign = negative ? sign_bit : 0;
    special.emplace_back(sign | infinity, number::infinity(negative));
    for (code c = infinity + 1; c < sign_bit; ++c) {
      special.emplace_back(sign | c, number::nan(negative));
    }
  }
  table made = make_table({std::move(name), bits, mantissa_bits, bias}, special);
  made.nan = infinity | (code{1} << (mantissa_bits - 1));
  made.negative_nan = *made.nan | sign_bit;
  return made;
}

/// Finite, one zero: the code of -0 is the only NaN, and nothing else is special.
inline table fnuz(std::string name, int mantissa_bits, int bias) {
  table made = make_table({std::move(name), 8, mantissa_bits, bias}, {{0x80, number::nan()}});
  made.nan = 0x80;
  return made;
}

/// Unsigned with NaN as the top code and no infinity.
inline table unsigned_with_nan(std::string name, int bits, int mantissa_bits, int bias, bool has_subnormals = true) {
  const code top = (code{1} << bits) - 1;
  table made = make_table({std::move(name), bits, mantissa_bits, bias, false, has_subnormals}, {{top, number::nan()}});
  made.nan = top;
  return made;
}

/// Two's complement integers times 2^exponent. `skip_lowest` leaves the most negative code to decoding alone.
inline table integers(std::string name, int bits, bool is_signed, int exponent = 0, bool skip_lowest = false) {
  table made;
  made.name = std::move(name);
  made.bits = bits;
  made.is_signed = is_signed;
  made.symmetric = !is_signed;
  const std::int64_t count = std::int64_t{1} << bits;
  const std::int64_t half = is_signed ? count / 2 : count;
  for (std::int64_t c = 0; c < count; ++c) {
    const std::int64_t value = c < half ? c : c - count;
    made.codes.push_back(number::finite(exact::integer(value).scaled(exponent)));
  }
  for (std::int64_t value = 0; value < half; ++value) {
    made.positive.steps.push_back({exact::integer(value).scaled(exponent), static_cast<code>(value)});
  }
  made.positive.beyond = exact::integer(half).scaled(exponent);
  made.negative = made.positive;
  if (is_signed) {
    const std::int64_t last = skip_lowest ? half - 1 : half;
    made.negative.steps.resize(1);
    for (std::int64_t value = 1; value <= last; ++value) {
      made.negative.steps.push_back({exact::integer(value).scaled(exponent), static_cast<code>(count - value)});
    }
    made.negative.beyond = exact::integer(last + 1).scaled(exponent);
  }
  if (skip_lowest) {
    made.unwritten = static_cast<code>(half);
  }
  made.zero = 0;
  return made;
}

inline table e4m3() {
  table made = make_table({"e4m3", 8, 3, 7}, {{0x7F, number::nan()}, {0xFF, number::nan(true)}});
  made.nan = 0x7F;
  made.negative_nan = 0xFF;
  return made;
}
inline table e4m3_ieee() { return ieee_like("e4m3_ieee", 8, 3); }
inline table e4m3fnuz() { return fnuz("e4m3fnuz", 3, 8); }
inline table e4m3b11fnuz() { return fnuz("e4m3b11fnuz", 3, 11); }
inline table e5m2() { return ieee_like("e5m2", 8, 2); }
inline table e5m2fnuz() { return fnuz("e5m2fnuz", 2, 16); }
inline table e3m4() { return ieee_like("e3m4", 8, 4); }
inline table e2m1() { return make_table({"e2m1", 4, 1, 1}, {}); }
inline table e2m3() { return make_table({"e2m3", 6, 3, 1}, {}); }
inline table e3m2() { return make_table({"e3m2", 6, 2, 3}, {}); }
inline table ue8m0() { return unsigned_with_nan("ue8m0", 8, 0, 127, false); }
inline table ue4m3() { return unsigned_with_nan("ue4m3", 7, 3, 7); }
inline table ue5m3() { return unsigned_with_nan("ue5m3", 8, 3, 15); }
inline table bf16() { return ieee_like("bf16", 16, 7); }
inline table fp16() { return ieee_like("fp16", 16, 10); }
inline table int4() { return integers("int4", 4, true); }
inline table uint4() { return integers("uint4", 4, false); }
inline table int2() { return integers("int2", 2, true); }
inline table uint2() { return integers("uint2", 2, false); }
inline table mxint8() { return integers("mxint8", 8, true, -6, true); }
inline table int8() { return integers("int8", 8, true); }
inline table uint8() { return integers("uint8", 8, false); }
inline table uint6() { return integers("uint6", 6, false); }
inline table ternary() { return integers("ternary", 2, true, 0, true); }

/// P3109 binary{K}p{P}{s|u}{e|f}: precision P counts the hidden bit, 1 <= P < K signed, 1 <= P <= K unsigned.
/// NaN is 10...0 (signed) or the top code (unsigned); the extended domain gives infinity the highest code left.
inline table p3109(int width, int precision, bool is_signed, bool extended) {
  natural::require(width >= 3 && width <= 15 && precision >= 1 && precision <= (is_signed ? width - 1 : width),
                   "no such P3109 format");
  const code count = code{1} << width;
  const code nan = is_signed ? count / 2 : count - 1;
  specials special{{nan, number::nan()}};
  if (extended) {
    special.emplace_back(nan - 1, number::infinity(false));
    if (is_signed) {
      special.emplace_back(count - 1, number::infinity(true));
    }
  }
  const int bias = 1 << (is_signed ? width - precision - 1 : width - precision);
  const std::string name = "binary" + std::to_string(width) + "p" + std::to_string(precision) +
                           (is_signed ? "s" : "u") + (extended ? "e" : "f");
  table made = make_table({name, width, precision - 1, bias, is_signed}, special);
  made.nan = nan;
  return made;
}

/// Every named format, in the order of docs and certificates.
inline std::vector<table> named_formats() {
  return {e4m3(),  e4m3_ieee(), e4m3fnuz(), e4m3b11fnuz(), e5m2(),  e5m2fnuz(), e3m4(),  e2m1(),
          e2m3(),  e3m2(),      ue8m0(),    ue4m3(),       ue5m3(), bf16(),     fp16(),  int4(),
          uint4(), int2(),      uint2(),    mxint8(),      int8(),  uint8(),    uint6(), ternary()};
}

/// Calls visit(table) for each P3109 format with first_width <= K <= last_width.
template <typename Visit>
void for_each_p3109(int first_width, int last_width, Visit visit) {
  for (int width = first_width; width <= last_width; ++width) {
    for (const bool is_signed : {true, false}) {
      for (int precision = 1; precision <= (is_signed ? width - 1 : width); ++precision) {
        for (const bool extended : {true, false}) {
          visit(p3109(width, precision, is_signed, extended));
        }
      }
    }
  }
}

}  // namespace oracle
