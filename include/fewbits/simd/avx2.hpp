// The data sheet of AVX2 with FMA (Haswell, Zen and later): sixteen lanes are two registers.
// What each primitive does is said in simd/scalar.hpp; the loops are in the *_core.inl files.
#pragma once

#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/target.hpp>

#if FEWBITS_SIMD_X86
FEWBITS_TARGET_AVX2_BEGIN
FEWBITS_SIMD_BEGIN(avx2)

struct words {
  __m256i low, high;
};
struct floats {
  __m256 low, high;
};
using mask = words;  // all ones or all zeros in a lane
struct table16 {
  __m256i low, high;
};

FEWBITS_LANES words fill(std::uint32_t word) noexcept {
  const __m256i all = _mm256_set1_epi32(static_cast<int>(word));
  return {all, all};
}
FEWBITS_LANES floats fill_floats(float number) noexcept {
  const __m256 all = _mm256_set1_ps(number);
  return {all, all};
}

FEWBITS_LANES words load_words(const void* from) noexcept {
  const auto* at = static_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
FEWBITS_LANES words load_bytes(const void* from) noexcept {
  const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(from));
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
FEWBITS_LANES words load_halves(const void* from) noexcept {
  const auto* at = static_cast<const __m128i*>(from);
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(at)), _mm256_cvtepu16_epi32(_mm_loadu_si128(at + 1))};
}
FEWBITS_LANES void store_words(void* to, words lanes) noexcept {
  auto* at = static_cast<__m256i*>(to);
  _mm256_storeu_si256(at, lanes.low);
  _mm256_storeu_si256(at + 1, lanes.high);
}
FEWBITS_LANES void stream_words(void* to, words lanes) noexcept {
  auto* at = static_cast<__m256i*>(to);
  _mm256_stream_si256(at, lanes.low);
  _mm256_stream_si256(at + 1, lanes.high);
}
FEWBITS_LANES __m128i low_bytes(words lanes) noexcept {
  const __m256i bytes = _mm256_set1_epi32(255);
  const __m256i halves = _mm256_packus_epi32(_mm256_and_si256(lanes.low, bytes), _mm256_and_si256(lanes.high, bytes));
  const __m256i ordered = _mm256_permute4x64_epi64(halves, 0xd8);
  return _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
}
FEWBITS_LANES void store_bytes(void* to, words lanes) noexcept {
  _mm_storeu_si128(static_cast<__m128i*>(to), low_bytes(lanes));
}
FEWBITS_LANES void store_halves(void* to, words lanes) noexcept {
  const __m256i low_halves = _mm256_set1_epi32(0xffff);
  const __m256i halves =
      _mm256_packus_epi32(_mm256_and_si256(lanes.low, low_halves), _mm256_and_si256(lanes.high, low_halves));
  _mm256_storeu_si256(static_cast<__m256i*>(to), _mm256_permute4x64_epi64(halves, 0xd8));
}

FEWBITS_LANES void streams_done() noexcept { _mm_sfence(); }

#include <fewbits/simd/packing_x86.inl>
//
template <int Bits, bit_order Order>
FEWBITS_LANES words load_packed(const void* from) noexcept {
  const __m256i all = _mm256_broadcastsi128_si256(load_some<2 * static_cast<std::size_t>(Bits)>(from));
  const auto& places = places_of<Bits, Order>;
  const auto* bytes = reinterpret_cast<const __m256i*>(places.bytes.data());
  const auto* shifts = reinterpret_cast<const __m256i*>(places.shifts.data());
  return {_mm256_srlv_epi32(_mm256_shuffle_epi8(all, _mm256_load_si256(bytes)), _mm256_load_si256(shifts)),
          _mm256_srlv_epi32(_mm256_shuffle_epi8(all, _mm256_load_si256(bytes + 1)), _mm256_load_si256(shifts + 1))};
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, words lanes) noexcept {
  store_packed_bytes<Bits, Order>(to, low_bytes(lanes));
}

FEWBITS_LANES words bit_and(words a, words b) noexcept {
  return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}
