// The data sheet of every machine, in plain C++: sixteen lanes are an array. Here stands what each primitive does; the
// sheets of instruction sets have the same names with the same meaning. The loops are in the *_core.inl files.
#pragma once

#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/target.hpp>

#if !defined(__GNUC__)
#include <cmath>
#define FEWBITS_FUSED_MULTIPLY_ADD std::fma
#else
#define FEWBITS_FUSED_MULTIPLY_ADD __builtin_fmaf  // <cmath> would double what this header costs
#endif

FEWBITS_SIMD_BEGIN(scalar)

/// Sixteen 32-bit integers. Arithmetic wraps; comparisons, `larger` and `smaller` take them as signed.
struct words {
  std::uint32_t lane[16];
};
/// Sixteen float32 numbers.
struct floats {
  float lane[16];
};
/// Sixteen answers to one question: all ones or all zeros in a lane. Other sheets have other types.
using mask = words;
/// Sixteen words to look up by index, and thirty-two.
struct table16 {
  std::uint32_t entry[16];
};
struct table32 {
  std::uint32_t entry[32];
};

// One primitive is sixteen times the same expression of lane i.
#define FEWBITS_EACH_LANE(type, expression)                                              \
  type made;                                                                             \
  for (int i = 0; i < 16; ++i)                                                           \
    made.lane[i] = static_cast<std::remove_cvref_t<decltype(made.lane[i])>>(expression); \
  return made

/// The same number in all lanes.
FEWBITS_LANES words fill(std::uint32_t word) noexcept { FEWBITS_EACH_LANE(words, word); }
FEWBITS_LANES floats fill_floats(float number) noexcept { FEWBITS_EACH_LANE(floats, number); }

/// Sixteen objects of 32, 8 or 16 bits from any address, widened with zeros.
FEWBITS_LANES words load_words(const void* from) noexcept {
  words made;
  std::memcpy(made.lane, from, sizeof made.lane);
  return made;
}
FEWBITS_LANES words load_bytes(const void* from) noexcept {
  std::uint8_t bytes[16];
  std::memcpy(bytes, from, sizeof bytes);
  FEWBITS_EACH_LANE(words, bytes[i]);
}
FEWBITS_LANES words load_halves(const void* from) noexcept {
  std::uint16_t halves[16];
  std::memcpy(halves, from, sizeof halves);
  FEWBITS_EACH_LANE(words, halves[i]);
}
/// The low 32, 8 or 16 bits of each lane to any address.
FEWBITS_LANES void store_words(void* to, words lanes) noexcept { std::memcpy(to, lanes.lane, sizeof lanes.lane); }
FEWBITS_LANES void store_bytes(void* to, words lanes) noexcept {
  std::uint8_t bytes[16];
  for (int i = 0; i < 16; ++i)
    bytes[i] = static_cast<std::uint8_t>(lanes.lane[i] & 0xff);
  std::memcpy(to, bytes, sizeof bytes);
}
FEWBITS_LANES void store_halves(void* to, words lanes) noexcept {
  std::uint16_t halves[16];
  for (int i = 0; i < 16; ++i)
    halves[i] = static_cast<std::uint16_t>(lanes.lane[i] & 0xffff);
  std::memcpy(to, halves, sizeof halves);
}
/// As store_words, past the caches where the machine can: the address is a multiple of 64, and nobody reads it before
/// streams_done().
FEWBITS_LANES void stream_words(void* to, words lanes) noexcept { store_words(to, lanes); }

FEWBITS_LANES void streams_done() noexcept {}

/// Sixteen codes of Bits bits, 1 to 6, in the 2 x Bits bytes from any address: no other byte is read. Bits above the
/// code are anything.
template <int Bits, bit_order Order>
FEWBITS_LANES words load_packed(const void* from) noexcept {
  const auto* bytes = static_cast<const std::byte*>(from);
  FEWBITS_EACH_LANE(words, (fewbits::detail::read_packed<Bits, Order>(bytes + i * Bits / 8, i * Bits % 8)));
}
/// The other way round. Precondition: lanes are below 2^Bits.
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, words lanes) noexcept {
  auto* bytes = static_cast<std::byte*>(to);
  for (int i = 0; i < 16; ++i)
    fewbits::detail::write_packed<Bits, Order>(bytes + i * Bits / 8, i * Bits % 8, lanes.lane[i]);
}

