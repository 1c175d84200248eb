// Numbers as text: shortest round-trip to_chars, correctly rounded from_chars, operator<<, std::formatter where the
// library has it. Opt-in: <charconv> and <ostream> are not light.
#pragma once

#include <charconv>
#include <cstddef>
#include <ostream>
#include <string_view>
#include <system_error>
#include <version>
#if defined(__cpp_lib_format)
#include <format>
#endif

#include <fewbits/base/config.hpp>
#include <fewbits/number/codebook.hpp>
#include <fewbits/number/decimal.hpp>
#include <fewbits/number/fixed_point.hpp>
#include <fewbits/number/minifloat.hpp>

FEWBITS_NAMESPACE_BEGIN
namespace detail {

/// Decimal digits with the position of the first: 0.d1 d2 d3 ... x 10^(first + 1).
struct digit_string {
  static constexpr int capacity = 20;
  unsigned char digits[capacity] = {};
  int count = 0;
  int first = 0;
};

/// The `count` leading digits of a number: cut, or cut and increased by one in the last place.
template <decimal_range Range>
constexpr digit_string leading_digits(const decimal<Range>& number, int count, bool increase) noexcept {
  digit_string result{.count = count, .first = number.leading()};
  for (int i = 0; i < count; ++i)
    result.digits[i] = static_cast<unsigned char>(number.digit(result.first - i));
  if (increase) {
    int i = count - 1;
    while (i >= 0 && ++result.digits[i] == 10)
      result.digits[i--] = 0;
    if (i < 0) {  // 99 became 100
      result.digits[0] = 1;
      ++result.first;
    }
  }
  return result;
}

template <decimal_range Range>
constexpr unpacked_number value_of(const digit_string& text, bool negative) noexcept {
  decimal<Range> number;
  for (int i = 0; i < text.count; ++i)
    number.set_digit(text.first - i, text.digits[i]);
  return number.unpacked(negative);
}

/// Is what follows the first `count` digits more than half a unit of the last of them? At exactly half, is that odd?
template <decimal_range Range>
constexpr bool rounds_up(const decimal<Range>& number, int count) noexcept {
  const int next = number.leading() - count;
  if (number.digit(next) != 5)
    return number.digit(next) > 5;
  for (int position = next - 1; position >= decimal<Range>::lowest; --position)
    if (number.digit(position) != 0)
      return true;
  return number.digit(next + 1) % 2 == 1;
}

/// The fewest digits that read back as the same code; of several such strings the nearest to the value.
template <few_bit_number T, decimal_range Range>
constexpr digit_string shortest_digits(const decimal<Range>& exact, bool negative, std::uint64_t code) noexcept {
  for (int count = 1;; ++count) {
    const bool up = rounds_up(exact, count);
    for (const bool increase : {up, !up}) {
      const digit_string candidate = leading_digits(exact, count, increase);
      if (detail::unbounded_code<T>(value_of<Range>(candidate, negative)) == code)
        return candidate;
    }
  }
}

/// Characters into a buffer that may be too short.
struct text_writer {
  char* at;
  char* last;
  bool overflow = false;
  constexpr void put(char c) noexcept {
    if (at == last)
      overflow = true;
    else
      *at++ = c;
  }
  constexpr void put(std::string_view text) noexcept {
    for (const char c : text)
      put(c);
  }
};

constexpr void put_fixed(text_writer& out, const digit_string& d) noexcept {
  if (d.first < 0) {
    out.put("0.");
    for (int i = -1; i > d.first; --i)
      out.put('0');
  }
  for (int i = 0; i < d.count || i <= d.first; ++i) {
    if (i == d.first + 1 && d.first >= 0)
      out.put('.');
    out.put(static_cast<char>('0' + (i < d.count ? d.digits[i] : 0)));
  }
}
constexpr void put_scientific(text_writer& out, const digit_string& d) noexcept {
  out.put(static_cast<char>('0' + d.digits[0]));
  if (d.count > 1)
    out.put('.');
  for (int i = 1; i < d.count; ++i)
    out.put(static_cast<char>('0' + d.digits[i]));
  out.put(d.first < 0 ? "e-" : "e+");
  const int exponent = d.first < 0 ? -d.first : d.first;
  int unit = 10;
  while (unit * 10 <= exponent)
    unit *= 10;
  for (; unit != 0; unit /= 10)
    out.put(static_cast<char>('0' + exponent / unit % 10));
}
constexpr int scientific_length(const digit_string& d) noexcept {
  const int exponent = d.first < 0 ? -d.first : d.first;
  return d.count + (d.count > 1 ? 1 : 0) + 2 + (exponent < 100 ? 2 : exponent < 1000 ? 3 : 4);
}
constexpr int fixed_length(const digit_string& d) noexcept {
  if (d.first < 0)
    return 1 - d.first + d.count;
  return d.count > d.first + 1 ? d.count + 1 : d.first + 1;
}

}  // namespace detail

