// Where each number of a GGUF block lies, as data: reading and writing follow the same table, and every bit of a block
// is used once, so both ways are exact. Source: ggml-common.h and dequantize_row_* in ggml-quants.c, as in
// llama-cpp-python 0.3.36.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <fewbits/base/config.hpp>
#include <fewbits/interop/gguf/formats.hpp>
#include <fewbits/interop/gguf/types.hpp>

FEWBITS_NAMESPACE_BEGIN

/// `bits` bits of byte `byte`, from bit `shift` on, are the bits of a number from bit `place` on.
struct gguf_bits {
  std::size_t byte;
  std::size_t shift = 0;
  unsigned bits = 8;
  unsigned place = 0;
};

namespace detail {

template <std::size_t Count>
using gguf_pieces = std::array<gguf_bits, Count>;

constexpr gguf_pieces<2> gguf_fp16_at(std::size_t byte) noexcept { return {{{byte}, {byte + 1, 0, 8, 8}}}; }

/// 32 nibbles whose byte j holds elements j and j + 16.
constexpr gguf_bits split_nibble(std::size_t first_byte, std::size_t i) noexcept {
  return {first_byte + i % 16, i % 32 / 16 * 4, 4};
}
/// A bit of its own for each of 32 elements.
constexpr gguf_bits fifth_bit(std::size_t first_byte, std::size_t i) noexcept {
  return {first_byte + i / 8, i % 8, 1, 4};
}
/// In k-quants: pairs of bits whose byte l, of 32 for each 128 elements, holds elements l, l + 32, l + 64 and l + 96.
constexpr gguf_bits strided_pair(std::size_t first_byte, std::size_t i, unsigned place = 0) noexcept {
  return {first_byte + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2, place};
}
/// The same for nibbles: byte l, of 32 for each 64 elements, holds elements l and l + 32.
constexpr gguf_bits strided_nibble(std::size_t first_byte, std::size_t i) noexcept {
  return {first_byte + i / 64 * 32 + i % 32, i % 64 / 32 * 4, 4};
}
/// The same for single bits: byte l holds elements l, l + 32, ... l + 224.
constexpr gguf_bits strided_bit(std::size_t first_byte, std::size_t i, unsigned place) noexcept {
  return {first_byte + i % 32, i / 32, 1, place};
}

}  // namespace detail

// A layout says of its type: the fewbits format of its values; where code i of a block is, and scale, minimum and super
// scale k; and what is subtracted from the stored bits to give the format's code, in two's complement.
template <gguf_type Type>
struct gguf_layout;

/// What most layouts have in common.
template <gguf_type Type, blocked Format>
struct gguf_layout_base {
  using format = Format;
  static constexpr gguf_type type = Type;
  static constexpr std::size_t elements = gguf_row_of(Type)->elements;
  static constexpr std::size_t bytes = gguf_row_of(Type)->bytes;
  static constexpr unsigned code_bias = 0;
  static constexpr unsigned scale_bias = 0;
};

template <>
struct gguf_layout<gguf_type::q4_0> : gguf_layout_base<gguf_type::q4_0, int4_groups<32, fp16>> {
  static constexpr unsigned code_bias = 8;
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(0); }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::split_nibble(2, i)}}; }
};

template <>
struct gguf_layout<gguf_type::q4_1> : gguf_layout_base<gguf_type::q4_1, uint4_minimum_groups<32, fp16>> {
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(0); }
  static constexpr auto minimum(std::size_t) noexcept { return detail::gguf_fp16_at(2); }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::split_nibble(4, i)}}; }
};

template <>
struct gguf_layout<gguf_type::q5_0> : gguf_layout_base<gguf_type::q5_0, int5_groups<32, fp16>> {
  static constexpr unsigned code_bias = 16;
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(0); }
  static constexpr detail::gguf_pieces<2> code(std::size_t i) noexcept {
    return {{detail::split_nibble(6, i), detail::fifth_bit(2, i)}};
  }
};

template <>
struct gguf_layout<gguf_type::q5_1> : gguf_layout_base<gguf_type::q5_1, uint5_minimum_groups<32, fp16>> {
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(0); }
  static constexpr auto minimum(std::size_t) noexcept { return detail::gguf_fp16_at(2); }
  static constexpr detail::gguf_pieces<2> code(std::size_t i) noexcept {
    return {{detail::split_nibble(8, i), detail::fifth_bit(4, i)}};
  }
};

template <>
struct gguf_layout<gguf_type::q8_0> : gguf_layout_base<gguf_type::q8_0, int8_groups<32, fp16>> {
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(0); }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{{2 + i}}}; }
};

template <>
struct gguf_layout<gguf_type::iq4_nl> : gguf_layout_base<gguf_type::iq4_nl, iq4_groups<32, fp16>> {
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(0); }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::split_nibble(2, i)}}; }
};

template <>
struct gguf_layout<gguf_type::mxfp4> : gguf_layout_base<gguf_type::mxfp4, mxfp4> {
  static constexpr detail::gguf_pieces<1> scale(std::size_t) noexcept { return {{{0}}}; }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::split_nibble(1, i)}}; }
};

/// Four blocks of 16; the tensor scale is a tensor of its own. The highest bit of a scale means nothing.
template <>
struct gguf_layout<gguf_type::nvfp4> : gguf_layout_base<gguf_type::nvfp4, nvfp4> {
  static constexpr detail::gguf_pieces<1> scale(std::size_t k) noexcept { return {{{k, 0, 7}}}; }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept {
    return {{{4 + i / 16 * 8 + i % 8, i % 16 / 8 * 4, 4}}};
  }
};

