// The data sheet of AArch64's base NEON: sixteen lanes are four registers.
// What each primitive does is said in simd/scalar.hpp; the loops are in the *_core.inl files.
#pragma once

#include <fewbits/simd/cores.hpp>
#include <fewbits/simd/target.hpp>

#if FEWBITS_SIMD_NEON
FEWBITS_TARGET_NEON_BEGIN
FEWBITS_SIMD_BEGIN(neon)

struct words {
  uint32x4_t part[4];
};
struct floats {
  float32x4_t part[4];
};
using mask = words;  // all ones or all zeros in a lane
struct table16 {
  uint8x16x4_t bytes;
};

// One primitive is four times the same instruction.
#define FEWBITS_EACH_PART(type, expression) \
  type made;                                \
  for (int p = 0; p < 4; ++p)               \
    made.part[p] = expression;              \
  return made

FEWBITS_LANES words fill(std::uint32_t word) noexcept { FEWBITS_EACH_PART(words, vdupq_n_u32(word)); }
FEWBITS_LANES floats fill_floats(float number) noexcept { FEWBITS_EACH_PART(floats, vdupq_n_f32(number)); }

FEWBITS_LANES words load_words(const void* from) noexcept {
  const auto* at = static_cast<const std::uint8_t*>(from);
  FEWBITS_EACH_PART(words, vreinterpretq_u32_u8(vld1q_u8(at + 16 * p)));
}
FEWBITS_LANES words widen_halves(uint16x8_t low, uint16x8_t high) noexcept {
  return {{vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low), vmovl_u16(vget_low_u16(high)), vmovl_high_u16(high)}};
}
FEWBITS_LANES words load_bytes(const void* from) noexcept {
  const uint8x16_t bytes = vld1q_u8(static_cast<const std::uint8_t*>(from));
  return widen_halves(vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
}
FEWBITS_LANES words load_halves(const void* from) noexcept {
  const auto* at = static_cast<const std::uint8_t*>(from);
  return widen_halves(vreinterpretq_u16_u8(vld1q_u8(at)), vreinterpretq_u16_u8(vld1q_u8(at + 16)));
}
FEWBITS_LANES void store_words(void* to, words lanes) noexcept {
  auto* at = static_cast<std::uint8_t*>(to);
  for (int p = 0; p < 4; ++p)
    vst1q_u8(at + 16 * p, vreinterpretq_u8_u32(lanes.part[p]));
}
FEWBITS_LANES void stream_words(void* to, words lanes) noexcept { store_words(to, lanes); }
FEWBITS_LANES uint16x8_t narrow(uint32x4_t low, uint32x4_t high) noexcept {
  return vmovn_high_u32(vmovn_u32(low), high);
}
FEWBITS_LANES uint8x16_t low_bytes(words lanes) noexcept {
  const uint16x8_t low = narrow(lanes.part[0], lanes.part[1]);
  const uint16x8_t high = narrow(lanes.part[2], lanes.part[3]);
  return vmovn_high_u16(vmovn_u16(low), high);
}
FEWBITS_LANES void store_bytes(void* to, words lanes) noexcept {
  vst1q_u8(static_cast<std::uint8_t*>(to), low_bytes(lanes));
}
FEWBITS_LANES void store_halves(void* to, words lanes) noexcept {
  auto* at = static_cast<std::uint8_t*>(to);
  vst1q_u8(at, vreinterpretq_u8_u16(narrow(lanes.part[0], lanes.part[1])));
  vst1q_u8(at + 16, vreinterpretq_u8_u16(narrow(lanes.part[2], lanes.part[3])));
}

FEWBITS_LANES void streams_done() noexcept {}

template <int Bits, bit_order Order>
FEWBITS_LANES words load_packed(const void* from) noexcept {
  constexpr std::size_t count = 2 * static_cast<std::size_t>(Bits);
  std::uint64_t low = 0, high = 0;
  std::memcpy(&low, from, count < 8 ? count : 8);
  if constexpr (count > 8)
    std::memcpy(&high, static_cast<const char*>(from) + 8, count - 8);
  const uint8x16_t all = vcombine_u8(vcreate_u8(low), vcreate_u8(high));
  const auto& places = places_of<Bits, Order>;
  FEWBITS_EACH_PART(words, vshlq_u32(vreinterpretq_u32_u8(vqtbl1q_u8(all, vld1q_u8(places.bytes.data() + 16 * p))),
                                     vnegq_s32(vreinterpretq_s32_u32(vld1q_u32(places.shifts.data() + 4 * p)))));
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, words lanes) noexcept {
  // Neighbours are joined, then fours, then eights.
  constexpr bool is_low = Order == bit_order::low_first;
  const uint16x8_t ones = vreinterpretq_u16_u8(low_bytes(lanes));
  const uint16x8_t first = vandq_u16(ones, vdupq_n_u16(0xff)), second = vshrq_n_u16(ones, 8);
  const uint32x4_t twos = vreinterpretq_u32_u16(is_low ? vorrq_u16(first, vshlq_n_u16(second, Bits))
                                                       : vorrq_u16(vshlq_n_u16(first, Bits), second));
  const uint32x4_t low_twos = vandq_u32(twos, vdupq_n_u32(0xffff)), high_twos = vshrq_n_u32(twos, 16);
  uint8x16_t joined = vreinterpretq_u8_u32(is_low ? vorrq_u32(low_twos, vshlq_n_u32(high_twos, 2 * Bits))
                                                  : vorrq_u32(vshlq_n_u32(low_twos, 2 * Bits), high_twos));
  if constexpr (Bits % 2 != 0) {
    const uint64x2_t fours = vreinterpretq_u64_u8(joined);
    const uint64x2_t even = vandq_u64(fours, vdupq_n_u64(0xffffffff)), odd = vshrq_n_u64(fours, 32);
    joined = vreinterpretq_u8_u64(is_low ? vorrq_u64(even, vshlq_n_u64(odd, 4 * Bits))
                                         : vorrq_u64(vshlq_n_u64(even, 4 * Bits), odd));
  }
  std::uint8_t bytes[16];
  vst1q_u8(bytes, vqtbl1q_u8(joined, vld1q_u8(stored_bytes_of<Bits, Order>.data())));
  std::memcpy(to, bytes, 2 * static_cast<std::size_t>(Bits));
}

FEWBITS_LANES words bit_and(words a, words b) noexcept { FEWBITS_EACH_PART(words, vandq_u32(a.part[p], b.part[p])); }
FEWBITS_LANES words bit_or(words a, words b) noexcept { FEWBITS_EACH_PART(words, vorrq_u32(a.part[p], b.part[p])); }
FEWBITS_LANES words bit_xor(words a, words b) noexcept { FEWBITS_EACH_PART(words, veorq_u32(a.part[p], b.part[p])); }
FEWBITS_LANES words add(words a, words b) noexcept { FEWBITS_EACH_PART(words, vaddq_u32(a.part[p], b.part[p])); }
FEWBITS_LANES words subtract(words a, words b) noexcept { FEWBITS_EACH_PART(words, vsubq_u32(a.part[p], b.part[p])); }
template <int Count>
FEWBITS_LANES words shift_left(words a) noexcept {
  FEWBITS_EACH_PART(words, vshlq_u32(a.part[p], vdupq_n_s32(Count)));
}
template <int Count>
FEWBITS_LANES words shift_right(words a) noexcept {
  FEWBITS_EACH_PART(words, vshlq_u32(a.part[p], vdupq_n_s32(-Count)));
}
template <int Count>
FEWBITS_LANES words shift_right_signed(words a) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_s32(vshlq_s32(vreinterpretq_s32_u32(a.part[p]), vdupq_n_s32(-Count))));
}
FEWBITS_LANES words shift_left_by(words a, words counts) noexcept {
  FEWBITS_EACH_PART(words, vshlq_u32(a.part[p], vreinterpretq_s32_u32(counts.part[p])));
}
FEWBITS_LANES words shift_right_by(words a, words counts) noexcept {
  FEWBITS_EACH_PART(words, vshlq_u32(a.part[p], vnegq_s32(vreinterpretq_s32_u32(counts.part[p]))));
}
FEWBITS_LANES words larger(words a, words b) noexcept {
  FEWBITS_EACH_PART(
      words, vreinterpretq_u32_s32(vmaxq_s32(vreinterpretq_s32_u32(a.part[p]), vreinterpretq_s32_u32(b.part[p]))));
}
FEWBITS_LANES words smaller(words a, words b) noexcept {
  FEWBITS_EACH_PART(
      words, vreinterpretq_u32_s32(vminq_s32(vreinterpretq_s32_u32(a.part[p]), vreinterpretq_s32_u32(b.part[p]))));
}

