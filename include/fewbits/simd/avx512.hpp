// The data sheet of AVX-512 (F, BW, VL, DQ, VNNI, VBMI: Ice Lake, Zen 4 and later): sixteen lanes are one register.
// What each primitive does is said in simd/scalar.hpp; the loops are in the *_core.inl files.
#pragma once

#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/target.hpp>

#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX512_BEGIN
FEWBITS_SIMD_BEGIN(avx512)

using words = __m512i;
using floats = __m512;
using mask = __mmask16;
struct table16 {
  __m512i entries;
};
// g++ 12 warns of its own undefined registers where an intrinsic has no mask (bug 105593); with all lanes in the mask
// it emits the same instruction.
inline constexpr mask all_lanes = 0xffff;

FEWBITS_LANES words fill(std::uint32_t word) noexcept { return _mm512_set1_epi32(static_cast<int>(word)); }
FEWBITS_LANES floats fill_floats(float number) noexcept { return _mm512_set1_ps(number); }

FEWBITS_LANES words load_words(const void* from) noexcept { return _mm512_loadu_si512(from); }
FEWBITS_LANES words load_bytes(const void* from) noexcept {
  return _mm512_maskz_cvtepu8_epi32(all_lanes, _mm_loadu_si128(static_cast<const __m128i*>(from)));
}
FEWBITS_LANES words load_halves(const void* from) noexcept {
  return _mm512_maskz_cvtepu16_epi32(all_lanes, _mm256_loadu_si256(static_cast<const __m256i*>(from)));
}
FEWBITS_LANES void store_words(void* to, words lanes) noexcept { _mm512_storeu_si512(to, lanes); }
FEWBITS_LANES void store_bytes(void* to, words lanes) noexcept {
  _mm_storeu_si128(static_cast<__m128i*>(to), _mm512_maskz_cvtepi32_epi8(all_lanes, lanes));
}
FEWBITS_LANES void store_halves(void* to, words lanes) noexcept {
  _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_maskz_cvtepi32_epi16(all_lanes, lanes));
}
FEWBITS_LANES void stream_words(void* to, words lanes) noexcept {
  _mm512_stream_si512(static_cast<__m512i*>(to), lanes);
}

FEWBITS_LANES void streams_done() noexcept { _mm_sfence(); }

#include <fewbits/simd/packing_x86.inl>
//
template <int Bits, bit_order Order>
FEWBITS_LANES words load_packed(const void* from) noexcept {
  const __m512i all = _mm512_maskz_broadcast_i32x4(all_lanes, load_some<2 * static_cast<std::size_t>(Bits)>(from));
  const auto& places = places_of<Bits, Order>;
  return _mm512_maskz_srlv_epi32(all_lanes, _mm512_shuffle_epi8(all, _mm512_load_si512(places.bytes.data())),
                                 _mm512_load_si512(places.shifts.data()));
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, words lanes) noexcept {
  store_packed_bytes<Bits, Order>(to, _mm512_maskz_cvtepi32_epi8(all_lanes, lanes));
}

FEWBITS_LANES words bit_and(words a, words b) noexcept { return _mm512_and_si512(a, b); }
FEWBITS_LANES words bit_or(words a, words b) noexcept { return _mm512_or_si512(a, b); }
FEWBITS_LANES words bit_xor(words a, words b) noexcept { return _mm512_xor_si512(a, b); }
FEWBITS_LANES words add(words a, words b) noexcept { return _mm512_add_epi32(a, b); }
FEWBITS_LANES words subtract(words a, words b) noexcept { return _mm512_sub_epi32(a, b); }
template <int Count>
FEWBITS_LANES words shift_left(words a) noexcept {
  return _mm512_maskz_slli_epi32(all_lanes, a, Count);
}
template <int Count>
FEWBITS_LANES words shift_right(words a) noexcept {
  return _mm512_maskz_srli_epi32(all_lanes, a, Count);
}
template <int Count>
FEWBITS_LANES words shift_right_signed(words a) noexcept {
  return _mm512_maskz_srai_epi32(all_lanes, a, Count);
}
FEWBITS_LANES words shift_left_by(words a, words counts) noexcept {
  return _mm512_maskz_sllv_epi32(all_lanes, a, counts);
}
FEWBITS_LANES words shift_right_by(words a, words counts) noexcept {
  return _mm512_maskz_srlv_epi32(all_lanes, a, counts);
}
FEWBITS_LANES words larger(words a, words b) noexcept { return _mm512_maskz_max_epi32(all_lanes, a, b); }
FEWBITS_LANES words smaller(words a, words b) noexcept { return _mm512_maskz_min_epi32(all_lanes, a, b); }