FEWBITS_LANES words bit_and(words a, words b) noexcept { FEWBITS_EACH_LANE(words, a.lane[i] & b.lane[i]); }
FEWBITS_LANES words bit_or(words a, words b) noexcept { FEWBITS_EACH_LANE(words, a.lane[i] | b.lane[i]); }
FEWBITS_LANES words bit_xor(words a, words b) noexcept { FEWBITS_EACH_LANE(words, a.lane[i] ^ b.lane[i]); }
FEWBITS_LANES words add(words a, words b) noexcept { FEWBITS_EACH_LANE(words, a.lane[i] + b.lane[i]); }
FEWBITS_LANES words subtract(words a, words b) noexcept { FEWBITS_EACH_LANE(words, a.lane[i] - b.lane[i]); }
/// Shifts by Count in 0 ... 31; `shift_right_signed` fills with the sign.
template <int Count>
FEWBITS_LANES words shift_left(words a) noexcept {
  FEWBITS_EACH_LANE(words, a.lane[i] << Count);
}
template <int Count>
FEWBITS_LANES words shift_right(words a) noexcept {
  FEWBITS_EACH_LANE(words, a.lane[i] >> Count);
}
template <int Count>
FEWBITS_LANES words shift_right_signed(words a) noexcept {
  FEWBITS_EACH_LANE(words, static_cast<std::int32_t>(a.lane[i]) >> Count);
}
/// Each lane by its own count in 0 ... 31.
FEWBITS_LANES words shift_left_by(words a, words counts) noexcept {
  FEWBITS_EACH_LANE(words, a.lane[i] << (counts.lane[i] & 31));
}
FEWBITS_LANES words shift_right_by(words a, words counts) noexcept {
  FEWBITS_EACH_LANE(words, a.lane[i] >> (counts.lane[i] & 31));
}
/// Of two signed integers the one or the other.
FEWBITS_LANES words larger(words a, words b) noexcept {
  FEWBITS_EACH_LANE(
      words, static_cast<std::int32_t>(a.lane[i]) > static_cast<std::int32_t>(b.lane[i]) ? a.lane[i] : b.lane[i]);
}
FEWBITS_LANES words smaller(words a, words b) noexcept {
  FEWBITS_EACH_LANE(
      words, static_cast<std::int32_t>(a.lane[i]) < static_cast<std::int32_t>(b.lane[i]) ? a.lane[i] : b.lane[i]);
}

FEWBITS_LANES mask equal(words a, words b) noexcept {
  FEWBITS_EACH_LANE(mask, 0u - static_cast<std::uint32_t>(a.lane[i] == b.lane[i]));
}
/// a > b, signed.
FEWBITS_LANES mask greater(words a, words b) noexcept {
  FEWBITS_EACH_LANE(mask, 0u - static_cast<std::uint32_t>(static_cast<std::int32_t>(a.lane[i]) >
                                                          static_cast<std::int32_t>(b.lane[i])));
}
FEWBITS_LANES mask either(mask a, mask b) noexcept { return bit_or(a, b); }
FEWBITS_LANES words select(mask where, words then, words otherwise) noexcept {
  FEWBITS_EACH_LANE(words, (then.lane[i] & where.lane[i]) | (otherwise.lane[i] & ~where.lane[i]));
}
/// Bit i is the answer of lane i.
FEWBITS_LANES std::uint32_t bits_of(mask a) noexcept {
  std::uint32_t bits = 0;
  for (int i = 0; i < 16; ++i)
    bits |= (a.lane[i] & 1) << i;
  return bits;
}

/// The largest of the lanes, signed.
FEWBITS_LANES std::uint32_t largest_lane(words a) noexcept {
  auto found = static_cast<std::int32_t>(a.lane[0]);
  for (int i = 1; i < 16; ++i)
    found = static_cast<std::int32_t>(a.lane[i]) > found ? static_cast<std::int32_t>(a.lane[i]) : found;
  return static_cast<std::uint32_t>(found);
}
/// Does the thread round floating-point results to nearest, as programs do that never asked for anything else?
FEWBITS_LANES bool rounds_to_nearest() noexcept {
  const volatile float one = 1.0f, little = 0x1p-24f, more = 0x1.8p-24f;
  return one + little == one && one + more != one;
}