FEWBITS_LANES mask equal(words a, words b) noexcept { FEWBITS_EACH_PART(mask, vceqq_u32(a.part[p], b.part[p])); }
FEWBITS_LANES mask greater(words a, words b) noexcept {
  FEWBITS_EACH_PART(mask, vcgtq_s32(vreinterpretq_s32_u32(a.part[p]), vreinterpretq_s32_u32(b.part[p])));
}
FEWBITS_LANES mask either(mask a, mask b) noexcept { return bit_or(a, b); }
FEWBITS_LANES words select(mask where, words then, words otherwise) noexcept {
  FEWBITS_EACH_PART(words, vbslq_u32(where.part[p], then.part[p], otherwise.part[p]));
}
FEWBITS_LANES std::uint32_t bits_of(mask a) noexcept {
  const std::uint32_t weights[4] = {1, 2, 4, 8};
  const uint32x4_t places = vld1q_u32(weights);
  std::uint32_t bits = 0;
  for (int p = 0; p < 4; ++p)
    bits |= vaddvq_u32(vandq_u32(a.part[p], places)) << (4 * p);
  return bits;
}

FEWBITS_LANES std::uint32_t largest_lane(words a) noexcept {
  const int32x4_t low = vmaxq_s32(vreinterpretq_s32_u32(a.part[0]), vreinterpretq_s32_u32(a.part[1]));
  const int32x4_t high = vmaxq_s32(vreinterpretq_s32_u32(a.part[2]), vreinterpretq_s32_u32(a.part[3]));
  return static_cast<std::uint32_t>(vmaxvq_s32(vmaxq_s32(low, high)));
}
FEWBITS_LANES bool rounds_to_nearest() noexcept {
  std::uint64_t control = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return (control & 0xc00000) == 0;
}