FEWBITS_LANES mask equal(words a, words b) noexcept { return _mm512_cmpeq_epi32_mask(a, b); }
FEWBITS_LANES mask greater(words a, words b) noexcept { return _mm512_cmpgt_epi32_mask(a, b); }
FEWBITS_LANES mask either(mask a, mask b) noexcept { return static_cast<mask>(a | b); }
FEWBITS_LANES words select(mask where, words then, words otherwise) noexcept {
  return _mm512_mask_mov_epi32(otherwise, where, then);
}
FEWBITS_LANES std::uint32_t bits_of(mask a) noexcept { return a; }

FEWBITS_LANES std::uint32_t largest_lane(words a) noexcept {
  __m256i eight = _mm256_max_epi32(_mm512_castsi512_si256(a), _mm512_maskz_extracti32x8_epi32(0xff, a, 1));
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1))));
}
FEWBITS_LANES bool rounds_to_nearest() noexcept { return (_mm_getcsr() & 0x6000) == 0; }

FEWBITS_LANES words as_words(floats a) noexcept { return _mm512_castps_si512(a); }
FEWBITS_LANES floats as_floats(words a) noexcept { return _mm512_castsi512_ps(a); }
FEWBITS_LANES floats from_integers(words a) noexcept { return _mm512_maskz_cvtepi32_ps(all_lanes, a); }
FEWBITS_LANES floats add(floats a, floats b) noexcept { return _mm512_add_ps(a, b); }
FEWBITS_LANES floats subtract(floats a, floats b) noexcept { return _mm512_sub_ps(a, b); }
FEWBITS_LANES floats multiply(floats a, floats b) noexcept { return _mm512_mul_ps(a, b); }
FEWBITS_LANES floats multiply_add(floats a, floats b, floats c) noexcept { return _mm512_fmadd_ps(a, b, c); }
FEWBITS_LANES floats rounded(floats a) noexcept {
#if defined(__GNUC__)
  __asm__("" : "+v"(a));
#endif
  return a;
}
FEWBITS_LANES floats divide(floats a, floats b) noexcept {
#if defined(__GNUC__)
  floats quotient;  // in assembly: -ffast-math would make an estimate of it
  __asm__("{vdivps %2, %1, %0|vdivps %0, %1, %2}" : "=v"(quotient) : "v"(a), "v"(b));
  return quotient;
#else
  return _mm512_div_ps(a, b);
#endif
}

FEWBITS_LANES table16 load_table(const std::uint32_t* from) noexcept { return {_mm512_loadu_si512(from)}; }
FEWBITS_LANES words look_up(table16 table, words index) noexcept {
  return _mm512_maskz_permutexvar_epi32(all_lanes, index, table.entries);
}
struct table32 {
  __m512i low, high;
};
FEWBITS_LANES table32 load_table32(const std::uint32_t* from) noexcept {
  return {_mm512_loadu_si512(from), _mm512_loadu_si512(from + 16)};
}
FEWBITS_LANES words look_up(table32 table, words index) noexcept {
  return _mm512_permutex2var_epi32(table.low, index, table.high);
}

