// The element types a safetensors file can name, with their sizes in bits.
// Source: huggingface/safetensors 0.8.0, the names its reader accepts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fewbits/base/config.hpp>

FEWBITS_NAMESPACE_BEGIN

/// The type of a tensor's elements as its file names it; to_string spells that name.
/// The bytes are little-endian on every host, and types narrower than a byte are packed.
enum class dtype : std::uint8_t {
  boolean,      ///< BOOL, one byte
  f4,           ///< two e2m1 in a byte
  f6_e2m3,      ///< four in three bytes
  f6_e3m2,      ///< four in three bytes
  u8,           ///< often holds packed codes of other types
  i8,           ///<
  f8_e5m2,      ///< OCP
  f8_e4m3,      ///< OCP: e4m3fn
  f8_e8m0,      ///< OCP scale: ue8m0
  f8_e4m3fnuz,  ///< one NaN, no -0
  f8_e5m2fnuz,  ///< one NaN, no -0
  i16,          ///<
  u16,          ///<
  f16,          ///< IEEE binary16
  bfloat16,     ///< upper half of a binary32
  i32,          ///<
  u32,          ///<
  f32,          ///< IEEE binary32
  c64,          ///< complex: two binary32, real part first
  f64,          ///< IEEE binary64
  i64,          ///<
  u64,          ///<
};

/// One row for each dtype: its name in a file and the bits of one element.
struct dtype_row {
  dtype type;
  std::string_view name;
  std::uint32_t bits;
};

/// Every dtype, in the order of the enumeration.
inline constexpr std::array<dtype_row, 22> dtype_table{{
    {dtype::boolean, "BOOL", 8},
    {dtype::f4, "F4", 4},
    {dtype::f6_e2m3, "F6_E2M3", 6},
    {dtype::f6_e3m2, "F6_E3M2", 6},
    {dtype::u8, "U8", 8},
    {dtype::i8, "I8", 8},
    {dtype::f8_e5m2, "F8_E5M2", 8},
    {dtype::f8_e4m3, "F8_E4M3", 8},
    {dtype::f8_e8m0, "F8_E8M0", 8},
    {dtype::f8_e4m3fnuz, "F8_E4M3FNUZ", 8},
    {dtype::f8_e5m2fnuz, "F8_E5M2FNUZ", 8},
    {dtype::i16, "I16", 16},
    {dtype::u16, "U16", 16},
    {dtype::f16, "F16", 16},
    {dtype::bfloat16, "BF16", 16},
    {dtype::i32, "I32", 32},
    {dtype::u32, "U32", 32},
    {dtype::f32, "F32", 32},
    {dtype::c64, "C64", 64},
    {dtype::f64, "F64", 64},
    {dtype::i64, "I64", 64},
    {dtype::u64, "U64", 64},
}};

/// The name in a file: "F8_E4M3". A value outside the enumeration gives "unknown".
constexpr std::string_view to_string(dtype type) noexcept {
  const auto row = static_cast<std::size_t>(type);
  return row < dtype_table.size() ? dtype_table[row].name : std::string_view{"unknown"};
}

/// Bits of one element, 4 to 64; 0 for a value outside the enumeration.
constexpr std::uint32_t bits_per_element(dtype type) noexcept {
  const auto row = static_cast<std::size_t>(type);
  return row < dtype_table.size() ? dtype_table[row].bits : 0;
}

/// The dtype of that exact name, or nothing.
constexpr std::optional<dtype> dtype_from_name(std::string_view name) noexcept {
  for (const dtype_row& row : dtype_table)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

static_assert([] {  // a row stands where its enumerator points
  for (std::size_t i = 0; i < dtype_table.size(); ++i)
    if (static_cast<std::size_t>(dtype_table[i].type) != i)
      return false;
  return true;
}());
static_assert(dtype_table.back().type == dtype::u64);

FEWBITS_NAMESPACE_END