FEWBITS_LANES words as_words(floats a) noexcept { FEWBITS_EACH_PART(words, vreinterpretq_u32_f32(a.part[p])); }
FEWBITS_LANES floats as_floats(words a) noexcept { FEWBITS_EACH_PART(floats, vreinterpretq_f32_u32(a.part[p])); }
FEWBITS_LANES floats from_integers(words a) noexcept {
  FEWBITS_EACH_PART(floats, vcvtq_f32_s32(vreinterpretq_s32_u32(a.part[p])));
}
FEWBITS_LANES floats add(floats a, floats b) noexcept { FEWBITS_EACH_PART(floats, vaddq_f32(a.part[p], b.part[p])); }
FEWBITS_LANES floats subtract(floats a, floats b) noexcept {
  FEWBITS_EACH_PART(floats, vsubq_f32(a.part[p], b.part[p]));
}
FEWBITS_LANES floats multiply(floats a, floats b) noexcept {
  FEWBITS_EACH_PART(floats, vmulq_f32(a.part[p], b.part[p]));
}
FEWBITS_LANES floats multiply_add(floats a, floats b, floats c) noexcept {
  FEWBITS_EACH_PART(floats, vfmaq_f32(c.part[p], a.part[p], b.part[p]));
}
FEWBITS_LANES floats rounded(floats a) noexcept {
  for (int p = 0; p < 4; ++p)
    __asm__("" : "+w"(a.part[p]));
  return a;
}
FEWBITS_LANES floats divide(floats a, floats b) noexcept {
  floats made;  // in assembly: -ffast-math may make an estimate of it
  for (int p = 0; p < 4; ++p)
    __asm__("fdiv %0.4s, %1.4s, %2.4s" : "=w"(made.part[p]) : "w"(a.part[p]), "w"(b.part[p]));
  return made;
}