// Thirty-two lanes of half the width
struct halves {
  __m512i all;
};
inline constexpr __mmask32 all_halves = ~__mmask32{0};
FEWBITS_LANES halves fill_halves(std::uint32_t half) noexcept { return {_mm512_set1_epi16(static_cast<short>(half))}; }
template <class T, std::size_t First>
alignas(64) inline constexpr std::array<T, 64 / sizeof(T)> every_second = [] {
  std::array<T, 64 / sizeof(T)> places{};
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] = static_cast<T>(2 * i + First);
  return places;
}();
FEWBITS_LANES halves join(words first, words second) noexcept {
  return {_mm512_permutex2var_epi16(first, _mm512_load_si512(every_second<std::uint16_t, 0>.data()), second)};
}
FEWBITS_LANES halves join_high(words first, words second) noexcept {
  return {_mm512_permutex2var_epi16(first, _mm512_load_si512(every_second<std::uint16_t, 1>.data()), second)};
}
FEWBITS_LANES halves join_saturated(words first, words second) noexcept {
  const __m512i places = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
  return {_mm512_maskz_permutexvar_epi64(0xff, places, _mm512_packs_epi32(first, second))};
}
FEWBITS_LANES halves bit_and(halves a, halves b) noexcept { return {_mm512_and_si512(a.all, b.all)}; }
FEWBITS_LANES halves subtract(halves a, halves b) noexcept { return {_mm512_sub_epi16(a.all, b.all)}; }
template <int Count>
FEWBITS_LANES halves shift_right(halves a) noexcept {
  return {_mm512_srli_epi16(a.all, Count)};
}
FEWBITS_LANES halves larger(halves a, halves b) noexcept { return {_mm512_max_epi16(a.all, b.all)}; }
FEWBITS_LANES halves smaller(halves a, halves b) noexcept { return {_mm512_min_epi16(a.all, b.all)}; }
FEWBITS_LANES halves select_below_zero(halves sign, halves then, halves otherwise) noexcept {
  return {_mm512_mask_mov_epi16(otherwise.all, _mm512_movepi16_mask(sign.all), then.all)};
}
FEWBITS_LANES words with_bits(words others, words where, words from) noexcept {
  return _mm512_ternarylogic_epi32(others, where, from, 0xf8);
}
FEWBITS_LANES halves with_bits(halves others, halves where, halves from) noexcept {
  return {with_bits(others.all, where.all, from.all)};
}
FEWBITS_LANES words with_differences(words before, words a, words b) noexcept {
  return _mm512_ternarylogic_epi32(before, a, b, 0xf6);
}
FEWBITS_LANES bool any_bit(words a) noexcept { return _mm512_test_epi32_mask(a, a) != 0; }
FEWBITS_LANES void store_bytes(void* to, halves lanes) noexcept {
  _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_maskz_cvtepi16_epi8(all_halves, lanes.all));
}
FEWBITS_LANES void store_halves(void* to, halves lanes) noexcept { _mm512_storeu_si512(to, lanes.all); }
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, halves lanes) noexcept {
  if constexpr (Bits == 4) {
    constexpr int factors = Order == bit_order::low_first ? 1 | 16 << 16 : 16 | 1 << 16;
    store_bytes(to, words(_mm512_madd_epi16(lanes.all, _mm512_set1_epi32(factors))));
  } else {
    store_packed_bytes<Bits, Order>(to, _mm512_maskz_cvtepi16_epi8(all_halves, lanes.all));
  }
}
// Sixty-four codes: the low byte of each half.
FEWBITS_LANES __m512i low_bytes(halves first, halves second) noexcept {
  return _mm512_permutex2var_epi8(first.all, _mm512_load_si512(every_second<std::uint8_t, 0>.data()), second.all);
}
inline constexpr bool packs_sixty_four = true;
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed_bytes(void* to, __m512i codes) noexcept {
  constexpr bool low = Order == bit_order::low_first;
  constexpr short two_factors = low ? 1 | 1 << (Bits + 8) : 1 << Bits | 1 << 8;
  __m512i joined = _mm512_maddubs_epi16(codes, _mm512_set1_epi16(two_factors));
  if constexpr (Bits != 4) {
    constexpr int four_factors = low ? 1 | 1 << (2 * Bits + 16) : 1 << 2 * Bits | 1 << 16;
    joined = _mm512_madd_epi16(joined, _mm512_set1_epi32(four_factors));
    if constexpr (Bits % 2 != 0) {
      const __m512i even = _mm512_and_si512(joined, _mm512_set1_epi64(0xffffffff));
      const __m512i odd = _mm512_maskz_srli_epi64(0xff, joined, 32);
      joined = low ? bit_or(even, _mm512_maskz_slli_epi64(0xff, odd, 4 * Bits))
                   : bit_or(_mm512_maskz_slli_epi64(0xff, even, 4 * Bits), odd);
    }
  }
  const __m512i bytes =
      _mm512_maskz_permutexvar_epi8(~__mmask64{0}, _mm512_load_si512(sixty_four_stored<Bits, Order>.data()), joined);
  constexpr std::size_t count = 8 * static_cast<std::size_t>(Bits);
  auto* const out = static_cast<std::byte*>(to);
  if constexpr (count >= 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(bytes));
    if constexpr (count > 32)
      store_some<count - 32>(out + 32, _mm512_maskz_extracti32x4_epi32(0xf, bytes, 2));
  } else {
    constexpr std::size_t low_part = count < 16 ? count : 16;
    store_some<low_part>(out, _mm512_castsi512_si128(bytes));
    if constexpr (count > 16)
      store_some<count - 16>(out + 16, _mm512_maskz_extracti32x4_epi32(0xf, bytes, 1));
  }
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, halves first, halves second) noexcept {
  if constexpr (Bits == 8)
    _mm512_storeu_si512(to, low_bytes(first, second));
  else
    store_packed_bytes<Bits, Order>(to, low_bytes(first, second));
}
FEWBITS_LANES halves load_pair(const void* from) noexcept { return {_mm512_loadu_si512(from)}; }
FEWBITS_LANES halves add(halves a, halves b) noexcept { return {_mm512_add_epi16(a.all, b.all)}; }
FEWBITS_LANES halves subtract_saturated(halves a, halves b) noexcept { return {_mm512_subs_epu16(a.all, b.all)}; }
template <int Count>
FEWBITS_LANES halves shift_left(halves a) noexcept {
  return {_mm512_slli_epi16(a.all, Count)};
}
FEWBITS_LANES halves shift_right_by(halves a, halves counts) noexcept {
  return {_mm512_maskz_srlv_epi16(all_halves, a.all, counts.all)};
}
FEWBITS_LANES halves select_greater(halves a, halves b, halves then, halves otherwise) noexcept {
  return {_mm512_mask_mov_epi16(otherwise.all, _mm512_cmpgt_epi16_mask(a.all, b.all), then.all)};
}
FEWBITS_LANES halves with_missing_bits(halves others, halves where, halves from) noexcept {
  return {_mm512_ternarylogic_epi32(others.all, where.all, from.all, 0xf4)};
}
FEWBITS_LANES words high_bytes(halves first, halves second) noexcept {
  return _mm512_permutex2var_epi8(first.all, _mm512_load_si512(every_second<std::uint8_t, 1>.data()), second.all);
}
template <bit_order Order>
FEWBITS_LANES void store_nibbles(void* to, words codes) noexcept {
  constexpr short factors = Order == bit_order::low_first ? 1 | 16 << 8 : 16 | 1 << 8;
  store_bytes(to, halves{_mm512_maddubs_epi16(codes, _mm512_set1_epi16(factors))});
}
FEWBITS_LANES words nearest(floats a) noexcept { return _mm512_maskz_cvtps_epi32(all_lanes, a); }
inline constexpr bool has_fp16 = true;
FEWBITS_LANES words load_fp16(const void* from) noexcept {
  return as_words(_mm512_maskz_cvtph_ps(all_lanes, _mm256_loadu_si256(static_cast<const __m256i*>(from))));
}
// Of two registers one: neighbours among their lanes are folded, and lanes of both alternate.
struct fold_by_larger {
  using lanes = words;
  FEWBITS_LANES static words fold(words a, words b) noexcept { return larger(a, b); }
  FEWBITS_LANES static words bits(words a) noexcept { return a; }
};
struct fold_by_adding {
  using lanes = floats;
  FEWBITS_LANES static words fold(words a, words b) noexcept { return as_words(add(as_floats(a), as_floats(b))); }
  FEWBITS_LANES static words bits(floats a) noexcept { return as_words(a); }
};
template <class By>
FEWBITS_LANES words fold_words(words a, words b) noexcept {
  return By::fold(_mm512_maskz_unpacklo_epi32(all_lanes, a, b), _mm512_maskz_unpackhi_epi32(all_lanes, a, b));
}
template <class By>
FEWBITS_LANES words fold_pairs(words a, words b) noexcept {
  return By::fold(_mm512_maskz_unpacklo_epi64(0xff, a, b), _mm512_maskz_unpackhi_epi64(0xff, a, b));
}
template <class By>
FEWBITS_LANES words fold_quarters(words a, words b) noexcept {
  return By::fold(_mm512_maskz_shuffle_i32x4(all_lanes, a, b, 0x88), _mm512_maskz_shuffle_i32x4(all_lanes, a, b, 0xdd));
}
template <class By>
FEWBITS_LANES words fold_four(const typename By::lanes* from) noexcept {
  return fold_pairs<By>(fold_words<By>(By::bits(from[0]), By::bits(from[1])),
                        fold_words<By>(By::bits(from[2]), By::bits(from[3])));
}
template <class By>
FEWBITS_LANES words fold_each(const typename By::lanes (&registers)[16]) noexcept {
  return fold_quarters<By>(fold_quarters<By>(fold_four<By>(registers), fold_four<By>(registers + 4)),
                           fold_quarters<By>(fold_four<By>(registers + 8), fold_four<By>(registers + 12)));
}
FEWBITS_LANES words largest_of_each(const words (&registers)[16]) noexcept {
  return fold_each<fold_by_larger>(registers);
}
FEWBITS_LANES floats sum_of_each(const floats (&registers)[16]) noexcept {
  return as_floats(fold_each<fold_by_adding>(registers));
}