template <>
struct gguf_layout<gguf_type::q2_k> : gguf_layout_base<gguf_type::q2_k, nested_uint2> {
  static constexpr detail::gguf_pieces<1> scale(std::size_t k) noexcept { return {{{k, 0, 4}}}; }
  static constexpr detail::gguf_pieces<1> minimum(std::size_t k) noexcept { return {{{k, 4, 4}}}; }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::strided_pair(16, i)}}; }
  static constexpr auto super_scale() noexcept { return detail::gguf_fp16_at(80); }
  static constexpr auto super_minimum() noexcept { return detail::gguf_fp16_at(82); }
};

/// The high bit of a code is 1 where ggml subtracts nothing: code = bits - 4.
template <>
struct gguf_layout<gguf_type::q3_k> : gguf_layout_base<gguf_type::q3_k, nested_int3> {
  static constexpr unsigned code_bias = 4;
  static constexpr unsigned scale_bias = 32;
  static constexpr detail::gguf_pieces<2> scale(std::size_t k) noexcept {
    return {{{96 + k % 8, k / 8 * 4, 4}, {104 + k % 4, k / 4 * 2, 2, 4}}};
  }
  static constexpr detail::gguf_pieces<2> code(std::size_t i) noexcept {
    return {{detail::strided_pair(32, i), detail::strided_bit(0, i, 2)}};
  }
  static constexpr auto super_scale() noexcept { return detail::gguf_fp16_at(108); }
};

namespace detail {

/// Eight scales and eight minimums of 6 bits in 12 bytes from byte 4 on: the first four whole, with the high bits of
/// the last four above them.
struct gguf_k_scales {
  static constexpr gguf_pieces<2> scale(std::size_t k) noexcept {
    if (k < 4)
      return {{{4 + k, 0, 4}, {4 + k, 4, 2, 4}}};
    return {{{8 + k, 0, 4}, {k, 6, 2, 4}}};
  }
  static constexpr gguf_pieces<2> minimum(std::size_t k) noexcept {
    if (k < 4)
      return {{{8 + k, 0, 4}, {8 + k, 4, 2, 4}}};
    return {{{8 + k, 4, 4}, {4 + k, 6, 2, 4}}};
  }
  static constexpr auto super_scale() noexcept { return gguf_fp16_at(0); }
  static constexpr auto super_minimum() noexcept { return gguf_fp16_at(2); }
};

}  // namespace detail

template <>
struct gguf_layout<gguf_type::q4_k> : gguf_layout_base<gguf_type::q4_k, nested_uint4>, detail::gguf_k_scales {
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::strided_nibble(16, i)}}; }
};

template <>
struct gguf_layout<gguf_type::q5_k> : gguf_layout_base<gguf_type::q5_k, nested_uint5>, detail::gguf_k_scales {
  static constexpr detail::gguf_pieces<2> code(std::size_t i) noexcept {
    return {{detail::strided_nibble(48, i), detail::strided_bit(16, i, 4)}};
  }
};

template <>
struct gguf_layout<gguf_type::q6_k> : gguf_layout_base<gguf_type::q6_k, nested_int6> {
  static constexpr unsigned code_bias = 32;
  static constexpr detail::gguf_pieces<1> scale(std::size_t k) noexcept { return {{{192 + k}}}; }
  // Byte l, of 64 for each 128 elements, holds elements l and l + 64 in its nibbles.
  static constexpr detail::gguf_pieces<2> code(std::size_t i) noexcept {
    return {{{i / 128 * 64 + i % 64, i % 128 / 64 * 4, 4}, detail::strided_pair(128, i, 4)}};
  }
  static constexpr auto super_scale() noexcept { return detail::gguf_fp16_at(208); }
};

template <>
struct gguf_layout<gguf_type::iq4_xs> : gguf_layout_base<gguf_type::iq4_xs, nested_iq4> {
  static constexpr unsigned scale_bias = 32;
  static constexpr detail::gguf_pieces<2> scale(std::size_t k) noexcept {
    return {{{4 + k / 2, k % 2 * 4, 4}, {2 + k / 4, k % 4 * 2, 2, 4}}};
  }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept {
    return {{detail::split_nibble(8 + i / 32 * 16, i)}};
  }
  static constexpr auto super_scale() noexcept { return detail::gguf_fp16_at(0); }
};

/// Bits 0, 1, 2 are -1, 0, 1. Bits 3 are 2 in ggml, written by nobody, and no code of ternary.
template <>
struct gguf_layout<gguf_type::tq2_0> : gguf_layout_base<gguf_type::tq2_0, ternary_groups<256, fp16>> {
  static constexpr unsigned code_bias = 1;
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(64); }
  static constexpr detail::gguf_pieces<1> code(std::size_t i) noexcept { return {{detail::strided_pair(0, i)}}; }
};

/// Five digits of base 3 a byte, or four in the last four bytes: digit n of b is floor(3 (3^n b mod 256) / 256), and b
/// is the digits' number x 256 / 243, rounded up.
template <>
struct gguf_layout<gguf_type::tq1_0> : gguf_layout_base<gguf_type::tq1_0, ternary_groups<256, fp16>> {
  static constexpr unsigned code_bias = 1;
  static constexpr auto scale(std::size_t) noexcept { return detail::gguf_fp16_at(52); }
  struct digit_place {
    std::size_t byte;
    std::size_t digit;
  };
  static constexpr digit_place digit_of(std::size_t i) noexcept {
    if (i < 160)
      return {i % 32, i / 32};
    if (i < 240)
      return {32 + i % 16, (i - 160) / 16};
    return {48 + i % 4, (i - 240) / 4};
  }
};

FEWBITS_NAMESPACE_END