FEWBITS_LANES table16 load_table(const std::uint32_t* from) noexcept {
  const words all = load_words(from);
  return {{{vreinterpretq_u8_u32(all.part[0]), vreinterpretq_u8_u32(all.part[1]), vreinterpretq_u8_u32(all.part[2]),
            vreinterpretq_u8_u32(all.part[3])}}};
}
FEWBITS_LANES words look_up(table16 table, words index) noexcept {
  const uint32x4_t bytes_of_entry = vdupq_n_u32(0x03020100);
  FEWBITS_EACH_PART(
      words, vreinterpretq_u32_u8(
                 vqtbl4q_u8(table.bytes, vreinterpretq_u8_u32(vmlaq_n_u32(
                                             bytes_of_entry, vandq_u32(index.part[p], vdupq_n_u32(15)), 0x04040404)))));
}
struct table32 {
  table16 low, high;
};
FEWBITS_LANES table32 load_table32(const std::uint32_t* from) noexcept {
  return {load_table(from), load_table(from + 16)};
}
FEWBITS_LANES words look_up(table32 table, words index) noexcept {
  const words low = look_up(table.low, index), high = look_up(table.high, index);
  FEWBITS_EACH_PART(words, vbslq_u32(vtstq_u32(index.part[p], vdupq_n_u32(16)), high.part[p], low.part[p]));
}