// Integer products
// 32 registers: 24 sums, 2 of weights, 1 of activations. Results wait in memory.
inline constexpr std::size_t integer_tile_rows = 12;
inline constexpr std::size_t integer_tile_panels = 2;
inline constexpr std::size_t few_integer_rows = 2;
struct byte_table {
  __m512i entries;  // the same sixteen in every 128 bits
};
FEWBITS_LANES byte_table load_byte_table(const std::uint8_t* from) noexcept {
  const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {_mm512_maskz_broadcast_i32x4(all_lanes, sixteen)};
}
FEWBITS_LANES words look_up_bytes(byte_table table, words index) noexcept {
  return _mm512_shuffle_epi8(table.entries, index);
}
struct byte_table64 {
  __m512i entries;
};
FEWBITS_LANES byte_table64 load_byte_table64(const std::uint8_t* from) noexcept { return {_mm512_loadu_si512(from)}; }
FEWBITS_LANES words look_up_bytes(byte_table64 table, words index) noexcept {
  return _mm512_maskz_permutexvar_epi8(~__mmask64{0}, index, table.entries);
}
constexpr bool dots_unsigned(int, int) noexcept { return true; }
inline constexpr bool dots_take_lowest = true;
template <bool Unsigned>
FEWBITS_LANES words dot(words sums, words weights, words activations) noexcept {
  static_assert(Unsigned);
#if defined(__GNUC__)
  // In assembly: g++ 12 moves each sum to another register and back around the intrinsic, whose type is another one.
  __asm__("{vpdpbusd %2, %1, %0|vpdpbusd %0, %1, %2}" : "+v"(sums) : "v"(weights), "v"(activations));
  return sums;
#else
  return _mm512_dpbusd_epi32(sums, weights, activations);
#endif
}
FEWBITS_LANES words multiply_integers(words a, words b) noexcept { return _mm512_maskz_mullo_epi32(all_lanes, a, b); }