/// The bits of numbers, and back.
FEWBITS_LANES words as_words(floats a) noexcept { return std::bit_cast<words>(a); }
FEWBITS_LANES floats as_floats(words a) noexcept { return std::bit_cast<floats>(a); }
/// Of signed integers.
FEWBITS_LANES floats from_integers(words a) noexcept {
  FEWBITS_EACH_LANE(floats, static_cast<std::int32_t>(a.lane[i]));
}
FEWBITS_LANES floats add(floats a, floats b) noexcept { FEWBITS_EACH_LANE(floats, a.lane[i] + b.lane[i]); }
FEWBITS_LANES floats subtract(floats a, floats b) noexcept { FEWBITS_EACH_LANE(floats, a.lane[i] - b.lane[i]); }
FEWBITS_LANES floats multiply(floats a, floats b) noexcept { FEWBITS_EACH_LANE(floats, a.lane[i] * b.lane[i]); }
/// What comes next takes these numbers as they are: no compiler flag draws operations before and after into one.
FEWBITS_LANES floats rounded(floats a) noexcept {
#if defined(__GNUC__)
  __asm__("" : "+m"(a));
#endif
  return a;
}
/// With the one rounding of IEEE 754, under -ffast-math, too.
FEWBITS_LANES floats divide(floats a, floats b) noexcept {
  // The quotient of two float32 numbers rounds by way of a double as it does at once: 53 digits are two more than twice
  // 24, and an estimate of a double's last digit moves no quotient past a tie.
  FEWBITS_EACH_LANE(floats, static_cast<double>(a.lane[i]) / static_cast<double>(b.lane[i]));
}
/// a x b + c with one rounding.
FEWBITS_LANES floats multiply_add(floats a, floats b, floats c) noexcept {
  FEWBITS_EACH_LANE(floats, FEWBITS_FUSED_MULTIPLY_ADD(a.lane[i], b.lane[i], c.lane[i]));
}

/// Entry (index mod 16) of a table.
FEWBITS_LANES table16 load_table(const std::uint32_t* from) noexcept {
  table16 made;
  std::memcpy(made.entry, from, sizeof made.entry);
  return made;
}
FEWBITS_LANES words look_up(table16 table, words index) noexcept {
  FEWBITS_EACH_LANE(words, table.entry[index.lane[i] & 15]);
}
/// Entry (index mod 32).
FEWBITS_LANES table32 load_table32(const std::uint32_t* from) noexcept {
  table32 made;
  std::memcpy(made.entry, from, sizeof made.entry);
  return made;
}
FEWBITS_LANES words look_up(table32 table, words index) noexcept {
  FEWBITS_EACH_LANE(words, table.entry[index.lane[i] & 31]);
}

// Thirty-two lanes of half the width, for what follows rounding.

/// Thirty-two 16-bit integers; comparisons take them as signed.
struct halves {
  std::uint16_t lane[32];
};
#define FEWBITS_EACH_HALF(expression)                               \
  halves made;                                                      \
  for (int i = 0; i < 32; ++i)                                      \
    made.lane[i] = static_cast<std::uint16_t>((expression)&0xffff); \
  return made