FEWBITS_LANES words bit_or(words a, words b) noexcept {
  return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
FEWBITS_LANES words bit_xor(words a, words b) noexcept {
  return {_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}
FEWBITS_LANES words add(words a, words b) noexcept {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
FEWBITS_LANES words subtract(words a, words b) noexcept {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}
template <int Count>
FEWBITS_LANES words shift_left(words a) noexcept {
  return {_mm256_slli_epi32(a.low, Count), _mm256_slli_epi32(a.high, Count)};
}
template <int Count>
FEWBITS_LANES words shift_right(words a) noexcept {
  return {_mm256_srli_epi32(a.low, Count), _mm256_srli_epi32(a.high, Count)};
}
template <int Count>
FEWBITS_LANES words shift_right_signed(words a) noexcept {
  return {_mm256_srai_epi32(a.low, Count), _mm256_srai_epi32(a.high, Count)};
}
FEWBITS_LANES words shift_left_by(words a, words counts) noexcept {
  return {_mm256_sllv_epi32(a.low, counts.low), _mm256_sllv_epi32(a.high, counts.high)};
}
FEWBITS_LANES words shift_right_by(words a, words counts) noexcept {
  return {_mm256_srlv_epi32(a.low, counts.low), _mm256_srlv_epi32(a.high, counts.high)};
}
FEWBITS_LANES words larger(words a, words b) noexcept {
  return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
}
FEWBITS_LANES words smaller(words a, words b) noexcept {
  return {_mm256_min_epi32(a.low, b.low), _mm256_min_epi32(a.high, b.high)};
}

FEWBITS_LANES mask equal(words a, words b) noexcept {
  return {_mm256_cmpeq_epi32(a.low, b.low), _mm256_cmpeq_epi32(a.high, b.high)};
}
FEWBITS_LANES mask greater(words a, words b) noexcept {
  return {_mm256_cmpgt_epi32(a.low, b.low), _mm256_cmpgt_epi32(a.high, b.high)};
}
FEWBITS_LANES mask either(mask a, mask b) noexcept { return bit_or(a, b); }
FEWBITS_LANES words select(mask where, words then, words otherwise) noexcept {
  return {_mm256_blendv_epi8(otherwise.low, then.low, where.low),
          _mm256_blendv_epi8(otherwise.high, then.high, where.high)};
}
FEWBITS_LANES std::uint32_t bits_of(mask a) noexcept {
  const int low = _mm256_movemask_ps(_mm256_castsi256_ps(a.low));
  const int high = _mm256_movemask_ps(_mm256_castsi256_ps(a.high));
  return static_cast<std::uint32_t>(high << 8 | low);
}

FEWBITS_LANES std::uint32_t largest_lane(words a) noexcept {
  const __m256i eight = _mm256_max_epi32(a.low, a.high);
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1))));
}
FEWBITS_LANES bool rounds_to_nearest() noexcept { return (_mm_getcsr() & 0x6000) == 0; }