// Products. 32 registers: 28 sums, 2 of values, 1 of a broadcast activation.
inline constexpr std::size_t tile_rows = 14;
inline constexpr std::size_t tile_panels = 2;
inline constexpr std::size_t few_panels[] = {4, 4, 2};  // abreast, for 1, 2 and 4 rows
inline constexpr std::size_t slice_groups = 4;
inline constexpr bool unrolls_columns = !FEWBITS_SANITIZED;
inline constexpr bool joins_bytes = false;
inline constexpr bool shifts_by_loading = true;
inline constexpr bool looks_up_magnitudes = true;
inline constexpr std::size_t prefetch_bytes = 2048;

FEWBITS_LANES floats smaller(floats a, floats b) noexcept { return _mm512_maskz_min_ps(all_lanes, a, b); }
FEWBITS_LANES void prefetch(const void* from) noexcept { _mm_prefetch(static_cast<const char*>(from), _MM_HINT_T0); }
// Bytes under the mask from one, the others from the other.
FEWBITS_LANES words join_odd_bytes(words high, words low) noexcept {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi16(-256), high, _mm512_maskz_srli_epi16(~__mmask32{0}, low, 8), 0xea);
}
FEWBITS_LANES words join_even_bytes(words high, words low) noexcept {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi16(255), low, _mm512_maskz_slli_epi16(~__mmask32{0}, high, 8), 0xea);
}
struct magnitude_table {
  __m512i low, high;
};
FEWBITS_LANES magnitude_table load_magnitudes(const std::uint8_t* from) noexcept {
  return {_mm512_loadu_si512(from), _mm512_loadu_si512(from + 64)};
}
FEWBITS_LANES words look_up_magnitudes(magnitude_table table, words index) noexcept {
  return _mm512_maskz_permutex2var_epi8(~__mmask64{0}, table.low, index, table.high);
}