/// Enough characters for any number: a sign, up to 20 digits or "0.000...", a point, an exponent.
inline constexpr std::size_t max_text_length = 32;

/// Writes the shortest text that from_chars reads back as the same number, fixed or scientific, whichever is shorter,
/// fixed if equal; of equally short texts the nearest to the value. NaN is "nan" or "-nan", Inf "inf" or "-inf".
/// As std::to_chars: on a short buffer {last, errc::value_too_large}, and its content is unspecified.
template <few_bit_number T>
constexpr std::to_chars_result to_chars(char* first, char* last, T number) noexcept {
  const unpacked_number x = unpack(number);
  detail::text_writer out{first, last};
  if (x.negative)
    out.put('-');
  switch (x.kind) {
    case number_class::nan: out.put("nan"); break;
    case number_class::infinite: out.put("inf"); break;
    case number_class::zero: out.put('0'); break;
    case number_class::finite: {
      constexpr decimal_range range = decimal_range::of(T::format);
      const decimal<range> exact{x};
      const detail::digit_string shortest = detail::shortest_digits<T>(exact, x.negative, detail::unbounded_code<T>(x));
      // Zeros between the last digit and the point cost as much as the true digits, so those are written.
      detail::digit_string fixed = shortest;
      const int before_point = exact.leading() + 1;
      if (before_point > shortest.count && before_point <= detail::digit_string::capacity)
        fixed = detail::leading_digits(exact, before_point, detail::rounds_up(exact, before_point));
      if (detail::fixed_length(fixed) <= detail::scientific_length(shortest))
        detail::put_fixed(out, fixed);
      else
        detail::put_scientific(out, shortest);
      break;
    }
  }
  if (out.overflow)
    return {last, std::errc::value_too_large};
  return {out.at, std::errc{}};
}