FEWBITS_LANES words as_words(floats a) noexcept { return {_mm256_castps_si256(a.low), _mm256_castps_si256(a.high)}; }
FEWBITS_LANES floats as_floats(words a) noexcept { return {_mm256_castsi256_ps(a.low), _mm256_castsi256_ps(a.high)}; }
FEWBITS_LANES floats from_integers(words a) noexcept { return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }
FEWBITS_LANES floats add(floats a, floats b) noexcept {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
FEWBITS_LANES floats subtract(floats a, floats b) noexcept {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
FEWBITS_LANES floats multiply(floats a, floats b) noexcept {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
FEWBITS_LANES floats multiply_add(floats a, floats b, floats c) noexcept {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
FEWBITS_LANES floats rounded(floats a) noexcept {
#if defined(__GNUC__)
  __asm__("" : "+x"(a.low), "+x"(a.high));
#endif
  return a;
}
FEWBITS_LANES __m256 divide(__m256 a, __m256 b) noexcept {
#if defined(__GNUC__)
  __m256 quotient;  // in assembly: -ffast-math would make an estimate of it
  __asm__("{vdivps %2, %1, %0|vdivps %0, %1, %2}" : "=x"(quotient) : "x"(a), "x"(b));
  return quotient;
#else
  return _mm256_div_ps(a, b);
#endif
}
FEWBITS_LANES floats divide(floats a, floats b) noexcept { return {divide(a.low, b.low), divide(a.high, b.high)}; }

FEWBITS_LANES table16 load_table(const std::uint32_t* from) noexcept {
  const words all = load_words(from);
  return {all.low, all.high};
}
FEWBITS_LANES __m256i look_up(table16 table, __m256i index) noexcept {
  const __m256 low = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(table.low, index));
  const __m256 high = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(table.high, index));
  return _mm256_castps_si256(_mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28))));
}
FEWBITS_LANES words look_up(table16 table, words index) noexcept {
  return {look_up(table, index.low), look_up(table, index.high)};
}
struct table32 {
  table16 low, high;
};
FEWBITS_LANES table32 load_table32(const std::uint32_t* from) noexcept {
  return {load_table(from), load_table(from + 16)};
}
FEWBITS_LANES __m256i look_up(table32 table, __m256i index) noexcept {
  const __m256 low = _mm256_castsi256_ps(look_up(table.low, index));
  const __m256 high = _mm256_castsi256_ps(look_up(table.high, index));
  return _mm256_castps_si256(_mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 27))));
}
FEWBITS_LANES words look_up(table32 table, words index) noexcept {
  return {look_up(table, index.low), look_up(table, index.high)};
}

// Thirty-two lanes of half the width
struct halves {
  __m256i low, high;
};
FEWBITS_LANES halves fill_halves(std::uint32_t half) noexcept {
  const __m256i all = _mm256_set1_epi16(static_cast<short>(half));
  return {all, all};
}
FEWBITS_LANES __m256i low_halves(words lanes) noexcept {
  const __m256i low = _mm256_blend_epi16(lanes.low, _mm256_setzero_si256(), 0xaa);
  const __m256i high = _mm256_blend_epi16(lanes.high, _mm256_setzero_si256(), 0xaa);
  return _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
}
FEWBITS_LANES halves join(words first, words second) noexcept { return {low_halves(first), low_halves(second)}; }
FEWBITS_LANES halves join_high(words first, words second) noexcept {
  return join({_mm256_srli_epi32(first.low, 16), _mm256_srli_epi32(first.high, 16)},
              {_mm256_srli_epi32(second.low, 16), _mm256_srli_epi32(second.high, 16)});
}
FEWBITS_LANES halves join_saturated(words first, words second) noexcept {
  return {_mm256_permute4x64_epi64(_mm256_packs_epi32(first.low, first.high), 0xd8),
          _mm256_permute4x64_epi64(_mm256_packs_epi32(second.low, second.high), 0xd8)};
}
FEWBITS_LANES halves bit_and(halves a, halves b) noexcept {
  return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}
