// Numbers by table: a code of up to 5 bits is an index into values that follow no formula, such as NormalFloat's.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fewbits/base/config.hpp>
#include <fewbits/number/codec.hpp>

FEWBITS_NAMESPACE_BEGIN

/// A structural type: code c stands for entries[c] x 2^-fraction_bits. Entries past 2^total_bits are unused. They may
/// stand in any order.
struct codebook_format {
  int total_bits = 4;
  int fraction_bits = 0;
  std::int32_t entries[32]{};

  friend constexpr bool operator==(const codebook_format&, const codebook_format&) = default;

  [[nodiscard]] constexpr int bits() const noexcept { return total_bits; }
  [[nodiscard]] constexpr std::uint64_t code_mask() const noexcept { return (1ull << total_bits) - 1; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return std::size_t{1} << total_bits; }
  /// The code of the largest value.
  [[nodiscard]] constexpr std::uint64_t max_code() const noexcept {
    std::size_t best = 0;
    for (std::size_t c = 1; c < size(); ++c)
      best = entries[c] > entries[best] ? c : best;
    return best;
  }
  /// The code of the lowest value.
  [[nodiscard]] constexpr std::uint64_t min_code() const noexcept {
    std::size_t best = 0;
    for (std::size_t c = 1; c < size(); ++c)
      best = entries[c] < entries[best] ? c : best;
    return best;
  }
};

constexpr bool is_consistent(const codebook_format& f) noexcept {
  if (f.total_bits < 1 || f.total_bits > 5 || f.fraction_bits < 0 || f.fraction_bits > 60)
    return false;
  bool varies = false;
  for (std::size_t c = 0; c < f.size(); ++c) {
    varies = varies || f.entries[c] != f.entries[0];
    if (f.entries[c] == -0x7fffffff - 1)
      return false;
  }
  return varies;
}

/// The value of a code. Exact; zero is +0.
template <codebook_format Format>
constexpr unpacked_number unpack_code(std::uint64_t code) noexcept {
  const std::int64_t entry = Format.entries[code & Format.code_mask()];
  return make_unpacked(entry < 0, static_cast<std::uint64_t>(entry < 0 ? -entry : entry), -Format.fraction_bits);
}

/// Is a finite number or zero larger than the largest entry, or smaller than the smallest?
template <codebook_format Format>
constexpr bool lies_past_ends(const unpacked_number& x) noexcept {
  constexpr unpacked_number highest = unpack_code<Format>(Format.max_code());
  constexpr unpacked_number lowest = unpack_code<Format>(Format.min_code());
  const auto is_less = [](const unpacked_number& a, const unpacked_number& b) noexcept {
    const bool a_below = a.negative && a.kind != number_class::zero;
    const bool b_below = b.negative && b.kind != number_class::zero;
    if (a_below != b_below)
      return a_below;
    const unpacked_number& smaller = a_below ? b : a;
    const unpacked_number& larger = a_below ? a : b;
    if (smaller.kind == number_class::zero || larger.kind == number_class::zero)
      return larger.kind != number_class::zero;
    return smaller.exponent != larger.exponent ? smaller.exponent < larger.exponent
                                               : smaller.significand < larger.significand;
  };
  return is_less(highest, x) || is_less(x, lowest);
}

namespace detail {

// <array> would double what it costs to include a number.
struct code_list {
  std::uint8_t codes[32]{};
  std::size_t count = 0;
  constexpr std::uint8_t& operator[](std::size_t i) noexcept { return codes[i]; }
  constexpr std::uint8_t operator[](std::size_t i) const noexcept { return codes[i]; }
};

/// The codes of the different entries, ascending by entry.
template <codebook_format Format>
constexpr code_list codes_in_order() noexcept {
  code_list order{};
  for (std::size_t c = 0; c < Format.size(); ++c) {
    std::size_t at = 0;
    while (at < order.count && Format.entries[order[at]] < Format.entries[c])
      ++at;
    if (at < order.count && Format.entries[order[at]] == Format.entries[c])
      continue;
    for (std::size_t i = order.count++; i > at; --i)
      order[i] = order[i - 1];
    order[at] = static_cast<std::uint8_t>(c);
  }
  return order;
}
template <codebook_format Format>
inline constexpr code_list order_of_codes = codes_in_order<Format>();

// floor((units + part / 2^64) / divisor x 2^64), sticky, for units < divisor < 2^33.
constexpr std::uint64_t fraction_of(std::uint64_t units, std::uint64_t part, std::uint64_t divisor) noexcept {
  std::uint64_t quotient = 0;
  std::uint64_t rest = units;
  for (int shift = 48; shift >= 0; shift -= 16) {
    rest = rest << 16 | (part >> shift & 0xffff);
    quotient = quotient << 16 | rest / divisor;
    rest %= divisor;
  }
  return quotient | (rest != 0 ? 1 : 0);
}

}  // namespace detail

/// The code for a value: of the two entries around it the one that the rounding policy chooses. "Toward zero" is the
/// entry below a positive value and above a negative one; nearest_even leaves a tie there if its code is even.
/// Beyond the ends stand the ends, for Inf too; NaN goes where the NaN policy says, zero being the entry nearest to it.
template <codebook_format Format, class Encoding = encoding<>>
constexpr std::uint64_t pack_code(const unpacked_number& x, const Encoding& how = {}) noexcept {
  constexpr auto& order = detail::order_of_codes<Format>;
  constexpr std::size_t count = order.count;
  if (x.kind == number_class::nan) {
    const std::uint64_t zero = pack_code<Format>(unpacked_number{});
    return how.nan.code({x.negative, order[count - 1], zero, zero});
  }
  // x = (units + part / 2^64) x 2^-fraction_bits, toward zero; |x| of 2^32 units and more lies past every entry.
  std::int64_t units = 0;
  std::uint64_t part = 0;
  const int point = x.exponent + Format.fraction_bits;
  if (x.kind == number_class::infinite || (x.kind == number_class::finite && point >= 32)) {
    units = std::int64_t{1} << 32;
  } else if (x.kind == number_class::finite) {
    units = point >= 0 ? static_cast<std::int64_t>(x.significand >> (63 - point)) : 0;
    part = point >= 0 ? x.significand << (point + 1) : shift_right_sticky(x.significand, -point - 1);
  }
  const auto entry = [](std::size_t rank) noexcept -> std::int64_t { return Format.entries[order[rank]]; };
  const auto lies_below = [&](std::int64_t e) noexcept {
    return x.negative ? -units < e || (-units == e && part != 0) : units < e;
  };
  std::size_t above = 0;  // the lowest rank whose entry is larger than x
  while (above < count && !lies_below(entry(above)))
    ++above;
  if (above == 0)
    return order[0];
  if (above == count)
    return order[count - 1];
  if (part == 0 && (x.negative ? -units : units) == entry(above - 1))
    return order[above - 1];
  const std::size_t inner = x.negative ? above : above - 1;
  const std::size_t outer = x.negative ? above - 1 : above;
  const auto gap = static_cast<std::uint64_t>(entry(above) - entry(above - 1));
  const std::int64_t base = x.negative ? -entry(inner) : entry(inner);
  const std::uint64_t fraction = detail::fraction_of(static_cast<std::uint64_t>(units - base), part, gap);
  return how.rounding.away_from_zero({x.negative, order[inner], fraction}) ? order[outer] : order[inner];
}

FEWBITS_NAMESPACE_END