FEWBITS_LANES halves fill_halves(std::uint32_t half) noexcept { FEWBITS_EACH_HALF(half); }
/// The low 16 bits of the lanes of `first`, then of `second`.
FEWBITS_LANES halves join(words first, words second) noexcept {
  FEWBITS_EACH_HALF(i < 16 ? first.lane[i] : second.lane[i - 16]);
}
/// The high 16 bits.
FEWBITS_LANES halves join_high(words first, words second) noexcept {
  FEWBITS_EACH_HALF((i < 16 ? first.lane[i] : second.lane[i - 16]) >> 16);
}
/// Signed integers, those out of range brought to the nearest in range.
FEWBITS_LANES halves join_saturated(words first, words second) noexcept {
  const auto in_range = [](std::uint32_t word) noexcept {
    const auto number = static_cast<std::int32_t>(word);
    return static_cast<std::uint32_t>(number < -32768 ? -32768 : number > 32767 ? 32767 : number);
  };
  FEWBITS_EACH_HALF(in_range(i < 16 ? first.lane[i] : second.lane[i - 16]));
}
FEWBITS_LANES halves bit_and(halves a, halves b) noexcept { FEWBITS_EACH_HALF(a.lane[i] & b.lane[i]); }
FEWBITS_LANES halves subtract(halves a, halves b) noexcept { FEWBITS_EACH_HALF(a.lane[i] - b.lane[i]); }
template <int Count>
FEWBITS_LANES halves shift_right(halves a) noexcept {
  FEWBITS_EACH_HALF(a.lane[i] >> Count);
}
FEWBITS_LANES halves larger(halves a, halves b) noexcept {
  FEWBITS_EACH_HALF(static_cast<std::int16_t>(a.lane[i]) > static_cast<std::int16_t>(b.lane[i]) ? a.lane[i]
                                                                                                : b.lane[i]);
}
FEWBITS_LANES halves smaller(halves a, halves b) noexcept {
  FEWBITS_EACH_HALF(static_cast<std::int16_t>(a.lane[i]) < static_cast<std::int16_t>(b.lane[i]) ? a.lane[i]
                                                                                                : b.lane[i]);
}
/// `then` where `sign` is below 0.
FEWBITS_LANES halves select_below_zero(halves sign, halves then, halves otherwise) noexcept {
  FEWBITS_EACH_HALF(sign.lane[i] >> 15 != 0 ? then.lane[i] : otherwise.lane[i]);
}
/// Those bits of `from` that are in `where`, and all of `others`.
FEWBITS_LANES halves with_bits(halves others, halves where, halves from) noexcept {
  FEWBITS_EACH_HALF(others.lane[i] | (where.lane[i] & from.lane[i]));
}
FEWBITS_LANES words with_bits(words others, words where, words from) noexcept {
  return bit_or(others, bit_and(where, from));
}
/// What was set before, and bits in which a and b differ.
FEWBITS_LANES words with_differences(words before, words a, words b) noexcept { return bit_or(before, bit_xor(a, b)); }
FEWBITS_LANES bool any_bit(words a) noexcept {
  std::uint32_t bits = 0;
  for (int i = 0; i < 16; ++i)
    bits |= a.lane[i];
  return bits != 0;
}
/// The low 8 bits of each lane to any address.
FEWBITS_LANES void store_bytes(void* to, halves lanes) noexcept {
  std::uint8_t bytes[32];
  for (int i = 0; i < 32; ++i)
    bytes[i] = static_cast<std::uint8_t>(lanes.lane[i] & 0xff);
  std::memcpy(to, bytes, sizeof bytes);
}
FEWBITS_LANES void store_halves(void* to, halves lanes) noexcept { std::memcpy(to, lanes.lane, sizeof lanes.lane); }
/// Thirty-two codes of 1 to 6 bits. Precondition: lanes are below 2^Bits.
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, halves lanes) noexcept {
  auto* bytes = static_cast<std::byte*>(to);
  for (int i = 0; i < 32; ++i)
    fewbits::detail::write_packed<Bits, Order>(bytes + i * Bits / 8, i * Bits % 8, lanes.lane[i]);
}
/// Thirty-two objects of 16 bits from any address.
FEWBITS_LANES halves load_pair(const void* from) noexcept {
  halves made;
  std::memcpy(made.lane, from, sizeof made.lane);
  return made;
}
FEWBITS_LANES halves add(halves a, halves b) noexcept { FEWBITS_EACH_HALF(a.lane[i] + b.lane[i]); }
/// Of unsigned integers: 0 where b is larger.
FEWBITS_LANES halves subtract_saturated(halves a, halves b) noexcept {
  FEWBITS_EACH_HALF(a.lane[i] > b.lane[i] ? a.lane[i] - b.lane[i] : 0);
}
template <int Count>
FEWBITS_LANES halves shift_left(halves a) noexcept {
  FEWBITS_EACH_HALF(a.lane[i] << Count);
}
/// Each lane by its own count: 16 and more leave 0.
FEWBITS_LANES halves shift_right_by(halves a, halves counts) noexcept {
  FEWBITS_EACH_HALF(counts.lane[i] < 16 ? a.lane[i] >> counts.lane[i] : 0);
}
/// `then` where a > b, signed.
FEWBITS_LANES halves select_greater(halves a, halves b, halves then, halves otherwise) noexcept {
  FEWBITS_EACH_HALF(static_cast<std::int16_t>(a.lane[i]) > static_cast<std::int16_t>(b.lane[i]) ? then.lane[i]
                                                                                                : otherwise.lane[i]);
}
/// Those bits in `where` that `from` lacks, and all of `others`.
FEWBITS_LANES halves with_missing_bits(halves others, halves where, halves from) noexcept {
  FEWBITS_EACH_HALF(others.lane[i] | (where.lane[i] & ~from.lane[i]));
}
/// The high 8 bits of the lanes of `first`, then of `second`, as sixty-four bytes.
FEWBITS_LANES words high_bytes(halves first, halves second) noexcept {
  std::uint8_t bytes[64];
  for (int i = 0; i < 64; ++i)
    bytes[i] = static_cast<std::uint8_t>((i < 32 ? first.lane[i] : second.lane[i - 32]) >> 8);
  return load_words(bytes);
}
/// Sixty-four bytes, each a code of 4 bits, as thirty-two bytes to any address. Precondition: they are below 16.
template <bit_order Order>
FEWBITS_LANES void store_nibbles(void* to, words codes) noexcept {
  std::uint8_t bytes[64], joined[32];
  store_words(bytes, codes);
  for (int i = 0; i < 32; ++i)
    joined[i] = static_cast<std::uint8_t>(Order == bit_order::low_first ? bytes[2 * i] | bytes[2 * i + 1] << 4
                                                                        : bytes[2 * i] << 4 | bytes[2 * i + 1]);
  std::memcpy(to, joined, sizeof joined);
}
#undef FEWBITS_EACH_HALF
/// Does store_packed take two registers of codes, of up to 8 bits?
inline constexpr bool packs_sixty_four = false;
/// The nearest integers by the rounding of the machine, for numbers below 2^22.
FEWBITS_LANES words nearest(floats a) noexcept {
  const words anchor = fill(0x4b400000);
  return subtract(as_words(rounded(add(a, as_floats(anchor)))), anchor);
}
/// Sixteen fp16 numbers as float32, whatever the environment; NaN stays some NaN. Where has_fp16 says so.
inline constexpr bool has_fp16 = false;
FEWBITS_LANES words load_fp16(const void* from) noexcept { return load_halves(from); }
/// Lane i is the largest lane of register i, or the sum of its lanes, added up in any order.
FEWBITS_LANES words largest_of_each(const words (&registers)[16]) noexcept {
  FEWBITS_EACH_LANE(words, largest_lane(registers[i]));
}
FEWBITS_LANES floats sum_of_each(const floats (&registers)[16]) noexcept {
  floats made;
  for (int i = 0; i < 16; ++i) {
    made.lane[i] = 0;
    for (int k = 0; k < 16; ++k)
      made.lane[i] += registers[i].lane[k];
  }
  return made;
}