// Thirty-two lanes of half the width
struct halves {
  uint16x8_t part[4];
};
FEWBITS_LANES halves fill_halves(std::uint32_t half) noexcept {
  FEWBITS_EACH_PART(halves, vdupq_n_u16(static_cast<std::uint16_t>(half)));
}
FEWBITS_LANES halves join(words first, words second) noexcept {
  return {{narrow(first.part[0], first.part[1]), narrow(first.part[2], first.part[3]),
           narrow(second.part[0], second.part[1]), narrow(second.part[2], second.part[3])}};
}
FEWBITS_LANES halves join_high(words first, words second) noexcept {
  return {{vshrn_high_n_u32(vshrn_n_u32(first.part[0], 16), first.part[1], 16),
           vshrn_high_n_u32(vshrn_n_u32(first.part[2], 16), first.part[3], 16),
           vshrn_high_n_u32(vshrn_n_u32(second.part[0], 16), second.part[1], 16),
           vshrn_high_n_u32(vshrn_n_u32(second.part[2], 16), second.part[3], 16)}};
}
FEWBITS_LANES uint16x8_t narrow_saturated(uint32x4_t low, uint32x4_t high) noexcept {
  return vreinterpretq_u16_s16(vqmovn_high_s32(vqmovn_s32(vreinterpretq_s32_u32(low)), vreinterpretq_s32_u32(high)));
}
FEWBITS_LANES halves join_saturated(words first, words second) noexcept {
  return {{narrow_saturated(first.part[0], first.part[1]), narrow_saturated(first.part[2], first.part[3]),
           narrow_saturated(second.part[0], second.part[1]), narrow_saturated(second.part[2], second.part[3])}};
}
FEWBITS_LANES halves bit_and(halves a, halves b) noexcept {
  FEWBITS_EACH_PART(halves, vandq_u16(a.part[p], b.part[p]));
}
FEWBITS_LANES halves subtract(halves a, halves b) noexcept {
  FEWBITS_EACH_PART(halves, vsubq_u16(a.part[p], b.part[p]));
}
template <int Count>
FEWBITS_LANES halves shift_right(halves a) noexcept {
  FEWBITS_EACH_PART(halves, vshlq_u16(a.part[p], vdupq_n_s16(-Count)));
}
FEWBITS_LANES halves larger(halves a, halves b) noexcept {
  FEWBITS_EACH_PART(
      halves, vreinterpretq_u16_s16(vmaxq_s16(vreinterpretq_s16_u16(a.part[p]), vreinterpretq_s16_u16(b.part[p]))));
}
FEWBITS_LANES halves smaller(halves a, halves b) noexcept {
  FEWBITS_EACH_PART(
      halves, vreinterpretq_u16_s16(vminq_s16(vreinterpretq_s16_u16(a.part[p]), vreinterpretq_s16_u16(b.part[p]))));
}
FEWBITS_LANES halves select_below_zero(halves sign, halves then, halves otherwise) noexcept {
  FEWBITS_EACH_PART(halves,
                    vbslq_u16(vcltzq_s16(vreinterpretq_s16_u16(sign.part[p])), then.part[p], otherwise.part[p]));
}
FEWBITS_LANES words with_bits(words others, words where, words from) noexcept {
  return bit_or(others, bit_and(where, from));
}
FEWBITS_LANES halves with_bits(halves others, halves where, halves from) noexcept {
  FEWBITS_EACH_PART(halves, vorrq_u16(others.part[p], vandq_u16(where.part[p], from.part[p])));
}
FEWBITS_LANES words with_differences(words before, words a, words b) noexcept { return bit_or(before, bit_xor(a, b)); }
FEWBITS_LANES bool any_bit(words a) noexcept {
  return vmaxvq_u32(vorrq_u32(vorrq_u32(a.part[0], a.part[1]), vorrq_u32(a.part[2], a.part[3]))) != 0;
}
FEWBITS_LANES void store_bytes(void* to, halves lanes) noexcept {
  auto* at = static_cast<std::uint8_t*>(to);
  vst1q_u8(at, vmovn_high_u16(vmovn_u16(lanes.part[0]), lanes.part[1]));
  vst1q_u8(at + 16, vmovn_high_u16(vmovn_u16(lanes.part[2]), lanes.part[3]));
}
FEWBITS_LANES void store_halves(void* to, halves lanes) noexcept {
  for (int p = 0; p < 4; ++p)
    vst1q_u8(static_cast<std::uint8_t*>(to) + 16 * p, vreinterpretq_u8_u16(lanes.part[p]));
}
template <int Bits, bit_order Order>
FEWBITS_LANES void store_packed(void* to, halves lanes) noexcept {
  store_packed<Bits, Order>(to, widen_halves(lanes.part[0], lanes.part[1]));
  store_packed<Bits, Order>(static_cast<std::byte*>(to) + 2 * Bits, widen_halves(lanes.part[2], lanes.part[3]));
}
inline constexpr bool packs_sixty_four = false;
FEWBITS_LANES halves load_pair(const void* from) noexcept {
  FEWBITS_EACH_PART(halves, vreinterpretq_u16_u8(vld1q_u8(static_cast<const std::uint8_t*>(from) + 16 * p)));
}
FEWBITS_LANES halves add(halves a, halves b) noexcept { FEWBITS_EACH_PART(halves, vaddq_u16(a.part[p], b.part[p])); }
FEWBITS_LANES halves subtract_saturated(halves a, halves b) noexcept {
  FEWBITS_EACH_PART(halves, vqsubq_u16(a.part[p], b.part[p]));
}
template <int Count>
FEWBITS_LANES halves shift_left(halves a) noexcept {
  FEWBITS_EACH_PART(halves, vshlq_n_u16(a.part[p], Count));
}
FEWBITS_LANES halves shift_right_by(halves a, halves counts) noexcept {
  // The instruction takes a count's low byte, below zero for the right.
  FEWBITS_EACH_PART(halves,
                    vshlq_u16(a.part[p], vnegq_s16(vreinterpretq_s16_u16(vminq_u16(counts.part[p], vdupq_n_u16(16))))));
}
FEWBITS_LANES halves select_greater(halves a, halves b, halves then, halves otherwise) noexcept {
  FEWBITS_EACH_PART(halves, vbslq_u16(vcgtq_s16(vreinterpretq_s16_u16(a.part[p]), vreinterpretq_s16_u16(b.part[p])),
                                      then.part[p], otherwise.part[p]));
}
FEWBITS_LANES halves with_missing_bits(halves others, halves where, halves from) noexcept {
  FEWBITS_EACH_PART(halves, vorrq_u16(others.part[p], vbicq_u16(where.part[p], from.part[p])));
}
FEWBITS_LANES uint8x16_t high_bytes(uint16x8_t first, uint16x8_t second) noexcept {
  return vuzp2q_u8(vreinterpretq_u8_u16(first), vreinterpretq_u8_u16(second));
}
FEWBITS_LANES words high_bytes(halves first, halves second) noexcept {
  return {{vreinterpretq_u32_u8(high_bytes(first.part[0], first.part[1])),
           vreinterpretq_u32_u8(high_bytes(first.part[2], first.part[3])),
           vreinterpretq_u32_u8(high_bytes(second.part[0], second.part[1])),
           vreinterpretq_u32_u8(high_bytes(second.part[2], second.part[3]))}};
}
template <bit_order Order>
FEWBITS_LANES void store_nibbles(void* to, words codes) noexcept {
  for (int p = 0; p < 4; p += 2) {
    const uint8x16_t first = vreinterpretq_u8_u32(codes.part[p]), second = vreinterpretq_u8_u32(codes.part[p + 1]);
    const uint8x16_t even = vuzp1q_u8(first, second), odd = vuzp2q_u8(first, second);
    vst1q_u8(static_cast<std::uint8_t*>(to) + 8 * p,
             Order == bit_order::low_first ? vsliq_n_u8(even, odd, 4) : vsliq_n_u8(odd, even, 4));
  }
}
FEWBITS_LANES words nearest(floats a) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_s32(vcvtnq_s32_f32(a.part[p])));
}
inline constexpr bool has_fp16 = false;
FEWBITS_LANES words load_fp16(const void* from) noexcept { return load_halves(from); }
FEWBITS_LANES int32x4_t larger_parts(words a) noexcept {
  return vmaxq_s32(vmaxq_s32(vreinterpretq_s32_u32(a.part[0]), vreinterpretq_s32_u32(a.part[1])),
                   vmaxq_s32(vreinterpretq_s32_u32(a.part[2]), vreinterpretq_s32_u32(a.part[3])));
}
FEWBITS_LANES words largest_of_each(const words (&registers)[16]) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_s32(vpmaxq_s32(
                               vpmaxq_s32(larger_parts(registers[4 * p]), larger_parts(registers[4 * p + 1])),
                               vpmaxq_s32(larger_parts(registers[4 * p + 2]), larger_parts(registers[4 * p + 3])))));
}
FEWBITS_LANES float32x4_t add_parts(floats a) noexcept {
  return vaddq_f32(vaddq_f32(a.part[0], a.part[1]), vaddq_f32(a.part[2], a.part[3]));
}
FEWBITS_LANES floats sum_of_each(const floats (&registers)[16]) noexcept {
  FEWBITS_EACH_PART(floats, vpaddq_f32(vpaddq_f32(add_parts(registers[4 * p]), add_parts(registers[4 * p + 1])),
                                       vpaddq_f32(add_parts(registers[4 * p + 2]), add_parts(registers[4 * p + 3]))));
}