FEWBITS_LANES halves subtract(halves a, halves b) noexcept {
  return {_mm256_sub_epi16(a.low, b.low), _mm256_sub_epi16(a.high, b.high)};
}
template <int Count>
FEWBITS_LANES halves shift_right(halves a) noexcept {
  return {_mm256_srli_epi16(a.low, Count), _mm256_srli_epi16(a.high, Count)};
}
FEWBITS_LANES halves larger(halves a, halves b) noexcept {
  return {_mm256_max_epi16(a.low, b.low), _mm256_max_epi16(a.high, b.high)};
}
FEWBITS_LANES halves smaller(halves a, halves b) noexcept {
  return {_mm256_min_epi16(a.low, b.low), _mm256_min_epi16(a.high, b.high)};
}
FEWBITS_LANES halves select_below_zero(halves sign, halves then, halves otherwise) noexcept {
  return {_mm256_blendv_epi8(otherwise.low, then.low, _mm256_srai_epi16(sign.low, 15)),
          _mm256_blendv_epi8(otherwise.high, then.high, _mm256_srai_epi16(sign.high, 15))};
}
FEWBITS_LANES words with_bits(words others, words where, words from) noexcept {
  return bit_or(others, bit_and(where, from));
}
FEWBITS_LANES halves with_bits(halves others, halves where, halves from) noexcept {
  const words made =
      with_bits(words{others.low, others.high}, words{where.low, where.high}, words{from.low, from.high});
  return {made.low, made.high};
}
FEWBITS_LANES words with_differences(words before, words a, words b) noexcept { return bit_or(before, bit_xor(a, b)); }
FEWBITS_LANES bool any_bit(words a) noexcept {
  const __m256i both = _mm256_or_si256(a.low, a.high);
  return _mm256_testz_si256(both, both) == 0;
}
FEWBITS_LANES __m256i low_bytes(halves lanes) noexcept {
  const __m256i bytes = _mm256_set1_epi16(255);
  return _mm256_permute4x64_epi64(
      _mm256_packus_epi16(_mm256_and_si256(lanes.low, bytes), _mm256_and_si256(lanes.high, bytes)), 0xd8);
}
FEWBITS_LANES void store_bytes(void* to, halves lanes) noexcept {
  _mm256_storeu_si256(static_cast<__m256i*>(to), low_bytes(lanes));
}
FEWBITS_LANES void store_halves(void* to, halves lanes) noexcept { store_words(to, words{lanes.low, lanes.high}); }
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, halves lanes) noexcept {
  const __m256i bytes = low_bytes(lanes);
  if constexpr (Bits == 4) {
    store_packed_bytes<Bits, Order>(to, _mm256_castsi256_si128(bytes));
    store_packed_bytes<Bits, Order>(static_cast<std::byte*>(to) + 2 * Bits, _mm256_extracti128_si256(bytes, 1));
  } else {
    store_packed_bytes<Bits, Order>(to, bytes);
  }
}
inline constexpr bool packs_sixty_four = false;
FEWBITS_LANES halves load_pair(const void* from) noexcept {
  const words all = load_words(from);
  return {all.low, all.high};
}
FEWBITS_LANES halves add(halves a, halves b) noexcept {
  return {_mm256_add_epi16(a.low, b.low), _mm256_add_epi16(a.high, b.high)};
}
FEWBITS_LANES halves subtract_saturated(halves a, halves b) noexcept {
  return {_mm256_subs_epu16(a.low, b.low), _mm256_subs_epu16(a.high, b.high)};
}
template <int Count>
FEWBITS_LANES halves shift_left(halves a) noexcept {
  return {_mm256_slli_epi16(a.low, Count), _mm256_slli_epi16(a.high, Count)};
}
FEWBITS_LANES __m256i shift_right_by(__m256i a, __m256i counts) noexcept {
  // Words shift: what falls from the upper half of one into its lower half is not taken.
  const __m256i low_half = _mm256_set1_epi32(0xffff);
  const __m256i even = _mm256_srlv_epi32(_mm256_and_si256(a, low_half), _mm256_and_si256(counts, low_half));
  return _mm256_blend_epi16(even, _mm256_srlv_epi32(a, _mm256_srli_epi32(counts, 16)), 0xaa);
}
FEWBITS_LANES halves shift_right_by(halves a, halves counts) noexcept {
  return {shift_right_by(a.low, counts.low), shift_right_by(a.high, counts.high)};
}
FEWBITS_LANES halves select_greater(halves a, halves b, halves then, halves otherwise) noexcept {
  return {_mm256_blendv_epi8(otherwise.low, then.low, _mm256_cmpgt_epi16(a.low, b.low)),
          _mm256_blendv_epi8(otherwise.high, then.high, _mm256_cmpgt_epi16(a.high, b.high))};
}
FEWBITS_LANES halves with_missing_bits(halves others, halves where, halves from) noexcept {
  return {_mm256_or_si256(others.low, _mm256_andnot_si256(from.low, where.low)),
          _mm256_or_si256(others.high, _mm256_andnot_si256(from.high, where.high))};
}
FEWBITS_LANES __m256i high_bytes(halves lanes) noexcept {
  return _mm256_permute4x64_epi64(
      _mm256_packus_epi16(_mm256_srli_epi16(lanes.low, 8), _mm256_srli_epi16(lanes.high, 8)), 0xd8);
}
FEWBITS_LANES words high_bytes(halves first, halves second) noexcept { return {high_bytes(first), high_bytes(second)}; }
template <bit_order Order>
FEWBITS_LANES void store_nibbles(void* to, words codes) noexcept {
  const __m256i factors = _mm256_set1_epi16(Order == bit_order::low_first ? 1 | 16 << 8 : 16 | 1 << 8);
  const __m256i joined =
      _mm256_packus_epi16(_mm256_maddubs_epi16(codes.low, factors), _mm256_maddubs_epi16(codes.high, factors));
  _mm256_storeu_si256(static_cast<__m256i*>(to), _mm256_permute4x64_epi64(joined, 0xd8));
}
FEWBITS_LANES words nearest(floats a) noexcept { return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)}; }
inline constexpr bool has_fp16 = true;
FEWBITS_LANES words load_fp16(const void* from) noexcept {
  const auto* at = static_cast<const __m128i*>(from);
  return as_words(floats{_mm256_cvtph_ps(_mm_loadu_si128(at)), _mm256_cvtph_ps(_mm_loadu_si128(at + 1))});
}
// Of two registers one: neighbours among their lanes are folded, and lanes of both alternate.
struct fold_by_larger {
  using lanes = words;
  FEWBITS_LANES static __m256i fold(__m256i a, __m256i b) noexcept { return _mm256_max_epi32(a, b); }
  FEWBITS_LANES static __m256i fold_halves(words a) noexcept { return fold(a.low, a.high); }
};
struct fold_by_adding {
  using lanes = floats;
  FEWBITS_LANES static __m256i fold(__m256i a, __m256i b) noexcept {
    return _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)));
  }
  FEWBITS_LANES static __m256i fold_halves(floats a) noexcept {
    return _mm256_castps_si256(_mm256_add_ps(a.low, a.high));
  }
};
template <class By>
FEWBITS_LANES __m256i fold_words(__m256i a, __m256i b) noexcept {
  return By::fold(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}
template <class By>
FEWBITS_LANES __m256i fold_four(const typename By::lanes* from) noexcept {
  const __m256i a = fold_words<By>(By::fold_halves(from[0]), By::fold_halves(from[1]));
  const __m256i b = fold_words<By>(By::fold_halves(from[2]), By::fold_halves(from[3]));
  return By::fold(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}
template <class By>
FEWBITS_LANES __m256i fold_eight(const typename By::lanes* from) noexcept {
  const __m256i a = fold_four<By>(from), b = fold_four<By>(from + 4);
  return By::fold(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}
FEWBITS_LANES words largest_of_each(const words (&registers)[16]) noexcept {
  return {fold_eight<fold_by_larger>(registers), fold_eight<fold_by_larger>(registers + 8)};
}
FEWBITS_LANES floats sum_of_each(const floats (&registers)[16]) noexcept {
  return as_floats(words{fold_eight<fold_by_adding>(registers), fold_eight<fold_by_adding>(registers + 8)});
}

// Integer products
inline constexpr std::size_t integer_tile_rows = 5;  // results wait in memory while sums take 10 of 16 registers
inline constexpr std::size_t integer_tile_panels = 1;
inline constexpr std::size_t few_integer_rows = 4;
struct byte_table {
  __m256i entries;  // the same sixteen in both halves
};
FEWBITS_LANES byte_table load_byte_table(const std::uint8_t* from) noexcept {
  return {_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
}
FEWBITS_LANES words look_up_bytes(byte_table table, words index) noexcept {
  return {_mm256_shuffle_epi8(table.entries, index.low), _mm256_shuffle_epi8(table.entries, index.high)};
}
struct byte_table64 {
  byte_table sixteens[4];
};
FEWBITS_LANES byte_table64 load_byte_table64(const std::uint8_t* from) noexcept {
  return {{load_byte_table(from), load_byte_table(from + 16), load_byte_table(from + 32), load_byte_table(from + 48)}};
}
FEWBITS_LANES __m256i look_up_bytes(const byte_table64& table, __m256i index) noexcept {
  // vpshufb reads bits 0 to 3 and, as zero, 7; bits 4 and 5 choose among four answers.
  const __m256i bit_4 = _mm256_slli_epi16(index, 3), bit_5 = _mm256_slli_epi16(index, 2);
  const __m256i low = _mm256_blendv_epi8(_mm256_shuffle_epi8(table.sixteens[0].entries, index),
                                         _mm256_shuffle_epi8(table.sixteens[1].entries, index), bit_4);
  const __m256i high = _mm256_blendv_epi8(_mm256_shuffle_epi8(table.sixteens[2].entries, index),
                                          _mm256_shuffle_epi8(table.sixteens[3].entries, index), bit_4);
  return _mm256_blendv_epi8(low, high, bit_5);
}
FEWBITS_LANES words look_up_bytes(const byte_table64& table, words index) noexcept {
  return {look_up_bytes(table, index.low), look_up_bytes(table, index.high)};
}
// Two products of unsigned and signed bytes are added in 16 bits: exact for weights up to 128, activations from -127.
constexpr bool dots_unsigned(int lowest, int highest) noexcept { return highest - lowest <= 128; }
inline constexpr bool dots_take_lowest = false;
template <bool Unsigned>
FEWBITS_LANES __m256i dot(__m256i sums, __m256i weights, __m256i activations) noexcept {
  const __m256i pairs = Unsigned
                            ? _mm256_maddubs_epi16(weights, activations)
                            : _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(activations, weights));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
template <bool Unsigned>
FEWBITS_LANES words dot(words sums, words weights, words activations) noexcept {
  return {dot<Unsigned>(sums.low, weights.low, activations.low),
          dot<Unsigned>(sums.high, weights.high, activations.high)};
}
FEWBITS_LANES words multiply_integers(words a, words b) noexcept {
  return {_mm256_mullo_epi32(a.low, b.low), _mm256_mullo_epi32(a.high, b.high)};
}

// Products. 16 registers: 12 sums, 2 of values, 1 of a broadcast activation.
inline constexpr std::size_t tile_rows = 6;
inline constexpr std::size_t tile_panels = 1;
inline constexpr std::size_t few_panels[] = {2, 1, 1};  // abreast, for 1, 2 and 4 rows
inline constexpr std::size_t slice_groups = 4;
inline constexpr bool unrolls_columns = !FEWBITS_SANITIZED;
inline constexpr bool joins_bytes = true;
inline constexpr bool shifts_by_loading = false;
inline constexpr bool looks_up_magnitudes = false;
inline constexpr std::size_t prefetch_bytes = 2048;

FEWBITS_LANES floats smaller(floats a, floats b) noexcept {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
FEWBITS_LANES void prefetch(const void* from) noexcept { _mm_prefetch(static_cast<const char*>(from), _MM_HINT_T0); }
FEWBITS_LANES __m256i join_odd_bytes(__m256i high, __m256i low) noexcept {
  return _mm256_or_si256(_mm256_and_si256(high, _mm256_set1_epi16(-256)), _mm256_srli_epi16(low, 8));
}
FEWBITS_LANES __m256i join_even_bytes(__m256i high, __m256i low) noexcept {
  return _mm256_or_si256(_mm256_slli_epi16(high, 8), _mm256_and_si256(low, _mm256_set1_epi16(255)));
}
FEWBITS_LANES words join_odd_bytes(words high, words low) noexcept {
  return {join_odd_bytes(high.low, low.low), join_odd_bytes(high.high, low.high)};
}
FEWBITS_LANES words join_even_bytes(words high, words low) noexcept {
  return {join_even_bytes(high.low, low.low), join_even_bytes(high.high, low.high)};
}
struct magnitude_table {};
FEWBITS_LANES magnitude_table load_magnitudes(const std::uint8_t*) noexcept { return {}; }
FEWBITS_LANES words look_up_magnitudes(magnitude_table, words index) noexcept { return index; }
FEWBITS_LANES words look_up_high_bytes(magnitude_table, magnitude_table, words codes) noexcept { return codes; }
FEWBITS_LANES void look_up_halves(magnitude_table, magnitude_table, const void*, void*) noexcept {}

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
