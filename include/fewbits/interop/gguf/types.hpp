// The tensor types and metadata types a GGUF file can name, with their sizes.
// Source: ggml's ggml.h, gguf.h and ggml-common.h as in llama-cpp-python 0.3.36; gguf 0.19.0 on PyPI.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The type of a tensor, by its number in the file. Numbers that are missing here belonged to types that ggml has
/// removed, or to none.
enum class gguf_type : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bfloat16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
  nvfp4 = 40,
  q1_0 = 41,
  q2_0 = 42,
};

/// One row for each type: its name, and the elements and bytes of one block. Plain numbers are blocks of one.
struct gguf_type_row {
  gguf_type type;
  std::string_view name;
  std::uint32_t elements;
  std::uint32_t bytes;
};

/// Every type, in the order of their numbers.
inline constexpr std::array<gguf_type_row, 35> gguf_type_table{{
    {gguf_type::f32, "F32", 1, 4},
    {gguf_type::f16, "F16", 1, 2},
    {gguf_type::q4_0, "Q4_0", 32, 18},
    {gguf_type::q4_1, "Q4_1", 32, 20},
    {gguf_type::q5_0, "Q5_0", 32, 22},
    {gguf_type::q5_1, "Q5_1", 32, 24},
    {gguf_type::q8_0, "Q8_0", 32, 34},
    {gguf_type::q8_1, "Q8_1", 32, 36},
    {gguf_type::q2_k, "Q2_K", 256, 84},
    {gguf_type::q3_k, "Q3_K", 256, 110},
    {gguf_type::q4_k, "Q4_K", 256, 144},
    {gguf_type::q5_k, "Q5_K", 256, 176},
    {gguf_type::q6_k, "Q6_K", 256, 210},
    {gguf_type::q8_k, "Q8_K", 256, 292},
    {gguf_type::iq2_xxs, "IQ2_XXS", 256, 66},
    {gguf_type::iq2_xs, "IQ2_XS", 256, 74},
    {gguf_type::iq3_xxs, "IQ3_XXS", 256, 98},
    {gguf_type::iq1_s, "IQ1_S", 256, 50},
    {gguf_type::iq4_nl, "IQ4_NL", 32, 18},
    {gguf_type::iq3_s, "IQ3_S", 256, 110},
    {gguf_type::iq2_s, "IQ2_S", 256, 82},
    {gguf_type::iq4_xs, "IQ4_XS", 256, 136},
    {gguf_type::i8, "I8", 1, 1},
    {gguf_type::i16, "I16", 1, 2},
    {gguf_type::i32, "I32", 1, 4},
    {gguf_type::i64, "I64", 1, 8},
    {gguf_type::f64, "F64", 1, 8},
    {gguf_type::iq1_m, "IQ1_M", 256, 56},
    {gguf_type::bfloat16, "BF16", 1, 2},
    {gguf_type::tq1_0, "TQ1_0", 256, 54},
    {gguf_type::tq2_0, "TQ2_0", 256, 66},
    {gguf_type::mxfp4, "MXFP4", 32, 17},
    {gguf_type::nvfp4, "NVFP4", 64, 36},
    {gguf_type::q1_0, "Q1_0", 128, 18},
    {gguf_type::q2_0, "Q2_0", 64, 18},
}};

/// The row of a type, or nothing for a number that no type has.
constexpr std::optional<gguf_type_row> gguf_row_of(gguf_type type) noexcept {
  for (const gguf_type_row& row : gguf_type_table)
    if (row.type == type)
      return row;
  return std::nullopt;
}

/// The name: "Q4_K". A number that no type has gives "unknown".
constexpr std::string_view to_string(gguf_type type) noexcept {
  const auto row = gguf_row_of(type);
  return row ? row->name : std::string_view{"unknown"};
}

/// The type of that exact name, or nothing.
constexpr std::optional<gguf_type> gguf_type_from_name(std::string_view name) noexcept {
  for (const gguf_type_row& row : gguf_type_table)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

/// The type of a metadata value, by its number in the file.
enum class gguf_value_type : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// "u32", "string", "array"; "unknown" for a number that no type has.
constexpr std::string_view to_string(gguf_value_type type) noexcept {
  constexpr std::array<std::string_view, 13> names{"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                   "bool", "string", "array", "u64", "i64", "f64"};
  const auto row = static_cast<std::size_t>(type);
  return row < names.size() ? names[row] : std::string_view{"unknown"};
}

/// Bytes of one value; 0 for strings, arrays and numbers that no type has.
constexpr std::size_t bytes_per_value(gguf_value_type type) noexcept {
  constexpr std::array<std::uint8_t, 13> sizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const auto row = static_cast<std::size_t>(type);
  return row < sizes.size() ? sizes[row] : 0;
}

static_assert([] {  // ascending, and no block of nothing
  for (std::size_t i = 0; i < gguf_type_table.size(); ++i)
    if (gguf_type_table[i].elements == 0 || gguf_type_table[i].bytes == 0 ||
        (i != 0 && gguf_type_table[i].type <= gguf_type_table[i - 1].type))
      return false;
  return true;
}());

FEWBITS_NAMESPACE_END