// Integer products
inline constexpr std::size_t integer_tile_rows = 4;  // results wait in memory while sums take 16 of 32 registers
inline constexpr std::size_t integer_tile_panels = 1;
inline constexpr std::size_t few_integer_rows = 2;
struct byte_table {
  uint8x16_t entries;
};
FEWBITS_LANES byte_table load_byte_table(const std::uint8_t* from) noexcept { return {vld1q_u8(from)}; }
FEWBITS_LANES words look_up_bytes(byte_table table, words index) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_u8(vqtbl1q_u8(table.entries, vreinterpretq_u8_u32(index.part[p]))));
}
struct byte_table64 {
  uint8x16x4_t entries;
};
FEWBITS_LANES byte_table64 load_byte_table64(const std::uint8_t* from) noexcept {
  return {{{vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 32), vld1q_u8(from + 48)}}};
}
FEWBITS_LANES words look_up_bytes(byte_table64 table, words index) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_u8(vqtbl4q_u8(table.entries, vreinterpretq_u8_u32(index.part[p]))));
}
constexpr bool dots_unsigned(int, int) noexcept { return false; }
inline constexpr bool dots_take_lowest = true;
FEWBITS_LANES int32x4_t dot_of_four(int32x4_t sums, int8x16_t a, int8x16_t b) noexcept {
  const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
  const int32x4_t high = vpaddlq_s16(vmull_high_s8(a, b));
  return vaddq_s32(sums, vpaddq_s32(low, high));
}
template <bool Unsigned>
FEWBITS_LANES words dot(words sums, words weights, words activations) noexcept {
  static_assert(!Unsigned);
  FEWBITS_EACH_PART(words, vreinterpretq_u32_s32(dot_of_four(vreinterpretq_s32_u32(sums.part[p]),
                                                             vreinterpretq_s8_u32(weights.part[p]),
                                                             vreinterpretq_s8_u32(activations.part[p]))));
}
FEWBITS_LANES words multiply_integers(words a, words b) noexcept {
  FEWBITS_EACH_PART(words, vmulq_u32(a.part[p], b.part[p]));
}