/// Reads a number as std::from_chars does (no leading space or plus; "inf", "infinity", "nan" in any case;
/// chars_format::hex without 0x) and rounds its exact value once, to nearest even. A value that rounds to zero is zero,
/// not an error. Errors: errc::invalid_argument if there is no number; errc::result_out_of_range if it rounds beyond
/// the largest finite value, or is a NaN, Inf, zero or negative number that the format does not have. `number` is then
/// unchanged.
template <few_bit_number T>
constexpr std::from_chars_result from_chars(const char* first, const char* last, T& number,
                                            std::chars_format format = std::chars_format::general) noexcept {
  const char* p = first;
  const bool negative = p != last && *p == '-';
  if (negative)
    ++p;
  const auto starts_with = [&](std::string_view expected_word) {
    if (static_cast<std::size_t>(last - p) < expected_word.size())
      return false;
    const char* at_letter = p;
    for (const char wanted_letter : expected_word)
      if ((*at_letter++ | 0x20) != wanted_letter)
        return false;
    return true;
  };
  parsed_number parsed{};
  if (starts_with("nan")) {
    parsed = {{.kind = number_class::nan, .negative = negative}, p + 3};
    if (p + 3 != last && p[3] == '(') {  // a payload, which no format here keeps
      const char* q = p + 4;
      while (q != last && ((*q >= '0' && *q <= '9') || ((*q | 0x20) >= 'a' && (*q | 0x20) <= 'z') || *q == '_'))
        ++q;
      if (q != last && *q == ')')
        parsed.end = q + 1;
    }
  } else if (starts_with("inf")) {
    parsed = {{.kind = number_class::infinite, .negative = negative}, p + (starts_with("infinity") ? 8 : 3)};
  } else if (format == std::chars_format::hex) {
    parsed = parse_binary(p, last, negative);
  } else {
    constexpr decimal_range range = decimal_range::of(T::format);
    parsed = parse_decimal<range>(p, last, negative);
    // Fixed text has no exponent, scientific text must have one.
    const char* mantissa_end = p;
    while (mantissa_end != parsed.end && parsed.end != nullptr && (*mantissa_end | 0x20) != 'e')
      ++mantissa_end;
    if (parsed.end != nullptr && format == std::chars_format::fixed && mantissa_end != parsed.end)
      parsed = parse_decimal<range>(p, mantissa_end, negative);
    if (parsed.end != nullptr && format == std::chars_format::scientific && mantissa_end == parsed.end)
      parsed = {};
  }
  if (parsed.end == nullptr)
    return {first, std::errc::invalid_argument};

  const unpacked_number& x = parsed.value;
  if (!is_in_range<T>(x))
    return {parsed.end, std::errc::result_out_of_range};
  if constexpr (is_minifloat<T> || is_codebook<T>)
    number = T::from_bits(static_cast<typename T::bits_type>(pack_code<T::format>(x, operator_encoding)));
  else
    number = T::from_bits(static_cast<typename T::bits_type>(pack_code<T::format.all_codes()>(x)));
  return {parsed.end, std::errc{}};
}

/// The text of to_chars; the stream's width, fill and adjustment apply, its precision does not.
template <class Char, class Traits, few_bit_number T>
std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, T number) {
  char narrow[max_text_length];
  const char* const end = to_chars(narrow, narrow + max_text_length, number).ptr;
  Char text[max_text_length];
  std::size_t size = 0;
  for (const char* p = narrow; p != end; ++p)
    text[size++] = out.widen(*p);
  return out << std::basic_string_view<Char, Traits>{text, size};
}

FEWBITS_NAMESPACE_END

#if defined(__cpp_lib_format)
/// "{}" and "{:>10}" give the text of to_chars; a sign, '#', '0', precision or type formats the exact value as double.
template <fewbits::few_bit_number T>
struct std::formatter<T, char> {
  constexpr auto parse(std::format_parse_context& context) {
    auto p = context.begin();
    const auto end = context.end();
    const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^'; };
    if (p != end && *p != '}') {
      if (p + 1 != end && is_align(p[1]))
        p += 2;
      else if (is_align(*p))
        ++p;
    }
    if (p != end && *p != '0')
      while (p != end && *p >= '0' && *p <= '9')
        ++p;
    shortest_ = p == end || *p == '}' || *p == '{';
    return shortest_ ? text_.parse(context) : exact_.parse(context);
  }
  template <class Context>
  auto format(T number, Context& context) const {
    if (!shortest_)
      return exact_.format(static_cast<double>(number), context);
    char text[fewbits::max_text_length];
    const char* const end = fewbits::to_chars(text, text + sizeof text, number).ptr;
    return text_.format(std::string_view{text, static_cast<std::size_t>(end - text)}, context);
  }

 private:
  bool shortest_ = true;
  std::formatter<std::string_view, char> text_;
  std::formatter<double, char> exact_;
};
#endif
