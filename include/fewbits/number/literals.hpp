// Literals: 0.3_e4m3, 0x1.8p3_bf16, 2_e2m1. The digits are read exactly and rounded once, to nearest even: no double
// comes between. A literal beyond the largest finite value does not compile.
#pragma once

#include <fewbits/base/config.hpp>
#include <fewbits/number/decimal.hpp>
#include <fewbits/number/types.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

// Not constexpr: reaching one stops the compilation, with its name in the message.
inline void literal_is_out_of_range() noexcept {}
inline void literal_is_octal_write_it_in_decimal() noexcept {}
inline void literal_is_not_a_number() noexcept {}

template <class T>
consteval T parse_literal(const char* text) noexcept {
  const char* last = text;
  while (*last != 0)
    ++last;
  const auto prefix = [&](char prefix_letter) { return text[0] == '0' && (text[1] | 0x20) == prefix_letter; };
  parsed_number parsed{};
  if (prefix('x')) {
    parsed = parse_binary(text + 2, last, false, '\'');
  } else if (prefix('b')) {
    parsed = parse_binary(text + 2, last, false, '\'', 1);
  } else {
    parsed = parse_decimal<decimal_range::of(T::format)>(text, last, false, '\'');
    bool floating = false;
    for (const char* p = text; p != last; ++p)
      floating = floating || *p == '.' || *p == 'e' || *p == 'E';
    if (!floating && text[0] == '0' && last - text > 1)
      literal_is_octal_write_it_in_decimal();
  }
  if (parsed.end != last)
    literal_is_not_a_number();
  if (!is_in_range<T>(parsed.value))
    literal_is_out_of_range();
  return T::from_bits(static_cast<typename T::bits_type>(pack_code<T::format>(parsed.value)));
}

}  // namespace detail

namespace literals {

consteval e4m3 operator""_e4m3(const char* text) noexcept { return detail::parse_literal<e4m3>(text); }
consteval e4m3fn operator""_e4m3fn(const char* text) noexcept { return detail::parse_literal<e4m3fn>(text); }
consteval e4m3_ieee operator""_e4m3_ieee(const char* text) noexcept { return detail::parse_literal<e4m3_ieee>(text); }
consteval e4m3fnuz operator""_e4m3fnuz(const char* text) noexcept { return detail::parse_literal<e4m3fnuz>(text); }
consteval e4m3b11fnuz operator""_e4m3b11fnuz(const char* text) noexcept {
  return detail::parse_literal<e4m3b11fnuz>(text);
}
consteval e5m2 operator""_e5m2(const char* text) noexcept { return detail::parse_literal<e5m2>(text); }
consteval e5m2fnuz operator""_e5m2fnuz(const char* text) noexcept { return detail::parse_literal<e5m2fnuz>(text); }
consteval e3m4 operator""_e3m4(const char* text) noexcept { return detail::parse_literal<e3m4>(text); }
consteval e2m1 operator""_e2m1(const char* text) noexcept { return detail::parse_literal<e2m1>(text); }
consteval e2m3 operator""_e2m3(const char* text) noexcept { return detail::parse_literal<e2m3>(text); }
consteval e3m2 operator""_e3m2(const char* text) noexcept { return detail::parse_literal<e3m2>(text); }
consteval ue4m3 operator""_ue4m3(const char* text) noexcept { return detail::parse_literal<ue4m3>(text); }
consteval ue5m3 operator""_ue5m3(const char* text) noexcept { return detail::parse_literal<ue5m3>(text); }
consteval ue8m0 operator""_ue8m0(const char* text) noexcept { return detail::parse_literal<ue8m0>(text); }
consteval e8m0fnu operator""_e8m0fnu(const char* text) noexcept { return detail::parse_literal<e8m0fnu>(text); }
consteval bf16 operator""_bf16(const char* text) noexcept { return detail::parse_literal<bf16>(text); }
consteval fp16 operator""_fp16(const char* text) noexcept { return detail::parse_literal<fp16>(text); }
consteval int4 operator""_int4(const char* text) noexcept { return detail::parse_literal<int4>(text); }
consteval uint4 operator""_uint4(const char* text) noexcept { return detail::parse_literal<uint4>(text); }
consteval int2 operator""_int2(const char* text) noexcept { return detail::parse_literal<int2>(text); }
consteval uint2 operator""_uint2(const char* text) noexcept { return detail::parse_literal<uint2>(text); }
consteval mxint8 operator""_mxint8(const char* text) noexcept { return detail::parse_literal<mxint8>(text); }

}  // namespace literals
FEWBITS_NAMESPACE_END