// Products. 32 registers: 24 sums, 4 of values, 1 of a broadcast activation.
inline constexpr std::size_t tile_rows = 6;
inline constexpr std::size_t tile_panels = 1;
inline constexpr std::size_t few_panels[] = {1, 1, 1};  // abreast, for 1, 2 and 4 rows
inline constexpr std::size_t slice_groups = 4;
inline constexpr bool unrolls_columns = !FEWBITS_SANITIZED;
inline constexpr bool joins_bytes = true;
inline constexpr bool shifts_by_loading = false;
inline constexpr bool looks_up_magnitudes = false;
inline constexpr std::size_t prefetch_bytes = 2048;

FEWBITS_LANES floats smaller(floats a, floats b) noexcept {
  FEWBITS_EACH_PART(floats, vminq_f32(a.part[p], b.part[p]));
}
FEWBITS_LANES void prefetch(const void* from) noexcept { __builtin_prefetch(from); }
FEWBITS_LANES words join_odd_bytes(words high, words low) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_u16(vsriq_n_u16(vreinterpretq_u16_u32(high.part[p]),
                                                             vreinterpretq_u16_u32(low.part[p]), 8)));
}
FEWBITS_LANES words join_even_bytes(words high, words low) noexcept {
  FEWBITS_EACH_PART(words, vreinterpretq_u32_u16(vsliq_n_u16(vreinterpretq_u16_u32(low.part[p]),
                                                             vreinterpretq_u16_u32(high.part[p]), 8)));
}
struct magnitude_table {};
FEWBITS_LANES magnitude_table load_magnitudes(const std::uint8_t*) noexcept { return {}; }
FEWBITS_LANES words look_up_magnitudes(magnitude_table, words index) noexcept { return index; }
FEWBITS_LANES words look_up_high_bytes(magnitude_table, magnitude_table, words codes) noexcept { return codes; }
FEWBITS_LANES void look_up_halves(magnitude_table, magnitude_table, const void*, void*) noexcept {}

#undef FEWBITS_EACH_PART

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