FEWBITS_LANES words look_up_high_bytes(magnitude_table low, magnitude_table high, words codes) noexcept {
  // Byte 0 of each lane to its bytes 2 and 3. The others are the code 0, whose value's bytes are 0.
  const __m512i places =
      _mm512_maskz_broadcast_i32x4(all_lanes, _mm_set_epi32(0x0c0c8080, 0x08088080, 0x04048080, 0x8080));
  const __m512i index = _mm512_shuffle_epi8(codes, places);
  const __m512i bytes =
      _mm512_mask_blend_epi8(0x8888888888888888, look_up_magnitudes(low, index), look_up_magnitudes(high, index));
  return with_bits(bytes, fill(0x80000000), index);
}
FEWBITS_LANES void look_up_halves(magnitude_table low, magnitude_table high, const void* from, void* to) noexcept {
  // Unpacking takes the first and the last eight bytes of each 128 bits.
  const __m512i places = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
  const __m512i codes = _mm512_maskz_permutexvar_epi64(0xff, places, _mm512_loadu_si512(from));
  const __m512i low_bytes = look_up_magnitudes(low, codes);
  const __m512i high_bytes = with_bits(look_up_magnitudes(high, codes), _mm512_set1_epi8(-128), codes);
  _mm512_storeu_si512(to, _mm512_maskz_unpacklo_epi8(~__mmask64{0}, low_bytes, high_bytes));
  _mm512_storeu_si512(static_cast<std::byte*>(to) + 64,
                      _mm512_maskz_unpackhi_epi8(~__mmask64{0}, low_bytes, high_bytes));
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
FEWBITS_TARGET_END
#endif