// Products: the tile that a kernel keeps in registers, panels that it reads abreast, groups of columns that it decodes
// at a time, whether each column of a group has code of its own, whether nibbles are looked up as bytes, and how far
// ahead a kernel reads.
inline constexpr std::size_t tile_rows = 2;
inline constexpr std::size_t tile_panels = 1;
inline constexpr std::size_t few_panels[] = {1, 1, 1};  // abreast, for 1, 2 and 4 rows
inline constexpr std::size_t slice_groups = 8;
inline constexpr bool unrolls_columns = false;
inline constexpr bool joins_bytes = false;
inline constexpr bool shifts_by_loading = false;  // in kernels that decode on their way
inline constexpr bool looks_up_magnitudes = false;
inline constexpr std::size_t prefetch_bytes = 2048;

/// The smaller number. Neither is NaN.
FEWBITS_LANES floats smaller(floats a, floats b) noexcept {
  FEWBITS_EACH_LANE(floats, b.lane[i] < a.lane[i] ? b.lane[i] : a.lane[i]);
}
/// The cache line of an address, which need not exist, will be read soon.
FEWBITS_LANES void prefetch([[maybe_unused]] const void* from) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(from);
#endif
}
/// Of bytes h3 h2 h1 h0 and l3 l2 l1 l0: h3 l3 h1 l1, and h2 l2 h0 l0. Where joins_bytes says that this is a way to
/// decode; elsewhere the functions are never called.
FEWBITS_LANES words join_odd_bytes(words high, words) noexcept { return high; }
FEWBITS_LANES words join_even_bytes(words high, words) noexcept { return high; }
/// Each byte's low seven bits looked up; where looks_up_magnitudes says so.
struct magnitude_table {};
FEWBITS_LANES magnitude_table load_magnitudes(const std::uint8_t*) noexcept { return {}; }
FEWBITS_LANES words look_up_magnitudes(magnitude_table, words index) noexcept { return index; }
/// Each lane's lowest byte to the two upper bytes of a float32: its low seven bits looked up, and the highest kept.
FEWBITS_LANES words look_up_high_bytes(magnitude_table, magnitude_table, words codes) noexcept { return codes; }
/// Sixty-four bytes to halves: both bytes of the magnitude looked up, and the highest bit kept.
FEWBITS_LANES void look_up_halves(magnitude_table, magnitude_table, const void*, void*) noexcept {}

#undef FEWBITS_EACH_LANE
#undef FEWBITS_FUSED_MULTIPLY_ADD

// Integer products

/// The most rows of activations in a tile, and its panels; the most rows that are computed without decoding weights to
/// memory first.
inline constexpr std::size_t integer_tile_rows = 2;
inline constexpr std::size_t integer_tile_panels = 1;
inline constexpr std::size_t few_integer_rows = 2;

/// Sixteen entries of a byte each.
struct byte_table {
  std::uint8_t entry[16];
};
FEWBITS_LANES byte_table load_byte_table(const std::uint8_t* from) noexcept {
  byte_table table;
  for (int i = 0; i < 16; ++i)
    table.entry[i] = from[i];
  return table;
}
/// The four bytes of each lane looked up. Precondition: every byte is below 16.
FEWBITS_LANES words look_up_bytes(const byte_table& table, words index) noexcept {
  words made;
  for (int i = 0; i < 16; ++i) {
    made.lane[i] = 0;
    for (int b = 0; b < 32; b += 8)
      made.lane[i] |= static_cast<std::uint32_t>(table.entry[index.lane[i] >> b & 15u]) << b;
  }
  return made;
}
/// The same with sixty-four entries and bytes below 64.
struct byte_table64 {
  std::uint8_t entry[64];
};
FEWBITS_LANES byte_table64 load_byte_table64(const std::uint8_t* from) noexcept {
  byte_table64 table;
  std::memcpy(table.entry, from, sizeof table.entry);
  return table;
}
FEWBITS_LANES words look_up_bytes(const byte_table64& table, words index) noexcept {
  words made;
  for (int i = 0; i < 16; ++i) {
    made.lane[i] = 0;
    for (int b = 0; b < 32; b += 8)
      made.lane[i] |= static_cast<std::uint32_t>(table.entry[index.lane[i] >> b & 63u]) << b;
  }
  return made;
}
/// Does `dot` want integers of this range raised by -lowest, so that they are unsigned?
constexpr bool dots_unsigned(int, int) noexcept { return false; }
/// May activations be -128?
inline constexpr bool dots_take_lowest = true;
/// sums + the four bytes of each lane of `weights` (unsigned or signed) times those of `activations` (signed). Exact
/// where the sum fits 32 bits.
template <bool Unsigned>
FEWBITS_LANES words dot(words sums, words weights, words activations) noexcept {
  for (int i = 0; i < 16; ++i)
    for (int b = 0; b < 32; b += 8) {
      const std::uint32_t byte = weights.lane[i] >> b & 255u;
      const int weight = Unsigned ? static_cast<int>(byte) : static_cast<int>(static_cast<std::int8_t>(byte));
      sums.lane[i] += static_cast<std::uint32_t>(
          weight * static_cast<int>(static_cast<std::int8_t>(activations.lane[i] >> b & 255u)));
    }
  return sums;
}
FEWBITS_LANES words multiply_integers(words a, words b) noexcept {
  for (int i = 0; i < 16; ++i)
    a.lane[i] *= b.lane[i];
  return a;
}

#include <fewbits/simd/lanes_core.inl>
//
#include <fewbits/simd/halves_core.inl>
//
#include <fewbits/simd/round_halves_core.inl>
//
#include <fewbits/simd/convert_core.inl>
//
#include <fewbits/simd/encode_core.inl>
//
#include <fewbits/simd/plan_core.inl>
//
#include <fewbits/simd/candidate_core.inl>
//
#include <fewbits/simd/quantize_core.inl>
//
#include <fewbits/simd/dequantize_core.inl>
//
#include <fewbits/simd/panel_core.inl>
//
#include <fewbits/simd/product_core.inl>
//
#include <fewbits/simd/integer_runs_core.inl>
//
#include <fewbits/simd/integer_core.inl>

FEWBITS_SIMD_END
